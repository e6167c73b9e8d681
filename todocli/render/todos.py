"""The fields of a todo in words, in a few characters."""

from __future__ import annotations

from datetime import date, datetime

from todocli.domain.fields import is_overdue
from todocli.render.dates import clock_time, day, distance
from todocli.render.text import visible
from todocli.schemas.todos import TodoRead


def due(todo: TodoRead, now: datetime) -> str:
    """Return when a todo is due, as in a list; overdue todos have the word late. `now` is local."""
    if todo.due_on is None:
        return ""
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


def tags(todo: TodoRead) -> str:
    """Return the tags of a todo, as they are typed."""
    return " ".join(f"+{visible(tag)}" for tag in todo.tags)


def describe_fields(todo: TodoRead, today: date) -> list[str]:
    """Return the dates, priority, project and tags of a todo, each in words."""
    parts = []
    if todo.due_on:
        parts.append(f"due {day(todo.due_on, today)}{clock_time(todo.due_time)} ({distance(todo.due_on, today)})")
    if todo.starts_on:
        parts.append(f"starts {day(todo.starts_on, today)} ({distance(todo.starts_on, today)})")
    parts += [todo.priority] if todo.priority else []
    parts += [visible(todo.project)] if todo.project else []
    return [*parts, tags(todo)] if todo.tags else parts
