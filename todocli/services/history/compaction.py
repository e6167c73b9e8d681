"""Makes the log smaller: of old changes only that they were made is left. It cannot be undone.

    changes   every row stays: its id and request are the key of a repeated command
    history   the rows before and after are dropped, except the newest of each todo, which is its latest state

The log and undo end at a change that was compacted, since what it did is no longer known.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from todocli.clock import now
from todocli.models import Change, History
from todocli.schemas.changes import CompactionRead
from todocli.services.owner import Owner


class Compaction:
    """The old changes of one user: those made before `until`."""

    def __init__(self, session: Session, owner: Owner, until: datetime) -> None:
        self._session = session
        self._owner = owner
        self._until = until

    def preview(self) -> CompactionRead:
        """Return how much `compact` would drop. Raises `MissingUserContext` if the database does not have the user."""
        images = [sa.cast(column, sa.Text()) for column in (col(History.before), col(History.after))]
        size = sum((sa.func.coalesce(sa.func.length(image), 0) for image in images), start=sa.literal(0))
        dropped = sa.select(sa.func.count().label("rows"), sa.func.coalesce(sa.func.sum(size), 0).label("bytes"))
        changes = sa.select(sa.func.count()).select_from(Change).where(self._is_old()).scalar_subquery()
        query = dropped.add_columns(changes.label("changes")).where(self._is_dropped())
        found = self._session.execute(query).mappings().one()
        if not found["changes"]:
            self._owner.require(self._session)
        numbers = {name: int(found[name]) for name in ("changes", "rows", "bytes")}
        return CompactionRead(until=self._until, **numbers)

    def compact(self) -> CompactionRead:
        """Drop it, and return how much that was. The session's statements are one transaction. Raises as `preview`."""
        self._owner.require(self._session, lock=True)
        found = self.preview()
        for statement in (
            sa.update(History).where(self._is_dropped()).values(before=sa.null(), after=sa.null()),
            sa.update(Change).where(self._is_old()).values(compacted_at=now()),
        ):
            self._session.execute(statement.execution_options(synchronize_session=False))
        return found

    def _is_old(self) -> sa.ColumnElement[bool]:
        return sa.and_(self._owner.scope(Change), col(Change.made_at) < self._until, col(Change.compacted_at).is_(None))

    def _is_dropped(self) -> sa.ColumnElement[bool]:
        """Return the condition that a row of history is of an old change, and not the newest of its todo."""
        old, newer_row, newer = (
            aliased(Change, name="old"),
            aliased(History, name="newer_row"),
            aliased(Change, name="newer"),
        )
        seq = (
            sa.select(col(old.seq))
            .where(
                self._owner.owns(old),
                col(old.id) == col(History.change_id),
                col(old.made_at) < self._until,
                col(old.compacted_at).is_(None),
            )
            .correlate(History)
            .scalar_subquery()
        )
        followed: Any = sa.exists(
            sa.select(col(newer_row.todo_id))
            .join(newer, sa.and_(self._owner.owns(newer), col(newer.id) == col(newer_row.change_id)))
            .where(self._owner.owns(newer_row), col(newer_row.todo_id) == col(History.todo_id), col(newer.seq) > seq)
            .correlate(History)
        )
        return sa.and_(self._owner.scope(History), followed)
