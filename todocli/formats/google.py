"""Google Tasks: the file `Tasks.json` of Google Takeout (https://developers.google.com/workspace/tasks/reference/rest).

Each list is a project, also the first one, whose name depends on the language of the account.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any, BinaryIO

from todocli.domain.records import Entry, LeftOut, Record
from todocli.errors import ValidationError
from todocli.formats import reading
from todocli.formats.json_stream import Readable, beginning, json_items
from todocli.formats.reading import CHECK_FORMAT, Unreadable, as_object, entries, instant_of, text_of

_UNHELD = ("links", "assignmentInfo")


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the tasks of all lists. Raises `ValidationError` if the file is of another program."""
    head, whole = beginning(file)
    if head and '"tasks#' not in head:
        raise ValidationError(
            'The file is not of Google Tasks: its beginning has no "kind": "tasks#taskLists".', hint=CHECK_FORMAT
        )
    return entries(_tasks(whole), _parse)


def _tasks(file: Readable) -> Iterator[tuple[str, tuple[Any, Any]]]:
    """Return each task with the title of its list, but for an answer of the API for one list, which has tasks alone."""
    numbers = count(1)
    for _, each in json_items(file, "items.item"):
        is_list = isinstance(each, dict) and each.get("kind") != "tasks#task"
        title, tasks = (each.get("title"), each.get("items") or []) if is_list else (None, [each])
        for task in tasks if isinstance(tasks, list) else [tasks]:
            yield f"item {next(numbers)}", (title, task)


def _parse(place: str, item: tuple[Any, Any]) -> Record | LeftOut:
    task = as_object(item[1])
    if reading.flag_of(task, "deleted"):
        return LeftOut(place, "deleted tasks")
    if (title := text_of(task, "title")) is None:
        return LeftOut(place, "tasks without a title")
    status = text_of(task, "status")
    if status not in (None, "needsAction", "completed"):
        raise Unreadable("status", "must be needsAction or completed")
    due = text_of(task, "due")
    project = text_of({"title of the list": item[0]}, "title of the list")
    return Record(
        place,
        reading.title_of(task, "id"),
        title,
        text_of(task, "notes"),
        is_completed=status == "completed",
        completed_at=instant_of(task, "completed") if status == "completed" else None,
        created_at=instant_of(task, "created"),
        due_on=reading.parse_day(due.partition("T")[0], "due") if due else None,  # midnight in UTC means a day
        project=(project,) if project else (),
        unheld=reading.kept_at(task, _UNHELD),
        parent=text_of(task, "parent"),
    )
