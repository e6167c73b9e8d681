"""Taskwarrior 2.6 and 3: what `task export` writes and `task import` reads, a JSON array
(https://taskwarrior.org/docs/design/task/).

Its dates are all instants in UTC: a day is the local midnight that begins it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, BinaryIO, TextIO

from todocli import clock
from todocli.domain.fields import Priority
from todocli.domain.records import Entry, LeftOut, Record, RecordNote
from todocli.formats import reading, taskwarrior_recurrence
from todocli.formats.json_stream import json_items
from todocli.formats.reading import Unreadable, entries, kept, local_day, parse_instant, text_of
from todocli.formats.taskwarrior_recurrence import Child
from todocli.schemas.exports import TodoLeaving
from todocli.schemas.todos import TodoRead

_PRIORITIES: dict[str, Priority] = {"H": "high", "M": "medium", "L": "low"}
_LETTER_OF = {name: letter for letter, name in _PRIORITIES.items()}
_SOMEDAY = ("99991229", "99991230", "99991231", "20380118", "20380119")
"""How the dates begin that Taskwarrior has for `someday`, since 2.6 and before, in any time zone."""

_OPEN = ("pending", "waiting")
_LEFT_OUT = {"deleted": "deleted tasks"}
_KNOWN = frozenset(
    (
        *("uuid", "description", "status", "entry", "end", "due", "priority", "project", "tags", "annotations"),
        *("depends", "id", "urgency", "modified", "rtype"),  # what Taskwarrior knows by itself
    )
)


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the tasks of a file, but for those that were deleted. A template and its pending children are one."""
    with reading.reread(file) as again:
        children: Mapping[str, Child] = {}
        if reading.contains(again(), b'"parent"'):
            children = taskwarrior_recurrence.first_children(json_items(again(), "item"))
        ids = reading.LineIds()
        tasks = (each for each in json_items(again(), "item") if not _is_known(each[1], children))
        yield from entries(tasks, lambda place, item: _parse(place, item, children, ids))


def _is_known(item: Any, children: Mapping[str, Child]) -> bool:
    """Whether a task is a template of which a child is read."""
    return isinstance(item, dict) and item.get("status") == "recurring" and str(item.get("uuid")) in children


def _parse(place: str, item: Any, children: Mapping[str, Child], ids: reading.LineIds) -> Record | LeftOut:
    task = dict(reading.as_object(item))
    status = text_of(task, "status") or "pending"
    if status in _LEFT_OUT:
        return LeftOut(place, _LEFT_OUT[status])
    first = children.get(str(task.get("parent")))
    if first and first.place != place and status in _OPEN and text_of(task, "recur"):
        return LeftOut(place, "later tasks of recurring ones")
    if status not in (*_OPEN, "completed", "recurring"):
        raise Unreadable("status", f"{status[:40]!r} is not a status of Taskwarrior")
    title = text_of(task, "description")
    if title is None:
        raise Unreadable("description", "is missing")
    is_someday = any(_means_someday(task, name) for name in ("due", "wait", "scheduled"))
    due = _instant(task, "due")
    due_on, due_time = local_day(due) if due else (None, None)
    source_id = text_of(task, "uuid") or ids.next(f"{title} {task.get('entry')}")
    starts_on = _take_start(task)
    repeats = None
    if status == "recurring":
        following = taskwarrior_recurrence.template(task, due_on) if due_on else None
        if following is None or due_on is None:
            return LeftOut(place, "recurring templates")
        repeats, on = following
        starts_on = starts_on and starts_on + (on - due_on)
        due_on = on
    elif not is_someday:
        repeats = taskwarrior_recurrence.taken(task, due_on)
    return Record(
        place,
        source_id,
        title,
        is_completed=status == "completed",
        completed_at=_instant(task, "end") if status == "completed" else None,
        created_at=_instant(task, "entry"),
        due_on=due_on,
        due_time=due_time,
        starts_on=starts_on,
        priority=_priority(task),
        project=tuple((text_of(task, "project") or "").split(".")) if text_of(task, "project") else (),
        tags=_names(task, "tags"),
        notes=_notes(task),
        unheld=kept(task, _KNOWN),
        is_someday=is_someday and due_on is None,
        modified_at=_instant(task, "modified"),
        needs=_names(task, "depends"),
        repeats=repeats,
    )


