"""Subtasks, over HTTP."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.support.api import Api, error


@pytest.fixture
def bath(ada: Api) -> dict[str, Any]:
    """A todo, number 1, with the subtasks 2 and 3, and 4 below 3."""
    first = ada.add("bath")
    for title, parent in (("tiles", 1), ("floor", 1), ("grout", 3)):
        ada.add(title, parent=parent)
    return first


def get(api: Api, number: int) -> dict[str, Any]:
    found: dict[str, Any] = api("GET", f"/{number}").json()
    return found


def numbers(api: Api, query: str) -> list[int]:
    return sorted(todo["number"] for todo in api("GET", query).json()["items"])


def refused_field(answered: Any, status: int, code: str) -> list[str]:
    return [fault["field"] for fault in error(answered, status, code)["field_errors"]]


def test_todo_has_its_parent_and_its_subtasks(ada: Api, bath: dict[str, Any]) -> None:
    ada("PATCH", "/2", {"is_completed": True})
    first = get(ada, 1)
    assert (first["parent"], first["subtasks"], first["open_subtasks"]) == (None, [2, 3], [3])
    added = ada("POST", body={"text": "paint under:1"}).json()
    assert (added["title"], added["parent"]) == ("paint", 1)
    moved = ada("PATCH", "/5", {"parent": 3}).json()
    assert moved["parent"] == 3
    assert ada("PATCH", "/5", {"parent": None}).json()["parent"] is None


def test_filters_find_every_level(ada: Api, bath: dict[str, Any]) -> None:
    assert numbers(ada, "?parent=1") == numbers(ada, "?where=under:1") == numbers(ada, "?parent=any") == [2, 3, 4]
    assert numbers(ada, "?parent=none") == [1]
    assert refused_field(ada("GET", "?parent=soon"), 400, "VALIDATION_ERROR") == ["parent"]


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/todos", {"title": "a", "parent": 9}, "parent"),
        ("POST", "/todos", {"text": "a under:9"}, "text"),
        ("PATCH", "/todos/1", {"parent": 9}, "parent"),
        ("POST", "/bulk", {"items": [{"title": "a"}, {"title": "b", "parent": 9}]}, "items.1.parent"),
        ("POST", "/bulk", {"items": [{"title": "a"}, {"text": "b under:9"}]}, "items.1.text"),
        ("PATCH", "/bulk", {"items": [{"todo": 1, "changes": {"parent": 9}}]}, "parent"),
    ],
)
def test_parent_that_is_not_there_is_named_as_such(
    ada: Api, bob: Api, bath: dict[str, Any], method: str, path: str, body: dict[str, Any], field: str
) -> None:
    for title in "abcdefghi":
        bob.add(title)
    assert refused_field(ada.at(method, path, body), 404, "NOT_FOUND") == [field]
    assert numbers(ada, "?state=all") == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/todos", {"title": "x", "parent": 5}, "parent"),
        ("/todos", {"text": "x under:5"}, "text"),
        ("/bulk", {"items": [{"title": "a"}, {"title": "x", "parent": 5}]}, "items.1.parent"),
        ("/bulk", {"items": [{"title": "a"}, {"text": "x under:5"}]}, "items.1.text"),
    ],
)
def test_level_that_is_too_low_is_a_fault_of_what_was_sent(
    ada: Api, bath: dict[str, Any], path: str, body: dict[str, Any], field: str
) -> None:
    ada.add("on level 4", parent=4)
    ada("PATCH", "/1", {"parent": ada.add("house")["number"]})
    assert refused_field(ada.at("POST", path, body), 422, "VALIDATION_ERROR") == [field]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/todos/1", {"parent": 4}),
        ("/todos/3", {"parent": 3}),
        ("/bulk", {"items": [{"todo": 2, "changes": {"parent": 4}}, {"todo": 3, "changes": {"parent": 2}}]}),
        ("/bulk", {"items": [{"todo": 2, "changes": {"parent": 2}}]}),
    ],
)
def test_todo_under_itself_is_refused(ada: Api, bath: dict[str, Any], path: str, body: dict[str, Any]) -> None:
    assert refused_field(ada.at("PATCH", path, body), 422, "VALIDATION_ERROR") == ["parent"]
    assert [get(ada, number)["parent"] for number in (1, 2, 3, 4)] == [None, 1, 1, 3]


@pytest.mark.parametrize("parent", [0, -1, "1", 1.5, True, [1]], ids=str)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_no_number_is_refused(ada: Api, bath: dict[str, Any], parent: Any) -> None:
    assert refused_field(ada("PATCH", "/2", {"parent": parent}), 422, "VALIDATION_ERROR") == ["parent"]


def test_etag_changes_when_a_subtask_does(ada: Api, bath: dict[str, Any]) -> None:
    before = ada("GET", "/1").headers["ETag"]
    listed = ada("GET", "?parent=none").headers["ETag"]
    assert ada("GET", "/1", headers={"If-None-Match": before}).status_code == 304
    ada("PATCH", "/2", {"is_completed": True})
    answered = ada("GET", "/1", headers={"If-None-Match": before})
    assert (answered.status_code, answered.json()["open_subtasks"]) == (200, [3])
    assert ada("GET", "?parent=none", headers={"If-None-Match": listed}).status_code == 200
    edited = ada("PATCH", "/1", {"title": "bathroom"}, headers={"If-Match": before})
    assert edited.status_code == 200, "the todo itself is at the same version"


def test_strict_refuses_with_what_is_open(ada: Api, bath: dict[str, Any]) -> None:
    answered = ada("PATCH", "/1?strict=true", {"is_completed": True})
    assert error(answered, 409, "CONFLICT")["field_errors"] == [
        {"field": "subtasks", "message": "2 is open"},
        {"field": "subtasks", "message": "3 is open"},
    ]
    done = ada("PATCH", "/1", {"is_completed": True}).json()
    assert (done["is_completed"], done["open_subtasks"]) == (True, [2, 3])


def test_with_children_completes_every_level_once(ada: Api, bath: dict[str, Any]) -> None:
    once = {"Idempotency-Key": str(uuid.uuid4())}
    done = ada("PATCH", "/1?with_children=true", {"is_completed": True}, headers=once).json()
    assert (done["is_completed"], done["subtasks"], done["open_subtasks"]) == (True, [2, 3], [])
    assert numbers(ada, "?state=open") == []
    ada("PATCH", "/4", {"is_completed": False})
    assert ada("PATCH", "/1?with_children=true", {"is_completed": True}, headers=once).status_code == 200
    assert numbers(ada, "?state=open") == [4]
    assert ada("PATCH", "/1", {"is_completed": True}, headers=once).status_code == 409, "another request"


@pytest.mark.parametrize("body", [{"is_completed": True, "title": "x"}, {"is_completed": False}, {"title": "x"}])
def test_with_children_goes_with_completion_alone(ada: Api, bath: dict[str, Any], body: dict[str, Any]) -> None:
    assert refused_field(ada("PATCH", "/1?with_children=true", body), 422, "VALIDATION_ERROR") == ["with_children"]
    assert numbers(ada, "?state=open") == [1, 2, 3, 4]


def test_with_children_checks_the_version_of_the_parent(ada: Api, bath: dict[str, Any]) -> None:
    stale = ada("GET", "/1").headers["ETag"]
    ada("PATCH", "/1", {"title": "bathroom"})
    refused = ada("PATCH", "/1?with_children=true", {"is_completed": True}, headers={"If-Match": stale})
    assert (refused.status_code, numbers(ada, "?state=open")) == (412, [1, 2, 3, 4])
    current = ada("GET", "/1").headers["ETag"]
    assert ada("PATCH", "/1?with_children=true", {"is_completed": True}, headers={"If-Match": current}).is_success


def test_deletion_takes_subtasks_along_and_restore_brings_them_back(ada: Api, bath: dict[str, Any]) -> None:
    current = ada("GET", "/1").headers["ETag"]
    assert ada("DELETE", "/1", headers={"If-Match": current}).status_code == 204
    assert numbers(ada, "?state=trash") == [1, 2, 3, 4]
    restored = ada("POST", "/1/restore").json()
    assert (restored["subtasks"], numbers(ada, "?state=trash")) == ([2, 3], [])


def test_subtasks_are_ones_own(ada: Api, bob: Api, bath: dict[str, Any]) -> None:
    bob.add("his")
    bob.add("his as well", parent=1)
    assert get(bob, 1)["subtasks"] == [2]
    assert numbers(bob, "?parent=1") == [2]
    bob("DELETE", "/1")
    assert numbers(ada, "?state=all") == [1, 2, 3, 4]
