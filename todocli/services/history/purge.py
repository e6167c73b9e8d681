"""Deletes todos for good, with their history. It cannot be undone.

Everything happens inside the database, however much is in the trash, and the order of the statements matters:

    1. insert the purge's change
    2. insert its rows of history       {"number": 3}: all that is left of a todo
    3. delete the todos                 the DELETE trigger finds 2, and does not record them once more
    4. delete all other history of them
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col

from todocli.clock import now
from todocli.column_types import UtcDateTime
from todocli.domain.history import COMMAND_LINE, Origin
from todocli.domain.idempotency import ChangeKey
from todocli.domain.references import References
from todocli.errors import Conflict, NotFound
from todocli.models import Change, History, Todo, User
from todocli.schemas.changes import ChangeList
from todocli.schemas.todos import TodoRead
from todocli.services import resolve
from todocli.services.history.log import Log
from todocli.services.idempotency import recorded_todos
from todocli.services.owner import Owner

FIRST = 20
"""How many todos of a preview are read."""

_history = SQLModel.metadata.tables["history"]


@dataclass(frozen=True)
class TrashQuery:
    """Which todos to purge: the referenced ones, or all in the trash; of these, what was removed before `until`."""

    references: References | None = None
    until: datetime | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the SQL conditions. Not scoped to a user."""
        conditions: list[sa.ColumnElement[bool]] = [col(Todo.deleted_at).is_not(None)]
        if self.references:
            conditions.append(resolve.where_referenced(self.references))
        if self.until:
            conditions.append(col(Todo.deleted_at) < self.until)
        return conditions


@dataclass(frozen=True)
class TrashPreview:
    """What a purge would delete: how many todos, and the first of them by number.

    `number_sum` and `removed_at` (the latest) tell whether they are still the same.
    """

    count: int
    number_sum: int
    removed_at: datetime | None
    first: list[TodoRead]

    def is_same(self, other: TrashPreview) -> bool:
        """Whether `other` is about the same todos."""
        mine, others = ((one.count, one.number_sum, one.removed_at) for one in (self, other))
        return mine == others


