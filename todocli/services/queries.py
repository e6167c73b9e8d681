"""Which todos a list shows, and in what order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self

import sqlalchemy as sa
from sqlmodel import col

from todocli import clock
from todocli.domain.fields import SOON
from todocli.domain.filters.ast import (
    EVERYTHING,
    Between,
    Filter,
    Someday,
    all_of,
    dates_in,
)
from todocli.domain.sorting import Sort, SortKey
from todocli.models import Todo
from todocli.services.dependency_sql import is_blocking
from todocli.services.filter_sql import compile_filter
from todocli.services.owner import Owner

ListState = Literal["open", "completed", "all", "trash"]

_DEFAULT_SORT: dict[ListState, tuple[Sort, ...]] = {
    "open": (Sort("urgency"),),
    "completed": (Sort("completed", descending=True),),
}
"""How a list is sorted by default; the others are sorted by number."""

_RANKS = {"high": 3, "medium": 2, None: 1, "low": 0}

_table = sa.inspect(Todo).local_table


def in_state(state: ListState) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a todo is in a state."""
    if state == "trash":
        return [col(Todo.deleted_at).is_not(None)]
    completed_at = col(Todo.completed_at)
    completed = {"open": [completed_at.is_(None)], "completed": [completed_at.is_not(None)]}
    return [col(Todo.deleted_at).is_(None), *completed.get(state, [])]


@dataclass(frozen=True)
class TodoQuery:
    """What to list; `limit` is None for all. Relative days refer to `here`, a local time.

    A todo that starts later is hidden from the open list, unless the filter asks for start dates; one for someday,
    unless the filter asks for those.
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
        """Return the conditions without the filter: the state, and what an open list hides."""
        conditions = in_state(self.state)
        asked = dates_in(self.filter)
        if self.state == "open" and "start" not in asked:
            starts_on = _table.c.starts_on
            conditions.append(sa.or_(starts_on.is_(None), starts_on <= self.here.date()))
        if self.state == "open" and "someday" not in asked:
            conditions.append(_table.c.is_someday == sa.false())
        return conditions

    def hidden(self) -> dict[str, Self]:
        """Return the queries for the open todos that this list hides: those that start `later`, and for `someday`."""
        if self.state != "open":
            return {}
        tomorrow = self.here.date() + timedelta(days=1)
        hidden: dict[str, Filter] = {}
        asked = dates_in(self.filter)
        if "start" not in asked:
            hidden["later"] = Between("start", tomorrow)
        if asked.isdisjoint(("someday", "due")):  # no date is due in a todo for someday
            hidden["someday"] = Someday()
        return {name: replace(self, filter=all_of(self.filter, term), limit=None) for name, term in hidden.items()}

    def ordered(self, keys: Iterable[tuple[sa.ColumnElement[Any], bool]]) -> list[sa.ColumnElement[Any]]:
        """Return the ORDER BY for `keys`, which is total and the same on both engines."""
        place = sa.nulls_first if self.reverse else sa.nulls_last
        order = [(key, sa.desc(key) if descending else sa.asc(key)) for key, descending in keys]
        return [place(ordering) if self._may_be_null(key) else ordering for key, ordering in order]

    def _may_be_null(self, key: sa.ColumnElement[Any]) -> bool:
        """Whether a NULL has to be placed: an index that sorts them otherwise cannot be read in order."""
        if key is _table.c.completed_at:
            return self.state != "completed"
        return not isinstance(key, sa.Column) or bool(key.nullable)

    def keys(self, owner: Owner, dialect: str) -> list[tuple[sa.ColumnElement[Any], bool]]:
        """Return the sort keys, and whether each is descending. NULLs are last; reversed, first."""
        sorts = self.sort or _DEFAULT_SORT.get(self.state, ())
        return [
            (key, sort.descending is not self.reverse)
            for sort in (*sorts, Sort("number"))
            for key in self._keys(sort.key, owner, dialect)
        ]

    def _keys(self, key: SortKey, owner: Owner, dialect: str) -> list[sa.ColumnElement[Any]]:
        todo = _table.c
        rank: sa.ColumnElement[Any] = sa.case(
            {name: rank for name, rank in _RANKS.items() if name}, value=todo.priority, else_=_RANKS[None]
        )
        match key:
            case "urgency":
                soon = todo.due_on <= self.here.date() + timedelta(days=SOON)
                # Overdue todos sort first by themselves: their date, or today their time, is earlier than the others'.
                due = [sa.case((soon, column)) for column in (todo.due_on, todo.due_time)]
                # Of todos that are alike in that, those come first that others wait for.
                return [*due, -rank, sa.case((is_blocking(owner, dialect), 0), else_=1), todo.due_on, todo.due_time]
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
            case "completed":
                return [todo.completed_at]
            case "changed":
                return [todo.updated_at]
            case "number":
                return [todo.number]


def _by_code_point(column: sa.ColumnElement[str], dialect: str) -> list[sa.ColumnElement[Any]]:
    """Return sort keys that compare text by code point: first with ASCII letters in lower case, then as it is.

    SQLite does so by default, and Postgres under the collation "C", whatever the collation of the database is.
    """
    text = sa.collate(column, "BINARY" if dialect == "sqlite" else "C")
    return [sa.func.lower(text, type_=sa.Text()), text]
