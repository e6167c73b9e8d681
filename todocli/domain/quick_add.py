"""Quick add: the words of a title that set fields.

A word sets a field only if it is a known key with a value (`due:fri`), or a tag (`+bills`). Everything else stays in
the title: `Buy 40th birthday gift`, `C++`, `+49 30 1234`, `https://…`, `due: soon`. A known key with an invalid value
is an error, not part of the title.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from todocli.domain.dates import parse_day
from todocli.domain.fields import parse_priority, parse_project, parse_tag
from todocli.errors import ValidationError

CLEAR = "none"
"""The value that clears a field."""

KEYS = {
    "due": "due",
    **dict.fromkeys(("start", "starts"), "start"),
    **dict.fromkeys(("priority", "pri", "p"), "priority"),
    **dict.fromkeys(("project", "proj"), "project"),
    **dict.fromkeys(("tags", "tag"), "tag"),
}
"""The keys in all spellings, each with the option of the same meaning."""

_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d|(?:1[0-2]|[1-9])[ap]m|noon"
_STRAY = re.compile(rf"(?<!\S)due:([^\s:]+)\s+({_CLOCK})(?!\S)", re.IGNORECASE)
_COLUMNS = {"due": "due_on", "start": "starts_on", "priority": "priority", "project": "project", "tag": "tags"}
_WORD = re.compile(rf"(?<!\S)(?:({'|'.join(KEYS)}):(\S+)|(\+[^\W\d_][\w-]*))(?!\S)", re.IGNORECASE)
_WHOLE = re.compile(r"(due|starts?):(\S.*)()", re.IGNORECASE)  # the groups of `_WORD`, so the last is always empty
_PARSERS = {"priority": parse_priority, "project": parse_project, "tag": parse_tag}
_EXAMPLES = {"priority": "pri:high", "project": "project:home/garden", "tag": "+bills"}


@dataclass
class QuickAdd:
    """The meaning of words: the `title` that is left, and the fields that they set, named as in `TodoUpdate`.

    Tags are in `add_tags`; `tags` is set if it replaces all others.
    """

    title: str = ""
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def new(self) -> dict[str, Any]:
        """The fields of a new todo."""
        tags = self.fields.get("tags", []) + self.fields.get("add_tags", [])
        return {name: value for name, value in self.fields.items() if name != "add_tags"} | {"tags": tags}

    @property
    def changes(self) -> dict[str, Any]:
        """The fields of an update."""
        return self.new if "tags" in self.fields else self.fields


def parse_quick_add(
    words: Iterable[str], options: Mapping[str, Sequence[str]], *, today: date, literal: bool = False
) -> QuickAdd:
    """Return the meaning of `words`, and of the `options` due, start, priority, project and tag.

    With `literal`, all words are the title. Raises `ValidationError` for an invalid value, or a field given twice.
    """
    found = QuickAdd()
    for name, values in options.items():
        for value in values:
            _take(found, name, value, today)

    def take(match: re.Match[str]) -> str:
        key, value, tag = match.groups()
        try:
            _take(found, KEYS[key.lower()] if key else "tag", tag or value, today)
        except ValidationError as error:
            error.hint = f"To keep the word in the title, add --literal. {error.hint}"
            raise
        return ""

    kept = [word if literal else _take_from(word, take) for word in words]
    found.title = " ".join(word for word in kept if word is not None)
    return found


def stray_time(words: Iterable[str]) -> tuple[str, str] | None:
    """Return a time that follows a date, and so is part of the title, and the intended word; None if there is none."""
    match = _STRAY.search(" ".join(words))
    return (match[2], f"due:{match[1]}-{match[2]}") if match else None


def _take_from(word: str, take: Callable[[re.Match[str]], str]) -> str | None:
    """Return what is left of a word of the command line, which may be a sentence; None if nothing is."""
    if (whole := _WHOLE.fullmatch(word)) and " " in whole[2] and _is_day(whole[2]):
        take(whole)
        return None
    left, count = _WORD.subn(take, word)
    if not count:
        return word
    return re.sub(r"\s{2,}", " ", left).strip() or None


def _is_day(text: str) -> bool:
    try:
        parse_day(text, "", today=date(2000, 1, 1))
    except ValidationError:
        return False
    return True


def _take(found: QuickAdd, name: str, text: str, today: date) -> None:
    """Set the field of an option or a key."""
    fields = found.fields
    text = CLEAR if text.lower() == CLEAR else text
    if name == "tag" and text != CLEAR:
        fields["add_tags"] = [*fields.get("add_tags", []), _parsed(name, text)]
        return
    if _COLUMNS[name] in fields:
        detail = f"{name} is given twice."
        raise _error(name, detail, "Give it once.")
    if name in ("due", "start"):
        day = None if text == CLEAR else parse_day(text, _COLUMNS[name], today=today)
        if name == "due":
            fields |= {"due_on": day and day.on, "due_time": day and day.at}
        elif day and day.at:
            raise _error(name, f"The start is a date, but {text[:40]!r} has a time.", "Leave the time out.")
        else:
            fields["starts_on"] = day and day.on
    elif name == "tag":
        fields["tags"] = []
    else:
        fields[name] = None if text == CLEAR else _parsed(name, text)


def _parsed(name: str, text: str) -> str:
    try:
        return _PARSERS[name](text)
    except ValueError as error:
        raise _error(name, f"The {name} {text[:40]!r} {error}.", f"Write it like {_EXAMPLES[name]}.") from None


def _error(name: str, detail: str, hint: str) -> ValidationError:
    return ValidationError.of(_COLUMNS[name], detail, hint=hint)
