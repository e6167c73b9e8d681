"""What the next occurrences of a todo that repeats have, where this one has something else.

An edit changes this occurrence only, unless it is for the series. So the same statement keeps the values that the
series has in `series_values`, by column, and what follows is made from the row with them.

    edit 12 Water the ferns       title: Water the ferns   series_values: {"title": "Water"}
    done 12                       what follows is called Water
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from todocli.models import Todo
from todocli.schemas.base import validated
from todocli.schemas.todos import TodoRead
from todocli.services.array_sql import members_after
from todocli.services.following_sql import COPIED
from todocli.services.series_sql import Sql, json_of
from todocli.services.update_sql import Assignment, ChangeMembers, Clear

DATES = ("due_on", "starts_on")
KEPT = (*COPIED, *DATES)
"""The columns of which the series may have another value: of the dates, their distance counts."""

_table = sa.inspect(Todo).local_table


@dataclass(frozen=True)
class SeriesValues(Assignment):
    """Keeps what the series has of the columns that are `kept` for it, and gives it those that it has as well.

    A column that has the value of the series again is not kept either.
    """

    column: str = "series_values"
    kept: tuple[Assignment, ...] = ()
    shared: tuple[Assignment, ...] = ()

    def value(self, dialect: str) -> Sql:
        """Return the new value."""
        json = json_of(dialect)
        series = json.of_todo()
        if self.kept:
            series = json.default(series, [each.column for each in self.kept])
        for each in self._lists:
            new = json.put(series, each.column, json.value(_members(series, each, dialect), each.column))
            series = sa.case((json.has(series, each.column), new), else_=series)
        left = series
        for other in (*self.kept, *self.shared):
            same = json.get(series, other.column).is_not_distinct_from(json.value(other.value(dialect), other.column))
            left = json.without(left, other.column, None if self._is_given(other) else same)
        whole = sa.type_coerce(json.stored(left), _table.c.series_values.type)
        return sa.case((_table.c.rrule.is_not(None), whole))

    def pending(self, dialect: str) -> sa.ColumnElement[bool]:
        """Return the condition that the series has another value of a column that it gets as well."""
        json = json_of(dialect)
        series = json.of_todo()
        found = [json.has(series, each.column) for each in self.shared if self._is_given(each)]
        for each in self._lists:
            before, after = json.members(series, each.column), _members(series, each, dialect)
            differs = json.value(after, each.column).is_distinct_from(json.value(before, each.column))
            found.append(sa.and_(json.has(series, each.column), differs))
        return sa.or_(sa.false(), *found)

    @property
    def _lists(self) -> tuple[ChangeMembers, ...]:
        """The lists of which the series gets and loses some members as well."""
        return tuple(each for each in self.shared if isinstance(each, ChangeMembers))

    def _is_given(self, each: Assignment) -> bool:
        """Whether the series gets the whole value of this todo."""
        return each in self.shared and each not in self._lists


def _members(series: Sql, each: ChangeMembers, dialect: str) -> Sql:
    """Return the list that the series has after a change."""
    return members_after(json_of(dialect).members(series, each.column), each.added, each.removed, dialect)


@dataclass(frozen=True)
class Replan(Assignment):
    """Lets the dates of the series follow from the new date of a todo that repeats."""

    column: str = "repeat_on"
    due: Assignment | None = None
    start: Assignment | None = None

    def value(self, dialect: str) -> Sql:
        """Return the new value."""
        due = self.due.value(dialect) if self.due else _table.c.due_on
        start = self.start.value(dialect) if self.start else _table.c.starts_on
        planned = _table.c.repeat_on
        on: sa.ColumnElement[Any] = sa.func.coalesce(due, start, planned)
        if not self.due:
            on = sa.case((_table.c.due_on.is_(None), on), else_=planned)
        return sa.case((_table.c.rrule.is_not(None), sa.type_coerce(on, planned.type)))

    def pending(self, dialect: str) -> sa.ColumnElement[bool]:
        """Return the condition that a row still needs it."""
        return _table.c.repeat_on.is_distinct_from(self.value(dialect))


def bookkeeping(
    assignments: Sequence[Assignment], values: Mapping[str, object], *, for_series: bool
) -> list[Assignment]:
    """Return what an edit with these assignments sets besides, in todos that repeat.

    A date that comes with the rule, or from it, is always that of the series.
    """
    if "rrule" in values and values["rrule"] is None:
        return [Clear("series_values")]
    is_planned = "repeat_on" in values
    changed = {each.column: each for each in assignments if each.column in KEPT}
    shared = {name for name in changed if for_series or (is_planned and name in (*DATES, "due_time"))}
    kept, given = changed.keys() - shared, [changed[name] for name in sorted(shared)]
    found: list[Assignment] = []
    if changed or is_planned:
        found.append(SeriesValues(kept=tuple(changed[name] for name in sorted(kept)), shared=tuple(given)))
    if shared.intersection(DATES) and not is_planned:
        found.append(Replan(due=changed.get("due_on"), start=changed.get("starts_on")))
    return found


def as_series(
    todo: TodoRead, assignments: Sequence[Assignment] = (), values: Mapping[str, object] | None = None
) -> TodoRead:
    """Return a todo as its series has it, after an update with these assignments and values.

    Raises `ValidationError` if a console has written what no todo can have.
    """
    series = {name: value for name, value in (todo.series_values or {}).items() if name in KEPT}
    shared = next((each.shared for each in assignments if isinstance(each, SeriesValues)), ())
    for each in shared:
        if isinstance(each, ChangeMembers):
            now = series.get(each.column, getattr(todo, each.column))
            series[each.column] = sorted({*now, *each.added} - {*each.removed})
        elif values and each.column in values:
            series[each.column] = values[each.column]
    if any(isinstance(each, Replan) and (each.due or todo.due_on is None) for each in assignments):
        due, start = (series.get(name, getattr(todo, name)) for name in DATES)
        series["repeat_on"] = due or start or todo.repeat_on
    return validated(TodoRead, todo.model_dump() | series) if series else todo
