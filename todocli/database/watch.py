"""Waits until a database may have changed, without a query on its tables.

A watch is started before the tables are read, so that nothing is missed; see `todocli.services.history.follow`:

    FileWatch     the embedded file: a counter that SQLite keeps of the commits of others
    Listening     Postgres: NOTIFY, on a connection that is idle otherwise (`todocli.database.postgres.listening`)
    PollWatch     any database: the time
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Protocol

from todocli.database import sqlite_file
from todocli.database.errors import translate_sqlite_errors
from todocli.database.waiter import Waiter
from todocli.errors import ServiceUnavailable

FILE_SECONDS = 0.5
"""How often the counter of a file is read."""


class Watch(Protocol):
    """Waits until a database may have changed."""

    def start(self) -> None:
        """Begin, or go on: what changes from now on ends a wait. Raises `todocli.errors.TodoError`."""

    def wait(self, seconds: float | None) -> bool:
        """Return whether something may have changed, after `seconds` at most; None: once it has.

        Raises `ServiceUnavailable` if the database cannot be watched any longer; then it has to be started again.
        """

    def close(self) -> None:
        """End; it may be started again."""


class PollWatch:
    """Takes it that something changes all the time, and lets `every` so many seconds pass."""

    def __init__(self, every: float, waiter: Waiter) -> None:
        self._every = self._left = every
        self._waiter = waiter

    def start(self) -> None:
        """Begin."""

    def wait(self, seconds: float | None) -> bool:
        """Return whether the time has come, after `seconds` at most."""
        if seconds is not None and seconds < self._left:
            self._waiter.wait(seconds)
            self._left -= seconds
            return False
        self._waiter.wait(self._left)
        self._left = self._every
        return True

    def close(self) -> None:
        """End."""


class FileWatch:
    """Watches the file at `path` (https://www.sqlite.org/pragma.html#pragma_data_version)."""

    def __init__(self, path: Path, waiter: Waiter) -> None:
        self._path = path
        self._waiter = waiter
        self._connection: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._version = 0

    def start(self) -> None:
        """Begin, or go on. Raises `todocli.errors.TodoError`."""
        if self._connection is None:
            with translate_sqlite_errors(self._path):
                self._file = self._identity()
                self._connection = sqlite_file.connect(self._path)
            self._version = self._read()

    def wait(self, seconds: float | None) -> bool:
        """Return whether another connection has committed, after `seconds` at most; raises as `Watch.wait`."""
        waited = 0.0
        while (version := self._read()) == self._version:
            if seconds is not None and waited >= seconds:
                return False
            self._waiter.wait(FILE_SECONDS)
            waited += FILE_SECONDS
        self._version = version
        return True

    def _read(self) -> int:
        assert self._connection is not None, "the watch was not started"  # noqa: S101
        with translate_sqlite_errors(self._path):
            if self._identity() != self._file:  # a backup was restored
                raise ServiceUnavailable(f"{self._path} was replaced.", hint="Try again in a moment.")
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _identity(self) -> tuple[int, int]:
        found = self._path.stat()
        return found.st_dev, found.st_ino

    def close(self) -> None:
        """End."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
