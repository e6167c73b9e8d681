"""Taskwarrior's JSON."""

from __future__ import annotations

import json
import time as wall_clock
from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from tests.support.factories import NOON, a_todo
from tests.support.formats import entries_of, fault_of, record_of, written
from todocli import clock
from todocli.domain.records import LeftOut, RecordNote
from todocli.errors import ValidationError
from todocli.schemas.todos import NoteRead

EXPORT = """[
{"id":1,"description":"Buy milk 📅","due":"20261201T160000Z","entry":"20261101T101500Z","modified":"20261102T101500Z",\
"priority":"H","project":"home.garden","status":"pending","uuid":"d992fcb1-7899-44cc-8076-64eec0c3cb7c",\
"annotations":[{"entry":"20261103T101500Z","description":"oat"}],"tags":["a","über"],"urgency":11.2},
{"id":0,"description":"Done","end":"20261105T101500Z","entry":"20261101T101500Z","status":"completed","uuid":"u-2"}
]
"""


def _record(**task: Any) -> Any:
    return record_of("taskwarrior", json.dumps([{"description": "Pay", **task}]))


def _task(text: str) -> dict[str, Any]:
    (task,) = json.loads(text)
    assert isinstance(task, dict)
    return task


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    wall_clock.tzset()


def test_a_task_becomes_a_record_with_all_its_fields() -> None:
    first, second = entries_of("taskwarrior", EXPORT)
    milk = record_of("taskwarrior", EXPORT.replace(EXPORT[EXPORT.index(',\n{"id":0') : -3], ""))
    assert first == milk
    assert (milk.place, milk.source_id, milk.title) == (
        "item 1",
        "d992fcb1-7899-44cc-8076-64eec0c3cb7c",
        "Buy milk 📅",
    )
    assert (milk.due_on, milk.due_time) == (date(2026, 12, 1), time(16))
    assert (milk.priority, milk.project, milk.tags) == ("high", ("home", "garden"), ("a", "über"))
    assert milk.created_at == datetime(2026, 11, 1, 10, 15, tzinfo=UTC)
    assert milk.notes == (RecordNote("oat", datetime(2026, 11, 3, 10, 15, tzinfo=UTC)),)
    assert (milk.is_completed, milk.unheld) == (False, {})
    done = record_of("taskwarrior", "[" + EXPORT.split("\n")[2] + "]")
    assert (done.is_completed, done.completed_at) == (True, datetime(2026, 11, 5, 10, 15, tzinfo=UTC))
    assert second.place == "item 2"


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize("due", ["20261130T230000Z", "20261201T225959Z"])
def test_due_at_local_midnight_or_at_the_last_second_is_a_day(due: str) -> None:
    record = _record(due=due)
    assert (record.due_on, record.due_time) == (date(2026, 12, 1), None)


def test_due_at_the_beginning_of_a_day_without_midnight_is_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/Santiago")
    wall_clock.tzset()
    record = _record(due="20260906T040000Z")  # the clocks went forward from midnight to 01:00
    assert (record.due_on, record.due_time) == (date(2026, 9, 6), None)


@pytest.mark.usefixtures("berlin")
def test_wait_is_the_start() -> None:
    record = _record(wait="20261130T230000Z", status="waiting")
    assert (record.starts_on, record.unheld, record.is_completed) == (date(2026, 12, 1), {}, False)


def test_scheduled_is_the_start_without_a_wait() -> None:
    record = _record(scheduled="20261201T000000Z")
    assert (record.starts_on, record.unheld) == (date(2026, 12, 1), {})


def test_wait_wins_over_scheduled() -> None:
    record = _record(wait="20261202T000000Z", scheduled="20261201T000000Z")
    assert (record.starts_on, record.unheld) == (date(2026, 12, 2), {"scheduled": "20261201T000000Z"})


def test_a_time_of_day_of_the_start_is_not_held() -> None:
    record = _record(wait="20261202T093000Z")
    assert (record.starts_on, record.unheld) == (date(2026, 12, 2), {"wait": "20261202T093000Z"})


@pytest.mark.parametrize(
    ("status", "kind"), [("deleted", "deleted tasks"), ("recurring", "recurring templates")], ids=str
)
def test_what_is_no_todo_is_left_out(status: str, kind: str) -> None:
    data = json.dumps([{"description": "Pay", "status": status}])
    assert entries_of("taskwarrior", data) == [LeftOut("item 1", kind)]


def test_other_attributes_are_not_held() -> None:
    record = _record(recur="weekly", imask=3, estimate=1.5, urgency=4.2, id=7)
    assert record.unheld == {"recur": "weekly", "imask": "3", "estimate": "1.5"}


@pytest.mark.parametrize("depends", [["u-1", "u-2"], "u-1,u-2", "u-1, u-2"], ids=["3", "2.5", "spaces"])
def test_depends_is_what_a_todo_needs(depends: object) -> None:
    record = _record(depends=depends)
    assert (record.needs, record.unheld) == (("u-1", "u-2"), {})


