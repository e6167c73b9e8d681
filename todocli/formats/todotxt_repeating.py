"""How a line of todo.txt repeats.

rec:+1w             a week after the due date, as many programs have it; also d, m, y, and b for workdays
rec:1w              a week after it is done
every:mon,thu       what rec: cannot say, in words of ours without blanks: every:month-on-31
repeat_on:DATE      the date that the rule gave it, where the due date is another
ends: times: place: the last day; how many there are in all, and which of them this is
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date

from todocli.domain.ids import uuid_or_none
from todocli.domain.records import Repeats
from todocli.domain.recurrence import Repetition, distance
from todocli.domain.recurrence_phrases import short
from todocli.domain.recurrence_rules import MAX_INTERVAL, Rule
from todocli.domain.recurrence_words import ON_WORKDAYS
from todocli.formats.reading import parse_day
from todocli.formats.recurrence_fields import MAX_PLACE, number, parsed_if_valid, series
from todocli.schemas.todos import TodoRead

KEYS = ("every", "again", "repeat_on", "ends", "times", "series", "place")
"""Keys of ours, which are parts of a title where nothing repeats."""

_REC = re.compile(r"(\+?)(\d{1,4})([dwmyb])", re.ASCII)
_FREQUENCIES = {"d": "DAILY", "w": "WEEKLY", "m": "MONTHLY", "y": "YEARLY"}
_LETTERS = {name: letter for letter, name in _FREQUENCIES.items()}


def read(keys: Mapping[str, str]) -> Repeats | None:
    """Return how a line with these keys repeats; None if it does not. Raises `Unreadable`."""
    found = _rec(keys["rec"]) if "rec" in keys else None
    for kind in ("every", "again"):
        if found is None and kind in keys:
            found = parsed_if_valid(kind, keys[kind])
    if found is None:
        copied = uuid_or_none(keys.get("series", ""))
        if copied is None or "place" not in keys:
            return None
        return Repeats(None, None, number(keys["place"], "place", MAX_PLACE), copied)
    on, ends_on = (parse_day(keys[name], name) if name in keys else None for name in ("repeat_on", "ends"))
    times = number(keys["times"], "times") if "times" in keys else found.times
    place = number(keys.get("place", 1), "place", MAX_PLACE)
    series_id = series(keys["series"], "series") if "series" in keys else uuid_or_none(keys.get("uuid", ""))
    return Repeats(replace(found, ends_on=ends_on or found.ends_on, times=times), on, place, series_id)


def _rec(text: str) -> Repetition | None:
    match = _REC.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= MAX_INTERVAL:
        return None
    if match[3] == "b":
        return Repetition(str(ON_WORKDAYS)) if match[0] == "+1b" else None
    return Repetition(str(Rule(_FREQUENCIES[match[3]], int(match[2]))), "due" if match[1] else "completion")


def words(todo: TodoRead) -> Iterator[str]:
    """Return the words that say how a todo repeats."""
    repetition, on = todo.repetition, todo.repeat_on
    if repetition is None or on is None:
        if todo.series_id is not None:  # the copy of a subtask
            yield f"series:{todo.series_id}"
            yield f"place:{todo.series_place}"
        return
    is_dated = on == (todo.due_on or todo.starts_on)
    yield _how(repetition, on) if is_dated else _in_words(repetition)
    if not is_dated:
        yield f"repeat_on:{on}"
    if repetition.ends_on:
        yield f"ends:{repetition.ends_on}"
    if repetition.times:
        yield f"times:{repetition.times}"
    if todo.series_id != todo.id:
        yield f"series:{todo.series_id}"
    if todo.series_place and todo.series_place > 1:
        yield f"place:{todo.series_place}"


def _how(repetition: Repetition, on: date) -> str:
    sign = "+" if repetition.mode == "due" else ""
    if repetition.rule == str(ON_WORKDAYS):
        return "rec:+1b"
    if rule := distance(repetition, on):
        return f"rec:{sign}{rule.interval}{_LETTERS[rule.freq]}"
    return _in_words(repetition)


def _in_words(repetition: Repetition) -> str:
    return f"{'every' if repetition.mode == 'due' else 'again'}:{short(repetition).replace(' ', '-')}"
