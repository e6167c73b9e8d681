"""Reads the log: the changes that a user made, as the triggers recorded them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any, Literal, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from todocli import clock
from todocli.column_types import NumberIn
from todocli.domain.change_ids import parse_change_id, shortened
from todocli.domain.filters.ast import EVERYTHING, Filter
from todocli.domain.history import Row, action, differences
from todocli.domain.references import Reference, References
from todocli.errors import NotFound
from todocli.models import Change, History, Todo
from todocli.schemas.changes import ChangeItem, ChangeList, ChangeRead, FieldChange
from todocli.schemas.todos import TodoRead
from todocli.services import resolve
from todocli.services.filter_sql import compile_filter
from todocli.services.owner import Owner

_MOST_LOOKED_UP = 200
"""How many ids are looked up one by one, to find what stands beside them; for more, all are read."""

_number = NumberIn(col(History.after), col(History.before))


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
    actor: str | None
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

    With `todo`, a number or an id, only the changes that touched it, and of each only what it did to this todo. With
    `filter`, the same for the todos that match it now. With `before`, the id of a change, only older ones.
    """

    todo: Reference | None = None
    filter: Filter = EVERYTHING
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    per_change: int | None = None
    before: UUID | None = None


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
        changes = self._find(query, self._of_existing(query))
        if not changes:
            self._owner.require(self._session)
            if query.todo is not None:
                changes = self._find(query, self._of_deleted(query.todo))
        items = [change.read() for change in changes[: query.limit]]
        return ChangeList.of(items, has_more=len(changes) > len(items))

    def _find(self, query: LogQuery, of_todo: sa.ColumnElement[bool] | None) -> list[RecordedChange]:
        """Return what `query` asks for, and one change more if there are more."""
        if of_todo is None:
            # not EXISTS, for which Postgres might read all of history before the newest changes
            row = sa.select(col(History.todo_id)).where(self._of_change(Change), _is_kept).limit(1).correlate(Change)
            page = self._changes().where(self._owner.scope(Change), row.scalar_subquery().is_not(None))
        else:
            touching = sa.select(col(History.change_id)).where(self._owner.owns(History), of_todo)
            page = self._changes().where(self._owner.owns(Change), _is_kept, col(Change.id).in_(touching))
        page = page.order_by(col(Change.seq).desc())
        if query.since:
            page = page.where(col(Change.made_at) >= query.since)
        if query.until:
            page = page.where(col(Change.made_at) < query.until)
        if query.before:
            mark = aliased(Change, name="mark")
            place = sa.select(col(mark.seq)).where(self._owner.owns(mark), col(mark.id) == query.before)
            page = page.where(col(Change.seq) < place.scalar_subquery())
        if query.limit is not None:
            page = page.limit(query.limit + 1)
        return _grouped(self._with_rows(page, sa.true() if of_todo is None else of_todo, query.per_change))

    def resolve(self, text: str) -> UUID:
        """Return the id of the one change that `text` is, or begins. Raises `ValidationError` and `NotFound`."""
        first, last = parse_change_id(text)
        between = (col(Change.id) >= first, col(Change.id) <= last)
        query = sa.select(col(Change.id)).where(self._owner.scope(Change), *between).order_by(col(Change.id)).limit(2)
        found = self._session.scalars(query).all()
        if len(found) == 1:
            return found[0]
        self._owner.require(self._session)
        what = f"Several changes begin with {text[:40]}." if found else f"There is no change {text[:40]}."
        raise NotFound(what, hint="See your changes", command=("todo", "log"))

    def short_ids(self, ids: Sequence[UUID]) -> dict[UUID, str]:
        """Return a beginning of each change's id that no other change of the user has."""
        if len(ids) > _MOST_LOOKED_UP:
            known = self._session.scalars(sa.select(col(Change.id)).where(self._owner.scope(Change))).all()
            ordered = sorted({*known, *ids})
            around = zip([None, *ordered], ordered, [*ordered[1:], None], strict=False)
            return {change: shortened(change, filter(None, (before, after))) for before, change, after in around}
        if not ids:
            return {}
        known_one, near = aliased(Change, name="known"), aliased(Change, name="near")
        neighbours = [
            sa.select(col(near.id))
            .where(self._owner.owns(near), condition)
            .order_by(order)
            .limit(1)
            .correlate(known_one)
            .scalar_subquery()
            for condition, order in (
                (col(near.id) < col(known_one.id), col(near.id).desc()),
                (col(near.id) > col(known_one.id), col(near.id)),
            )
        ]
        query = sa.select(col(known_one.id), *neighbours)
        rows = self._session.execute(query.where(self._owner.owns(known_one), col(known_one.id).in_(ids))).all()
        return {change: shortened(change, filter(None, others)) for change, *others in rows}

    def changes(self, ids: Sequence[UUID], *, per_change: int | None = None) -> list[RecordedChange]:
        """Return changes, newest first, each with `per_change` todos (None: all)."""
        page = self._changes().where(self._owner.owns(Change), col(Change.id).in_(ids))
        return _grouped(self._with_rows(page, sa.true(), per_change))

    def of_todos(self, references: References, count: int) -> list[tuple[TodoRead, list[ChangeRead]]]:
        """Return the referenced todos, in order, each with its newest `count` changes.

        Raises `NotFound` naming every reference that matches nothing.
        """
        referenced = sa.and_(self._owner.scope(Todo), resolve.where_referenced(references))
        place = sa.func.row_number().over(partition_by=col(History.todo_id), order_by=col(Change.seq).desc())
        newest = (
            sa.select(col(History.change_id), *_columns, place.label("place"))
            .join(Change, sa.and_(self._owner.owns(Change), self._of_change(Change), _is_kept))
            .where(self._owner.owns(History), col(History.todo_id).in_(sa.select(col(Todo.id)).where(referenced)))
            .subquery("newest")
        )
        # The limit excludes nothing. It lowers the planner's estimate, which would otherwise turn on JIT compilation.
        most = None if references.ranges else count * len(references.items)
        last = sa.select(newest).where(newest.c.place <= count).limit(most).subquery("last")
        touched = [last.c[name] for name in ("todo_id", "before", "after")]
        of_last = sa.and_(self._owner.owns(Change), col(Change.id) == last.c.change_id)
        recent = self._changes().add_columns(*touched).join(last, of_last).subquery("recent")
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
                changes.setdefault(todo.id, []).append(recorded([change]).read())
        if missing := resolve.missing(references, todos.values()):
            self._owner.require(self._session)
            raise resolve.not_found(missing, [])
        return [(todo, changes.get(todo.id, [])) for todo in resolve.in_order(references, list(todos.values()))]

    # How the statements are put together

    def _changes(self) -> sa.Select[Any]:
        return select_changes(self._owner)

    def _with_rows(
        self, page: sa.Select[Any], of_todo: sa.ColumnElement[bool], per_change: int | None
    ) -> Sequence[sa.RowMapping]:
        """Return the rows of history of the changes in `page`, newest change first, at most `per_change` of each."""
        changes = page.cte("page").prefix_with("MATERIALIZED")  # or Postgres counts the todos once for each row
        place = sa.func.row_number().over(partition_by=changes.c.id, order_by=_number).label("place")
        of_change = sa.and_(self._owner.owns(History), col(History.change_id) == changes.c.id, of_todo)
        rows = sa.select(changes, *_columns, place).join_from(changes, History, of_change).subquery("rows")
        query = sa.select(rows).order_by(rows.c.seq.desc(), rows.c.place)
        if per_change is not None:
            query = query.where(rows.c.place <= per_change)
        return self._session.execute(query).mappings().all()

    def _of_change(self, change: type[Change]) -> sa.ColumnElement[bool]:
        return sa.and_(self._owner.owns(History), col(History.change_id) == col(change.id))

    def _of_existing(self, query: LogQuery) -> sa.ColumnElement[bool] | None:
        """Return the condition that a row of history is about existing todos of a query; None for every todo."""
        todo = query.todo
        if todo is None and query.filter == EVERYTHING:
            return None
        if todo is None:
            matches = compile_filter(query.filter, clock.here(), self._session.get_bind().dialect.name)
            return col(History.todo_id).in_(sa.select(col(Todo.id)).where(self._owner.scope(Todo), matches))
        if isinstance(todo, UUID):
            return col(History.todo_id) == todo
        existing = sa.select(col(Todo.id)).where(self._owner.scope(Todo), col(Todo.number) == todo)
        return col(History.todo_id) == existing.scalar_subquery()

    def _of_deleted(self, todo: Reference) -> sa.ColumnElement[bool]:
        """Return the condition that a row of history is about a todo that no longer exists. Raises `NotFound`."""
        if isinstance(todo, UUID):
            was = sa.and_(self._owner.owns(History), col(History.todo_id) == todo)
        else:  # as the index on it says
            ends = sa.or_(col(History.before).is_(None), col(History.after).is_(None))
            was = sa.and_(self._owner.scope(History), _number == todo, ends)
        found = self._session.scalars(sa.select(col(History.todo_id)).where(was).limit(1))
        todo_id = found.one_or_none()
        if todo_id is None:
            raise resolve.not_found([todo], [])
        return col(History.todo_id) == todo_id


