"""CSV and TSV: what comes back is what was written, and what other programs write is understood."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.factories import a_todo
from tests.support.formats import entries_of
from tests.support.strategies import drafts
from todocli.domain.fields import DateOrder
from todocli.domain.records import Entry, Fault, Record, RecordNote, Repeats
from todocli.domain.recurrence import Repetition
from todocli.errors import ValidationError
from todocli.formats import csv as csv_format
from todocli.formats import csv_table
from todocli.formats.csv_dates import DateOrders
from todocli.formats.registry import by_name
from todocli.schemas.todos import NoteCreate, NoteRead, TodoCreate, TodoRead

NAMES = ("csv", "tsv")
PIECES = (
    "'",
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "\r\n\r\n",
    "\\",
    '"',
    ",",
    ";",
    "ü",
    "a",
    "\n\n2026-11-30T10:00:00.000000Z ",
)

instants = st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
hard_texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join).filter(str.strip)
notes = st.builds(NoteRead, at=instants, text=hard_texts.map(lambda text: NoteCreate(text=text).text))


@st.composite
def todos(draw: st.DrawFn) -> TodoRead:
    """Give a todo as it is stored, with texts that a table or a spreadsheet may take for something else."""
    fields = draw(drafts()).model_dump() | {"title": draw(hard_texts), "description": draw(st.none() | hard_texts)}
    fields = TodoCreate(**fields).model_dump()
    completed_at = draw(st.none() | instants)
    return a_todo(
        draw(st.integers(1, 999)),
        completed_at=completed_at,
        is_completed=completed_at is not None,
        created_at=draw(instants),
        notes=draw(st.lists(notes, max_size=3)),
        **fields,
    )


def written(name: str, items: Iterable[TodoRead]) -> str:
    file = io.StringIO(newline="")
    by_name(name).write(items, file)
    return file.getvalue()


def read(name: str, text: str | bytes) -> list[Entry]:
    return list(by_name(name).read(io.BytesIO(text.encode() if isinstance(text, str) else text)))


def the_record(text: str | bytes, name: str = "csv") -> Record:
    (record,) = read(name, text)
    assert isinstance(record, Record), record
    return record


def the_fault(text: str) -> Fault:
    (fault,) = read("csv", text)
    assert isinstance(fault, Fault), fault
    return fault


def as_record(todo: TodoRead) -> dict[str, Any]:
    """Return what a record of a todo must have, by the name of the field."""
    return {
        "source_id": str(todo.id),
        "project": tuple(todo.project.split("/")) if todo.project else (),
        "tags": tuple(todo.tags),
        "notes": tuple(RecordNote(each.text, each.at) for each in todo.notes or ()),
        "unheld": {},
    } | {
        name: getattr(todo, name)
        for name in ("title", "is_completed", *by_name("csv").holds)
        if name not in ("project", "tags", "notes", "needs", "parent", "rrule")
    }


@pytest.mark.parametrize("name", NAMES)
@given(items=st.lists(todos(), max_size=3))
def test_todos_come_back_as_they_were_written(name: str, items: list[TodoRead]) -> None:
    fields = [as_record(todo) for todo in items]
    records = read(name, written(name, items))
    assert [
        {name: getattr(record, name) for name in expected} for record, expected in zip(records, fields, strict=True)
    ] == fields


@pytest.mark.parametrize("name", NAMES)
def test_line_ends_of_another_system_change_no_note(name: str) -> None:
    a_note = NoteRead(at=datetime(2026, 11, 30, tzinfo=UTC), text="One")
    text = written(name, [a_todo(notes=[a_note, a_note])]).replace("\r\n", "\n").replace("\n", "\r\n")
    assert the_record(text, name).notes == (RecordNote("One", a_note.at),) * 2


@pytest.mark.parametrize("title", ["=1+1", "+49 30 123", "-5", "@x", "'=x", "''@x"])
def test_a_cell_that_a_spreadsheet_would_run_has_an_apostrophe(title: str) -> None:
    text = written("csv", [a_todo(title=title)])
    assert next(csv.DictReader(io.StringIO(text)))["title"] == f"'{title}"
    assert the_record(text).title == title


@pytest.mark.parametrize("title", ["'tis", "1-1", "a=b", "''"])
def test_a_cell_that_no_spreadsheet_would_run_stays_as_it_is(title: str) -> None:
    text = written("csv", [a_todo(title=title)])
    assert next(csv.DictReader(io.StringIO(text)))["title"] == title
    assert the_record(text).title == title


def test_links_and_repetition_have_columns() -> None:
    todo = a_todo(
        every="2w on mon",
        rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=MO",
        repeat_from="due",
        times=5,
        repeat_on=date(2026, 11, 23),
        ends_on=date(2027, 1, 1),
        series_place=2,
        series_id=UUID(int=1),
        needs=[3, 12],
        parent=4,
    )
    row = next(csv.DictReader(io.StringIO(written("csv", [todo]))))
    names = ("needs", "parent", "every", "again", "repeat_on", "ends", "times", "series_place")
    assert [row[name] for name in names] == ["3 12", "4", "2w on mon", "", "2026-11-23", "2027-01-01", "5", "2"]
    record = the_record(written("csv", [todo]))
    assert (record.reference, record.needs, record.parent) == ("1", ("3", "12"), "4")
    assert record.fields is not None
    assert {"needs", "parent", "rrule"} <= record.fields


@pytest.mark.parametrize(
    ("header", "cell", "repetition"),
    [
        ("Every", "Month on last Fri", Repetition("FREQ=MONTHLY;BYDAY=-1FR")),
        ("Repeat", '"RRULE:FREQ=WEEKLY;COUNT=3"', Repetition("FREQ=WEEKLY", times=3)),
        ("again", "3 days", Repetition("FREQ=DAILY;INTERVAL=3", "completion")),
    ],
)
def test_words_and_rules_of_a_column_repeat(header: str, cell: str, repetition: Repetition) -> None:
    record = the_record(f"title;due;{header}\nWater;2026-11-23;{cell}\n")
    assert (record.repeats, record.unheld) == (Repeats(repetition), {})


def test_cells_that_repeat_nothing_here_are_not_held() -> None:
    record = the_record("title;every;times;ends;needs;series place;parent\nWater;full moon;often;never;a, 2;x;2 3\n")
    assert (record.repeats, record.needs, record.parent) == (None, (), None)
    assert record.unheld == {
        "every": "full moon",
        "times": "often",
        "ends": "never",
        "needs": "a, 2",
        "parent": "2 3",
    }


@pytest.mark.parametrize(("column", "cell"), [("times", "0"), ("ends", "1/2/2027"), ("series_place", "x")])
def test_end_that_is_not_valid_is_a_fault(column: str, cell: str) -> None:
    assert the_fault(f"title;every;{column}\nWater;week;{cell}\n").field == column


def test_rows_end_as_rfc_4180_says() -> None:
    assert written("csv", []).endswith("notes\r\n")


def test_columns_are_found_by_their_usual_names() -> None:
    header = [
        "Name",
        "NOTES",
        "Deadline",
        "Start Date",
        "Priority",
        "Folder",
        "Labels",
        "Done",
        "Created_At",
        "Key",
        "Age",
    ]
    assert list(csv_format.columns(header).values()) == [
        "title", "description", "due", "start", "priority", "project", "tags", "completed", "created_at", "id", None,
    ]  # fmt: skip


def test_notes_are_notes_if_there_is_a_description_as_well() -> None:
    record = the_record("title,details,notes\nPay,Much,Called them\n")
    assert (record.description, record.notes) == ("Much", (RecordNote("Called them"),))


def test_content_is_the_description_if_there_is_a_title() -> None:
    record = the_record("Content,Title\nMuch,Pay\n")
    assert (record.title, record.description) == ("Pay", "Much")


def test_the_second_column_of_a_name_is_kept_apart() -> None:
    assert the_record("Task,Label,Label,,\nPay,a,b,c,\n").unheld == {"Label (2)": "b", "column 4": "c"}


def test_a_number_is_kept_unless_it_is_one_of_ours() -> None:
    assert the_record("title,number\nEggs,12\n").unheld == {"number": "12"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("High", "high"), ("m", "medium"), ("3", "low"), ("A", "high"), ("b", "medium"), ("C", "low"), ("none", None)],
)
def test_priority_is_read(text: str, expected: str | None) -> None:
    record = the_record(f"title,priority\nPay,{text}\n")
    assert (record.priority, record.unheld) == (expected, {})


def test_an_unknown_priority_is_not_lost() -> None:
    record = the_record("title,priority\nPay,Urgent\n")
    assert (record.priority, record.unheld) == (None, {"priority": "Urgent"})


@pytest.mark.parametrize("word", ["yes", "TRUE", "x", "1", "Done", "completed"])
def test_a_word_for_completed_completes(word: str) -> None:
    assert the_record(f"title,status\nPay,{word}\n").is_completed


@pytest.mark.parametrize("word", ["", "no", "FALSE", "0", "open"])
def test_a_word_for_open_leaves_open(word: str) -> None:
    record = the_record(f"title,done\nPay,{word}\n")
    assert (record.is_completed, record.unheld) == (False, {})


def test_an_unknown_status_leaves_open_and_is_not_lost() -> None:
    record = the_record("title,status\nPay,In progress\n")
    assert (record.is_completed, record.unheld) == (False, {"status": "In progress"})


def test_a_completion_date_completes() -> None:
    record = the_record("title,completion date\nPay,2026-11-27T10:00:00Z\n")
    assert (record.is_completed, record.completed_at) == (True, datetime(2026, 11, 27, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "tags"),
    [("a b", ("a", "b")), ("a,b", ("a", "b")), ("high energy; b", ("high energy", "b")), (" , ", ())],
)
def test_tags_are_separated_by_what_a_program_uses(text: str, tags: tuple[str, ...]) -> None:
    assert the_record(f'title,tags\nPay,"{text}"\n').tags == tags


def test_a_project_is_a_path() -> None:
    assert the_record("title,list\nPay,Home/My Garden/\n").project == ("Home", "My Garden")


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("2026-11-27", (date(2026, 11, 27), None)),
        ("2026-11-27T00:00:00", (date(2026, 11, 27), None)),
        ("2026-11-27 17:30:00", (date(2026, 11, 27), time(17, 30))),
    ],
)
def test_due_is_a_day_or_a_local_time(text: str, due: tuple[date, time | None]) -> None:
    record = the_record(f"title,due\nPay,{text}\n")
    assert (record.due_on, record.due_time) == due


@pytest.mark.parametrize("text", ["01/02/2026", "0000-01-01", "tomorrow", "9999-12-31T23:59:59-23:00"])
@pytest.mark.parametrize("column", ["Due Date", "Start"])
def test_another_date_is_a_fault(column: str, text: str) -> None:
    fault = the_fault(f"title,{column}\nPay,{text}\n")
    assert (fault.place, fault.field) == ("line 2", column)
    assert "2026-11-27" in fault.message


def test_a_file_of_european_excel_is_read() -> None:
    record = the_record("\ufeffTitle;Tags\r\nPay, then rest;a,b\r\n")
    assert (record.title, record.tags) == ("Pay, then rest", ("a", "b"))


def test_the_place_is_the_line_where_a_row_begins() -> None:
    entries = read("csv", 'title,details\n\n"Pay\r\nrent",x\n"Eat",\n')
    assert [(entry.place, getattr(entry, "title", None)) for entry in entries] == [
        ("line 3", "Pay\r\nrent"),
        ("line 5", "Eat"),
    ]


def test_rows_after_a_fault_are_read() -> None:
    entries = read("csv", 'title,due\na,b,c\n"d"e,\n,2026-01-01\nf,\n')
    assert [type(entry) for entry in entries] == [Fault, Fault, Fault, Record]
    assert [entry.place for entry in entries] == ["line 2", "line 3", "line 4", "line 5"]


def test_a_quote_that_is_not_closed_is_a_fault() -> None:
    assert "not closed" in the_fault('title\n"Pay\nrent\n').message


def test_a_cell_without_an_end_is_not_kept_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_table, "MAX_CELL", 1_000)
    with pytest.raises(ValidationError, match="line 2 or after it is not closed"):
        read("csv", 'title\n"Pay\n' + "rent\n" * 1_000)


def test_the_same_row_twice_has_two_ids() -> None:
    first, second = read("csv", "title\nPay\nPay\n")
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert first.source_id != second.source_id


def test_a_header_without_a_title_names_what_it_has() -> None:
    with pytest.raises(ValidationError, match="It has: Due, Age"):
        read("csv", "Due,Age\n,\n")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\r\n\r\n", b"title\r\n"])
def test_an_empty_file_has_no_todos(name: str, data: bytes) -> None:
    assert read(name, data) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "data",
    [
        "title\nPay\n".encode("utf-16"),
        "title\nCafé\n".encode("latin1"),
        b"title\nPay\0rent\n",
        bytes(range(256)),
        b"title\n" + b"x" * 1_000_001,
        b"title\rPay\r",
        b'"title\nPay\n',
    ],
    ids=["utf-16", "latin1", "nul", "binary", "long line", "old mac", "open quote"],
)
def test_a_file_that_is_no_table_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(ValidationError):
        read(name, data)


@pytest.mark.parametrize(
    ("text", "day", "clock"),
    [
        ("24.12.2026", date(2026, 12, 24), None),
        ("1.2.2026", date(2026, 2, 1), None),
        ("24.12.2026 9:05", date(2026, 12, 24), time(9, 5)),
    ],
)
def test_date_with_points_begins_with_its_day(text: str, day: date, clock: time | None) -> None:
    (record,) = entries_of("csv", f"title,due\na,{text}\n")
    assert isinstance(record, Record)
    assert (record.due_on, record.due_time) == (day, clock)


@pytest.mark.parametrize("text", ["01/02/2026", "1-2-2026", "31.2.2026", "24.12.26", "13/13/2026", "24/12/26"])
def test_date_that_may_mean_two_days_is_a_fault(text: str) -> None:
    (fault,) = entries_of("csv", f"title,due\na,{text}\n")
    assert isinstance(fault, Fault)
    assert fault.field == "due"
    assert text in fault.message


def moments(text: str, order: DateOrder | None = None, name: str = "csv") -> list[tuple[date | None, time | None]]:
    """Return when the todos of a table are due."""
    records = list(by_name(name).read(io.BytesIO(text.encode()), DateOrders(order)))
    assert all(isinstance(each, Record) for each in records), records
    return [(each.due_on, each.due_time) for each in records if isinstance(each, Record)]


CHRISTMAS = date(2026, 12, 24)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        *(
            ("24/12/2026", "dmy"),
            ("24-12-2026", "dmy"),
            ("24.12.2026", "dmy"),
            ("24/12/26", "dmy"),
            ("24.12.26", "dmy"),
        ),
        *(("12/24/2026", "mdy"), ("12-24-2026", "mdy"), ("12.24.2026", "mdy"), ("12/24/26", "mdy")),
        *(("26/12/24", "ymd"), ("26-12-24", "ymd")),
        *(
            ("2026/12/24", None),
            ("2026.12.24", "mdy"),
            ("2026-12-24", "dmy"),
            ("24/12/2026", None),
            ("12/24/2026", None),
        ),
    ],
)
def test_date_is_read_in_the_order_of_the_file(text: str, order: DateOrder | None) -> None:
    assert moments(f"title,due\na,{text}\n", order) == [(CHRISTMAS, None)]


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        *(("12/24/2026 5:30 PM", time(17, 30)), ("12/24/2026, 5:30:00 p.m.", time(17, 30))),
        *(("12/24/2026 12:05 AM", time(0, 5)), ("12/24/2026 12:05pm", time(12, 5)), ("12/24/2026 0:00", None)),
    ],
)
def test_date_of_a_spreadsheet_has_a_time(text: str, clock: time | None) -> None:
    assert moments(f'title,due\na,"{text}"\n') == [(CHRISTMAS, clock)]


@pytest.mark.parametrize("name", NAMES)
def test_one_date_of_a_column_shows_the_order_of_all(name: str) -> None:
    text = "title,due,start\na,1/2/2026,3.4.2026\nb,2/28/2026,\n".replace(",", "," if name == "csv" else "\t")
    orders = DateOrders()
    first, second = by_name(name).read(io.BytesIO(text.encode()), orders)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert (first.due_on, first.starts_on, second.due_on) == (date(2026, 1, 2), date(2026, 4, 3), date(2026, 2, 28))
    assert orders.found == {"due": "mdy"}


def test_each_column_shows_its_own_order() -> None:
    table = "title,due,created\na,1/2/2026,28/2/2026\n"
    orders = DateOrders()
    (fault,) = by_name("csv").read(io.BytesIO(table.encode()), orders)
    assert isinstance(fault, Fault)
    assert (fault.field, orders.found) == ("due", {"created": "dmy"})


def test_column_with_both_orders_has_none() -> None:
    orders = DateOrders()
    entries = list(by_name("csv").read(io.BytesIO(b"title,due\na,1/28/2026\nb,28/1/2026\nc,\n"), orders))
    assert [type(entry) for entry in entries] == [Fault, Fault, Record]
    assert orders.found == {}


def test_date_that_the_given_order_does_not_have_is_a_fault() -> None:
    (fault,) = by_name("csv").read(io.BytesIO(b"title,due\na,12/24/2026\n"), DateOrders("dmy"))
    assert isinstance(fault, Fault)
    assert "12/24/2026" in fault.message


def test_dates_of_every_column_are_read_in_their_order() -> None:
    header = "title,due,start,created at,completed at,every,repeat on,ends"
    table = f"{header}\na,{','.join(['24/12/2026'] * 4)},week,24/12/2026,24/12/2027\n"
    record = the_record(table)
    assert (record.due_on, record.starts_on) == (CHRISTMAS, CHRISTMAS)
    midnight = datetime.combine(CHRISTMAS, time()).astimezone()
    assert (record.created_at, record.completed_at) == (midnight, midnight)
    assert record.repeats
    assert record.repeats.on == CHRISTMAS
    assert record.repeats.repetition == Repetition("FREQ=WEEKLY", ends_on=date(2027, 12, 24))


@pytest.mark.parametrize("column", ["parent", "needs"])
def test_number_is_what_other_rows_refer_to(column: str) -> None:
    bath, tiles = entries_of("csv", f"number,title,{column}\n1,Bath,\n2,Tiles,1\n")
    assert isinstance(bath, Record)
    assert isinstance(tiles, Record)
    assert (bath.reference, bath.unheld, tiles.unheld) == ("1", {}, {})
    assert (tiles.parent, tiles.needs) == (("1", ()) if column == "parent" else (None, ("1",)))


def test_same_number_twice_is_a_fault_where_there_is_no_id() -> None:
    _, fault = entries_of("csv", "number,title,parent\n1,Bath,\n1,Tiles,\n")
    assert fault == Fault("line 3", "number", "is the same as that of line 2")
    assert all(isinstance(each, Record) for each in entries_of("csv", "number,id,title\n1,a,Bath\n1,b,Tiles\n"))
