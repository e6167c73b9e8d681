"""How todos repeat, in files: what the formats share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from todocli.domain.fields import MAX_TIMES
from todocli.domain.records import Repeats
from todocli.domain.recurrence import Repetition
from todocli.domain.recurrence_words import parse_again, parse_every
from todocli.errors import ValidationError
from todocli.formats.reading import Unreadable, parse_day

MAX_PLACE = 2**53

_PARSERS: dict[str, Callable[[str, str], Repetition]] = {"every": parse_every, "again": parse_again}


@lru_cache(maxsize=1_000)
def _parse(kind: str, text: str, field: str) -> Repetition:
    return _PARSERS[kind](text, field)


def parsed(kind: str, text: str, field: str) -> Repetition:
    """Return the repetition that the words of `every` or `again` mean, or an RRULE. Raises `Unreadable`."""
    try:
        return _parse(kind, text, field)
    except ValidationError as error:
        raise Unreadable(field, f"is not valid: {error.detail.rstrip('.')}") from None


def parsed_if_valid(kind: str, text: str) -> Repetition | None:
    """Return the repetition that words or an RRULE mean, or None if they mean none that todo has."""
    try:
        return _parse(kind, text, kind)
    except ValidationError:
        return None


def number(value: Any, field: str, most: int = MAX_TIMES) -> int:
    """Return a number from 1 on. Raises `Unreadable`."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 16:
        value = int(value)
    if type(value) is not int or not 1 <= value <= most:
        raise Unreadable(field, f"must be a number from 1 to {most:,}")
    return value


def from_columns(item: Mapping[str, Any]) -> Repeats | None:
    """Return how a todo repeats whose file has the columns of ours: as JSON has them, or as texts. Raises `Unreadable`.

    The words, `every` and `again`, do as well as the rule.
    """
    given = {name: item.get(name) or None for name in ("rrule", "every", "again", "series_id", "series_place")}
    if not any(given.values()):
        return None
    for name in ("rrule", "every", "again", "repeat_from", "repeat_on", "ends_on", "series_id"):
        if not isinstance(item.get(name), str | None):
            raise Unreadable(name, "must be text")
    on, ends_on = (parse_day(item[name], name) if item.get(name) else None for name in ("repeat_on", "ends_on"))
    place = number(given["series_place"], "series_place", MAX_PLACE) if given["series_place"] else 1
    repetition = _repetition(item, given)
    if repetition:
        times = number(item["times"], "times") if item.get("times") else repetition.times
        repetition = replace(repetition, ends_on=ends_on or repetition.ends_on, times=times)
    return Repeats(repetition, on, place, series(given["series_id"], "series_id"))


def _repetition(item: Mapping[str, Any], given: Mapping[str, Any]) -> Repetition | None:
    if rule := given["rrule"]:
        if item.get("repeat_from") not in (None, "due", "completion"):
            raise Unreadable("repeat_from", "must be due or completion")
        return parsed("again" if item.get("repeat_from") == "completion" else "every", rule, "rrule")
    kind = next((each for each in _PARSERS if given[each]), None)
    return parsed(kind, given[kind], kind) if kind else None


def series(text: str | None, field: str) -> UUID | None:
    """Return the id of a series. Raises `Unreadable`."""
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Unreadable(field, f"{text[:40] if text else ''!r} is not a UUID") from None


def remaining(repetition: Repetition, place: int) -> int | None:
    """Return how many occurrences are left from the one at a place on, at least 1; None: there is no such end."""
    return None if repetition.times is None else max(1, repetition.times - place + 1)
