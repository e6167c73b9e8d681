"""iCalendar."""

from __future__ import annotations

import io
import time as wall_clock
from datetime import UTC, date, datetime, time
from typing import Any

import icalendar
import pytest

from tests.support.factories import NOON, a_todo
from tests.support.formats import entries_of, fault_of, record_of, written
from todocli.domain.records import Fault, LeftOut, Record, RecordNote
from todocli.errors import ValidationError
from todocli.formats import ics, reading
from todocli.schemas.exports import TodoLeaving
from todocli.schemas.todos import NoteRead

CUSTOM_ZONE = """BEGIN:VTIMEZONE
TZID:Office
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0300
TZOFFSETTO:+0300
END:STANDARD
END:VTIMEZONE
"""


def _calendar(text: str) -> str:
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{text}END:VCALENDAR\n".replace("\n", "\r\n")


def _todo(*lines: str) -> str:
    return _calendar("\n".join(["BEGIN:VTODO", "UID:u-1", "SUMMARY:Pay", *lines, "END:VTODO", ""]))


def _record(*lines: str) -> Record:
    return record_of("ics", _todo(*lines))


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    wall_clock.tzset()


def test_a_vtodo_becomes_a_record_with_all_its_fields() -> None:
    record = _record(
        "DESCRIPTION:first line\\nsecond\\, with \\\\ and \\;",
        "CREATED:20261101T101500Z",
        "DUE;VALUE=DATE:20261201",
        "DTSTART;VALUE=DATE:20261128",
        "PRIORITY:1",
        "CATEGORIES:bills,a\\,b",
        "CATEGORIES:home",
        "COMMENT:called them",
        "LAST-MODIFIED:20261101T101500Z",
        "X-MOZ-GENERATION:3",
    )
    assert record == Record(
        "line 3",
        "u-1",
        "Pay",
        "first line\nsecond, with \\ and ;",
        created_at=datetime(2026, 11, 1, 10, 15, tzinfo=UTC),
        due_on=date(2026, 12, 1),
        starts_on=date(2026, 11, 28),
        priority="high",
        tags=("bills", "a,b", "home"),
        notes=(RecordNote("called them"),),
        modified_at=datetime(2026, 11, 1, 10, 15, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("due", "day", "clock"),
    [
        (";VALUE=DATE:20261201", 1, None),
        (":20261201", 1, None),
        (":20261201T160000Z", 1, time(17)),
        (":20261201T170000", 1, time(17)),
        (":20261201T000000", 1, None),
        (":20261130T230000Z", 1, None),
        (";TZID=America/New_York:20261130T200000", 1, time(2)),
        (";TZID=W. Europe Standard Time:20261201T170000", 1, time(17)),
        (';TZID="/example.org/America/New_York":20261130T200000', 1, time(2)),
        (";TZID=Europe/Berlin:20261201T170030", 1, time(17)),
    ],
)
def test_due_becomes_a_local_day_and_time(due: str, day: int, clock: time | None) -> None:
    record = _record(f"DUE{due}")
    assert (record.due_on, record.due_time, record.unheld) == (date(2026, 12, day), clock, {})


@pytest.mark.parametrize("is_first", [True, False])
def test_a_zone_of_the_file_is_used_wherever_it_stands(is_first: bool) -> None:
    todo = "BEGIN:VTODO\nUID:u-1\nSUMMARY:Pay\nDUE;TZID=Office:20261201T120000\nEND:VTODO\n"
    record = record_of("ics", _calendar(CUSTOM_ZONE + todo if is_first else todo + CUSTOM_ZONE))
    assert (record.due_on, record.due_time, record.unheld) == (date(2026, 12, 1), time(10), {})


def test_a_zone_of_another_file_is_not_used() -> None:
    entries_of("ics", _calendar(CUSTOM_ZONE))
    record = _record("DUE;TZID=Office:20261201T120000")
    assert (record.due_time, record.unheld) == (time(12), {"TZID": "Office"})


def test_a_zone_is_not_guessed_from_the_end_of_its_name() -> None:
    assert _record("DUE;TZID=Office/UTC:20261201T120000").unheld == {"TZID": "Office/UTC"}


def test_a_zone_that_is_not_valid_does_not_stop_the_import() -> None:
    zone = CUSTOM_ZONE.replace("TZOFFSETTO:+0300", "TZOFFSETTO:east")
    todo = "BEGIN:VTODO\nUID:u-1\nSUMMARY:Pay\nDUE;TZID=Office:20261201T120000\nEND:VTODO\n"
    assert record_of("ics", _calendar(zone + todo)).unheld == {"TZID": "Office"}


def test_a_file_that_cannot_be_read_twice_is_copied() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, offset: int, whence: int = 0) -> int:
            raise OSError

    todo = "BEGIN:VTODO\nUID:u-1\nSUMMARY:Pay\nDUE;TZID=Office:20261201T120000\nEND:VTODO\n"
    (record,) = ics.read(Pipe(_calendar(todo + CUSTOM_ZONE).encode()))
    assert isinstance(record, Record)
    assert record.due_time == time(10)


