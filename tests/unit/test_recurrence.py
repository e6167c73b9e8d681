"""Which date follows which, by a rule or after completion."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from dateutil import rrule
from hypothesis import given
from hypothesis import strategies as st

from todocli.domain.recurrence import Next, Repetition, anchored, first_date, next_occurrence, upcoming
from todocli.domain.recurrence_words import parse_again, parse_every

LAST = date.max


def day(text: str) -> date:
    return date.fromisoformat(text)


def every(text: str, first: str) -> Repetition:
    return anchored(parse_every(text), day(first))


def following(repetition: Repetition, first: str, count: int, place: int = 1) -> list[str]:
    """Return the next dates of a series, each occurrence being completed on the day on which it is due."""
    since = day(first)
    found = upcoming(repetition, since, since=since, until=LAST, place=place, limit=count)
    return [occurrence.on.isoformat() for occurrence in found]


def after(
    repetition: Repetition, scheduled: str, completed_on: str, *, place: int = 1, due_was: str | None = None
) -> Next | None:
    """Return what follows the completion of an occurrence."""
    due = day(due_was) if due_was else None
    return next_occurrence(repetition, day(scheduled), completed_on=day(completed_on), place=place, due_was=due)


@pytest.mark.parametrize(
    ("text", "first", "expected"),
    [
        ("day", "2026-11-30", ["2026-12-01", "2026-12-02"]),
        ("10d", "2026-12-28", ["2027-01-07", "2027-01-17"]),
        ("week", "2026-11-27", ["2026-12-04", "2026-12-11"]),
        ("2w", "2026-11-27", ["2026-12-11", "2026-12-25"]),
        ("mon,thu", "2026-11-23", ["2026-11-26", "2026-11-30", "2026-12-03"]),
        ("2w on mon,thu", "2026-11-23", ["2026-11-26", "2026-12-07", "2026-12-10"]),
        ("2w on mon,thu", "2026-11-26", ["2026-12-07", "2026-12-10", "2026-12-21"]),
        ("2w on sun,mon", "2026-11-29", ["2026-12-07", "2026-12-13", "2026-12-21"]),
        ("weekday", "2026-11-26", ["2026-11-27", "2026-11-30"]),
        ("weekend", "2026-11-28", ["2026-11-29", "2026-12-05"]),
        ("month", "2026-11-15", ["2026-12-15", "2027-01-15"]),
        ("quarter", "2026-11-15", ["2027-02-15", "2027-05-15"]),
        ("3 months on 15", "2026-11-15", ["2027-02-15", "2027-05-15"]),
        ("month on 1,15", "2026-11-15", ["2026-12-01", "2026-12-15"]),
        ("month on first mon", "2026-12-07", ["2027-01-04", "2027-02-01"]),
        ("month on 2nd tue", "2026-12-08", ["2027-01-12", "2027-02-09"]),
        ("month on last fri", "2026-11-27", ["2026-12-25", "2027-01-29"]),
        ("month on last weekday", "2026-11-30", ["2026-12-31", "2027-01-29"]),
        ("year", "2026-12-24", ["2027-12-24", "2028-12-24"]),
        ("year on 24 dec", "2026-11-24", ["2026-12-24", "2027-12-24"]),
        # where a month has no such day, it is the last
        ("month", "2027-01-31", ["2027-02-28", "2027-03-31", "2027-04-30"]),
        ("month", "2027-01-30", ["2027-02-28", "2027-03-30", "2027-04-30"]),
        ("month", "2028-01-29", ["2028-02-29", "2028-03-29"]),
        ("month", "2027-01-29", ["2027-02-28", "2027-03-29"]),
        ("month on 31", "2027-04-30", ["2027-05-31", "2027-06-30"]),
        ("month on last", "2028-01-31", ["2028-02-29", "2028-03-31"]),
        ("month on 15,31", "2027-01-31", ["2027-02-15", "2027-02-28", "2027-03-15", "2027-03-31"]),
        ("month on 28,31", "2027-01-31", ["2027-02-28", "2027-03-28", "2027-03-31"]),
        ("quarter", "2026-11-30", ["2027-02-28", "2027-05-30"]),
        ("year", "2028-02-29", ["2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"]),
        ("4y", "2096-02-29", ["2100-02-28", "2104-02-29"]),  # 2100 is no leap year
        # a first date that the rule does not have
        ("mon,thu", "2026-11-24", ["2026-11-26", "2026-11-30"]),
        ("month on 31", "2026-11-27", ["2026-11-30", "2026-12-31"]),
        # a rule with the meaning that RFC 5545 gives it
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2027-01-31", ["2027-03-31", "2027-05-31"]),
        ("FREQ=YEARLY;BYMONTH=1,7", "2026-07-31", ["2027-01-31", "2027-07-31"]),
        ("FREQ=YEARLY;BYMONTH=1,2", "2027-01-31", ["2027-02-28", "2028-01-31", "2028-02-29"]),
        ("FREQ=YEARLY;BYDAY=4TH;BYMONTH=11", "2026-11-26", ["2027-11-25", "2028-11-23"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,MO;WKST=SU", "2026-11-29", ["2026-11-30", "2026-12-13"]),
        ("FREQ=DAILY;BYMONTH=1", "2027-01-30", ["2027-01-31", "2028-01-01"]),
        # the end of the calendar
        ("day", "9999-12-30", ["9999-12-31"]),
        ("sun", "9999-12-19", ["9999-12-26"]),
        ("mon,sun", "9999-12-27", []),
        ("week", "9999-12-31", []),
        ("month", "9999-12-31", []),
        ("2y", "9998-12-31", []),
    ],
)
def test_dates_follow_rule(text: str, first: str, expected: list[str]) -> None:
    assert following(every(text, first), first, max(len(expected), 1)) == expected


@pytest.mark.parametrize(
    ("text", "completed_on", "expected"),
    [
        ("3d", "2026-11-30", "2026-12-03"),
        ("2 weeks", "2026-11-30", "2026-12-14"),
        ("month", "2027-01-31", "2027-02-28"),
        ("1y", "2028-02-29", "2029-02-28"),
    ],
)
@pytest.mark.parametrize("scheduled", ["2026-01-05", "2028-12-31"], ids=["late", "early"])
def test_length_counts_from_completion(text: str, completed_on: str, expected: str, scheduled: str) -> None:
    repetition = anchored(parse_again(text), day(scheduled))
    assert after(repetition, scheduled, completed_on, place=4) == Next(day(expected), 5, 0)


@pytest.mark.parametrize("text", ["day", "week", "month", "1000y"])
def test_completion_at_end_of_calendar_ends_series(text: str) -> None:
    assert after(parse_again(text), "2026-11-30", "9999-12-31") is None


@pytest.mark.parametrize(
    ("text", "scheduled", "completed_on", "expected", "skipped"),
    [
        ("day", "2026-11-27", "2026-11-27", "2026-11-28", 0),
        ("day", "2026-11-27", "2026-11-28", "2026-11-28", 0),
        ("day", "2026-11-27", "2026-11-30", "2026-11-30", 2),
        ("day", "2016-11-30", "2026-11-30", "2026-11-30", 3651),
        ("mon,thu", "2026-11-16", "2026-11-27", "2026-11-30", 3),
        ("2w", "2026-11-02", "2026-11-17", "2026-11-30", 1),
        ("month on 31", "2026-08-31", "2026-11-30", "2026-11-30", 2),
        # completed before it was due
        ("day", "2026-11-27", "2026-11-20", "2026-11-28", 0),
        ("month", "2026-11-27", "2026-11-01", "2026-12-27", 0),
    ],
)
def test_dates_that_have_passed_are_skipped(
    text: str, scheduled: str, completed_on: str, expected: str, skipped: int
) -> None:
    assert after(every(text, scheduled), scheduled, completed_on) == Next(day(expected), 2, skipped)


@pytest.mark.parametrize(
    ("text", "due_was", "completed_on", "expected", "skipped"),
    [
        ("mon", "2026-11-25", "2026-11-25", "2026-11-30", 0),
        ("mon", "2026-11-30", "2026-11-30", "2026-12-07", 0),
        ("mon", "2026-12-01", "2026-11-24", "2026-12-07", 0),
        ("day", "2026-11-26", "2026-11-28", "2026-11-28", 1),
        ("mon", "2026-11-20", "2026-11-20", "2026-11-30", 0),
        ("2w on mon", "2026-11-27", "2026-11-27", "2026-12-07", 0),
    ],
    ids=["within", "to-next", "beyond-next", "late", "brought-forward", "keeps-interval"],
)
def test_moved_due_date_is_not_due_again(
    text: str, due_was: str, completed_on: str, expected: str, skipped: int
) -> None:
    found = after(every(text, "2026-11-23"), "2026-11-23", completed_on, due_was=due_was)
    assert found == Next(day(expected), 2, skipped)


@pytest.mark.parametrize("repetition", [parse_every("day"), parse_again("day")], ids=["every", "again"])
def test_series_ends_on_its_last_date(repetition: Repetition) -> None:
    ending = replace(repetition, ends_on=day("2026-12-02"))
    assert following(ending, "2026-11-30", 9) == ["2026-12-01", "2026-12-02"]
    assert after(ending, "2026-12-02", "2026-12-02") is None
    assert after(ending, "2026-11-01", "2026-12-03") is None


@pytest.mark.parametrize("repetition", [parse_every("day"), parse_again("day")], ids=["every", "again"])
def test_series_has_so_many_occurrences(repetition: Repetition) -> None:
    assert following(replace(repetition, times=3), "2026-11-30", 9) == ["2026-12-01", "2026-12-02"]
    assert following(replace(repetition, times=3), "2026-11-30", 9, place=3) == []


def test_skipped_dates_are_no_occurrences() -> None:
    repetition = replace(parse_every("day"), times=3)
    assert after(repetition, "2026-11-01", "2026-11-30", place=2) == Next(day("2026-11-30"), 3, 28)


@pytest.mark.parametrize(
    ("text", "on", "expected"),
    [
        ("day", "2026-11-30", "2026-11-30"),
        ("3 months", "2026-11-30", "2026-11-30"),
        ("mon,thu", "2026-11-30", "2026-11-30"),
        ("mon,thu", "2026-12-01", "2026-12-03"),
        ("2w on mon", "2026-12-02", "2026-12-07"),
        ("3 months on 15", "2026-11-30", "2026-12-15"),
        ("month on 31", "2027-02-28", "2027-02-28"),
        ("year on 29 feb", "2026-11-30", "2027-02-28"),
        ("FREQ=YEARLY;BYMONTH=2", "2026-01-31", "2026-02-28"),
        ("FREQ=MONTHLY;BYMONTH=4", "2026-01-31", "2026-04-30"),
    ],
)
def test_first_date_is_today_or_next(text: str, on: str, expected: str) -> None:
    assert first_date(parse_every(text), day(on)) == day(expected)


def test_first_date_counted_from_completion_is_today() -> None:
    assert first_date(parse_again("3d"), day("2026-11-30")) == day("2026-11-30")


def test_first_date_after_end_is_none() -> None:
    assert first_date(replace(parse_every("mon"), ends_on=day("2026-12-06")), day("2026-12-01")) is None
    assert first_date(parse_every("year on 1 jan"), date.max) is None


def test_overdue_occurrence_counts_as_completed_today() -> None:
    found = upcoming(parse_every("day"), day("2026-11-20"), since=day("2026-11-30"), until=day("2026-12-02"), place=7)
    assert list(found) == [
        Next(day("2026-11-30"), 8, 9),
        Next(day("2026-12-01"), 9, 0),
        Next(day("2026-12-02"), 10, 0),
    ]


def test_overdue_occurrence_counts_from_today() -> None:
    found = upcoming(parse_again("3d"), day("2026-11-20"), since=day("2026-11-30"), until=day("2026-12-07"), place=1)
    assert [occurrence.on for occurrence in found] == [day("2026-12-03"), day("2026-12-06")]


@pytest.mark.parametrize(("text", "first"), [("mon", "2026-12-07"), ("3d", "2026-12-05")])
def test_upcoming_follows_due_date_that_was_put_off(text: str, first: str) -> None:
    repetition = parse_again(text) if text == "3d" else parse_every(text)
    due = day("2026-12-02")
    found = upcoming(repetition, day("2026-11-23"), since=day("2026-11-24"), until=LAST, place=1, limit=1, due_was=due)
    assert [occurrence.on for occurrence in found] == [day(first)]


def test_interval_without_a_date_ends_series() -> None:
    """A leap year is never an odd year."""
    repetition = every("FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", "2027-03-01")
    assert after(repetition, "2027-03-01", "2027-03-01") is None


def test_anchored_rule_is_anchored_once() -> None:
    repetition = every("month", "2027-01-31")
    assert anchored(repetition, day("2027-02-28")) == repetition


FIRST = st.dates(date(1900, 1, 1), date(2200, 12, 31))
INTERVAL = st.integers(1, 30)
WEEKDAYS = st.sets(st.integers(0, 6), min_size=1)
CODES = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def _listed(numbers: set[int]) -> str:
    return ",".join(map(str, numbers))


def _codes(days: set[int]) -> str:
    return ",".join(CODES[each] for each in days)


@st.composite
def rules(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Return a rule as text, and the arguments with which dateutil is asked for the same."""
    interval, days = draw(INTERVAL), draw(WEEKDAYS)
    numbers = {draw(st.integers(1, 28)), *draw(st.sets(st.integers(-31, -1) | st.integers(1, 31), max_size=3))}
    months = draw(st.sets(st.integers(1, 12), min_size=1, max_size=3))
    nth = draw(st.sampled_from([1, 2, 3, 4, -1, -2]))
    place = draw(st.sampled_from([1, -1]))
    choices: list[tuple[str, dict[str, Any]]] = [
        (f"FREQ=DAILY;INTERVAL={interval}", {"freq": rrule.DAILY, "interval": interval}),
        (f"FREQ=DAILY;BYMONTH={_listed(months)}", {"freq": rrule.DAILY, "bymonth": months}),
        (f"FREQ=WEEKLY;INTERVAL={interval}", {"freq": rrule.WEEKLY, "interval": interval}),
        (
            f"BYDAY={_codes(days)};FREQ=WEEKLY;INTERVAL={interval}",
            {"freq": rrule.WEEKLY, "interval": interval, "byweekday": days},
        ),
        (
            f"FREQ=WEEKLY;INTERVAL={interval};BYDAY={_codes(days)};WKST=SU",
            {"freq": rrule.WEEKLY, "interval": interval, "byweekday": days, "wkst": rrule.SU},
        ),
        (
            f"FREQ=MONTHLY;BYMONTHDAY={_listed(numbers)};INTERVAL={interval}",
            {"freq": rrule.MONTHLY, "interval": interval, "bymonthday": numbers},
        ),
        (
            f"FREQ=MONTHLY;BYDAY={','.join(f'{nth}{CODES[each]}' for each in days)}",
            {"freq": rrule.MONTHLY, "byweekday": [rrule.weekday(each, nth) for each in days]},
        ),
        (
            f"FREQ=MONTHLY;INTERVAL={interval};BYDAY={_codes(days)};BYSETPOS={place}",
            {"freq": rrule.MONTHLY, "interval": interval, "byweekday": days, "bysetpos": place},
        ),
        (
            f"FREQ=YEARLY;BYMONTH={_listed(months)};BYDAY={nth}MO",
            {"freq": rrule.YEARLY, "bymonth": months, "byweekday": rrule.MO(nth)},
        ),
        (
            f"FREQ=YEARLY;BYDAY={_codes(days)};BYMONTHDAY={_listed(numbers)}",
            {"freq": rrule.YEARLY, "byweekday": days, "bymonthday": numbers},
        ),
        (f"FREQ=MONTHLY;INTERVAL={interval}", {"freq": rrule.MONTHLY, "interval": interval}),
        (f"FREQ=YEARLY;INTERVAL={interval}", {"freq": rrule.YEARLY, "interval": interval}),
        (f"FREQ=YEARLY;BYMONTH={_listed(months)}", {"freq": rrule.YEARLY, "bymonth": months}),
        (f"FREQ=YEARLY;BYDAY={nth * 10}TU", {"freq": rrule.YEARLY, "byweekday": rrule.TU(nth * 10)}),
    ]
    chosen: tuple[str, dict[str, Any]] = draw(st.sampled_from(choices))
    return chosen


