"""Markdown: lists of tasks, with the signs of Obsidian's Tasks (https://publish.obsidian.md/tasks/Reference/Task+Formats).

    # home/garden                              the project; headings below others are sub-projects

    - [ ] Water it ⏰ 17:00 #bills 🔼 🔁 every week ➕ 2026-11-01 🛫 2026-11-28 📅 2026-12-01
      its description
      > 2026-11-30 10:00:00 UTC: a note
      - [ ] its subtask

An item without a box names a sub-project of the items below it. Fields of Dataview, such as `[due:: 2026-12-01]`, are
read too; `[project:: home]` is ours, for a subtask in another project than its parent, and `none` stands for no
project. Tasks reads a line from its end up to the first word that it does not know: ours, such as the time of day, are
before its signs. A backslash before a sign makes it a part of the title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from textwrap import dedent
from typing import BinaryIO

from todocli.domain.fields import Priority
from todocli.domain.records import Entry, LeftOut, Record, RecordNote, Repeats
from todocli.formats import markdown_repeating, reading
from todocli.formats.markdown_syntax import (
    BOX,
    BULLET,
    DATE_NAMES,
    ESCAPED_LINE,
    ESCAPED_SIGN,
    FENCE,
    LEVELS,
    NAMES,
    NOTE_TIME,
    SIGNS,
    end_of,
)
from todocli.formats.markdown_writing import holds, keeps_title, write
from todocli.formats.reading import Unreadable, entries, parse_day, start_of

__all__ = ("holds", "keeps_title", "read", "write")

_ITEM = re.compile(rf"[ \t]*{BULLET}\[(?P<status>[ xX]|[^\w\s\]])\](?P<text>[ \t].*|$)", re.DOTALL)
_PLAIN_ITEM = re.compile(rf"[ \t]*{BULLET}(?P<text>.*)", re.DOTALL)
_QUOTE = re.compile(rf"^(?:>[ \t]?)+(?=[ \t]*{BOX})")
_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)", re.DOTALL)
_HEADING_END = re.compile(r"(?:^|(?<=[ \t]))#+$")
_UNDERLINE = re.compile(r"=+|--+")
_PATH = re.compile(r"[\w-]+(?:/[\w-]+)*")
_NOTE = re.compile(rf"> ({NOTE_TIME}) ?(.*)", re.DOTALL)

_PRIORITIES: dict[str, Priority | None] = {
    "highest": "high",
    "high": "high",
    "medium": "medium",
    "normal": None,
    "low": "low",
    "lowest": "low",
}
_UNHELD = ("dependsOn", "onCompletion")
_FIELD = re.compile(rf"(?<!\\)[\[(](?P<name>{'|'.join(NAMES)})::(?P<value>[^\])]{{0,200}})[\])]")
_PROJECT = re.compile(rf"(?<!\\)[\[(]project:: *(?P<value>(?:{_PATH.pattern})?) *[\])]")
_DATE = re.compile(rf"(?<!\\)(?P<name>{'|'.join(DATE_NAMES)})\ufe0f? *(?P<value>\d{{4}}-\d\d-\d\d)(?!\d)")
_LEVEL = re.compile(rf"(?<!\\)(?P<value>{'|'.join(LEVELS)})\ufe0f?")
_SIGN = {name: re.compile(rf"(?<!\\){sign}\ufe0f? *(?P<value>{form})") for sign, (name, form) in SIGNS.items()}
_BLOCK_ID = re.compile(r"(?:^|\s)\^[a-zA-Z0-9-]+$")
_TAG = re.compile(r"(?<!\S)#(?!\d+(?!\S))([\w/-]+)(?!\S)")


@dataclass(slots=True)
class _Item:
    """A task of a list, with the lines below it."""

    place: str
    line: str
    status: str
    text: str
    indent: int
    path: tuple[str, ...]
    parent: _Item | None = None
    source_id: str = ""
    below: list[str] = field(default_factory=list)
    notes: list[tuple[str, list[str]]] = field(default_factory=list)
    length: int = 0
    is_in_note: bool = False

    def add(self, line: str) -> None:
        """Add a line below the item: of a note, or of the description."""
        self.length += len(line)
        if self.length > reading.MAX_LINE:  # more than any todo takes
            return
        text = line.strip()
        if note := _NOTE.fullmatch(text):
            self.notes.append((note[1], [note[2]]))
            self.is_in_note = True
        elif self.is_in_note and text.startswith(">"):
            self.notes[-1][1].append(ESCAPED_LINE.sub(r"\1", text[1:].removeprefix(" ")))
        else:
            self.is_in_note = False
            self.below.append(ESCAPED_LINE.sub(r"\1", _indented(line)))


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the tasks of all lists of a file, but for those in code and in comments."""
    ids = reading.LineIds()
    return entries(((item.place, item) for item in _items(file)), lambda place, item: _parse(place, item, ids))


