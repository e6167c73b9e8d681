"""What has changed since a client last asked: enough to keep a copy of the todos up to date.

A cursor is a place in the log: a change, and the last todo of it that was read. The triggers lock the user before they
take the next `seq`, so that changes become visible in its order: nothing can appear before a cursor afterwards.

    todos as they are now    what a client stores, however often a todo was changed
    ids of deleted todos     what it drops: purged todos, of which only the number is left
    changes                  who did what

The todos are read after the log. So one may be newer than the changes beside it; it then comes again, as it is later.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any
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


class Sync:
    """The changes of one user, from a place in the log on."""

    def __init__(self, session: Session, owner: Owner) -> None:
        self._session = session
        self._owner = owner

    def since(self, cursor: LogCursor, limit: int) -> SyncPage:
        """Return what at most `limit` changes of single todos did after `cursor`, the oldest first.

        Raises `CursorExpired` if the log was compacted since, or is not the one that the cursor is of; and
        `MissingUserContext`.
        """
        self._require(cursor)
        rows = self._session.execute(self._statement(cursor, limit + 1)).mappings().all()
        page, has_more = rows[:limit], len(rows) > limit
        if any(row["compacted_at"] for row in page):
            raise _expired("The log was compacted since")
        if page:
            last = page[-1]
            is_whole = not has_more or rows[limit]["seq"] != last["seq"]
            cursor = LogCursor(last["seq"], last["id"], None if is_whole else last["todo_id"])
        items = [recorded(list(group)).read() for _, group in groupby(page, key=lambda row: row["seq"])]
        return self._page(items, cursor, has_more=has_more)

    def newest(self, query: LogQuery) -> SyncPage:
        """Return the newest changes that `query` asks for, and the cursor of this moment. Raises as `Log.find`."""
        newest = sa.select(col(Change.seq), col(Change.id)).where(self._owner.scope(Change))
        last = self._session.execute(newest.order_by(col(Change.seq).desc()).limit(1)).one_or_none()
        cursor = LogCursor(*last) if last else BEGINNING
        found = Log(self._session, self._owner).find(query)
        return self._page(found.items, cursor, has_more=found.has_more)

    def _statement(self, cursor: LogCursor, limit: int) -> sa.Select[Any]:
        """Select the first rows of history after a cursor, each with its change."""
        has_rows = sa.select(col(History.todo_id)).where(
            self._owner.owns(History), col(History.change_id) == col(Change.id)
        )
        changes = (
            select_changes(self._owner)
            .add_columns(col(Change.compacted_at))
            .where(self._owner.scope(Change))
            .where(col(Change.seq) >= cursor.seq if cursor.todo_id else col(Change.seq) > cursor.seq)
            .where(has_rows.limit(1).correlate(Change).scalar_subquery().is_not(None))
            .order_by(col(Change.seq))
            .limit(limit)
            .cte("page")
            .prefix_with("MATERIALIZED")  # or Postgres might read all of history, to sort it
        )
        after: sa.ColumnElement[bool] = sa.true()
        if cursor.todo_id:
            after = sa.or_(changes.c.seq > cursor.seq, col(History.todo_id) > cursor.todo_id)
        of_change = sa.and_(self._owner.owns(History), col(History.change_id) == changes.c.id, after)
        columns = (col(History.todo_id), col(History.before), col(History.after))
        if self._session.get_bind().dialect.name == "sqlite":  # which stops at the limit within a change
            query = sa.select(changes, *columns).join_from(changes, History, of_change)
            return query.order_by(changes.c.seq, col(History.todo_id)).limit(limit)
        first = sa.select(*columns).where(of_change).order_by(col(History.todo_id)).limit(limit).lateral("first")
        query = sa.select(changes, *first.c).join_from(changes, first, sa.true())
        return query.order_by(changes.c.seq, first.c.todo_id).limit(limit)

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
