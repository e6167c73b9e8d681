"""Which todos a list shows, and in what order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import col

from todocli import clock
from todocli.domain.fields import PRIORITIES, SOON
from todocli.domain.filters.ast import EVERYTHING, Filter, asks_for_start
from todocli.domain.sorting import Sort, SortKey
from todocli.models import Todo
from todocli.services.filter_sql import compile_filter

ListState = Literal["open", "completed", "all", "trash"]

_table = sa.inspect(Todo).local_table


@dataclass(frozen=True)
class TodoQuery:
    """What to list; `limit` is None for all. Relative days refer to `here`, a local time.

    A todo that starts later is hidden from the open list, unless the filter asks for start dates. Without `sort` the
    open list is sorted by urgency, and the others by number.
    """

    state: ListState = "open"
    filter: Filter = EVERYTHING
    sort: tuple[Sort, ...] = ()
    reverse: bool = False
    limit: int | None = None
    here: datetime = field(default_factory=lambda: clock.here())

    def conditions(self, dialect: str) -> list[sa.ColumnElement[bool]]:
        """Return the conditions that a todo is in this list. Not scoped to a user."""
        return [*self.state_conditions(), compile_filter(self.filter, self.here, dialect)]

    def state_conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions without the filter."""
        if self.state == "trash":
            return [col(Todo.deleted_at).is_not(None)]
        conditions: list[sa.ColumnElement[bool]] = [col(Todo.deleted_at).is_(None)]
        if self.state == "open":
            conditions.append(col(Todo.completed_at).is_(None))
            if not asks_for_start(self.filter):
                starts_on = _table.c.starts_on
                conditions.append(sa.or_(starts_on.is_(None), starts_on <= self.here.date()))
        if self.state == "completed":
            conditions.append(col(Todo.completed_at).is_not(None))
        return conditions

    def order(self, dialect: str) -> list[sa.ColumnElement[Any]]:
        """Return the ORDER BY, which is total and the same on both engines."""
        return self.ordered(self.keys(dialect))

    def ordered(self, keys: Iterable[tuple[sa.ColumnElement[Any], bool]]) -> list[sa.ColumnElement[Any]]:
        """Return the ORDER BY for `keys`."""
        place = sa.nulls_first if self.reverse else sa.nulls_last
        return [place(sa.desc(key) if descending else sa.asc(key)) for key, descending in keys]

    def keys(self, dialect: str) -> list[tuple[sa.ColumnElement[Any], bool]]:
        """Return the sort keys, and whether each is descending. NULLs are last; reversed, first."""
        sorts = self.sort or ((Sort("urgency"),) if self.state == "open" else ())
        return [
            (key, sort.descending is not self.reverse)
            for sort in (*sorts, Sort("number"))
            for key in self._keys(sort.key, dialect)
        ]

    def _keys(self, key: SortKey, dialect: str) -> list[sa.ColumnElement[Any]]:
        todo = _table.c
        rank: sa.ColumnElement[Any] = sa.case(
            {name: place for place, name in enumerate(reversed(PRIORITIES), 1)}, value=todo.priority
        )
        match key:
            case "urgency":
                soon = todo.due_on <= self.here.date() + timedelta(days=SOON)
                # Overdue todos sort first by themselves: their date, or today their time, is earlier than the others'.
                due = [sa.case((soon, column)) for column in (todo.due_on, todo.due_time)]
                return [*due, sa.func.coalesce(-rank, 0), todo.due_on, todo.due_time]
            case "title":
                return _by_code_point(todo.title, dialect)
            case "project":
                return _by_code_point(todo.project, dialect)
            case "priority":
                return [rank]
            case "due":
                return [todo.due_on, todo.due_time]
            case "start":
                return [todo.starts_on]
            case "created":
                return [todo.created_at]
            case "number":
                return [todo.number]


def _by_code_point(column: sa.ColumnElement[str], dialect: str) -> list[sa.ColumnElement[Any]]:
    """Return sort keys that compare text by code point: first with ASCII letters in lower case, then as it is.

    SQLite does so by default, and Postgres under the collation "C", whatever the collation of the database is.
    """
    text = sa.collate(column, "BINARY" if dialect == "sqlite" else "C")
    return [sa.func.lower(text, type_=sa.String()), text]
