"""What has changed since a client last asked: enough to keep a copy of the todos up to date.

A cursor is a place in the log: a change, and the last todo of it that was read. The triggers lock the user before they
take the next `seq`, so that changes become visible in its order: nothing can appear before a cursor afterwards.

    todos as they are now    what a client stores, however often a todo was changed
    ids of deleted todos     what it drops: purged todos, of which only the number is left
    changes                  who did what

The todos are read after the log. So one may be newer than the changes beside it; it then comes again, as it is later.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
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
from todocli.services.history.log import Log, LogQuery, recorded, select_changes
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
        self._require(cursor)
        rows = self._rows(cursor, limit + 1)
        page, has_more = rows[:limit], len(rows) > limit
        if any(row["compacted_at"] for row in page):
            raise _expired("The log was compacted since")
        changes = self._changes({row["id"] for row in page})
        places = []
        for _, group in groupby(page, key=lambda row: row["seq"]):
            found = list(group)
            last = found[-1]
            is_whole = last is not page[-1] or not has_more or rows[limit]["seq"] != last["seq"]
            after = LogCursor(last["seq"], last["id"], None if is_whole else last["todo_id"])
            change = recorded([{**changes[last["id"]], **row} for row in found]).read()
            change.items.sort(key=lambda item: item.number)
            places.append(Place(change, after))
        return Portion(places, has_more)

    def _rows(self, cursor: LogCursor, limit: int) -> list[sa.RowMapping]:
        """Return at most `limit` rows of history after a cursor: those of its own change, and then of later ones."""
        columns = (col(Change.seq), col(Change.id), col(Change.compacted_at))
        # with both columns, the rows of a change come in the order of its key, and nothing is sorted
        of_change = sa.and_(col(History.user_id) == col(Change.user_id), col(History.change_id) == col(Change.id))
        query = (
            sa.select(*columns, col(History.todo_id), col(History.before), col(History.after))
            .join_from(Change, History, of_change)
            .where(self._owner.scope(Change))
            .order_by(col(Change.seq), col(History.todo_id))
        )
        found: list[sa.RowMapping] = []
        if cursor.todo_id:
            rest = (col(Change.id) == cursor.change_id, col(History.todo_id) > cursor.todo_id)
            found += self._session.execute(query.where(*rest).limit(limit)).mappings()
        if len(found) < limit:
            later = query.where(col(Change.seq) > cursor.seq).limit(limit - len(found))
            found += self._session.execute(later).mappings()
        return found

    def _changes(self, ids: Set[UUID]) -> dict[UUID, sa.RowMapping]:
        """Return changes by id. They are read on their own: to count the todos of one takes a while."""
        if not ids:
            return {}
        query = select_changes(self._owner).where(self._owner.owns(Change), col(Change.id).in_(ids))
        return {row["id"]: row for row in self._session.execute(query).mappings()}

    def before(self, *, count: int = 0, moment: datetime | None = None) -> LogCursor:
        """Return the place before the newest `count` changes, or before those since `moment`; 0: of now.

        It is never before a change that was compacted. Raises `MissingUserContext`.
        """
        self._owner.require(self._session)
        changes = sa.select(col(Change.seq), col(Change.id)).where(self._owner.scope(Change))
        newest = changes.order_by(col(Change.seq).desc()).limit(1)
        start = newest.offset(count) if moment is None else newest.where(col(Change.made_at) < moment)
        cursor = self._cursor_of(start) or BEGINNING
        emptied = newest.where(col(Change.compacted_at).is_not(None), col(Change.seq) > cursor.seq)
        return self._cursor_of(emptied) or cursor

    def _cursor_of(self, query: sa.Select[int, UUID]) -> LogCursor | None:
        found = self._session.execute(query).one_or_none()
        return LogCursor(*found) if found else None

    def newest(self, query: LogQuery) -> SyncPage:
        """Return the newest changes that `query` asks for, and the cursor of this moment. Raises as `Log.find`."""
        newest = sa.select(col(Change.seq), col(Change.id)).where(self._owner.scope(Change))
        cursor = self._cursor_of(newest.order_by(col(Change.seq).desc()).limit(1)) or BEGINNING
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
        # looked up by id alone: without statistics, Postgres would read the index of all todos of the user as well
        named = sa.select(*COLUMNS).where(col(Todo.id).in_(ids)).cte("named").prefix_with("MATERIALIZED")
        mine = sa.select(*named.c).where(named.c.user_id == self._owner.user_id())
        found = [read(row) for row in self._session.execute(mine).mappings()]
        return Todos(self._session, self._owner).with_notes(sorted(found, key=lambda todo: todo.number))


def _expired(reason: str) -> CursorExpired:
    return CursorExpired(f"The cursor cannot be continued: {reason[0].lower()}{reason[1:]}. Begin again without it.")
