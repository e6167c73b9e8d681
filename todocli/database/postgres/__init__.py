"""Postgres: its URLs, how a connection is opened, and what its errors mean."""

SCHEMA = "todo"
"""The Postgres schema of all tables and functions. In `public`, an application's tables could have the same names.

No statement depends on the session's `search_path`, which clients of a pooler may share. Tables are qualified with this
schema, and calls that could resolve to an object elsewhere are qualified with `pg_catalog`.
"""