def test_a_comma_after_a_backslash_of_a_category_parts_it() -> None:
    assert _record("CATEGORIES:a\\\\,b").tags == ("a\\", "b")


def test_a_start_that_is_due_again_hides_nothing() -> None:
    line = ";TZID=Europe/Berlin:20261201T170000"
    record = _record(f"DTSTART{line}", f"DUE{line}")
    assert (record.starts_on, record.due_on, record.unheld) == (None, date(2026, 12, 1), {})


def test_the_time_of_a_start_is_not_held() -> None:
    record = _record("DTSTART:20261201T093000")
    assert (record.starts_on, record.unheld) == (date(2026, 12, 1), {"DTSTART": "20261201T093000"})


@pytest.mark.parametrize(
    ("start", "duration", "due_on", "due_time"),
    [
        (";VALUE=DATE:20261201", "P2D", date(2026, 12, 3), None),
        (":20261201T230000", "PT3H", date(2026, 12, 2), time(2)),
    ],
)
def test_a_duration_ends_when_it_is_due(start: str, duration: str, due_on: date, due_time: time | None) -> None:
    record = _record(f"DTSTART{start}", f"DURATION:{duration}")
    assert (record.due_on, record.due_time, record.starts_on) == (due_on, due_time, date(2026, 12, 1))


@pytest.mark.parametrize(
    ("number", "priority"),
    [(0, None), (1, "high"), (4, "high"), (5, "medium"), (6, "low"), (9, "low")],
)
def test_priorities_are_those_of_the_rfc(number: int, priority: str | None) -> None:
    assert _record(f"PRIORITY:{number}").priority == priority


@pytest.mark.parametrize(
    ("lines", "is_completed"),
    [
        (("STATUS:COMPLETED",), True),
        (("PERCENT-COMPLETE:100",), True),
        (("COMPLETED:20261105T101500Z",), True),
        (("STATUS:NEEDS-ACTION", "COMPLETED:20261105T101500Z"), False),
        (("STATUS:IN-PROCESS", "PERCENT-COMPLETE:100"), False),
        ((), False),
    ],
)
def test_a_todo_is_completed_by_its_status_its_date_or_its_percentage(
    lines: tuple[str, ...], is_completed: bool
) -> None:
    record = _record(*lines)
    expected = datetime(2026, 11, 5, 10, 15, tzinfo=UTC) if lines == ("COMPLETED:20261105T101500Z",) else None
    assert (record.is_completed, record.completed_at) == (is_completed, expected)


def test_what_is_no_open_todo_is_left_out() -> None:
    text = "".join(
        f"BEGIN:{name}\nSUMMARY:x\n{more}END:{name}\n"
        for name, more in [("VEVENT", ""), ("VTODO", "STATUS:CANCELLED\n"), ("VJOURNAL", ""), ("VFREEBUSY", "")]
    )
    assert entries_of("ics", _calendar(text)) == [
        LeftOut("line 3", "events"),
        LeftOut("line 6", "cancelled tasks"),
        LeftOut("line 10", "journal entries"),
    ]


def test_what_a_todo_has_no_field_for_is_not_held() -> None:
    record = _record(
        "LOCATION:Town hall",
        "GEO:1.5;2.5",
        "ATTACH:https://example.org/a",
        "ATTACH:https://example.org/b",
        "CLASS:PRIVATE",
        "PERCENT-COMPLETE:50",
        "URL:",
        "a line without a name",
        "BEGIN:VALARM",
        "TRIGGER:-PT15M",
        "DESCRIPTION:Alarm",
        "END:VALARM",
    )
    assert record.description is None
    assert record.unheld == {
        "LOCATION": "Town hall",
        "GEO": "1.5;2.5",
        "ATTACH": "https://example.org/a, https://example.org/b",
        "CLASS": "PRIVATE",
        "PERCENT-COMPLETE": "50",
        "line 13": "a line without a name",
        "VALARM": "1",
    }


@pytest.mark.parametrize("line", ["RELATED-TO:u-0", "RELATED-TO;RELTYPE=PARENT:u-0", "related-to;reltype=parent:u-0 "])
def test_what_it_is_related_to_is_its_parent(line: str) -> None:
    record = _record("RELATED-TO:", line)
    assert (record.parent, record.unheld) == ("u-0", {})


