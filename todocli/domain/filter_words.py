"""Filters as a person writes them: as words (`+home due:week milk`), or as an expression with `or` and `not`.

    expression  one or several parts with `or` between them; each is one or several terms, with or without `and`
    term        `not` and a term; an expression in parentheses; `+tag`; `key:value`; a word, or a text in quotes
    key         due, start: a day, `A..B` (either may be missing), today, week, month, year, any, none; due: overdue;
                start: later
                project (with its parts), pri, tags: a value, any or none

What is neither is refused, where it stands.
"""

from __future__ import annotations

import calendar
import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, NoReturn

from todocli.domain.dates import WEEKDAY, parse_day
from todocli.domain.filters import (
    Between,
    Contains,
    Filter,
    HasPriority,
    InProject,
    Not,
    Overdue,
    Tagged,
    all_of,
    any_of,
    quoted,
    terms,
)
from todocli.domain.planning import priority_of, project_of, tag_of
from todocli.domain.words import KEYS
from todocli.errors import FieldError, ValidationError

MAX_TERMS = 100
"""How many terms a filter has at most (SQLite: an expression has a depth of 1,000)."""

MAX_DEPTH = 30
"""How deep its parts are nested at most."""

_OPERATORS = ("and", "or", "not")
_TOKEN = re.compile(r'\s*(?:([()])|((?:[^\s()":]+:)?"(?:[^"\\]|\\.)*")|([^\s()"]+)|(\S))', re.DOTALL)
_KEYED = re.compile(r"([A-Za-z]+):(.*)", re.DOTALL)


@dataclass(frozen=True)
class _Token:
    """A piece of an expression, where it stands, and whether it is a text in quotes."""

    text: str
    start: int
    end: int
    is_quoted: bool = False

    @property
    def operator(self) -> str:
        """The operator or parenthesis that it is; empty for others."""
        word = self.text.lower()
        return word if not self.is_quoted and word in (*_OPERATORS, "(", ")") else ""


class _Refused(Exception):
    """A term means nothing."""

    def __init__(self, detail: str, hint: str) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint


def parse_words(words: Iterable[str], *, today: date) -> Filter:
    """Return the filter that all `words` of a command line hold; each is a term, and free ones search.

    Raises `ValidationError`, which shows the word.
    """
    given = list(words)
    parts = []
    for i, word in enumerate(given):
        start = sum(len(before) + 1 for before in given[:i])
        token = _Token(word, start, start + len(word))
        if token.operator or word[:1] == "(" or word[-1:] == ")":
            line = " ".join(given)
            _refuse(line, token, f"{word[:40]!r} is part of an expression.", f"Write --where {quoted(line)}")
        parts.append(_term(token, " ".join(given), today))
    return _bounded(" ".join(given), all_of(*parts))


def parse_where(text: str, *, today: date) -> Filter:
    """Return the filter that an expression means. Raises `ValidationError`, which shows the spot."""
    return _Expression(text, today).parse()


def parse_option(name: str, text: str, *, today: date) -> Filter:
    """Return the filter that an option means: one named like a key; `before` or `after` with a day; `search`.

    Raises `ValidationError` for the option.
    """
    try:
        if name == "before":
            return Between("due", None, _day(text, today) - timedelta(days=1))
        if name == "search":
            return _contains(text)
        if name == "after":
            return Between("due", _day(text, today) + timedelta(days=1))
        return _keyed(name, text.removeprefix("+") if name == "tag" else text, today)
    except _Refused as error:
        raise ValidationError(
            f"--{name}: {error.detail}", hint=error.hint, field_errors=(FieldError(name, error.detail),)
        ) from None


class _Expression:
    """An expression on its way to a filter, by recursive descent."""

    def __init__(self, text: str, today: date) -> None:
        self._text = text
        self._today = today
        self._tokens = [*_tokens(text), _Token("", len(text), len(text))]
        self._place = 0
        self._depth = 0

    def parse(self) -> Filter:
        found = self._any()
        if self._next.end > self._next.start:
            self._refuse("This parenthesis closes nothing.", "Leave it out, or open one before it.")
        return _bounded(self._text, found)

    @property
    def _next(self) -> _Token:
        return self._tokens[self._place]

    def _take(self) -> _Token:
        token = self._next
        self._place += 1
        return token

    def _any(self) -> Filter:
        parts = [self._all()]
        while self._next.operator == "or":
            self._take()
            parts.append(self._all())
        return any_of(*parts)

    def _all(self) -> Filter:
        parts = [self._one()]
        while self._next.operator not in ("or", ")") and self._next.end > self._next.start:
            if self._next.operator == "and":
                self._take()
            parts.append(self._one())
        return all_of(*parts)

    def _one(self) -> Filter:
        token = self._take()
        if token.operator in ("not", "("):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                _refuse(self._text, token, f"This is nested more than {MAX_DEPTH} deep.", "Write it more simply.")
            found = self._below(token)
            self._depth -= 1
            return found
        if token.operator or token.end == token.start:
            self._place -= 1
            self._refuse("Here a term is missing.", "Write, for example, +home and not due:none")
        return _term(token, self._text, self._today)

    def _below(self, token: _Token) -> Filter:
        if token.operator == "not":
            return Not(self._one())
        inner = self._any()
        if self._next.operator != ")":
            _refuse(self._text, token, "This parenthesis is never closed.", "Close it, or leave it out.")
        self._take()
        return inner

    def _refuse(self, detail: str, hint: str) -> NoReturn:
        _refuse(self._text, self._next, detail, hint)


