"""The meaning of a single filter term: `+tag`, `key:value`, or text to search for."""

from __future__ import annotations

import calendar
import difflib
import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Literal

from todocli.domain.dates import WEEKDAY, parse_day
from todocli.domain.fields import parse_priority, parse_project, parse_tag
from todocli.domain.filters.ast import Between, Contains, Filter, HasPriority, InProject, Not, Overdue, Tagged, quoted
from todocli.domain.filters.words import KEYED
from todocli.domain.quick_add import KEYS
from todocli.errors import ValidationError

HELP = ("todo", "help", "filters")


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
    return contains(text)


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
        near = difflib.get_close_matches(key.lower(), KEYS, 1)
        better = f"Did you mean {near[0]}:{value[:40]}?" if near else "The keys are due, start, pri, project and tags."
        search = f"{key}:{value}"[:40]
        raise InvalidTerm(
            f"There is no filter key {key[:40]!r}.", f"{better} To search for the text, use --search {quoted(search)}."
        )
    value = value.lower() if name in ("due", "start") or value.lower() in ("any", "none") else value
    if name in ("due", "start"):
        return _days("due" if name == "due" else "start", value, today)
    if value in ("any", "none"):
        each: dict[str, Filter] = {"tag": Tagged(None), "project": InProject(None), "priority": HasPriority(None)}
        return Not(each[name]) if value == "none" else each[name]
    if name == "tag":
        return Tagged(_name(parse_tag, value, "tag"))
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


def _days(field: Literal["due", "start"], value: str, today: date) -> Filter:
    if value in ("any", "none"):
        return Not(Between(field)) if value == "none" else Between(field)
    if value == "overdue" and field == "due":
        return Overdue()
    if value == "later" and field == "start":
        return Between(field, today + timedelta(days=1))
    if period := _PERIOD.fullmatch(value):
        return Between(field, *_period(period[2], _start_of_next(period[2], today) if period[1] else today))
    other_words = f", or {'overdue' if field == 'due' else 'later'}, week, month, year, any, none, mon..fri"
    first, dots, last = value.partition("..")
    if not dots:
        on = day(value, today, other_words)
        return Between(field, on, on)
    span = Between(field, day(first, today) if first else None, day(last, today) if last else None)
    if span == Between(field):
        raise InvalidTerm("A span needs a day on at least one side.", "Write it like mon..fri or ..fri.")
    if span.first and span.last and span.first > span.last and WEEKDAY.fullmatch(last):  # fri..mon, on a Wednesday
        span = Between(field, span.first, day(last, span.first))
    if span.first and span.last and span.first > span.last:
        raise InvalidTerm(f"{value[:40]!r} runs backwards: from {span.first} to {span.last}.", "Swap its days.")
    return span


def day(text: str, today: date, other_words: str = "") -> date:
    """Return the date of a text. Raises `InvalidTerm`, including if it has a time; its hint names the `other_words`."""
    try:
        found = parse_day(text, "due", here=datetime.combine(today, time.min))
    except ValidationError as error:
        raise InvalidTerm(error.detail, f"Write a day{other_words}. More", HELP) from None
    if found.at:
        raise InvalidTerm(f"{text[:40]!r} has a time; a filter takes days.", "Leave the time out.")
    return found.on


_PERIOD = re.compile(r"(next[ -])?(week|month|year)")


def _start_of_next(name: str, today: date) -> date:
    try:
        return _period(name, today)[1] + timedelta(days=1)
    except OverflowError:
        raise InvalidTerm(f"There is no next {name}.", "Choose another day.") from None


def _period(name: str, today: date) -> tuple[date, date]:
    """Return the first and last day of this week, month or year. Weeks begin on Monday (ISO 8601)."""
    if name == "week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=6)
    if name == "month":
        return today.replace(day=1), today.replace(day=calendar.monthrange(today.year, today.month)[1])
    return today.replace(month=1, day=1), today.replace(month=12, day=31)
