"""Markdown: lists of tasks, with the signs of Obsidian's Tasks (https://publish.obsidian.md/tasks/Reference/Task+Formats).

    # home/garden                              the project; headings below others are sub-projects

    - [ ] Water it ⏰ 17:00 #bills 🔼 ➕ 2026-11-01 🛫 2026-11-28 📅 2026-12-01
      its description
      > 2026-11-30 10:00:00 UTC: a note

An item below another has the title of that one as a sub-project. Fields of Dataview, such as `[due:: 2026-12-01]`, are
read too. Tasks reads a line from its end up to the first word that it does not know: ours, such as the time of day, are
before its signs.
"""

from __future__ import annotations

import re
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from textwrap import dedent
from typing import BinaryIO, TextIO

from todocli.domain.fields import Priority
from todocli.domain.records import Entry, LeftOut, Record, RecordNote
from todocli.formats import reading
from todocli.formats.reading import Unreadable, entries, parse_day, start_of
from todocli.schemas.todos import TodoRead

_BULLET = r"(?:[-*+]|\d{1,9}[.)])[ \t]+"
_BOX = rf"{_BULLET}\[(?:[ xX]|[^\w\s\]])\](?=[ \t]|$)"
_ITEM = re.compile(rf"[ \t]*{_BULLET}\[(?P<status>[ xX]|[^\w\s\]])\](?P<text>[ \t].*|$)", re.DOTALL)
_PLAIN_ITEM = re.compile(rf"[ \t]*{_BULLET}(?P<text>.*)", re.DOTALL)
_QUOTE = re.compile(rf"^(?:>[ \t]?)+(?=[ \t]*{_BOX})")
_HEADING = re.compile(r"(#{1,6})[ \t]+(.*)", re.DOTALL)
_HEADING_END = re.compile(r"(?:^|(?<=[ \t]))#+$")
_UNDERLINE = re.compile(r"=+|--+")
_FENCE = re.compile(r"(?P<backticks>`{3,})[^`]*|(?P<tildes>~{3,}).*", re.DOTALL)
_PATH = re.compile(r"[\w-]+(?:/[\w-]+)*")
_NOTE_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC:"
_NOTE = re.compile(rf"> ({_NOTE_TIME}) ?(.*)", re.DOTALL)
_ESCAPED_LINE = re.compile(rf"^([ \t]*)\\(?=\\*(?:{_BOX}|> {_NOTE_TIME}))")
_ESCAPE_LINE = re.compile(rf"^([ \t]*)(?=\\*(?:{_BOX}|> {_NOTE_TIME}))")
_ESCAPED_SIGN = re.compile(r"(?<!\S)\\(?=\\*#)")
_ESCAPE_SIGN = re.compile(r"(?<!\S)(?=\\*#)")
_LINE_BREAK = re.compile(r"\r\n?|\n")

_DATES = {
    "📅": "due",
    "📆": "due",
    "🗓": "due",
    "🛫": "start",
    "⏳": "scheduled",
    "⌛": "scheduled",
    "✅": "completion",
    "➕": "created",
    "❌": "cancelled",
}
_LEVELS = {"🔺": "highest", "⏫": "high", "🔼": "medium", "🔽": "low", "⏬": "lowest"}
_PRIORITIES: dict[str, Priority | None] = {
    "highest": "high",
    "high": "high",
    "medium": "medium",
    "normal": None,
    "low": "low",
    "lowest": "low",
}
_SIGN_OF = {"high": "⏫", "medium": "🔼", "low": "🔽"}
_SIGNS = {
    "⏰": ("time", r"\d{1,2}:\d\d\b"),
    "🔁": ("repeat", r"[a-zA-Z0-9, !]+"),
    "🆔": ("id", r"[\w-]+"),
    "⛔": ("dependsOn", r"[\w-]+(?: *, *[\w-]+)*"),
    "🏁": ("onCompletion", r"\w+"),
}
_NAMES = (*dict.fromkeys(_DATES.values()), "priority", "someday", *(name for name, _ in _SIGNS.values()))
_UNHELD = ("repeat", "dependsOn", "onCompletion")
_FIELD = re.compile(rf"[\[(](?P<name>{'|'.join(_NAMES)})::(?P<value>[^\])]{{0,200}})[\])]")
_DATE = re.compile(rf"(?P<name>{'|'.join(_DATES)})\ufe0f? *(?P<value>\d{{4}}-\d\d-\d\d)(?!\d)")
_LEVEL = re.compile(rf"(?P<value>{'|'.join(_LEVELS)})\ufe0f?")
_SIGN = {name: re.compile(rf"{sign}\ufe0f? *(?P<value>{form})") for sign, (name, form) in _SIGNS.items()}
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
            self.notes[-1][1].append(_ESCAPED_LINE.sub(r"\1", text[1:].removeprefix(" ")))
        else:
            self.is_in_note = False
            self.below.append(_ESCAPED_LINE.sub(r"\1", _indented(line)))


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
            end = end or _end_of(text)
        elif found:
            if item:
                yield item
            words = found["text"].strip()
            path = outline.path_of_item(indent)
            item = _Item(f"line {number}", text, found["status"], words, indent, path) if words else None
            outline.begin_item(indent, _fields(words)[0])
        else:
            outline.read(number, line)
            end = _end_of(text)
    if item:
        yield item


