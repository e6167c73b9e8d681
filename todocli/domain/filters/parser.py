"""Parses filters: words (`+home due:week milk`), options, or an expression with `or` and `not`.

    expression  one or several parts with `or` between them; each is one or several terms, with or without `and`
    term        `not` and a term; an expression in parentheses; `+tag`; `key:value`; a word, or text in quotes
    key         due, start, done, added, changed: a day, `A..B` (either may be missing), today, week, month, year, any,
                none; due: overdue; start: later
                project (with its sub-projects), pri, tags: a value, any or none
                number: a number, or a range of them; needs, under: a number, any or none; is: claimed, blocked, ready

An invalid term is an error that shows where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NoReturn

from todocli.domain.filters.ast import Between, Filter, Not, all_of, any_of, quoted, terms
from todocli.domain.filters.terms import InvalidTerm, contains, day, keyed, single_key, term
from todocli.domain.quick_add import join_dates
from todocli.errors import FieldError, Hint, ValidationError

MAX_TERMS = 100
"""The most terms of a filter: SQLite limits the depth of expressions to 1,000."""

MAX_DEPTH = 30
"""The deepest nesting of a filter."""

_SINGLE = (
    *("project", "priority", "due", "start", "needs", "parent"),
    *("done", "added", "changed", "before", "after", "search"),
)
OPTIONS = frozenset((*_SINGLE, "tag", "no_tag", "where"))
"""The names of the options that filter."""

_OPERATORS = ("and", "or", "not")
_TOKEN = re.compile(r'\s*(?:([()])|((?:[^\s()":]+:)?"(?:[^"\\]|\\.)*")|([^\s()"]+)|(\S))', re.DOTALL)


@dataclass(frozen=True)
class _Token:
    """A token of an expression, its position, and whether it is quoted."""

    text: str
    start: int
    end: int
    is_quoted: bool = False

    @property
    def is_end(self) -> bool:
        """Whether it is the end of the expression."""
        return self.start == self.end

    @property
    def operator(self) -> str:
        """The operator or parenthesis; empty for other tokens."""
        word = self.text.lower()
        return word if not self.is_quoted and word in (*_OPERATORS, "(", ")") else ""


def parse_words(words: Iterable[str], *, today: date) -> Filter:
    """Return the conjunction of the `words` of a command line; each is a term, and a key that is repeated means any.

    Raises `ValidationError`, which shows the word.
    """
    given = join_dates(words)
    parts: dict[str, list[Filter]] = {}
    for i, word in enumerate(given):
        start = sum(len(before) + 1 for before in given[:i])
        token = _Token(word, start, start + len(word))
        if is_part_of_expression(word):
            line = " ".join(given)
            hint = Hint(None, f"Write --where {quoted(line)}")
            if not _is_expression(line, today):
                hint = Hint(None, f"To search for the text, write --search {quoted(word)}")
            _refuse(line, token, f"{word[:40]!r} is part of an expression.", hint)
        parts.setdefault(single_key(word) or str(i), []).append(_term(token, " ".join(given), today))
    return bounded(all_of(*(any_of(*same) for same in parts.values())), " ".join(given))


def is_part_of_expression(word: str) -> bool:
    """Whether a word stands for an operator, or has a parenthesis of one."""
    return word.lower() in _OPERATORS or word[:1] == "(" or word[-1:] == ")"


def parse_where(text: str, *, today: date) -> Filter:
    """Return the filter of an expression. Raises `ValidationError`, which shows the spot."""
    return _Expression(text, today).parse()


def _is_expression(text: str, today: date) -> bool:
    try:
        parse_where(text, today=today)
    except ValidationError:
        return False
    return True


def parse_option(name: str, text: str, *, today: date) -> Filter:
    """Return the filter of an option: a key, `before` or `after` with a day, or `search`.

    Raises `ValidationError` for the option.
    """
    try:
        if name in ("before", "after"):
            return _before_or_after(day(text, today), is_before=name == "before")
        if name == "search":
            return contains(text)
        return keyed(name, text.removeprefix("+") if name == "tag" else text, today)
    except InvalidTerm as error:
        fault = FieldError(name, error.detail)
        raise ValidationError(
            f"--{name}: {error.detail}", hint=error.hint, command=error.command, field_errors=(fault,)
        ) from None


def parse_options(options: Mapping[str, Any], words: Sequence[str] = (), *, today: date) -> Filter:
    """Return the filter that options and words mean together: all of them at once.

    `options` has lists of values by name. A todo has all of several tags, and any of several values of another option.
    Raises `ValidationError`, and `TypeError` for another name: a filter that is not applied would select every todo.
    """
    if unknown := options.keys() - OPTIONS:
        raise TypeError(f"These options do not filter: {sorted(unknown)}")
    found = all_of(
        *([parse_words(words, today=today)] if words else []),
        *(parse_option("tag", name, today=today) for name in options.get("tag") or ()),
        *(Not(parse_option("tag", name, today=today)) for name in options.get("no_tag") or ()),
        *(
            any_of(*(parse_option(name, value, today=today) for value in options[name]))
            for name in _SINGLE
            if options.get(name)
        ),
        *(parse_where(text, today=today) for text in options.get("where") or ()),
    )
    return bounded(found)


def _before_or_after(on: date, *, is_before: bool) -> Filter:
    try:
        return Between("due", None, on - timedelta(days=1)) if is_before else Between("due", on + timedelta(days=1))
    except OverflowError:
        raise InvalidTerm(
            f"There is no day {'before' if is_before else 'after'} {on}.", "Choose another day."
        ) from None


class _Expression:
    """Recursive descent over the tokens of an expression."""

    def __init__(self, text: str, today: date) -> None:
        self._text = text
        self._today = today
        self._tokens = [*_tokens(text), _Token("", len(text), len(text))]
        self._place = 0
        self._depth = 0

    def parse(self) -> Filter:
        found = self._any()
        if not self._next.is_end:
            _refuse(self._text, self._next, "This parenthesis closes nothing.", "Remove it, or open one before it.")
        return bounded(found, self._text)

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
        while self._next.operator not in ("or", ")") and not self._next.is_end:
            if self._next.operator == "and":
                self._take()
            parts.append(self._one())
        return all_of(*parts)

    def _one(self) -> Filter:
        token = self._take()
        if token.operator in ("not", "("):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                _refuse(
                    self._text, token, f"This is nested more than {MAX_DEPTH} levels deep.", "Simplify the expression."
                )
            found = self._below(token)
            self._depth -= 1
            return found
        if token.operator or token.is_end:
            self._place -= 1
            _refuse(self._text, self._next, "A term is missing here.", "Write it like +home and not due:none.")
        return _term(token, self._text, self._today)

    def _below(self, token: _Token) -> Filter:
        if token.operator == "not":
            return Not(self._one())
        inner = self._any()
        if self._next.operator != ")":
            _refuse(self._text, token, "This parenthesis is never closed.", "Close it, or remove it.")
        self._take()
        return inner


def _tokens(text: str) -> Iterable[_Token]:
    place = 0
    while match := _TOKEN.match(text, place):
        place = match.end()
        parenthesis, quote, word, stray = match.groups()
        start = match.start(match.lastindex or 0)
        if stray:
            _refuse(text, _Token(stray, start, len(text)), "This quote is never closed.", 'Close it with ".')
        if quote:
            key, _, rest = quote.partition('"')
            inner = re.sub(r"\\(.)", r"\1", rest[:-1], flags=re.DOTALL)
            yield _Token(key + inner, start, place, is_quoted=not key)
        else:
            yield _Token(parenthesis or word, start, place)


def _term(token: _Token, line: str, today: date) -> Filter:
    try:
        return contains(token.text) if token.is_quoted else term(token.text, today)
    except InvalidTerm as error:
        _refuse(line, token, error.detail, error.hint, error.command)


def bounded(found: Filter, line: str = "") -> Filter:
    """Return a filter. Raises `ValidationError` if it has more than `MAX_TERMS`; `line` is its text."""
    if sum(1 for _ in terms(found)) > MAX_TERMS:
        _refuse(line, _Token(line, 0, len(line)), f"A filter can have at most {MAX_TERMS} terms.", "Use fewer.")
    return found


def _refuse(line: str, token: _Token, detail: str, hint: str, command: tuple[str, ...] | None = None) -> NoReturn:
    place = f"at {token.start + 1}: {line[token.start : token.end][:40]!r}"
    error = ValidationError(
        detail, hint=hint, command=command, field_errors=(FieldError("filter", f"{detail} ({place})"),)
    )
    error.spot = (line, token.start, token.end)
    raise error