def test_other_relations_are_not_held() -> None:
    record = _record(
        *("RELATED-TO;RELTYPE=CHILD:u-2", "RELATED-TO;RELTYPE=CHILD:u-3", "RELATED-TO;RELTYPE=SIBLING:u-4"),
        *("RELATED-TO:u-0", "RELATED-TO:u-5"),
    )
    assert record.parent == "u-0"
    assert record.unheld == {
        "RELATED-TO;RELTYPE=CHILD": "u-2, u-3",
        "RELATED-TO;RELTYPE=SIBLING": "u-4",
        "RELATED-TO;RELTYPE=PARENT": "u-5",
    }


def test_parent_leaves_with_its_id() -> None:
    todo = TodoLeaving(**dict(a_todo(2, parent=1)), source_id="b", parent_id="a,1")
    text = written("ics", todo)
    assert "RELATED-TO:a\\,1\r\n" in text
    assert record_of("ics", text).parent == "a,1"
    read: Any = icalendar.Calendar.from_ical(text).walk("VTODO")[0]
    assert (str(read["RELATED-TO"]), read["RELATED-TO"].params) == ("a,1", {})


def test_an_occurrence_has_an_id_of_its_own() -> None:
    assert _record("RECURRENCE-ID;TZID=Europe/Berlin:20261201T170000").source_id == "u-1 20261201T170000"


def test_todos_without_a_uid_get_different_ids() -> None:
    entries = entries_of("ics", _calendar("BEGIN:VTODO\nSUMMARY:Pay\nEND:VTODO\n" * 2))
    assert len({entry.source_id for entry in entries if isinstance(entry, Record)}) == 2


def test_folded_lines_are_one() -> None:
    assert _record("DESCRIPTION:one", "  two", "\tthree").description == "one twothree"


@pytest.mark.parametrize("title", ["Café", "日本", "📅 x"])
def test_line_folded_within_a_character_is_one(title: str) -> None:
    data = _calendar(f"BEGIN:VTODO\nUID:u-1\nSUMMARY:{title}\nEND:VTODO\n").encode()
    at = data.index(title.encode())
    for place in range(at, at + len(title.encode()) + 1):
        assert record_of("ics", data[:place] + b"\r\n " + data[place:]).title == title


