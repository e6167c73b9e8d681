"""Destroying what is in the trash, for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col

from todocli.clock import now
from todocli.domain.history import is_purged
from todocli.domain.references import References
from todocli.errors import Conflict, NotFound
from todocli.models import Change, History, Todo, User
from todocli.schemas.changes import ChangeList
from todocli.schemas.todos import TodoRead
from todocli.services import resolve
from todocli.services.history.log import Log
from todocli.services.history.rows import another_step
from todocli.services.owner import Owner

_history = SQLModel.metadata.tables["history"]


@dataclass(frozen=True)
class Trash:
    """What of the trash is meant: the todos named, or all; of these, what went there before `until`."""

    references: References | None = None
    until: datetime | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions that a todo is meant. They say nothing of whose it is."""
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

    def meant(self, trash: Trash) -> list[TodoRead]:
        """Return what `purge` would destroy, by number. Raises `NotFound` naming what is not in the trash."""
        query = (
            sa.select(*resolve.COLUMNS).where(self._owner.scope(Todo), *trash.conditions()).order_by(col(Todo.number))
        )
        found = [resolve.read(row) for row in self._session.execute(query).mappings()]
        if trash.references and (lost := resolve.missing(trash.references, found)):
            self._owner.require(self._session)
            names = ", ".join(str(reference) for reference in lost[:10])
            older = f"in the trash since before {trash.until.astimezone():%Y-%m-%d %H:%M}" if trash.until else ""
            raise NotFound(
                f"Not {older or 'in the trash'}: {names}. Nothing was purged.",
                hint="Only what is in the trash can be purged: todo trash",
                field_errors=resolve.not_found(lost, []).field_errors,
            )
        return found

    def made(self, trash: Trash, change: UUID) -> ChangeList | None:
        """Return the purge that `change` names, if it was made before.

        Raises `Conflict` if it was another step, or took other todos than `trash` names.
        """
        query = sa.select(col(Change.id)).where(self._owner.scope(Change), col(Change.id) == change)
        if self._session.scalar(query) is None:
            return None
        made = self._read(change)
        if trash.references:
            taken = made.items[0].items
            named = [resolve.matching(trash.references, item.number, item.todo_id) for item in taken]
            if not all(named) or set(trash.references.items) - {name for names in named for name in names}:
                raise another_step(change)
        return made

    def purge(self, trash: Trash, expected: list[TodoRead], *, change: UUID) -> ChangeList:
        """Destroy todos and their history; leave a step that has their numbers. It cannot be undone.

        Made before, it is not made again. The session's statements are one transaction. Raises `Conflict` if what is
        meant is not what was `expected` any more.
        """
        self._owner.require(self._session, lock=True)
        if made := self.made(trash, change):
            return made
        seq = self._session.scalar(self._new_step(change))
        mine = self._owner.scope(Todo)
        numbers = sa.select(*self._number_only(change)).where(mine, *trash.conditions())
        locked = numbers.order_by(col(Todo.id)).with_for_update()
        kept_of_them = _history.insert().from_select(["user_id", "change_id", "todo_id", "before"], locked)
        meant = self._session.scalars(kept_of_them.returning(_history.c.todo_id))
        if set(meant) != {todo.id for todo in expected}:
            raise Conflict("The trash was changed meanwhile; nothing was purged.", hint="Look again: todo trash")
        # The trigger on DELETE records a step of its own, with all that is to be destroyed: it goes too.
        step, kept = aliased(History, name="step"), aliased(History, name="kept")
        purged = sa.select(col(step.todo_id)).where(self._owner.scope(step), col(step.change_id) == change)
        rest = sa.select(col(kept.todo_id)).where(self._owner.scope(kept), col(kept.change_id) == col(Change.id))
        for statement in (
            sa.delete(Todo).where(mine, col(Todo.id).in_(purged)),
            sa.delete(History).where(
                self._owner.scope(History), col(History.change_id) != change, col(History.todo_id).in_(purged)
            ),
            sa.delete(Change).where(self._owner.scope(Change), col(Change.seq) > seq, ~sa.exists(rest)),
        ):
            self._session.execute(statement.execution_options(synchronize_session=False))
        return self._read(change)

    def _new_step(self, change: UUID) -> Any:
        """Return the statement that makes the step; on SQLite nobody else gives it its place."""
        table = SQLModel.metadata.tables["changes"]
        values: dict[str, Any] = {"id": change, "made_at": now(), "source": self._source}
        columns: dict[str, Any] = {name: sa.literal(value, table.c[name].type) for name, value in values.items()}
        columns["user_id"] = col(User.id)
        if self._session.get_bind().dialect.name == "sqlite":
            columns["seq"] = (
                sa.select(sa.func.coalesce(sa.func.max(col(Change.seq)), 0) + 1)
                .where(self._owner.scope(Change))
                .scalar_subquery()
            )
        step = sa.select(*columns.values()).where(self._owner.is_user())
        return table.insert().from_select(list(columns), step).returning(table.c.seq)

    def _read(self, change: UUID) -> ChangeList:
        steps = Log(self._session, self._owner).steps([change])
        if not steps or not all(touched.before and is_purged(touched.before) for touched in steps[0].touched):
            raise another_step(change)
        return ChangeList(items=[steps[0].read()], count=1, total=1)

    def _number_only(self, change: UUID) -> list[Any]:
        made = sa.func.json_object if self._session.get_bind().dialect.name == "sqlite" else sa.func.json_build_object
        number = made(sa.literal_column("'number'"), col(Todo.number))
        return [col(Todo.user_id), sa.literal(change, sa.Uuid()), col(Todo.id), number]
