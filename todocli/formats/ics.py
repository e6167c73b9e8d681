"""iCalendar: what CalDAV programs share (https://www.rfc-editor.org/rfc/rfc5545); a todo is a VTODO.

A calendar is read line by line, one VTODO at a time, as a file may have more of them than fit into memory. The library
`icalendar` reads the values that are hard: dates, durations and time zones. A time zone may stand after the todos that
use it, as Apple writes it, so a file is read twice: once for the zones. If occurrences have a VTODO of their own, it is
read once more, for their dates.

What iCalendar has no property for is in one of our own: `X-TODO-PROJECT`, `X-TODO-SOMEDAY`, `X-TODO-START` where
`DTSTART` is not allowed, and the parameter `X-AT` of a `COMMENT`, the time of a note; `ical_repeating` has others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Set
from datetime import date, datetime, time
from typing import BinaryIO, TextIO

from todocli.domain.fields import Priority
from todocli.domain.records import Entry, LeftOut, Record, RecordNote
from todocli.formats import ical_repeating, reading
from todocli.formats.ical_syntax import MAX_LENGTH, Block, Property, blocks, escaped, folded, texts, unescaped
from todocli.formats.ical_values import Zones, day_of, duration_of, instant_of, moment_of, zones_of
from todocli.formats.reading import Unreadable, entries
from todocli.schemas.exports import TodoLeaving
from todocli.schemas.todos import TodoRead

_LEFT_OUT = {"VEVENT": "events", "VJOURNAL": "journal entries"}

_HELD = (
    *("UID", "SUMMARY", "DESCRIPTION", "DUE", "PRIORITY", "CATEGORIES", "COMPLETED", "CREATED", "COMMENT"),
    *("DTSTART", "DURATION", "RECURRENCE-ID", "RELATED-TO"),
)
_NOISE = ("DTSTAMP", "SEQUENCE", "LAST-MODIFIED", "LAST-MOD", "PRODID", "PERCENT_COMPLETE", "TRANSP", "REQUEST-STATUS")
"""What programs keep for themselves. All `X-` properties are left out too."""

_SAY_NOTHING = {
    "STATUS": ("NEEDS-ACTION", "COMPLETED"),
    "PERCENT-COMPLETE": ("0", "100"),
    "CLASS": ("PUBLIC",),
}
"""Values that say nothing which a todo does not have."""

_NUMBER_OF = {"high": 1, "medium": 5, "low": 9}


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the todos of a file; events and journal entries are left out."""
    with reading.reread(file) as again:
        zones = zones_of(again())
        exceptions: Mapping[str, Set[date]] = {}
        if reading.contains(again(), b"RECURRENCE-ID"):
            exceptions = ical_repeating.exceptions_of(again(), zones)
        ids = reading.LineIds()
        found = ((block.place, block) for block in blocks(again(), ("VTODO", *_LEFT_OUT)))
        yield from entries(found, lambda place, block: _parse(place, block, zones, exceptions, ids))


def _parse(
    place: str, block: Block, zones: Zones, exceptions: Mapping[str, Set[date]], ids: reading.LineIds
) -> Record | LeftOut:
    if block.name in _LEFT_OUT:
        return LeftOut(place, _LEFT_OUT[block.name])
    if block.length > MAX_LENGTH:
        raise Unreadable("VTODO", f"has more than {MAX_LENGTH:,} characters")
    status = (block.text("STATUS") or "").upper()
    if status == "CANCELLED":
        return LeftOut(place, "cancelled tasks")
    title = block.text("SUMMARY")
    if title is None:
        raise Unreadable("SUMMARY", "is missing")
    is_completed = _is_completed(block, status)
    description = block.first("DESCRIPTION")
    unheld = _unheld(block, zones)
    parent = _parent(block, unheld)
    due_on, due_time = _due(block, zones, unheld)
    dates = ical_repeating.Dates(due_on, _starts_on(block, zones, unheld))
    dates = ical_repeating.read(block, dates, zones, exceptions, unheld)
    if dates.is_over:
        return LeftOut(place, "recurring tasks whose occurrences are all separate tasks")
    return Record(
        place,
        _source_id(block, ids),
        title,
        description.text or None if description else None,
        is_completed=is_completed,
        completed_at=instant_of(block.first("COMPLETED"), "COMPLETED", zones) if is_completed else None,
        created_at=instant_of(block.first("CREATED"), "CREATED", zones),
        due_on=dates.due_on,
        due_time=due_time,
        starts_on=dates.starts_on,
        priority=_priority(block),
        project=tuple((block.text("X-TODO-PROJECT") or "").split("/")) if block.text("X-TODO-PROJECT") else (),
        tags=tuple(tag for each in block.properties.get("CATEGORIES", ()) for tag in texts(each.value)),
        is_someday=(block.text("X-TODO-SOMEDAY") or "").upper() == "TRUE",
        notes=tuple(_note(each, zones) for each in block.properties.get("COMMENT", ()) if each.text),
        unheld=unheld,
        modified_at=instant_of(block.first("LAST-MODIFIED"), "LAST-MODIFIED", zones),
        parent=parent,
        repeats=dates.repeats,
    )