class Purge:
    """The trash of one user."""

    def __init__(self, session: Session, owner: Owner, *, origin: Origin = COMMAND_LINE) -> None:
        self._session = session
        self._owner = owner
        self._origin = origin

    def preview(self, trash: TrashQuery) -> TrashPreview:
        """Return what `purge` would destroy. Raises `NotFound` naming the references that are not in the trash."""
        mine = sa.and_(self._owner.scope(Todo), *trash.conditions())
        removed_at = sa.func.max(col(Todo.deleted_at), type_=UtcDateTime())
        total = sa.select(
            sa.func.count().label("count"), sa.func.sum(col(Todo.number)).label("sum"), removed_at.label("at")
        )
        sums = total.where(mine).subquery("sums")
        todos = sa.select(*resolve.COLUMNS).where(mine).order_by(col(Todo.number))
        first = todos.limit(None if trash.references else FIRST).subquery("first")
        query = sa.select(first, sums).select_from(sa.outerjoin(sums, first, sa.true())).order_by(first.c.number)
        rows = self._session.execute(query).mappings().all()
        found = [resolve.read(row) for row in rows if row["id"] is not None]
        if trash.references and (missing := resolve.missing(trash.references, found)):
            self._owner.require(self._session)
            names = ", ".join(str(reference) for reference in missing[:10])
            older = f"yet in the trash at {trash.until.astimezone():%Y-%m-%d %H:%M}" if trash.until else ""
            raise NotFound(
                f"Not {older or 'in the trash'}: {names}. Nothing was purged.",
                hint="Only todos in the trash can be purged",
                command=("todo", "trash"),
                field_errors=resolve.not_found(missing, []).field_errors,
            )
        return TrashPreview(rows[0]["count"], int(rows[0]["sum"] or 0), rows[0]["at"], found[:FIRST])

    def find(self, key: ChangeKey, *, per_change: int | None = None) -> ChangeList | None:
        """Return the purge that was made under `key`, with `per_change` todos; None if there is none.

        Raises `Conflict` for another request.
        """
        if recorded_todos(self._session, self._owner, key) is None:
            return None
        return self._read(key.id, per_change)

    def purge(
        self, trash: TrashQuery, expected: TrashPreview, key: ChangeKey, *, per_change: int | None = None
    ) -> ChangeList:
        """Delete todos and their history, and return the change that is left of them, with `per_change` todos.

        `expected` is what the user confirmed. The session's statements are one transaction. Raises `Conflict` if the
        trash holds others by now, or if `key` was used for another request.
        """
        self._owner.require(self._session, lock=True)
        if before := self.find(key, per_change=per_change):
            return before
        if not expected.is_same(self.preview(trash)):
            raise Conflict(
                "The trash was changed in the meantime; nothing was purged.",
                hint="Look again",
                command=("todo", "trash"),
            )
        return self._delete(trash.conditions(), key, per_change)

    def purge_one(self, todo: UUID | int, key: ChangeKey, *, expected: UUID | None = None) -> ChangeList:
        """Delete a todo, by its id or number, and its history, whether it is in the trash or not.

        The session's statements are one transaction. Raises `NotFound`, and `Conflict` if `key` was used for another
        request, or if another change than `expected` was the last one to touch the todo.
        """
        self._owner.require(self._session, lock=True)
        if before := self.find(key):
            return before
        this = col(Todo.id) == todo if isinstance(todo, UUID) else col(Todo.number) == todo
        change_id = self._session.scalar(sa.select(col(Todo.change_id)).where(self._owner.scope(Todo), this))
        if change_id is None:
            raise resolve.not_found([todo], [])
        if expected not in (None, change_id):
            raise Conflict("The todo was changed in the meantime; nothing was purged.")
        return self._delete([this], key, None)

    def _delete(self, conditions: list[sa.ColumnElement[bool]], key: ChangeKey, per_change: int | None) -> ChangeList:
        self._session.execute(self._insert_change(key))
        numbers = sa.select(*self._number_only(key.id)).where(self._owner.scope(Todo), *conditions)
        own = aliased(History, name="own")
        purged = sa.select(col(own.todo_id)).where(self._owner.owns(own), col(own.change_id) == key.id)
        for statement in (
            _history.insert().from_select(["user_id", "change_id", "todo_id", "before"], numbers),
            sa.delete(Todo).where(self._owner.owns(Todo), col(Todo.id).in_(purged)),
            sa.delete(History).where(
                self._owner.owns(History), col(History.change_id) != key.id, col(History.todo_id).in_(purged)
            ),
        ):
            self._session.execute(statement.execution_options(synchronize_session=False))
        return self._read(key.id, per_change)

    def _insert_change(self, key: ChangeKey) -> Any:
        """Return the statement that inserts the change; on SQLite, where no sequence does it, with the next seq."""
        table = SQLModel.metadata.tables["changes"]
        values: dict[str, Any] = {"id": key.id, **vars(self._origin), "made_at": now(), "request": key.request}
        columns: dict[str, Any] = {name: sa.literal(value, table.c[name].type) for name, value in values.items()}
        columns["user_id"] = col(User.id)
        if self._session.get_bind().dialect.name == "sqlite":
            columns["seq"] = (
                sa.select(sa.func.coalesce(sa.func.max(col(Change.seq)), 0) + 1)
                .where(self._owner.scope(Change))
                .scalar_subquery()
            )
        row = sa.select(*columns.values()).where(self._owner.is_user())
        return table.insert().from_select(list(columns), row)

    def _read(self, change_id: UUID, per_change: int | None) -> ChangeList:
        changes = Log(self._session, self._owner).changes([change_id], per_change=per_change)
        return ChangeList.of([change.read() for change in changes])

    def _number_only(self, change_id: UUID) -> list[Any]:
        is_sqlite = self._session.get_bind().dialect.name == "sqlite"
        json_object = sa.func.json_object if is_sqlite else sa.func.pg_catalog.json_build_object
        number = json_object(sa.literal_column("'number'"), col(Todo.number))
        return [col(Todo.user_id), sa.literal(change_id, sa.Uuid()), col(Todo.id), number]
