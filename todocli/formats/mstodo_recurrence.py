"""How tasks repeat in Microsoft To Do: a pattern and a range
(https://learn.microsoft.com/graph/api/resources/patternedrecurrence).

    {"pattern": {"type": "weekly", "interval": 2, "daysOfWeek": ["monday"], "firstDayOfWeek": "sunday", …},
     "range": {"type": "endDate", "startDate": "2026-11-23", "endDate": "2027-06-01", …}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from todocli.domain.dates import MONTHS, WEEKDAYS
from todocli.domain.fields import MAX_TIMES
from todocli.domain.records import Repeats
from todocli.domain.recurrence import Repetition, anchored, next_occurrence
from todocli.domain.recurrence_rules import CODES, MAX_INTERVAL
from todocli.formats.recurrence_fields import parsed_if_valid

_INDEXES = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}


def read(recurrence: Any, due_on: date | None) -> Repeats | None:
    """Return how a task with a due date repeats; None if it does not, or if todo has no such rule."""
    try:
        pattern, limits = recurrence["pattern"], recurrence.get("range") or {}
        words = _words(pattern)
        repetition = parsed_if_valid("every", words)
        if repetition is None or due_on is None:
            return None
        match limits.get("type"):
            case "endDate":
                return Repeats(replace(repetition, ends_on=date.fromisoformat(limits["endDate"])))
            case "numbered":
                repetition = replace(repetition, times=_number(limits, "numberOfOccurrences", MAX_TIMES))
                return _counted(repetition, date.fromisoformat(limits["startDate"]), due_on)
            case _:
                return Repeats(repetition)
    except (TypeError, KeyError, ValueError, AttributeError):
        return None


def _words(pattern: Mapping[str, Any]) -> str:
    """Return the words or the RRULE of a pattern. Raises `KeyError`, `TypeError` or `ValueError` if it is none."""
    interval = _number(pattern, "interval", MAX_INTERVAL)
    days = [CODES[WEEKDAYS.index(day)] for day in pattern.get("daysOfWeek") or ()]
    match pattern["type"]:
        case "daily":
            return f"{interval} days"
        case "weekly":
            start = CODES[WEEKDAYS.index(pattern.get("firstDayOfWeek", "sunday"))]
            return f"FREQ=WEEKLY;INTERVAL={interval};BYDAY={','.join(days)};WKST={start}"
        case "absoluteMonthly":
            return f"{interval} months on {_number(pattern, 'dayOfMonth', 31)}"
        case "absoluteYearly":
            month = MONTHS[_number(pattern, "month", 12) - 1]
            return f"{interval} years on {_number(pattern, 'dayOfMonth', 31)} {month}"
        case "relativeMonthly":
            return f"FREQ=MONTHLY;INTERVAL={interval};{_nth(pattern, days)}"
        case "relativeYearly":
            return f"FREQ=YEARLY;INTERVAL={interval};BYMONTH={_number(pattern, 'month', 12)};{_nth(pattern, days)}"
        case _:
            raise ValueError(pattern["type"])


def _nth(pattern: Mapping[str, Any], days: Sequence[str]) -> str:
    nth = _INDEXES[pattern["index"]]
    return f"BYDAY={nth}{days[0]}" if len(days) == 1 else f"BYDAY={','.join(days)};BYSETPOS={nth}"


def _number(values: Mapping[str, Any], name: str, most: int) -> int:
    number = values[name]
    if type(number) is not int or not 1 <= number <= most:
        raise ValueError(name)
    return number


def _counted(repetition: Repetition, first: date, due_on: date) -> Repeats:
    """Return how a task repeats that ends after some times: which of them is due is counted from the first."""
    on, place = first, 1
    repetition = anchored(repetition, first)
    while on < due_on and (found := next_occurrence(repetition, on, completed_on=on, place=place)):
        on, place = found.on, found.place
    return Repeats(repetition, None, place)
