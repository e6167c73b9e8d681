"""Days as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.terminal import Terminal
from todocli import clock
from todocli.domain.dates import MONTHS, WEEKDAYS, Day, format_day, parse_day
from todocli.errors import ValidationError

MONDAY = date(2026, 11, 23)

FORMS = {
    # what is typed on Monday, 23 November 2026, and the day that it is
    "today": "2026-11-23",
    "tomorrow": "2026-11-24",
    "next-fri": "2026-12-04",
    "in-3-days": "2026-11-26",
    "27-nov": "2026-11-27",
    "nov-27-2027": "2027-11-27",
    "tom": "2026-11-24",
    "yesterday": "2026-11-22",
    "tue": "2026-11-24",
    "tues": "2026-11-24",
    "Tuesday": "2026-11-24",
    "wed": "2026-11-25",
    "thu": "2026-11-26",
    "thur": "2026-11-26",
    "thurs": "2026-11-26",
    "FRI": "2026-11-27",
    "sat": "2026-11-28",
    "sunday": "2026-11-29",
    "mon": "2026-11-30",
    "next mon": "2026-11-30",
    "next fri": "2026-12-04",
    "next  Sunday": "2026-12-06",
    "in 3 days": "2026-11-26",
    "in 1 day": "2026-11-24",
    "3 days": "2026-11-26",
    "in 2 weeks": "2026-12-07",
    "in 1 month": "2026-12-23",
    "in 2 years": "2028-11-23",
    "0d": "2026-11-23",
    "3d": "2026-11-26",
    "2w": "2026-12-07",
    "1m": "2026-12-23",
    "14m": "2028-01-23",
    "1y": "2027-11-23",
    "eow": "2026-11-29",
    "eom": "2026-11-30",
    "eoq": "2026-12-31",
    "eoy": "2026-12-31",
    "27": "2026-11-27",
    "23": "2026-11-23",
    "22": "2026-12-22",
    "31": "2026-12-31",
    "27 nov": "2026-11-27",
    "nov 27": "2026-11-27",
    "23 november": "2026-11-23",
    "22 nov": "2027-11-22",
    "1 sept": "2027-09-01",
    "may 3": "2027-05-03",
    "29 feb": "2028-02-29",
    "27 nov 2027": "2027-11-27",
    "nov 27 2027": "2027-11-27",
    "1 jan 2020": "2020-01-01",
    "2026-11-27": "2026-11-27",
    "2020-02-29": "2020-02-29",
    "fri 17:00": "2026-11-27 17:00",
    "fri 7:05": "2026-11-27 07:05",
    "tomorrow 5pm": "2026-11-24 17:00",
    "tomorrow 12am": "2026-11-24 00:00",
    "tomorrow 12pm": "2026-11-24 12:00",
    "27 5:30pm": "2026-11-27 17:30",
    "nov 27 2027 noon": "2027-11-27 12:00",
    "in 3 days 23:59": "2026-11-26 23:59",
    "2026-11-27 0:00": "2026-11-27 00:00",
}


@pytest.mark.parametrize(("text", "expected"), FORMS.items(), ids=list(FORMS))
def test_typed_day_is_understood(text: str, expected: str) -> None:
    assert format_day(parse_day(text, "due", today=MONDAY)) == expected


@pytest.mark.parametrize(
    ("today", "text", "expected"),
    [
        # what a month does not have is its last day; what a month does not have by name is skipped
        ("2027-01-31", "1m", "2027-02-28"),
        ("2027-01-31", "in 13 months", "2028-02-29"),
        ("2028-02-29", "1y", "2029-02-28"),
        ("2027-01-31", "31", "2027-01-31"),
        ("2027-02-01", "31", "2027-03-31"),
        ("2027-01-30", "30", "2027-01-30"),
        ("2027-01-31", "30", "2027-03-30"),
        ("2097-03-01", "29 feb", "2104-02-29"),  # 2100 is no leap year
        # the end of what today ends is today
        ("2026-11-29", "eow", "2026-11-29"),
        ("2026-11-30", "eom", "2026-11-30"),
        ("2026-12-31", "eoq", "2026-12-31"),
        ("2026-02-10", "eoq", "2026-03-31"),
        ("2028-02-10", "eom", "2028-02-29"),
        # a weekday is never today
        ("2026-11-29", "sun", "2026-12-06"),
        ("2026-11-29", "next sun", "2026-12-06"),
        ("2026-11-29", "next mon", "2026-11-30"),
        ("2026-12-31", "tomorrow", "2027-01-01"),
    ],
)
def test_day_at_edge_of_rule(today: str, text: str, expected: str) -> None:
    assert format_day(parse_day(text, "due", today=date.fromisoformat(today))) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "soon", "frid", "f", "m", "next", "next week", "next 3d", "fri next", "last fri", "this fri"),
        *("3", "+3d", "-3d", "3 d days", "3.5d", "3dd", "d3", "99999d", "in d", "in three days", "two weeks")[1:],
        *("0", "32", "-1", "31 nov", "30 feb", "29 feb 2027", "nov", "nov 2027", "27 28", "27 nov 27", "0 nov"),
        *("2026-11-31", "2026-13-01", "26-11-27", "2026/11/27", "11/27", "27.11.", "27.11.2026", "2026-11", "20261127"),
        *(
            "17:00",
            "5pm",
            "noon",
            "fri 24:00",
            "fri 17:60",
            "fri 13pm",
            "fri 0am",
            "fri 17",
            "fri 5 pm",
            "fri 17:00 18:00",
        ),
        *(
            "fri 17:00 18:00",
            "9999y",
            "2026-11-27T",
            "٣d",
            "²",
            "to\u0301day",
            "today tomorrow",
            "eo",
            "eod",
            "some day",
            "a" * 999,
        ),
    ],
)
def test_unknown_day_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValidationError, match="is not a day") as caught:
        parse_day(text, "due", today=MONDAY)
    assert caught.value.command == ("todo", "help", "dates")
    assert [error.field for error in caught.value.field_errors] == ["due"]
    assert len(caught.value.detail) < 70


DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
SOON = st.dates(date(1900, 1, 1), date(9000, 12, 31))
TIMES = st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(day=st.builds(Day, DAYS, TIMES), today=DAYS)
def test_written_day_reads_back_on_any_day(day: Day, today: date) -> None:
    assert parse_day(format_day(day), "due", today=today) == day


@given(today=SOON, name=st.sampled_from(WEEKDAYS), short=st.booleans())
def test_weekday_is_within_next_seven_days(today: date, name: str, short: bool) -> None:
    name = name[:3] if short else name
    day = parse_day(name, "due", today=today).on
    assert timedelta(1) <= day - today <= timedelta(7)
    assert f"{day:%A}".lower().startswith(name)
    after = parse_day(f"next {name}", "due", today=today).on
    assert after in (day, day + timedelta(7))
    assert (after - today).days + today.weekday() in range(7, 14)


@given(today=SOON, number=st.integers(1, 31))
def test_day_of_month_is_next_one(today: date, number: int) -> None:
    day = parse_day(str(number), "due", today=today).on
    assert day.day == number
    between = (today + timedelta(i) for i in range((day - today).days))
    assert all(earlier.day != number for earlier in between)


@given(today=SOON, day=st.dates(date(2028, 1, 1), date(2028, 12, 31)), order=st.booleans())
def test_day_of_year_is_next_one(today: date, day: date, order: bool) -> None:
    month = MONTHS[day.month - 1]
    found = parse_day(f"{day.day} {month}" if order else f"{month} {day.day}", "due", today=today).on
    assert (found.month, found.day) == (day.month, day.day)
    assert today <= found < today.replace(year=today.year + 8, day=1) + timedelta(31)


@given(today=SOON, count=st.integers(0, 900))
def test_months_follow_calendar(today: date, count: int) -> None:
    day = parse_day(f"{count}m", "due", today=today).on
    assert (day.year * 12 + day.month) - (today.year * 12 + today.month) == count
    assert day.day == today.day or (day + timedelta(1)).day == 1


def test_time_is_kept() -> None:
    assert parse_day("fri 5pm", "due", today=MONDAY) == Day(date(2026, 11, 27), time(17))


@pytest.mark.parametrize("moment", [datetime(9999, 12, 31, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)])
def test_impossible_clock_is_reported(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: object = None) -> Any:
            return moment

    todo = Terminal(monkeypatch)
    todo.ok("add a due:today")
    monkeypatch.setattr(clock, "datetime", Wrong)
    for line in ("add b due:tomorrow", "list", "done 1", "log --since 2d", "token create t --expires 90d", "purge"):
        ran = todo(line)
        assert (ran.code, ran.out) == (1, ""), line
        assert ran.err.startswith(f"error: The clock of this machine says {moment:%Y-%m-%d}."), line
        assert "It is not known" not in ran.err
