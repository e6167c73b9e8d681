"""The rules of repetition: a part of the RRULE of RFC 5545 (section 3.3.10), and their canonical text.

A canonical rule has its parts in one order, each number once and sorted, and nothing that has no effect. So equal rules
have equal texts. It has neither DTSTART nor an end: those are kept beside it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NamedTuple

from todocli.domain.fields import MAX_TIMES, RULE_LENGTH
from todocli.errors import ValidationError

CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
"""The days of the week, each at its place."""

MAX_INTERVAL = 1_000
SHORTEST_MONTH = 28

_LENGTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_ALLOWED = "A rule may have FREQ, INTERVAL, BYMONTH, BYMONTHDAY, BYDAY, BYSETPOS, WKST, and UNTIL or COUNT."
_EXAMPLE = "Write it like FREQ=WEEKLY;BYDAY=MO."
_LAST_YEARS = datetime(9960, 1, 1)
"""They have years of every kind, and a search in them ends with the calendar."""


class Weekday(NamedTuple):
    """A day of the week (Monday is 0): every one, or the nth of a month or year. The last is -1."""

    nth: int
    day: int


@dataclass(frozen=True)
class Rule:
    """The parts of a rule. An empty one restricts nothing."""

    freq: str
    interval: int = 1
    months: tuple[int, ...] = ()
    month_days: tuple[int, ...] = ()
    """From 1 on; or -1, the last day of a month, and so on."""
    weekdays: tuple[Weekday, ...] = ()
    positions: tuple[int, ...] = ()
    """Which of the dates in each month or year are kept: from 1 on; or -1, the last, and so on."""
    week_start: int = 0

    def __str__(self) -> str:
        """Return the canonical text."""
        parts = {
            "FREQ": self.freq,
            "INTERVAL": str(self.interval) if self.interval > 1 else "",
            "BYMONTH": ",".join(map(str, self.months)),
            "BYMONTHDAY": ",".join(map(str, self.month_days)),
            "BYDAY": ",".join(f"{nth or ''}{CODES[day]}" for nth, day in self.weekdays),
            "BYSETPOS": ",".join(map(str, self.positions)),
            "WKST": CODES[self.week_start] if self.week_start else "",
        }
        return ";".join(f"{name}={value}" for name, value in parts.items() if value)


class EndingRule(NamedTuple):
    """A rule as others write it, with its end: the last possible date, or the number of occurrences."""

    rule: Rule
    ends_on: date | None = None
    times: int | None = None


def parse_rule(text: str, field: str) -> EndingRule:
    """Return the rule of an RRULE, and its end. UNTIL is the day that it names, in whatever zone.

    Raises `ValidationError` for `field` if it is malformed, has no date at all, or has a part that todo does not keep.
    """
    found = _read(text, field)
    from dateutil.rrule import rrulestr

    if next(iter(rrulestr(str(replace(found.rule, interval=1)), dtstart=_LAST_YEARS)), None) is None:
        raise ValidationError.of(field, f"{_quoted(text)} has no date.", hint="Check its months, days and positions.")
    return found


def read_rule(text: str) -> Rule:
    """Return the rule of a canonical text, without searching for a date. Raises `ValidationError`."""
    return _read(text, "repeat_rule").rule


def month_days_like(day: int, months: Sequence[int] = ()) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return BYMONTHDAY and BYSETPOS of a day in some months, or in all. It is the last day of a shorter month."""
    lengths = [_LENGTHS[month - 1] for month in months or range(1, 13)]
    day = min(day, max(lengths))
    if day <= min(SHORTEST_MONTH if length == 29 else length for length in lengths):
        return (day,), ()
    return tuple(range(SHORTEST_MONTH, day + 1)), (-1,)


def month_has_day(month: int, day: int) -> bool:
    """Whether a month has a day, at least in leap years."""
    return 1 <= day <= _LENGTHS[month - 1]


def _read(text: str, field: str) -> EndingRule:
    values = {name: _value(name, value, field) for name, value in _parts(text, field).items()}
    if "FREQ" not in values:
        raise ValidationError.of(field, f"{_quoted(text)} has no FREQ.", hint=_EXAMPLE)
    ends_on, times = values.pop("UNTIL", None), values.pop("COUNT", None)
    if ends_on and times:
        raise ValidationError.of(field, "A rule has UNTIL or COUNT, not both.", hint="Leave one of them out.")
    rule = _canonical(Rule(**{_PARTS[name].attribute: value for name, value in values.items()}))
    if fault := next((detail for detail, applies in _FAULTS.items() if applies(rule)), None):
        raise ValidationError.of(field, f"{fault}.", hint="Change one of them, or leave it out.")
    if len(str(rule)) > RULE_LENGTH:
        detail = f"The rule has {len(str(rule))} characters; at most {RULE_LENGTH} are allowed."
        raise ValidationError.of(field, detail, hint="Write a simpler rule.")
    return EndingRule(rule, ends_on, times)


