"""How todos repeat in iCalendar."""

from __future__ import annotations

import time as wall_clock
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given

from tests.formats.test_round_trips import repeating
from tests.support.factories import a_todo
from tests.support.formats import entries_of, record_of, written
from todocli.domain.records import LeftOut, Record, Repeats
from todocli.domain.recurrence import Repetition, next_occurrence
from todocli.schemas.todos import TodoRead

MONDAY = date(2026, 11, 23)


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    wall_clock.tzset()


def vtodo(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VTODO", "UID:u-1", "SUMMARY:Water", *lines, "END:VTODO", ""])


def calendar(*todos: str) -> str:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(todos)}END:VCALENDAR\r\n"


def record(*lines: str) -> Record:
    return record_of("ics", calendar(vtodo(*lines)))


def rule_of(*lines: str) -> tuple[str, date | None, int | None] | None:
    """Return the rule of a VTODO, and its end."""
    found = record(*lines)
    if found.repeats is None:
        return None
    assert found.unheld.keys() <= {"DTSTART"}  # its time of day
    repetition = found.repeats.repetition
    assert repetition is not None
    return repetition.rule, repetition.ends_on, repetition.times


def repeated(**fields: Any) -> TodoRead:
    whole: dict[str, Any] = {
        "rrule": "FREQ=WEEKLY;BYDAY=MO",
        "repeat_from": "due",
        "repeat_on": MONDAY,
        "due_on": MONDAY,
        "series_id": UUID(int=1),
        "series_place": 1,
    }
    return a_todo(**whole | fields)


def properties(todo: TodoRead) -> list[str]:
    """Return the lines that say when a todo is, and how it repeats."""
    names = ("DUE", "DTSTART", "RRULE", "X-TODO-")
    unfolded = written("ics", todo).replace("\r\n ", "")
    lines = [line for line in unfolded.split("\r\n") if line.startswith(names)]
    assert f"X-TODO-SERIES:{todo.series_id}" in lines
    return [line for line in lines if not line.startswith("X-TODO-SERIES")]


