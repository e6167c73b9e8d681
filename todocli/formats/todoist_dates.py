"""Dates of Todoist that repeat: the words of its English (https://www.todoist.com/help/articles/recurring-dates).

every mon, wed at 17:00     by the calendar
every! 3 days               counted from completion
every other week            2 weeks
every 3rd friday, every 15  of each month
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time
from typing import NamedTuple

from todocli.domain.dates import parse_time
from todocli.domain.records import Repeats
from todocli.formats import reading
from todocli.formats.reading import Unreadable
from todocli.formats.recurrence_fields import parsed_if_valid

_PHRASE = re.compile(
    r"(?:ev(?:ery)?(?P<from_completion>!)? ?(?P<words>.+?)|(?P<adverb>daily|weekly|monthly|quarterly|yearly))"
    r"(?: (?:at |@ ?)?(?P<at>noon|\d\d?:\d\d(?: ?[ap]m)?|\d\d? ?[ap]m))?"
    r"(?: (?:starting|from) (?P<first>\S+))?"
    r"(?: (?:ending|until) (?P<last>\S+))?"
)
_OTHER = re.compile(r"other (day|week|month|quarter|year)")
_OTHER_DAY = re.compile(r"other ([a-z]+)")


class Recurring(NamedTuple):
    """A date that repeats: its first day and its time, if there are any."""

    due_on: date | None
    due_time: time | None
    repeats: Repeats


def read(text: str) -> Recurring | None:
    """Return what words mean; None for other words, and for a repetition that todo does not have."""
    found = _PHRASE.fullmatch(" ".join(text.lower().split()))
    if found is None:
        return None
    words = found["adverb"] or found["words"]
    if found["from_completion"]:
        repetition = parsed_if_valid("again", _counted(words))
    else:
        read = (parsed_if_valid("every", each) for each in _readings(words))
        repetition = next(filter(None, read), None)
    at = parse_time(found["at"]) if found["at"] else None
    if repetition is None or (found["at"] and at is None):
        return None
    try:
        first, last = (
            reading.parse_day_and_time(found[name], "DATE")[0] if found[name] else None for name in ("first", "last")
        )
    except Unreadable:
        return None
    return Recurring(first, at, Repeats(replace(repetition, ends_on=last)))


def _counted(words: str) -> str:
    return _OTHER.sub(r"2 \1s", words)


def _readings(words: str) -> Iterator[str]:
    """Yield what words may mean in ours, what is most likely first."""
    words = re.sub(r",? and |, ?", ",", words).replace("workday", "weekday").replace("the ", "")
    yield _counted(words)
    yield _OTHER_DAY.sub(r"2w on \1", words)
    yield f"month on {words}"
    yield f"year on {words}"
