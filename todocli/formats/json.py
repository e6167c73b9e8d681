"""The program's own JSON: a document with all fields of each todo.

    {"format": "todo", "version": 1, "todos": [
    {"id": "…", "number": 12, "title": "Pay rent", …, "notes": [{"at": "…", "text": "…"}]},
    …
    ]}

A todo has the fields of `todo show --json`; `todo help json-schema` has their schema. Documents of `todo list --json`
are read as well, and plain lists of todos. Only the title of a todo is needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import time
from typing import Any, BinaryIO, TextIO

from todocli.domain.records import Entry, LeftOut, Record, RecordNote
from todocli.errors import ValidationError
from todocli.formats.json_stream import beginning, json_items
from todocli.formats.reading import (
    CHECK_FORMAT,
    LineIds,
    Unreadable,
    entries,
    flag_of,
    kept,
    parse_day,
    parse_instant,
    text_of,
)
from todocli.formats.recurrence_fields import from_columns
from todocli.schemas.todos import TodoRead

VERSION = 1
"""The version of the document; it changes when a program could misread a newer one."""

_VERSION = re.compile(r'"version"\s*:\s*(\d+)')
_COLUMNS = {*TodoRead.model_fields, "change_source", "change_actor", "change_request"}
_REPEATING = {"rrule", "every", "again"}
_LISTS = re.compile(r'"(items|todos)"\s*:\s*\[')
"""What an object has that is a document: a list of todos, by its name."""


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the todos of a document.

    Raises `ValidationError` for a version that this program does not know, and for an object without todos.
    """
    head, whole = beginning(file)
    check_version(head)
    ids = LineIds()
    return entries(json_items(whole, _path(head)), lambda place, item: parse(place, item, ids))


def _path(head: str) -> str:
    """Return where the todos of a document are, given its beginning."""
    if head.startswith("["):
        return "item"
    name = _LISTS.search(head)
    if head.startswith("{") and not name:
        raise ValidationError('The file has no list "todos" or "items" at its beginning.', hint=CHECK_FORMAT)
    return f"{name[1]}.item" if name else "todos.item"


def check_version(head: str) -> None:
    """Raise `ValidationError` if the beginning of a file is that of a version that this program does not know.

    What is in a list belongs to a todo, which has a `version` as well.
    """
    version = _VERSION.search(head[:200].partition("[")[0])
    if version and int(version[1]) > VERSION:
        raise ValidationError(
            f"The file has version {int(version[1])} of the format; this program knows {VERSION}.",
            hint="Import it with a newer version of todo.",
        )


def parse(place: str, item: Any, ids: LineIds) -> Record | LeftOut:
    """Return the record of a todo, which gets an id of `ids` if it has none of its own. Raises `Unreadable`."""
    if not isinstance(item, dict):
        raise Unreadable("todo", "must be an object")
    if item.get("deleted_at") is not None:
        return LeftOut(place, "todos in the trash")
    project = text_of(item, "project")
    due_on, starts_on, at = text_of(item, "due_on"), text_of(item, "starts_on"), text_of(item, "due_time")
    completed_at, created_at = text_of(item, "completed_at"), text_of(item, "created_at")
    return Record(
        place,
        text_of(item, "id") or ids.next(json.dumps(item, sort_keys=True)),
        text_of(item, "title") or _missing("title"),
        text_of(item, "description"),
        is_completed=completed_at is not None or flag_of(item, "is_completed"),
        completed_at=parse_instant(completed_at, "completed_at") if completed_at else None,
        created_at=parse_instant(created_at, "created_at") if created_at else None,
        due_on=parse_day(due_on, "due_on") if due_on else None,
        due_time=_clock(at) if at else None,
        starts_on=parse_day(starts_on, "starts_on") if starts_on else None,
        priority=_priority(item),
        project=tuple(project.split("/")) if project else (),
        tags=tuple(_texts(item, "tags")),
        is_someday=flag_of(item, "is_someday"),
        notes=tuple(_note(note) for note in _list(item, "notes")),
        unheld=kept(item, _COLUMNS),
        fields=frozenset(item) | ({"rrule"} if _REPEATING & item.keys() else set()),
        version=item["version"] if type(item.get("version")) is int else None,
        reference=str(item.get("number")),
        needs=tuple(map(str, _needs(item))),
        parent=_parent(item),
        repeats=from_columns(item),
    )


def _missing(field: str) -> Any:
    raise Unreadable(field, "is missing")


def _list(item: Mapping[str, Any], name: str) -> list[Any]:
    value = item.get(name) or []
    if not isinstance(value, list):
        raise Unreadable(name, "must be a list")
    return value


def _texts(item: Mapping[str, Any], name: str) -> list[str]:
    values = _list(item, name)
    if not all(isinstance(value, str) for value in values):
        raise Unreadable(name, "must be a list of texts")
    return values


def _needs(item: Mapping[str, Any]) -> list[int]:
    numbers = _list(item, "needs")
    if not all(type(number) is int for number in numbers):
        raise Unreadable("needs", "must be a list of numbers")
    return numbers


def _parent(item: Mapping[str, Any]) -> str | None:
    number = item.get("parent")
    if number is not None and type(number) is not int:
        raise Unreadable("parent", "must be a number")
    return None if number is None else str(number)


def _priority(item: Mapping[str, Any]) -> Any:
    value = item.get("priority")
    if value not in (None, "high", "medium", "low"):
        raise Unreadable("priority", "must be high, medium or low")
    return value


def _clock(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise Unreadable("due_time", f"{text[:40]!r} is not a time, such as 17:00") from None


def _note(note: Any) -> RecordNote:
    if not isinstance(note, dict) or not isinstance(note.get("text"), str) or not isinstance(note.get("at"), str):
        raise Unreadable("notes", "must be a list of objects with at and text")
    return RecordNote(note["text"], parse_instant(note["at"], "notes"))


def write(todos: Iterable[TodoRead], file: TextIO) -> None:
    """Write a document, with a line for each todo."""
    file.write(f'{{"format": "todo", "version": {VERSION}, "todos": [')
    for i, todo in enumerate(todos):
        file.write(f"{',' if i else ''}\n{todo.model_dump_json()}")
    file.write("\n]}\n")
