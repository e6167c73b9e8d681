"""Finds where a date of several words ends. A shell hands over words, and only the first is attached to the key.

    due:next  fri       joins: the value alone is not a date
    due:fri   17:00     joins: a time of day
    due:3     days      joins: the unit of a number
    due:27    jan       joins: the month of a day, and a year after both

Nothing else joins, so `due:fri 5 apples` leaves the apples in the title. `march` and `may` are verbs too, and a year
may begin a title: they join only if no word of a title follows (`due:27 march past the bank`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from todocli.domain.dates import MONTH, NUMBER, UNIT, Pattern, has_time, is_day, is_time

_LONGEST = 4
"""The most words that may follow a value to make it a date."""

_VERBS = ("march", "may")
_DAY_AND_MONTH = Pattern(
    rf"(?:{NUMBER.pattern}) (?:{MONTH.pattern})|(?:{MONTH.pattern}) (?:{NUMBER.pattern})", re.ASCII | re.IGNORECASE
)
_YEAR = re.compile(r"(?:19|20)\d\d", re.ASCII)


def count_joining(value: str, following: Sequence[str], *, takes_time: bool = True) -> int:
    """Return how many of the words `following` belong to the date that begins with `value`.

    `following` ends where the words of a title do: at an option, a key or a tag. Without `takes_time` no time joins.
    """
    taken = 0
    if not is_day(value):
        lengths = range(1, min(_LONGEST, len(following)) + 1)
        taken = next((n for n in lengths if is_day(_text(value, following[:n]))), 0)
        if not taken:
            return 0
    while more := _count_more(_text(value, following[:taken]), following[taken:], takes_time):
        taken += more
    return taken


def _count_more(date: str, rest: Sequence[str], takes_time: bool) -> int:
    """Return how many of the next words belong to what is a date already."""
    if not rest or has_time(date):
        return 0
    word = rest[0]
    if NUMBER.fullmatch(date):
        if word.lower() in ("am", "pm") or (date.isdecimal() and UNIT.fullmatch(word)):
            return 1
        if MONTH.fullmatch(word) and (word.lower() not in _VERBS or _closes(rest[1:])):
            return 1
    if _DAY_AND_MONTH.fullmatch(date) and _YEAR.fullmatch(word) and _closes(rest[1:]):
        return 1
    return _count_time(rest) if takes_time else 0


def _count_time(rest: Sequence[str]) -> int:
    """Return how many of the next words are a time of day: `17:00`, `5 pm`, `at noon`."""
    skipped = int(rest[0].lower() == "at")
    for length in (2, 1):
        words = rest[skipped : skipped + length]
        if len(words) == length and is_time(" ".join(words).lower()):
            return skipped + length
    return 0


def _closes(rest: Sequence[str]) -> bool:
    """Whether nothing follows but the rest of a date: a year, a time, or both."""
    if rest and _YEAR.fullmatch(rest[0]):
        rest = rest[1:]
    return not rest or _count_time(rest) == len(rest)


def _text(value: str, words: Sequence[str]) -> str:
    return " ".join((value, *words))
