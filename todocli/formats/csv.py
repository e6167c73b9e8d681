"""CSV: a header, and one row per todo (https://www.rfc-editor.org/rfc/rfc4180).

Two texts have marks that reading takes away again, so that each cell comes back as it was:

- A spreadsheet runs a cell that begins with one of `= + - @`, a tab or a carriage return
  (https://owasp.org/www-community/attacks/CSV_Injection), so an apostrophe is put before it; and before one that begins
  with apostrophes and then one of these.
- The notes of a todo are one cell. A note begins with its instant, after a blank line. A paragraph of a note that looks
  like the beginning of another gets a backslash, and so does one that begins with backslashes and then looks like it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, time
from io import BytesIO
from typing import BinaryIO, TextIO

from todocli.domain.fields import Priority, parse_priority
from todocli.domain.records import Entry, Record, RecordNote, Repeats
from todocli.domain.references import is_plain_number
from todocli.errors import ValidationError
from todocli.formats import reading, recurrence_fields
from todocli.formats.csv_dates import DateOrders
from todocli.formats.csv_table import Row, table
from todocli.formats.reading import Unreadable, entries, parse_instant
from todocli.schemas.base import instant
from todocli.schemas.todos import TodoRead

_HEADER = (
    *("number", "id", "version", "title", "description", "completed", "completed_at", "created_at", "due", "due_time"),
    *("start", "priority", "project", "tags", "someday", "needs", "parent"),
    *("every", "again", "repeat_on", "ends", "times", "series_id", "series_place", "notes"),
)
_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "uuid", "key"),
    "title": ("title", "task", "name", "summary", "content", "subject"),
    "description": ("description", "details", "body", "content", "notes", "note"),
    "notes": ("notes",),
    "completed": ("completed", "done", "status", "is completed"),
    "completed_at": ("completed at", "completion date", "completed date", "completed time", "completed on"),
    "created_at": ("created at", "created", "created date", "created time", "creation date", "created on"),
    "due": ("due", "due date", "deadline", "due on", "due at"),
    "due_time": ("due time",),
    "start": ("start", "start date", "starts on", "defer", "defer date"),
    "priority": ("priority",),
    "project": ("project", "list", "folder", "category"),
    "tags": ("tags", "tag", "labels", "label", "contexts", "context"),
    "someday": ("someday", "is someday"),
    "needs": ("needs",),
    "parent": ("parent",),
    "every": ("every", "repeat", "repeats", "recurrence", "repetition"),
    "again": ("again",),
    "repeat_on": ("repeat on",),
    "ends_on": ("ends", "ends on"),
    "times": ("times",),
    "series_id": ("series id",),
    "series_place": ("series place",),
}
"""The names of columns that each field is read from. The first that a file has is taken, and only once."""

_FIELDS = {
    "completed": ("is_completed",),
    "due": ("due_on", "due_time"),
    "start": ("starts_on",),
    "someday": ("is_someday",),
    **dict.fromkeys(("every", "again"), ("rrule",)),
}
_DATES = ("due", "start", "completed_at", "created_at", "repeat_on", "ends_on")
"""The fields that are dates."""

_REPEATING = ("every", "again", "repeat_on", "ends_on", "times", "series_id", "series_place")
"""The fields of a todo that a column speaks of, where they have another name."""

_YES = frozenset(("yes", "y", "true", "x", "1", "done", "completed", "complete", "closed"))
_NO = frozenset(("", "no", "n", "false", "0", "open", "todo", "to do", "not done", "incomplete", "not started"))
_NO_PRIORITY = ("", "none", "normal", "0")
_LETTERS: dict[str, Priority] = {"a": "high", "b": "medium", "c": "low"}

_RUN_AS_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
_NOTE = re.compile(rf"({_INSTANT}) (.*)", re.ASCII | re.DOTALL)
_BETWEEN_NOTES = re.compile(rf"(?:\r?\n){{2}}(?={_INSTANT} )", re.ASCII)
_LIKE_A_NOTE = re.compile(rf"((?:\r?\n){{2}})(?=\\*{_INSTANT} )", re.ASCII)
_MARKED_PARAGRAPH = re.compile(rf"((?:\r?\n){{2}})\\(?=\\*{_INSTANT} )", re.ASCII)


def read(file: BinaryIO, orders: DateOrders | None = None) -> Iterator[Entry]:
    """Return the todos of a file whose cells are separated by commas, or by semicolons as Excel writes them in Europe.

    Raises `ValidationError` if no column is a title.
    """
    return read_table(file, ",;", orders or DateOrders())


def write(todos: Iterable[TodoRead], file: TextIO) -> None:
    """Write todos, one row each, to a file that does not translate the ends of lines."""
    write_table(todos, file, ",")


def mapping(head: bytes) -> dict[str, str | None]:
    """Return which field each column of a file is read as, given its beginning; see `columns`."""
    return columns(table(BytesIO(head), ",;")[0])


def columns(header: Sequence[str]) -> dict[str, str | None]:
    """Return which field each column is read as; None for one that a todo has no place for."""
    found: dict[str, str | None] = dict.fromkeys(header)
    free: dict[str, str] = {}
    for column in header:
        free.setdefault(re.sub(r"[\s_-]+", " ", column).casefold().strip(), column)
    for field, names in _NAMES.items():
        if name := next((each for each in names if each in free), None):
            found[free.pop(name)] = field
    given = found.values()
    names = ("number", "version") if "id" in given else ("number",) if {"needs", "parent"} & {*given} else ()
    return found | {free[name]: name for name in names if name in free}


def read_table(file: BinaryIO, delimiters: str, orders: DateOrders) -> Iterator[Entry]:
    """Return the todos of a file; its header tells which one of `delimiters` separates the cells.

    Columns whose dates show the order of day, month and year are added to `orders`.
    """
    with reading.reread(file) as again:
        header, _ = table(again(), delimiters)
        if not header:
            return
        fields = {field: column for column, field in columns(header).items() if field}
        if "title" not in fields:
            found = ", ".join(header)
            detail = f"The header of the file has no column for titles, such as title or task. It has: {found[:200]}."
            raise ValidationError(detail, hint="Name the columns in the first line, or pass --format.")
        dated = [fields[name] for name in _DATES if name in fields]
        if dated and orders.are_missing(again()):
            orders.learn((row for _, row in table(again(), delimiters)[1] if not isinstance(row, Unreadable)), dated)
        yield from entries(table(again(), delimiters)[1], _Reader(fields, orders).record)


class _Reader:
    """Makes records of rows; `fields` are the columns by the name that they have here."""

    def __init__(self, fields: Mapping[str, str], orders: DateOrders) -> None:
        self._fields = fields
        self._orders = orders
        self._dated = [fields[name] for name in _DATES if name in fields]
        self._used = frozenset(fields.values())
        self._spoken_of = frozenset(each for field in fields for each in _FIELDS.get(field, (field,)))
        self._ids = reading.LineIds()
        self._numbers: dict[str, str] = {}

    def record(self, place: str, row: Row) -> Record:
        """Return the record of a row. Raises `Unreadable`."""
        if isinstance(row, Unreadable):
            raise row
        cells = {column: _restored(cell) for column, cell in row.items()}
        for column in self._dated:
            cells[column] = self._orders.in_iso(cells.get(column, "").strip(), column)
        fields = self._fields

        def cell(field: str) -> str:
            return cells.get(fields.get(field, ""), "")

        def moment(field: str, text: str) -> tuple[date | None, time | None]:
            return reading.parse_day_and_time(text, fields[field]) if text else (None, None)

        if not (title := cell("title")).strip():
            raise Unreadable(fields["title"], "is empty")
        unheld = reading.kept(cells, self._used)
        status = cell("completed").strip()
        if status.casefold() not in _YES | _NO:
            unheld[fields["completed"]] = status
        completed_at, created_at = (
            parse_instant(text, fields[field]) if (text := cell(field).strip()) else None
            for field in ("completed_at", "created_at")
        )
        is_completed = status.casefold() in _YES or (not status and completed_at is not None)
        level = cell("priority").strip()
        priority = _priority(level)
        if priority is None and level.casefold() not in _NO_PRIORITY:
            unheld[fields["priority"]] = level
        repeats = _repeats(cell, fields, unheld)
        due_on, due_time = moment("due", cell("due").strip())
        if clock := cell("due_time").strip():
            due_time = _time(clock, fields["due_time"])
        return Record(
            place,
            cell("id").strip() or self._ids.next("\0".join(row.values())),
            title,
            cell("description") or None,
            is_completed=is_completed,
            completed_at=completed_at if is_completed else None,
            created_at=created_at,
            due_on=due_on,
            due_time=due_time if due_on else None,
            starts_on=moment("start", cell("start").strip())[0],
            priority=priority,
            project=tuple(part for part in map(str.strip, cell("project").split("/")) if part),
            tags=tuple(_tags(cell("tags"))),
            is_someday=cell("someday").strip().casefold() in _YES,
            notes=tuple(_notes(cell("notes"))),
            unheld=unheld,
            fields=self._spoken_of,
            reference=self._reference(place, cell("number").strip()),
            needs=tuple(_numbers("needs", cell, fields, unheld)),
            parent=next(iter(_numbers("parent", cell, fields, unheld)), None),
            repeats=repeats,
            version=int(version) if (version := cell("version").strip()).isdecimal() and len(version) < 10 else None,
        )

    def _reference(self, place: str, number: str) -> str | None:
        """Return the number by which other rows refer to one. Where there are ids, those tell rows apart."""
        if number and "id" not in self._fields and (before := self._numbers.setdefault(number, place)) != place:
            raise Unreadable(self._fields["number"], f"is the same as that of {before}")
        return number or None


def _numbers(field: str, cell: Callable[[str], str], fields: Mapping[str, str], unheld: dict[str, str]) -> list[str]:
    """Return the numbers of other rows in a cell; anything else goes to `unheld`, and so do several parents."""
    text = cell(field).strip()
    numbers = re.split(r"[,;\s]+", text) if text else []
    if all(map(is_plain_number, numbers)) and (field == "needs" or len(numbers) <= 1):
        return numbers
    unheld[fields[field]] = text
    return []


def _repeats(cell: Callable[[str], str], fields: Mapping[str, str], unheld: dict[str, str]) -> Repeats | None:
    """Return how a row repeats; cells that say nothing which todo has go to `unheld`."""
    cells = {name: text for name in _REPEATING if (text := cell(name).strip())}
    read = (recurrence_fields.parsed_if_valid(kind, cells[kind]) for kind in ("every", "again") if kind in cells)
    found = next(filter(None, read), None)
    series_id = recurrence_fields.series(cells.get("series_id"), fields.get("series_id", ""))
    if found is None and series_id is None:
        unheld |= {fields[name]: text for name, text in cells.items() if name != "series_place"}
        return None
    place = recurrence_fields.number(
        cells.get("series_place", 1), fields.get("series_place", ""), recurrence_fields.MAX_PLACE
    )
    if found is None:
        return Repeats(None, None, place, series_id)
    on, ends_on = (
        reading.parse_day_and_time(cells[name], fields[name])[0] if name in cells else None
        for name in ("repeat_on", "ends_on")
    )
    times = recurrence_fields.number(cells["times"], fields["times"]) if "times" in cells else found.times
    return Repeats(replace(found, ends_on=ends_on or found.ends_on, times=times), on, place, series_id)


def _priority(text: str) -> Priority | None:
    word = text.casefold()
    try:
        return _LETTERS.get(word) or parse_priority(word)
    except ValueError:
        return None


def _time(text: str, field: str) -> time:
    try:
        return time.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=None)
    except ValueError:
        raise Unreadable(field, f"{text[:40]!r} is not a time, such as 17:00") from None


def _tags(text: str) -> list[str]:
    """Return the tags of a cell: names with spaces in them are separated by something else."""
    parts = re.split("[,;]", text) if re.search("[,;]", text) else text.split()
    return [part.strip() for part in parts if part.strip()]


def _notes(text: str) -> Iterator[RecordNote]:
    for part in _BETWEEN_NOTES.split(text):
        if not part.strip():
            continue
        note = _NOTE.fullmatch(part)
        body = _MARKED_PARAGRAPH.sub(r"\1", note[2] if note else part)
        yield RecordNote(body, parse_instant(note[1], "notes") if note else None)


def write_table(todos: Iterable[TodoRead], file: TextIO, delimiter: str) -> None:
    """Write todos, one row each, with a separator between cells."""
    writer = csv.writer(file, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(_HEADER)
    for todo in todos:
        notes = (f"{instant(each.at)} " + _LIKE_A_NOTE.sub(r"\1\\", each.text) for each in todo.notes or ())
        cells = (
            str(todo.number),
            str(todo.id),
            str(todo.version),
            todo.title,
            todo.description or "",
            "true" if todo.is_completed else "false",
            instant(todo.completed_at) if todo.completed_at else "",
            instant(todo.created_at),
            str(todo.due_on or ""),
            f"{todo.due_time:%H:%M}" if todo.due_time is not None else "",
            str(todo.starts_on or ""),
            todo.priority or "",
            todo.project or "",
            " ".join(todo.tags),
            "true" if todo.is_someday else "false",
            " ".join(map(str, todo.needs)),
            str(todo.parent or ""),
            todo.every or "",
            todo.again or "",
            str(todo.repeat_on or ""),
            str(todo.ends_on or ""),
            str(todo.times or ""),
            str(todo.series_id or ""),
            str(todo.series_place or ""),
            "\n\n".join(notes),
        )
        writer.writerow(map(_harmless, cells))


def _harmless(cell: str) -> str:
    return f"'{cell}" if _RUN_AS_FORMULA.match(cell) else cell


def _restored(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _RUN_AS_FORMULA.match(cell) else cell
