"""Changes several todos in one statement, which `todocli.services.update_sql` explains.

Only when fewer todos changed than were referenced, a second statement finds out why: not there, already so, or changed
by somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from todocli.database.engine import sqlite_transaction
from todocli.domain.dates import Shift, months_later
from todocli.domain.history import Origin
from todocli.domain.idempotency import ChangeKey
from todocli.domain.ids import derived_id
from todocli.domain.references import References
from todocli.errors import Conflict, FieldError, ValidationError
from todocli.models import Todo
from todocli.schemas.todos import TodoRead
from todocli.services import following_sql, repetition, resolve, subtask_sql, update_rows, update_sql
from todocli.services.array_sql import collected, is_among
from todocli.services.following_sql import NO_PLAN, Plan
from todocli.services.idempotency import recorded_todos
from todocli.services.owner import Owner
from todocli.services.repetition import Following
from todocli.services.resolve import COLUMNS, Followed, Result, read
from todocli.services.selection import Chosen, ConfirmationNeeded, Preview, Selection
from todocli.services.series import as_series
from todocli.services.update_sql import UpdateShape

MAX_PLANS = 5
"""How often it is planned what follows, if others change the todos meanwhile."""


@dataclass(frozen=True)
class UpdateSpec:
    """What an update does: its `shape`, the `values` of its parameters by column, and the time of the change.

    `note` is the text of the note that it adds, if any.
    """

    at: datetime
    shape: UpdateShape
    values: Mapping[str, object] = field(default_factory=dict)
    expected: UUID | None = None
    note: str | None = None

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


def _can_move(day: date, shift: Shift) -> bool:
    try:
        return bool(months_later(day, shift.months) + timedelta(days=shift.days))
    except (ValueError, OverflowError):
        return False


class Updates:
    """Updates the todos of one user; `origin` is what history records of each change."""

    def __init__(self, session: Session, owner: Owner, origin: Origin) -> None:
        self._session = session
        self._owner = owner
        self._origin = origin

    def apply(self, chosen: Chosen, spec: UpdateSpec, key: ChangeKey) -> Result:
        """Update the todos that are referenced or selected.

        Raises `NotFound` naming every reference that matches nothing, `ConfirmationNeeded` for a selection that matches
        todos and was not confirmed, and `Conflict` if `key` was used for another request.
        """
        if isinstance(chosen, Preview):
            return self._preview(chosen.references, spec, key)
        if isinstance(chosen, Selection):
            return self._apply_to_selection(chosen, spec, key)
        return self._apply_to_references(chosen, spec, key)

    def require_date(self, chosen: Chosen, column: str, shift: Shift, key: ChangeKey) -> None:
        """Raise `ValidationError` if one of the todos has no date in a column, or none that can move so far.

        A retry is not refused: its todos may have changed since.
        """
        if isinstance(chosen, Selection):
            conditions = chosen.query.conditions(self._dialect)
        else:
            references = chosen.references if isinstance(chosen, Preview) else chosen
            conditions = [resolve.where_referenced(references), col(Todo.deleted_at).is_(None)]
        date_of = SQLModel.metadata.tables["todos"].c[column]
        number, title = col(Todo.number), col(Todo.title)
        query = sa.select(number, title, date_of).where(self._owner.scope(Todo), *conditions)
        missing = query.where(date_of.is_(None)).order_by(number).limit(1)
        furthest = date_of.desc() if shift.months + shift.days > 0 else date_of
        last = query.where(date_of.is_not(None)).order_by(furthest).limit(1)
        name = {"due_on": "due", "starts_on": "start"}[column]
        if found := self._session.execute(missing).first():
            detail = f"{found.number} {found.title} has no {name} date to move; nothing was changed."
            hint = f"Give it one, such as {name}:fri, or select by {name}:any."
        elif (found := self._session.execute(last).first()) and not _can_move(getattr(found, column), shift):
            detail = f"The {name} date of {found.number} {found.title} cannot move so far; nothing was changed."
            hint = "Dates go from the year 1 to the year 9999."
        else:
            return
        if recorded_todos(self._session, self._owner, key) is None:
            raise ValidationError.of(column, detail, hint=hint)

    def write(self, references: References, spec: UpdateSpec, key: ChangeKey) -> None:
        """Update the referenced todos. What may stand against it was checked before, in the same transaction."""

        def send() -> Sequence[sa.RowMapping]:
            statement = update_sql.of_references(self._owner, self._dialect, spec.shape, references.kinds)
            rows = self._rows(statement, spec, key, **resolve.values_of(references))
            return [row for row in rows if row.get("is_changed", True)]

        self._send_and_follow(send, spec, key, lambda: self._pending_of(references, spec, key))

    def _apply_to_references(self, references: References, spec: UpdateSpec, key: ChangeKey) -> Result:
        def send(plan: Plan) -> Sequence[sa.RowMapping]:
            statement = update_sql.of_references(
                self._owner, self._dialect, spec.shape, references.kinds, is_planned=plan != NO_PLAN
            )
            return self._rows(statement, spec, key, **resolve.values_of(references), **plan.parameters)

        rows, followed = self._send_planned(send, spec, key, lambda: self._pending_of(references, spec, key))
        found = list(zip(rows, update_rows.read_together(rows), strict=True))
        changed = [todo for row, todo in found if row.get("is_changed", True)]
        if changed and spec.note is not None and self._dialect == "sqlite":
            self._add_notes(changed, spec, key)
        left = [Row(todo, row["is_pending"]) for row, todo in found if not row.get("is_changed", True)]
        unchanged = [row for row in left if resolve.in_order(references, [row.todo])]
        todos = [*changed, *(row.todo for row in unchanged)]
        if all(map(spec.is_satisfied_by, unchanged)) and not resolve.missing(references, todos):
            ids = {todo.id for todo in changed}
            return resolve.result_for(references, todos, ids, freed=update_rows.freed(rows, changed), followed=followed)
        return self._settle(references, spec, key, changed)

    def _send_planned(
        self,
        send: Callable[[Plan], Sequence[sa.RowMapping]],
        spec: UpdateSpec,
        key: ChangeKey,
        pending: Callable[[], list[TodoRead]],
    ) -> tuple[Sequence[sa.RowMapping], list[Followed]]:
        """Send an update, and return its rows and what follows the todos that repeat.

        On Postgres, it changes nothing while one of them has no plan; then it is planned, and sent again with it.
        `pending` returns the todos that it is about to change.
        """
        if not spec.shape.continues:
            return send(NO_PLAN), []
        if self._dialect == "sqlite":
            with sqlite_transaction(self._session):
                return self._send_and_follow(lambda: send(NO_PLAN), spec, key, pending)
        rows, planned = send(NO_PLAN), list[Following]()
        plan = NO_PLAN
        for _ in range(MAX_PLANS):
            touched = [read(row) for row in rows if row["is_pending"] and not row["is_changed"]]
            if not any(todo.rrule for todo in touched):
                break
            plan, planned = self._plan(touched, spec, key)
            rows = send(plan)
        return update_rows.apart(rows, plan, planned)

    def _plan(self, touched: Sequence[TodoRead], spec: UpdateSpec, key: ChangeKey) -> tuple[Plan, list[Following]]:
        """Return the plan for todos that are about to end, some of which repeat."""
        ended_on = spec.at.astimezone().date()
        todos = [todo for todo in touched if todo.rrule]
        taken = {(todo.series_id, todo.series_place) for todo in touched}
        ended = [todo for todo in todos if todo.completed_at in (None, spec.at)]
        series_of = partial(as_series, assignments=spec.shape.assignments, values=spec.values)
        planned = repetition.following(ended, ended_on, series_of, taken)
        if spec.shape.with_subtasks:
            planned = repetition.pausing(planned, touched)
        copied = repetition.rows(planned, self.subtasks_of([each.after for each in planned]), taken)
        rows = [row | {"id": self._new_id(row, key)} for row in copied]
        return Plan(rows, frozenset((todo.id, todo.change_id) for todo in todos)), planned

    def _new_id(self, row: Mapping[str, Any], key: ChangeKey) -> UUID:
        """Return the id of what follows: by its place in its series, as several statements of a change may add some."""
        return derived_id(key.id, f"{self._owner.name}/{row['series_id']}", row["series_place"])

    def subtasks_of(self, todos: Sequence[TodoRead]) -> list[TodoRead]:
        """Return the subtasks of todos, and theirs, on every level, by number."""
        ids = [todo.id for todo in todos if todo.subtasks]
        if not ids:
            return []
        family = subtask_sql.family(self._owner, self._dialect, col(Todo.id).in_(ids))
        below = collected(sa.select(family.c.number).where(family.c.level > 1), self._dialect)
        found = self._todos(is_among(col(Todo.number), below, self._dialect))
        return sorted(found, key=lambda todo: todo.number)

    def _send_and_follow(
        self,
        send: Callable[[], Sequence[sa.RowMapping]],
        spec: UpdateSpec,
        key: ChangeKey,
        pending: Callable[[], list[TodoRead]],
    ) -> tuple[Sequence[sa.RowMapping], list[Followed]]:
        """Send an update, and add what follows, in one transaction. What follows is like the todos before the update.

        They are read first if more is changed than that they end.
        """
        is_more = spec.shape.continues and len(spec.shape.assignments) > 1
        before = {todo.id: todo for todo in pending()} if is_more else None
        rows = send()
        if not any(row["rrule"] for row in rows) and before is None:
            return rows, []
        ended = map(read, rows) if before is None else (before[row["id"]] for row in rows if row["id"] in before)
        return rows, self._follow(list(ended), spec, key)

    def _pending_of(self, references: References, spec: UpdateSpec, key: ChangeKey) -> list[TodoRead]:
        return [row.todo for row in self._referenced(references, spec, key) if row.is_pending]

    def _follow(self, ended: Sequence[TodoRead], spec: UpdateSpec, key: ChangeKey) -> list[Followed]:
        """Add what follows those of the todos that repeat, in the transaction that has ended them."""
        if not spec.shape.continues:
            return []
        plan, planned = self._plan(ended, spec, key)
        if not plan.rows:
            return []
        rows = self._rows(following_sql.of_ended(self._owner, self._dialect), spec, key, **plan.parameters)
        return update_rows.apart(rows, plan, planned)[1]

    def _apply_to_selection(self, selection: Selection, spec: UpdateSpec, key: ChangeKey) -> Result:
        conditions = selection.query.conditions(self._dialect)
        if selection.confirmed is not None:
            conditions.append(col(Todo.id).in_(selection.confirmed))
        if selection.dry_run:
            pending = self._pending(conditions, spec, key)
            return Result(pending, frozenset(), followed=self._would_follow(pending, spec, key))
        is_confirmed = selection.unasked or selection.confirmed is not None
        todos: list[TodoRead] = []
        rows: Sequence[sa.RowMapping] = ()
        followed: list[Followed] = []
        if is_confirmed:

            def send(plan: Plan) -> Sequence[sa.RowMapping]:
                statement = update_sql.of_selection(
                    self._owner, self._dialect, spec.shape, conditions, is_planned=plan != NO_PLAN
                )
                return self._rows(statement, spec, key, **plan.parameters)

            rows, followed = self._send_planned(send, spec, key, lambda: self._pending(conditions, spec, key))
            todos = update_rows.read_together([row for row in rows if row.get("is_changed", True)])
        is_repeat = False
        if not todos:
            if (touched := recorded_todos(self._session, self._owner, key)) is not None:
                is_repeat, todos = True, self._todos(col(Todo.id).in_(touched))
            elif found := self._pending(conditions, spec, key):
                self._refuse_links(spec, [todo.number for todo in found])
                if not is_confirmed:
                    raise ConfirmationNeeded(found)
            else:
                self._owner.require(self._session)
        todos.sort(key=lambda todo: todo.number)
        numbers = frozenset(todo.number for todo in todos)
        return Result(todos, numbers, is_repeat, update_rows.freed(rows, todos), tuple(followed))

    def _refuse_links(self, spec: UpdateSpec, numbers: Sequence[int]) -> None:
        """Raise the error for links that todos of these numbers cannot have."""
        spec.shape.links.refuse_for(self._session, self._owner, numbers)

    def _preview(self, references: References, spec: UpdateSpec, key: ChangeKey) -> Result:
        """Return the referenced todos that an update would change."""
        found = self._referenced(references, spec, key)
        self._require_all(references, spec, found)
        pending = [row.todo for row in found if row.is_pending]
        followed = self._would_follow(pending, spec, key)
        ids = {todo.id for todo in pending}
        return resolve.result_for(references, pending, ids, is_preview=True, followed=followed)

    def _would_follow(self, pending: Sequence[TodoRead], spec: UpdateSpec, key: ChangeKey) -> tuple[Followed, ...]:
        return update_rows.would_follow(self._plan(pending, spec, key)[1]) if spec.shape.continues else ()

    def _referenced(self, references: References, spec: UpdateSpec, key: ChangeKey) -> list[Row]:
        reached = spec.shape.reach(self._owner, self._dialect, resolve.where_referenced(references))
        query = sa.select(*COLUMNS, spec.shape.pending(self._dialect).label("is_pending")).where(
            self._owner.scope(Todo), reached
        )
        return [Row(read(row), row["is_pending"]) for row in self._rows(query, spec, key)]

    def _require_all(self, references: References, spec: UpdateSpec, found: Sequence[Row]) -> list[Row]:
        """Return the rows that an update may change. Raises `NotFound` naming the references without one."""
        there = [row for row in found if spec.shape.from_trash or row.todo.deleted_at is None]
        if missing := resolve.missing(references, [row.todo for row in there]):
            self._owner.require(self._session)
            raise resolve.not_found(missing, [row.todo for row in found])
        return there

    def _pending(
        self, conditions: Sequence[sa.ColumnElement[bool]], spec: UpdateSpec, key: ChangeKey
    ) -> list[TodoRead]:
        reached = spec.shape.reach(self._owner, self._dialect, sa.and_(*conditions))
        query = sa.select(*COLUMNS).where(self._owner.scope(Todo), reached, spec.shape.pending(self._dialect))
        return sorted(map(read, self._rows(query, spec, key)), key=lambda todo: todo.number)

    def _todos(self, *conditions: sa.ColumnElement[bool]) -> list[TodoRead]:
        query = sa.select(*COLUMNS).where(self._owner.scope(Todo), *conditions)
        return [read(row) for row in self._session.execute(query).mappings()]

    def _rows(self, statement: Any, spec: UpdateSpec, key: ChangeKey, **more: object) -> Sequence[sa.RowMapping]:
        """Run a statement with the parameters of an update, and `more`."""
        return self._session.execute(statement, self._parameters(spec, key) | more).mappings().all()

    def _parameters(self, spec: UpdateSpec, key: ChangeKey) -> dict[str, object]:
        stamped = stamp(self._origin, spec.at, key.id, key.request)
        values = update_sql.values_of(spec.values, stamped, spec.expected)
        if spec.note is not None:
            values |= {"note_id": derived_id(key.id, self._owner.name, 1), "note_text": spec.note}
        return values

    def _add_notes(self, todos: Sequence[TodoRead], spec: UpdateSpec, key: ChangeKey) -> None:
        """Add the note of an update to the todos that it changed, where the update's own statement cannot."""
        table = SQLModel.metadata.tables["todos"]
        chosen = sa.select(table.c.id, table.c.user_id).where(
            self._owner.scope(Todo), table.c.id.in_([todo.id for todo in todos])
        )
        self._session.execute(update_sql.insert_notes(chosen.subquery("chosen")), self._parameters(spec, key))

    def _settle(self, references: References, spec: UpdateSpec, key: ChangeKey, changed: Sequence[TodoRead]) -> Result:
        """Find out why fewer todos changed than were referenced."""
        found = self._referenced(references, spec, key)
        todos = [row.todo for row in found]
        if changed:  # then the change was made, whatever happened to the other todos since
            merged = {todo.id: todo for todo in (*todos, *changed)}
            return resolve.result_for(references, list(merged.values()), {todo.id for todo in changed})
        if (touched := recorded_todos(self._session, self._owner, key)) is not None:
            return resolve.result_for(references, todos, touched, is_repeat=True)
        there = self._require_all(references, spec, found)
        self._refuse_links(spec, [row.todo.number for row in there])
        if spec.shape.is_strict:
            _refuse_unfinished([row.todo for row in there if row.is_pending])
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


def _refuse_unfinished(todos: Sequence[TodoRead]) -> None:
    """Raise `Conflict` if one of the todos waits for another, or has a subtask, that is open and not among them."""
    numbers = {todo.number for todo in todos}
    for todo in todos:
        for name, others, what in (
            ("needs", todo.blocked_by, "still needs {}, which {} open"),
            ("subtasks", todo.open_subtasks, "has the subtask{s} {}, which {} open"),
        ):
            if unfinished := [number for number in others if number not in numbers]:
                is_one = len(unfinished) == 1
                listed = ", ".join(map(str, unfinished))
                raise Conflict(
                    f"{todo.number} {what.format(listed, 'is' if is_one else 'are', s='' if is_one else 's')};"
                    " nothing was changed.",
                    hint="Leave out --strict, or look at it first",
                    command=("todo", "show", str(unfinished[0])),
                    field_errors=tuple(FieldError(name, f"{number} is open") for number in unfinished),
                )
