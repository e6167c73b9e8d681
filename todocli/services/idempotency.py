"""Has the change under a key been recorded before? One answer for every command that changes something."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli.domain.idempotency import ChangeKey
from todocli.errors import Conflict, Hint
from todocli.models import Change, History
from todocli.services.owner import Owner


def not_recorded(owner: Owner, change_id: UUID | sa.BindParameter[UUID]) -> sa.ColumnElement[bool]:
    """Return the condition that no change with this id has been recorded."""
    return ~sa.exists(sa.select(col(Change.id)).where(owner.owns(Change), col(Change.id) == change_id))


def recorded_todos(session: Session, owner: Owner, key: ChangeKey) -> frozenset[UUID] | None:
    """Return the ids of the todos that the change under `key` touched; None if there is no such change.

    Purged todos are not among them. Raises `Conflict` if the key was used for another request.
    """
    of_change = sa.and_(owner.owns(History), col(History.change_id) == col(Change.id))
    query = (
        sa.select(col(Change.request), col(History.todo_id))
        .outerjoin(History, of_change)
        .where(owner.owns(Change), col(Change.id) == key.id)
    )
    rows = session.execute(query).all()
    if not rows:
        return None
    if rows[0].request != key.request:
        raise key_reused(key.id)
    return frozenset(row.todo_id for row in rows if row.todo_id is not None)


def key_reused(change_id: UUID) -> Conflict:
    """Return the error for a key that was used for another request."""
    return Conflict.of(
        "change",
        f"The id {change_id} was used before, for another change; nothing was changed.",
        hint=Hint("Give a new UUID.", "Leave --change out, or give a new UUID."),
    )
