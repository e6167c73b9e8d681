"""Repetition as it is typed: `every:2w on mon,thu`, `again:3d`.

What the words cannot express is written as an RRULE. In one word, hyphens are blanks: `every:month-on-31`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from todocli.domain.dates import MONTH, MONTHS, NUMBER, WEEKDAY, WEEKDAYS, Pattern
from todocli.domain.recurrence import Repetition
from todocli.domain.recurrence_rules import (
    MAX_INTERVAL,
    SHORTEST_MONTH,
    Rule,
    Weekday,
    month_days_like,
    month_has_day,
    parse_rule,
)
from todocli.errors import Hint, ValidationError

EVERY_FORMS = (
    *("day", "daily", "week", "weekly", "month", "monthly", "quarter", "year", "yearly", "weekday", "weekend"),
    *("10d", "2w", "3 months", "2y", "mon", "mon,thu", "Monday, Thursday", "week on fri", "2w on mon,thu"),
    *("month on 31", "month on 1,15", "month-on-15th", "3 months on 15", "month on last", "month on last day"),
    *("month on first mon", "month on 2nd tue", "month last fri", "month on last weekday"),
    *("year on 24 dec", "year on feb 29", "FREQ=MONTHLY;BYDAY=-1FR"),
)
"""At least one example of each form of `every`."""

AGAIN_FORMS = ("day", "3d", "2 weeks", "month", "3 months", "1y", "FREQ=DAILY;INTERVAL=3")
"""At least one example of each form of `again`."""

EVERY_HINT = Hint.leading("Write it like week, 2w, mon,thu, month on 31 or year on 24 dec.", "All forms")
AGAIN_HINT = Hint.leading("Write it like 3d, 2 weeks or month. Days of the week go with every.", "All forms")
HELP = ("todo", "help", "repeat")

_UNITS = {
    **dict.fromkeys(("d", "day", "days", "daily"), Rule("DAILY")),
    **dict.fromkeys(("w", "week", "weeks", "weekly"), Rule("WEEKLY")),
    **dict.fromkeys(("m", "month", "months", "monthly"), Rule("MONTHLY")),
    **dict.fromkeys(("quarter", "quarters", "quarterly"), Rule("MONTHLY", 3)),
    **dict.fromkeys(("y", "year", "years", "yearly"), Rule("YEARLY")),
}
UNIT_NAMES = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}
SHORT_DAYS, SHORT_MONTHS = (tuple(name[:3] for name in names) for names in (WEEKDAYS, MONTHS))
WORKDAYS = tuple(Weekday(0, day) for day in range(5))
ON_WORKDAYS = Rule("WEEKLY", weekdays=WORKDAYS)
GROUPS = {
    **dict.fromkeys(("weekday", "weekdays"), WORKDAYS),
    **dict.fromkeys(("weekend", "weekends"), (Weekday(0, 5), Weekday(0, 6))),
}
"""What may stand for several days of the week."""
ORDINAL_NAMES = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}
_ORDINALS = {word: nth for nth, word in ORDINAL_NAMES.items()} | {"1st": 1, "2nd": 2, "3rd": 3, "4th": 4}
LAST = -1

_PAIRED = re.compile(r"(?<=[a-z\d])-(?=[a-z\d])", re.ASCII)
_PERIOD = Pattern(r"(?:(\d{1,6}) ?)?([a-z]+)(?: on (.+)| (?!\d+(?:,|$))(.+))?")


def parse_every(text: str, field: str = "every") -> Repetition:
    """Return the repetition that words or an RRULE mean, counted from the due date.

    Only an RRULE has an end. Raises `ValidationError` for `field`.
    """
    if "=" in text:
        rule, ends_on, times = parse_rule(text, field)
        return Repetition(str(rule), ends_on=ends_on, times=times)
    return Repetition(str(parse_words(text, field)))


def parse_again(text: str, field: str = "again") -> Repetition:
    """Return the repetition that a distance means, counted from completion: `3d`, or an RRULE of FREQ and INTERVAL.

    Raises `ValidationError` for `field`.
    """
    if "=" in text:
        rule, ends_on, times = parse_rule(text, field)
        if rule != Rule(rule.freq, rule.interval):
            detail = "A rule that is counted from completion has only FREQ and INTERVAL."
            raise ValidationError.of(field, detail, hint=AGAIN_HINT, command=HELP)
        return Repetition(str(rule), "completion", ends_on, times)
    if (found := _period(_plain(text), field)) is None or found[1]:
        detail = f"{text[:40]!r} is not a length of time."
        raise ValidationError.of(field, detail, hint=AGAIN_HINT, command=HELP)
    return Repetition(str(found[0]), "completion")


def parse_words(text: str, field: str) -> Rule:
    """Return the rule that words mean. Raises `ValidationError` for `field`."""
    plain = _plain(text)
    if days := _weekdays(plain):
        return Rule("WEEKLY", weekdays=days)
    if (found := _period(plain, field)) is None:
        raise _unknown(text, field)
    rule, on = found
    if not on:
        return rule
    if rule.freq == "WEEKLY" and (days := _weekdays(on)):
        return replace(rule, weekdays=days)
    if rule.freq == "MONTHLY":
        return _days_of_month(rule, on.split(","), text, field)
    if rule.freq == "YEARLY":
        return _day_of_year(rule, on.split(), text, field)
    raise _unknown(text, field)


def _plain(text: str) -> str:
    return re.sub(r" ?, ?", ",", " ".join(_PAIRED.sub(" ", text.lower()).split()))


def _period(plain: str, field: str) -> tuple[Rule, str] | None:
    """Return the rule of a distance (2w, quarter), and what follows it; None if it is none."""
    match = _PERIOD.fullmatch(plain)
    if match is None or match[2] not in _UNITS:
        return None
    number, unit, on = match[1], match[2], match[3] or match[4] or ""
    is_short, is_adverb = len(unit) == 1 or unit.endswith("s"), unit.endswith("ly")
    if (is_adverb if number else is_short) or (on and unit.startswith("quarter")):
        return None
    rule = _UNITS[unit]
    interval = int(number or 1) * rule.interval
    if not 1 <= interval <= MAX_INTERVAL:
        name = UNIT_NAMES[rule.freq]
        hint = f"Write a number from 1 to {MAX_INTERVAL} {name}s."
        raise ValidationError.of(field, f"{plain[:40]!r} is out of range.", hint=hint)
    return replace(rule, interval=interval), on


def _weekdays(text: str) -> tuple[Weekday, ...]:
    """Return the days of the week in a list; nothing if there is something else in it."""
    days: set[Weekday] = set()
    for item in text.split(","):
        if item in GROUPS:
            days.update(GROUPS[item])
        elif WEEKDAY.fullmatch(item):
            days.add(Weekday(0, SHORT_DAYS.index(item[:3])))
        else:
            return ()
    return tuple(sorted(days))


def _days_of_month(rule: Rule, items: Sequence[str], text: str, field: str) -> Rule:
    nth, _, name = items[0].partition(" ")
    if nth in _ORDINALS and name in ("weekday", "weekdays") and not items[1:]:
        return replace(rule, weekdays=WORKDAYS, positions=(_ORDINALS[nth],))
    days: set[int] = set()
    weekdays: set[Weekday] = set()
    for item in items:
        nth, _, name = item.partition(" ")
        if NUMBER.fullmatch(item):
            days.add(_day_of_month(item, field))
        elif item in ("last", "last day"):
            days.add(LAST)
        elif nth in _ORDINALS and WEEKDAY.fullmatch(name):
            weekdays.add(Weekday(_ORDINALS[nth], SHORT_DAYS.index(name[:3])))
        else:
            raise _unknown(text, field)
    if days and weekdays:
        raise ValidationError.of(field, f"{text[:40]!r} mixes days and weekdays.", hint="Add one todo for each.")
    if weekdays:
        return replace(rule, weekdays=tuple(sorted(weekdays, key=lambda day: (day.nth < 0, day))))
    return _clipped(rule, days, text, field)


def _day_of_month(item: str, field: str) -> int:
    day = int(item.rstrip("dhnrst"))
    if not month_has_day(1, day):
        hint = "Days go from 1 to 31. The last is last."
        raise ValidationError.of(field, f"{item[:40]!r} is not a day of a month.", hint=hint)
    return day


def _clipped(rule: Rule, days: set[int], text: str, field: str) -> Rule:
    """Return a rule with days of the month. One of them may be the last day where a month is too short for it."""
    late = {day for day in days if day > SHORTEST_MONTH}
    early = sorted(day for day in days - late if day > 0)
    if not late:
        return replace(rule, month_days=(*early, *days & {LAST}))
    if len(late) > 1 or LAST in days:
        detail = f"{text[:40]!r} has two days for the end of the month."
        raise ValidationError.of(field, detail, hint="A day that a month does not have is its last. Leave one out.")
    month_days, positions = month_days_like(max(late))
    before = range(1, len(early) + 1)  # the positions of the earlier days
    return replace(rule, month_days=tuple(sorted({*early, *month_days})), positions=(*before, *positions))


def _day_of_year(rule: Rule, words: Sequence[str], text: str, field: str) -> Rule:
    for number, name in (words, words[::-1]) if len(words) == 2 else ():
        if NUMBER.fullmatch(number) and MONTH.fullmatch(name):
            month, day = SHORT_MONTHS.index(name[:3]) + 1, _day_of_month(number, field)
            if not month_has_day(month, day):
                detail = f"{' '.join(words)!r} is not a day of the calendar."
                raise ValidationError.of(field, detail, hint="Check the day and the month.")
            month_days, positions = month_days_like(day, (month,))
            return replace(rule, months=(month,), month_days=month_days, positions=positions)
    raise _unknown(text, field)


def _unknown(text: str, field: str) -> ValidationError:
    import difflib

    hint, plain = EVERY_HINT, _plain(text[:40])
    if _weekdays(listed := plain.replace(" ", ",")):
        hint = Hint.leading(f"Did you mean {listed}?", "All forms")
    elif near := difflib.get_close_matches(plain, _SPELLINGS, 1, 0.75) if " " not in plain else ():
        hint = Hint.leading(f"Did you mean {near[0]}?", "All forms")
    return ValidationError.of(field, f"{text[:40]!r} is not a repetition.", hint=hint, command=HELP)


_SPELLINGS = (*(unit for unit in _UNITS if unit[1:] and not unit.endswith("s")), *GROUPS, *WEEKDAYS)
"""The words that a slip of the finger is compared with."""
