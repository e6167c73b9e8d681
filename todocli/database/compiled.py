"""Compiled statements, kept for all engines of the process.

SQLAlchemy keeps them for one engine. A command has one, but compiling takes longer than running: the daemon does it
before it forks, and tests open thousands of databases.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

COMPILED: LRUCache[Any, Any] = LRUCache(500)
"""For the execution option `compiled_cache`."""


class Interchangeable:
    """All instances of such a dialect compile alike, so they can share compiled statements."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))


class SQLiteDialect(Interchangeable, SQLiteDialect_pysqlite):
    """SQLAlchemy's dialect for Python's own driver."""

    supports_statement_cache = True
