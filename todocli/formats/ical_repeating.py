"""How a VTODO repeats: its RRULE, and what of ours iCalendar has no property for.

    DTSTART;VALUE=DATE:20261123               the first date of the rule, which has to be there (RFC 5545, 3.6.2)
    RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=8        counted from the due date; COUNT has those that are left
    X-TODO-REPEAT-ON;VALUE=DATE:20261123      the date of the rule: DUE may have been put off, or DTSTART moved
    X-TODO-SERIES:0193…                       the series, by which an import knows an occurrence that it has
    X-TODO-PLACE:3                            which of its series it is, if it is not the first
    X-TODO-TIMES:10                           how many they are, beside an UNTIL
    X-TODO-AGAIN:FREQ=DAILY;INTERVAL=3        counted from completion, in place of RRULE

A rule of others is about DTSTART, in its own time zone. Ours is about the due date, which may be another day.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import BinaryIO, NamedTuple

from todocli.domain.records import Repeats
from todocli.domain.recurrence import Repetition, anchored, distance, next_occurrence
from todocli.domain.recurrence_rules import Weekday, read_rule
from todocli.formats import reading
from todocli.formats.ical_syntax import Block, blocks
from todocli.formats.ical_values import Zones, day_of, moment_of
from todocli.formats.reading import Unreadable
from todocli.formats.recurrence_fields import MAX_PLACE, number, parsed_if_valid, remaining, series
from todocli.schemas.todos import TodoRead

_UNTIL = re.compile(r"(?<=UNTIL=)\d{8}T\d{6}Z", re.IGNORECASE)
_NOT_HELD = ("EXDATE", "RDATE", "EXRULE", "RECURRENCE-ID")
"""Properties with which no rule of ours has the same dates."""


class Dates(NamedTuple):
    """The dates of a VTODO, and how it repeats; a rule may have none left."""

    due_on: date | None
    starts_on: date | None
    repeats: Repeats | None = None
    is_over: bool = False


def exceptions_of(file: BinaryIO, zones: Zones) -> Mapping[str, Set[date]]:
    """Return the days for which a file has an occurrence of its own, by the UID of the task that repeats."""
    found: dict[str, set[date]] = defaultdict(set)
    for block in blocks(file, ("VTODO",)):
        if (uid := block.text("UID")) and (day := _day(block, "RECURRENCE-ID", zones)):
            found[uid].add(day)
    return found


def _day(block: Block, name: str, zones: Zones) -> date | None:
    """Return the local day of a property, or None if there is none that is valid."""
    found = block.first(name)
    try:
        return day_of(moment_of(found, name, zones), name)[0] if found else None
    except Unreadable:
        return None


def read(
    block: Block, dates: Dates, zones: Zones, exceptions: Mapping[str, Set[date]], unheld: dict[str, str]
) -> Dates:
    """Return the dates of a VTODO with how it repeats; a rule that todo holds is taken out of `unheld`.

    Dates for which the file has an occurrence of its own are skipped.
    """
    again, own_on = block.text("X-TODO-AGAIN"), _day(block, "X-TODO-REPEAT-ON", zones)
    on = own_on or dates.due_on or dates.starts_on
    if again:
        repetition = parsed_if_valid("again", again)
        unheld |= {} if repetition else {"X-TODO-AGAIN": again}
    else:
        repetition = _ruled(block, None if own_on else on, zones)
    place = number(block.text("X-TODO-PLACE") or 1, "X-TODO-PLACE", MAX_PLACE)
    series_id = series(block.text("X-TODO-SERIES"), "X-TODO-SERIES")
    if repetition is None:
        return dates._replace(repeats=Repeats(None, None, place, series_id)) if series_id else dates
    unheld.pop("RRULE", None)
    times = repetition.times and repetition.times + place - 1
    if in_all := block.text("X-TODO-TIMES"):
        times = number(in_all, "X-TODO-TIMES")
    repetition = replace(repetition, times=times)
    found = dates._replace(repeats=Repeats(repetition, own_on, place, series_id))
    if (taken := exceptions.get(block.text("UID") or "")) and on:
        return _after(found, repetition, on, _day(block, "DTSTART", zones) or on, taken)
    return found


def _ruled(block: Block, counted: date | None, zones: Zones) -> Repetition | None:
    """Return the repetition of an RRULE, about the day `counted` unless that is None; None: it is not held."""
    rules = block.properties.get("RRULE", ())
    if len(rules) != 1 or any(block.first(name) for name in _NOT_HELD):
        return None
    first = block.first("DTSTART") or block.first("DUE")
    moment = moment_of(first, "DTSTART", zones) if first else None
    text = rules[0].text
    if isinstance(moment, datetime):
        text = _UNTIL.sub(lambda found: _local(found[0]), text)
    repetition = parsed_if_valid("every", text) if "=" in text else None
    if repetition is None or moment is None or counted is None:
        return repetition
    return _about(counted, repetition, moment.date() if isinstance(moment, datetime) else moment)


def _local(stamp: str) -> str:
    day, _ = reading.local_day(reading.parse_instant(stamp.upper(), "RRULE"))
    return f"{day:%Y%m%d}"


def _about(counted: date, repetition: Repetition, first: date) -> Repetition | None:
    """Return a repetition about the day `counted` for one about `first`; None: there is none."""
    if plain := distance(repetition, first):
        return replace(repetition, rule=str(plain))
    shift = (counted - first).days
    rule = read_rule(repetition.rule)
    if shift and (rule.freq, rule.interval) == ("WEEKLY", 1):
        days = sorted((day + shift) % 7 for _, day in rule.weekdays)
        rule = replace(rule, weekdays=tuple(Weekday(0, day) for day in days))
        return replace(repetition, rule=str(rule))
    return None if shift else repetition


def _after(dates: Dates, repetition: Repetition, on: date, first: date, taken: Set[date]) -> Dates:
    """Return the dates of the first occurrence that is not `taken`; the first of all has the day `first` for that."""
    repetition, place, moved = anchored(repetition, on), 1, timedelta()
    while first + moved in taken:
        found = next_occurrence(repetition, on + moved, completed_on=on + moved, place=place)
        if found is None:
            return dates._replace(is_over=True)
        moved, place = found.on - on, found.place
    due_on, starts_on = (day + moved if day else None for day in (dates.due_on, dates.starts_on))
    return Dates(due_on, starts_on, Repeats(repetition, on + moved, place))


def first_of(todo: TodoRead) -> date | None:
    """Return the DTSTART that the rule of a todo needs; None: it has no rule. An occurrence that is done has none."""
    if todo.repeat_on is None or todo.repeat_from != "due" or todo.completed_at:
        return None
    return min(todo.repeat_on, todo.due_on or todo.starts_on or todo.repeat_on)


def lines(todo: TodoRead) -> Iterator[str]:
    """Return the properties that say how a todo repeats, but for DTSTART; if it is done, those of its series."""
    repetition, place = todo.repetition, todo.series_place or 1
    if todo.series_id:
        yield f"X-TODO-SERIES:{todo.series_id}"
    if place > 1:
        yield f"X-TODO-PLACE:{place}"
    if repetition is None or todo.repeat_on is None or todo.completed_at:
        return
    yield _rule(todo, repetition, place)
    yield f"X-TODO-REPEAT-ON;VALUE=DATE:{reading.basic(datetime.combine(todo.repeat_on, time()))[:8]}"
    if repetition.times and (repetition.ends_on or repetition.times < place):
        yield f"X-TODO-TIMES:{repetition.times}"


def rule_of(todo: TodoRead) -> str | None:
    """Return the RRULE of an open todo that repeats from its due date; None for any other."""
    repetition = todo.repetition
    if repetition is None or repetition.mode != "due" or todo.repeat_on is None or todo.completed_at:
        return None
    return _rule(todo, repetition, todo.series_place or 1)


def _rule(todo: TodoRead, repetition: Repetition, place: int) -> str:
    """Return how a todo repeats, and its end, as one property."""
    end = ""
    if repetition.ends_on:
        # UNTIL is of the same type as DTSTART, which is a local time if there is one (3.3.10).
        last = datetime.combine(repetition.ends_on, time(23, 59, 59))
        end = f";UNTIL={reading.basic(last) if todo.due_time and repetition.mode == 'due' else f'{last:%Y%m%d}'}"
    elif repetition.times:
        end = f";COUNT={remaining(repetition, place)}"
    return f"{'RRULE' if repetition.mode == 'due' else 'X-TODO-AGAIN'}:{repetition.rule}{end}"