def _parts(text: str, field: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for part in text.strip().upper().removeprefix("RRULE:").rstrip(";").split(";"):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValidationError.of(field, f"{_quoted(part)} is not a part of a rule.", hint=_EXAMPLE)
        if name not in _PARTS:
            raise ValidationError.of(field, f"{name[:40]!r} is not supported in a rule.", hint=_ALLOWED)
        if name in parts:
            raise ValidationError.of(field, f"The rule has {name} twice.", hint="Give it once.")
        parts[name] = value
    return parts


def _value(name: str, value: str, field: str) -> Any:
    part = _PARTS[name]
    try:
        return part.parse(value)
    except ValueError:
        detail = f"{_quoted(value)} is not valid for {name} in a rule."
        raise ValidationError.of(field, detail, hint=f"Write it like {name}={part.example}.") from None


def _canonical(rule: Rule) -> Rule:
    """Return the simplest rule with the same dates."""
    if rule.freq == "YEARLY" and rule.interval == 1 and rule.months[1:] and not rule.weekdays and not rule.month_days:
        rule = replace(rule, freq="MONTHLY")  # only the shorter months among them move a date to their last day
    return rule if rule.freq == "WEEKLY" and rule.interval > 1 else replace(rule, week_start=0)


_FAULTS: dict[str, Callable[[Rule], object]] = {
    "BYMONTHDAY does not go with FREQ=WEEKLY": lambda rule: rule.freq == "WEEKLY" and rule.month_days,
    "BYSETPOS needs FREQ=MONTHLY or FREQ=YEARLY": lambda rule: rule.positions and rule.freq in ("DAILY", "WEEKLY"),
    "BYSETPOS needs BYDAY or BYMONTHDAY": lambda rule: rule.positions and not rule.weekdays and not rule.month_days,
    "A number in BYDAY needs FREQ=MONTHLY or FREQ=YEARLY": lambda rule: (
        rule.freq in ("DAILY", "WEEKLY") and any(nth for nth, _ in rule.weekdays)
    ),
    "A number beyond 5 in BYDAY needs FREQ=YEARLY, and no BYMONTH": lambda rule: (
        (rule.freq != "YEARLY" or rule.months) and any(abs(nth) > 5 for nth, _ in rule.weekdays)
    ),
    "BYDAY has numbers for some of its days only": lambda rule: (
        len({bool(nth) for nth, _ in rule.weekdays}) > 1  # dateutil takes them for two conditions
    ),
    "An INTERVAL with FREQ=DAILY goes with neither BYDAY nor BYMONTHDAY": lambda rule: (
        rule.freq == "DAILY" and rule.interval > 1 and (rule.weekdays or rule.month_days)
    ),
    "An INTERVAL with FREQ=MONTHLY does not go with BYMONTH": lambda rule: (
        rule.freq == "MONTHLY" and rule.interval > 1 and rule.months
    ),
    "Several months with FREQ=YEARLY and an INTERVAL need BYDAY or BYMONTHDAY": lambda rule: (
        rule.freq == "YEARLY" and rule.months[1:] and not rule.weekdays and not rule.month_days
    ),
}
"""What is wrong with a rule of valid parts: what RFC 5545 forbids, and what could have no date from some day on."""


def _one_of(*names: str) -> Callable[[str], str]:
    return lambda text: names[names.index(text)]


def _number(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of numbers; of those from the end, if `low` is negative, and not of 0."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?\d{1,5}" if low < 0 else r"\d{1,5}", text, re.ASCII):
            raise ValueError(text)
        number = int(text)
        if not low <= number <= high or (low < 0 and number == 0):
            raise ValueError(text)
        return number

    return parse


def _weekday(text: str) -> Weekday:
    return Weekday(_number(-53, 53)(text[:-2]) if text[:-2] else 0, CODES.index(text[-2:]))


def _list_of(parse: Callable[[str], Any]) -> Callable[[str], tuple[Any, ...]]:
    """Return a parser of lists. Each item is kept once; those that count from the end are the last."""

    def order(item: Any) -> tuple[bool, Any]:
        return (item[0] if isinstance(item, Weekday) else item) < 0, item

    return lambda text: tuple(sorted({parse(item) for item in text.split(",")}, key=order))


def _day(text: str) -> date:
    """Return the day of an UNTIL, which may have a time."""
    if not re.fullmatch(r"\d{8}(T\d{6}Z?)?", text, re.ASCII):
        raise ValueError(text)
    return date.fromisoformat(f"{text[:4]}-{text[4:6]}-{text[6:8]}")


class _Part(NamedTuple):
    """A part of a rule: how its value is parsed (`ValueError`: it is not valid), an example, and its name in `Rule`."""

    parse: Callable[[str], Any]
    example: str
    attribute: str = ""


_PARTS = {
    "FREQ": _Part(_one_of("DAILY", "WEEKLY", "MONTHLY", "YEARLY"), "DAILY, WEEKLY, MONTHLY or YEARLY", "freq"),
    "INTERVAL": _Part(_number(1, MAX_INTERVAL), f"2, up to {MAX_INTERVAL}", "interval"),
    "BYMONTH": _Part(_list_of(_number(1, 12)), "3,9", "months"),
    "BYMONTHDAY": _Part(_list_of(_number(-31, 31)), "1,15,-1", "month_days"),
    "BYDAY": _Part(_list_of(_weekday), "MO,TH or 1MO,-1FR", "weekdays"),
    "BYSETPOS": _Part(_list_of(_number(-366, 366)), "1,-1", "positions"),
    "WKST": _Part(lambda text: CODES.index(text), "MO", "week_start"),
    "UNTIL": _Part(_day, "20270101"),
    "COUNT": _Part(_number(1, MAX_TIMES), f"10, up to {MAX_TIMES}"),
}


def _quoted(text: str) -> str:
    return repr(text[:40])
