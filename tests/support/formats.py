"""Files of todos in tests: their text in, what a format reads of it out, and the other way round."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from tests.support.factories import NOON, a_todo
from todocli.domain.records import Entry, Fault, Record
from todocli.domain.recurrence import anchored
from todocli.formats.registry import by_name
from todocli.schemas.todos import NoteRead, TodoRead


def entries_of(name: str, data: str | bytes) -> list[Entry]:
    """Return what a format reads of a file."""
    return list(by_name(name).read(io.BytesIO(data.encode() if isinstance(data, str) else data)))


def record_of(name: str, data: str | bytes) -> Record:
    """Return the one todo of a file."""
    (entry,) = entries_of(name, data)
    assert isinstance(entry, Record), entry
    return entry


def fault_of(name: str, data: str | bytes) -> tuple[str, str, str]:
    """Return the place, the field and the message of the one entry of a file, which is not valid."""
    (entry,) = entries_of(name, data)
    assert isinstance(entry, Fault), entry
    return entry.place, entry.field, entry.message


def written(name: str, *todos: TodoRead) -> str:
    """Return todos as a format writes them."""
    file = io.StringIO(newline="")
    by_name(name).write(iter(todos), file)
    return file.getvalue()


def todos_of(records: Iterable[Entry]) -> list[TodoRead]:
    """Return todos that have the fields of records, to be written again."""
    return [_todo(number, each) for number, each in enumerate(records, 1) if isinstance(each, Record)]


def _todo(number: int, record: Record) -> TodoRead:
    fields: dict[str, Any] = {
        "id": UUID(record.source_id),
        "description": record.description,
        "is_completed": record.is_completed,
        "completed_at": record.completed_at,
        "due_on": record.due_on,
        "due_time": record.due_time,
        "starts_on": record.starts_on,
        "priority": record.priority,
        "project": "/".join(record.project) or None,
        "tags": list(record.tags),
        "is_someday": record.is_someday,
        "notes": [NoteRead(at=note.made_at or NOON, text=note.text) for note in record.notes],
    }
    if record.repeats and record.repeats.repetition:
        repetition = anchored(record.repeats.repetition, record.due_on or record.repeats.on or NOON.date())
        fields |= {
            "rrule": repetition.rule,
            "repeat_from": repetition.mode,
            "ends_on": repetition.ends_on,
            "repeat_on": record.repeats.on or record.due_on,
            "times": repetition.times,
            "series_id": record.repeats.series_id,
            "series_place": record.repeats.place,
        }
    created = {"created_at": record.created_at} if record.created_at else {}
    return a_todo(number, record.title, **fields | created)
