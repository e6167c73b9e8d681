"""Adding and changing several todos in one request: all of them or none."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.support.api import Api, api_of, error
from todocli.api.middleware import MAX_BODY
from todocli.database.store import Store
from todocli.schemas.http import MAX_ITEMS


def key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4())}


def titles(api: Api) -> list[str]:
    return [todo["title"] for todo in api("GET", "?sort=number").json()["items"]]


def test_several_todos_are_added_in_order_and_undone_at_once(ada: Api) -> None:
    answered = ada.at("POST", "/bulk", {"items": [{"title": "b"}, {"text": "a pri:high +home"}]})
    assert answered.status_code == 201
    assert [(todo["number"], todo["title"], todo["priority"]) for todo in answered.json()["items"]] == [
        (1, "b", None),
        (2, "a", "high"),
    ]
    [undone] = ada.at("POST", "/undo").json()["items"]
    assert undone["count"] == 2
    assert titles(ada) == []


def test_repeated_bulk_request_adds_once(ada: Api) -> None:
    once, body = key(), {"items": [{"title": "a"}, {"title": "b"}]}
    first = ada.at("POST", "/bulk", body, headers=once)
    again = ada.at("POST", "/bulk", body, headers=once)
    assert (again.status_code, again.json()) == (201, first.json())
    error(ada.at("POST", "/bulk", {"items": [{"title": "c"}]}, headers=once), 409, "CONFLICT")
    assert titles(ada) == ["a", "b"]


def test_each_todo_changes_in_its_own_way(ada: Api) -> None:
    first, second, third = (ada.add(title) for title in "abc")
    items = [
        {"todo": 2, "changes": {"is_completed": True, "add_tags": ["x"]}},
        {"todo": first["id"], "changes": {"title": "A"}, "if_match": first["change_id"]},
        {"todo": "3", "changes": {"priority": "low"}},
    ]
    answered = ada.at("PATCH", "/bulk", {"items": items})
    assert answered.status_code == 200, answered.text
    changed = answered.json()["items"]
    assert [todo["number"] for todo in changed] == [2, 1, 3]
    assert (changed[0]["is_completed"], changed[0]["tags"], changed[1]["title"]) == (True, ["x"], "A")
    assert changed[2]["priority"] == "low"
    assert len({todo["change_id"] for todo in changed}) == 1
    [undone] = ada.at("POST", "/undo").json()["items"]
    assert undone["count"] == 3
    assert [ada("GET", f"/{todo['id']}").json()["title"] for todo in (first, second, third)] == ["a", "b", "c"]


def test_repeated_bulk_change_takes_effect_once(ada: Api) -> None:
    ada.add("a")
    ada.add("b")
    once = key()
    body = {"items": [{"todo": 1, "changes": {"title": "A"}}, {"todo": 2, "changes": {"title": "B"}}]}
    ada.at("PATCH", "/bulk", body, headers=once)
    ada("PATCH", "/1", {"title": "later"})
    again = ada.at("PATCH", "/bulk", body, headers=once)
    assert [todo["title"] for todo in again.json()["items"]] == ["later", "B"]
    other = {"items": [{"todo": 1, "changes": {"title": "other"}}]}
    error(ada.at("PATCH", "/bulk", other, headers=once), 409, "CONFLICT")
    assert titles(ada) == ["later", "B"]


def test_repeated_request_after_a_purge_says_so(store: Store) -> None:
    api, adding, changing = api_of(store, "ada", scope="destroy"), key(), key()
    todos = {"items": [{"title": "a"}, {"title": "b"}]}
    changes = {"items": [{"todo": n, "changes": {"priority": "low"}} for n in (1, 2)]}
    api.at("POST", "/bulk", todos, headers=adding)
    api.at("PATCH", "/bulk", changes, headers=changing)
    api("DELETE", "/1?permanent=true")
    for answered in (
        api.at("POST", "/bulk", todos, headers=adding),
        api.at("PATCH", "/bulk", changes, headers=changing),
    ):
        assert error(answered, 404, "NOT_FOUND")["detail"].startswith("Already applied; ")
    assert titles(api) == ["b"]


@pytest.mark.parametrize(
    ("item", "status", "code", "field"),
    [
        ({"todo": 9, "changes": {"title": "x"}}, 404, "NOT_FOUND", "items.1.todo"),
        ({"todo": 2, "changes": {"title": "x"}}, 404, "NOT_FOUND", "items.1.todo"),  # in the trash
        ({"todo": 1, "changes": {"title": "x"}}, 422, "VALIDATION_ERROR", "items.1.todo"),  # twice
        ({"todo": 3, "changes": {"title": "x"}, "if_match": str(uuid.UUID(int=1))}, 409, "CONFLICT", "items.1.todo"),
        ({"todo": 3, "changes": {"title": ""}}, 422, "VALIDATION_ERROR", "items.1.changes.title"),
        ({"todo": 3, "changes": {"due_time": "17:00"}}, 422, "VALIDATION_ERROR", "items.1.changes.due_time"),
        ({"todo": "x", "changes": {}}, 422, "VALIDATION_ERROR", "items.1.todo"),
        ({"changes": {}}, 422, "VALIDATION_ERROR", "items.1.todo"),
    ],
)
def test_one_bad_item_changes_nothing(ada: Api, item: dict[str, Any], status: int, code: str, field: str) -> None:
    for title in "abc":
        ada.add(title)
    ada("DELETE", "/2")
    items = [{"todo": 1, "changes": {"title": "changed"}}, item]
    refused = error(ada.at("PATCH", "/bulk", {"items": items}), status, code)
    assert [fault["field"] for fault in refused["field_errors"]] == [field]
    assert titles(ada) == ["a", "c"]


def test_refusal_is_a_sentence_for_each_item(ada: Api) -> None:
    ada.add("a")
    items = [{"todo": number, "changes": {"title": "b"}} for number in (1, 7, 8)]
    refused = error(ada.at("PATCH", "/bulk", {"items": items}), 404, "NOT_FOUND")
    assert refused["detail"] == "The items.1.todo was not found. The items.2.todo was not found. Nothing was changed."
    many = [{"todo": number, "changes": {"title": "b"}} for number in range(2, 22)]
    refused = error(ada.at("PATCH", "/bulk", {"items": many}), 404, "NOT_FOUND")
    assert refused["detail"].endswith("The items.9.todo was not found. There are more. Nothing was changed.")
    assert len(refused["field_errors"]) == 20


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"title": " "}, "items.1.title"),
        ({}, "items.1.title"),
        ({"text": "x due:soonish"}, "items.1.text"),
        ({"text": "x due:fri", "due_on": "2026-11-27"}, "items.1.due_on"),
        ({"title": "x", "text": "x"}, "items.1.text"),
        ({"title": "x", "colour": "red"}, "items.1.colour"),
    ],
)
def test_one_bad_todo_adds_nothing(eve: Api, item: dict[str, Any], field: str) -> None:
    refused = error(eve.at("POST", "/bulk", {"items": [{"title": "a"}, item]}), 422, "VALIDATION_ERROR")
    assert [fault["field"] for fault in refused["field_errors"]] == [field]
    assert titles(eve) == []


def test_every_bad_todo_is_named_in_one_round(eve: Api) -> None:
    items = [
        {"text": "a due:2026-11-27"},
        {"text": "b due:soonish"},
        {"title": ""},
        {"text": "c", "due_time": "17:00"},
        {"text": "d every:fortnightly", "colour": "red"},
        5,
        {"text": "e pri:urgent"},
    ]
    refused = error(eve.at("POST", "/bulk", {"items": items}), 422, "VALIDATION_ERROR")
    assert [fault["field"] for fault in refused["field_errors"]] == [
        "items.1.text",
        "items.2.title",
        "items.3.due_time",
        "items.4.colour",
        "items.5",
        "items.6.text",
    ]
    assert refused["detail"].startswith("items.1.text: 'soonish' is not a day. The items.2.title must not be empty. ")
    assert titles(eve) == []


@pytest.mark.parametrize("body", [[], {}, {"items": {}}, {"items": None}, {"items": "x"}, "x", None], ids=str)
def test_body_without_a_list_is_refused(eve: Api, body: Any) -> None:
    error(eve.at("POST", "/bulk", body), 422, "VALIDATION_ERROR")


def test_too_many_tags_change_nothing(ada: Api) -> None:
    ada.add("a", tags=[f"t{i}" for i in "abcdefghijklmnopqrst"])
    ada.add("b")
    items = [{"todo": 2, "changes": {"title": "x"}}, {"todo": 1, "changes": {"add_tags": ["more"]}}]
    error(ada.at("PATCH", "/bulk", {"items": items}), 422, "VALIDATION_ERROR")
    assert titles(ada) == ["a", "b"]


def test_number_of_items_is_limited(eve: Api) -> None:
    several = [{"title": "a" * 200}] * MAX_ITEMS
    assert MAX_ITEMS * 200 > MAX_BODY, "the limit of other bodies must not hold here"
    assert len(eve.at("POST", "/bulk", {"items": several}).json()["items"]) == MAX_ITEMS
    for items in ([], [*several, {"title": "b"}]):
        refused = error(eve.at("POST", "/bulk", {"items": items}), 422, "VALIDATION_ERROR")
        [fault] = refused["field_errors"]
        assert fault["field"] == "items"
        assert fault["message"] in ("must have at least 1 item", f"must have at most {MAX_ITEMS} items")


def test_todos_of_another_user_are_not_found(ada: Api, bob: Api) -> None:
    others = ada.add("a")
    for todo in (others["id"], others["number"]):
        error(bob.at("PATCH", "/bulk", {"items": [{"todo": todo, "changes": {"title": "x"}}]}), 404, "NOT_FOUND")
    assert titles(ada) == ["a"]
