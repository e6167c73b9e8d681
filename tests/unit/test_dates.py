"""Days as people type them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from time import tzset
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.terminal import Terminal
from todocli import clock
from todocli.domain.dates import MONTHS, WEEKDAYS, Day, format_day, parse_day
from todocli.errors import ValidationError

MONDAY = date(2026, 11, 23)


def at(day: date) -> datetime:
    """Return half past nine on a day."""
    return datetime.combine(day, time(9, 30, 20))


FORMS = {
    # what is typed on Monday, 23 November 2026, at half past nine, and the day that it is
    "17:00": "2026-11-23 17:00",
    "5pm": "2026-11-23 17:00",
    "5 PM": "2026-11-23 17:00",
    "9:30": "2026-11-24 09:30",
    "8am": "2026-11-24 08:00",
    "noon": "2026-11-23 12:00",
    "tonight": "2026-11-23 20:00",
    "eod": "2026-11-23 23:59",
    "2h": "2026-11-23 11:30",
    "90min": "2026-11-23 11:00",
    "in 2 hours": "2026-11-23 11:30",
    "+15min": "2026-11-23 09:45",
    "15h": "2026-11-24 00:30",
    "sow": "2026-11-30",
    "som": "2026-12-01",
    "soq": "2027-01-01",
    "soy": "2027-01-01",
    "next week": "2026-11-30",
    "next-month": "2026-12-01",
    "next year": "2027-01-01",
    "weekend": "2026-11-28",
    "+3d": "2026-11-26",
    "1st": "2026-12-01",
    "23rd": "2026-11-23",
    "15TH": "2026-12-15",
    "27th nov": "2026-11-27",
    "nov 2nd 2027": "2027-11-02",
    "2026/12/01": "2026-12-01",
    "1.12.2026": "2026-12-01",
    "1.12.": "2026-12-01",
    "22.11.": "2027-11-22",
    "fri 5 pm": "2026-11-27 17:00",
    "fri 17h30": "2026-11-27 17:30",
    "fri at noon": "2026-11-27 12:00",
    "next week 9:00": "2026-11-30 09:00",
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
    "in two weeks": "2026-12-07",
    "in a month": "2026-12-23",
    "this fri": "2026-11-27",
    "this weekend": "2026-11-28",
    "end of month": "2026-11-30",
    "end of the week": "2026-11-29",
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
    assert format_day(parse_day(text, "due", here=at(MONDAY))) == expected


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
        # a weekend begins on Saturday, and may be today
        ("2026-11-28", "weekend", "2026-11-28"),
        ("2026-11-29", "weekend", "2026-12-05"),
        ("2026-11-30", "sow", "2026-12-07"),
        ("2026-12-01", "som", "2027-01-01"),
    ],
)
def test_day_at_edge_of_rule(today: str, text: str, expected: str) -> None:
    assert format_day(parse_day(text, "due", here=at(date.fromisoformat(today)))) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "soon", "f", "m", "next", "next 3d", "fri next", "last fri", "at", "at noon", "-3d"),
        *("3 d days", "3.5d", "3dd", "d3", "99999d", "in d", "two weeks", "0th", "11st", "22th"),
        *("nov 2027", "27 28", "27 nov 27", "26-11-27", "27.11", "2026-11", "20261127", "in 5pm", "+fri", "h"),
        *("fri 13pm", "fri 0am", "fri 17", "fri noon noon", "2026-11-27T", "٣d", "²"),
        *("to\u0301dax", "today tomorrow", "eo", "so", "a" * 999, "5pm fri"),
    ],
)
def test_unknown_day_is_refused_with_examples(text: str) -> None:
    error = refused(text)
    assert error.detail == f"{text[:40]!r} is not a day."
    assert error.hint == "Write it like fri, 3d, 27 nov or fri 17:00. All forms"
    assert error.command == ("todo", "help", "dates")


def test_month_alone_is_no_day() -> None:
    error = refused("november")
    assert (error.detail, error.hint) == ("'november' is a month, not a day.", "Write a day with it, such as 1 nov.")


def refused(text: str) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        parse_day(text, "due", here=at(MONDAY))
    assert [error.field for error in caught.value.field_errors] == ["due"]
    return caught.value


@pytest.mark.parametrize(
    ("text", "detail", "hint"),
    [
        ("1/12/2026", "'1/12/2026' could be 1 December 2026 or 12 January 2026.", "Write the year first"),
        ("03/04", "'03/04' could be 3 April or 4 March.", "Write the year first"),
        ("27/11/2026", "'27/11/2026' is not a day.", "Write the year first"),
        ("99/99", "'99/99' is not a day.", "Write the year first"),
        ("every", "'every' is a repetition, not a day.", "How it repeats is another word: every:week"),
        ("every week", "'every week' is a repetition, not a day.", "How it repeats is another word: every:week"),
        ("31 nov", "'31 nov' is not a day of the calendar.", "Check the day and the month"),
        ("29 feb 2027", "'29 feb 2027' is not a day of the calendar.", "Check the day and the month"),
        ("2026-11-31", "'2026-11-31' is not a day of the calendar.", "Check the day and the month"),
        ("31.11.2026", "'31.11.2026' is not a day of the calendar.", "Check the day and the month"),
        ("32", "'32' is not a day of the calendar.", "Check the day and the month"),
        ("9999y", "'9999y' is not a day of the calendar.", "Check the day and the month"),
        ("fri 24:00", "'fri 24:00' is not a day and a time.", "Times go from 0:00 to 23:59."),
        ("fri 17:00 18:00", "'fri 17:00 18:00' is not a day and a time.", "Times go from 0:00 to 23:59."),
        ("tonight 5pm", "'tonight 5pm' is not a day.", "Did you mean tonight?"),
        ("2h 17:00", "'2h 17:00' is not a day and a time.", "Times go from 0:00"),
        ("frid", "'frid' is not a day.", "Did you mean friday?"),
        ("tommorow", "'tommorow' is not a day.", "Did you mean tomorrow?"),
    ],
)
def test_refusal_says_why(text: str, detail: str, hint: str) -> None:
    error = refused(text)
    assert error.detail == detail
    assert (error.hint or "").startswith(hint)


@pytest.mark.parametrize(
    ("clock", "text", "expected"),
    [
        ("19:59", "tonight", "20:00"),
        ("20:00", "tonight", "23:59"),
        ("17:00", "17:00", "17:00"),
        ("16:59", "5pm", "17:00"),
    ],
)
def test_time_alone_is_the_next_one(clock: str, text: str, expected: str) -> None:
    here = datetime.combine(MONDAY, time.fromisoformat(clock))
    day = parse_day(text, "due", here=here)
    assert f"{day.at:%H:%M}" == expected
    assert day.on == (MONDAY + timedelta(1) if clock == "17:00" else MONDAY)


def test_hours_are_counted_over_summer_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """In Berlin, the clock went from 2:00 to 3:00 on 28 March 2027."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    tzset()
    here = datetime(2027, 3, 28, 0, 30, tzinfo=UTC).astimezone()
    assert (here.hour, parse_day("2h", "due", here=here).at) == (1, time(4, 30))


DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
SOON = st.dates(date(1900, 1, 1), date(9000, 12, 31))
TIMES = st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(day=st.builds(Day, DAYS, TIMES), today=DAYS)
def test_written_day_reads_back_on_any_day(day: Day, today: date) -> None:
    assert parse_day(format_day(day), "due", here=at(today)) == day


@given(today=SOON, name=st.sampled_from(WEEKDAYS), short=st.booleans())
def test_weekday_is_within_next_seven_days(today: date, name: str, short: bool) -> None:
    name = name[:3] if short else name
    day = parse_day(name, "due", here=at(today)).on
    assert timedelta(1) <= day - today <= timedelta(7)
    assert f"{day:%A}".lower().startswith(name)
    after = parse_day(f"next {name}", "due", here=at(today)).on
    assert after in (day, day + timedelta(7))
    assert (after - today).days + today.weekday() in range(7, 14)


@given(today=SOON, number=st.integers(1, 31))
def test_day_of_month_is_next_one(today: date, number: int) -> None:
    day = parse_day(str(number), "due", here=at(today)).on
    assert day.day == number
    between = (today + timedelta(i) for i in range((day - today).days))
    assert all(earlier.day != number for earlier in between)


@given(today=SOON, day=st.dates(date(2028, 1, 1), date(2028, 12, 31)), order=st.booleans())
def test_day_of_year_is_next_one(today: date, day: date, order: bool) -> None:
    month = MONTHS[day.month - 1]
    found = parse_day(f"{day.day} {month}" if order else f"{month} {day.day}", "due", here=at(today)).on
    assert (found.month, found.day) == (day.month, day.day)
    assert today <= found < today.replace(year=today.year + 8, day=1) + timedelta(31)


@given(today=SOON, count=st.integers(0, 900))
def test_months_follow_calendar(today: date, count: int) -> None:
    day = parse_day(f"{count}m", "due", here=at(today)).on
    assert (day.year * 12 + day.month) - (today.year * 12 + today.month) == count
    assert day.day == today.day or (day + timedelta(1)).day == 1


def test_time_is_kept() -> None:
    assert parse_day("fri 5pm", "due", here=at(MONDAY)) == Day(date(2026, 11, 27), time(17))


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