def test_tasks_without_a_uuid_get_different_ids() -> None:
    first, second = entries_of("taskwarrior", '[{"description":"Pay"},{"description":"Pay"}]')
    assert not isinstance(first, LeftOut)
    assert first != second


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[(field, 5) for field in ("uuid", "status", "entry", "due", "wait", "scheduled", "project", "description")],
        *[
            ("depends", 5),
            ("depends", [{}]),
            ("priority", "X"),
            ("status", "open"),
            ("tags", [5]),
            ("tags", {"a": 1}),
            ("annotations", ["a"]),
        ],
        *[("due", "00000101T000000Z"), ("due", "20261301T000000Z"), ("entry", "yesterday"), ("description", " ")],
    ],
    ids=repr,
)
def test_a_value_that_is_not_valid_is_a_fault_of_its_field(field: str, value: object) -> None:
    place, name, _ = fault_of("taskwarrior", json.dumps([{"description": "Pay", field: value}]))
    assert (place, name) == ("item 1", field)


@pytest.mark.parametrize("item", ["5", "null", "[]", '"text"'])
def test_an_item_that_is_no_object_is_a_fault_and_the_next_is_read(item: str) -> None:
    fault, record = entries_of("taskwarrior", f'[{item}, {{"description":"Pay"}}]')
    assert (fault.place, record.place) == ("item 1", "item 2")
    assert [type(fault).__name__, type(record).__name__] == ["Fault", "Record"]


@pytest.mark.parametrize("data", [b"", b" \r\n", b"[]", b"\xef\xbb\xbf[\r\n]\r\n"], ids=repr)
def test_a_file_without_tasks_has_none(data: bytes) -> None:
    assert entries_of("taskwarrior", data) == []


@pytest.mark.parametrize(
    "data",
    [
        *[b'{"description":"Pay"}', b"5", b"[", b'[{"description":"Pay"}', b"\x00\x01\x02", b"[" * 1_000_000],
        *["[]".encode("utf-16"), '[{"description":"über"}]'.encode("latin-1"), b"[] []", b'["\\ude00"]'],
    ],
    ids=lambda data: repr(data[:12]),
)
def test_another_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValidationError):
        entries_of("taskwarrior", data)


def test_a_todo_is_written_as_taskwarrior_has_it() -> None:
    todo = a_todo(
        title="Buy 📅",
        description="oat",
        due_on=date(2026, 12, 1),
        due_time=time(17),
        priority="low",
        project="home/garden",
        tags=["a", "über"],
        notes=[NoteRead(at=NOON, text="or soy"), NoteRead(at=NOON, text="or rice")],
    )
    text = written("taskwarrior", todo)
    assert "📅" in text
    assert _task(text) == {
        "uuid": str(todo.id),
        "status": "pending",
        "description": "Buy 📅",
        "entry": "20260701T120000Z",
        "modified": "20260701T120000Z",
        "due": "20261201T170000Z",
        "priority": "L",
        "project": "home.garden",
        "tags": ["a", "über"],
        "annotations": [
            {"entry": "20260701T120000Z", "description": "oat"},
            {"entry": "20260701T120001Z", "description": "or soy"},
            {"entry": "20260701T120002Z", "description": "or rice"},
        ],
    }


@pytest.mark.usefixtures("berlin")
def test_a_day_is_written_as_its_local_midnight() -> None:
    task = _task(written("taskwarrior", a_todo(due_on=date(2026, 12, 1), starts_on=date(2026, 7, 1))))
    assert (task["due"], task["wait"]) == ("20261130T230000Z", "20260630T220000Z")


@pytest.mark.parametrize(("day", "status"), [(1, "pending"), (2, "pending"), (3, "waiting")])
def test_only_a_todo_that_starts_later_waits(monkeypatch: pytest.MonkeyPatch, day: int, status: str) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 2, 12, tzinfo=UTC))
    assert _task(written("taskwarrior", a_todo(starts_on=date(2026, 11, day))))["status"] == status


def test_a_completed_todo_has_an_end() -> None:
    task = _task(written("taskwarrior", a_todo(state="done")))
    assert (task["status"], task["end"]) == ("completed", "20260701T120000Z")


def test_someday_is_a_date_of_its_own() -> None:
    assert _task(written("taskwarrior", a_todo(is_someday=True)))["due"] == "99991230T000000Z"
    for field in ("due", "wait", "scheduled"):
        record = record_of("taskwarrior", json.dumps([{"description": "Sail", field: "99991230T000000Z"}]))
        assert (record.is_someday, record.due_on, record.starts_on, record.unheld) == (True, None, None, {})


@pytest.mark.parametrize("day", [date.min, date(9999, 12, 28)])
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_the_first_and_the_last_day_are_written_as_a_near_one(
    monkeypatch: pytest.MonkeyPatch, zone: str, day: date
) -> None:
    monkeypatch.setenv("TZ", zone)
    wall_clock.tzset()
    record = record_of("taskwarrior", written("taskwarrior", a_todo(due_on=day)))
    assert record.due_on is not None
    assert abs(record.due_on - day).days <= 3


def test_no_todos_are_an_empty_array() -> None:
    assert json.loads(written("taskwarrior")) == []
