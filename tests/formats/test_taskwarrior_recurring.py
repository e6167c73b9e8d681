"""How tasks repeat in Taskwarrior."""

from __future__ import annotations

import json
import time as wall_clock
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given

from tests.formats.test_round_trips import repeating
from tests.support.factories import a_todo
from tests.support.formats import entries_of, fault_of, record_of, written
from todocli.domain.records import LeftOut, Record, Repeats
from todocli.domain.recurrence import Repetition, anchored
from todocli.formats.registry import by_name
from todocli.schemas.exports import TodoLeaving
from todocli.schemas.todos import TodoRead

TEMPLATE, CHILD, OTHER = (str(UUID(int=number)) for number in (101, 102, 103))
MONDAY = date(2026, 11, 23)
DUE = "20261123T000000Z"
PLAIN = ("day", "3d", "week", "2w", "month", "6 months", "year", "2y")
MONDAYS = Repetition("FREQ=WEEKLY;BYDAY=MO")


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    wall_clock.tzset()


def task(**fields: Any) -> dict[str, Any]:
    return {"description": "Water", "uuid": CHILD, "status": "pending", "due": DUE, "recur": "weekly"} | fields


def template(**fields: Any) -> dict[str, Any]:
    return task(uuid=TEMPLATE, status="recurring", rtype="periodic") | fields


def child(imask: float, **fields: Any) -> dict[str, Any]:
    return task(uuid=str(UUID(int=200 + int(imask))), parent=TEMPLATE, imask=imask, rtype="periodic") | fields


def read(*tasks: dict[str, Any]) -> list[Any]:
    return entries_of("taskwarrior", json.dumps(tasks))


def leaving(todo: TodoRead, source_id: str | None) -> TodoLeaving:
    return TodoLeaving(**dict(todo), source_id=source_id)


def repeated(**fields: Any) -> TodoRead:
    whole: dict[str, Any] = {
        "rrule": MONDAYS.rule,
        "repeat_from": "due",
        "repeat_on": MONDAY,
        "due_on": MONDAY,
        "series_id": UUID(TEMPLATE),
        "series_place": 3,
    }
    return a_todo(**whole | fields)


# In


