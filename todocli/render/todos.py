"""The fields of a todo in words, in a few characters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time

from todocli.domain.dates import Shift
from todocli.domain.fields import is_overdue
from todocli.render.dates import clock_time, day, distance, local
from todocli.render.text import visible
from todocli.schemas.todos import TodoRead, TodoUpdate


def due(todo: TodoRead, now: datetime) -> str:
    """Return when a todo is due, as in a list; overdue todos have the word late. `now` is local."""
    if todo.due_on is None:
        return "someday" if todo.is_someday else ""
    days = (todo.due_on - now.date()).days
    if days < 0 and is_open(todo):
        return f"{-days} day{'s' if days < -1 else ''} late"
    near = {0: "today", 1: "tomorrow"}.get(days) or day(todo.due_on, now.date())
    late = ", late" if is_late(todo, now) else ""
    return f"{near}{clock_time(todo.due_time)}{late}"


def is_open(todo: TodoRead) -> bool:
    """Whether a todo is still open."""
    return todo.state == "open"


def is_late(todo: TodoRead, now: datetime) -> bool:
    """Whether a todo is open and overdue; `now` is local."""
    return is_open(todo) and is_overdue(todo.due_on, todo.due_time, now)


def claim(todo: TodoRead, now: datetime) -> str:
    """Return who has claimed a todo, and until when; nothing if the claim has ended."""
    if todo.claimed_by is None or todo.claimed_until is None or todo.claimed_until <= now:
        return ""
    return f"{visible(todo.claimed_by)} until {local(todo.claimed_until)}"


def has_details(todo: TodoRead) -> bool:
    """Whether there is more about a todo than a list shows: a description, or notes."""
    return bool(todo.description or todo.note_count)


def tags(todo: TodoRead) -> str:
    """Return the tags of a todo, as they are typed."""
    return " ".join(f"+{visible(tag)}" for tag in todo.tags)


def waits(todo: TodoRead) -> str:
    """Return what an open todo waits for; nothing if it is ready."""
    return f"needs {_numbers(todo.blocked_by)}" if todo.blocked_by and is_open(todo) else ""


def needs(todo: TodoRead) -> str:
    """Return all that a todo needs, and what of it is open: `12, 13 (12 is open)`."""
    if not todo.blocked_by:
        return _numbers(todo.needs)
    if todo.blocked_by == todo.needs:
        return f"{_numbers(todo.needs)} (open)"
    return f"{_numbers(todo.needs)} ({_numbers(todo.blocked_by)} {'is' if len(todo.blocked_by) == 1 else 'are'} open)"


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))


def progress(todo: TodoRead) -> str:
    """Return how many of a todo's subtasks are done: `2/5`; nothing if it has none."""
    count = len(todo.subtasks)
    return f"{count - len(todo.open_subtasks)}/{count}" if count else ""


def subtasks(todo: TodoRead) -> str:
    """Return a todo's subtasks, and how many of them are done: `13, 14, 15 (2/3 done)`."""
    return f"{_numbers(todo.subtasks)} ({progress(todo)} done)" if todo.subtasks else ""


def under(todo: TodoRead) -> str:
    """Return what a todo is a subtask of: `under 12`."""
    return f"under {todo.parent}" if todo.parent else ""


def repeats(todo: TodoRead) -> str:
    """Return how a todo repeats, as it is typed: `every mon,thu`, `again 3d`."""
    if todo.rrule is None:
        return ""
    return f"every {todo.every}" if todo.repeat_from == "due" else f"again {todo.again}"


def _series(todo: TodoRead, today: date) -> list[str]:
    """Return how a todo repeats, and how long."""
    parts = [repeats(todo)] if todo.rrule else []
    parts += [f"until {day(todo.ends_on, today)}"] if todo.ends_on else []
    return [*parts, f"{todo.times} time{'s' if todo.times > 1 else ''}"] if todo.times else parts


def describe_fields(todo: TodoRead, today: date) -> list[str]:
    """Return the dates, priority, project and tags of a todo, its parent, and what it needs, each in words."""
    parts = ["someday"] if todo.is_someday else []
    if todo.due_on:
        parts.append(f"due {day(todo.due_on, today)}{clock_time(todo.due_time)} ({distance(todo.due_on, today)})")
    if todo.starts_on:
        parts.append(f"starts {day(todo.starts_on, today)} ({distance(todo.starts_on, today)})")
    parts += [todo.priority] if todo.priority else []
    parts += [visible(todo.project)] if todo.project else []
    parts += [tags(todo)] if todo.tags else []
    parts += [under(todo)] if todo.parent else []
    parts += _series(todo, today)
    return [*parts, f"needs {_numbers(todo.needs)}"] if todo.needs else parts


def describe_update(todos: Sequence[TodoRead], update: TodoUpdate, shifts: Mapping[str, Shift], today: date) -> str:
    """Return what an update does to todos, each field before and after: `project work/api → travel/lisbon`."""
    parts = []
    fields: tuple[tuple[str, Callable[[TodoRead], str], str], ...] = (
        (
            "due",
            lambda todo: _moment(todo.due_on, todo.due_time, today),
            _moment(update.due_on, update.due_time, today),
        ),
        ("start", lambda todo: _moment(todo.starts_on, None, today), _moment(update.starts_on, None, today)),
        ("priority", lambda todo: todo.priority or "none", update.priority or "none"),
        ("project", lambda todo: visible(todo.project or "none"), visible(update.project or "none")),
        ("tags", lambda todo: tags(todo) or "none", " ".join(f"+{visible(tag)}" for tag in update.tags) or "none"),
        ("needs", lambda todo: _numbers(todo.needs) or "none", _numbers(update.needs) or "none"),
        ("parent", lambda todo: str(todo.parent or "none"), str(update.parent or "none")),
    )
    for name, before, after in fields:
        column = {"due": "due_on", "start": "starts_on"}.get(name, name)
        if column in update.model_fields_set and not (update.is_someday and column in _NAMES):
            found = {before(todo) for todo in todos}
            parts.append(f"{name} {found.pop() if len(found) == 1 else 'various'} → {after}")
    parts += ["someday"] if update.is_someday else []
    parts += [f"{_NAMES[column]} {_distance(shift)}" for column, shift in shifts.items()]
    parts += [f"+{visible(tag)}" for tag in update.add_tags]
    parts += [f"-{visible(tag)}" for tag in update.remove_tags]
    parts += [f"needs {_numbers(update.add_needs)}"] if update.add_needs else []
    parts += [f"no longer needs {_numbers(update.remove_needs)}"] if update.remove_needs else []
    return ", ".join([*parts, *(["new details"] if "description" in update.model_fields_set else [])])


_NAMES = {"due_on": "due", "starts_on": "start"}


def _distance(shift: Shift) -> str:
    count, unit = (shift.months, "month") if shift.months else (shift.days, "day")
    return f"{count:+} {unit}{'' if abs(count) == 1 else 's'}"


def _moment(on: date | None, at: time | None, today: date) -> str:
    return f"{day(on, today)}{clock_time(at)}" if on else "none"