class _Outline:
    """The headings and the items that a line is below."""

    def __init__(self) -> None:
        self._headings: list[tuple[int, str]] = []
        self._parents: list[tuple[int, str]] = []
        self._is_front_matter = False
        self._text_before = ""

    def path_of_item(self, indent: int) -> tuple[str, ...]:
        """Return the path of the project of an item."""
        names = [part for _, name in self._headings for part in _parts(name)]
        names += [name for at, name in self._parents if at < indent]
        return tuple(filter(None, names))

    def begin_item(self, indent: int, title: str) -> None:
        """Note an item that others may be below."""
        self._is_front_matter = False
        self._text_before = ""
        self._parents = [*(each for each in self._parents if each[0] < indent), (indent, title)]

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
            self._parents = [each for each in self._parents if each[0] < _indent(line)]
            self._text_before = "" if _FENCE.fullmatch(text) else text

    def _begin_section(self, level: int, name: str) -> None:
        self._headings = [*(each for each in self._headings if each[0] < level), (level, name)]
        self._parents = []


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


def _end_of(text: str) -> re.Pattern[str] | None:
    """Return what ends the code or the comment that a line begins."""
    if fence := _FENCE.fullmatch(text):
        marks = fence["backticks"] or fence["tildes"]
        return re.compile(rf"^{marks[0]}{{{len(marks)},}}$")
    return re.compile("-->") if text.startswith("<!--") and "-->" not in text else None


def _fields(text: str) -> tuple[str, dict[str, str], list[str]]:
    """Return the title of a text, its fields by the names that Dataview has for them, and its tags."""
    fields: dict[str, str] = {}

    def take(name: str, value: str) -> str:
        fields.setdefault(name, value.strip())
        return " "

    text = _BLOCK_ID.sub("", text)
    text = _FIELD.sub(lambda found: take(found["name"], found["value"]), text)
    text = _DATE.sub(lambda found: take(_DATES[found["name"]], found["value"]), text)
    text = _LEVEL.sub(lambda found: take("priority", _LEVELS[found["value"]]), text)
    for name, form in _SIGN.items():
        text = form.sub(lambda found, name=name: take(name, found["value"]), text)  # type: ignore[misc]
    tags = _TAG.findall(text)
    title = " ".join(_ESCAPED_SIGN.sub("", _TAG.sub(" ", text)).split())
    return title, fields, tags


def _parse(place: str, item: _Item, ids: reading.LineIds) -> Record | LeftOut:
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
    if item.status not in " xX/":
        unheld["status"] = item.status
    due_time = _time(fields)
    return Record(
        place,
        fields.get("id") or ids.next(item.line),
        title,
        dedent("\n".join(item.below)).strip("\n").rstrip() or None,
        is_completed=is_completed,
        completed_at=start_of(days["completion"]) if is_completed and days["completion"] else None,
        created_at=start_of(days["created"]) if days["created"] else None,
        due_on=days["due"],
        due_time=due_time if days["due"] else None,
        starts_on=days["start"] or days["scheduled"],
        priority=_priority(fields),
        project=item.path,
        tags=tuple(tags),
        is_someday=fields.get("someday") == "true",
        notes=tuple(_note(*note) for note in item.notes),
        unheld=unheld,
    )


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


def write(todos: Iterable[TodoRead], file: TextIO) -> None:
    """Write todos, those of a project below its heading; projects are in the order of their first todos.

    Todos come in any order, and may be more than fit into memory. So they go to a temporary file first, and only where
    each of them begins and ends there is kept: two numbers.
    """
    places: dict[str | None, array[int]] = {None: array("Q")}
    with tempfile.TemporaryFile() as texts:
        end = 0
        for todo in todos:
            start, end = end, end + texts.write(_block(todo).encode())
            places.setdefault(todo.project, array("Q")).extend((start, end))
        separator = ""
        for project, bounds in places.items():
            if project is not None:
                file.write(f"{separator}# {project}\n\n")
            for start, end in zip(bounds[::2], bounds[1::2], strict=True):
                texts.seek(start)
                file.write(texts.read(end - start).decode())
                separator = "\n"


def _block(todo: TodoRead) -> str:
    lines = [_line(todo)]
    lines += [f"  {_escape(line)}" if line.strip() else "" for line in _LINE_BREAK.split(todo.description or "")]
    while not lines[-1]:
        lines.pop()
    for note in todo.notes or ():
        first, *others = _LINE_BREAK.split(note.text)
        lines.append(f"  > {note.at.astimezone(UTC).replace(microsecond=0, tzinfo=None)} UTC: {first}")
        lines += [f"  > {_escape(line)}".rstrip() for line in others]
    return "\n".join(lines) + "\n"


def _escape(line: str) -> str:
    """Return a line that is not read as a task or a note."""
    return _ESCAPE_LINE.sub(r"\1\\", line)


def _line(todo: TodoRead) -> str:
    words = [f"- [{'x' if todo.completed_at else ' '}]", _ESCAPE_SIGN.sub(r"\\", " ".join(todo.title.split()))]
    words += [f"⏰ {todo.due_time:%H:%M}"] if todo.due_time else []
    words += ["[someday:: true]"] if todo.is_someday else []
    words += [f"#{tag}" for tag in todo.tags]
    words += [_SIGN_OF[todo.priority]] if todo.priority else []
    words += [f"➕ {todo.created_at.astimezone().date()}"]
    words += [f"🛫 {todo.starts_on}"] if todo.starts_on else []
    words += [f"📅 {todo.due_on}"] if todo.due_on else []
    words += [f"✅ {todo.completed_at.astimezone().date()}"] if todo.completed_at else []
    return " ".join(words)
