"""Todoist: the CSV of a project (https://www.todoist.com/help/articles/format-a-csv-file-to-import-into-todoist).

A row is a task, a section for the tasks after it, or a note on the task before it. A task is a subtask of the last one
before it whose INDENT is less. The name of the project is only in the name of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, time
from typing import BinaryIO

from todocli.domain.fields import Priority
from todocli.domain.records import Entry, Fault, Record, RecordNote, Repeats
from todocli.errors import ValidationError
from todocli.formats import reading, todoist_dates
from todocli.formats.csv_table import Row, table
from todocli.formats.reading import CHECK_FORMAT, Unreadable, entries

_PRIORITIES: dict[str, Priority | None] = {"": None, "1": "high", "2": "medium", "3": "low", "4": None}
_LABEL = re.compile(r"(?:^|(?<=\s))@(\S+)")
_UNHELD = ("RESPONSIBLE", "DURATION", "DEADLINE")


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the tasks of a file. Raises `ValidationError` if it is of another program."""
    header, rows = table(file, ",;")
    if header and not {"TYPE", "CONTENT"} <= set(header):
        raise ValidationError(
            "The file is not of Todoist: its header has no columns TYPE and CONTENT.", hint=CHECK_FORMAT
        )
    return _with_notes(rows)


def _with_notes(rows: Iterable[tuple[str, Row]]) -> Iterator[Entry]:
    """Return each task when its notes, which come after it, are there."""
    ids = reading.LineIds()
    section: tuple[str, ...] = ()
    task: Entry | None = None
    above: list[tuple[int, str]] = []
    for place, row in rows:
        kind, text = ("task", "") if isinstance(row, Unreadable) else (row["TYPE"].strip(), row.get("CONTENT", ""))
        if kind == "section":
            section = (text.strip(),) if text.strip() else ()
            above = []
        elif kind == "note" and isinstance(task, Record):
            task = replace(task, notes=(*task.notes, RecordNote(text))) if text.strip() else task
        elif kind == "task":
            yield from [task] if task else []
            indent = _indent(row) or 1
            above = [each for each in above if each[0] < indent]
            parent = above[-1][1] if above else None
            (task,) = entries([(place, (row, section, parent))], lambda place, item: _parse(place, *item, ids))
            above.append((indent, task.source_id if isinstance(task, Record) else place))
        elif kind not in ("note", "meta"):
            yield from [task] if task else []
            task = Fault(place, "TYPE", f"{kind[:40]!r} must be task, section or note")
    yield from [task] if task else []


def _indent(row: Row) -> int | None:
    """Return on which level a task is, from 1; None if that is not valid."""
    text = "" if isinstance(row, Unreadable) else row.get("INDENT", "").strip()
    return int(text) if re.fullmatch("[1-9]", text) else None if text else 1


def _parse(place: str, row: Row, section: tuple[str, ...], parent: str | None, ids: reading.LineIds) -> Record:
    if isinstance(row, Unreadable):
        raise row
    content = row.get("CONTENT", "")
    if not (title := " ".join(_LABEL.sub("", content).split()) or content.strip()):
        raise Unreadable("CONTENT", "is empty")
    if (level := row.get("PRIORITY", "").strip()) not in _PRIORITIES:
        raise Unreadable("PRIORITY", f"{level[:40]!r} must be 1 to 4")
    unheld = reading.kept_at(row, _UNHELD)
    if _indent(row) is None:
        unheld["INDENT"] = row["INDENT"].strip()
    due_on, due_time, repeats = _due(row.get("DATE", "").strip(), row.get("DATE_LANG", "").strip(), unheld)
    return Record(
        place,
        ids.next("\0".join(row.values())),
        title,
        row.get("DESCRIPTION") or None,
        due_on=due_on,
        due_time=due_time,
        priority=_PRIORITIES[level],
        project=section,
        tags=tuple(_LABEL.findall(content)),
        unheld=unheld,
        parent=parent,
        repeats=repeats,
    )


def _due(text: str, language: str, unheld: dict[str, str]) -> tuple[date | None, time | None, Repeats | None]:
    """Return the day and time of a date, and how it repeats in English words.

    Other words go to `unheld`: the day on which they were written decides what they mean.
    """
    try:
        return *reading.parse_day_and_time(text, "DATE"), None
    except Unreadable:
        if language in ("", "en") and (found := todoist_dates.read(text)):
            return found
        unheld |= {"DATE": text} if text else {}
        return None, None, None