_is_kept = col(Change.compacted_at).is_(None)
_columns = (col(History.todo_id), col(History.before), col(History.after))


@lru_cache(maxsize=500)
def select_changes(owner: Owner) -> sa.Select[Any]:
    """Select changes, each with its kind, whether it is undone, and how many todos it touched."""
    table = sa.inspect(Change).local_table.c
    target = aliased(Change, name="target")
    undoes = sa.select(col(target.undoes)).where(owner.owns(target), col(target.id) == col(Change.undoes))
    kind = sa.case((col(Change.undoes).is_(None), "change"), (undoes.scalar_subquery().is_(None), "undo"), else_="redo")
    counted = aliased(History, name="counted")
    count = sa.select(sa.func.count()).where(owner.owns(counted), col(counted.change_id) == col(Change.id))
    columns: list[sa.ColumnElement[Any]] = [
        *(table[name] for name in ("id", "seq", "made_at", "source", "actor", "undoes")),
        kind.label("kind"),
        is_undone(owner, Change).label("is_undone"),
        count.scalar_subquery().label("count"),
    ]
    return sa.select(*columns).select_from(Change)


@lru_cache(maxsize=500)
def is_undone(owner: Owner, change: type[Change]) -> sa.ColumnElement[bool]:
    """Return the condition that a change is undone, and that this undo was not undone in turn."""
    undo, redo = aliased(Change, name="undo"), aliased(Change, name="redo")
    redone = sa.exists(sa.select(col(redo.id)).where(owner.owns(redo), col(redo.undoes) == col(undo.id)))
    newer = col(undo.seq) > col(change.seq)
    return sa.exists(
        sa.select(col(undo.id)).where(owner.owns(undo), col(undo.undoes) == col(change.id), newer, ~redone)
    )


