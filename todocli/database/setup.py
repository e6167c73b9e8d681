"""Creates the embedded database, and upgrades its schema, on the way to the first statement.

A database that cannot be written to is read all the same.
"""

from __future__ import annotations

import sqlite3
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
    try:
        return Setup(created=ensure_schema(path))
    except TodoError as error:
        cause = error.__cause__
        if not isinstance(cause, sqlite3.Error) or errors.sqlite_code(cause) in _WAITED:
            raise
        with suppress(sqlite3.Error), closing(sqlite_file.connect_for_reading(path)) as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] >= int(schema.HEAD):
                return Setup(only_reads=errors.sqlite_error(cause, path, effect="").detail)
        raise


_WAITED = ("BUSY", "LOCKED")
"""The errors after a wait for a lock. The file could be read, but another wait would be too long."""


def ensure_schema(path: Path) -> bool:
    """Create the embedded database at `path`, or bring its schema up to date. Return whether it was created.

    A newer schema stays as it is: each statement tests whether it admits this program. Raises
    `todocli.errors.TodoError` for a file that cannot be used.
    """
    with errors.translate_sqlite_errors(path):
        created = sqlite_file.create_file(path)
        number, is_ours = sqlite_file.read_header(path)
        if number and not is_ours:
            raise errors.foreign(path)
    if number >= int(schema.HEAD):
        return created
    revision = f"{number:04}"
    if revision in schema.UNRELEASED:
        raise schema.unreleased(path, revision)
    from todocli.database import migrations

    migrations.upgrade(path)
    return created
