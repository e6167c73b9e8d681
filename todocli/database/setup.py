"""Creates the embedded database, and upgrades its schema, on the way to the first statement.

A database that cannot be written to is read all the same.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from todocli.database import errors, schema, sqlite_file
from todocli.errors import TodoError


@dataclass(frozen=True)
class Setup:
    """What came of it: whether the database was created, or why it can only be read."""

    created: bool = False
    only_reads: str | None = None


def prepare(path: Path) -> Setup:
    """Do what `ensure_schema` does; if the file cannot be written to, find out whether it can be read."""
    failures: list[sqlite3.Error] = []
    try:
        return Setup(created=ensure_schema(path, failures.append))
    except TodoError:
        if not failures or _code(failures[0]) in ("BUSY", "LOCKED"):  # then it has been waited for long enough
            raise
        with suppress(sqlite3.Error), closing(sqlite_file.connect_for_reading(path)) as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] >= int(schema.HEAD):
                return Setup(only_reads=errors.sqlite_error(failures[0], path, effect="").detail)
        raise


def _code(error: sqlite3.Error) -> str:
    return str(getattr(error, "sqlite_errorname", "")).removeprefix("SQLITE_").split("_")[0]


def ensure_schema(path: Path, on_failure: Callable[[sqlite3.Error], None] = lambda error: None) -> bool:
    """Create the embedded database at `path`, or bring its schema up to date. Return whether it was created.

    A newer schema stays as it is: each statement tests whether it admits this program. Raises
    `todocli.errors.TodoError` for a file that cannot be used; `on_failure` is called with SQLite's error.
    """
    with errors.translate_sqlite_errors(path, on_failure):
        created = sqlite_file.create_file(path)
        number = sqlite_file.schema_number(path)
        if number and not sqlite_file.is_ours(path):
            raise errors.foreign(path)
    if number >= int(schema.HEAD):
        return created
    revision = f"{number:04}"
    if revision in schema.UNRELEASED:
        raise schema.unreleased(path, revision)
    from todocli.database import migrations

    migrations.upgrade(path)
    return created