def _means_someday(task: dict[str, Any], name: str) -> bool:
    """Whether a date means that there is none, as `due:someday` does; then it is taken out of `task`."""
    if not (text_of(task, name) or "").startswith(_SOMEDAY):
        return False
    del task[name]
    return True


def _take_start(task: dict[str, Any]) -> date | None:
    """Return the day before which a task is hidden, and take it out of `task`, unless it has a time of day too."""
    name = "wait" if task.get("wait") else "scheduled"
    start = _instant(task, name)
    if start is None:
        return None
    day, time_of_day = local_day(start)
    if time_of_day is None:
        del task[name]
    return day


def _instant(task: Mapping[str, Any], name: str) -> datetime | None:
    text = text_of(task, name)
    return parse_instant(text, name) if text else None


def _priority(task: Mapping[str, Any]) -> Priority | None:
    letter = text_of(task, "priority")
    if letter is None:
        return None
    if letter not in _PRIORITIES:
        raise Unreadable("priority", f"{letter[:40]!r} is not one of H, M and L")
    return _PRIORITIES[letter]


def _names(task: Mapping[str, Any], name: str) -> tuple[str, ...]:
    names = task.get(name) or []
    if isinstance(names, str):  # as Taskwarrior 2.3 and before wrote tags, and 2.5 and before what a task depends on
        names = names.split(",")
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise Unreadable(name, "must be a list of texts")
    return tuple(each.strip() for each in names)


def _notes(task: Mapping[str, Any]) -> tuple[RecordNote, ...]:
    annotations = task.get("annotations") or []
    if not isinstance(annotations, list) or not all(isinstance(each, dict) for each in annotations):
        raise Unreadable("annotations", "must be a list of objects")
    texts = ((text_of(each, "description"), _instant(each, "entry")) for each in annotations)
    return tuple(RecordNote(text, made_at) for text, made_at in texts if text)


def write(todos: Iterable[TodoRead], file: TextIO) -> None:
    """Write todos, one line each."""
    today = clock.today()
    file.write("[")
    separator = "\n"
    for todo in todos:
        task = {name: value for name, value in _task(todo, today).items() if value not in (None, "", [])}
        # `task import` of 2.6 reads no surrogate pairs, which JSON in ASCII has for an emoji.
        file.write(f"{separator}{json.dumps(task, ensure_ascii=False)}")
        separator = ",\n"
    file.write("\n]\n")


def _task(todo: TodoRead, today: date) -> dict[str, Any]:
    is_waiting = todo.starts_on is not None and todo.starts_on > today
    return {
        "uuid": taskwarrior_recurrence.id_of(todo),
        "status": "completed" if todo.completed_at else "waiting" if is_waiting else "pending",
        "description": todo.title,
        "entry": reading.utc_stamp(todo.created_at),
        "modified": reading.utc_stamp(todo.updated_at),
        "end": reading.utc_stamp(todo.completed_at) if todo.completed_at else None,
        "due": f"{_SOMEDAY[1]}T000000Z" if todo.is_someday else _due(todo),
        "wait": reading.utc_stamp(reading.start_of(todo.starts_on)) if todo.starts_on else None,
        "priority": _LETTER_OF[todo.priority] if todo.priority else None,
        "project": todo.project.replace("/", ".") if todo.project else None,
        "tags": todo.tags,
        "depends": todo.needed_ids if isinstance(todo, TodoLeaving) else [],
        "annotations": list(_annotations(todo)),
        **taskwarrior_recurrence.attributes(todo),
    }


def holds(todo: TodoRead) -> frozenset[str]:
    """Return the fields that Taskwarrior has a place for in this todo only: it repeats as one that came from there."""
    return frozenset({"rrule"} if taskwarrior_recurrence.attributes(todo) else ())


def _due(todo: TodoRead) -> str | None:
    if todo.due_on is None:
        return None
    return reading.utc_stamp(reading.local_instant(reading.wall_moment(todo.due_on, todo.due_time)))


def _annotations(todo: TodoRead) -> Iterator[dict[str, str]]:
    """Return the description and the notes. Taskwarrior knows an annotation by its second: no two may share one."""
    texts = [(todo.created_at, todo.description)] if todo.description else []
    last = None
    for moment, text in [*texts, *((note.at, note.text) for note in todo.notes or ())]:
        second = moment.replace(microsecond=0)
        last = second if last is None else max(second, last + timedelta(seconds=1))
        yield {"entry": reading.utc_stamp(last), "description": text}
