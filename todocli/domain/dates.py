"""Dates as they are typed: a strict grammar. Unknown and ambiguous text is refused.

The help topic `dates` has the rules. Weeks begin on Monday (ISO 8601).
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from todocli.errors import Hint, ValidationError

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
COUNTS = ("a", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
"""The numbers that may be written as words, each at its place."""

FORMS = (
    *("today", "tomorrow", "tom", "yesterday", "monday", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "weekend"),
    *("next mon", "next fri", "next-fri", "next sunday", "next week", "next-month", "next year"),
    *("3d", "+3d", "2w", "1m", "1y", "in 1 day", "in 3 days", "3 days", "1 week", "in 2 weeks", "1 month", "in 1 year"),
    *("in two weeks", "in a month", "this fri", "this weekend", "end of month", "end of the week"),
    *("eow", "eom", "eoq", "eoy", "sow", "som", "soq", "soy"),
    *("27", "31", "1st", "15th", "27 nov", "27-nov", "nov 27", "nov-27", "27th november", "november 27"),
    *("27 nov 2027", "nov 27 2027", "1 jan", "29 feb", "sept 1"),
    *("2026-11-27", "2026/12/01", "1.12.2026", "1.12."),
    *("17:00", "5pm", "noon", "tonight", "eod", "2h", "90min", "in 2 hours"),
    *("fri 9:00", "fri 17:00", "fri-17:00", "fri at 5 pm", "tomorrow noon", "27 nov 5pm", "27-nov-5pm"),
    *("today 9:30am", "3d 12:30", "2026-11-27 17:00", "2026-11-27T17:00"),
)
"""At least one example of each form."""

HINT = Hint.leading("Write it like fri, 3d, 27 nov or fri 17:00.", "All forms")
HELP = ("todo", "help", "dates")

TONIGHT, END_OF_DAY = time(20), time(23, 59)

_ISO_TIME = re.compile(r"^(\d{4}-\d\d-\d\d)[t-](?=\d)")
_PAIRED = re.compile(r"(?<!^\d{4})(?<!^\d{4}-\d\d)(?<=[a-z\d])-(?=[a-z\d])", re.ASCII)
_SHORTEST = 3


class Pattern(NamedTuple):
    """A regular expression that is compiled when it is first used: most commands read no date."""

    pattern: str
    flags: int = re.ASCII

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Return the match of a whole text."""
        return re.fullmatch(self.pattern, text, self.flags)


@dataclass(frozen=True)
class Day:
    """A local date, with a time if one was given."""

    on: date
    at: time | None = None


def parse_day(text: str, field: str, *, here: datetime) -> Day:
    """Return the date that `text` means at `here`, a local time.

    Raises `ValidationError` for `field` if it is not a date.
    """
    on, at = _split(text)
    try:
        if at is None:
            return _meaning(on, here)
        if not on:
            return _next_time(here, at)
        day = _meaning(on, here)
    except (ValueError, OverflowError):  # unknown, or a date that does not exist, or out of range
        raise _refusal(text, field) from None
    if day.at is not None:
        raise _refusal(text, field)
    return Day(day.on, at)


@dataclass(frozen=True)
class Shift:
    """A distance from one date to another: first the months, as `months_later` counts them, then the days."""

    months: int = 0
    days: int = 0


def parse_shift(text: str) -> Shift | None:
    """Return the distance that a text with a sign means: +1d, -2w, +1 month; None for any other text."""
    match = re.fullmatch(r"([+-]\d{1,4}) ?(?:([dwmy])|(day|week|month|year)s?)", text.lower(), re.ASCII)
    if match is None:
        return None
    count, unit = int(match[1]), (match[2] or match[3])[0]
    return (
        Shift(months=count * (12 if unit == "y" else 1))
        if unit in "my"
        else Shift(days=count * (7 if unit == "w" else 1))
    )


