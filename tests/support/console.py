"""A user at an SQL console: plain SQL on either engine, without the program."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psycopg

from tests.support import postgres
from todocli.database.target import Target

REFUSED = (sqlite3.IntegrityError, psycopg.IntegrityError, psycopg.errors.SerializationFailure)
NOON = datetime(2026, 11, 27, 12, 0, 0, 123456, UTC)
EMPTY = {
    "description": None,
    "completed_at": None,
    "created_at": "2026-11-27T12:00:00.123456Z",
    "deleted_at": None,
    **dict.fromkeys(("due_on", "due_time", "starts_on", "priority", "project", "tags")),
    "is_someday": False,
    "note_count": 0,
    **dict.fromkeys(("claimed_by", "claimed_until", "needs")),
    **dict.fromkeys(("series_id", "series_place", "rrule", "repeat_from", "repeat_on", "ends_on", "times")),
    **dict.fromkeys(("parent", "series_values")),
}


class HistoryRow(NamedTuple):
    """One row of history, with the source of its change."""

    change: UUID
    source: str
    todo: UUID
    before: dict[str, Any] | None
    after: dict[str, Any] | None


LOCK_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
"""How many sessions wait for a lock; those of other tests on the same server do not count."""


class Console:
    """A connection in autocommit mode. Statements take `:name` for a value, on both engines."""

    def __init__(self, target: Target) -> None:
        self.is_sqlite = isinstance(target, Path)
        self.too_long: type[Exception] = (
            sqlite3.IntegrityError if self.is_sqlite else psycopg.errors.StringDataRightTruncation
        )
        self._connection: Any
        if isinstance(target, Path):
            self._connection = sqlite3.connect(target, isolation_level=None, timeout=30)
            self._connection.execute("PRAGMA foreign_keys = ON")
        else:
            self._connection = postgres.connect(target)

    def run(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows."""
        if self.is_sqlite:
            values = {name: _as_stored(value) for name, value in values.items()}
        else:
            statement = re.sub(r"(?<!:):(\w+)", r"%(\1)s", statement.replace("%", "%%"))
        cursor = self._connection.execute(statement, values)
        return list(cursor.fetchall()) if cursor.description else []

    def value(self, statement: str, **values: Any) -> Any:
        """Return the first column of the first row."""
        return self.run(statement, **values)[0][0]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep what is inside together."""
        self.run("BEGIN")
        yield
        self.run("COMMIT")

    def check_counts(self) -> None:
        """Fail unless each user has as many todos in each state as `users` says."""
        states = {
            "open_count": "deleted_at IS NULL AND completed_at IS NULL",
            "completed_count": "deleted_at IS NULL AND completed_at IS NOT NULL",
            "trash_count": "deleted_at IS NOT NULL",
        }
        for name, condition in states.items():
            counted = f"(SELECT count(*) FROM todos WHERE user_id = users.id AND {condition})"
            wrong = self.run(f"SELECT name, {name}, {counted} FROM users WHERE {name} <> {counted}")
            assert wrong == [], name

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def add_user(self, name: str = "ada") -> UUID:
        """Add a user."""
        user = uuid4()
        self.run("INSERT INTO users (id, name, created_at) VALUES (:user, :name, :at)", user=user, name=name, at=NOON)
        return user

    def add(
        self,
        user: UUID,
        number: int,
        title: str = "Pay rent",
        *,
        todo: UUID | None = None,
        change: UUID | None = None,
        verb: str = "INSERT",
        then: str = "",
        **more: Any,
    ) -> UUID:
        """Add a todo; `verb` and `then` are around the statement."""
        row = {"id": todo or uuid4(), "user_id": user, "number": number, "title": title, "version": 1}
        row |= {"created_at": NOON, "updated_at": NOON, "change_id": change or uuid4(), "change_source": "cli"} | more
        columns, places = ", ".join(row), ", ".join(f":{name}" for name in row)
        self.run(f"{verb} INTO todos ({columns}) VALUES ({places}) {then}", **row)
        return UUID(str(row["id"]))

    def history(self, user: UUID) -> list[HistoryRow]:
        """Return everything that history has for `user`, oldest first."""
        rows = self.run(
            "SELECT h.change_id, c.source, h.todo_id, h.before, h.after FROM history AS h"
            " JOIN changes AS c ON c.user_id = h.user_id AND c.id = h.change_id"
            " WHERE h.user_id = :user ORDER BY c.seq, h.todo_id",
            user=user,
        )
        return [
            HistoryRow(UUID(str(change)), source, UUID(str(todo)), _loaded(before), _loaded(after))
            for change, source, todo, before, after in rows
        ]

    def changes(self, user: UUID) -> list[UUID]:
        """Return the changes of `user`, oldest first."""
        rows = self.run("SELECT id FROM changes WHERE user_id = :user ORDER BY seq", user=user)
        return [UUID(str(change)) for (change,) in rows]


def _as_stored(value: Any) -> Any:
    """Return `value` as SQLAlchemy stores it in SQLite."""
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value


def _loaded(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
