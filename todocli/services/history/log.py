"""The steps that a user made, as history has them."""

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


class Touched(NamedTuple):
    """One todo in one step."""

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
class Step:
    """One step with the todos that it touched, in the order of their numbers, or with some of them."""

    id: UUID
    made_at: datetime
    source: str
    kind: Literal["step", "undo", "redo"]
    undoes: UUID | None
    is_undone: bool
    count: int
    touched: tuple[Touched, ...]

    def read(self) -> ChangeRead:
        """Return it as part of the contract."""
        fields = {name: getattr(self, name) for name in ChangeRead.model_fields if name != "items"}
        return ChangeRead(items=[touched.read() for touched in self.touched], **fields)


@dataclass(frozen=True)
class LogQuery:
    """Which steps to show, from `since` on and before `until`: at most `limit`, and of each at most `shown` todos.

    With `todo`, which is no range, the steps that touched it, and of each only what it did to this todo.
    Without `with_total` nobody counts what is not shown: the total is then the count, or one more if there are more.
    """

    todo: Reference | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    shown: int | None = None
    with_total: bool = True


class Log:
    """The steps of one user."""

    def __init__(self, session: Session, owner: Owner) -> None:
        self._session = session
        self._owner = owner

    def find(self, wanted: LogQuery) -> ChangeList:
        """Return the steps that `wanted` asks for, newest first.

        Raises `NotFound` if there never was such a todo, and `MissingUserContext` if the database knows no such user.
        """
        steps, total = self._find(wanted, self._is_todo(wanted.todo))
        if not steps:
            self._owner.require(self._session)
            if wanted.todo is not None:
                steps, total = self._find(wanted, self._was_todo(wanted.todo))
        return ChangeList(
            items=[step.read() for step in steps[: wanted.limit]], count=len(steps[: wanted.limit]), total=total
        )

    def _find(self, wanted: LogQuery, of_todo: sa.ColumnElement[bool]) -> tuple[list[Step], int]:
        page = self._steps().where(self._touched(Change, of_todo)).order_by(col(Change.seq).desc())
        if wanted.since:
            page = page.where(col(Change.made_at) >= wanted.since)
        if wanted.until:
            page = page.where(col(Change.made_at) < wanted.until)
        if wanted.with_total:
            page = page.add_columns(sa.func.count().over().label("total"))
        if wanted.limit is not None:
            page = page.limit(wanted.limit + (not wanted.with_total))
        rows = self._with_rows(page, of_todo, wanted.shown)
        steps = _grouped(rows)
        return steps, rows[0]["total"] if rows and wanted.with_total else len(steps)

    def steps(self, ids: Sequence[UUID]) -> list[Step]:
        """Return whole steps, newest first."""
        page = self._steps().where(col(Change.id).in_(ids))
        return _grouped(self._with_rows(page, sa.true(), None))

    def of_todos(self, references: References, count: int) -> list[tuple[TodoRead, list[ChangeRead]]]:
        """Return the todos named, in the order they are named, each with its newest `count` steps.

        Raises `NotFound` naming every reference that found none.
        """
        named = sa.and_(self._owner.scope(Todo), resolve.where_referenced(references))
        place = sa.func.row_number().over(partition_by=col(History.todo_id), order_by=col(Change.seq).desc())
        newest = (
            sa.select(col(History.change_id), *_touched, place.label("place"))
            .join(Change, sa.and_(self._owner.scope(Change), self._in_step(Change)))
            .where(self._owner.scope(History), col(History.todo_id).in_(sa.select(col(Todo.id)).where(named)))
            .subquery("newest")
        )
        # The limit changes nothing but what Postgres expects: with more rows it would compile the statement (JIT).
        most = None if references.ranges else count * len(references.items)
        last = sa.select(newest).where(newest.c.place <= count).limit(most).subquery("last")
        touched = [last.c[name] for name in ("todo_id", "before", "after")]
        recent = self._steps().add_columns(*touched).join(last, last.c.change_id == col(Change.id)).subquery("recent")
        query = (
            sa.select(*resolve.COLUMNS, *(column.label(f"step_{column.name}") for column in recent.c))
            .outerjoin_from(Todo, recent, recent.c.todo_id == col(Todo.id))
            .where(named)
            .order_by(recent.c.seq.desc())
        )
        todos: dict[UUID, TodoRead] = {}
        steps: dict[UUID, list[ChangeRead]] = {}
        for row in self._session.execute(query).mappings():
            todo = todos.setdefault(row["id"], resolve.read(row))
            if row["step_id"]:
                step = {column.name: row[f"step_{column.name}"] for column in recent.c}
                steps.setdefault(todo.id, []).append(_step([step]).read())
        if lost := resolve.missing(references, todos.values()):
            self._owner.require(self._session)
            raise resolve.not_found(lost, [])
        return [(todo, steps.get(todo.id, [])) for todo in resolve.in_order(references, list(todos.values()))]

    # How the statements are put together

    def _steps(self) -> sa.Select[Any]:
        """Select the user's steps, each with its kind, whether it was taken back, and how many todos it touched."""
        table = sa.inspect(Change).local_table.c
        target = aliased(Change, name="target")
        undoes = sa.select(col(target.undoes)).where(self._owner.scope(target), col(target.id) == col(Change.undoes))
        kind = sa.case(
            (col(Change.undoes).is_(None), "step"), (undoes.scalar_subquery().is_(None), "undo"), else_="redo"
        )
        counted = aliased(History, name="counted")
        count = sa.select(sa.func.count()).where(self._owner.scope(counted), col(counted.change_id) == col(Change.id))
        columns: list[sa.ColumnElement[Any]] = [
            *(table[name] for name in ("id", "seq", "made_at", "source", "undoes")),
            kind.label("kind"),
            is_undone_clause(self._owner, Change).label("is_undone"),
            count.scalar_subquery().label("count"),
        ]
        return sa.select(*columns).where(self._owner.scope(Change))

    def _with_rows(
        self, page: sa.Select[Any], of_todo: sa.ColumnElement[bool], shown: int | None
    ) -> Sequence[sa.RowMapping]:
        """Return the rows of history of the steps in `page`, newest step first; of each at most `shown`."""
        steps = page.cte("page").prefix_with("MATERIALIZED")  # or Postgres counts a step's todos for each of them
        place = sa.func.row_number().over(partition_by=steps.c.id, order_by=_number).label("place")
        of_step = sa.and_(self._owner.scope(History), col(History.change_id) == steps.c.id, of_todo)
        rows = sa.select(steps, *_touched, place).join_from(steps, History, of_step).subquery("rows")
        query = sa.select(rows).order_by(rows.c.seq.desc(), rows.c.place)
        if shown is not None:
            query = query.where(rows.c.place <= shown)
        return self._session.execute(query).mappings().all()

    def _in_step(self, change: type[Change]) -> sa.ColumnElement[bool]:
        return sa.and_(self._owner.scope(History), col(History.change_id) == col(change.id))

    def _touched(self, change: type[Change], of_todo: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        return sa.exists(sa.select(col(History.todo_id)).where(self._in_step(change), of_todo))

    def _is_todo(self, todo: Reference | None) -> sa.ColumnElement[bool]:
        """Return the condition that a row of history is about a todo that there is."""
        if todo is None:
            return sa.true()
        if isinstance(todo, UUID):
            return col(History.todo_id) == todo
        there = sa.select(col(Todo.id)).where(self._owner.scope(Todo), col(Todo.number) == todo)
        return col(History.todo_id) == there.scalar_subquery()

    def _was_todo(self, todo: Reference) -> sa.ColumnElement[bool]:
        """Return the condition that a row of history is about a todo that is no more. Raises `NotFound`."""
        was = col(History.todo_id) == todo if isinstance(todo, UUID) else _number == todo
        found = self._session.scalars(sa.select(col(History.todo_id)).where(self._owner.scope(History), was).limit(1))
        todo_id = found.one_or_none()
        if todo_id is None:
            raise resolve.not_found([todo], [])
        return col(History.todo_id) == todo_id


_touched = (col(History.todo_id), col(History.before), col(History.after))


def is_undone_clause(owner: Owner, change: type[Change]) -> sa.ColumnElement[bool]:
    """Return the condition that a step was taken back, and that this was not taken back in turn."""
    undo, redo = aliased(Change, name="undo"), aliased(Change, name="redo")
    redone = sa.exists(sa.select(col(redo.id)).where(owner.scope(redo), col(redo.undoes) == col(undo.id)))
    newer = col(undo.seq) > col(change.seq)
    return sa.exists(
        sa.select(col(undo.id)).where(owner.scope(undo), col(undo.undoes) == col(change.id), newer, ~redone)
    )


def _grouped(rows: Sequence[sa.RowMapping]) -> list[Step]:
    return [_step(list(group)) for _, group in groupby(rows, key=lambda row: row["id"])]


def _step(rows: Sequence[Any]) -> Step:
    first = rows[0]
    touched = tuple(Touched(row["todo_id"], row["before"], row["after"]) for row in rows)
    fields = ("id", "made_at", "source", "kind", "undoes", "is_undone", "count")
    return Step(touched=touched, **{name: first[name] for name in fields})
