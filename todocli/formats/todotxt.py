"""todo.txt: one todo per line (https://github.com/todotxt/todo.txt).

    x 2026-11-30 2026-11-01 Pay rent +home @bills due:2026-12-01 pri:A
    │ │          │          │        │     │      └─ any number of key:value
    │ │          │          │        │     └─ context: a tag
    │ │          │          │        └─ project: the first is the project, others are tags
    │ │          └─ created     └─ title
    │ └─ completed; an open todo may have (A) here
    └─ it is completed

`due:`, `t:` (start), `uuid:` and `pri:` are what other programs use, and so is `rec:` (`todotxt_repeating`). A subtask
has the `id:` of its parent in `p:`, or `sup:`. `time:` is the time of day of `due:`, which has no word of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, time
from typing import BinaryIO, TextIO

from todocli.domain.fields import Priority
from todocli.domain.records import Entry, Record
from todocli.formats import reading, todotxt_repeating
from todocli.formats.reading import Unreadable, entries, parse_day, start_of
from todocli.schemas.todos import TodoRead

_LETTERS: dict[str, Priority] = {"A": "high", "B": "medium"}
"""What the priority letters mean; all others are low."""

_LETTER_OF = {"high": "A", "medium": "B", "low": "C"}

_DATE = r"\d{4}-\d\d-\d\d "
_HEAD = re.compile(
    rf"(?:(?P<done>x) )?(?:\((?P<priority>[A-Z])\) )?(?P<dates>(?(done)(?:{_DATE}){{0,2}}|(?:{_DATE})?))"
)
_KEY = re.compile(r"([^\s:/]+):(?!//)(\S+)")
_LINKS = ("id", "p", "sup")
_KEYS = {
    *("due", "t", "uuid", "pri", "time", *_LINKS, *todotxt_repeating.KEYS),
    *("rec", "h", "dep"),  # of well-known extensions
}
"""Keys that mean something, and are not part of a title."""


def read(file: BinaryIO) -> Iterator[Entry]:
    """Return the todos of a file, but for blank lines."""
    ids = reading.LineIds()
    lines = ((f"line {number}", line.strip()) for number, line in reading.text_lines(file))
    return entries(((place, line) for place, line in lines if line), lambda place, line: _parse(place, line, ids))


def _parse(place: str, line: str, ids: reading.LineIds) -> Record:
    head = _HEAD.match(line)
    assert head is not None  # noqa: S101 - every part of the pattern is optional
    days = [parse_day(day, "date") for day in head["dates"].split()]
    is_completed = head["done"] is not None
    completed_on = days.pop(0) if is_completed and days else None
    title: list[tuple[str, str]] = []
    projects: list[str] = []
    tags: list[str] = []
    keys: dict[str, str] = {}
    words = line[head.end() :].split()
    for word in words:
        key = _key_of(word)
        if key == "+":
            projects.append(word[1:])
        elif key == "@":
            tags.append(word[1:])
        elif key:
            keys[key] = word[len(key) + 1 :]
        if key is None or key in todotxt_repeating.KEYS:
            title.append((word, key or ""))
    repeats = todotxt_repeating.read(keys)
    if repeats:
        title = [(word, name) for word, name in title if not name]
        keys.pop("rec", None)
    keys = {name: value for name, value in keys.items() if name not in todotxt_repeating.KEYS}
    letter = head["priority"] or keys.pop("pri", "").upper()
    due_on = _day(keys, "due")
    starts_on = _day(keys, "t")
    due_time = _time(keys)
    source_id = keys.pop("uuid", None) or ids.next(line)
    return Record(
        place,
        source_id,
        " ".join(word for word, _ in title) or " ".join(word for word in words if not word.startswith("uuid:")),
        is_completed=is_completed,
        completed_at=start_of(completed_on) if completed_on else None,
        created_at=start_of(days[0]) if days else None,
        due_on=due_on,
        due_time=due_time if due_on else None,
        starts_on=starts_on,
        priority=_LETTERS.get(letter, "low") if letter else None,
        project=tuple(projects[0].split("/")) if projects else (),
        tags=(*projects[1:], *tags),
        reference=keys.pop("id", None),
        parent=keys.pop("p", None) or keys.pop("sup", None),
        unheld=keys,
        repeats=repeats,
    )


def _key_of(word: str) -> str | None:
    """Return what a word says something about: a key, + for a project, @ for a context; None for one of a title."""
    if word[0] in "+@" and len(word) > 1:
        return word[0]
    found = _KEY.fullmatch(word) if ":" in word else None
    return found[1] if found and found[1] in _KEYS else None


def _day(keys: dict[str, str], name: str) -> date | None:
    return parse_day(keys.pop(name), name) if name in keys else None


def _time(keys: dict[str, str]) -> time | None:
    text = keys.pop("time", None)
    if text is None:
        return None
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise Unreadable("time", f"{text[:40]!r} is not a time, such as 17:00") from None


def keeps_title(title: str) -> bool:
    """Whether a title comes back as it is: todo.txt has no way to write +home as a mere word."""
    words = title.split()
    return " ".join(words) == title and not any(map(_key_of, words))


def write(todos: Iterable[TodoRead], file: TextIO) -> None:
    """Write todos, one line each."""
    for todo in todos:
        words: list[str] = []
        if todo.completed_at:
            words += ["x", f"{todo.completed_at.astimezone():%Y-%m-%d}"]
        elif todo.priority:
            words.append(f"({_LETTER_OF[todo.priority]})")
        words += [f"{todo.created_at.astimezone():%Y-%m-%d}", *todo.title.split()]
        words += [f"+{todo.project}"] if todo.project else []
        words += [f"@{tag}" for tag in todo.tags]
        words += [f"due:{todo.due_on}"] if todo.due_on else []
        words += [f"time:{todo.due_time:%H:%M}"] if todo.due_time else []
        words += [f"t:{todo.starts_on}"] if todo.starts_on else []
        words += todotxt_repeating.words(todo)
        words += [f"id:{todo.number}"] if todo.subtasks else []
        words += [f"p:{todo.parent}"] if todo.parent else []
        words += [f"pri:{_LETTER_OF[todo.priority]}"] if todo.completed_at and todo.priority else []
        file.write(f"{' '.join([*words, f'uuid:{todo.id}'])}\n")
