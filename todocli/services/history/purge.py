"""Deletes todos in the trash for good, with their history. It cannot be undone.

The DELETE trigger records a change with the whole rows, which are to be destroyed. So the purge deletes what that
trigger wrote, and leaves a change of its own that holds only the numbers. The order of the statements matters:

    1. insert the purge's change            so that its seq is lower than that of the trigger's change
    2. insert its rows of history           {"number": 3}, and lock the todos
    3. delete the todos                     the trigger records them
    4. delete all other history of them     the trigger's rows, too
    5. delete the trigger's change          newer than 1, and empty now
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col

from todocli.clock import now
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


class Purge:
    """The trash of one user."""

    def __init__(self, session: Session, owner: Owner, *, source: str = "cli") -> None:
        self._session = session
        self._owner = owner
        self._source = source

    def preview(self, trash: TrashQuery) -> list[TodoRead]:
        """Return the todos that `purge` would destroy, by number.

        Raises `NotFound` naming the references that are not in the trash.
        """
        query = (
            sa.select(*resolve.COLUMNS).where(self._owner.scope(Todo), *trash.conditions()).order_by(col(Todo.number))
        )
        found = [resolve.read(row) for row in self._session.execute(query).mappings()]
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
        return found

    def find(self, key: ChangeKey) -> ChangeList | None:
        """Return the purge that was made under `key`; None if there is none. Raises `Conflict` for another request."""
        if recorded_todos(self._session, self._owner, key) is None:
            return None
        return self._read(key.id)

    def purge(self, trash: TrashQuery, expected: Collection[UUID], key: ChangeKey) -> ChangeList:
        """Delete todos and their history, and return the change that is left of them.

        `expected` are the ids of the todos that the user confirmed. The session's statements are one transaction.
        Raises `Conflict` if the trash holds others by now, or if `key` was used for another request.
        """
        self._owner.require(self._session, lock=True)
        if before := self.find(key):
            return before
        seq = self._session.scalar(self._insert_change(key))
        mine = self._owner.scope(Todo)
        numbers = sa.select(*self._number_only(key.id)).where(mine, *trash.conditions())
        locked = numbers.order_by(col(Todo.id)).with_for_update()
        insert_rows = _history.insert().from_select(["user_id", "change_id", "todo_id", "before"], locked)
        if set(self._session.scalars(insert_rows.returning(_history.c.todo_id))) != set(expected):
            raise Conflict(
                "The trash was changed in the meantime; nothing was purged.",
                hint="Look again",
                command=("todo", "trash"),
            )
        own, other = aliased(History, name="own"), aliased(History, name="other")
        purged = sa.select(col(own.todo_id)).where(self._owner.owns(own), col(own.change_id) == key.id)
        left = sa.select(col(other.todo_id)).where(self._owner.owns(other), col(other.change_id) == col(Change.id))
        for statement in (
            sa.delete(Todo).where(self._owner.owns(Todo), col(Todo.id).in_(purged)),
            sa.delete(History).where(
                self._owner.owns(History), col(History.change_id) != key.id, col(History.todo_id).in_(purged)
            ),
            sa.delete(Change).where(self._owner.scope(Change), col(Change.seq) > seq, ~sa.exists(left)),
        ):
            self._session.execute(statement.execution_options(synchronize_session=False))
        return self._read(key.id)

    def _insert_change(self, key: ChangeKey) -> Any:
        """Return the statement that inserts the change; on SQLite, where no sequence does it, with the next seq."""
        table = SQLModel.metadata.tables["changes"]
        values: dict[str, Any] = {"id": key.id, "made_at": now(), "source": self._source, "request": key.request}
        columns: dict[str, Any] = {name: sa.literal(value, table.c[name].type) for name, value in values.items()}
        columns["user_id"] = col(User.id)
        if self._session.get_bind().dialect.name == "sqlite":
            columns["seq"] = (
                sa.select(sa.func.coalesce(sa.func.max(col(Change.seq)), 0) + 1)
                .where(self._owner.scope(Change))
                .scalar_subquery()
            )
        row = sa.select(*columns.values()).where(self._owner.is_user())
        return table.insert().from_select(list(columns), row).returning(table.c.seq)

    def _read(self, change_id: UUID) -> ChangeList:
        items = [change.read() for change in Log(self._session, self._owner).changes([change_id])]
        return ChangeList.of(items)

    def _number_only(self, change_id: UUID) -> list[Any]:
        is_sqlite = self._session.get_bind().dialect.name == "sqlite"
        json_object = sa.func.json_object if is_sqlite else sa.func.json_build_object
        number = json_object(sa.literal_column("'number'"), col(Todo.number))
        return [col(Todo.user_id), sa.literal(change_id, sa.Uuid()), col(Todo.id), number]