def _unheld(block: Block, zones: Zones) -> dict[str, str]:
    unheld: dict[str, str] = {}
    for name, found in block.properties.items():
        text = ", ".join(filter(None, (each.text.strip() for each in found)))
        is_news = text and text.upper() not in _SAY_NOTHING.get(name, ())
        if is_news and name not in (*_HELD, *_NOISE) and not name.startswith("X-"):
            unheld[name] = text
    if block.alarms:
        unheld["VALARM"] = str(block.alarms)
    for name in ("DUE", "DTSTART"):
        dated = block.first(name)
        zone = dated.parameters.get("TZID") if dated else None
        if zone and zones(zone) is None:
            unheld["TZID"] = zone
    return unheld


def _parent(block: Block, unheld: dict[str, str]) -> str | None:
    """Return the id of the parent: without a RELTYPE, RELATED-TO is that (RFC 5545, 3.8.4.5)."""
    found: dict[str, list[str]] = {}
    for each in block.properties.get("RELATED-TO", ()):
        if text := each.text.strip():
            found.setdefault(each.parameters.get("RELTYPE", "PARENT").upper(), []).append(text)
    parent, *others = found.pop("PARENT", [None])
    if others:
        found["PARENT"] = [text for text in others if text]
    unheld |= {f"RELATED-TO;RELTYPE={kind}": ", ".join(ids) for kind, ids in found.items()}
    return parent


def _source_id(block: Block, ids: reading.LineIds) -> str:
    uid = block.text("UID")
    if uid is None:
        return ids.next(repr([(name, [each.value for each in found]) for name, found in block.properties.items()]))
    recurrence = block.text("RECURRENCE-ID")
    return f"{uid} {recurrence}" if recurrence else uid


def _is_completed(block: Block, status: str) -> bool:
    if status in ("NEEDS-ACTION", "IN-PROCESS"):  # some programs keep COMPLETED when a task is opened again
        return False
    return status == "COMPLETED" or block.text("PERCENT-COMPLETE") == "100" or block.first("COMPLETED") is not None


def _due(block: Block, zones: Zones, unheld: dict[str, str]) -> tuple[date | None, time | None]:
    due, start, duration = (block.first(name) for name in ("DUE", "DTSTART", "DURATION"))
    if due:
        found: date | None = moment_of(due, "DUE", zones)
    elif start and duration:
        try:
            found = moment_of(start, "DTSTART", zones) + duration_of(duration.value.strip())
        except OverflowError:
            raise Unreadable("DURATION", f"{duration.value[:40]!r} is too long") from None
    else:
        found = None
    if duration and (due or not start):
        unheld["DURATION"] = duration.text
    return day_of(found, "DUE") if found else (None, None)


def _starts_on(block: Block, zones: Zones, unheld: dict[str, str]) -> date | None:
    own, start, due = (block.first(name) for name in ("X-TODO-START", "DTSTART", "DUE"))
    if own:
        return day_of(moment_of(own, "X-TODO-START", zones), "X-TODO-START")[0]
    # Apple and others write a DTSTART that is DUE again, which the RFC does not allow: no task is hidden until then.
    if start is None or (due and start.value == due.value):
        return None
    if due and block.first("RRULE") and block.first("X-TODO-REPEAT-ON"):  # it is that of the rule, which we wrote
        return None
    day, clock = day_of(moment_of(start, "DTSTART", zones), "DTSTART")
    if clock:
        unheld["DTSTART"] = start.text
    return day


