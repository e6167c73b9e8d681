"""Reads the log: the changes that a user made, as the triggers recorded them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from todocli.domain.history import Row, action, differences
from todocli.domain.references import Reference, References
from todocli.models import Change, History, Todo
from todocli.schemas.changes import ChangeItem, ChangeList, ChangeRead, FieldChange
from todocli.schemas.todos import TodoRead
from todocli.services import resolve
from todocli.services.owner import Owner

_last = sa.func.coalesce(col(History.after), col(History.before))
_number = _last["number"].as_integer()


class TodoChange(NamedTuple):
    """What a change did to one todo."""

    todo_id: UUID
    before: Row | None
    after: Row | None

    def read(self) -> ChangeItem:
        """Return it as part of the contract."""
        last = self.after or self.before or {}
        changes = {
            name: FieldChange(before=before, after=after)
            for name, (before, after) in differences(self.before, self.after).items()
        }
        return ChangeItem(
            todo_id=self.todo_id,
            number=last["number"],
            title=last.get("title"),
            action=action(self.before, self.after),
            changes=changes,
        )


@dataclass(frozen=True)
class RecordedChange:
    """A change with the todos that it touched, or some of them, by number."""

    id: UUID
    made_at: datetime
    source: str
    kind: Literal["change", "undo", "redo"]
    undoes: UUID | None
    is_undone: bool
    count: int
    todos: tuple[TodoChange, ...]

    def read(self) -> ChangeRead:
        """Return it as part of the contract."""
        fields = {name: getattr(self, name) for name in ChangeRead.model_fields if name != "items"}
        return ChangeRead(items=[todo.read() for todo in self.todos], **fields)


@dataclass(frozen=True)
class LogQuery:
    """Which changes to read: from `since` on and before `until`, at most `limit`, with at most `per_change` todos each.

    With `todo`, a number or an id, only the changes that touched it, and of each only what it did to this todo.
    Without `with_total`, the total is the count, or one more if there are more: counting the rest would cost time.
    """

    todo: Reference | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    per_change: int | None = None
    with_total: bool = True


class Log:
    """The changes of one user."""

    def __init__(self, session: Session, owner: Owner) -> None:
        self._session = session
        self._owner = owner

    def find(self, query: LogQuery) -> ChangeList:
        """Return the changes that `query` asks for, newest first.

        Raises `NotFound` if there never was such a todo, and `MissingUserContext` if the database does not have the
        user.
        """
        changes, total = self._find(query, self._of_existing(query.todo))
        if not changes:
            self._owner.require(self._session)
            if query.todo is not None:
                changes, total = self._find(query, self._of_deleted(query.todo))
        items = [change.read() for change in changes[: query.limit]]
        return ChangeList(items=items, count=len(items), total=total)

    def _find(self, query: LogQuery, of_todo: sa.ColumnElement[bool]) -> tuple[list[RecordedChange], int]:
        page = self._changes().where(self._touches(Change, of_todo)).order_by(col(Change.seq).desc())
        if query.since:
            page = page.where(col(Change.made_at) >= query.since)
        if query.until:
            page = page.where(col(Change.made_at) < query.until)
        if query.with_total:
            page = page.add_columns(sa.func.count().over().label("total"))
        if query.limit is not None:
            page = page.limit(query.limit + (not query.with_total))
        rows = self._with_rows(page, of_todo, query.per_change)
        changes = _grouped(rows)
        return changes, rows[0]["total"] if rows and query.with_total else len(changes)

    def changes(self, ids: Sequence[UUID]) -> list[RecordedChange]:
        """Return whole changes, newest first."""
        page = self._changes().where(col(Change.id).in_(ids))
        return _grouped(self._with_rows(page, sa.true(), None))

    def of_todos(self, references: References, count: int) -> list[tuple[TodoRead, list[ChangeRead]]]:
        """Return the referenced todos, in order, each with its newest `count` changes.

        Raises `NotFound` naming every reference that matches nothing.
        """
        referenced = sa.and_(self._owner.scope(Todo), resolve.where_referenced(references))
        place = sa.func.row_number().over(partition_by=col(History.todo_id), order_by=col(Change.seq).desc())
        newest = (
            sa.select(col(History.change_id), *_columns, place.label("place"))
            .join(Change, sa.and_(self._owner.scope(Change), self._of_change(Change)))
            .where(self._owner.scope(History), col(History.todo_id).in_(sa.select(col(Todo.id)).where(referenced)))
            .subquery("newest")
        )
        # The limit excludes nothing. It lowers the planner's estimate, which would otherwise turn on JIT compilation.
        most = None if references.ranges else count * len(references.items)
        last = sa.select(newest).where(newest.c.place <= count).limit(most).subquery("last")
        touched = [last.c[name] for name in ("todo_id", "before", "after")]
        recent = self._changes().add_columns(*touched).join(last, last.c.change_id == col(Change.id)).subquery("recent")
        query = (
            sa.select(*resolve.COLUMNS, *(column.label(f"change_{column.name}_") for column in recent.c))
            .outerjoin_from(Todo, recent, recent.c.todo_id == col(Todo.id))
            .where(referenced)
            .order_by(recent.c.seq.desc())
        )
        todos: dict[UUID, TodoRead] = {}
        changes: dict[UUID, list[ChangeRead]] = {}
        for row in self._session.execute(query).mappings():
            todo = todos.setdefault(row["id"], resolve.read(row))
            if row["change_id_"]:
                change = {column.name: row[f"change_{column.name}_"] for column in recent.c}
                changes.setdefault(todo.id, []).append(_change([change]).read())
        if missing := resolve.missing(references, todos.values()):
            self._owner.require(self._session)
            raise resolve.not_found(missing, [])
        return [(todo, changes.get(todo.id, [])) for todo in resolve.in_order(references, list(todos.values()))]

    # How the statements are put together

    def _changes(self) -> sa.Select[Any]:
        """Select the user's changes, each with its kind, whether it is undone, and how many todos it touched."""
        table = sa.inspect(Change).local_table.c
        target = aliased(Change, name="target")
        undoes = sa.select(col(target.undoes)).where(self._owner.scope(target), col(target.id) == col(Change.undoes))
        kind = sa.case(
            (col(Change.undoes).is_(None), "change"), (undoes.scalar_subquery().is_(None), "undo"), else_="redo"
        )
        counted = aliased(History, name="counted")
        count = sa.select(sa.func.count()).where(self._owner.scope(counted), col(counted.change_id) == col(Change.id))
        columns: list[sa.ColumnElement[Any]] = [
            *(table[name] for name in ("id", "seq", "made_at", "source", "undoes")),
            kind.label("kind"),
            is_undone(self._owner, Change).label("is_undone"),
            count.scalar_subquery().label("count"),
        ]
        return sa.select(*columns).where(self._owner.scope(Change))

    def _with_rows(
        self, page: sa.Select[Any], of_todo: sa.ColumnElement[bool], per_change: int | None
    ) -> Sequence[sa.RowMapping]:
        """Return the rows of history of the changes in `page`, newest change first, at most `per_change` of each."""
        changes = page.cte("page").prefix_with("MATERIALIZED")  # or Postgres counts the todos once for each row
        place = sa.func.row_number().over(partition_by=changes.c.id, order_by=_number).label("place")
        of_change = sa.and_(self._owner.scope(History), col(History.change_id) == changes.c.id, of_todo)
        rows = sa.select(changes, *_columns, place).join_from(changes, History, of_change).subquery("rows")
        query = sa.select(rows).order_by(rows.c.seq.desc(), rows.c.place)
        if per_change is not None:
            query = query.where(rows.c.place <= per_change)
        return self._session.execute(query).mappings().all()

    def _of_change(self, change: type[Change]) -> sa.ColumnElement[bool]:
        return sa.and_(self._owner.scope(History), col(History.change_id) == col(change.id))

    def _touches(self, change: type[Change], of_todo: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return sa.exists(sa.select(col(History.todo_id)).where(self._of_change(change), of_todo))

    def _of_existing(self, todo: Reference | None) -> sa.ColumnElement[bool]:
        """Return the condition that a row of history is about an existing todo."""
        if todo is None:
            return sa.true()
        if isinstance(todo, UUID):
            return col(History.todo_id) == todo
        existing = sa.select(col(Todo.id)).where(self._owner.scope(Todo), col(Todo.number) == todo)
        return col(History.todo_id) == existing.scalar_subquery()

    def _of_deleted(self, todo: Reference) -> sa.ColumnElement[bool]:
        """Return the condition that a row of history is about a todo that no longer exists. Raises `NotFound`."""
        was = col(History.todo_id) == todo if isinstance(todo, UUID) else _number == todo
        found = self._session.scalars(sa.select(col(History.todo_id)).where(self._owner.scope(History), was).limit(1))
        todo_id = found.one_or_none()
        if todo_id is None:
            raise resolve.not_found([todo], [])
        return col(History.todo_id) == todo_id


_columns = (col(History.todo_id), col(History.before), col(History.after))


def is_undone(owner: Owner, change: type[Change]) -> sa.ColumnElement[bool]:
    """Return the condition that a change is undone, and that this undo was not undone in turn."""
    undo, redo = aliased(Change, name="undo"), aliased(Change, name="redo")
    redone = sa.exists(sa.select(col(redo.id)).where(owner.scope(redo), col(redo.undoes) == col(undo.id)))
    newer = col(undo.seq) > col(change.seq)
    return sa.exists(
        sa.select(col(undo.id)).where(owner.scope(undo), col(undo.undoes) == col(change.id), newer, ~redone)
    )


def _grouped(rows: Sequence[sa.RowMapping]) -> list[RecordedChange]:
    return [_change(list(group)) for _, group in groupby(rows, key=lambda row: row["id"])]


def _change(rows: Sequence[Any]) -> RecordedChange:
    first = rows[0]
    todos = tuple(TodoChange(row["todo_id"], row["before"], row["after"]) for row in rows)
    fields = ("id", "made_at", "source", "kind", "undoes", "is_undone", "count")
    return RecordedChange(todos=todos, **{name: first[name] for name in fields})
