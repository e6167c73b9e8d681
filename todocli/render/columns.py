"""The columns of a list: what each has in a pipe, and what it shows at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import NamedTuple

from todocli import clock
from todocli.render.dates import ago, clock_time, day
from todocli.render.text import first_line, visible
from todocli.render.todos import (
    claim,
    due,
    has_details,
    is_late,
    is_open,
    needs,
    progress,
    repeats,
    subtasks,
    tags,
    under,
    waits,
)
from todocli.schemas.base import instant
from todocli.schemas.todos import TodoRead

Cell = tuple[str, str]
"""A text, and the style that Rich draws it in."""

MARK = "*"
"""Follows the title of a todo that has a description or notes."""


class Column(NamedTuple):
    """A column of a list."""

    head: str
    plain: Callable[[TodoRead], str]
    """Returns its text in a pipe, with dates and instants in ISO 8601."""
    shown: Callable[[TodoRead, datetime], Cell]
    """Returns its cell in a table at a local time."""


def moment(on: date | None, at: time | None) -> str:
    """Return a date and its time as programs read them; nothing for None."""
    return f"{on or ''}{clock_time(at)}"


def _title(todo: TodoRead, here: datetime) -> Cell:
    title, style = nested_title(todo)
    return " · ".join((title, *([under(todo)] if todo.parent else []))), style


def nested_title(todo: TodoRead) -> Cell:
    """Return the title of a todo in a place that shows its parent."""
    title = visible(todo.title) + MARK * has_details(todo) + (f" ({progress(todo)})" if todo.subtasks else "")
    waiting = waits(todo)
    more = [each for each in (repeats(todo) if is_open(todo) else "", waiting) if each]
    return " · ".join((title, *more)), "dim" if todo.is_completed or waiting else ""


def _state(todo: TodoRead, here: datetime) -> Cell:
    return todo.state, {"done": "green", "trash": "red"}.get(todo.state, "")


def due_cell(todo: TodoRead, here: datetime) -> Cell:
    """Return when a todo is due, in the colour of its urgency."""
    if todo.is_someday:
        return due(todo, here), "dim"
    is_today = is_open(todo) and todo.due_on == here.date()
    return due(todo, here), "red" if is_late(todo, here) else "yellow" if is_today else ""


def priority_cell(todo: TodoRead, here: datetime) -> Cell:
    """Return the priority of a todo in its colour."""
    return todo.priority or "", {"high": "bold yellow", "low": "dim"}.get(todo.priority or "", "")


def tags_cell(todo: TodoRead, here: datetime) -> Cell:
    """Return the tags of a todo, as they are typed."""
    return tags(todo), "dim"


def _start(todo: TodoRead, here: datetime) -> Cell:
    return day(todo.starts_on, here.date()) if todo.starts_on else "", ""


def _at(head: str, field: str) -> Column:
    """Return the column of an instant."""

    def plain(todo: TodoRead) -> str:
        return instant(at) if (at := getattr(todo, field)) else ""

    def shown(todo: TodoRead, here: datetime) -> Cell:
        return ago(at, here) if (at := getattr(todo, field)) else "", "dim"

    return Column(head, plain, shown)


COLUMNS: Mapping[str, Column] = {
    "number": Column("#", lambda todo: str(todo.number), lambda todo, _: (str(todo.number), "bold")),
    "state": Column("State", lambda todo: todo.state, _state),
    "title": Column("Title", lambda todo: visible(todo.title), _title),
    "due": Column("Due", lambda todo: moment(todo.due_on, todo.due_time), due_cell),
    "start": Column("Starts", lambda todo: str(todo.starts_on or ""), _start),
    "priority": Column("Pri", lambda todo: todo.priority or "", priority_cell),
    "project": Column(
        "Project", lambda todo: visible(todo.project or ""), lambda todo, _: (visible(todo.project or ""), "")
    ),
    "tags": Column("Tags", tags, tags_cell),
    "needs": Column("Needs", lambda todo: ",".join(map(str, todo.needs)), lambda todo, _: (needs(todo), "")),
    "parent": Column("Parent", lambda todo: str(todo.parent or ""), lambda todo, _: (str(todo.parent or ""), "")),
    "subtasks": Column(
        "Subtasks", lambda todo: ",".join(map(str, todo.subtasks)), lambda todo, _: (subtasks(todo), "")
    ),
    "every": Column("Repeats", repeats, lambda todo, _: (repeats(todo), "")),
    "description": Column(
        "Description",
        lambda todo: visible(todo.description or ""),
        lambda todo, _: (first_line(todo.description or ""), "dim"),
    ),
    "notes": Column("Notes", lambda todo: str(todo.note_count), lambda todo, _: (str(todo.note_count or ""), "dim")),
    "claimed": Column("Claimed", lambda todo: claim(todo, clock.now()), lambda todo, here: (claim(todo, here), "")),
    "added": _at("Added", "created_at"),
    "changed": _at("Changed", "updated_at"),
    "done": _at("Done", "completed_at"),
    "removed": _at("Removed", "deleted_at"),
    "id": Column("Id", lambda todo: str(todo.id), lambda todo, _: (str(todo.id), "dim")),
}
"""The columns by name, as `--columns` takes them."""


def parse_columns(names: Iterable[str], origin: str) -> tuple[str, ...]:
    """Return the names of columns. Raises `UsageError`; `origin` says where the names stand."""
    import difflib

    from todocli.errors import UsageError

    written = (name.strip().lower() for name in names if name.strip())
    found = tuple(dict.fromkeys(_ALIASES.get(name, name) for name in written))
    if unknown := next((name for name in found if name not in COLUMNS), ""):
        near = difflib.get_close_matches(unknown, COLUMNS, 1)
        better = f"Did you mean {near[0]}? " if near else ""
        raise UsageError(f"{origin}: there is no column {unknown[:40]!r}.", hint=f"{better}{_KNOWN}")
    if not found:
        raise UsageError(f"{origin} names no column.", hint=_KNOWN)
    return found


def plain_columns(todo: TodoRead, names: Iterable[str]) -> str:
    """Return a todo as a line of tab-separated columns, empty ones included."""
    return "\t".join(COLUMNS[name].plain(todo) for name in names)


_ALIASES = {"#": "number", "pri": "priority", "starts": "start", "created": "added", "completed": "done"}
"""Other names of columns: their heads, and the names of sort keys."""

_KNOWN = f"The columns are {', '.join(COLUMNS)}."
