"""The statement that changes todos: all of them or none, and once only, however often it is sent.

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

What a row needs is judged on the locked row, not on the snapshot.

Building the statement takes longer than running it. So it is built from an `UpdateShape`, which has no values, and that
of references is kept; `values_of` has the values, and `resolve.values_of` those of the references.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel, col

from todocli.column_types import Members
from todocli.database.store import WRITES
from todocli.domain.dates import Shift
from todocli.domain.references import ReferenceKinds
from todocli.models import Todo
from todocli.services import dependency_sql, following_sql, parameters, resolve, subtask_sql
from todocli.services.admission import may_write
from todocli.services.array_sql import collected, is_among, lists_differ, members_after
from todocli.services.idempotency import not_recorded
from todocli.services.links import NO_LINKS, Links
from todocli.services.owner import Owner
from todocli.services.resolve import COLUMNS

_table, _notes = (SQLModel.metadata.tables[name] for name in ("todos", "notes"))
STAMP = ("updated_at", "change_id", "change_source", "change_actor", "change_request")
"""The columns that `todocli.services.updates.stamp` has values for."""

_EXPECTED = "expected"


@dataclass(frozen=True)
class Assignment:
    """Sets a column to a parameter, in todos where that makes a difference."""

    column: str

    def value(self, dialect: str) -> sa.ColumnElement[Any]:
        """Return the new value."""
        return parameters.new(self.column)

    def pending(self, dialect: str) -> sa.ColumnElement[bool]:
        """Return the condition that a row still needs it."""
        value = self.value(dialect)
        column = _table.c[self.column]
        if isinstance(column.type, Members):
            return lists_differ(column, value, dialect)
        return column.is_distinct_from(value)


@dataclass(frozen=True)
class Mark(Assignment):
    """Sets a column to the time of the change, unless the todo has a time there already."""

    def value(self, dialect: str) -> sa.ColumnElement[Any]:
        """Return the new value."""
        return sa.func.coalesce(_table.c[self.column], parameters.new("updated_at"))

    def pending(self, dialect: str) -> sa.ColumnElement[bool]:
        """Return the condition that a row still needs it."""
        return _table.c[self.column].is_(None)


@dataclass(frozen=True)
class Clear(Assignment):
    """Sets a column to NULL."""

    def value(self, dialect: str) -> sa.ColumnElement[Any]:
        """Return the new value."""
        return sa.null()

    def pending(self, dialect: str) -> sa.ColumnElement[bool]:
        """Return the condition that a row still needs it."""
        return _table.c[self.column].is_not(None)


@dataclass(frozen=True)
class Move(Assignment):
    """Moves a date, in todos that have one."""

    shift: Shift

    def value(self, dialect: str) -> sa.ColumnElement[Any]:
        """Return the new value."""
        day, months, days = _table.c[self.column], self.shift.months, self.shift.days
        if dialect == "postgresql":
            later = day + sa.func.make_interval(0, months) if months else day + days
            return sa.cast(later, sa.Date())
        if not months:
            return sa.func.date(day, f"{days:+} days", type_=sa.Date())
        # SQLite goes on into the next month where a month has no such day: the last one is earlier.
        same = sa.func.date(day, "start of month", f"{months:+} months", sa.func.strftime("+%d days", day), "-1 day")
        last = sa.func.date(day, "start of month", f"{months + 1:+} months", "-1 day")
        return sa.func.min(same, last, type_=sa.Date())

    def pending(self, dialect: str) -> sa.ColumnElement[bool]:
        """Return the condition that a row still needs it."""
        day = _table.c[self.column]
        return sa.and_(day.is_not(None), day.is_distinct_from(self.value(dialect)))


@dataclass(frozen=True)
class CountNote(Assignment):
    """Counts one note more."""

    column: str = "note_count"

    def value(self, dialect: str) -> sa.ColumnElement[Any]:
        """Return the new value."""
        return _table.c[self.column] + 1

    def pending(self, dialect: str) -> sa.ColumnElement[bool]:
        """Return the condition that a row still needs it."""
        return sa.true()


@dataclass(frozen=True)
class ChangeMembers(Assignment):
    """Adds members to a list, such as the tags, and removes others."""

    added: frozenset[str] | frozenset[int]
    removed: frozenset[str] | frozenset[int]

    def value(self, dialect: str) -> sa.ColumnElement[Any]:
        """Return the new value."""
        return members_after(_table.c[self.column], self.added, self.removed, dialect)


@dataclass(frozen=True)
class UpdateShape:
    """All that the statement depends on, but for its parameters and for which todos it is about.

    With `is_versioned`, a row is changed only if the change `expected` was the last one to touch it. With `from_trash`,
    todos in the trash are updated as well; `with_subtasks`, the subtasks of the chosen todos that are where these are,
    at any version. With `adds_note`, a row of notes is inserted for each. With `is_part`, other statements of the same
    change may have run before it: its transaction has locked the user, and knows that it is no retry. `links` are todos
    that must be there, for others to refer to them. With `frees`, others may wait for what is updated no longer. With
    `is_strict`, nothing is updated while a todo waits for an open one, or has an open subtask, that is not updated with
    it. With `continues`, what repeats is followed by its next occurrence.
    """

    assignments: tuple[Assignment, ...]
    is_versioned: bool = False
    from_trash: bool = False
    with_subtasks: bool = False
    adds_note: bool = False
    is_part: bool = False
    links: Links = NO_LINKS
    frees: bool = False
    is_strict: bool = False
    continues: bool = False

    def may_run(self, owner: Owner) -> sa.ColumnElement[bool]:
        """Return the condition that the change has not been recorded, unless this is a part of it."""
        return sa.true() if self.is_part else not_recorded(owner, parameters.new("change_id"))

    def pending(self, dialect: str) -> sa.ColumnElement[bool]:
        """Return the condition that a row still needs the update."""
        return sa.or_(sa.false(), *(assignment.pending(dialect) for assignment in self.assignments))

    def reach(self, owner: Owner, dialect: str, chosen: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        """Return the condition that a todo is chosen, or a subtask that goes along."""
        if not self.with_subtasks:
            return chosen
        family = subtask_sql.family(owner, dialect, chosen)
        return is_among(_table.c.number, collected(sa.select(family.c.number), dialect), dialect)

    def applies(self, locked: sa.CTE) -> sa.ColumnElement[bool]:
        """Return the condition that a locked row is changed."""
        if not self.is_versioned:
            return locked.c.is_pending
        expected = sa.bindparam(_EXPECTED, type_=sa.Uuid())
        if not self.with_subtasks:
            return sa.and_(locked.c.is_pending, locked.c.change_id == expected)
        stale = sa.select(locked.c.id).where(locked.c.is_chosen, locked.c.change_id != expected).correlate(None)
        return sa.and_(locked.c.is_pending, sa.not_(sa.exists(stale)))


def values_of(values: Mapping[str, object], stamped: Mapping[str, object], expected: UUID | None) -> dict[str, object]:
    """Return the parameters of a statement: new `values` by column, and those of `todocli.services.updates.stamp`."""
    return parameters.values_of({**values, **stamped}) | {_EXPECTED: expected}


@lru_cache(maxsize=200)
def of_references(
    owner: Owner, dialect: str, shape: UpdateShape, kinds: ReferenceKinds, *, is_planned: bool = False
) -> Any:
    """Return the statement for referenced todos.

    On Postgres, where a second query costs a round trip, it also returns the referenced todos that it leaves alone. If
    it is planned what follows, the `Plan` has its parameters. It changes nothing if a todo that repeats is not in the
    plan, or was changed since.
    """
    locked = _locked(owner, dialect, shape, resolve.is_referenced(kinds))
    return _with_unchanged(owner, dialect, shape, locked, resolve.all_resolved(locked, kinds), is_planned)


def of_selection(
    owner: Owner,
    dialect: str,
    shape: UpdateShape,
    conditions: Collection[sa.ColumnElement[bool]],
    *,
    is_planned: bool = False,
) -> Any:
    """Return the statement for the todos that fulfil `conditions`; `is_planned` is as in `of_references`."""
    locked = _locked(owner, dialect, shape, sa.and_(*conditions))
    if shape.continues and dialect == "postgresql":
        return _with_unchanged(owner, dialect, shape, locked, (), is_planned)
    statement = _update(owner, dialect, shape, locked)
    if not shape.frees or dialect == "sqlite":
        return statement
    updated = statement.cte("updated")
    return sa.select(*updated.c, dependency_sql.freed_on_postgres(owner, updated)).execution_options(**WRITES)


def _locked(owner: Owner, dialect: str, shape: UpdateShape, chosen: sa.ColumnElement[bool]) -> sa.CTE:
    user = owner.locked().cte("owner")
    last_number = sa.select(user.c.last_number).scalar_subquery()
    more = [last_number.label("last_number")]
    if shape.with_subtasks and shape.is_versioned:
        more.append(chosen.label("is_chosen"))
    return (
        sa.select(*COLUMNS, shape.pending(dialect).label("is_pending"), *more)
        .where(col(Todo.user_id) == sa.select(user.c.id).scalar_subquery())
        .where(shape.reach(owner, dialect, chosen), col(Todo.change_id) != parameters.new("change_id"))
        .where(sa.true() if shape.from_trash else col(Todo.deleted_at).is_(None))
        .order_by(col(Todo.id))
        .with_for_update()
        .cte("locked")
    )


def _update(owner: Owner, dialect: str, shape: UpdateShape, locked: sa.CTE, is_planned: bool = False) -> Any:
    values = {assignment.column: assignment.value(dialect) for assignment in shape.assignments}
    freed = []
    if shape.frees and dialect == "sqlite":
        ready = dependency_sql.FreedOnSqlite(_table.c.user_id, _table.c.number)
        freed.append(sa.case((dependency_sql.was_open(_table), ready)).label("freed"))
    conditions = shape.links.conditions_of(owner, dialect, sa.select(locked.c.number))
    if shape.continues and dialect == "postgresql" and not shape.is_part:
        conditions.append(_all_planned(locked, is_planned))
    if shape.is_strict:
        conditions.append(_none_blocked(dialect, locked))
        pending = sa.select(locked.c.number).where(locked.c.is_pending).subquery("ending")
        conditions.append(subtask_sql.have_no_open(owner, pending, sa.select(locked.c.number)))
    return (
        _table.update()
        .where(owner.owns(Todo), _table.c.id.in_(sa.select(locked.c.id).where(shape.applies(locked))))
        .where(shape.may_run(owner), may_write(), *conditions)
        .values(**values, **{name: parameters.new(name) for name in STAMP}, version=_table.c.version + 1)
        .returning(*COLUMNS, *freed)
        .execution_options(synchronize_session=False)
    )


def _with_unchanged(
    owner: Owner,
    dialect: str,
    shape: UpdateShape,
    locked: sa.CTE,
    conditions: Collection[sa.ColumnElement[bool]],
    is_planned: bool = False,
) -> Any:
    statement = _update(owner, dialect, shape, locked, is_planned).where(*conditions)
    if dialect == "sqlite":
        return statement
    updated = statement.cte("updated")
    notes = [insert_notes(updated).returning(_notes.c.id).cte("added_notes")] if shape.adds_note else []
    columns = [locked.c[column.name] for column in COLUMNS]
    is_left = sa.not_(shape.applies(locked))
    if shape.continues and not shape.is_part:
        is_left = sa.or_(is_left, sa.not_(_all_planned(locked, is_planned)))
    unchanged = sa.select(*columns, locked.c.is_pending, sa.false().label("is_changed")).where(
        is_left, shape.may_run(owner)
    )
    changed = sa.select(*updated.c, sa.false().label("is_pending"), sa.true().label("is_changed"))
    parts = [changed, unchanged]
    if is_planned:
        last_number = sa.select(sa.func.max(locked.c.last_number)).scalar_subquery()
        added = following_sql.insert(dialect, updated, last_number).cte("added")
        parts.append(sa.select(*added.c, sa.false(), sa.true()))
    rows: sa.CompoundSelect[Any] | sa.Select[Any] = sa.union_all(*parts)
    if shape.frees:
        rows = sa.select(*rows.subquery("rows").c, dependency_sql.freed_on_postgres(owner, updated))
    return rows.add_cte(*notes).execution_options(**WRITES)


def _all_planned(locked: sa.CTE, is_planned: bool) -> sa.ColumnElement[bool]:
    """Return the condition that what follows is planned for each row that repeats, as it is now."""
    repeats = sa.and_(locked.c.is_pending, locked.c.rrule.is_not(None), locked.c.completed_at.is_(None))
    if is_planned:
        checked: sa.BindParameter[Any] = sa.bindparam("checked", expanding=True)
        repeats = sa.and_(repeats, sa.tuple_(locked.c.id, locked.c.change_id).not_in(checked))
    return sa.not_(sa.exists(sa.select(locked.c.id).where(repeats)))


def _none_blocked(dialect: str, locked: sa.CTE) -> sa.ColumnElement[bool]:
    """Return the condition that no locked row that is to be updated needs an open todo beside the locked ones."""
    numbers = sa.select(locked.c.number)
    needed = dependency_sql.open_needed(locked.c.user_id, locked.c.needs, dialect, numbers)
    waiting = sa.select(locked.c.id).where(locked.c.is_pending, locked.c.needs.is_not(None), sa.exists(needed))
    return sa.not_(sa.exists(waiting))


def insert_notes(todos: sa.FromClause) -> sa.Insert:
    """Return the statement that adds a note to each of `todos`; its id and text are parameters."""
    values: dict[str, Any] = {
        "id": sa.bindparam("note_id", type_=_notes.c.id.type),
        "user_id": todos.c.user_id,
        "todo_id": todos.c.id,
        "change_id": parameters.new("change_id"),
        "made_at": parameters.new("updated_at"),
        "text": sa.bindparam("note_text", type_=sa.Text()),
    }
    return _notes.insert().from_select(list(values), sa.select(*values.values()).select_from(todos))
