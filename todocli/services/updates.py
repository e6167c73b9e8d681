"""Changes several todos in one statement: all of them or none, and once only, however often it is sent.

    WITH owner AS (                         1. lock the user, as the triggers and every other command do first:
        SELECT id FROM users                   changes of one user queue up, and cannot deadlock
        WHERE name = :user FOR NO KEY UPDATE),
    locked AS (
        SELECT …, pending
        FROM todos
        WHERE user_id = (SELECT id FROM owner) AND <chosen>
          AND change_id <> :change          2. a retry that waited for the first attempt's lock sees the new
        ORDER BY id FOR UPDATE)                change_id here, when Postgres re-checks the row (READ COMMITTED)
    UPDATE todos SET …, change_id = :change
    WHERE id IN (SELECT id FROM locked WHERE pending)
      AND NOT EXISTS (                      3. a retry after the commit finds its change recorded
        SELECT FROM changes WHERE id = :change)
      AND <every reference resolved>        4. one missing todo, and nothing changes
    RETURNING …

Steps 2 and 3 are both needed. The statement's snapshot is older than the lock, so step 3 alone misses a first attempt
that committed while the retry waited. Step 2 alone misses one whose rows were changed again since.

What a row needs is judged on the locked row, not on the snapshot. Only when fewer todos changed than were referenced,
a second statement finds out why: not there, already so, or changed by somebody else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli.database.store import WRITES
from todocli.domain.history import Origin
from todocli.domain.idempotency import ChangeKey
from todocli.domain.references import References
from todocli.errors import Conflict
from todocli.models import Todo
from todocli.schemas.todos import TodoRead
from todocli.services import resolve
from todocli.services.admission import may_write
from todocli.services.idempotency import not_recorded, recorded_todos
from todocli.services.owner import Owner
from todocli.services.resolve import COLUMNS, Result, read
from todocli.services.selection import Chosen, ConfirmationNeeded, Selection


@dataclass(frozen=True)
class UpdateSpec:
    """What an update does: `values` by column, and `pending`, the condition that a row still needs them.

    `at` is the time of the change. With `expected`, a row is changed only if that change was the last one to touch it.
    With `from_trash`, todos in the trash are updated as well.
    """

    at: datetime
    values: Mapping[str, object]
    pending: sa.ColumnElement[bool]
    from_trash: bool = False
    expected: UUID | None = None

    def is_satisfied_by(self, row: Row) -> bool:
        """Whether the todo already matches, at the expected version."""
        return not row.is_pending and self.expected in (None, row.todo.change_id)


class Row(NamedTuple):
    """A todo, and whether an update still has something to do there."""

    todo: TodoRead
    is_pending: bool


def stamp(origin: Origin, at: datetime, change_id: UUID, request: str | None) -> dict[str, object]:
    """Return the columns that tell the triggers which change wrote a row."""
    return {
        "updated_at": at,
        "change_id": change_id,
        "change_source": origin.source,
        "change_actor": origin.actor,
        "change_request": request,
    }


class Updates:
    """Updates the todos of one user; `origin` is what history records of each change."""

    def __init__(self, session: Session, owner: Owner, origin: Origin) -> None:
        self._session = session
        self._owner = owner
        self._origin = origin

    def apply(self, chosen: Chosen, spec: UpdateSpec, key: ChangeKey) -> Result:
        """Update the todos that are referenced or selected.

        Raises `NotFound` naming every reference that matches nothing, `ConfirmationNeeded` for a selection of several
        todos that was not confirmed, and `Conflict` if `key` was used for another request.
        """
        if isinstance(chosen, Selection):
            return self._apply_to_selection(chosen, spec, key)
        return self._apply_to_references(chosen, spec, key)

    def _apply_to_references(self, references: References, spec: UpdateSpec, key: ChangeKey) -> Result:
        locked = self._locked(spec, key, resolve.where_referenced(references))
        statement = self._update(locked, spec, key).where(*resolve.all_resolved(locked, references))
        changed, unchanged = self._send(statement, locked, spec, key)
        todos = [*changed, *(row.todo for row in unchanged)]
        if all(map(spec.is_satisfied_by, unchanged)) and not resolve.missing(references, todos):
            return resolve.result_for(references, todos, {todo.id for todo in changed})
        return self._settle(references, spec, key, changed)

    def _apply_to_selection(self, selection: Selection, spec: UpdateSpec, key: ChangeKey) -> Result:
        conditions = selection.query.conditions(self._dialect)
        if selection.confirmed is not None:
            conditions.append(col(Todo.id).in_(selection.confirmed))
        if selection.dry_run:
            return Result(self._pending(conditions, spec), frozenset())
        locked = self._locked(spec, key, sa.and_(*conditions))
        statement = self._update(locked, spec, key)
        if not selection.several:
            count = sa.select(sa.func.count()).select_from(locked).where(locked.c.is_pending)
            statement = statement.where(count.scalar_subquery() <= 1)
        todos = [read(row) for row in self._session.execute(statement).mappings()]
        is_repeat = False
        if not todos:
            if (touched := recorded_todos(self._session, self._owner, key)) is not None:
                is_repeat, todos = True, self._todos(col(Todo.id).in_(touched))
            else:
                self._owner.require(self._session)
                if not selection.several and len(several := self._pending(conditions, spec)) > 1:
                    raise ConfirmationNeeded(several)
        todos.sort(key=lambda todo: todo.number)
        return Result(todos, frozenset(todo.number for todo in todos), is_repeat)

    def _pending(self, conditions: Sequence[sa.ColumnElement[bool]], spec: UpdateSpec) -> list[TodoRead]:
        return sorted(self._todos(*conditions, spec.pending), key=lambda todo: todo.number)

    def _todos(self, *conditions: sa.ColumnElement[bool]) -> list[TodoRead]:
        query = sa.select(*COLUMNS).where(self._owner.scope(Todo), *conditions)
        return [read(row) for row in self._session.execute(query).mappings()]

    def _locked(self, spec: UpdateSpec, key: ChangeKey, chosen: sa.ColumnElement[bool]) -> sa.CTE:
        owner = self._owner.locked().cte("owner")
        return (
            sa.select(*COLUMNS, spec.pending.label("is_pending"))
            .where(col(Todo.user_id) == sa.select(owner.c.id).scalar_subquery())
            .where(chosen, col(Todo.change_id) != key.id)
            .where(sa.true() if spec.from_trash else col(Todo.deleted_at).is_(None))
            .order_by(col(Todo.id))
            .with_for_update()
            .cte("locked")
        )

    def _update(self, locked: sa.CTE, spec: UpdateSpec, key: ChangeKey) -> Any:
        return (
            sa.update(Todo)
            .where(self._owner.owns(Todo), col(Todo.id).in_(sa.select(locked.c.id).where(_needs_update(locked, spec))))
            .where(not_recorded(self._owner, key.id), may_write())
            .values(**spec.values, **stamp(self._origin, spec.at, key.id, key.request), version=col(Todo.version) + 1)
            .returning(*COLUMNS)
            .execution_options(synchronize_session=False)
        )

    def _send(
        self, statement: Any, locked: sa.CTE, spec: UpdateSpec, key: ChangeKey
    ) -> tuple[list[TodoRead], list[Row]]:
        """Return the changed todos; on Postgres, where a second query costs a round trip, the unchanged ones too."""
        if self._dialect == "sqlite":
            return [read(row) for row in self._session.execute(statement).mappings()], []
        updated = statement.cte("updated")
        columns = [locked.c[column.name] for column in COLUMNS]
        unchanged = sa.select(*columns, locked.c.is_pending, sa.false().label("is_changed")).where(
            ~_needs_update(locked, spec), not_recorded(self._owner, key.id)
        )
        changed = sa.select(*updated.c, sa.false().label("is_pending"), sa.true().label("is_changed"))
        rows = self._session.execute(changed.union_all(unchanged).execution_options(**WRITES)).mappings().all()
        return (
            [read(row) for row in rows if row["is_changed"]],
            [Row(read(row), row["is_pending"]) for row in rows if not row["is_changed"]],
        )

    def _settle(self, references: References, spec: UpdateSpec, key: ChangeKey, changed: Sequence[TodoRead]) -> Result:
        """Find out why fewer todos changed than were referenced."""
        query = sa.select(*COLUMNS, spec.pending.label("is_pending")).where(
            self._owner.scope(Todo), resolve.where_referenced(references)
        )
        found = [Row(read(row), row["is_pending"]) for row in self._session.execute(query).mappings()]
        todos = [row.todo for row in found]
        if changed:  # then the change was made, whatever happened to the other todos since
            merged = {todo.id: todo for todo in (*todos, *changed)}
            return resolve.result_for(references, list(merged.values()), {todo.id for todo in changed})
        if (touched := recorded_todos(self._session, self._owner, key)) is not None:
            return resolve.result_for(references, todos, touched, is_repeat=True)
        there = [row for row in found if spec.from_trash or row.todo.deleted_at is None]
        if missing := resolve.missing(references, [row.todo for row in there]):
            self._owner.require(self._session)
            raise resolve.not_found(missing, todos)
        if conflicts := resolve.in_order(references, [row.todo for row in there if not spec.is_satisfied_by(row)]):
            numbers = ", ".join(str(todo.number) for todo in conflicts)
            raise Conflict(
                f"Todo{'s' if len(conflicts) > 1 else ''} {numbers} {'were' if len(conflicts) > 1 else 'was'}"
                " changed in the meantime; this command changed nothing.",
                hint="Look at it, then repeat",
                command=("todo", "show", str(conflicts[0].number)),
            )
        return resolve.result_for(references, [row.todo for row in there], set())

    @property
    def _dialect(self) -> str:
        return self._session.get_bind().dialect.name


def _needs_update(locked: sa.CTE, spec: UpdateSpec) -> sa.ColumnElement[bool]:
    if spec.expected is None:
        return locked.c.is_pending
    return sa.and_(locked.c.is_pending, locked.c.change_id == spec.expected)
