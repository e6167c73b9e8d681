"""The calendar that programs subscribe to: todos as tasks, or those with a date as events.

Not every calendar shows tasks (VTODO). An event at the due date (VEVENT) is shown everywhere. It is transparent: a
todo makes nobody busy. What repeats is one event with a rule, and a second one with the same UID if this occurrence
differs from the rest (RFC 5545, 3.8.4.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

from todocli.formats import ical_repeating, ics, reading
from todocli.formats.ical_syntax import escaped, folded
from todocli.schemas.todos import TodoRead

CONTENT_TYPE = "text/calendar; charset=utf-8"

_REFRESH = "PT1H"
"""How often a program should look again (RFC 7986, 5.7)."""

_LENGTH = "PT30M"
"""How long an event at a time of day lasts."""

_SHOWN = ("title", "description", "due_on", "due_time", "tags")
"""The fields of a todo that its event shows."""


def write_tasks(todos: Iterable[TodoRead], file: TextIO, *, name: str) -> None:
    """Write a calendar called `name`, with todos as tasks."""
    _write(map(ics.task_lines, todos), file, name)


def write_events(
    todos: Iterable[TodoRead], series_of: Callable[[TodoRead], TodoRead], file: TextIO, *, name: str
) -> None:
    """Write a calendar called `name`, with open todos that have a due date as events.

    `series_of` returns a todo as its series has it.
    """
    _write((_events(todo, series_of(todo)) for todo in todos), file, name)


def _write(components: Iterable[Iterable[str]], file: TextIO, name: str) -> None:
    head = (
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//todo-neon//todo//EN"),
        *(f"NAME:{escaped(name)}", f"X-WR-CALNAME:{escaped(name)}"),
        *(f"REFRESH-INTERVAL;VALUE=DURATION:{_REFRESH}", f"X-PUBLISHED-TTL:{_REFRESH}"),
    )
    for line in head:
        file.write(folded(line))
    for lines in components:
        for line in lines:
            file.write(folded(line))
    file.write("END:VCALENDAR\r\n")


def _events(todo: TodoRead, series: TodoRead) -> Iterator[str]:
    """Return the lines of the event of a todo; if it repeats, of those of its `series`."""
    if todo.due_on is None:
        return
    rule = ical_repeating.rule_of(todo)
    if rule is None or todo.repeat_on is None:
        yield from _event(todo)
        return
    planned = series.model_copy(update={"due_on": todo.repeat_on})
    yield from _event(planned, rule)
    if any(getattr(planned, name) != getattr(todo, name) for name in _SHOWN):
        yield from _event(todo, f"RECURRENCE-ID{_due(planned)}")


def _due(todo: TodoRead) -> str:
    """Return the end of a property that is the due date of a todo, if it has one."""
    if todo.due_on is None:
        return ""
    return ics.dated(reading.wall_moment(todo.due_on, todo.due_time), has_time=todo.due_time is not None)


def _event(todo: TodoRead, *more: str) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield from ics.beginning(todo)
    yield f"DTSTART{_due(todo)}"
    yield from more
    if todo.due_time:
        yield f"DURATION:{_LENGTH}"
    if todo.tags:
        yield f"CATEGORIES:{','.join(map(escaped, todo.tags))}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"
