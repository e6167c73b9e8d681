"""Writes Markdown: the todos of a project below its heading, and subtasks below their parents."""

from __future__ import annotations

import re
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from typing import IO, TextIO

from todocli.formats import markdown_repeating
from todocli.formats.markdown_syntax import ESCAPE_LINE, ESCAPE_SIGN, end_of
from todocli.schemas.todos import TodoRead

_LINE_BREAK = re.compile(r"\r\n?|\n")
_BEFORE_TEXT = re.compile(r"^([ \t]*)")
_SIGN_OF = {"high": "⏫", "medium": "🔼", "low": "🔽"}
_HERE = "\0"
"""Where a project is named in a line, if it is not that of the heading."""


def write(todos: Iterable[TodoRead], file: TextIO) -> None:
    """Write todos, those of a project below its heading, and subtasks below their parents.

    Projects are in the order of their first todos. A subtask whose parent is not exported is at the top level.
    Todos come in any order, and may be more than fit into memory. So they go to a temporary file first, and only where
    each of them begins and ends there is kept.
    """
    with tempfile.TemporaryFile() as texts:
        tree = _Tree(texts)
        for todo in todos:
            tree.add(todo)
        separator = ""
        for project, places in tree.sections().items():
            if project is not None:
                file.write(f"{separator}# {project}\n\n")
            for place in places:
                file.writelines(tree.texts(place, project))
                separator = "\n"


def holds(todo: TodoRead) -> frozenset[str]:
    """Return the fields that Markdown has a place for in this todo only: Tasks has words for how it repeats."""
    return frozenset({"rrule"} if markdown_repeating.words(todo) else ())


def keeps_title(title: str) -> bool:
    """Whether a title comes back as it is: it has one line, and single blanks."""
    return " ".join(title.split()) == title


class _Tree:
    """The todos of an export, in the order in which they came: each has a place, from 0."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._ends = array("Q", [0])
        self._projects: list[str | None] = []
        self._project_places: dict[str | None, int] = {}
        self._project_of = array("Q")
        self._numbers = array("Q")
        self._below: dict[int, list[int]] = {}
        self._parents: dict[int, int] = {}

    def add(self, todo: TodoRead) -> None:
        """Add the next todo."""
        place = len(self._numbers)
        self._ends.append(self._ends[-1] + self._file.write(_block(todo).encode()))
        self._project_of.append(self._project_places.setdefault(todo.project, len(self._projects)))
        self._projects += [todo.project] if len(self._project_places) > len(self._projects) else []
        self._numbers.append(todo.number)
        if todo.parent:
            self._below.setdefault(todo.parent, []).append(place)
            self._parents[place] = todo.parent

    def sections(self) -> dict[str | None, array[int]]:
        """Return the places of the todos that are below no other, by their project: first those without one."""
        there = {number for number in self._numbers if number in self._below}
        found: dict[str | None, array[int]] = {None: array("Q")}
        for place, project in enumerate(self._project_of):
            if self._parents.get(place) not in there:
                found.setdefault(self._projects[project], array("Q")).append(place)
        return found

    def texts(self, place: int, heading: str | None, level: int = 0) -> Iterator[str]:
        """Return the text of a todo below a heading, and of its subtasks."""
        start, end = self._ends[place : place + 2]
        self._file.seek(start)
        text = self._file.read(end - start).decode()
        project = self._projects[self._project_of[place]]
        text = text.replace(_HERE, "" if project == heading else f" [project:: {project or 'none'}]", 1)
        yield re.sub(r"^(?=.)", "  " * level, text, flags=re.MULTILINE) if level else text
        for each in self._below.get(self._numbers[place], ()):
            yield from self.texts(each, heading, level + 1)


def _block(todo: TodoRead) -> str:
    lines = [_line(todo)]
    lines += [f"  {line}" if line.strip() else "" for line in _escaped(_LINE_BREAK.split(todo.description or ""))]
    while not lines[-1]:
        lines.pop()
    for note in todo.notes or ():
        first, *others = _LINE_BREAK.split(note.text)
        lines.append(f"  > {note.at.astimezone(UTC).replace(microsecond=0, tzinfo=None)} UTC: {first}")
        lines += [f"  > {_escape(line)}".rstrip() for line in others]
    return "\n".join(lines) + "\n"


def _escaped(lines: Sequence[str]) -> Iterator[str]:
    """Return the lines of a description that begin no task or note, and no code or comment that does not end in it.

    Subtasks come after it, and would be part of that.
    """
    ends = 0
    for place, line in enumerate(lines):
        if place >= ends and (end := end_of(line.strip())):
            ends = next((at + 1 for at in range(place + 1, len(lines)) if end.search(lines[at].strip())), place)
            if ends == place:
                line = _BEFORE_TEXT.sub(r"\1\\", line)
                yield line
                continue
        yield _escape(line)


def _escape(line: str) -> str:
    """Return a line that is not read as a task or a note."""
    return ESCAPE_LINE.sub(r"\1\\", line)


def _line(todo: TodoRead) -> str:
    words = [f"- [{'x' if todo.completed_at else ' '}]", ESCAPE_SIGN.sub(r"\\", " ".join(todo.title.split()))]
    words[-1] += _HERE
    words += [f"⏰ {todo.due_time:%H:%M}"] if todo.due_time else []
    words += ["[someday:: true]"] if todo.is_someday else []
    words += [f"#{tag}" for tag in todo.tags]
    words += [_SIGN_OF[todo.priority]] if todo.priority else []
    repeating = markdown_repeating.words(todo)
    words += [f"🔁 {repeating}"] if repeating else []
    words += [f"➕ {todo.created_at.astimezone().date()}"]
    words += [f"🛫 {todo.starts_on}"] if todo.starts_on else []
    words += [f"📅 {todo.due_on}"] if todo.due_on else []
    words += [f"✅ {todo.completed_at.astimezone().date()}"] if todo.completed_at else []
    return " ".join(words)