def dates_of_dateutil(first: date, arguments: dict[str, Any]) -> Iterator[date]:
    """Yield what dateutil has after the first date."""
    found = rrule.rrule(dtstart=datetime(first.year, first.month, first.day), **arguments)
    return (moment.date() for moment in found if moment.date() > first)


@given(rule=rules(), first=FIRST.filter(lambda first: first.day <= 28))
def test_dates_are_those_of_rfc_5545(rule: tuple[str, dict[str, Any]], first: date) -> None:
    text, arguments = rule
    expected = list(islice(dates_of_dateutil(first, arguments), 12))
    found = upcoming(anchored(parse_every(text), first), first, since=first, until=LAST, place=1, limit=12)
    assert [occurrence.on for occurrence in found] == expected


@given(rule=rules(), first=FIRST.filter(lambda first: first.day <= 28), late=st.integers(-400, 4000))
def test_catching_up_skips_what_lies_between(rule: tuple[str, dict[str, Any]], first: date, late: int) -> None:
    text, arguments = rule
    completed_on, skipped = first + timedelta(late), 0
    for on in dates_of_dateutil(first, arguments):
        if on >= completed_on:
            break
        skipped += 1
    repetition = anchored(parse_every(text), first)
    assert next_occurrence(repetition, first, completed_on=completed_on, place=1) == Next(on, 2, skipped)


