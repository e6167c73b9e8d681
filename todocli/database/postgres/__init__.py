"""Postgres: its URLs, how a connection is opened, and what its errors mean."""
