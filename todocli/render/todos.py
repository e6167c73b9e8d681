"""When, what first, and where, in words."""

from __future__ import annotations

from datetime import date, datetime, time

from todocli.domain.dates import MONTHS, WEEKDAYS
from todocli.domain.fields import is_overdue
from todocli.render.text import visible
from todocli.schemas.todos import TodoRead


def day(on: date, today: date) -> str:
    """Return a day in words, the year only if it is not this one: `Fri 27 Nov`."""
    year = f" {on.year}" if on.year != today.year else ""
    return f"{WEEKDAYS[on.weekday()][:3].title()} {on.day} {MONTHS[on.month - 1][:3].title()}{year}"


def distance(on: date, today: date) -> str:
    """Return how far a day is from today: `in 5 days`, `yesterday`."""
    days = (on - today).days
    if abs(days) <= 1:
        return ("yesterday", "today", "tomorrow")[days + 1]
    return f"in {days} days" if days > 0 else f"{-days} days ago"


def clock_time(at: time | None) -> str:
    """Return a time of day with a blank before it; nothing for none."""
    return f" {at:%H:%M}" if at else ""


def due(todo: TodoRead, now: datetime) -> str:
    """Return when a todo is due, short, as a list has it; what is overdue has the word late. `now` is local."""
    if todo.due_on is None:
        return ""
    days = (todo.due_on - now.date()).days
    if days < 0 and is_open(todo):
        return f"{-days} day{'s' if days < -1 else ''} late"
    near = {0: "today", 1: "tomorrow"}.get(days) or day(todo.due_on, now.date())
    late = ", late" if is_late(todo, now) else ""
    return f"{near}{clock_time(todo.due_time)}{late}"


def is_open(todo: TodoRead) -> bool:
    """Return whether there is still something to do."""
    return todo.state == "open"


def is_late(todo: TodoRead, now: datetime) -> bool:
    """Return whether a todo is open and overdue; `now` is local."""
    return is_open(todo) and is_overdue(todo.due_on, todo.due_time, now)


def tags(todo: TodoRead) -> str:
    """Return a todo's tags as they are typed."""
    return " ".join(f"+{visible(tag)}" for tag in todo.tags)


def plan(todo: TodoRead, today: date) -> list[str]:
    """Return all that is planned of a todo, each thing in words."""
    said = []
    if todo.due_on:
        said.append(f"due {day(todo.due_on, today)}{clock_time(todo.due_time)} ({distance(todo.due_on, today)})")
    if todo.starts_on:
        said.append(f"starts {day(todo.starts_on, today)} ({distance(todo.starts_on, today)})")
    said += [todo.priority] if todo.priority else []
    said += [visible(todo.project)] if todo.project else []
    return [*said, tags(todo)] if todo.tags else said