def _items(file: BinaryIO) -> Iterator[_Item]:
    outline = _Outline()
    item: _Item | None = None
    end: re.Pattern[str] | None = None  # of the code or comment that a line is in
    for number, line in reading.text_lines(file):
        text = line.strip()
        indent = _indent(line)
        found = _ITEM.fullmatch(_QUOTE.sub("", line))
        if item and text and indent <= item.indent:
            yield item
            item, end = None, None
        if end and not (item and _NOTE.fullmatch(text)):
            if item:
                item.add(line)
            end = None if end.search(text) else end
        elif item and not found:
            item.add(line)
            end = end or end_of(text)
        elif found:
            if item:
                yield item
            words = found["text"].strip()
            above = (outline.path_of_item(indent), outline.parent_of_item(indent))
            item = _Item(f"line {number}", text, found["status"], words, indent, *above) if words else None
            outline.begin_item(indent, item)
        else:
            outline.read(number, line)
            end = end_of(text)
    if item:
        yield item


class _Outline:
    """The headings and the items that a line is below."""

    def __init__(self) -> None:
        self._headings: list[tuple[int, str]] = []
        self._above: list[tuple[int, str | _Item | None]] = []
        self._is_front_matter = False
        self._text_before = ""

    def path_of_item(self, indent: int) -> tuple[str, ...]:
        """Return the path of the project of an item."""
        names = [part for _, name in self._headings for part in _parts(name)]
        names += [each for at, each in self._above if at < indent and isinstance(each, str)]
        return tuple(filter(None, names))

    def parent_of_item(self, indent: int) -> _Item | None:
        """Return the task that an item is below, if there is one."""
        tasks = (each for at, each in reversed(self._above) if at < indent and isinstance(each, _Item))
        return next(tasks, None)

    def begin_item(self, indent: int, item: str | _Item | None) -> None:
        """Note an item that others may be below: a task, the text of another, or nothing."""
        self._is_front_matter = False
        self._text_before = ""
        self._above = [*(each for each in self._above if each[0] < indent), (indent, item)]

    def read(self, number: int, line: str) -> None:
        """Note a line that is outside of tasks."""
        text = line.strip()
        before, self._text_before = self._text_before, ""
        if number == 1 and text == "---":
            self._is_front_matter = True
        elif self._is_front_matter:
            self._is_front_matter = text not in ("---", "...")
        elif heading := _HEADING.fullmatch(line):
            self._begin_section(len(heading[1]), _HEADING_END.sub("", heading[2].strip()).strip())
        elif before and _UNDERLINE.fullmatch(text):
            self._begin_section(1 if text[0] == "=" else 2, before)
        elif plain := _PLAIN_ITEM.fullmatch(line):
            self.begin_item(_indent(line), plain["text"].strip())
        elif text:
            self._above = [each for each in self._above if each[0] < _indent(line)]
            self._text_before = "" if FENCE.fullmatch(text) else text

    def _begin_section(self, level: int, name: str) -> None:
        self._headings = [*(each for each in self._headings if each[0] < level), (level, name)]
        self._above = []


def _indented(line: str) -> str:
    """Return a line with spaces for the tabs before its text."""
    text = line.lstrip(" \t")
    return line[: len(line) - len(text)].expandtabs(4) + text


def _indent(line: str) -> int:
    line = _indented(line)
    return len(line) - len(line.lstrip(" "))