@pytest.mark.parametrize(
    ("recur", "rule"),
    [
        *[("daily", "FREQ=DAILY"), ("3d", "FREQ=DAILY;INTERVAL=3"), ("P10D", "FREQ=DAILY;INTERVAL=10")],
        *[("weekly", "FREQ=WEEKLY"), ("2w", "FREQ=WEEKLY;INTERVAL=2"), ("2 weeks", "FREQ=WEEKLY;INTERVAL=2")],
        *[("fortnight", "FREQ=WEEKLY;INTERVAL=2"), ("weekdays", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR")],
        *[("monthly", "FREQ=MONTHLY"), ("P1M", "FREQ=MONTHLY"), ("6mo", "FREQ=MONTHLY;INTERVAL=6")],
        *[("quarterly", "FREQ=MONTHLY;INTERVAL=3"), ("2q", "FREQ=MONTHLY;INTERVAL=6")],
        *[("yearly", "FREQ=YEARLY"), ("biannual", "FREQ=YEARLY;INTERVAL=2")],
    ],
)
def test_recur_is_a_rule(recur: str, rule: str) -> None:
    record = record_of("taskwarrior", json.dumps([task(recur=recur)]))
    assert (record.repeats, record.unheld) == (Repeats(Repetition(rule)), {})


@pytest.mark.parametrize("recur", ["PT1H", "1h", "P1Y6M", "0d", "9999d", "whenever", "12", 5])
def test_recur_that_is_no_rule_of_ours_is_not_held(recur: object) -> None:
    first, second = read(child(0, recur=recur, until=DUE), child(1, recur=recur))
    for each in (first, second):
        assert (each.repeats, each.unheld["recur"]) == (None, str(recur))
    assert first.unheld["until"] == DUE


def test_until_of_a_recurring_task_is_its_end() -> None:
    record = record_of("taskwarrior", json.dumps([task(until="20270101T000000Z")]))
    assert record.repeats == Repeats(Repetition("FREQ=WEEKLY", ends_on=date(2027, 1, 1)))
    record = record_of("taskwarrior", json.dumps([{"description": "Water", "until": DUE}]))
    assert (record.repeats, record.unheld) == (None, {"until": DUE})


def test_chained_task_is_counted_from_completion() -> None:
    record = record_of("taskwarrior", json.dumps([task(rtype="chained", recur="3d")]))
    assert record.repeats == Repeats(Repetition("FREQ=DAILY;INTERVAL=3", "completion"))


@pytest.mark.parametrize("is_reversed", [False, True])
def test_template_and_its_pending_children_are_one_todo(is_reversed: bool) -> None:
    done = child(0, status="completed", end=DUE)
    first, later = child(1, due="20261130T000000Z"), child(2.0, due="20261207T000000Z", status="waiting")
    tasks = [template(mask="+--"), done, first, later, {"description": "Pay", "uuid": "u"}]
    found = read(*(reversed(tasks) if is_reversed else tasks))
    place = f"item {2 if is_reversed else 4}"
    assert [each for each in found if not isinstance(each, Record)] == [LeftOut(place, "later tasks of recurring ones")]
    records = {each.source_id: each for each in found if isinstance(each, Record)}
    assert records.keys() == {done["uuid"], first["uuid"], "u"}
    open_one, over = records[first["uuid"]], records[done["uuid"]]
    assert open_one.repeats == Repeats(Repetition("FREQ=WEEKLY"), None, 2, UUID(TEMPLATE))
    assert (open_one.due_on, open_one.unheld) == (date(2026, 11, 30), {})
    assert over.repeats == Repeats(Repetition("FREQ=WEEKLY"), None, 1, UUID(TEMPLATE))
    assert (over.is_completed, over.unheld) == (True, {})


@pytest.mark.parametrize(("mask", "place", "day"), [("", 1, 23), ("+", 2, 30), ("X-+", 2, 30), ("W", 1, 23)])
def test_template_without_a_child_in_the_file_is_its_next_task(mask: str, place: int, day: int) -> None:
    (record,) = read(template(mask=mask, wait="20261121T000000Z"))
    assert record.repeats == Repeats(MONDAYS, date(2026, 11, day), place, UUID(TEMPLATE))
    assert (record.due_on, record.starts_on) == (date(2026, 11, day), date(2026, 11, day) - timedelta(days=2))
    assert (record.unheld, record.is_completed) == ({}, False)


@pytest.mark.parametrize(
    "fields", [{"due": None}, {"recur": "1h"}, {"mask": "+" * 9, "until": "20261201T000000Z"}, {"mask": "+" * 5_000}]
)
def test_template_without_a_next_task_is_left_out(fields: dict[str, Any]) -> None:
    assert read(template(**fields)) == [LeftOut("item 1", "recurring templates")]


@pytest.mark.parametrize("imask", [-1, 1.5, "1", True, 1e300])
def test_imask_that_is_no_number_is_a_fault(imask: object) -> None:
    assert fault_of("taskwarrior", json.dumps([task(parent=TEMPLATE, imask=imask)]))[:2] == ("item 1", "imask")


# Out


def test_todo_that_never_was_in_taskwarrior_has_no_recurrence() -> None:
    todo = leaving(repeated(), None)
    (found,) = json.loads(written("taskwarrior", todo))
    assert not {"recur", "parent", "imask"} & found.keys()
    assert by_name("taskwarrior").lacking(todo) == ["rrule"]
    assert by_name("taskwarrior").lacking(leaving(repeated(state="done"), None)) == []


def test_child_that_came_from_taskwarrior_stays_one() -> None:
    todo = leaving(repeated(ends_on=date(2027, 1, 1)), CHILD)
    (found,) = json.loads(written("taskwarrior", todo))
    assert {name: found.get(name) for name in ("uuid", "recur", "rtype", "parent", "imask", "until")} == {
        "uuid": CHILD,
        "recur": "weekly",
        "rtype": "periodic",
        "parent": TEMPLATE,
        "imask": 2,
        "until": "20270101T000000Z",
    }
    assert by_name("taskwarrior").lacking(todo) == []


@pytest.mark.parametrize(
    "todo",
    [
        leaving(repeated(rrule="FREQ=WEEKLY;BYDAY=MO,TH"), CHILD),
        leaving(repeated(rrule=None, repeat_from=None, repeat_on=None), CHILD),
        leaving(repeated(series_place=1), TEMPLATE),
    ],
    ids=["another rule", "no rule", "from the template"],
)
def test_child_that_is_none_any_more_has_its_own_id(todo: TodoLeaving) -> None:
    (found,) = json.loads(written("taskwarrior", todo))
    assert (found["uuid"], "recur" in found) == (str(todo.id), False)


def test_plain_task_that_repeats_here_keeps_its_id() -> None:
    todo = leaving(repeated(series_id=UUID(int=1), series_place=1), CHILD)
    (found,) = json.loads(written("taskwarrior", todo))
    assert (found["uuid"], "recur" in found) == (CHILD, False)


@given(repeating(PLAIN, PLAIN, is_regular=True))
def test_child_is_read_as_it_was(todo: TodoRead) -> None:
    todo = todo.model_copy(update={"series_id": UUID(TEMPLATE), "times": None})
    record = record_of("taskwarrior", written("taskwarrior", leaving(todo, CHILD)))
    assert record.repeats is not None
    assert record.repeats.repetition is not None
    assert anchored(record.repeats.repetition, todo.due_on or MONDAY) == todo.repetition
    assert record.repeats[1:] == (None, todo.series_place, todo.series_id)
    assert (record.source_id, record.unheld) == (CHILD, {})
