"""The meaning of a single filter term: `+tag`, `key:value`, or text to search for."""

from __future__ import annotations

import calendar
import difflib
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import cast, get_args
from uuid import UUID

from todocli.domain import quick_add
from todocli.domain.dates import MONTH, NUMBER, WEEKDAY, Pattern, months_later, parse_day
from todocli.domain.fields import parse_priority, parse_project, parse_tag
from todocli.domain.filters.ast import (
    PAST,
    READY,
    Between,
    Blocked,
    Claimed,
    Contains,
    DateField,
    Filter,
    HasPriority,
    InProject,
    Needs,
    Not,
    Numbered,
    Overdue,
    Repeats,
    Someday,
    Tagged,
    Under,
    quoted,
)
from todocli.domain.filters.words import KEYED
from todocli.domain.references import is_plain_number, parse_references
from todocli.errors import Hint, ValidationError

HELP = ("todo", "help", "filters")

_IS: dict[str, Filter] = {"claimed": Claimed(), "blocked": Blocked(), "ready": READY}
"""What may follow `is:`."""

_ATTRIBUTE = re.compile(r"([a-z]+)\.[a-z]+:(.*)", re.IGNORECASE)
"""A key with a modifier, as Taskwarrior has it: due.before:fri."""

_STATES = ("status", "state")
"""Keys of other programs for what an option says here."""

KEYS = {
    **quick_add.KEYS,
    **dict.fromkeys(("done", "completed"), "done"),
    **dict.fromkeys(("added", "created"), "added"),
    **dict.fromkeys(("changed", "updated", "modified"), "changed"),
    "number": "number",
}
"""The keys in all spellings, each with the option of the same meaning."""


class InvalidTerm(Exception):
    """A term is not valid: `detail`, `hint` and `command` are as in `TodoError`."""

    def __init__(self, detail: str, hint: str, command: tuple[str, ...] | None = None) -> None:
        super().__init__(detail)
        self.detail, self.hint, self.command = detail, hint, command


def term(text: str, today: date) -> Filter:
    """Return the filter of a term. Raises `InvalidTerm`."""
    if text[:1] in ("+", "-") and len(text) > 1:
        found = Tagged(_name(parse_tag, text[1:], "tag"))
        return Not(found) if text[0] == "-" else found
    if match := KEYED.fullmatch(text):
        return keyed(match[1], match[2], today)
    if (match := _ATTRIBUTE.fullmatch(text)) and match[1].lower() in KEYS:
        key, value = match[1], match[2][:40]
        raise InvalidTerm(
            f"{text[:40]!r} is written differently here.",
            f"Write {key}:..{value} for before, {key}:{value}.. for after.",
        )
    return contains(text)


def single_key(text: str) -> str | None:
    """Return the key of a term, if a todo has only one value of it; None for others."""
    match = KEYED.fullmatch(text)
    name = KEYS.get(match[1].lower()) if match else None
    return name if name != "tag" else None


def contains(text: str) -> Filter:
    """Return the filter that searches for `text`. Raises `InvalidTerm`."""
    if not text.strip():
        raise InvalidTerm("The search text is empty.", "Write a word.")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidTerm("Search text must be valid UTF-8 without NUL.", "Search for other text.")
    return Contains(text)


def keyed(key: str, value: str, today: date) -> Filter:
    """Return the filter of `key:value`. Raises `InvalidTerm`."""
    name = KEYS.get(key.lower())
    if name is None:
        if key.lower() == "is":
            if (state := _IS.get(value.lower())) is not None:
                return state
            raise InvalidTerm(
                f"There is no filter is:{value[:40]}.",
                Hint.leading(f"There are is:{', is:'.join(_IS)}.", _OTHER_LISTS),
            )
        if key.lower() in _STATES:
            raise InvalidTerm(f"There is no filter key {key!r}.", Hint(None, _OTHER_LISTS))
        near = difflib.get_close_matches(key.lower(), KEYS, 1)
        better = f"Did you mean {near[0]}:{value[:40]}?" if near else _KEYS_HINT
        search = f"{key}:{value}"[:40]
        raise InvalidTerm(
            f"There is no filter key {key[:40]!r}.",
            Hint(
                f"{better} Quote it to search for the text.",
                f"{better} To search for the text, use --search {quoted(search)}.",
            ),
        )
    if name == "number":
        return _numbered(value)
    if name in quick_add.REPEATING:
        if value.lower() not in ("any", "none"):
            raise InvalidTerm("Filters find only whether a todo repeats.", "Write every:any or every:none.")
        return Repeats() if value.lower() == "any" else Not(Repeats())
    if name in get_args(DateField):
        return _days(cast("DateField", name), value.lower(), today)
    if value.lower() in ("any", "none"):
        each: dict[str, Filter] = {
            "tag": Tagged(None),
            "project": InProject(None),
            "priority": HasPriority(None),
            "needs": Needs(None),
            "parent": Under(None),
        }
        return Not(each[name]) if value.lower() == "none" else each[name]
    if name == "tag":
        return Tagged(_name(parse_tag, value, "tag"))
    if name in ("needs", "parent"):
        if not is_plain_number(value):
            key = key.lower()
            raise InvalidTerm(
                f"{value[:40]!r} is not the number of a todo.", f"Write {key}:12, {key}:any or {key}:none."
            )
        return Needs(int(value)) if name == "needs" else Under(int(value))
    if name == "project":
        return InProject(_name(parse_project, value, "project"))
    try:
        return HasPriority(parse_priority(value))
    except ValueError:
        raise InvalidTerm(f"{value[:40]!r} is not a priority.", "Write pri:high, medium, low, any or none.") from None


