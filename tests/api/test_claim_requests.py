"""Claims over HTTP."""

from __future__ import annotations

import uuid

import pytest

from tests.support.api import Api, api_of, error
from todocli.database.store import Store


def test_todo_is_claimed_and_released(store: Store, ada: Api) -> None:
    ada.add("a")
    ada.add("b", priority="high", tags=["x"])
    first = ada.at("POST", "/claim", {"where": "+x", "seconds": 60})
    assert (first.status_code, first.json()["number"]) == (200, 2)
    token = ada.at("GET", "/me").json()["token"]
    assert first.json()["claimed_by"] == token
    other = api_of(store, "ada")
    assert other.at("POST", "/claim", {"claimant": "agent-2"}).json()["number"] == 1
    error(other.at("POST", "/claim", {}), 404, "NOT_FOUND")
    assert ada("GET", "?where=is:claimed").json()["total"] == 2
    assert ada("POST", "/2/release").json()["claimed_by"] is None
    assert other.at("POST", "/claim", {}).json()["number"] == 2


def test_repeated_claim_is_one_claim(ada: Api) -> None:
    ada.add("a")
    ada.add("b")
    once = {"Idempotency-Key": str(uuid.uuid4())}
    found = [ada.at("POST", "/claim", {}, headers=once).json()["number"] for _ in range(2)]
    assert found == [1, 1]
    error(ada.at("POST", "/claim", {"claimant": "other"}, headers=once), 409, "CONFLICT")


def test_claim_under_the_same_name_is_prolonged(ada: Api) -> None:
    ada.add("a")
    first = ada.at("POST", "/claim", {"where": "number:1", "seconds": 60}).json()
    later = ada.at("POST", "/claim", {"where": "number:1", "seconds": 600}).json()
    assert later["claimed_until"] > first["claimed_until"]
    error(ada.at("POST", "/claim", {"where": "number:1", "claimant": "other"}), 404, "NOT_FOUND")
    error(ada.at("POST", "/claim", {}), 404, "NOT_FOUND")


def test_claim_has_the_notes(ada: Api) -> None:
    ada.add("a")
    ada("POST", "/1/notes", {"text": "n"})
    assert [note["text"] for note in ada.at("POST", "/claim", {"claimant": "Zoë"}).json()["notes"]] == ["n"]


def test_repeated_claim_of_a_purged_todo_says_so(store: Store) -> None:
    api = api_of(store, "ada", scope="destroy")
    api.add("a")
    api.add("b")
    once = {"Idempotency-Key": str(uuid.uuid4())}
    api.at("POST", "/claim", {}, headers=once)
    api("DELETE", "/1?permanent=true")
    refused = error(api.at("POST", "/claim", {}, headers=once), 404, "NOT_FOUND")
    assert "has since been purged" in refused["detail"]
    assert api("GET", "/2").json()["claimed_by"] is None


@pytest.mark.parametrize(
    "body", [{"seconds": 0}, {"seconds": 10**9}, {"claimant": ""}, {"claimant": "\x1b[31m"}, {"where": "due:soonish"}]
)
def test_bad_claim_is_refused(eve: Api, body: dict[str, object]) -> None:
    eve.add("a")
    refused = error(eve.at("POST", "/claim", body), 422, "VALIDATION_ERROR")
    assert [fault["field"] for fault in refused["field_errors"]] == list(body)
    assert eve("GET", "/1").json()["claimed_by"] is None


def test_others_claim_nothing_of_mine(ada: Api, bob: Api) -> None:
    ada.add("a")
    error(bob.at("POST", "/claim", {}), 404, "NOT_FOUND")
    error(bob("POST", "/1/release"), 404, "NOT_FOUND")