# In


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        (("DTSTART;VALUE=DATE:20261123", "DUE;VALUE=DATE:20261123", "RRULE:FREQ=DAILY"), ("FREQ=DAILY", None, None)),
        (("DUE;VALUE=DATE:20261123", "RRULE:FREQ=MONTHLY;INTERVAL=2"), ("FREQ=MONTHLY;INTERVAL=2", None, None)),
        (("RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=3",), ("FREQ=WEEKLY;BYDAY=TU", None, 3)),
        (
            ("DTSTART:20261123T170000", "RRULE:FREQ=DAILY;UNTIL=20270101T170000"),
            ("FREQ=DAILY", date(2027, 1, 1), None),
        ),
        (
            ("DTSTART;TZID=Europe/Berlin:20261123T003000", "RRULE:FREQ=DAILY;UNTIL=20261231T233000Z"),
            ("FREQ=DAILY", date(2027, 1, 1), None),
        ),
        (
            ("DTSTART;VALUE=DATE:20261123", "RRULE:FREQ=DAILY;UNTIL=20261231T233000Z"),
            ("FREQ=DAILY", date(2026, 12, 31), None),
        ),
        (("RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",), None),
    ],
    ids=["daily", "plain", "count", "until", "until in UTC", "until of days", "last workday"],
)
def test_rule_is_read_with_its_end(lines: tuple[str, ...], rule: Any) -> None:
    assert rule_of(*lines) == (rule or ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", None, None))


@pytest.mark.parametrize(
    "lines",
    [
        ("RRULE:FREQ=HOURLY",),
        ("RRULE:FREQ=DAILY;BYHOUR=9",),
        ("RRULE:FREQ=MONTHLY;BYSETPOS=1",),
        ("RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY"),
        ("RRULE:FREQ=DAILY", "EXDATE;VALUE=DATE:20261124"),
        ("RRULE:FREQ=DAILY", "RDATE;VALUE=DATE:20261124"),
        ("RRULE:FREQ=DAILY", "RECURRENCE-ID;VALUE=DATE:20261124"),
        ("RRULE:whenever",),
        ("RRULE:daily",),
    ],
    ids=" ".join,
)
def test_rule_that_is_not_ours_is_not_held(lines: tuple[str, ...]) -> None:
    found = record("DUE;VALUE=DATE:20261123", *lines)
    assert (found.repeats, "RRULE" in found.unheld, found.due_on) == (None, True, MONDAY)


@pytest.mark.parametrize(
    ("lines", "rule"),
    [
        (("DTSTART;VALUE=DATE:20261120", "DUE;VALUE=DATE:20261123", "RRULE:FREQ=WEEKLY;BYDAY=FR"), "FREQ=WEEKLY"),
        (
            ("DTSTART;VALUE=DATE:20261120", "DUE;VALUE=DATE:20261123", "RRULE:FREQ=MONTHLY;BYMONTHDAY=20"),
            "FREQ=MONTHLY",
        ),
        (
            ("DTSTART;VALUE=DATE:20261120", "DUE;VALUE=DATE:20261123", "RRULE:FREQ=WEEKLY;BYDAY=MO,FR"),
            "FREQ=WEEKLY;BYDAY=MO,TH",
        ),
        (
            ("DUE;TZID=America/Chicago:20261122T200000", "RRULE:FREQ=WEEKLY;BYDAY=SU,WE"),
            "FREQ=WEEKLY;BYDAY=MO,TH",
        ),
        (("DTSTART;VALUE=DATE:20261120", "DUE;VALUE=DATE:20261123", "RRULE:FREQ=MONTHLY;BYDAY=3FR"), None),
    ],
    ids=["weekly", "monthly", "two days", "zone", "third Friday"],
)
def test_rule_about_the_start_becomes_one_about_the_due_date(lines: tuple[str, ...], rule: str | None) -> None:
    found = record(*lines)
    assert found.due_on == MONDAY
    repetition = found.repeats and found.repeats.repetition
    assert (repetition and repetition.rule) == rule


def test_occurrence_that_is_done_is_a_todo_and_the_task_goes_on_after_it() -> None:
    master = vtodo("DTSTART;TZID=Europe/Berlin:20261123T170000", "RRULE:FREQ=DAILY;COUNT=9")
    over = vtodo(
        "RECURRENCE-ID;TZID=Europe/Berlin:20261123T170000",
        "DTSTART;TZID=Europe/Berlin:20261123T170000",
        "STATUS:COMPLETED",
    )
    later = vtodo("RECURRENCE-ID:20261124T160000Z", "DUE:20261130T160000Z")
    for order in ((master, over, later), (later, over, master)):
        found = [each for each in entries_of("ics", calendar(*order)) if isinstance(each, Record)]
        open_one = next(each for each in found if each.repeats)
        assert open_one.repeats == Repeats(Repetition("FREQ=DAILY", times=9), date(2026, 11, 25), 3)
        assert open_one.starts_on == date(2026, 11, 25)
        assert {(each.is_completed, each.due_on or each.starts_on) for each in found if not each.repeats} == {
            (True, MONDAY),
            (False, date(2026, 11, 30)),
        }


def test_recurring_task_with_only_separate_occurrences_is_left_out() -> None:
    master = vtodo("DUE;VALUE=DATE:20261123", "RRULE:FREQ=DAILY;COUNT=1")
    over = vtodo("RECURRENCE-ID;VALUE=DATE:20261123", "DUE;VALUE=DATE:20261123", "STATUS:COMPLETED")
    first, second = entries_of("ics", calendar(master, over))
    assert first == LeftOut("line 3", "recurring tasks whose occurrences are all separate tasks")
    assert isinstance(second, Record)
    assert second.is_completed


# Out


def test_rule_is_written_with_its_start_and_the_number_that_is_left() -> None:
    assert properties(repeated(times=10, series_place=3)) == [
        "DUE;VALUE=DATE:20261123",
        "DTSTART;VALUE=DATE:20261123",
        "X-TODO-PLACE:3",
        "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=8",
        "X-TODO-REPEAT-ON;VALUE=DATE:20261123",
    ]


def test_end_is_of_the_type_of_the_start() -> None:
    end = date(2027, 1, 1)
    assert "RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20270101" in properties(repeated(ends_on=end))
    lines = properties(repeated(ends_on=end, due_time=time(17)))
    assert lines[:3] == [
        "DUE:20261123T170000",
        "DTSTART:20261123T000000",
        "RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20270101T235959",
    ]


def test_date_that_was_put_off_starts_on_that_of_the_rule() -> None:
    assert properties(repeated(due_on=date(2026, 11, 25), starts_on=date(2026, 11, 20))) == [
        "DUE;VALUE=DATE:20261125",
        "DTSTART;VALUE=DATE:20261123",
        "X-TODO-START;VALUE=DATE:20261120",
        "RRULE:FREQ=WEEKLY;BYDAY=MO",
        "X-TODO-REPEAT-ON;VALUE=DATE:20261123",
    ]


def test_what_counts_from_completion_has_no_rule() -> None:
    lines = properties(repeated(rrule="FREQ=DAILY;INTERVAL=3", repeat_from="completion"))
    assert lines == [
        "DUE;VALUE=DATE:20261123",
        "X-TODO-AGAIN:FREQ=DAILY;INTERVAL=3",
        "X-TODO-REPEAT-ON;VALUE=DATE:20261123",
    ]


def test_occurrence_that_is_done_has_no_rule_but_its_series() -> None:
    todo = repeated(state="done", series_place=2)
    assert properties(todo) == ["DUE;VALUE=DATE:20261123", "X-TODO-PLACE:2"]
    assert record_of("ics", written("ics", todo)).repeats == Repeats(None, None, 2, todo.series_id)


@given(repeating(lengths=(), is_regular=True))
def test_other_programs_find_the_same_dates(todo: TodoRead) -> None:
    repetition = todo.repetition
    assert repetition is not None
    assert todo.repeat_on is not None
    assert todo.series_place is not None
    lines = dict(line.split(":", 1) for line in properties(todo))
    start = next(value for name, value in lines.items() if name.startswith("DTSTART"))
    dates = rrulestr(lines["RRULE"], dtstart=datetime.fromisoformat(start))
    assert dates[0].date() == todo.repeat_on
    ours: list[date] = []
    on, place = todo.repeat_on, todo.series_place
    while len(ours) < 5 and (found := next_occurrence(repetition, on, completed_on=on, place=place)):
        on, place = found.on, found.place
        ours.append(on)
    day_after = datetime.combine(todo.repeat_on + timedelta(days=1), time())
    assert [moment.date() for moment in islice(dates.xafter(day_after, inc=True), 5)] == ours
