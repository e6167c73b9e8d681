"""Dates as they are typed: a strict grammar. Unknown and ambiguous text is refused.

The help topic `dates` has the rules. Weeks begin on Monday (ISO 8601).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta

from todocli.errors import ValidationError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
FORMS = (
    *("today", "tomorrow", "tom", "yesterday", "monday", "mon", "tue", "wed", "thu", "fri", "sat", "sun"),
    *("next mon", "next fri", "next-fri", "next sunday"),
    *("3d", "2w", "1m", "1y", "in 1 day", "in 3 days", "3 days", "1 week", "in 2 weeks", "1 month", "in 1 year"),
    *("eow", "eom", "eoq", "eoy"),
    *("27", "31", "27 nov", "27-nov", "nov 27", "nov-27", "27 november", "november 27"),
    *("27 nov 2027", "nov 27 2027", "1 jan", "29 feb", "sept 1"),
    *("2026-11-27", "fri 9:00", "fri 17:00", "fri-17:00", "tomorrow noon", "27 nov 5pm", "27-nov-5pm"),
    *("today 9:30am", "3d 12:30"),
    *("2026-11-27 17:00", "2026-11-27T17:00"),
)
"""At least one example of each form."""

HINT = "Write it like fri, 3d, 27 nov or fri 17:00. All forms"
HELP = ("todo", "help", "dates")

_ISO_TIME = re.compile(r"^(\d{4}-\d\d-\d\d)[t-](?=\d)")
_PAIRED = re.compile(r"(?<!^\d{4})(?<!^\d{4}-\d\d)(?<=[a-z\d])-(?=[a-z\d])", re.ASCII)
_SHORTEST = 3


@dataclass(frozen=True)
class Day:
    """A local date, with a time if one was given."""

    on: date
    at: time | None = None


def parse_day(text: str, field: str, *, today: date) -> Day:
    """Return the date that `text` means on the day `today`.

    Raises `ValidationError` for `field` if it is not a date.
    """
    words = _PAIRED.sub(" ", _ISO_TIME.sub(r"\1 ", text.lower())).split()
    at = _time(words[-1]) if len(words) > 1 else None
    day = _day(" ".join(words[:-1] if at else words), today) if words else None
    if day is None:
        raise ValidationError.of(field, f"{text[:40]!r} is not a day.", hint=HINT, command=HELP)
    return Day(day, at)


def format_day(day: Day) -> str:
    """Return a date as absolute text, which `parse_day` reads: 2026-11-27, or 2026-11-27 17:00."""
    return day.on.isoformat() if day.at is None else f"{day.on.isoformat()} {day.at:%H:%M}"


def _day(text: str, today: date) -> date | None:
    for pattern, meaning in _FORMS:
        if match := pattern.fullmatch(text):
            try:
                return meaning(today, *(part or "" for part in match.groups()))
            except (ValueError, OverflowError):  # a date that does not exist, or is out of range
                return None
    return None


def _time(word: str) -> time | None:
    if word == "noon":
        return time(12)
    if match := re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", word, re.ASCII):
        return time(int(match[1]), int(match[2]))
    if match := re.fullmatch(r"(1[0-2]|[1-9])(?::([0-5]\d))?([ap])m", word, re.ASCII):
        return time(int(match[1]) % 12 + (12 if match[3] == "p" else 0), int(match[2] or 0))
    return None


# The meaning of each form. Each function takes today and the groups of its pattern; `ValueError`: no such date.


def _weekday(today: date, name: str) -> date:
    ahead = (_place(WEEKDAYS, name) - today.weekday() - 1) % 7 + 1
    return today + timedelta(days=ahead)


def _weekday_of_next_week(today: date, name: str) -> date:
    return today + timedelta(days=7 - today.weekday() + _place(WEEKDAYS, name))


def _from_now(today: date, number: str, unit: str) -> date:
    count = int(number)
    match unit[0]:
        case "d":
            return today + timedelta(days=count)
        case "w":
            return today + timedelta(weeks=count)
        case "m":
            return _months_later(today, count)
        case _:
            return _months_later(today, 12 * count)


def _months_later(day: date, count: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _end(today: date, what: str) -> date:
    if what == "w":
        return today + timedelta(days=6 - today.weekday())
    month = {"m": today.month, "q": (today.month + 2) // 3 * 3, "y": 12}[what]
    return date(today.year, month, calendar.monthrange(today.year, month)[1])


def _of_a_month(today: date, number: str) -> date:
    return _first(
        today, ((today.year + (today.month - 1 + i) // 12, (today.month - 1 + i) % 12 + 1) for i in range(3)), number
    )


def _of_a_year(today: date, number: str, month: str, year: str = "") -> date:
    place = _place(MONTHS, month) + 1
    if year:
        return date(int(year), place, int(number))
    return _first(today, ((today.year + i, place) for i in range(9)), number)  # nine: 1896 to 1904 has one leap day


def _first(today: date, months: Iterator[tuple[int, int]], number: str) -> date:
    for year, month in months:
        if int(number) <= calendar.monthrange(year, month)[1] and (day := date(year, month, int(number))) >= today:
            return day
    raise ValueError(number)


def _place(names: tuple[str, ...], name: str) -> int:
    return next(i for i, known in enumerate(names) if known.startswith(name[:_SHORTEST]))


def _names(names: tuple[str, ...]) -> str:
    """Return a pattern of names, their first three letters, and common abbreviations."""
    more = {"september": ("sept",), "tuesday": ("tues",), "thursday": ("thur", "thurs")}
    return "|".join(form for name in names for form in (name, name[:_SHORTEST], *more.get(name, ())))


WEEKDAY = re.compile(_names(WEEKDAYS), re.IGNORECASE)
"""A weekday, in all its forms."""

_FORMS: tuple[tuple[re.Pattern[str], Callable[..., date]], ...] = tuple(
    (re.compile(pattern, re.ASCII), meaning)
    for pattern, meaning in (
        (r"today", lambda today: today),
        (r"tomorrow|tom", lambda today: today + timedelta(days=1)),
        (r"yesterday", lambda today: today - timedelta(days=1)),
        (rf"({_names(WEEKDAYS)})", _weekday),
        (rf"next ({_names(WEEKDAYS)})", _weekday_of_next_week),
        (r"(?:in )?(\d{1,4}) ?(days?|weeks?|months?|years?)", _from_now),
        (r"(\d{1,4})([dwmy])", _from_now),
        (r"eo([wmqy])", _end),
        (r"(\d{1,2})", _of_a_month),
        (rf"(\d{{1,2}}) ({_names(MONTHS)})(?: (\d{{4}}))?", _of_a_year),
        (
            rf"({_names(MONTHS)}) (\d{{1,2}})(?: (\d{{4}}))?",
            lambda today, month, number, year: _of_a_year(today, number, month, year),
        ),
        (r"(\d{4}-\d\d-\d\d)", lambda _, text: date.fromisoformat(text)),
    )
)
