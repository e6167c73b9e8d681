"""Writes the rows that undo and redo have computed: one change of several todos, in as few statements as it takes.

Few todos are written from memory. More wait in a temporary table, and are written by one statement.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from todocli.column_types import Uuid
from todocli.models import History, Todo, User
from todocli.services import staging
from todocli.services.history.reversal import PLACE, Columns, own_series
from todocli.services.owner import Owner

PORTION = 2_000
"""The most todos that are read at once, and kept in memory for each change."""

_todos = SQLModel.metadata.tables["todos"]

_WRITTEN = [
    column
    for column in _todos.c
    if column.name not in ("id", "user_id", "number", "version", "updated_at") and not column.name.startswith("change_")
]
"""The columns that a reversal may write."""


@lru_cache(maxsize=20)
def _definition(dialect: str, name: str) -> sa.Table:
    kept = (sa.Column(column.name, column.type) for column in _WRITTEN)
    return staging.define(dialect, name, [sa.Column("id", Uuid(), primary_key=True), *kept])


class Patch:
    """What the reversal of one change writes. The session's statements are one transaction."""

    def __init__(self, session: Session, owner: Owner, number: int) -> None:
        self._session = session
        self._owner = owner
        self._new: list[Columns] = []
        self._rows: list[tuple[UUID, Columns, Columns]] = []
        self._names: set[str] = set()
        self._name = f"patch_{number}"
        staging.discard(session, self._name)
        self._staged: sa.Table | None = None
        self.linked: set[int] = set()
        """The numbers of the todos that will need others, or be subtasks of others."""

    def add(self, todo_id: UUID, columns: Columns, row: Columns | None) -> None:
        """Add the columns to write of a todo, given its stored row; all of them if there is none."""
        if row is None:
            self._new.append({"id": todo_id, **columns})
            return
        if columns.get("needs") or columns.get("parent"):
            self.linked.add(row["number"])
        self._rows.append((todo_id, columns, row))
        self._names.update(columns)
        if len(self._rows) == PORTION:
            self._stage()

    @property
    def has_notes(self) -> bool:
        """Whether it changes how many notes a todo has."""
        return "note_count" in self._names

    def write(self, stamped: Mapping[str, Any]) -> None:
        """Write everything."""
        self._take_places(stamped)
        for columns in self._new:
            self._insert({**columns, **stamped})
        if self._staged is None:
            self._write_rows(stamped)
        else:
            self._stage()
            self._write_staged(self._staged, stamped)

    def _take_places(self, stamped: Mapping[str, Any]) -> None:
        """Let todos in the trash give up the places in series that these take; beside another one, they take none."""
        written = [
            *((new["id"], new) for new in self._new),
            *((todo_id, columns) for todo_id, columns, _ in self._rows),
        ]
        takers = {
            (columns["series_id"], columns["series_place"]): (todo_id, columns)
            for todo_id, columns in written
            if columns.get("series_id") not in (None, todo_id)  # nobody else is in a todo's own series
        }
        if not takers:
            return
        place = [_todos.c[name] for name in PLACE]
        ids = [todo_id for todo_id, _ in takers.values()]
        held = (self._owner.owns(Todo), sa.tuple_(*place).in_(list(takers)), _todos.c.id.not_in(ids))
        give_up = _todos.update().where(*held, _todos.c.deleted_at.is_not(None))
        own = own_series(_todos.c.id)
        self._session.execute(give_up.values(**own, **stamped, version=_todos.c.version + 1))
        for row in self._session.execute(sa.select(*place).where(*held)):
            todo_id, columns = takers[row.series_id, row.series_place]
            columns |= own_series(todo_id)

    def _stage(self) -> None:
        """Move the rows to a temporary table, where they are whole: they differ in what is written of them."""
        if self._staged is None:
            dialect = self._session.get_bind().dialect.name
            self._staged = staging.create(self._session, _definition(dialect, self._name))
        whole = ((todo_id, {**row, **columns}) for todo_id, columns, row in self._rows)
        rows = [(todo_id, *(row.get(column.name) for column in _WRITTEN)) for todo_id, row in whole]
        staging.load(self._session, self._staged, [rows])
        self._rows.clear()

    def _write_staged(self, staged: sa.Table, stamped: Mapping[str, Any]) -> None:
        """Write the columns that some todo needs; the others are locked, and keep the values that they have."""
        new = {name: staged.c[name] for name in sorted(self._names)}
        mine = (self._owner.owns(Todo), _todos.c.id == staged.c.id)
        staging.plan_for_many(self._session)
        self._session.execute(_todos.update().where(*mine).values(**new, **stamped, version=_todos.c.version + 1))

    def _write_rows(self, stamped: Mapping[str, Any]) -> None:
        """Write the rows that are in memory: todos that get the same values in one statement."""
        alike: dict[str, tuple[Columns, list[UUID]]] = {}
        for todo_id, columns, _ in self._rows:
            alike.setdefault(repr(columns), (columns, []))[1].append(todo_id)
        single: dict[tuple[str, ...], list[Columns]] = defaultdict(list)
        mine = self._owner.owns(Todo)
        for columns, ids in alike.values():
            if len(ids) == 1:
                single[tuple(columns)].append({"todo": ids[0], **{f"new_{name}": columns[name] for name in columns}})
                continue
            statement = _todos.update().where(mine, _todos.c.id.in_(ids))
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
