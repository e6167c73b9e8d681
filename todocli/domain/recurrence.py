"""Repetition: which date follows when a todo is completed. Dates only; a time of day is the caller's.

    every:   mon 23 ─ done 26 ─► mon 30       the rule has the dates, and those that have passed are skipped
    again:   due 23 ─ done 26 ─► 29 (3d)      the day of completion is what counts

A rule says nothing of its first date: `anchored` puts what a plain `every:month` takes from it into the rule. So the
next date follows from one date of the series, and an interval is counted from there. Weeks begin on Monday.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Literal, NamedTuple

from todocli.domain.dates import months_later
from todocli.domain.recurrence_rules import Rule, Weekday, month_days_like, read_rule

RepeatMode = Literal["due", "completion"]


@dataclass(frozen=True)
class Repetition:
    """How a todo repeats: a canonical rule, what its dates are counted from, and an end.

    The last occurrence is on `ends_on` or before, and is the one at the place `times`. None: no such end.
    """

    rule: str
    mode: RepeatMode = "due"
    ends_on: date | None = None
    times: int | None = None


class Next(NamedTuple):
    """The next occurrence: its date, its place in the series from 1 on, and how many dates were skipped for it."""

    on: date
    place: int
    skipped: int


def anchored(repetition: Repetition, first: date) -> Repetition:
    """Return a repetition with the day that its rule leaves to the first date.

    The 29th to the 31st become the last day of a month that is shorter, and 29 February the last of that month.
    """
    if repetition.mode == "completion":
        return repetition
    return replace(repetition, rule=str(_anchored(read_rule(repetition.rule), first)))


def distance(repetition: Repetition, on: date) -> Rule | None:
    """Return the rule of only a frequency and an interval that becomes this one when its first date is `on`.

    None: there is none. It is the opposite of `anchored`.
    """
    rule = read_rule(repetition.rule)
    plain = Rule(rule.freq, rule.interval)
    counted = plain if repetition.mode == "completion" else _anchored(plain, on)
    return plain if counted == rule else None


def first_date(repetition: Repetition, on: date) -> date | None:
    """Return the first date for a todo without one: `on` if the rule has it, otherwise the next that it has.

    An interval plays no part in it; it is counted from there. Counted from completion, it is `on`. None: there is no
    date until the end.
    """
    first: date | None = on
    if repetition.mode == "due":
        rule = replace(_anchored(read_rule(repetition.rule), on), interval=1)
        first = next(_dates(rule, on), None)
    return first if first and _allows(repetition, first, 1) else None


def next_occurrence(
    repetition: Repetition, scheduled: date, *, completed_on: date, place: int, due_was: date | None = None
) -> Next | None:
    """Return what follows the occurrence at a place, which the rule had on `scheduled`; None after the last.

    By the rule, it is after `scheduled`, and after `due_was` if the due date was put off. Dates before `completed_on`
    are skipped, and do not count as occurrences.
    """
    if repetition.mode == "completion":
        on, skipped = _later(read_rule(repetition.rule), completed_on), 0
    else:
        on, skipped = _next_by_rule(repetition, scheduled, completed_on, due_was)
    return Next(on, place + 1, skipped) if on and _allows(repetition, on, place + 1) else None


def upcoming(
    repetition: Repetition,
    scheduled: date,
    *,
    since: date,
    until: date,
    place: int,
    limit: int | None = None,
    due_was: date | None = None,
) -> Iterator[Next]:
    """Yield what follows an open occurrence, up to the day `until`, and at most `limit` of them.

    Each occurrence counts as completed on its date, and an overdue one as completed on `since`, which is today.
    """
    return islice(_upcoming(repetition, scheduled, since, until, place, due_was), limit)


def _upcoming(
    repetition: Repetition, on: date, since: date, until: date, place: int, due_was: date | None
) -> Iterator[Next]:
    completed_on = max(since, due_was or on)
    while found := next_occurrence(repetition, on, completed_on=completed_on, place=place, due_was=due_was):
        if found.on > until:
            return
        yield found
        on = completed_on = found.on
        place = found.place


def _allows(repetition: Repetition, on: date, place: int) -> bool:
    is_over = repetition.ends_on is not None and on > repetition.ends_on
    return not is_over and (repetition.times is None or place <= repetition.times)


def _next_by_rule(
    repetition: Repetition, scheduled: date, completed_on: date, due_was: date | None
) -> tuple[date | None, int]:
    rule = _anchored(read_rule(repetition.rule), scheduled)
    done = max(scheduled, due_was or scheduled)
    skipped = 0
    for on in _dates(rule, scheduled):
        if on > done:
            if on >= completed_on:
                return on, skipped
            skipped += 1
    return None, skipped


def _later(rule: Rule, day: date) -> date | None:
    """Return the day that is one interval later, clipped to the last of a shorter month; None beyond the year 9999."""
    try:
        match rule.freq:
            case "DAILY":
                return day + timedelta(days=rule.interval)
            case "WEEKLY":
                return day + timedelta(weeks=rule.interval)
            case "MONTHLY":
                return months_later(day, rule.interval)
            case _:
                return months_later(day, 12 * rule.interval)
    except (ValueError, OverflowError):
        return None


def _anchored(rule: Rule, first: date) -> Rule:
    if rule.weekdays or rule.month_days or rule.freq == "DAILY":
        return rule
    if rule.freq == "WEEKLY":
        return replace(rule, weekdays=(Weekday(0, first.weekday()),))
    months = rule.months or ((first.month,) if rule.freq == "YEARLY" else ())
    days, positions = month_days_like(first.day, months)
    return replace(rule, months=months, month_days=days, positions=positions)


def _dates(rule: Rule, start: date) -> Iterator[date]:
    """Yield the dates of a rule from `start` on, from which its interval is counted."""
    from dateutil.rrule import rrulestr  # a command that repeats nothing does without it

    with suppress(ValueError):  # it looks beyond the last week of the year 9999
        yield from (moment.date() for moment in rrulestr(str(rule), dtstart=datetime.combine(start, time())))
