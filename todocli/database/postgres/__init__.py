"""Postgres: its URLs, how a connection is opened, and what its errors mean."""

SCHEMA = "todo"
"""The Postgres schema of all tables and functions. In `public`, an application's tables could have the same names.

Nothing depends on the session's `search_path`, which a pooler may have set for somebody else. Every statement names the
schema. Whatever can be resolved to an object of another schema names `pg_catalog`.
"""
