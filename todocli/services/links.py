"""What todos refer to: the others that they need, and the parents that they are subtasks of.

A statement has the conditions, so that it is all or nothing in one round trip. Where it has changed nothing, `require`
and the functions beside it find out why, and raise the error that says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli.errors import FieldError
from todocli.models import Todo
from todocli.schemas.todos import TodoFields
from todocli.services import dependencies, dependency_sql, resolve, subtask_sql, subtasks
from todocli.services.owner import Owner


@dataclass(frozen=True)
class Links:
    """The numbers of todos that must be there, for others to need them or to be their subtasks."""

    needs: frozenset[int] = frozenset()
    parents: frozenset[int] = frozenset()

    @classmethod
    def of(cls, fields: Iterable[TodoFields]) -> Self:
        """Return what these fields refer to."""
        fields = list(fields)
        needs = {number for each in fields for number in (*each.needs, *getattr(each, "add_needs", ()))}
        return cls(frozenset(needs), frozenset(each.parent for each in fields if each.parent is not None))

    def __bool__(self) -> bool:
        return bool(self.needs or self.parents)

    def conditions_of_new(self, owner: Owner) -> list[sa.ColumnElement[bool]]:
        """Return the conditions that new todos may refer to all of these."""
        if not self:
            return []
        deep = [subtask_sql.takes_new(owner, self.parents)] if self.parents else []
        return [all_exist(owner, self.needs | self.parents), *deep]

    def conditions_of(self, owner: Owner, dialect: str, numbers: sa.Select[tuple[int]]) -> list[sa.ColumnElement[bool]]:
        """Return the conditions that todos may refer to all of these. `numbers` selects theirs."""
        if not self:
            return []
        conditions = [all_exist(owner, self.needs | self.parents)]
        if self.needs:
            conditions.append(dependency_sql.need_none_of(owner, dialect, self.needs, numbers))
        if self.parents:
            conditions.append(subtask_sql.takes(owner, dialect, self.parents, numbers))
        return conditions

    def require(self, session: Session, owner: Owner) -> None:
        """Raise `NotFound` naming the numbers that cannot be referred to: there is none, or it is in the trash."""
        for field, numbers in (("needs", self.needs), ("parent", self.parents)):
            if not numbers:
                continue
            query = sa.select(*resolve.COLUMNS).where(owner.scope(Todo), col(Todo.number).in_(numbers))
            found = [resolve.read(row) for row in session.execute(query).mappings()]
            there = {todo.number for todo in found if todo.deleted_at is None}
            if missing := sorted(set(numbers) - there):
                error = resolve.not_found(missing, found)
                error.field_errors = tuple(FieldError(field, fault.message) for fault in error.field_errors)
                error.numbers = tuple(missing)
                raise error

    def refuse_for(self, session: Session, owner: Owner, numbers: Collection[int]) -> None:
        """Raise the error for links that todos of these numbers cannot have, if any."""
        self.require(session, owner)
        if self.needs:
            dependencies.refuse_cycle(session, owner, numbers, self.needs)
        for parent in self.parents:
            subtasks.refuse_levels(session, owner, numbers, parent)

    def refuse_for_new(self, session: Session, owner: Owner) -> None:
        """Raise the error for links that a new todo cannot have, if any."""
        self.require(session, owner)
        for parent in sorted(self.parents):
            subtasks.refuse_new(session, owner, parent)


NO_LINKS = Links()


def refuse_circles(session: Session, owner: Owner, numbers: Collection[int]) -> None:
    """Raise `ValidationError` if one of these todos waits for itself, is under itself, or on too low a level."""
    if numbers:
        dependencies.refuse_cycle(session, owner, numbers)
        subtasks.refuse_levels(session, owner, numbers)


def all_exist(owner: Owner, numbers: Collection[int]) -> sa.ColumnElement[bool]:
    """Return the condition that all these numbers are of todos that are not in the trash."""
    linked = sa.inspect(Todo).local_table.alias("linked").c
    found = sa.select(sa.func.count()).where(
        linked.user_id == owner.user_id(), linked.number.in_(numbers), linked.deleted_at.is_(None)
    )
    return found.scalar_subquery() == len(set(numbers))
