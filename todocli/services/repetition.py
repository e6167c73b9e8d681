"""What follows a todo that repeats.

The next occurrence is added by the change that ends this one, and is unique by its series and its place in it. So no
two machines, retries or imports can add it twice, and undo takes both back together.

    12 Water   place 1   repeat_on Mon 23   due Tue 24 (put off)   done Thu 26
    31 Water   place 2   repeat_on Mon 30   due Mon 30
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from todocli.domain.fields import MAX_LEVELS
from todocli.domain.ids import is_series_of_copies, series_of_copies
from todocli.domain.records import Repeats
from todocli.errors import Hint, ValidationError
from todocli.schemas.todos import RepeatInput, TodoCreate, TodoRead, TodoUpdate
from todocli.services.following_sql import CARRIED
from todocli.services.series import as_series

if TYPE_CHECKING:
    from todocli.domain.recurrence import Repetition

COLUMNS = ("rrule", "repeat_from", "repeat_on", "ends_on", "times")
"""The columns that say how a todo repeats."""

MAX_COPIED = 1_000
"""The most todos that a change adds with subtasks of what repeats."""


class Following(NamedTuple):
    """What follows a todo: its `place` in the series, its dates, and how many dates were skipped for it.

    `after` is that todo as its series has it.
    """

    after: TodoRead
    place: int
    skipped: int
    repeat_on: date
    due_on: date | None
    starts_on: date | None

    @property
    def key(self) -> tuple[UUID | None, int]:
        """What it is unique by, for one user."""
        return self.after.series_id, self.place


Place = tuple[UUID | None, int | None]
"""A series, and a place in it."""


def following(
    todos: Iterable[TodoRead],
    ended_on: date,
    series_of: Callable[[TodoRead], TodoRead] = as_series,
    taken: Collection[Place] = (),
) -> list[Following]:
    """Return what follows todos that end on a day, but for the places that are `taken`.

    `series_of` returns a todo as its series has it.
    """
    todos = sorted(todos, key=lambda todo: todo.number)
    found = [each for todo in todos if (each := _following(todo, series_of(todo), ended_on))]
    return [each for each in found if each.key not in taken]


def pausing(planned: Sequence[Following], touched: Sequence[TodoRead]) -> list[Following]:
    """Return `planned` without what would come below a todo that is done or in the trash.

    A todo that ends together with its parent is followed only if that is. `touched` are all todos that end.
    """
    parents = {todo.number: todo.parent for todo in touched}
    followed = {each.after.number for each in planned}

    def top(number: int) -> int:
        for _ in range(MAX_LEVELS):
            if (parent := parents.get(number)) is None or parent not in parents:
                break
            number = parent
        return number

    return [each for each in planned if top(each.after.number) in followed]


def _following(todo: TodoRead, series: TodoRead, ended_on: date) -> Following | None:
    repetition = todo.repetition
    if repetition is None or series.repeat_on is None or todo.series_place is None:
        return None
    from todocli.domain.recurrence import next_occurrence

    day = todo.due_on or todo.starts_on
    found = next_occurrence(repetition, series.repeat_on, completed_on=ended_on, place=todo.series_place, due_was=day)
    if found is None:
        return None
    due_on, starts_on = _dates_on(found.on, series.due_on, series.starts_on)
    return Following(series, found.place, found.skipped, found.on, due_on, starts_on)


def _dates_on(on: date, due_on: date | None, starts_on: date | None) -> tuple[date | None, date | None]:
    """Return the due and start dates of an occurrence on a day, with the distance that these dates have."""
    if due_on is None:
        return (None, on) if starts_on else (on, None)
    if starts_on is None:
        return on, None
    try:
        return on, on - (due_on - starts_on)
    except OverflowError:
        return on, None


def of_new(draft: TodoCreate, today: date) -> dict[str, Any]:
    """Return the columns of a new todo that repeats, but its series; none if it does not. Raises `ValidationError`."""
    found = _given(draft)
    if found is None:
        return {}
    if draft.is_someday:
        raise _no_date()
    return _columns(found, draft.due_on, draft.starts_on, today) | {"series_place": 1}


def of_record(repeats: Repeats, due_on: date | None, starts_on: date | None, today: date) -> dict[str, Any]:
    """Return the columns of a todo of a file, which belongs to a series, and a due date if it has no date.

    Raises `ValidationError`.
    """
    series = {"series_id": repeats.series_id, "series_place": repeats.place}
    if repeats.repetition is None:
        return series
    return _columns(repeats.repetition, due_on, starts_on, today, repeats.on) | series


def of_update(todo: TodoRead, update: TodoUpdate, today: date) -> dict[str, Any]:
    """Return the columns that make a todo repeat as an update says, or no longer. Raises `ValidationError`."""
    found = _given(update, todo.repetition)
    if found is None:
        return dict.fromkeys(COLUMNS)
    due_on, starts_on = (
        getattr(update if name in update.model_fields_set else todo, name) for name in ("due_on", "starts_on")
    )
    if update.is_someday or (todo.is_someday and due_on is None and starts_on is None):
        raise _no_date()
    is_first = todo.series_id is None or is_series_of_copies(todo.series_id)
    series = {"series_id": todo.id, "series_place": 1} if is_first else {}
    return _columns(found, due_on, starts_on, today) | series


def of_skip(todo: TodoRead, today: date) -> dict[str, Any]:
    """Return the columns that move an open todo on to its next date. Raises `ValidationError` if it has none."""
    if todo.rrule is None:
        raise ValidationError.of(
            "reference", f"{todo.number} does not repeat.", hint=Hint("Change its date.", "Move it with todo edit.")
        )
    if todo.completed_at is not None:
        raise ValidationError.of("reference", f"{todo.number} is done already.", hint="Give the one that is open.")
    if (found := _following(todo, as_series(todo), today)) is None:
        detail = f"{todo.number} is the last of its series; nothing was changed."
        raise ValidationError.of("reference", detail, hint="Complete it, or remove it.")
    dates = {"repeat_on": found.repeat_on, "due_on": found.due_on, "starts_on": found.starts_on}
    return dates | ({"is_someday": False} if todo.is_someday else {})


def _no_date() -> ValidationError:
    detail = "A todo for someday has no date that could repeat."
    return ValidationError.of("every", detail, hint="Give it one, such as due:today.")


def _columns(
    repetition: Repetition, due_on: date | None, starts_on: date | None, today: date, on: date | None = None
) -> dict[str, Any]:
    """Return the columns of an occurrence that the rule has `on` a day: with a due date, if it has no date at all.

    Raises `ValidationError` if it ends before it begins.
    """
    from todocli.domain.recurrence import anchored, first_date

    on = on or due_on or starts_on
    columns: dict[str, Any] = {}
    if on is None:
        on = first_date(repetition, today)
        columns["due_on"] = on
    if on is None or (repetition.ends_on and on > repetition.ends_on):
        raise ValidationError.of("ends_on", "It ends before it begins.", hint="Give a later day: ends:2027-01-01")
    repetition = anchored(repetition, on)
    return columns | {
        "rrule": repetition.rule,
        "repeat_from": repetition.mode,
        "repeat_on": on,
        "ends_on": repetition.ends_on,
        "times": repetition.times,
    }


def _given(fields: RepeatInput, before: Repetition | None = None) -> Repetition | None:
    """Return the repetition that fields ask for, given the one `before`; None: it does not repeat.

    Raises `ValidationError` for an end without a repetition.
    """
    found = before
    if "every" in fields.model_fields_set or "again" in fields.model_fields_set:
        found = fields.repetition()
        if found and before and (found.ends_on, found.times) == (None, None):
            found = replace(found, ends_on=before.ends_on, times=before.times)
    if found is None:
        if fields.ends_on or fields.times:
            name = "ends_on" if fields.ends_on else "times"
            raise ValidationError.of(name, "Only a todo that repeats has an end.", hint="Say how often: every:week")
        return None
    ends = {name: getattr(fields, name) for name in ("ends_on", "times") if name in fields.model_fields_set}
    return replace(found, **ends)


def rows(
    plan: Sequence[Following], subtasks: Sequence[TodoRead] = (), taken: Collection[Place] = ()
) -> list[dict[str, Any]]:
    """Return the columns of what follows, as a `Plan` of `todocli.services.following_sql` has them.

    `subtasks` are those of the todos that it follows, on every level. What follows has copies of them, unless they
    repeat by themselves. A copy is unique like what follows: it has a series too, with the same place. Those whose
    places are `taken` are left out.
    """
    found = [
        {name: getattr(each.after, name) for name in CARRIED}
        | {"series_place": each.place, "repeat_on": each.repeat_on}
        | {"due_on": each.due_on, "starts_on": each.starts_on, "after": each.after.id}
        for each in plan
    ]
    parents = [each.after.parent for each in plan]
    place_of = {each.after.number: place for place, each in enumerate(plan, 1)}
    root_of = {each.after.number: each for each in plan}
    waiting = list(subtasks)
    while ready := [todo for todo in waiting if todo.parent in root_of]:
        waiting = [todo for todo in waiting if todo.parent not in root_of]
        for todo in ready:
            if todo.rrule is None and todo.parent is not None:
                copy = _copy(todo, root_of[todo.parent])
                if (copy["series_id"], copy["series_place"]) in taken:
                    continue
                root_of[todo.number] = root_of[todo.parent]
                found.append(copy)
                parents.append(todo.parent)
                place_of[todo.number] = len(found)
    if len(found) > max(len(plan), MAX_COPIED):
        detail = f"There are {len(found) - len(plan):,} subtasks that would repeat; at most {MAX_COPIED:,} can."
        raise ValidationError.of(
            "reference", f"{detail} Nothing was changed.", hint="Let it repeat no longer: every:none"
        )
    return [
        row | {"parent": parent, "under": place_of.get(parent) if parent else None}
        for row, parent in zip(found, parents, strict=True)
    ]


def _copy(todo: TodoRead, each: Following) -> dict[str, Any]:
    """Return the columns of the copy of a subtask, which is as far from its dates as what follows the parent."""
    distance = each.repeat_on - each.after.repeat_on if each.after.repeat_on else timedelta()
    series = series_of_copies(each.after.series_id or each.after.id, todo.id, todo.series_id)
    none: dict[str, Any] = dict.fromkeys(COLUMNS)
    return (
        {name: getattr(todo, name) for name in CARRIED}
        | none
        | {"series_id": series, "series_place": each.place, "after": each.after.id}
        | {name: _moved(getattr(todo, name), distance) for name in ("due_on", "starts_on")}
    )


def _moved(day: date | None, distance: timedelta) -> date | None:
    try:
        return day and day + distance
    except OverflowError:
        return day