@given(first=FIRST, interval=INTERVAL)
def test_every_month_has_its_day_or_last_day(first: date, interval: int) -> None:
    repetition = anchored(parse_every(f"{interval}m"), first)
    found = upcoming(repetition, first, since=first, until=LAST, place=1, limit=30)
    for number, (on, place, _) in enumerate(found, 1):
        assert (on.year * 12 + on.month) - (first.year * 12 + first.month) == number * interval
        assert on.day == first.day or (on.day < first.day and (on + timedelta(1)).day == 1)
        assert place == number + 1


@given(first=FIRST, interval=INTERVAL)
def test_every_year_has_its_day_or_last_of_february(first: date, interval: int) -> None:
    repetition = anchored(parse_every(f"{interval}y"), first)
    found = upcoming(repetition, first, since=first, until=LAST, place=1, limit=9)
    for number, (on, _, _) in enumerate(found, 1):
        assert (on.year - first.year, on.month) == (number * interval, first.month)
        assert on.day == first.day or (first.day, on.day, (on + timedelta(1)).day) == (29, 28, 1)


@given(rule=rules(), on=st.dates())
def test_first_date_is_on_rule(rule: tuple[str, dict[str, Any]], on: date) -> None:
    repetition = parse_every(rule[0])
    first = first_date(repetition, on)
    if first is not None and first > date.min:
        assert first >= on
        assert first_date(anchored(repetition, first), first) == first


@pytest.mark.slow
def test_words_need_no_dateutil() -> None:
    """A command that repeats nothing does not pay for its import, nor a list that shows what repeats."""
    program = """
import sys
from todocli.domain.recurrence import anchored
from todocli.domain.recurrence_phrases import sentence, short
from todocli.domain.recurrence_words import parse_every
print(short(parse_every("month on 31")), sentence(parse_every("mon")), "dateutil" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "month on 31 every Monday False\n"
