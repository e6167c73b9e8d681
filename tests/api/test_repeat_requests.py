"""Todos that repeat, over HTTP."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest

from tests.support.api import Api, error

FAR = "2099-01-05"
"""A Monday."""


def open_ones(api: Api) -> list[tuple[int, str]]:
    return [(todo["number"], todo["due_on"]) for todo in api("GET", "?state=open").json()["items"]]


def test_completed_todo_is_followed_and_undo_takes_both_back(ada: Api) -> None:
    todo = ada.add("Rent", due_on=FAR, every="week", times=3)
    assert (todo["every"], todo["rrule"], todo["times"]) == ("mon", "FREQ=WEEKLY;BYDAY=MO", 3)
    once = {"Idempotency-Key": str(uuid.uuid4())}
    for _ in range(2):
        assert ada("PATCH", "/1", {"is_completed": True}, headers=once).status_code == 200
    assert open_ones(ada) == [(2, "2099-01-12")]
    assert ada("GET", "/2").json()["series_id"] == todo["id"]
    assert ada.at("POST", "/undo", {}).status_code == 200
    assert open_ones(ada) == [(1, FAR)]


def test_text_and_fields_make_a_todo_repeat(eve: Api) -> None:
    assert eve("POST", body={"text": "Water every:2w on mon,thu +home"}).json()["every"] == "2w on mon,thu"
    assert eve("POST", body={"title": "Shave", "again": "3d"}).json()["again"] == "3d"
    assert eve("POST", body={"title": "x", "every": "FREQ=DAILY;COUNT=2"}).json()["times"] == 2
    assert eve("GET", "?where=every:any").json()["total"] == 3


def test_bulk_requests_repeat_as_well(eve: Api) -> None:
    added = eve.at("POST", "/bulk", {"items": [{"title": "a", "every": "day", "due_on": FAR}, {"title": "b"}]})
    assert [todo["every"] for todo in added.json()["items"]] == ["day", None]
    changes = [{"todo": 1, "changes": {"is_completed": True}}, {"todo": 2, "changes": {"every": "week", "due_on": FAR}}]
    changed = eve.at("PATCH", "/bulk", {"items": changes})
    assert changed.status_code == 200, changed.text
    assert open_ones(eve) == [(2, FAR), (3, "2099-01-06")]


def test_null_ends_the_repetition(eve: Api) -> None:
    eve.add("a", every="day", due_on=FAR)
    assert eve("PATCH", "/1", {"every": None}).json()["rrule"] is None
    eve("PATCH", "/1", {"is_completed": True})
    assert open_ones(eve) == []


def test_delete_goes_on_unless_it_is_the_series(eve: Api) -> None:
    eve.add("a", every="day", due_on=FAR)
    assert eve("DELETE", "/1").status_code == 204
    assert open_ones(eve) == [(2, "2099-01-06")]
    assert eve("DELETE", "/2?series=true").status_code == 204
    assert open_ones(eve) == []


def test_key_of_a_removed_occurrence_is_not_that_of_its_series(eve: Api) -> None:
    eve.add("a", every="day", due_on=FAR)
    once = {"Idempotency-Key": str(uuid.uuid4())}
    assert eve("DELETE", "/1", headers=once).status_code == 204
    error(eve("DELETE", "/1?series=true", headers=once), 409, "CONFLICT")
    assert eve("DELETE", "/1", headers=once).status_code == 204


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"every": "fortnightish"}, ""),
        ({"every": "week", "again": "3d"}, ""),
        ({"times": 3}, "times"),
        ({"every": "week", "times": 0}, "times"),
        ({"every": "week", "due_on": FAR, "ends_on": "2099-01-04"}, "ends_on"),
    ],
)
def test_bad_repetition_is_refused(eve: Api, fields: dict[str, object], field: str) -> None:
    refused = error(eve("POST", body={"title": "a"} | fields), 422, "VALIDATION_ERROR")
    assert field in {fault["field"] for fault in refused["field_errors"]} | {""}
    assert open_ones(eve) == []


def test_others_series_is_not_continued(ada: Api, bob: Api) -> None:
    ada.add("a", every="day", due_on=FAR)
    bob.add("b", every="day", due_on=FAR)
    bob("PATCH", "/1", {"is_completed": True})
    assert open_ones(ada) == [(1, FAR)]
    assert open_ones(bob) == [(2, "2099-01-06")]


def test_todo_without_a_date_begins_today_or_later(eve: Api) -> None:
    first = date.fromisoformat(eve.add("a", every="mon")["due_on"])
    assert first.weekday() == 0
    assert date.today() - timedelta(days=1) <= first <= date.today() + timedelta(days=8)
