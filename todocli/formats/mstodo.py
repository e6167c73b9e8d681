"""Microsoft To Do: todoTask of Microsoft Graph (https://learn.microsoft.com/graph/api/resources/todotask).

A file is an answer with tasks in `value`, a list of tasks, one task, or any of these with lists, which have `tasks`.
The items of a task's checklist are its subtasks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any, BinaryIO

from todocli.domain.fields import Priority
from todocli.domain.records import Entry, Record
from todocli.errors import ValidationError
from todocli.formats import mstodo_recurrence, reading
from todocli.formats.html_text import shown_text
from todocli.formats.json_stream import Limited, Readable, beginning, json_items
from todocli.formats.reading import CHECK_FORMAT, Unreadable, as_object, objects_of, text_of

MAX_TASK = 10_000_000
"""The most bytes of a file that is one task, as that is read as a whole."""

_PRIORITIES: dict[str | None, Priority | None] = {None: None, "low": "low", "normal": None, "high": "high"}
_UNHELD = ("reminderDateTime", "hasAttachments", "attachments", "linkedResources")


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the tasks of a file. Raises `ValidationError` if it is of another program."""
    head, whole = beginning(file)
    path = "item" if head.startswith("[") else "value.item" if re.search(r'"value"\s*:\s*\[', head) else ""
    if head and not re.search(r'"(value|tasks)"\s*:\s*\[|"(importance|status)"\s*:|^\[\s*\]', head):
        raise ValidationError(
            "The file is not of Microsoft To Do: its beginning has no tasks of Microsoft Graph.", hint=CHECK_FORMAT
        )
    tasks = _tasks(whole if path else Limited(whole, MAX_TASK), path)
    return reading.with_subtasks(tasks, _parse, _items, _parse_item)


def _tasks(file: Readable, path: str) -> Iterator[tuple[str, tuple[Any, Any]]]:
    numbers = count(1)
    for _, each in json_items(file, path):
        is_list = isinstance(each, dict) and isinstance(each.get("tasks"), list)
        for task in each["tasks"] if is_list else [each]:
            yield f"item {next(numbers)}", (each.get("displayName") if is_list else None, task)


def _parse(place: str, item: tuple[Any, Any]) -> Record:
    task = as_object(item[1])
    project = text_of({"displayName": item[0]}, "displayName")
    status = text_of(task, "status")
    if (importance := text_of(task, "importance")) not in _PRIORITIES:
        raise Unreadable("importance", "must be low, normal or high")
    is_completed = status == "completed"
    unheld = reading.kept_at(task, _UNHELD)
    if status not in (None, "notStarted", "completed"):
        unheld["status"] = status
    due_on = _day(task, "dueDateTime")
    repeats = mstodo_recurrence.read(task.get("recurrence"), due_on)
    if repeats is None:
        unheld |= reading.kept_at(task, ("recurrence",))
    objects_of(task, "checklistItems")
    return Record(
        place,
        reading.title_of(task, "id"),
        reading.title_of(task, "title"),
        _description(task),
        is_completed=is_completed,
        completed_at=_instant(task, "completedDateTime") if is_completed else None,
        created_at=reading.instant_of(task, "createdDateTime"),
        due_on=due_on,
        starts_on=_day(task, "startDateTime"),
        priority=_PRIORITIES[importance],
        project=(project,) if project else (),
        tags=tuple(reading.texts_of(task, "categories")),
        unheld=unheld,
        repeats=repeats,
    )


def _items(item: tuple[Any, Any]) -> list[Mapping[str, Any]]:
    return objects_of(item[1], "checklistItems")


def _parse_item(place: str, item: Mapping[str, Any], task: Record) -> Record:
    is_completed = reading.flag_of(item, "isChecked")
    title = reading.title_of(item, "displayName")
    return Record(
        place,
        f"{task.source_id} {text_of(item, 'id') or title}",
        title,
        is_completed=is_completed,
        completed_at=reading.instant_of(item, "checkedDateTime") if is_completed else None,
        created_at=reading.instant_of(item, "createdDateTime"),
        project=task.project,
        parent=task.source_id,
    )


def _instant(task: Mapping[str, Any], name: str) -> datetime | None:
    """Return the instant at a key. A time zone may be one of Windows: all but UTC count as where the user is."""
    value = as_object(task.get(name) or {})
    if (text := text_of(value, "dateTime")) is None:
        return None
    return reading.parse_instant(f"{text}Z" if text_of(value, "timeZone") == "UTC" else text, name)


def _day(task: Mapping[str, Any], name: str) -> date | None:
    """Return the day at a key: it is stored as the midnight where it was set, which Graph gives in UTC.

    So it is the day that begins closest to the time, whatever the time zone is.
    """
    text = text_of(as_object(task.get(name) or {}), "dateTime")
    try:
        return (datetime.fromisoformat(text) + timedelta(hours=12)).date() if text else None
    except (ValueError, OverflowError):
        raise Unreadable(name, "is not a time of ISO 8601") from None


def _description(task: Mapping[str, Any]) -> str | None:
    body = as_object(task.get("body") or {})
    content = text_of(body, "content")
    if content is None or text_of(body, "contentType") != "html":
        return content
    return shown_text(content)
