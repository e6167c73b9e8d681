"""Measurements that anyone can repeat: `python -m tests.benchmarks.NAME`. They print tables and assert no time."""
