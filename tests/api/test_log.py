"""The log over HTTP: what changed since a cursor, undo and redo."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tests.support.api import Api, api_of, error
from todocli.clock import now
from todocli.database.store import Store
from todocli.domain.log_cursor import LogCursor
from todocli.models import Todo
from todocli.services.owner import Owner
from todocli.services.workspace import Workspace


def log(api: Api, query: str = "") -> dict[str, Any]:
    answered = api.at("GET", f"/log{query}")
    assert answered.status_code == 200, answered.text
    page: dict[str, Any] = answered.json()
    return page


def actions(page: dict[str, Any]) -> list[list[tuple[int, str]]]:
    return [[(item["number"], item["action"]) for item in change["items"]] for change in page["items"]]


class Replica:
    """A client that keeps a copy of all todos."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.cursor = log(api, "?limit=1")["cursor"]
        self.todos: dict[str, Any] = {}
        for state in ("all", "trash"):
            for todo in api("GET", f"?state={state}&limit=1000").json()["items"]:
                self.todos[todo["id"]] = api("GET", f"/{todo['id']}").json() if state == "all" else todo

    def sync(self, limit: int = 100) -> None:
        while True:
            page = log(self.api, f"?since={self.cursor}&limit={limit}")
            self.todos |= {todo["id"]: todo for todo in page["todos"]}
            for each in page["deleted"]:
                self.todos.pop(each, None)
            self.cursor = page["cursor"]
            if not page["has_more"]:
                return


def stored(api: Api) -> dict[str, Any]:
    found = {}
    for state in ("all", "trash"):
        for todo in api("GET", f"?state={state}&limit=1000").json()["items"]:
            found[todo["id"]] = todo
    return found


def without_notes(todos: dict[str, Any]) -> dict[str, Any]:
    return {each: {**todo, "notes": None} for each, todo in todos.items()}


def test_newest_changes_come_first_with_their_actor(store: Store) -> None:
    api = api_of(store, "ada")
    api.add("a")
    api("PATCH", "/1", {"is_completed": True})
    page = log(api)
    assert actions(page) == [[(1, "done")], [(1, "added")]]
    assert {change["source"] for change in page["items"]} == {"api"}
    assert all(change["actor"] for change in page["items"])
    assert [todo["number"] for todo in page["todos"]] == [1]
    assert actions(log(api, f"?before={page['items'][0]['id']}")) == [[(1, "added")]]
    assert actions(log(api, "?todo=1&limit=1")) == [[(1, "done")]]
    error(api.at("GET", "/log?todo=7"), 404, "NOT_FOUND")


def test_cursor_of_the_newest_changes_leads_to_what_comes_later(ada: Api) -> None:
    empty = log(ada)
    assert empty["items"] == []
    ada.add("a")
    page = log(ada, f"?since={empty['cursor']}")
    assert actions(page) == [[(1, "added")]]
    assert log(ada, f"?since={page['cursor']}")["items"] == []
    assert log(ada)["cursor"] == page["cursor"]


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_replica_follows_every_kind_of_change(store: Store, limit: int) -> None:
    api = api_of(store, "ada", scope="destroy")
    for title in "abc":
        api.add(title)
    replica = Replica(api)
    api.at("POST", "/bulk", {"items": [{"title": "d"}, {"title": "e"}, {"title": "f"}]})
    api.at("PATCH", "/bulk", {"items": [{"todo": n, "changes": {"add_tags": ["x"]}} for n in (1, 2, 4)]})
    api("POST", "/1/notes", {"text": "a note"})
    api("DELETE", "/2")
    api("DELETE", "/3?permanent=true")
    api("DELETE", "/5")
    api("POST", "/5/restore")
    api("PATCH", "/6", {"title": "F", "is_completed": True})
    api.at("POST", "/undo", {})
    with Workspace(store, Owner("ada")) as workspace:
        renamed = sa.update(Todo).where(col(Todo.number) == 4).values(title="by a console")
        workspace.store.atomically(lambda session: session.execute(renamed))
    replica.sync(limit)
    assert without_notes(replica.todos) == without_notes(stored(api))
    assert [note["text"] for note in replica.todos[api("GET", "/1").json()["id"]]["notes"]] == ["a note"]


def test_large_change_is_read_in_parts(ada: Api) -> None:
    cursor = log(ada)["cursor"]
    ada.at("POST", "/bulk", {"items": [{"title": "a"}] * 5})
    ada.add("b")
    found, seen = [], []
    while True:
        page = log(ada, f"?since={cursor}&limit=2")
        found += [item["number"] for change in page["items"] for item in change["items"]]
        seen += [change["count"] for change in page["items"]]
        cursor = page["cursor"]
        if not page["has_more"]:
            break
    assert sorted(found) == [1, 2, 3, 4, 5, 6]
    assert seen == [5, 5, 5, 1]


