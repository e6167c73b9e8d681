"""Writes the rows that undo and redo have computed: one change of several todos, in as few statements as it takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from todocli.models import History, Todo, User
from todocli.services.history.reversal import Columns
from todocli.services.owner import Owner

MAX_IDS = 10_000
"""The most todos that one statement names: its parameters are limited."""

_todos = SQLModel.metadata.tables["todos"]


class Patch:
    """What the reversal of one change writes. The session's statements are one transaction."""

    def __init__(self, session: Session, owner: Owner) -> None:
        self._session = session
        self._owner = owner
        self._new: list[Columns] = []
        self._alike: dict[str, tuple[Columns, list[UUID]]] = {}
        self.has_notes = False

    def add(self, todo_id: UUID, columns: Columns, row: Columns | None) -> None:
        """Add the columns to write of a todo, given its stored row; all of them if there is none."""
        if row is None:
            self._new.append({"id": todo_id, **columns})
            return
        self.has_notes = self.has_notes or "note_count" in columns
        self._alike.setdefault(repr(columns), (columns, []))[1].append(todo_id)

    def write(self, stamped: Mapping[str, Any]) -> None:
        """Write everything: todos that get the same values in one statement, however many they are."""
        for columns in self._new:
            self._insert({**columns, **stamped})
        single: dict[tuple[str, ...], list[Columns]] = defaultdict(list)
        mine = self._owner.owns(Todo)
        for columns, ids in self._alike.values():
            if len(ids) == 1:
                single[tuple(columns)].append({"todo": ids[0], **{f"new_{name}": columns[name] for name in columns}})
                continue
            for i in range(0, len(ids), MAX_IDS):
                statement = _todos.update().where(mine, _todos.c.id.in_(ids[i : i + MAX_IDS]))
                self._session.execute(statement.values(**columns, **stamped, version=_todos.c.version + 1))
        for names, rows in single.items():
            new: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
            statement = _todos.update().where(mine, _todos.c.id == sa.bindparam("todo"))
            self._session.execute(statement.values(**new, **stamped, version=_todos.c.version + 1), rows)

    def _insert(self, columns: Columns) -> None:
        """Insert a deleted todo again; its version continues where its history ends."""
        so_far = sa.select(sa.func.count() + 1).where(self._owner.owns(History), col(History.todo_id) == columns["id"])
        columns = {**columns, "note_count": 0}  # its notes went with the row
        values: Columns = {name: sa.literal(value, _todos.c[name].type) for name, value in columns.items()}
        values |= {"version": so_far.scalar_subquery(), "user_id": col(User.id)}
        row = sa.select(*values.values()).select_from(User).where(self._owner.is_user())
        self._session.execute(_todos.insert().from_select(list(values), row))