@lru_cache(maxsize=500)
def is_ordinary(owner: Owner, change: type[Change]) -> sa.ColumnElement[bool]:
    """Return the condition that a change is not an undo, a redo, a claim or a purge, and not emptied by a purge.

    One of its rows tells: those of a purge have only a number, and those of a claim end at another time.
    """
    kept = aliased(History, name="kept")
    row = (
        sa.select(col(kept.before), col(kept.after))
        .where(owner.owns(kept), col(kept.change_id) == col(change.id))
        .limit(1)
        .correlate(change)
        .subquery("kept_row")
    )
    is_kept = sa.or_(row.c.after.is_not(None), row.c.before["title"].as_string().is_not(None))
    before, after = (image["claimed_until"].as_string() for image in (row.c.before, row.c.after))
    is_claim = sa.and_(row.c.before.is_not(None), row.c.after.is_not(None), before.is_distinct_from(after))
    return sa.and_(col(change.undoes).is_(None), sa.exists(sa.select(row.c.after).where(is_kept, ~is_claim)))


def _grouped(rows: Sequence[sa.RowMapping]) -> list[RecordedChange]:
    return [recorded(list(group)) for _, group in groupby(rows, key=lambda row: row["id"])]


def recorded(rows: Sequence[Any]) -> RecordedChange:
    """Return the change of some rows of history, all of it."""
    first = rows[0]
    todos = tuple(TodoChange(row["todo_id"], row["before"], row["after"]) for row in rows)
    fields = ("id", "made_at", "source", "actor", "kind", "undoes", "is_undone", "count")
    return RecordedChange(todos=todos, **{name: first[name] for name in fields})