def test_long_line_is_cut_off_even_within_a_character(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_LINE", 40)
    data = _todo("X-A:" + "a" * 30).encode()
    folded = data.replace(b"a\r\nEND:VTODO", b"\xc3\r\n \xa9" + b"b" * 30 + b"\r\nEND:VTODO")
    assert record_of("ics", folded).title == "Pay"


def test_line_that_is_not_utf_8_is_refused_wherever_it_is_folded() -> None:
    data = _todo("DESCRIPTION:caf#").encode().replace(b"#", b"\xe9\r\n x")
    with pytest.raises(ValidationError, match="Line 6 of the file is not valid UTF-8"):
        entries_of("ics", data)


def test_names_are_read_in_any_case_and_lines_may_end_in_a_line_feed() -> None:
    record = record_of("ics", "begin:vcalendar\nbegin:vtodo\nsummary;language=en:Pay: now\nend:vtodo\nend:vcalendar")
    assert record.title == "Pay: now"


@pytest.mark.parametrize(
    ("line", "field"),
    [
        *[(f"DUE:{value}", "DUE") for value in ("00000101", "20261301", "tomorrow", "P1D", "101500", "20261201T10Z")],
        *[("DTSTART:20260230", "DTSTART"), ("CREATED:x", "CREATED"), ("COMPLETED:x", "COMPLETED")],
        *[("PRIORITY:high", "PRIORITY"), ("PRIORITY:10", "PRIORITY"), ("COMMENT;X-AT=x:hi", "X-AT")],
        *[("DTSTART:20261201\r\nDURATION:x", "DURATION"), ("DTSTART:20261201\r\nDURATION:P9999999D", "DURATION")],
        ("DUE:99991231T235958Z", "DUE"),
    ],
)
def test_a_value_that_is_not_valid_is_a_fault_of_its_field(line: str, field: str) -> None:
    place, name, _ = fault_of("ics", _todo(line))
    assert (place, name) == ("line 3", field)


def test_a_todo_without_a_title_is_a_fault_and_the_next_is_read() -> None:
    text = _calendar("BEGIN:VTODO\nUID:u-1\nEND:VTODO\nBEGIN:VTODO\nSUMMARY:Pay\nEND:VTODO\n")
    fault, record = entries_of("ics", text)
    assert fault == Fault("line 3", "SUMMARY", "is missing")
    assert isinstance(record, Record)


def test_a_huge_todo_is_a_fault() -> None:
    attachment = "ATTACH:" + "x" * (reading.MAX_LINE - 9)
    place, field, _ = fault_of("ics", _todo(*[attachment] * 11))
    assert (place, field) == ("line 3", "VTODO")


@pytest.mark.parametrize(
    "data", ["", "\r\n\r\n", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "\ufeffBEGIN:VCALENDAR\nEND:VCALENDAR"]
)
def test_a_file_without_todos_has_none(data: str) -> None:
    assert entries_of("ics", data) == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"Pay rent\n", "does not begin with BEGIN:VCALENDAR"),
        (b"BEGIN:VCALENDAR\nBEGIN:VTODO\nSUMMARY:Pay\n", "at line 3: the VTODO of line 2 has no end"),
        (b"BEGIN:VCALENDAR\n", "the VCALENDAR of line 1 has no end"),
        (
            b"BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VCALENDAR\n",
            "ends a VCALENDAR, but line 2 began a VTODO",
        ),
        (b"BEGIN:VCALENDAR\nEND:VCALENDAR\nEND:VCALENDAR\n", "line 3 something outside of BEGIN:VCALENDAR"),
        (b"BEGIN:VCALENDAR\n\x00\n", "NUL"),
        (b"BEGIN:VCALENDAR\nSUMMARY:\xfcber\n", "UTF-8"),
        ("BEGIN:VCALENDAR".encode("utf-16"), "UTF-16"),
        (b"BEGIN:VCALENDAR\n" + b"x" * 1_000_001, "1,000,000 bytes"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_another_file_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        entries_of("ics", data)


def test_a_todo_is_written_as_the_rfc_says() -> None:
    todo = a_todo(
        title="Buy; milk, oat\\soy",
        description="one\ntwo",
        due_on=date(2026, 12, 1),
        starts_on=date(2026, 11, 28),
        priority="medium",
        project="home/garden",
        tags=["a", "b"],
        notes=[NoteRead(at=NOON, text="or soy")],
    )
    assert written("ics", todo).split("\r\n") == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//todo-neon//todo//EN",
        "BEGIN:VTODO",
        f"UID:{todo.id}",
        "DTSTAMP:20260701T120000Z",
        "CREATED:20260701T120000Z",
        "LAST-MODIFIED:20260701T120000Z",
        "SUMMARY:Buy\\; milk\\, oat\\\\soy",
        "DESCRIPTION:one\\ntwo",
        "DUE;VALUE=DATE:20261201",
        "DTSTART;VALUE=DATE:20261128",
        "PRIORITY:5",
        "CATEGORIES:a,b",
        "X-TODO-PROJECT:home/garden",
        "STATUS:NEEDS-ACTION",
        "COMMENT;X-AT=20260701T120000Z:or soy",
        "END:VTODO",
        "END:VCALENDAR",
        "",
    ]


@pytest.mark.parametrize(
    ("starts", "clock", "expected"),
    [
        (30, None, "DTSTART;VALUE=DATE:20261130"),
        (30, time(17), "DTSTART:20261130T000000"),
    ],
)
def test_a_start_before_the_date_is_of_its_type(starts: int, clock: time | None, expected: str) -> None:
    todo = a_todo(due_on=date(2026, 12, 1), due_time=clock, starts_on=date(2026, 11, starts))
    assert expected in written("ics", todo).split("\r\n")


def test_a_start_that_is_not_before_the_date_is_in_a_property_of_ours() -> None:
    text = written("ics", a_todo(due_on=date(2026, 12, 1), starts_on=date(2026, 12, 1)))
    assert "X-TODO-START;VALUE=DATE:20261201\r\n" in text
    assert "DTSTART" not in text
    assert record_of("ics", text).starts_on == date(2026, 12, 1)


def test_a_completed_todo_says_so_in_every_way() -> None:
    lines = written("ics", a_todo(state="done")).split("\r\n")
    assert {"STATUS:COMPLETED", "COMPLETED:20260701T120000Z", "PERCENT-COMPLETE:100"} <= set(lines)


def test_long_lines_are_folded_between_letters() -> None:
    title = "über 📅 " * 25
    text = written("ics", a_todo(title=title))
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert record_of("ics", text).title == title.strip()


def test_the_library_reads_what_is_written() -> None:
    todo = a_todo(
        title="Über, \\ und 📅 " * 12,
        description="one\ntwo",
        due_on=date(2026, 12, 1),
        due_time=time(17),
        tags=["a", "b"],
        notes=[NoteRead(at=NOON, text="oat")],
    )
    read: Any = icalendar.Calendar.from_ical(written("ics", todo)).walk("VTODO")[0]
    assert (read["SUMMARY"], read["DESCRIPTION"], read["COMMENT"]) == (todo.title, "one\ntwo", "oat")
    assert read["DUE"].dt == datetime(2026, 12, 1, 17)
    assert read["CATEGORIES"].cats == ["a", "b"]
