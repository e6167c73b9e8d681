"""The calendar that programs subscribe to: todos as tasks, or those with a date as events.

Not every calendar shows tasks (VTODO). An event at the due date (VEVENT) is shown everywhere. It is transparent: a
todo makes nobody busy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from todocli.formats import ics, reading
from todocli.formats.ical_syntax import escaped, folded
from todocli.schemas.todos import TodoRead

CONTENT_TYPE = "text/calendar; charset=utf-8"

_REFRESH = "PT1H"
"""How often a program should look again (RFC 7986, 5.7)."""

_LENGTH = "PT30M"
"""How long an event at a time of day lasts."""


def write(todos: Iterable[TodoRead], file: TextIO, *, name: str, as_events: bool) -> None:
    """Write a calendar called `name`. As events, those of `todos` that have a date."""
    head = (
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//todo-neon//todo//EN"),
        *(f"NAME:{escaped(name)}", f"X-WR-CALNAME:{escaped(name)}"),
        *(f"REFRESH-INTERVAL;VALUE=DURATION:{_REFRESH}", f"X-PUBLISHED-TTL:{_REFRESH}"),
    )
    for line in head:
        file.write(folded(line))
    for todo in todos:
        for line in _event(todo) if as_events else ics.task_lines(todo):
            file.write(folded(line))
    file.write("END:VCALENDAR\r\n")


def _event(todo: TodoRead) -> Iterator[str]:
    if todo.due_on is None:
        return
    due = reading.basic(reading.wall_moment(todo.due_on, todo.due_time))
    yield "BEGIN:VEVENT"
    yield from ics.beginning(todo)
    yield f"DTSTART:{due}" if todo.due_time else f"DTSTART;VALUE=DATE:{due[:8]}"
    if todo.due_time:
        yield f"DURATION:{_LENGTH}"
    if todo.tags:
        yield f"CATEGORIES:{','.join(map(escaped, todo.tags))}"
    yield "TRANSP:TRANSPARENT"
    yield "END:VEVENT"
