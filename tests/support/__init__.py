"""What stands between the program and a real Postgres in tests and benchmarks, as Neon's front does in the world."""
