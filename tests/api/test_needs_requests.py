"""Todos that need others, over HTTP."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.support.api import Api, error


@pytest.fixture
def fence(ada: Api) -> dict[str, Any]:
    """A todo, number 3, that needs the other two."""
    ada.add("paint")
    ada.add("ladder")
    return ada.add("fence", needs=[2, 1, 2])


def needs(api: Api, number: int = 3) -> tuple[list[int], list[int]]:
    todo = api("GET", f"/{number}").json()
    return todo["needs"], todo["blocked_by"]


def numbers(api: Api, query: str) -> list[int]:
    return sorted(todo["number"] for todo in api("GET", query).json()["items"])


def refused_field(answered: Any, status: int, code: str) -> list[str]:
    return [fault["field"] for fault in error(answered, status, code)["field_errors"]]


def test_new_todo_needs_others_in_fields_and_words(ada: Api, fence: dict[str, Any]) -> None:
    assert (fence["needs"], fence["blocked_by"]) == ([1, 2], [1, 2])
    added = ada("POST", body={"text": "roof needs:3", "needs": [1]}).json()
    assert (added["title"], added["needs"]) == ("roof", [1, 3])


def test_patch_adds_removes_and_replaces_needs(ada: Api, fence: dict[str, Any]) -> None:
    ada("PATCH", "/3", {"remove_needs": [1]})
    assert needs(ada) == ([2], [2])
    ada("PATCH", "/3", {"add_needs": [1]})
    assert needs(ada) == ([1, 2], [1, 2])
    ada("PATCH", "/3", {"needs": [1]})
    assert needs(ada) == ([1], [1])
    ada("PATCH", "/3", {"needs": []})
    assert needs(ada) == ([], [])


@pytest.mark.parametrize(
    ("method", "path", "body", "fields"),
    [
        ("POST", "/todos", {"title": "a", "needs": [9]}, ["needs"]),
        ("POST", "/todos", {"text": "a needs:9"}, ["text"]),
        ("POST", "/todos", {"text": "a needs:9", "needs": [1]}, ["text"]),
        ("POST", "/todos", {"text": "a needs:1", "needs": [9]}, ["needs"]),
        ("PATCH", "/todos/1", {"add_needs": [9]}, ["needs"]),
        ("PATCH", "/todos/1", {"needs": [2, 9]}, ["needs"]),
        ("POST", "/bulk", {"items": [{"title": "a"}, {"title": "b", "needs": [9]}]}, ["items.1.needs"]),
        (
            "POST",
            "/bulk",
            {"items": [{"text": "a needs:9"}, {"text": "b needs:1,9"}]},
            ["items.0.text", "items.1.text"],
        ),
        ("PATCH", "/bulk", {"items": [{"todo": 1, "changes": {"needs": [9]}}]}, ["needs"]),
    ],
)
def test_needed_todo_that_is_not_there_is_named_as_such(
    ada: Api, bob: Api, fence: dict[str, Any], method: str, path: str, body: dict[str, Any], fields: list[str]
) -> None:
    for title in "abcdefghi":
        bob.add(title)
    answered = ada.at(method, path, body)
    assert refused_field(answered, 404, "NOT_FOUND") == fields
    assert "no todo 9" in answered.json()["detail"]
    assert numbers(ada, "?state=all") == [1, 2, 3]
    assert needs(ada, 1) == ([], [])


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/todos/1", {"needs": [3]}),
        ("/todos/3", {"add_needs": [3]}),
        ("/bulk", {"items": [{"todo": 2, "changes": {"needs": [1]}}, {"todo": 1, "changes": {"add_needs": [2]}}]}),
    ],
)
def test_cycle_is_refused(ada: Api, fence: dict[str, Any], path: str, body: dict[str, Any]) -> None:
    answered = ada.at("PATCH", path, body)
    assert refused_field(answered, 422, "VALIDATION_ERROR") == ["needs"]
    assert [needs(ada, number)[0] for number in (1, 2, 3)] == [[], [], [1, 2]]


@pytest.mark.parametrize("numbers", [[0], [-1], ["1"], [1.5], [None], 1, list(range(1, 102))], ids=str)
@pytest.mark.parametrize("field", ["needs", "add_needs", "remove_needs"])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_no_list_of_numbers_is_refused(ada: Api, fence: dict[str, Any], field: str, numbers: Any) -> None:
    [found] = refused_field(ada("PATCH", "/2", {field: numbers}), 422, "VALIDATION_ERROR")
    assert found.startswith(field)


def test_bulk_gives_each_todo_its_needs(ada: Api, fence: dict[str, Any]) -> None:
    added = ada.at("POST", "/bulk", {"items": [{"title": "a", "needs": [3]}, {"text": "b needs:1"}]}).json()["items"]
    assert [todo["blocked_by"] for todo in added] == [[3], [1]]
    items = [{"todo": 1, "changes": {"is_completed": True}}, {"todo": 4, "changes": {"needs": [1, 2]}}]
    changed = ada.at("PATCH", "/bulk", {"items": items}).json()["items"]
    assert (changed[1]["needs"], changed[1]["blocked_by"]) == ([1, 2], [2])


def test_etag_changes_when_a_blocker_is_done(ada: Api, fence: dict[str, Any]) -> None:
    before = ada("GET", "/3").headers["ETag"]
    listed = ada("GET", "?needs=any").headers["ETag"]
    assert ada("GET", "/3", headers={"If-None-Match": before}).status_code == 304
    ada("PATCH", "/1", {"is_completed": True})
    answered = ada("GET", "/3", headers={"If-None-Match": before})
    assert (answered.status_code, answered.json()["blocked_by"]) == (200, [2])
    assert ada("GET", "?needs=any", headers={"If-None-Match": listed}).status_code == 200
    edited = ada("PATCH", "/3", {"title": "gate"}, headers={"If-Match": before})
    assert edited.status_code == 200, "the todo itself is at the same version"


def test_strict_refuses_with_what_is_open(ada: Api, fence: dict[str, Any]) -> None:
    once = {"Idempotency-Key": str(uuid.uuid4())}
    answered = ada("PATCH", "/3?strict=true", {"is_completed": True}, headers=once)
    assert error(answered, 409, "CONFLICT")["field_errors"] == [
        {"field": "needs", "message": "1 is open"},
        {"field": "needs", "message": "2 is open"},
    ]
    assert not ada("GET", "/3").json()["is_completed"]
    done = ada("PATCH", "/3", {"is_completed": True}).json()
    assert (done["is_completed"], done["blocked_by"]) == (True, [1, 2])
    assert ada("PATCH", "/3?strict=true", {"is_completed": True}).status_code == 200, "it is done already"


def test_filters_find_what_waits(ada: Api, fence: dict[str, Any]) -> None:
    assert numbers(ada, "?needs=1") == numbers(ada, "?needs=any") == numbers(ada, "?where=is:blocked") == [3]
    assert numbers(ada, "?needs=none") == numbers(ada, "?where=is:ready") == [1, 2]
    assert numbers(ada, "?needs=7") == []
    assert refused_field(ada("GET", "?needs=soon"), 400, "VALIDATION_ERROR") == ["needs"]


def test_needs_are_numbers_of_ones_own(ada: Api, bob: Api, fence: dict[str, Any]) -> None:
    bob.add("his")
    assert bob.add("his as well", needs=[1])["blocked_by"] == [1]
    ada("PATCH", "/1", {"is_completed": True})
    assert needs(bob, 2) == ([1], [1])
    assert needs(ada) == ([1, 2], [2])
