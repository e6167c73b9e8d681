"""What has changed since a client last asked: enough to keep a copy of the todos up to date.

A cursor is a place in the log: a change, and the last todo of it that was read. The triggers lock the user before they
take the next `seq`, so that changes become visible in its order: nothing can appear before a cursor afterwards.

    todos as they are now    what a client stores, however often a todo was changed
    ids of deleted todos     what it drops: purged todos, of which only the number is left
    changes                  who did what

The todos are read after the log. So one may be newer than the changes beside it; it then comes again, as it is later.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli.domain.log_cursor import BEGINNING, LogCursor
from todocli.errors import CursorExpired
from todocli.models import Change, History, Todo
from todocli.schemas.changes import ChangeRead, SyncPage
from todocli.schemas.todos import TodoRead
from todocli.services.history.log import Log, LogQuery, changes_with_rows, recorded
from todocli.services.owner import Owner
from todocli.services.resolve import COLUMNS, read
from todocli.services.todos import Todos

SHOWN_TODOS = 100
"""How many todos of each change the newest changes have."""


class Place(NamedTuple):
    """A change, or a part of a large one, and the cursor after it."""

    change: ChangeRead
    cursor: LogCursor


class Portion(NamedTuple):
    """Changes in their order, and whether more follow."""

    places: Sequence[Place]
    has_more: bool


class Sync:
    """The changes of one user, from a place in the log on."""

    def __init__(self, session: Session, owner: Owner) -> None:
        self._session = session
        self._owner = owner

    def since(self, cursor: LogCursor, limit: int) -> SyncPage:
        """Return what at most `limit` changes of single todos did after `cursor`, the oldest first; raises as `after`.

        It has the todos as well.
        """
        portion = self.after(cursor, limit)
        items = [place.change for place in portion.places]
        last = portion.places[-1].cursor if portion.places else cursor
        return self._page(items, last, has_more=portion.has_more)

    def after(self, cursor: LogCursor, limit: int) -> Portion:
        """Return the changes after `cursor`, the oldest first: what at most `limit` changes of single todos did.

        Raises `CursorExpired` if the log was compacted since, or is not the one that the cursor is of; and
        `MissingUserContext`.
        """
        query = (
            changes_with_rows(self._owner)
            .add_columns(col(Change.compacted_at))
            .where(self._owner.scope(Change))
            .where(
                sa.or_(
                    col(Change.seq) > cursor.seq,
                    sa.and_(col(Change.seq) == cursor.seq, col(History.todo_id) > cursor.todo_id),
                )
                if cursor.todo_id
                else col(Change.seq) > cursor.seq
            )
            .order_by(col(Change.seq), col(History.todo_id))
            .limit(limit + 1)
        )
        self._require(cursor)
        rows = self._session.execute(query).mappings().all()
        page, has_more = rows[:limit], len(rows) > limit
        if any(row["compacted_at"] for row in page):
            raise _expired("The log was compacted since")
        places = []
        for _, group in groupby(page, key=lambda row: row["seq"]):
            found = list(group)
            last = found[-1]
            is_whole = last is not page[-1] or not has_more or rows[limit]["seq"] != last["seq"]
            after = LogCursor(last["seq"], last["id"], None if is_whole else last["todo_id"])
            change = recorded(found).read()
            change.items.sort(key=lambda item: item.number)
            places.append(Place(change, after))
        return Portion(places, has_more)

    def before(self, *, count: int = 0, moment: datetime | None = None) -> LogCursor:
        """Return the place before the newest `count` changes, or before those since `moment`; 0: of now.

        It is never before a change that was compacted. Raises `MissingUserContext`.
        """
        self._owner.require(self._session)
        changes = sa.select(col(Change.seq), col(Change.id)).where(self._owner.scope(Change))
        newest = changes.order_by(col(Change.seq).desc()).limit(1)
        start = newest.offset(count) if moment is None else newest.where(col(Change.made_at) < moment)
        emptied = newest.where(col(Change.compacted_at).is_not(None))
        found = [self._session.execute(query).one_or_none() for query in (start, emptied)]
        return max((LogCursor(*row) for row in found if row), key=lambda cursor: cursor.seq, default=BEGINNING)

    def newest(self, query: LogQuery) -> SyncPage:
        """Return the newest changes that `query` asks for, and the cursor of this moment. Raises as `Log.find`."""
        newest = sa.select(col(Change.seq), col(Change.id)).where(self._owner.scope(Change))
        last = self._session.execute(newest.order_by(col(Change.seq).desc()).limit(1)).one_or_none()
        cursor = LogCursor(*last) if last else BEGINNING
        found = Log(self._session, self._owner).find(query)
        return self._page(found.items, cursor, has_more=found.has_more)

    def _require(self, cursor: LogCursor) -> None:
        """Raise `CursorExpired` if the change of a cursor is not at its place."""
        if cursor == BEGINNING:
            self._owner.require(self._session)
            return
        there = sa.select(col(Change.id)).where(self._owner.scope(Change), col(Change.seq) == cursor.seq)
        if self._session.scalar(there) != cursor.change_id:
            self._owner.require(self._session)
            raise _expired("It is of another log")

    def _page(self, items: list[ChangeRead], cursor: LogCursor, *, has_more: bool) -> SyncPage:
        ids = list(dict.fromkeys(item.todo_id for change in items for item in change.items))
        todos = self._todos(ids)
        existing = {todo.id for todo in todos}
        return SyncPage(
            items=items,
            todos=todos,
            deleted=[each for each in ids if each not in existing],
            cursor=cursor.text(),
            has_more=has_more,
        )

    def _todos(self, ids: list[UUID]) -> list[TodoRead]:
        if not ids:
            return []
        query = sa.select(*COLUMNS).where(self._owner.owns(Todo), col(Todo.id).in_(ids)).order_by(col(Todo.number))
        found = [read(row) for row in self._session.execute(query).mappings()]
        return Todos(self._session, self._owner).with_notes(found)


def _expired(reason: str) -> CursorExpired:
    return CursorExpired(f"The cursor cannot be continued: {reason[0].lower()}{reason[1:]}. Begin again without it.")
