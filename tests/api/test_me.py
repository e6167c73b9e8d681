"""What the API says of the user: names, counts and views; todos by number, and by a line of text."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from tests.support.api import SETTINGS, Api, api_of, error
from tests.support.terminal import Terminal
from todocli.api.app import create_app
from todocli.cli.app import build
from todocli.cli.view_queries import read_views
from todocli.database.store import Store
from todocli.profiles import login_name
from todocli.schemas.views import QueryList, QueryRead


def test_me_has_counts_and_scope(store: Store, ada: Api) -> None:
    for title in "abc":
        ada.add(title)
    ada("PATCH", "/1", {"is_completed": True})
    ada("DELETE", "/2")
    me = api_of(store, "ada", scope="read").at("GET", "/me").json()
    assert (me["name"], me["scope"], me["last_number"]) == ("ada", "read", 3)
    assert (me["open"], me["completed"], me["trash"]) == (1, 1, 1)
    assert me["user_id"] == ada("GET", "/1").json()["user_id"]
    assert me["token"]


def test_tags_and_projects_are_counted_for_their_user(ada: Api, bob: Api) -> None:
    ada.add("a", tags=["x", "y"], project="home/garden")
    ada.add("b", tags=["x"], project="home")
    ada("PATCH", "/2", {"is_completed": True})
    tags = ada.at("GET", "/tags").json()["items"]
    assert [(tag["name"], tag["open"], tag["completed"]) for tag in tags] == [("x", 1, 1), ("y", 1, 0)]
    projects = ada.at("GET", "/projects").json()["items"]
    assert [(each["name"], each["open"], each["completed"]) for each in projects] == [
        ("home", 1, 1),
        ("home/garden", 1, 0),
    ]
    assert bob.at("GET", "/tags").json()["items"] == bob.at("GET", "/projects").json()["items"] == []


@pytest.mark.parametrize("path", ["/me", "/tags", "/projects", "/views"])
def test_answers_are_not_sent_again_until_they_change(eve: Api, path: str) -> None:
    etag = eve.at("GET", path).headers["ETag"]
    assert eve.at("GET", path, headers={"If-None-Match": etag}).status_code == 304
    eve.add("a", tags=["x"], project="home")
    later = eve.at("GET", path, headers={"If-None-Match": etag})
    assert later.status_code == (304 if path == "/views" else 200)
    error(eve.at("GET", f"{path}?x=1"), 400, "VALIDATION_ERROR")
    error(eve.client.get(f"/api/v1{path}"), 401, "ACCESS_DENIED")


def test_views_are_those_of_the_machines_user(embedded: Store) -> None:
    saved = QueryList.of([QueryRead(name="home", line="+home", query="where=%2Bhome")])
    for name, found in (("ada", ["home"]), ("bob", [])):
        api = api_of(embedded, name)
        api.client = TestClient(create_app(embedded, SETTINGS, user="ada", views=lambda: saved))
        assert [view["name"] for view in api.at("GET", "/views").json()["items"]] == found


def test_todo_has_a_number_in_paths_and_filters(store: Store, ada: Api) -> None:
    owner = api_of(store, "ada", scope="destroy")
    for title in "abcd":
        owner.add(title)
    assert owner("GET", "/2").json()["title"] == "b"
    assert owner("PATCH", "/2", {"title": "B"}).json()["number"] == 2
    assert owner("POST", "/2/notes", {"text": "n"}).json()["note_count"] == 1
    etag = owner("GET", "/3").headers["ETag"]
    assert owner("DELETE", "/3", headers={"If-Match": etag}).status_code == 204
    assert owner("POST", "/3/restore").json()["deleted_at"] is None
    assert owner("DELETE", "/4?permanent=true").status_code == 204
    found = owner("GET", "?where=number:2 or number:3-9&sort=number").json()["items"]
    assert [todo["number"] for todo in found] == [2, 3]


def test_number_of_another_user_is_not_found(ada: Api, bob: Api) -> None:
    ada.add("a")
    for method, path, body in (
        ("GET", "/1", None),
        ("PATCH", "/1", {"title": "x"}),
        ("DELETE", "/1", None),
        ("POST", "/1/restore", None),
        ("POST", "/1/notes", {"text": "x"}),
    ):
        error(bob(method, path, body), 404, "NOT_FOUND")


def test_restore_is_safe_to_repeat(ada: Api) -> None:
    ada.add("a")
    ada("DELETE", "/1")
    for _ in range(2):
        assert ada("POST", "/1/restore").json()["deleted_at"] is None


def test_restore_is_guarded_by_the_version(ada: Api) -> None:
    first = f'"{ada.add("a")["change_id"]}"'
    ada("DELETE", "/1")
    error(ada("POST", "/1/restore", headers={"If-Match": first}), 412, "CONFLICT")
    error(ada("POST", "/1/release", headers={"If-Match": first}), 404, "NOT_FOUND")
    [removed] = ada("GET", "?state=trash").json()["items"]
    latest = f'{first}, "{removed["change_id"]}"'
    assert ada("POST", "/1/restore", headers={"If-Match": latest}).status_code == 200
    error(ada("POST", "/1/release", headers={"If-Match": first}), 412, "CONFLICT")


def test_text_is_read_like_a_command_line(ada: Api) -> None:
    todo = ada("POST", body={"text": "Call the bank due:2026-11-27 17:00 pri:high project:home +bills", "tags": ["x"]})
    assert todo.status_code == 201, todo.text
    found = todo.json()
    assert (found["title"], found["due_on"], found["due_time"]) == ("Call the bank", "2026-11-27", "17:00:00")
    assert (found["priority"], found["project"], found["tags"]) == ("high", "home", ["bills", "x"])


def test_day_in_text_has_the_time_beside_it(ada: Api) -> None:
    body = {"text": "a due:2026-11-27", "due_time": "17:00"}
    alone = ada("POST", body=body)
    assert alone.status_code == 201, alone.text
    [among_others] = ada.at("POST", "/bulk", {"items": [body]}).json()["items"]
    for found in (alone.json(), among_others):
        assert (found["title"], found["due_on"], found["due_time"]) == ("a", "2026-11-27", "17:00:00")


def test_days_in_text_are_those_of_the_time_zone(eve: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 11, 27, 23, 30, tzinfo=ZoneInfo("UTC"))
    monkeypatch.setattr("todocli.clock.now", lambda: moment)
    found = eve("POST", "?tz=Asia/Tokyo", {"text": "a due:today"}).json()
    assert date.fromisoformat(found["due_on"]) == date(2026, 11, 28)
    refused = error(eve("POST", "?tz=Nowhere", {"text": "a"}), 400, "VALIDATION_ERROR")
    assert [fault["field"] for fault in refused["field_errors"]] == ["tz"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": "a due:soonish"}, "text"),
        ({"text": "a due:soonish", "priority": "low"}, "text"),
        ({"text": "a pri:high", "priority": "low"}, "priority"),
        ({"text": "due:fri"}, "text"),
        ({"text": "a" * 256}, "text"),
        ({"text": "a", "due_time": "17:00"}, "due_time"),
        ({"text": "a due:2026-11-27 17:00", "due_time": "17:00"}, "due_time"),
        ({"title": "a", "due_time": "17:00"}, "due_time"),
        ({"text": "a", "title": "a"}, "text"),
        ({"text": " "}, "text"),
        ({"text": None}, "text"),
    ],
)
def test_bad_text_names_the_field_that_was_sent(eve: Api, body: dict[str, object], field: str) -> None:
    refused = error(eve("POST", body=body), 422, "VALIDATION_ERROR")
    assert [fault["field"] for fault in refused["field_errors"]] == [field]
    assert "--literal" not in refused["detail"]
    assert not refused.keys() & {"hint", "command"}


@pytest.mark.parametrize(
    ("text", "message"),
    [("a due:soonish", "'soonish' is not a day."), ("due:fri", "The title must not be empty.")],
)
def test_fault_in_text_is_a_sentence(eve: Api, text: str, message: str) -> None:
    refused = error(eve("POST", body={"text": text}), 422, "VALIDATION_ERROR")
    assert (refused["detail"], refused["field_errors"]) == (message, [{"field": "text", "message": message}])


@pytest.mark.parametrize(
    "line",
    ["+x", "due:any --sort -priority", "-c", "--all --reverse -n 2", "added:today b", "--where '+x or due:any'"],
)
def test_view_lists_the_same_here_and_there(
    monkeypatch: pytest.MonkeyPatch, home: Path, embedded_file: Path, line: str
) -> None:
    todo = Terminal(monkeypatch)
    todo.ok("add -", stdin="a +x pri:high\nb due:today pri:low\nc due:tomorrow +x\nd not\n")
    todo.ok("done 1")
    todo.ok(f"view save mine {line}")
    todo.ok("view save broken +x")
    config = home / "config.toml"
    config.write_text(config.read_text().replace('broken = "+x"', 'broken = "due:soonish --nonsense"'))
    token = todo.ok("token create web").strip()
    with closing(Store(home / "todo.db", connections=2)) as store:
        app = create_app(store, SETTINGS, user=login_name(), views=partial(read_views, build()))
        api = Api(TestClient(app), {"Authorization": f"Bearer {token}"})
        broken, mine = api.at("GET", "/views").json()["items"]
        found = api("GET", f"?{mine['query']}").json()["items"]
    shown = json.loads(todo.ok("mine --json"))["items"]
    assert [todo["number"] for todo in found] == [todo["number"] for todo in shown]
    assert broken["query"] is None
