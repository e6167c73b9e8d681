"""Todos that repeat, over HTTP."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.api import Api, api_of, error
from todocli import clock
from todocli.database.store import Store

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


@pytest.mark.parametrize(
    "text", ["a ends:2099-01-01", "a every:day due:someday", f"a every:day due:{FAR} ends:2098-01-01"]
)
def test_words_that_cannot_repeat_are_a_fault_of_the_text(eve: Api, text: str) -> None:
    refused = error(eve("POST", body={"text": text}), 422, "VALIDATION_ERROR")
    assert [fault["field"] for fault in refused["field_errors"]] == ["text"]
    refused = error(eve.at("POST", "/bulk", {"items": [{"title": "a"}, {"text": text}]}), 422, "VALIDATION_ERROR")
    assert [fault["field"] for fault in refused["field_errors"]] == ["items.1.text"]


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
        ({"every": "fortnightish"}, "every"),
        ({"again": "mon"}, "again"),
        ({"every": "week", "again": "3d"}, "every"),
        ({"times": 3}, "times"),
        ({"every": "week", "times": 0}, "times"),
        ({"every": "week", "due_on": FAR, "ends_on": "2099-01-04"}, "ends_on"),
    ],
)
def test_bad_repetition_is_refused(eve: Api, fields: dict[str, object], field: str) -> None:
    refused = error(eve("POST", body={"title": "a"} | fields), 422, "VALIDATION_ERROR")
    assert [fault["field"] for fault in refused["field_errors"]] == [field]
    assert open_ones(eve) == []


def test_refusal_of_words_that_are_no_repetition_is_a_sentence(eve: Api) -> None:
    for method, path, body in (("POST", "", {"title": "a"}), ("PATCH", "/1", {})):
        refused = error(eve(method, path, body | {"every": "fortnightish"}), 422, "VALIDATION_ERROR")
        assert refused["detail"] == "The every is not valid: 'fortnightish' is not a repetition."


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


# One occurrence, or the series


def test_patch_changes_one_occurrence_or_all_that_follow(ada: Api) -> None:
    ada.add("Water", every="week", due_on=FAR)
    etag = ada("GET", "/1").headers["ETag"]
    changed = ada("PATCH", "/1", {"title": "Ferns", "add_tags": ["x"]}, headers={"If-Match": etag})
    assert (changed.json()["title"], changed.json()["series_values"]) == ("Ferns", {"title": "Water", "tags": []})
    error(ada("PATCH", "/1?series=true", {"title": "b"}, headers={"If-Match": etag}), 412, "CONFLICT")
    assert ada("PATCH", "/1?series=true", {"tags": ["y"]}).json()["series_values"] == {"title": "Water"}
    ada("PATCH", "/1", {"is_completed": True})
    later = ada("GET", "/2").json()
    assert (later["title"], later["tags"], later["series_values"]) == ("Water", ["y"], None)


def test_key_of_an_edited_occurrence_is_not_that_of_its_series(ada: Api) -> None:
    ada.add("Water", every="week", due_on=FAR)
    once = {"Idempotency-Key": str(uuid.uuid4())}
    for _ in range(2):
        assert ada("PATCH", "/1", {"title": "Ferns"}, headers=once).json()["version"] == 2
    error(ada("PATCH", "/1?series=true", {"title": "Ferns"}, headers=once), 409, "CONFLICT")
    assert ada("GET", "/1").json()["series_values"] == {"title": "Water"}


def test_bulk_edit_is_for_one_or_for_all_that_follow(ada: Api) -> None:
    for _ in range(2):
        ada.add("Water", every="week", due_on=FAR)
    items = [
        {"todo": 1, "changes": {"title": "Ferns", "is_completed": True}},
        {"todo": 2, "changes": {"title": "Ferns", "is_completed": True}, "series": True},
    ]
    assert ada.at("PATCH", "/bulk", {"items": items}).status_code == 200
    assert [ada("GET", f"/{number}").json()["title"] for number in (3, 4)] == ["Water", "Ferns"]


# Skipping, and what is to come


def test_skipped_todo_moves_to_its_next_date_once(ada: Api) -> None:
    ada.add("a", every="week", due_on=FAR)
    ada("POST", "/1/notes", {"text": "n"})
    once = {"Idempotency-Key": str(uuid.uuid4())}
    for _ in range(2):
        skipped = ada("POST", "/1/skip", headers=once)
        assert skipped.status_code == 200, skipped.text
        assert (skipped.json()["due_on"], skipped.json()["version"]) == ("2099-01-12", 3)
        assert [note["text"] for note in skipped.json()["notes"]] == ["n"]
        assert skipped.headers["ETag"] == ada("GET", "/1").headers["ETag"]
    error(ada("PATCH", "/1", {"title": "b"}, headers=once), 409, "CONFLICT")
    assert ada.at("POST", "/undo", {}).status_code == 200
    assert open_ones(ada) == [(1, FAR)]


def test_skip_at_another_version_is_refused(ada: Api) -> None:
    todo = ada.add("a", every="week", due_on=FAR)
    old = ada("GET", "/1").headers["ETag"]
    new = ada("PATCH", "/1", {"title": "b"}).headers["ETag"]
    error(ada("POST", "/1/skip", headers={"If-Match": old}), 412, "CONFLICT")
    assert open_ones(ada) == [(1, FAR)]
    assert ada("POST", f"/{todo['id']}/skip", headers={"If-Match": new}).json()["due_on"] == "2099-01-12"


def test_what_cannot_be_skipped_is_refused(ada: Api, bob: Api) -> None:
    ada.add("once")
    ada.add("last", every="week", due_on=FAR, times=1)
    ada.add("done", every="week", due_on=FAR, times=1)
    ada("PATCH", "/3", {"is_completed": True})
    ada.add("gone", every="week", due_on=FAR)
    ada("DELETE", "/4?series=true")
    before = ada("GET", "?state=all").json()
    for number, why in ((1, "does not repeat"), (2, "is the last of its series"), (3, "is done already")):
        refused = error(ada("POST", f"/{number}/skip"), 422, "VALIDATION_ERROR")
        assert (why in refused["detail"], refused["field_errors"][0]["field"]) == (True, "todo_id")
    for api, number in ((ada, 4), (ada, 9), (bob, 1)):
        refused = error(api("POST", f"/{number}/skip"), 404, "NOT_FOUND")
        assert refused["field_errors"] == [{"field": "todo_id", "message": "was not found"}]
    assert ada("GET", "?state=all").json() == before


def test_upcoming_has_the_dates_of_open_todos(ada: Api, bob: Api) -> None:
    ada.add("Water", every="week", due_on=FAR, due_time="09:30", tags=["home"])
    ada.add("Shave", again="3d", due_on=FAR, times=2)
    ada.add("Once", due_on=FAR)
    bob.add("Other", every="day", due_on=FAR)
    found = ada.at("GET", "/upcoming?until=2099-01-12").json()
    dates = [(each["number"], each["on"], each["at"], each["place"]) for each in found["items"]]
    assert dates == [
        (1, FAR, "09:30:00", 1),
        (2, FAR, None, 1),
        (2, "2099-01-08", None, 2),
        (1, "2099-01-12", "09:30:00", 2),
    ]
    assert ada.at("GET", "/upcoming?until=2099-01-12&limit=3").json()["items"] == found["items"][:3]
    assert [each["title"] for each in ada.at("GET", "/upcoming?until=2099-01-05&where=%2Bhome").json()["items"]] == [
        "Water"
    ]
    assert ada.at("GET", "/upcoming").json()["items"] == []


def test_upcoming_is_read_with_any_scope_and_not_sent_again(store: Store, ada: Api) -> None:
    ada.add("Water", every="week", due_on=FAR)
    reader = api_of(store, "ada", scope="read")
    first = reader.at("GET", f"/upcoming?until={FAR}")
    known = {"If-None-Match": first.headers["ETag"]}
    assert reader.at("GET", f"/upcoming?until={FAR}", headers=known).status_code == 304
    error(reader("POST", "/1/skip"), 403, "ACCESS_DENIED")
    ada("POST", "/1/skip")
    assert reader.at("GET", f"/upcoming?until={FAR}", headers=known).json()["count"] == 0


def test_upcoming_begins_today_where_the_client_is(eve: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2099, 1, 5, 23, 0, tzinfo=UTC))
    eve.add("Water", every="day", due_on="2099-01-01")
    for tz, first in (("UTC", FAR), ("Asia/Tokyo", "2099-01-06")):
        found = eve.at("GET", f"/upcoming?until=today&tz={tz}").json()["items"]
        assert [each["on"] for each in found] == ["2099-01-01", first]


@pytest.mark.parametrize(
    ("query", "field"),
    [("until=soonish", "until"), ("where=due:soonish", "where"), ("tz=Mars", "tz"), ("limit=0", "limit")],
)
def test_bad_query_of_upcoming_names_parameter(eve: Api, query: str, field: str) -> None:
    refused = error(eve.at("GET", f"/upcoming?{query}"), 400, "VALIDATION_ERROR")
    assert [fault["field"] for fault in refused["field_errors"]] == [field]
