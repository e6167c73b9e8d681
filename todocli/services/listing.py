"""Which todos a list shows, and in what order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import col

from todocli.models import Todo

SortKey = Literal["number", "title", "created"]
ListState = Literal["open", "completed", "all", "trash"]

_table = sa.inspect(Todo).local_table


@dataclass(frozen=True)
class Listing:
    """What to list; `limit` is None for all."""

    state: ListState = "open"
    sort: SortKey = "number"
    reverse: bool = False
    limit: int | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions that a todo is in this list. They say nothing of whose it is."""
        if self.state == "trash":
            return [col(Todo.deleted_at).is_not(None)]
        conditions: list[sa.ColumnElement[bool]] = [col(Todo.deleted_at).is_(None)]
        if self.state == "open":
            conditions.append(col(Todo.completed_at).is_(None))
        if self.state == "completed":
            conditions.append(col(Todo.completed_at).is_not(None))
        return conditions

    def order(self, dialect: str) -> list[sa.ColumnElement[Any]]:
        """Return the order, which is total and the same on every engine.

        Titles are compared by code point after ASCII letters are made lower case, and then as they are: what SQLite
        does by default, and Postgres under the collation "C" whatever the database's own is.
        """
        code_points = "BINARY" if dialect == "sqlite" else "C"
        title = sa.collate(_table.c.title, code_points)
        keys: list[sa.ColumnElement[Any]] = []
        if self.sort == "title":
            keys = [sa.func.lower(title), title]
        elif self.sort == "created":
            keys = [_table.c.created_at]
        keys.append(_table.c.number)
        return [sa.desc(key) if self.reverse else sa.asc(key) for key in keys]