def _priority(block: Block) -> Priority | None:
    """Return the priority: 1 to 4 are high, 5 is medium, 6 to 9 are low (RFC 5545, 3.8.1.9)."""
    text = block.text("PRIORITY")
    if text is None or text == "0":
        return None
    if not re.fullmatch(r"[1-9]", text):
        raise Unreadable("PRIORITY", f"{text[:40]!r} is not a number from 0 to 9")
    return "high" if text < "5" else "medium" if text == "5" else "low"


def _note(found: Property, zones: Zones) -> RecordNote:
    moment = found.parameters.get("X-AT")
    return RecordNote(found.text.strip(), instant_of(Property({}, moment), "X-AT", zones) if moment else None)


def keeps_title(title: str) -> bool:
    """Whether a title comes back as it is: iCalendar has no control characters."""
    return _written(title) == title


def _written(title: str) -> str:
    """Return a title without the control characters that are not written: of some titles, nothing is left."""
    return unescaped(escaped(title))


def write(todos: Iterable[TodoRead], file: TextIO) -> None:
    """Write todos, one VTODO each."""
    for line in ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//todo-neon//todo//EN"):
        file.write(f"{line}\r\n")
    for todo in todos:
        for line in task_lines(todo):
            file.write(folded(line))
    file.write("END:VCALENDAR\r\n")


def beginning(todo: TodoRead) -> Iterator[str]:
    """Return the lines that a task and an event have alike."""
    yield f"UID:{escaped(reading.id_of(todo))}"
    yield f"DTSTAMP:{reading.utc_stamp(todo.updated_at)}"
    yield f"CREATED:{reading.utc_stamp(todo.created_at)}"
    yield f"LAST-MODIFIED:{reading.utc_stamp(todo.updated_at)}"
    yield f"SUMMARY:{escaped(todo.title if _written(todo.title).strip() else '?')}"
    if todo.description:
        yield f"DESCRIPTION:{escaped(todo.description)}"


def task_lines(todo: TodoRead) -> Iterator[str]:
    """Return the lines of a VTODO."""
    yield "BEGIN:VTODO"
    yield from beginning(todo)
    due = reading.wall_moment(todo.due_on, todo.due_time) if todo.due_on else None
    has_time = todo.due_time is not None
    if due:
        yield f"DUE{dated(due, has_time=has_time)}"
    if first := ical_repeating.first_of(todo):
        yield f"DTSTART{dated(datetime.combine(first, time()), has_time=has_time)}"
        if todo.starts_on and (due or todo.starts_on != first):
            yield f"X-TODO-START{dated(datetime.combine(todo.starts_on, time()), has_time=has_time)}"
    elif todo.starts_on:
        # DTSTART must be of the same type as DUE, and earlier (RFC 5545, 3.8.2.3).
        start = reading.wall_moment(todo.starts_on, None)
        yield f"{'X-TODO-START' if due and start >= due else 'DTSTART'}{dated(start, has_time=has_time)}"
    yield from ical_repeating.lines(todo)
    if isinstance(todo, TodoLeaving) and todo.parent_id:
        yield f"RELATED-TO:{escaped(todo.parent_id)}"
    if todo.priority:
        yield f"PRIORITY:{_NUMBER_OF[todo.priority]}"
    if todo.tags:
        yield f"CATEGORIES:{','.join(map(escaped, todo.tags))}"
    if todo.project:
        yield f"X-TODO-PROJECT:{escaped(todo.project)}"
    if todo.is_someday:
        yield "X-TODO-SOMEDAY:TRUE"
    if todo.completed_at:
        yield "STATUS:COMPLETED"
        yield f"COMPLETED:{reading.utc_stamp(todo.completed_at)}"
        yield "PERCENT-COMPLETE:100"
    else:
        yield "STATUS:NEEDS-ACTION"
    for note in todo.notes or ():
        yield f"COMMENT;X-AT={reading.utc_stamp(note.at)}:{escaped(note.text)}"
    yield "END:VTODO"


def dated(moment: datetime, *, has_time: bool) -> str:
    """Return the end of a property that is a local time, or only a day."""
    return f":{reading.basic(moment)}" if has_time else f";VALUE=DATE:{reading.basic(moment)[:8]}"