def _parts(heading: str) -> list[str]:
    """Return the parts of a heading that is a path, as we write it; any other is one part."""
    return heading.split("/") if _PATH.fullmatch(heading) else [heading]


def _fields(text: str) -> tuple[str, dict[str, str], list[str]]:
    """Return the title of a text, its fields by the names that Dataview has for them, and its tags."""
    fields: dict[str, str] = {}

    def take(name: str, value: str) -> str:
        fields.setdefault(name, value.strip())
        return " "

    text = _BLOCK_ID.sub("", text)
    text = _FIELD.sub(lambda found: take(found["name"], found["value"]), text)
    text = _PROJECT.sub(lambda found: take("project", found["value"]), text)
    text = _DATE.sub(lambda found: take(DATE_NAMES[found["name"]], found["value"]), text)
    text = _LEVEL.sub(lambda found: take("priority", LEVELS[found["value"]]), text)
    for name, form in _SIGN.items():
        text = form.sub(lambda found, name=name: take(name, found["value"]), text)  # type: ignore[misc]
    tags = _TAG.findall(text)
    title = " ".join(ESCAPED_SIGN.sub("", _TAG.sub(" ", text)).split())
    return title, fields, tags


def _parse(place: str, item: _Item, ids: reading.LineIds) -> Record | LeftOut:
    """Return the record of a task. That of the one above it has been returned before."""
    item.source_id = place
    if item.status == "-":
        return LeftOut(place, "cancelled tasks")
    title, fields, tags = _fields(item.text)
    if not title:
        raise Unreadable("title", "is missing")
    is_completed = item.status in "xX"
    days = {name: _day(fields, name) for name in ("due", "start", "scheduled", "created", "completion")}
    unheld = {name: fields[name] for name in _UNHELD if fields.get(name)}
    if days["start"] and days["scheduled"]:
        unheld["scheduled"] = fields["scheduled"]
    # Tasks writes what follows a task that is done as a task of its own.
    repetition = markdown_repeating.read(fields["repeat"]) if fields.get("repeat") and not is_completed else None
    if fields.get("repeat") and not (repetition or is_completed):
        unheld["repeat"] = fields["repeat"]
    if item.status not in " xX/":
        unheld["status"] = item.status
    due_time = _time(fields)
    item.source_id = fields.get("id") or ids.next(item.line)
    return Record(
        place,
        item.source_id,
        title,
        dedent("\n".join(item.below)).strip("\n").rstrip() or None,
        is_completed=is_completed,
        completed_at=start_of(days["completion"]) if is_completed and days["completion"] else None,
        created_at=start_of(days["created"]) if days["created"] else None,
        due_on=days["due"],
        due_time=due_time if days["due"] else None,
        starts_on=days["start"] or days["scheduled"],
        priority=_priority(fields),
        project=_project(fields["project"]) if "project" in fields else item.path,
        tags=tuple(tags),
        is_someday=fields.get("someday") == "true",
        notes=tuple(_note(*note) for note in item.notes),
        unheld=unheld,
        parent=item.parent.source_id if item.parent else None,
        repeats=Repeats(repetition) if repetition else None,
    )


def _project(text: str) -> tuple[str, ...]:
    return () if text in ("", "none") else tuple(text.split("/"))


def _day(fields: dict[str, str], name: str) -> date | None:
    return parse_day(fields[name], name) if fields.get(name) else None


def _time(fields: dict[str, str]) -> time | None:
    text = fields.get("time")
    if not text:
        return None
    try:
        return time.fromisoformat(text.zfill(5))
    except ValueError:
        raise Unreadable("time", f"{text[:40]!r} is not a time, such as 17:00") from None


def _priority(fields: dict[str, str]) -> Priority | None:
    text = fields.get("priority") or "normal"
    if text not in _PRIORITIES:
        raise Unreadable("priority", f"{text[:40]!r} is not a priority, such as high")
    return _PRIORITIES[text]


def _note(stamp: str, lines: list[str]) -> RecordNote:
    try:
        made_at = datetime.fromisoformat(stamp.removesuffix(" UTC:")).replace(tzinfo=UTC)
    except ValueError:
        raise Unreadable("note", f"{stamp!r} is not a time") from None
    return RecordNote("\n".join(lines).strip(), made_at)
