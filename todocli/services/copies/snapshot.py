"""Everything that a database has of one user, at one moment."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from todocli.models import Change, History, Note, Source, Todo, User
from todocli.services.imports.spool import Spool
from todocli.services.owner import Owner

TABLES: dict[str, type[Change | Todo | History | Note | Source]] = {
    "changes": Change,
    "todos": Todo,
    "history": History,
    "notes": Note,
    "sources": Source,
}
"""The tables of a user's data, in the order in which they are written."""

_PORTION = 1_000

Advance = Callable[[int], None]
"""Is called now and then with how many rows are done."""


def columns(table: str) -> list[sa.Column[Any]]:
    """Return the columns of a table that are copied: all but the user's id, which may be another one there."""
    return [column for column in SQLModel.metadata.tables[table].c if column.name != "user_id"]


class Snapshot:
    """The rows of each table on disk, each with the values of `columns`; the JSON of history is text."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.tables = {name: self._stack.enter_context(Spool()) for name in TABLES}
        self.last_number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def count(self) -> int:
        """How many rows there are."""
        return sum(spool.count for spool in self.tables.values())

    def read(self, session: Session, owner: Owner, advance: Advance = lambda done: None) -> None:
        """Read everything of a user. The session's statements must see one state of the database.

        Raises `MissingUserContext` if the database does not have the user.
        """
        self.tables = {name: self._stack.enter_context(Spool()) for name in TABLES}  # this may be another attempt
        owner.require(session)
        last_number = session.scalar(sa.select(col(User.last_number)).where(owner.is_user()))
        self.last_number = last_number or 0
        done = 0
        for name, model in TABLES.items():
            query = sa.select(*(_readable(column) for column in columns(name))).where(owner.scope(model))
            query = query.order_by(*_order(name)).execution_options(yield_per=_PORTION)
            for row in session.execute(query):
                self.tables[name].append(tuple(row))
                done += 1
                if done % _PORTION == 0:
                    advance(done)
        advance(done)


def _readable(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.cast(column, sa.Text()) if isinstance(column.type, sa.JSON) else column


def _order(table: str) -> list[Any]:
    """Return the order of rows: todos and notes by the ids of the todos, so that both can be read side by side."""
    orders: dict[str, list[Any]] = {
        "changes": [col(Change.seq)],
        "todos": [col(Todo.id)],
        "notes": [col(Note.todo_id), col(Note.made_at), col(Note.id)],
        "history": [col(History.change_id), col(History.todo_id)],
        "sources": [col(Source.format), col(Source.source_id)],
    }
    return orders.get(table, [])