def _name(parse: Callable[[str], str], text: str, what: str) -> str:
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidTerm(f"A {what} {error}.", "Write it like +bills or project:home/garden.") from None


def _numbered(value: str) -> Filter:
    try:
        [found] = parse_references([value]).items
    except ValidationError as error:
        raise InvalidTerm(error.detail, error.hint or "") from None
    except ValueError:
        raise InvalidTerm(f"{value[:40]!r} is several numbers.", "Write number: once for each of them.") from None
    if isinstance(found, UUID):
        raise InvalidTerm("A number is not a UUID.", "Write it like number:12 or number:5-7.")
    return Numbered(found, found) if isinstance(found, int) else Numbered(found.first, found.last)


def _days(field: DateField, value: str, today: date) -> Filter:
    if value in ("any", "none"):
        return Not(Between(field)) if value == "none" else Between(field)
    if value == "someday" and field in ("due", "start"):
        return Someday()
    if value == "overdue" and field == "due":
        return Overdue()
    if value == "later" and field == "start":
        return Between(field, today + timedelta(days=1))
    if period := _PERIOD.fullmatch(value):
        return Between(field, *_period(period[2], _of_period(period[1], period[2], today)))
    parse = past_day if field in PAST else day
    own = {"due": "overdue, someday, ", "start": "later, someday, "}.get(field, "")
    other_words = f", or {own}week, month, year, any, none, mon..fri"
    first, dots, last = value.partition("..")
    if not dots:
        on = parse(value, today, other_words)
        return Between(field, on, on)
    span = Between(field, parse(first, today) if first else None, parse(last, today) if last else None)
    if span == Between(field):
        raise InvalidTerm("A span needs a day on at least one side.", "Write it like mon..fri or ..fri.")
    if span.first and span.last and span.first > span.last:
        if field not in PAST and WEEKDAY.fullmatch(last):  # fri..mon, on a Wednesday
            return Between(field, span.first, day(last, span.first))
        if field in PAST and WEEKDAY.fullmatch(first):  # fri..mon, on a Tuesday
            return Between(field, past_day(first, span.last), span.last)
        raise InvalidTerm(f"{value[:40]!r} runs backwards: from {span.first} to {span.last}.", "Swap its days.")
    return span


def day(text: str, today: date, other_words: str = "") -> date:
    """Return the date of a text. Raises `InvalidTerm`, including if it has a time; its hint names the `other_words`."""
    try:
        found = parse_day(text, "due", here=datetime.combine(today, time.min))
    except ValidationError as error:
        raise InvalidTerm(error.detail, Hint.leading(f"Write a day{other_words}.", "More"), HELP) from None
    if found.at:
        raise InvalidTerm(f"{text[:40]!r} has a time; a filter takes days.", "Leave the time out.")
    return found.on


def past_day(text: str, today: date, other_words: str = "") -> date:
    """Return the date of a text about the past: `fri` and `27 nov` are the last ones, `3d` is three days ago.

    Raises `InvalidTerm`, as `day` does.
    """
    if ago := _AGO.fullmatch(text):
        try:
            count, unit = int(ago[1]), (ago[2] or ago[3])[0]
            return (
                today - timedelta(days=count * (7 if unit == "w" else 1))
                if unit in "dw"
                else months_later(today, -count * (12 if unit == "y" else 1))
            )
        except (OverflowError, ValueError):
            raise InvalidTerm(f"{text[:40]!r} is too long ago.", "Write a day.") from None
    found = day(text, today, other_words)
    if found <= today or not _RECURRING.fullmatch(text):
        return found
    months = (*range(1, 3), *range(12, 97, 12))  # a 31st comes every two months, and 29 February every eight years
    earlier = (today - timedelta(days=7), *(months_later(today, -count) for count in months))
    return next((on for begin in earlier if (on := day(text, begin, other_words)) <= today), found)


_PERIOD = re.compile(r"(next[ -]|last[ -])?(week|month|year)")

_AGO = re.compile(r"(\d{1,4}) ?(?:([dwmy])|(day|week|month|year)s?)", re.ASCII)

_RECURRING = Pattern(
    rf"(?:{WEEKDAY.pattern}|{NUMBER.pattern}(?:[ -](?:{MONTH.pattern}))?|(?:{MONTH.pattern})[ -]{NUMBER.pattern}"
    r"|\d{1,2}\.\d{1,2}\.)",
    re.ASCII | re.IGNORECASE,
)
"""A day that comes every week, month or year."""

_OTHER_LISTS = "Lists have open todos; --completed and --all show others."
_KEYS_HINT = "The keys are due, start, pri, project, tags, needs, under, done, added, changed and number."


def _of_period(which: str | None, name: str, today: date) -> date:
    """Return a day of this, the next or the last week, month or year."""
    first, last = _period(name, today)
    if which is None:
        return today
    try:
        return last + timedelta(days=1) if which.startswith("next") else first - timedelta(days=1)
    except OverflowError:
        raise InvalidTerm(f"There is no {which[:4]} {name}.", "Choose another day.") from None


def _period(name: str, today: date) -> tuple[date, date]:
    """Return the first and last day of this week, month or year. Weeks begin on Monday (ISO 8601)."""
    if name == "week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=6)
    if name == "month":
        return today.replace(day=1), today.replace(day=calendar.monthrange(today.year, today.month)[1])
    return today.replace(month=1, day=1), today.replace(month=12, day=31)