def _tokens(text: str) -> Iterable[_Token]:
    place = 0
    while match := _TOKEN.match(text, place):
        place = match.end()
        parenthesis, quote, word, stray = match.groups()
        start = match.start(match.lastindex or 0)
        if stray:
            _refuse(text, _Token(stray, start, len(text)), "This quotation is never closed.", 'Close it with ".')
        if quote:
            key, _, rest = quote.partition('"')
            inner = re.sub(r"\\(.)", r"\1", rest[:-1], flags=re.DOTALL)
            yield _Token(key + inner, start, place, is_quoted=not key)
        else:
            yield _Token(parenthesis or word, start, place)


def _term(token: _Token, line: str, today: date) -> Filter:
    try:
        if token.is_quoted:
            return _contains(token.text)
        if token.text[:1] in "+-" and len(token.text) > 1:
            found = Tagged(_named(tag_of, token.text[1:], "tag"))
            return Not(found) if token.text[0] == "-" else found
        if match := _KEYED.fullmatch(token.text):
            return _keyed(match[1], match[2], today)
        return _contains(token.text)
    except _Refused as error:
        _refuse(line, token, error.detail, error.hint)


def _contains(text: str) -> Filter:
    if not text.strip():
        raise _Refused("There is nothing to search for.", "Write a word.")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise _Refused("A text to search for has no NUL character, and is valid UTF-8.", "Write another.")
    return Contains(text)


def _keyed(key: str, value: str, today: date) -> Filter:
    name = KEYS.get(key.lower())
    if name is None:
        near = difflib.get_close_matches(key.lower(), KEYS, 1)
        better = f"Did you mean {near[0]}:{value[:40]}?" if near else "The keys are due, start, pri, project and tags."
        search = f"{key}:{value}"[:40]
        raise _Refused(f"There is no filter {key[:40]}:", f"{better} To search for it: --search {quoted(search)}")
    if name in ("due", "start"):
        return _days("due" if name == "due" else "start", value, today)
    if value in ("any", "none"):
        each: dict[str, Filter] = {"tag": Tagged(None), "project": InProject(None), "priority": HasPriority(None)}
        return Not(each[name]) if value == "none" else each[name]
    if name == "tag":
        return Tagged(_named(tag_of, value, "tag"))
    if name == "project":
        return InProject(_named(project_of, value, "project"))
    try:
        return HasPriority(priority_of(value))
    except ValueError:
        raise _Refused(f"{value[:40]!r} is no priority.", "Write pri:high, medium, low, any or none.") from None


def _named(parse: Callable[[str], str], text: str, what: str) -> str:
    try:
        return parse(text)
    except ValueError as error:
        raise _Refused(f"A {what} {error}.", "Write, for example, +bills or project:home/garden.") from None


def _days(field: Literal["due", "start"], value: str, today: date) -> Filter:
    if value in ("any", "none"):
        return Not(Between(field)) if value == "none" else Between(field)
    if value == "overdue" and field == "due":
        return Overdue()
    if value == "later" and field == "start":
        return Between(field, today + timedelta(days=1))
    if value in ("week", "month", "year"):
        return Between(field, *_period(value, today))
    first, dots, last = value.partition("..")
    if not dots:
        day = _day(value, today)
        return Between(field, day, day)
    span = Between(field, _day(first, today) if first else None, _day(last, today) if last else None)
    if span == Between(field):
        raise _Refused("A span needs a day on one side at least.", "Write, for example, mon..fri or ..fri")
    if span.first and span.last and span.first > span.last and WEEKDAY.fullmatch(last):  # fri..mon, on a Wednesday
        span = Between(field, span.first, _day(last, span.first))
    if span.first and span.last and span.first > span.last:
        raise _Refused(f"{value[:40]!r} runs backwards: from {span.first} to {span.last}.", "Turn it round.")
    return span


def _day(text: str, today: date) -> date:
    try:
        day = parse_day(text, "due", today=today)
    except ValidationError as error:
        raise _Refused(error.detail, f"{error.hint} Or overdue, week, month, any, none, mon..fri.") from None
    if day.at:
        raise _Refused(f"{text[:40]!r} has a time; a filter takes days.", "Leave the time out.")
    return day.on


def _period(name: str, today: date) -> tuple[date, date]:
    """Return the first and last day of this week, month or year. Weeks begin on Monday (ISO 8601)."""
    if name == "week":
        monday = today - timedelta(days=today.weekday())
        return monday, monday + timedelta(days=6)
    if name == "month":
        return today.replace(day=1), today.replace(day=calendar.monthrange(today.year, today.month)[1])
    return date(today.year, 1, 1), date(today.year, 12, 31)


def _bounded(line: str, found: Filter) -> Filter:
    if sum(1 for _ in terms(found)) > MAX_TERMS:
        _refuse(line, _Token(line, 0, len(line)), f"A filter has at most {MAX_TERMS} terms.", "Use fewer.")
    return found


def _refuse(line: str, token: _Token, detail: str, hint: str) -> NoReturn:
    place = f"at {token.start + 1}: {line[token.start : token.end][:40]!r}"
    error = ValidationError(detail, hint=hint, field_errors=(FieldError("filter", f"{detail} ({place})"),))
    error.spot = (line, token.start, token.end)
    raise error