def is_day(text: str) -> bool:
    """Whether a text has the form of a date, whether or not the calendar has it."""
    on, at = _split(text)
    return at is not None if not on else _form(on, _FORMS if at is None else _DAYS) is not None


def has_time(text: str) -> bool:
    """Whether a date has a time, so that none can follow it."""
    on, at = _split(text)
    return at is not None or _form(on, _MOMENTS) is not None


def is_time(text: str) -> bool:
    """Whether a text is a time of day."""
    return bool(text.strip()) and parse_time(text) is not None


def format_day(day: Day) -> str:
    """Return a date as absolute text, which `parse_day` reads: 2026-11-27, or 2026-11-27 17:00."""
    return day.on.isoformat() if day.at is None else f"{day.on.isoformat()} {day.at:%H:%M}"


def _split(text: str) -> tuple[str, time | None]:
    """Return the day in a text in its plainest form, and the time after it."""
    words = _PAIRED.sub(" ", _ISO_TIME.sub(r"\1 ", text.lower())).split()
    for length in (2, 1):  # 5 pm, or 17:00
        if len(words) >= length and (at := parse_time(" ".join(words[-length:]))) is not None:
            day = words[:-length]
            return " ".join(day[:-1] if day[1:] and day[-1] == "at" else day), at
    return " ".join(words), None


def _form(text: str, forms: _Forms) -> tuple[re.Match[str], _Meaning] | None:
    return next(((match, meaning) for form, meaning in forms if (match := form.fullmatch(text))), None)


def _meaning(text: str, here: datetime) -> Day:
    """Return the date of a text without a time after it. Raises `ValueError` or `OverflowError`."""
    if (found := _form(text, _FORMS)) is None:
        raise ValueError(text)
    match, meaning = found
    day = meaning(here, *(part or "" for part in match.groups()))
    return day if isinstance(day, Day) else Day(day)


def parse_time(word: str) -> time | None:
    """Return a time of day: 17:00, 17h30, 5pm, 5 pm, 5:30pm or noon; None for anything else."""
    if word == "noon":
        return time(12)
    if match := re.fullmatch(r"([01]?\d|2[0-3])[:h]([0-5]\d)", word, re.ASCII | re.IGNORECASE):
        return time(int(match[1]), int(match[2]))
    if match := re.fullmatch(r"(1[0-2]|[1-9])(?::([0-5]\d))? ?([ap])m", word, re.ASCII | re.IGNORECASE):
        return time(int(match[1]) % 12 + (12 if match[3].lower() == "p" else 0), int(match[2] or 0))
    return None