def test_others_changes_are_not_in_the_log(ada: Api, bob: Api) -> None:
    cursor = log(ada)["cursor"]
    bob.add("b")
    assert log(ada, f"?since={cursor}")["items"] == []
    error(ada.at("GET", f"/log?since={log(bob)['cursor']}"), 410, "CURSOR_EXPIRED")


def test_cursor_from_before_a_compaction_is_gone(store: Store, ada: Api) -> None:
    beginning = log(ada)["cursor"]
    ada.add("a")
    middle = log(ada)["cursor"]
    ada("PATCH", "/1", {"title": "b"})
    latest = log(ada)["cursor"]
    with Workspace(store, Owner("ada")) as workspace:
        workspace.compact(now() + timedelta(seconds=1))
    for cursor in (beginning, middle):
        refused = error(ada.at("GET", f"/log?since={cursor}"), 410, "CURSOR_EXPIRED")
        assert "compacted" in refused["detail"]
    assert log(ada, f"?since={latest}")["items"] == []


@pytest.mark.parametrize("cursor", ["x", "", "é", "AAAA", LogCursor(1, uuid.UUID(int=1)).text() + "A"])
def test_malformed_cursor_is_refused(eve: Api, cursor: str) -> None:
    refused = error(eve.at("GET", "/log", params={"since": cursor}), 400, "VALIDATION_ERROR")
    assert [fault["field"] for fault in refused["field_errors"]] == ["since"]


def test_cursor_of_another_log_is_gone(eve: Api) -> None:
    eve.add("a")
    for seq in (1, 99, -1):
        refused = error(eve.at("GET", f"/log?since={LogCursor(seq, uuid.uuid4()).text()}"), 410, "CURSOR_EXPIRED")
        assert "another log" in refused["detail"]


@pytest.mark.parametrize("query", ["since={0}&todo=1", f"since={{0}}&before={uuid.UUID(int=1)}", "limit=0", "todo=x"])
def test_bad_query_of_log_is_refused(eve: Api, query: str) -> None:
    cursor = log(eve)["cursor"]
    refused = error(eve.at("GET", f"/log?{query.format(cursor)}"), 400, "VALIDATION_ERROR")
    assert len(refused["field_errors"]) == 1


def test_log_is_not_sent_again_until_something_changes(eve: Api) -> None:
    eve.add("a")
    etag = eve.at("GET", "/log").headers["ETag"]
    assert eve.at("GET", "/log", headers={"If-None-Match": etag}).status_code == 304
    eve.at("POST", "/undo")
    assert eve.at("GET", "/log", headers={"If-None-Match": etag}).status_code == 200


def test_undo_and_redo(ada: Api) -> None:
    ada.add("a")
    ada("PATCH", "/1", {"title": "b"})
    undone = ada.at("POST", "/undo", {"count": 2}).json()
    assert [change["items"][0]["action"] for change in undone["items"]] == ["changed", "added"]
    assert ada("GET", "?state=trash").json()["items"][0]["title"] == "a"
    assert ada.at("POST", "/redo", {"count": 2}).status_code == 200
    assert ada("GET", "/1").json()["title"] == "b"


def test_repeated_undo_takes_back_one_change(ada: Api) -> None:
    ada.add("a")
    ada.add("b")
    once = {"Idempotency-Key": str(uuid.uuid4())}
    assert ada.at("POST", "/undo", headers=once).json() == ada.at("POST", "/undo", headers=once).json()
    assert [todo["title"] for todo in ada("GET").json()["items"]] == ["a"]


def test_undo_of_one_change_leaves_later_ones(ada: Api) -> None:
    first = ada.add("a")["change_id"]
    ada.add("b")
    assert ada.at("POST", "/undo", {"only": first}).status_code == 200
    assert [todo["title"] for todo in ada("GET").json()["items"]] == ["b"]


def test_undo_refuses_what_it_cannot_do(ada: Api) -> None:
    error(ada.at("POST", "/undo"), 404, "NOT_FOUND")
    added = ada.add("a")["change_id"]
    ada("PATCH", "/1", {"title": "b"})
    changed = ada("GET", "/1").json()["change_id"]
    ada("PATCH", "/1", {"title": "c"})
    error(ada.at("POST", "/undo", {"only": changed}), 409, "CONFLICT")
    error(ada.at("POST", "/undo", {"only": str(uuid.uuid4())}), 404, "NOT_FOUND")
    error(ada.at("POST", "/undo", {"count": 0}), 422, "VALIDATION_ERROR")
    error(ada.at("POST", "/undo", {"only": changed, "count": 2}), 422, "VALIDATION_ERROR")
    assert ada.at("POST", "/undo", {"only": changed, "force": True}).status_code == 200
    assert ada("GET", "/1").json()["title"] == "a"
    assert added


def test_read_only_token_cannot_undo(store: Store, ada: Api) -> None:
    ada.add("a")
    reader = api_of(store, "ada", scope="read")
    for path in ("/undo", "/redo", "/bulk", "/todos/1/restore"):
        error(reader.at("POST", path, {} if path[1] in "ur" else None), 403, "ACCESS_DENIED")
    assert log(reader)["items"]
