"""Whose todos a statement is about."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import col

from todocli.models import Change, History, Todo, User


@dataclass(frozen=True)
class Owner:
    """A user, by id where it is known; by name otherwise, which is then resolved inside each statement."""

    name: str
    id: UUID | None = None

    def is_user(self) -> sa.ColumnElement[bool]:
        """Return the condition that a row of `users` is this user's."""
        return col(User.id) == self.id if self.id else col(User.name) == self.name

    def owns(self, table: type[Todo | Change | History]) -> sa.ColumnElement[bool]:
        """Return the condition that a row of `table` belongs to this user."""
        if self.id:
            return col(table.user_id) == self.id
        its_id = sa.select(col(User.id)).where(self.is_user()).correlate(None).scalar_subquery()
        return col(table.user_id) == its_id