def _refusal(text: str, field: str) -> ValidationError:
    """Return why a text is no date. The hint must not suggest the form that was refused."""
    import difflib

    plain, shown = " ".join(text.lower().split()), f"{text[:40]!r}"
    if slashes := re.fullmatch(r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?", plain, re.ASCII):
        readings = _readings(*slashes.groups())
        what = f"could be {' or '.join(readings)}" if len(readings) == 2 else "is not a day"
        return ValidationError.of(field, f"{shown} {what}.", hint=_SLASHES)
    if plain.split()[:1] == ["every"] or plain in ("daily", "weekly", "monthly", "yearly"):
        return ValidationError.of(field, f"{shown} is a repetition, not a day.", hint=_REPETITION)
    if is_day(text):
        detail = f"{shown} is not a day of the calendar."
        return ValidationError.of(field, detail, hint="Check the day and the month, and a year after them.")
    if re.search(r"(?<!\S)\d{1,2}:\d\d(?!\S)", plain, re.ASCII) and " " in plain:
        detail = f"{shown} is not a day and a time."
        return ValidationError.of(
            field, detail, hint=Hint.leading("Times go from 0:00 to 23:59.", "All forms"), command=HELP
        )
    if MONTH.fullmatch(plain):
        hint = f"Write a day with it, such as 1 {plain[:_SHORTEST]}."
        return ValidationError.of(field, f"{shown} is a month, not a day.", hint=hint)
    if near := difflib.get_close_matches(plain, _WORDS, 1, 0.75):
        detail = f"{shown} is not a day."
        return ValidationError.of(
            field, detail, hint=Hint.leading(f"Did you mean {near[0]}?", "All forms"), command=HELP
        )
    return ValidationError.of(field, f"{shown} is not a day.", hint=HINT, command=HELP)


_SLASHES = "Write the year first, as in 2026-12-01, or the month as a name."
_REPETITION = Hint.leading("How it repeats is another word: every:week, or every:mon,thu.", "See todo help repeat.")


def _readings(first: str, second: str, year: str | None) -> list[str]:
    """Return the meanings of `1/12/2026`: the day first, or the month."""
    return [
        f"{day} {MONTHS[month - 1].title()}{f' {year}' if year else ''}"
        for day, month in ((int(first), int(second)), (int(second), int(first)))
        if month in range(1, 13) and day in range(1, 32)
    ]


# The meaning of each form. Each function takes `here` and the groups of its pattern; `ValueError`: no such date.

_Meaning = Callable[..., "date | Day"]
_Forms = tuple[tuple[Pattern, _Meaning], ...]


def _weekday(here: datetime, name: str) -> date:
    today = here.date()
    ahead = (_place(WEEKDAYS, name) - today.weekday() - 1) % 7 + 1
    return today + timedelta(days=ahead)


def _weekday_of_next_week(here: datetime, name: str) -> date:
    return _start(here, "w") + timedelta(days=_place(WEEKDAYS, name))


def _weekend(here: datetime) -> date:
    return here.date() + timedelta(days=(5 - here.weekday()) % 7)


def _from_now(here: datetime, number: str, unit: str) -> date:
    today, count = here.date(), int(number)
    match unit[0]:
        case "d":
            return today + timedelta(days=count)
        case "w":
            return today + timedelta(weeks=count)
        case "m":
            return months_later(today, count)
        case _:
            return months_later(today, 12 * count)


def _in_words(here: datetime, number: str, unit: str) -> date:
    return _from_now(here, str(max(COUNTS.index(number), 1)), unit)


def _moments_from_now(here: datetime, number: str, unit: str) -> Day:
    then = here + timedelta(hours=int(number)) if unit[0] == "h" else here + timedelta(minutes=int(number))
    then = then.astimezone() if then.tzinfo else then  # over the change of summer time too
    return Day(then.date(), then.time().replace(second=0, microsecond=0))


def _next_time(here: datetime, at: time) -> Day:
    """Return the next time that it is `at` o'clock: today, or tomorrow if that is past."""
    return Day(here.date() + timedelta(days=at <= here.time()), at)


def _tonight(here: datetime) -> Day:
    return Day(here.date(), TONIGHT if here.time() < TONIGHT else END_OF_DAY)


def months_later(day: date, count: int) -> date:
    """Return the same day `count` months later, or the last day of a shorter month. Raises `ValueError`."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _end(here: datetime, what: str) -> date:
    today = here.date()
    if what == "w":
        return today + timedelta(days=6 - today.weekday())
    month = {"m": today.month, "q": (today.month + 2) // 3 * 3, "y": 12}[what]
    return date(today.year, month, calendar.monthrange(today.year, month)[1])


def _start(here: datetime, what: str) -> date:
    """Return the first day of the next week, month, quarter or year."""
    return _end(here, what) + timedelta(days=1)


def _of_a_month(here: datetime, number: str) -> date:
    today = here.date()
    months = ((today.year + (today.month - 1 + i) // 12, (today.month - 1 + i) % 12 + 1) for i in range(3))
    return _first(today, months, number)


def _of_a_year(here: datetime, number: str, month: str, year: str = "") -> date:
    place = int(month) if month.isdecimal() else _place(MONTHS, month) + 1
    if year:
        return date(int(year), place, _number(number))
    today = here.date()
    return _first(today, ((today.year + i, place) for i in range(9)), number)  # nine: 1896 to 1904 has one leap day


def _first(today: date, months: Iterator[tuple[int, int]], number: str) -> date:
    place = _number(number)
    for year, month in months:
        if place <= calendar.monthrange(year, month)[1] and (day := date(year, month, place)) >= today:
            return day
    raise ValueError(number)


def _number(text: str) -> int:
    return int(text.rstrip("dhnrst"))


def _place(names: tuple[str, ...], name: str) -> int:
    return next(i for i, known in enumerate(names) if known.startswith(name[:_SHORTEST]))


def _names(names: tuple[str, ...]) -> str:
    """Return a pattern of names, their first three letters, and common abbreviations."""
    more = {"september": ("sept",), "tuesday": ("tues",), "thursday": ("thur", "thurs")}
    return "|".join(form for name in names for form in (name, name[:_SHORTEST], *more.get(name, ())))


WEEKDAY = Pattern(_names(WEEKDAYS), re.IGNORECASE)
"""A weekday, in all its forms."""

MONTH = Pattern(_names(MONTHS), re.IGNORECASE)
"""A month, in all its forms."""

UNIT = Pattern(r"days?|weeks?|months?|years?|hours?|min(?:ute)?s?", re.IGNORECASE)
"""What may follow a number, as a word of its own."""

_NUMBER = r"(\d{1,2}|[23]?1st|2?2nd|2?3rd|(?:1\d|2?[4-9]|[23]0)th)"

NUMBER = Pattern(_NUMBER, re.ASCII | re.IGNORECASE)
"""The number of a day in a month: 15, or 15th."""

_DAYS: _Forms = tuple(
    (Pattern(pattern), meaning)
    for pattern, meaning in (
        (r"today", lambda here: here.date()),
        (r"tomorrow|tom", lambda here: here.date() + timedelta(days=1)),
        (r"yesterday", lambda here: here.date() - timedelta(days=1)),
        (rf"(?:this )?({_names(WEEKDAYS)})", _weekday),
        (rf"next ({_names(WEEKDAYS)})", _weekday_of_next_week),
        (r"(?:this )?weekend", _weekend),
        (r"(?:in |\+)?(\d{1,4}) ?(days?|weeks?|months?|years?)", _from_now),
        (r"(?:in |\+)?(\d{1,4})([dwmy])", _from_now),
        (rf"in ({'|'.join(COUNTS)}) (days?|weeks?|months?|years?)", _in_words),
        (r"eo([wmqy])", _end),
        (r"end of (?:the |this )?(week|month|quarter|year)", lambda here, what: _end(here, what[0])),
        (r"so([wmqy])", _start),
        (r"next (week|month|quarter|year)", lambda here, what: _start(here, what[0])),
        (_NUMBER, _of_a_month),
        (rf"{_NUMBER} ({_names(MONTHS)})(?: (\d{{4}}))?", _of_a_year),
        (
            rf"({_names(MONTHS)}) {_NUMBER}(?: (\d{{4}}))?",
            lambda here, month, number, year: _of_a_year(here, number, month, year),
        ),
        (r"(\d{1,2})\.(\d{1,2})\.(\d{4})?", _of_a_year),
        (r"(\d{4}-\d\d-\d\d|\d{4}/\d\d/\d\d)", lambda _, text: date.fromisoformat(text.replace("/", "-"))),
    )
)

_MOMENTS: _Forms = (
    (Pattern(r"(?:in |\+)?(\d{1,4}) ?(hours?|h|minutes?|mins?)"), _moments_from_now),
    (Pattern(r"tonight"), _tonight),
    (Pattern(r"eod"), lambda here: Day(here.date(), END_OF_DAY)),
)
"""The forms that have a time."""

_FORMS = (*_DAYS, *_MOMENTS)

_WORDS = ("today", "tomorrow", "yesterday", "weekend", "tonight", "next week", "next month", *WEEKDAYS, *MONTHS)
"""The words that a slip of the finger is compared with."""
