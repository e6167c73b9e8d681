"""Quick add: the words of a title that set fields.

A word sets a field only if it is a known key with a value (`due:fri`), or a tag (`+bills`). Everything else stays in
the title: `Buy 40th birthday gift`, `C++`, `+49 30 1234`, `https://…`, `due: soon`. A known key with an invalid value
is an error, not part of the title.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise, takewhile
from typing import Any

from todocli.domain.date_phrases import count_joining
from todocli.domain.dates import Shift, has_time, is_day, parse_day, parse_shift
from todocli.domain.fields import parse_priority, parse_project, parse_tag
from todocli.domain.references import is_plain_number
from todocli.errors import Hint, ValidationError

SOMEDAY = "someday"
"""The value of a date that is none, for a todo that lists hide."""

CLEAR = "none"
"""The value that clears a field."""

KEYS = {
    "due": "due",
    **dict.fromkeys(("start", "starts"), "start"),
    **dict.fromkeys(("priority", "pri", "p"), "priority"),
    **dict.fromkeys(("project", "proj"), "project"),
    **dict.fromkeys(("tags", "tag"), "tag"),
    "needs": "needs",
    **dict.fromkeys(("under", "parent"), "parent"),
    **{name: name for name in ("every", "again", "ends", "times")},
}
"""The keys in all spellings, each with the option of the same meaning."""

LISTS = frozenset(("tags", "needs"))
"""The fields that are lists."""

CARRIED_OVER = {
    **dict.fromkeys(("prio", "prior", "pr", "importance"), "pri"),
    **dict.fromkeys(("pro", "prj", "proyect", "projekt", "projet", "progetto", "list"), "project"),
    **dict.fromkeys(("tg", "label", "labels"), "tag"),
    **dict.fromkeys(("deadline", "date", "until", "by"), "due"),
    **dict.fromkeys(("wait", "scheduled", "sched", "defer", "begin", "t"), "start"),
    **dict.fromkeys(("depends", "dep", "need", "after"), "needs"),
}
"""The spellings of other programs, each with the key that it stands for."""

_MOVES = re.compile(r"[+-]\d+ ?(?:[dwmy]\b|day|week|month|year)", re.ASCII | re.IGNORECASE)
_ANY_KEY = re.compile(r"([A-Za-z]{1,12}):((?!//)\S+)")
_COLUMNS = {
    "due": "due_on",
    "start": "starts_on",
    "priority": "priority",
    "project": "project",
    "tag": "tags",
    "needs": "needs",
    "parent": "parent",
    **{name: name for name in ("every", "again", "times")},
    "ends": "ends_on",
}
_WORD = re.compile(rf"(?<!\S)(?:({'|'.join(KEYS)}):(\S+)|(\+[^\W\d_][\w-]*))(?!\S)", re.IGNORECASE)
_DATE = re.compile(r"(due|starts?):(\S.*)()", re.IGNORECASE)  # the groups of `_WORD`, so the last is always empty
_REPEAT = re.compile(r"(every|again):(\S.*)()", re.IGNORECASE)  # with the groups of `_WORD`, as well
_MOST_REPEATING = 4
"""The most words of a repetition after the first: `every:3 months on last fri`."""


def _parse_number(text: str) -> int:
    if not is_plain_number(text):
        raise ValueError("is not the number of a todo")
    return int(text)


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "priority": parse_priority,
    "project": parse_project,
    "tag": parse_tag,
    "parent": _parse_number,
}
REPEATING = ("every", "again", "ends", "times")
"""The keys that say how a todo repeats."""

_EXAMPLES = {
    "priority": "pri:high",
    "project": "project:home/garden",
    "tag": "+bills",
    "needs": "needs:12,14",
    "parent": "under:12",
}


@dataclass
class QuickAdd:
    """The meaning of words: the `title` that is left, and the fields that they set, named as in `TodoUpdate`.

    Tags are in `add_tags`; `tags` is set if it replaces all others. It is the same with `needs`.
    """

    title: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    shifts: dict[str, Shift] = field(default_factory=dict)
    """By how much the dates of a todo move, by column."""

    near_misses: list[tuple[str, str]] = field(default_factory=list)
    """Words of the title that look like a misspelt key, each with the probable one."""

    @property
    def new(self) -> dict[str, Any]:
        """The fields of a new todo."""
        new = dict(self.fields)
        for name in LISTS:
            new[name] = new.get(name, []) + new.pop(f"add_{name}", [])
        return new

    @property
    def changes(self) -> dict[str, Any]:
        """The fields of an update."""
        changes = dict(self.fields)
        for name in changes.keys() & LISTS:
            changes[name] = changes[name] + changes.pop(f"add_{name}", [])
        return changes


def parse_quick_add(
    words: Iterable[str],
    options: Mapping[str, Sequence[str]],
    *,
    here: datetime,
    literal: bool = False,
    is_typed: bool = False,
    is_edit: bool = False,
) -> QuickAdd:
    """Return the meaning of `words`, and of the `options`, by the names in `KEYS`.

    With `literal`, all words are the title. With `is_typed`, near misses are noted, and keys of other programs refused:
    a program's words are taken as they are. If it `is_edit`, `due:+1d` moves the date that a todo has.

    Raises `ValidationError` for an invalid value, or a field given twice.
    """
    found = QuickAdd()
    for name, values in options.items():
        for value in values:
            _take(found, name, value, here, is_edit=is_edit)

    title = []
    for word in words if literal else join_dates(_split(words)):
        match = None if literal else _quick_word(word)
        if match is None:
            title.append(word)
            if is_typed and not literal:
                _note_near_miss(found, word, here)
            continue
        key, value, tag = match.groups()
        try:
            _take(found, KEYS[key.lower()] if key else "tag", tag or value, here, is_edit=is_edit)
        except ValidationError as error:
            error.hint = Hint(error.hint_anywhere, f"To keep the word in the title, add --literal. {error.hint}")
            raise
    if is_edit and title and all(_is_bare_key(word) for word in title):
        for word in title:
            _take(found, KEYS[word[:-1].lower()], CLEAR, here)
        title = []
    found.title = " ".join(title)
    if is_typed and not literal:
        _note_blanks(found, title, here)
    return found


def _is_bare_key(word: str) -> bool:
    """Whether a word is a key without a value, which clears the field in an edit."""
    return word.endswith(":") and word[:-1].lower() in KEYS


def _note_blanks(found: QuickAdd, title: Sequence[str], here: datetime) -> None:
    """Note a key with a blank before its value, which is part of the title: `due: friday`."""
    words = " ".join(title).split()
    for key, value in pairwise(words):
        if _is_bare_key(key) and _fits(KEYS[key[:-1].lower()], value, here):
            found.near_misses.append((f"{key} {value}", f"{key}{value}"))


def _note_near_miss(found: QuickAdd, word: str, here: datetime) -> None:
    """Note a word of the title that looks like a key. Raises `ValidationError` for the key of another program."""
    if (match := _ANY_KEY.fullmatch(word)) is None:
        return
    key, value = match[1].lower(), match[2]
    intended = CARRIED_OVER.get(key)
    if intended is None:
        import difflib

        intended = next(iter(difflib.get_close_matches(key, KEYS, 1, 0.75)), None)
    if intended is None or not _fits(KEYS[intended], value, here):
        return
    if key in CARRIED_OVER:
        detail = f"The key {key}: is written {intended}: here."
        correct = f"Write {intended}:{value[:40]}"
        hint = Hint(f"{correct}.", f"{correct}, or add --literal to keep the word in the title.")
        raise _error(KEYS[intended], detail, hint)
    found.near_misses.append((word, f"{intended}:{value}"))


def _fits(name: str, value: str, here: datetime) -> bool:
    try:
        _take(QuickAdd(), name, value, here)
    except ValidationError:
        return False
    return True


def join_dates(words: Iterable[str]) -> list[str]:
    """Return words with each date and each repetition in one of them: `due:27`, `jan` become `due:27 jan`."""
    left, joined = list(words), []
    while left:
        word = left.pop(0)
        if match := _REPEAT.fullmatch(word):
            count = _count_repeating(match[1].lower(), match[2], left)
            word = " ".join((word, *left[:count]))
            del left[:count]
        elif match := _DATE.fullmatch(word):
            following = list(takewhile(lambda each: not is_quick_word(each), left))
            count = count_joining(match[2], following, takes_time=match[1].lower() == "due")
            word = " ".join((word, *left[:count]))
            del left[:count]
        joined.append(word)
    return joined


def _count_repeating(key: str, value: str, following: Sequence[str]) -> int:
    """Return how many of the following words belong to a repetition: as many as make it longer, and valid."""
    counts = range(min(len(following), _MOST_REPEATING), 0, -1)
    return next((count for count in counts if _repeats(key, " ".join((value, *following[:count])))), 0)


def _repeats(key: str, value: str) -> bool:
    """Whether a value of `every` or `again` is valid."""
    from todocli.domain.recurrence_words import parse_again, parse_every

    try:
        parse_every(value) if key == "every" else parse_again(value)
    except ValidationError:
        return False
    return True


def join_option_dates(arguments: Sequence[str], names: Collection[str]) -> list[str]:
    """Return the arguments of a command with each date after an option of `names` in one: `--due`, `27 jan`."""
    left, joined = list(arguments), []
    while left and left[0] != "--":
        option, glued, value = left[0].partition("=")
        before = 1 if glued or len(left) < 2 else 2  # the option, and its value
        if option in names:
            following = list(takewhile(lambda word: word[:1] != "-" and not is_quick_word(word), left[before:]))
            value = value if glued else left[before - 1]
            end = before + count_joining(value, following, takes_time=option == "--due")
            joined += [*left[: before - 1], " ".join(left[before - 1 : end])]
            del left[:end]
        else:
            joined.append(left.pop(0))
    return [*joined, *left]


def is_change_word(word: str) -> bool:
    """Whether a word sets or clears a field in an edit."""
    return is_quick_word(word) or _is_bare_key(word)


def is_quick_word(word: str) -> bool:
    """Whether a word sets a field, validly or not."""
    return _quick_word(word) is not None


def _quick_word(word: str) -> re.Match[str] | None:
    if (repeat := _REPEAT.fullmatch(word)) and _repeats(repeat[1].lower(), repeat[2]):
        return repeat
    date = _DATE.fullmatch(word)
    return date if date and is_day(date[2]) else _WORD.fullmatch(word)


def _split(words: Iterable[str]) -> Iterator[str]:
    """Split the sentences with quick words among the words of a command line."""
    for word in words:
        whole, repeat = _DATE.fullmatch(word), _REPEAT.fullmatch(word)
        is_one = (whole and is_day(whole[2])) or (repeat and _repeats(repeat[1].lower(), repeat[2]))
        if _WORD.search(word) and not is_one:
            yield from word.split()
        else:
            yield word


def _take(found: QuickAdd, name: str, text: str, here: datetime, *, is_edit: bool = False) -> None:
    """Set the field of an option or a key."""
    fields = found.fields
    text = CLEAR if text.lower() == CLEAR else text
    if name == "tag" and text != CLEAR:
        names = [part for part in text.split(",") if part] or [text]
        fields["add_tags"] = [*fields.get("add_tags", []), *(_parsed(name, part) for part in names)]
        return
    if name in REPEATING:
        _take_repetition(fields, name, text, here)
        return
    if name == "needs" and text != CLEAR:
        _take_needs(fields, text, is_edit=is_edit)
        return
    if fields.get("is_someday") and name in ("due", "start") and text == CLEAR:
        return  # that is what it means
    if fields.get("is_someday") and name in ("due", "start") and text.lower() != SOMEDAY:
        raise _error(name, "A todo for someday has no date, but one is given.", "Leave one of them out.")
    if _COLUMNS[name] in (*fields, *found.shifts):
        detail = f"{name} is given twice."
        raise _error(name, detail, "Give it once.")
    if name in ("due", "start") and text.lower() == SOMEDAY:
        if found.shifts or any(fields.get(column) for column in ("due_on", "starts_on")):
            raise _error(name, "A todo for someday has no date, but one is given.", "Leave one of them out.")
        fields |= {"is_someday": True, "due_on": None, "due_time": None, "starts_on": None}
    elif name in ("due", "start") and is_edit and (shift := parse_shift(text)):
        found.shifts[_COLUMNS[name]] = shift
    elif name in ("due", "start") and is_edit and _MOVES.match(text) and has_time(text):
        raise _error(name, f"{text[:40]!r} moves a date and sets a time.", "Do one after the other.")
    elif name in ("due", "start"):
        day = None if text == CLEAR else parse_day(text, _COLUMNS[name], here=here)
        if name == "due":
            fields |= {"due_on": day and day.on, "due_time": day and day.at}
        elif day and day.at:
            raise _error(name, f"The start is a date, but {text[:40]!r} has a time.", "Leave the time out.")
        else:
            fields["starts_on"] = day and day.on
    elif name in ("tag", "needs"):
        fields[_COLUMNS[name]] = []
    else:
        fields[name] = None if text == CLEAR else _parsed(name, text)


def _take_repetition(fields: dict[str, Any], name: str, text: str, here: datetime) -> None:
    """Set how a todo repeats: the words are kept, and are valid."""
    column = _COLUMNS[name]
    if column in fields:
        raise _error(name, f"{name} is given twice.", "Give it once.")
    if text == CLEAR:
        fields[column] = None
    elif name == "ends":
        day = parse_day(text, column, here=here)
        if day.at:
            raise _error(name, f"The end is a date, but {text[:40]!r} has a time.", "Leave the time out.")
        fields[column] = day.on
    elif name == "times":
        if not is_plain_number(text):
            raise _error(name, f"{text[:40]!r} is not a number of times.", "Write it like times:10.")
        fields[column] = int(text)
    else:
        from todocli.domain.recurrence_words import parse_again, parse_every

        parse_every(text) if name == "every" else parse_again(text)
        fields[column] = text


def _take_needs(fields: dict[str, Any], text: str, *, is_edit: bool) -> None:
    """Set what a todo needs: the numbers of others, and in an edit those that it no longer needs, with a minus."""
    for part in filter(None, (part.strip() for part in text.split(","))):
        number = part.removeprefix("-") if is_edit else part
        if not is_plain_number(number):
            detail = f"{part[:40]!r} is not the number of a todo."
            raise _error("needs", detail, f"Write it like {_EXAMPLES['needs']}.")
        name = "remove_needs" if part[0] == "-" else "add_needs"
        fields[name] = [*fields.get(name, []), int(number)]


def _parsed(name: str, text: str) -> Any:
    try:
        return _PARSERS[name](text)
    except ValueError as error:
        raise _error(name, f"The {name} {text[:40]!r} {error}.", f"Write it like {_EXAMPLES[name]}.") from None


def _error(name: str, detail: str, hint: str) -> ValidationError:
    return ValidationError.of(_COLUMNS[name], detail, hint=hint)
