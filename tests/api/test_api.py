"""The HTTP API on both engines: todos, authentication, and everything around the endpoints."""

from __future__ import annotations

import base64
import json
import re
import uuid
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from sqlmodel import col

from tests.support.api import SETTINGS, Api, api_of, error, open_with_users
from tests.support.relay import Relay
from tests.support.terminal import Terminal
from todocli.api.app import create_app, openapi
from todocli.api.errors import STATUSES
from todocli.api.metrics import Metrics
from todocli.api.middleware import MAX_BODY
from todocli.api.requests import BASE
from todocli.api.settings import Settings
from todocli.api.throttle import WINDOW_SECONDS
from todocli.clock import now
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import Store
from todocli.database.target import Target
from todocli.domain.idempotency import ChangeKey, fingerprint
from todocli.domain.sorting import SortKey
from todocli.domain.tokens import is_token, new_token
from todocli.errors import OutcomeUnknown, ValidationError
from todocli.models import History
from todocli.services import tokens
from todocli.services.history.purge import TrashQuery
from todocli.services.owner import Owner
from todocli.services.paging import Cursor
from todocli.services.tokens import Tokens
from todocli.services.users import Users
from todocli.services.workspace import Workspace

COPY = Path(__file__).resolve().parents[1].joinpath("snapshots/openapi.json")


# Todos


def test_life_of_todo(ada: Api) -> None:
    added = ada("POST", body={"title": " Pay rent ", "due_on": "2026-11-27", "due_time": "17:00", "tags": ["+Bills"]})
    todo = added.json()
    assert added.status_code == 201
    assert added.headers["Location"] == f"{BASE}/todos/{todo['id']}"
    assert added.headers["ETag"] == f'"{todo["change_id"]}"'
    assert (todo["number"], todo["title"], todo["due_time"], todo["tags"]) == (1, "Pay rent", "17:00:00", ["bills"])
    assert ada("GET", f"/{todo['id']}").json() == todo
    assert ada("GET").json() == {"items": [todo], "count": 1, "total": 1, "next_cursor": None}
    changed = ada("PATCH", f"/{todo['id']}", {"is_completed": True, "description": "by card", "due_on": None})
    assert changed.status_code == 200
    assert (changed.json()["is_completed"], changed.json()["due_time"], changed.json()["version"]) == (True, None, 2)
    assert ada("PATCH", f"/{todo['id']}", {"is_completed": False}).json()["completed_at"] is None
    gone = ada("DELETE", f"/{todo['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    for method, body in (("GET", None), ("PATCH", {"title": "b"}), ("DELETE", None)):
        error(ada(method, f"/{todo['id']}", body), 404, "NOT_FOUND")
    assert ada("GET", "?state=all").json()["count"] == 0


def test_todo_of_another_user_is_not_found(ada: Api, bob: Api) -> None:
    todo = ada.add()
    unknown = uuid.uuid4()
    for method, body in (("GET", None), ("PATCH", {"title": "b"}), ("DELETE", None)):
        theirs = error(bob(method, f"/{todo['id']}", body), 404, "NOT_FOUND")
        nobodys = error(bob(method, f"/{unknown}", body), 404, "NOT_FOUND")
        assert json.dumps(theirs).replace(todo["id"], "ID") == json.dumps(nobodys).replace(str(unknown), "ID")
    assert bob("GET").json()["items"] == []
    assert ada("GET", f"/{todo['id']}").json() == todo


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [1, 2, 3, 4]),
        ("?state=open", [2, 1, 3]),
        ("?state=trash", [5]),
        ("?tag=bills", [1]),
        ("?no_tag=bills&due=any", [2, 4]),
        ("?project=home&sort=-number", [2, 1]),
        ("?where=%2Bbills+or+milk", [1, 3]),
        ("?search=MILK", [3]),
        ("?due=none", [3]),
        ("?before=2026-11-27", [2]),
        ("?priority=high", [1]),
        ("?state=all&reverse=true", [4, 3, 2, 1]),
        ("?state=completed", [4]),
        ("?start=any&state=all", []),
        ("?tz=Pacific/Auckland&state=open", [2, 1, 3]),
    ],
)
def test_list_filters_as_command_line_does(ada: Api, query: str, found: list[int]) -> None:
    ada.add("Rent", due_on="2026-11-27", tags=["bills"], project="home", priority="high")
    ada.add("Plants", due_on="2026-11-22", project="home/garden")
    ada.add("Milk")
    done, gone = ada.add("Done", due_on="2026-12-24", project="old"), ada.add("Gone")
    ada("PATCH", f"/{done['id']}", {"is_completed": True})
    ada("DELETE", f"/{gone['id']}")
    assert [todo["number"] for todo in ada("GET", query).json()["items"]] == found


def test_repeated_sort_key_counts_once(ada: Api) -> None:
    for title in ("b", "a"):
        ada.add(title)
    query = f"?limit=1&sort={','.join(['title'] * 400)}"
    page = ada("GET", query).json()
    following = ada("GET", f"{query}&cursor={page['next_cursor']}").json()
    assert [todo["title"] for todo in page["items"] + following["items"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("place", "values"),
    [
        (1, ("9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+00:00", "2026-11-27", 7)),
        (2, ("2026-11-27", 7, True, {"t": "10:00"}, {"d": "x"}, {"x": "y"}, [])),
        (3, ({"t": "10:00+02:00"}, "x", {"d": "2026-11-27"})),
        (4, ("a\0", "\ud800", 5, {"i": "2026-11-27T10:00:00+00:00"})),
        (6, (10**30, "x", 1.5, True, {"d": "2026-11-27"})),
    ],
)
def test_forged_cursor_is_refused(ada: Api, place: int, values: tuple[Any, ...]) -> None:
    for _ in range(2):
        ada.add("a", due_on="2026-11-27", due_time="10:00")
    query = "?limit=1&sort=due,title"
    text = ada("GET", query).json()["next_cursor"]
    text = text[:-8]
    parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    assert len(parts) == 7
    for value in values:
        parts[place] = value
        forged = base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")
        forged += f"{zlib.crc32(forged.encode()):08x}"
        body = error(ada("GET", f"{query}&cursor={forged}"), 400, "VALIDATION_ERROR")
        assert [each["field"] for each in body["field_errors"]] == ["cursor"]


def test_damaged_cursor_is_refused(eve: Api) -> None:
    for title in ("ä", "b"):
        eve.add(title)
    cursor = eve("GET", "?limit=1&sort=title").json()["next_cursor"]
    damaged = [
        cursor[:place] + other + cursor[place + 1 :]
        for place, character in enumerate(cursor)
        for other in {"A", "B", "a", "0", "-", "=", ".", "é", character.swapcase()} - {character}
    ]
    for text in (*damaged, cursor[:-1], cursor[1:], f"{cursor}=", cursor[-8:], ""):
        with pytest.raises(ValidationError, match="does not belong"):
            Cursor.parse(text)
    body = error(eve("GET", f"?limit=1&sort=title&cursor={damaged[-1]}"), 400, "VALIDATION_ERROR")
    assert [each["field"] for each in body["field_errors"]] == ["cursor"]


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["", *(f"{sign}{key}" for key in get_args(SortKey) for sign in ("", "-"))])
def test_pages_in_every_order_are_complete(ada: Api, sort: str) -> None:
    for i in range(3):
        ada.add(f"T{i}", due_on=f"2026-12-0{9 - i}", due_time="17:00", project=f"p{i}", starts_on="2026-11-01")
    ada.add("nothing")
    whole = [todo["number"] for todo in ada("GET", f"?sort={sort}").json()["items"]]
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = ada("GET", f"?limit=1&sort={sort}{cursor and f'&cursor={cursor}'}").json()
        seen += [todo["number"] for todo in page["items"]]
        cursor = page["next_cursor"]
    assert seen == whole
    assert len(seen) == 4


def test_pages_follow_cursor(ada: Api) -> None:
    for i in range(5):
        ada.add(str(i), due_on=f"2026-12-{9 - i:02}" if i % 2 else None)
    seen, cursor = [], ""
    for _ in range(3):
        page = ada("GET", f"?limit=2&sort=due,-number&due=any&state=all{cursor}").json()
        assert page["total"] == 2
        seen += [todo["number"] for todo in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [4, 2]
    page = ada("GET", "?limit=1").json()
    error(ada("GET", f"?limit=1&state=open&cursor={page['next_cursor']}"), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=x", "limit"),
        ("?state=gone", "state"),
        ("?sort=size", "sort"),
        ("?due=soonish", "due"),
        ("?done=soonish", "done"),
        ("?project=a&project=a//b", "project"),
        ("?where=%2Ba+or", "where"),
        ("?priorty=high", "priorty"),
        ("?limit=1&limit=2", "limit"),
        ("?cursor=x", "cursor"),
        ("?tz=Nowhere", "tz"),
        ("?tz=../../etc/passwd", "tz"),
        ("?search=", "search"),
        ("?tag=a+b", "tag"),
    ],
)
def test_bad_query_names_parameter(eve: Api, query: str, field: str) -> None:
    body = error(eve("GET", query), 400, "VALIDATION_ERROR")
    assert [each["field"] for each in body["field_errors"]] == [field]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["title"]),
        ({"title": ""}, ["title"]),
        ({"title": "x" * 256}, ["title"]),
        ({"title": 1}, ["title"]),
        ({"title": "a", "description": "x" * 2001}, ["description"]),
        ({"title": "a", "colour": "red"}, ["colour"]),
        ({"title": "a", "is_completed": "yes"}, ["is_completed"]),
        ({"title": "a", "number": 7}, ["number"]),
        ({"title": "a", "due_on": 20261127}, ["due_on"]),
        ({"title": "a", "due_on": "27.11.2026"}, ["due_on"]),
        ({"title": "a", "due_on": "2026-02-30"}, ["due_on"]),
        ({"title": "a", "due_time": "17:00"}, ["due_time"]),
        ({"title": "a", "due_on": "2026-11-27", "due_time": "17:00+01:00"}, ["due_time"]),
        ({"title": "a", "priority": "urgent"}, ["priority"]),
        ({"title": "a", "project": "a//b"}, ["project"]),
        ({"title": "a", "tags": "bills"}, ["tags"]),
        ({"title": "a", "tags": [1]}, ["tags"]),
        ([], ["body"]),
        (None, ["body"]),
    ],
)
def test_bad_body_names_field(eve: Api, body: Any, fields: list[str]) -> None:
    refused = error(eve("POST", body=body), 422, "VALIDATION_ERROR")
    assert [each["field"] for each in refused["field_errors"]] == fields
    assert eve("GET").json()["total"] == 0


@pytest.mark.parametrize(
    "body", [{"is_completed": 1}, {"is_completed": "yes"}, {"is_completed": None}, {"title": None}, {"version": 3}]
)
def test_bad_update_changes_nothing(eve: Api, body: dict[str, Any]) -> None:
    todo = eve.add()
    refused = error(eve("PATCH", f"/{todo['id']}", body), 422, "VALIDATION_ERROR")
    assert [each["field"] for each in refused["field_errors"]] == list(body)
    assert eve("GET", f"/{todo['id']}").json() == todo


@pytest.mark.parametrize("content", [b"", b"{", b'{"title": "\xff"}', b"[" * 5000, b"\0", b'{"title": "\\ud800"}'])
def test_body_that_is_not_json_is_refused(eve: Api, content: bytes) -> None:
    headers = eve.headers | {"Content-Type": "application/json"}
    error(eve.client.post(f"{BASE}/todos", content=content, headers=headers), 422, "VALIDATION_ERROR")


def test_large_body_is_refused(eve: Api) -> None:
    error(eve("POST", body={"title": "x" * MAX_BODY}), 413, "LIMIT_EXCEEDED")

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    error(eve.client.post(f"{BASE}/todos", content=endless(), headers=eve.headers), 413, "LIMIT_EXCEEDED")


@pytest.mark.parametrize("todo_id", ["0", "1.5", "abc", "00000000", "%00", "0" * 33, "9" * 19, "1" * 33])
def test_bad_id_is_refused(eve: Api, todo_id: str) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        error(eve(method, f"/{todo_id}", {} if method == "PATCH" else None), 400, "VALIDATION_ERROR")


def test_if_match_guards_version(ada: Api) -> None:
    todo = ada.add()
    path, seen = f"/{todo['id']}", {"If-Match": f'"{todo["change_id"]}"'}
    once = {**seen, "Idempotency-Key": str(uuid.uuid4())}
    changed = ada("PATCH", path, {"title": "b"}, headers=once)
    assert changed.status_code == 200
    again = ada("PATCH", path, {"title": "b"}, headers=once)
    assert (again.status_code, again.text) == (200, changed.text)
    other = ada.add()
    for idle in ({}, {"title": "a"}):  # nothing to change, but another version
        error(ada("PATCH", f"/{other['id']}", idle, headers={"If-Match": f'"{uuid.uuid4()}"'}), 412, "CONFLICT")
    either = {"If-Match": f'"{uuid.uuid4()}", "{other["change_id"]}"'}
    assert ada("DELETE", f"/{other['id']}", headers=either).status_code == 204
    for old in (seen, {"If-Match": '"x"'}, {"If-Match": f'"{uuid.uuid4()}"'}):
        error(ada("PATCH", path, {"title": "c"}, headers=old), 412, "CONFLICT")
        error(ada("DELETE", path, headers=old), 412, "CONFLICT")
    error(ada("DELETE", f"/{uuid.uuid4()}", headers={"If-Match": '"x"'}), 404, "NOT_FOUND")
    assert ada("PATCH", path, {"title": "c"}, headers={"If-Match": "*"}).status_code == 200
    assert ada("DELETE", path, headers={"If-Match": ada("GET", path).headers["ETag"]}).status_code == 204


def test_repeated_idempotency_key_adds_once(ada: Api) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, again = (ada("POST", body={"title": "a"}, headers=key) for _ in range(2))
    assert first.json() == again.json()
    refused = error(ada("POST", body={"title": "b"}, headers=key), 409, "CONFLICT")
    assert refused["field_errors"][0]["field"] == "Idempotency-Key"
    assert "--" not in json.dumps(refused)
    error(ada("PATCH", f"/{first.json()['id']}", {"title": "b"}, headers=key), 409, "CONFLICT")
    error(ada("POST", body={"title": "b"}, headers={"Idempotency-Key": "7"}), 400, "VALIDATION_ERROR")
    assert ada("GET").json()["total"] == 1


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_repeated_key_after_purge_is_not_found(ada: Api, store: Store, method: str) -> None:
    path = "" if method == "POST" else f"/{ada.add()['id']}"
    key = {"Idempotency-Key": str(uuid.uuid4())}
    todo = ada(method, path, {"title": "b"}, headers=key).json()
    assert ada("DELETE", f"/{todo['id']}").status_code == 204
    with Workspace(store, Owner("ada")) as workspace:
        trash = TrashQuery()
        workspace.purge(trash, workspace.trash.preview(trash), ChangeKey(uuid.uuid4(), fingerprint("purge")))
    refused = error(ada(method, path, {"title": "b"}, headers=key), 404, "NOT_FOUND")
    assert refused["detail"] == "Already applied; the todo has since been purged."
    error(ada(method, path, {"title": "c"}, headers=key), 409, "CONFLICT")


def test_order_of_body_is_no_other_request(ada: Api) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = ada("POST", body={"title": "a", "priority": "low"}, headers=key)
    assert ada("POST", body={"priority": "low", "title": "a"}, headers=key).json() == first.json()
    error(ada("POST", body={"title": "a", "priority": "low", "project": "x"}, headers=key), 409, "CONFLICT")


# Authentication


def test_invalid_token_is_unauthorized(embedded: Store, eve: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    token = eve.headers["Authorization"].removeprefix("Bearer ")
    for value in ("", "Bearer", f"Basic {token}", token, "Bearer x", f"Bearer {token}x", f"Bearer {new_token()}"):
        answered = eve.client.get(f"{BASE}/todos", headers={"Authorization": value})
        error(answered, 401, "ACCESS_DENIED")
        assert answered.headers["WWW-Authenticate"] == "Bearer"
    expired = api_of(embedded, "ada", expires_at=now() + timedelta(minutes=1))
    monkeypatch.setattr(tokens, "now", lambda: now() + timedelta(minutes=1))
    assert error(expired("GET"), 401, "ACCESS_DENIED")["detail"] == "The token has expired."


def test_address_with_refused_tokens_is_blocked(embedded: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = api_of(embedded, "ada", replace(SETTINGS, refused_tokens=2))
    refused = {"Authorization": f"Bearer {new_token()}"}
    for _ in range(2):
        assert ada("GET").status_code == 200
        error(ada("GET", headers=refused), 401, "ACCESS_DENIED")
    monkeypatch.setattr(embedded, "session", None)  # the database is not asked
    for headers in (refused, {}):
        answered = ada("GET", headers=headers)
        error(answered, 429, "TOO_MANY_REQUESTS")
        assert 1 <= int(answered.headers["Retry-After"]) <= WINDOW_SECONDS


def test_read_only_token_cannot_write(embedded: Store, eve: Api) -> None:
    todo = eve.add()
    phone = api_of(embedded, "ada", scope="read")
    assert phone("GET", f"/{todo['id']}").json() == todo
    for method, path, body in (("POST", "", {"title": "b"}), ("PATCH", f"/{todo['id']}", {}), ("DELETE", "/x", None)):
        assert (
            error(phone(method, path, body), 403, "ACCESS_DENIED")["detail"]
            == "The token has the scope read; this needs write."
        )
    assert eve("GET").json()["total"] == 1


@pytest.mark.parametrize("removed", [True, False])
def test_todo_is_deleted_for_good_with_the_scope_destroy(store: Store, ada: Api, removed: bool) -> None:
    todo, other, theirs = ada.add("a"), ada.add("b"), api_of(store, "bob").add("c")
    if removed:
        assert ada("DELETE", f"/{todo['id']}").status_code == 204
    refused = error(ada("DELETE", f"/{todo['id']}?permanent=true"), 403, "ACCESS_DENIED")
    assert refused["detail"] == "The token has the scope write; this needs destroy."
    admin = api_of(store, "ada", scope="destroy")
    for foreign in (theirs["id"], str(uuid.uuid4())):
        error(admin("DELETE", f"/{foreign}?permanent=true"), 404, "NOT_FOUND")
    stale = {"If-Match": f'"{uuid.uuid4()}"'}
    error(admin("DELETE", f"/{todo['id']}?permanent=true", headers=stale), 412, "CONFLICT")
    tag = admin("GET", "?state=trash" if removed else "").json()["items"][0]["change_id"]
    key = {"Idempotency-Key": str(uuid.uuid4()), "If-Match": f'"{tag}", "x"'}
    for _ in range(2):
        assert admin("DELETE", f"/{todo['id']}?permanent=true", headers=key).status_code == 204
    del key["If-Match"]
    error(admin("DELETE", f"/{other['id']}?permanent=true", headers=key), 409, "CONFLICT")
    error(admin("DELETE", f"/{todo['id']}?permanent=true"), 404, "NOT_FOUND")
    assert admin("GET", "?state=trash").json()["items"] == []
    assert [each["id"] for each in admin("GET").json()["items"]] == [other["id"]]
    with store.session() as session:
        titles = session.scalars(sa.select(col(History.after)).where(col(History.todo_id) == uuid.UUID(todo["id"])))
        assert titles.all() == [None]


def test_revoked_token_is_unauthorized(store: Store, ada: Api) -> None:
    with store.session() as session:
        tokens = Tokens(session, Owner("ada"))
        (token,) = tokens.all().items
        assert ada("GET").status_code == 200
        tokens.revoke(token.name)
    error(ada("GET"), 401, "ACCESS_DENIED")


def test_last_use_of_token_is_recorded(store: Store, ada: Api) -> None:
    with store.session() as session:
        (token,) = Tokens(session, Owner("ada")).all().items
    assert token.last_used_at is None
    for _ in range(3):
        ada("GET")
        with store.session() as session:
            (token,) = Tokens(session, Owner("ada")).all().items
        assert token.last_used_at
        assert abs(now() - token.last_used_at) < timedelta(minutes=1)


def test_use_of_token_is_recorded_on_error(store: Store) -> None:
    bob = api_of(store, "bob", scope="read")
    error(bob("POST", body={"title": "a"}), 403, "ACCESS_DENIED")
    with store.session() as session:
        (token,) = Tokens(session, Owner("bob")).all().items
    assert token.last_used_at


def test_gateway_names_user(store: Store) -> None:
    with store.session() as session:
        user = Users(session).ensure("ada")
    client = TestClient(create_app(store, replace(SETTINGS, trust_header="X-User-ID")))
    for value in ("", "ada", str(uuid.uuid4())):
        error(client.get(f"{BASE}/todos", headers={"X-User-ID": value}), 400, "MISSING_USER_CONTEXT")
    error(client.get(f"{BASE}/todos"), 400, "MISSING_USER_CONTEXT")
    for several in ([str(user), str(uuid.uuid4())], [str(user)] * 2, [f"{{{user}}}"]):
        headers = [("X-User-ID", value) for value in several]
        error(client.get(f"{BASE}/todos", headers=headers), 400, "MISSING_USER_CONTEXT")
    added = client.post(f"{BASE}/todos", json={"title": "a"}, headers={"X-User-ID": str(user)})
    assert (added.status_code, added.json()["user_id"]) == (201, str(user))


def test_token_has_checksum() -> None:
    token = new_token()
    assert is_token(token)
    assert len({new_token() for _ in range(100)}) == 100
    for i, char in enumerate(token):
        assert not is_token(token[:i] + ("a" if char != "a" else "b") + token[i + 1 :]), i
    assert not is_token(token[:-1])


# Around the endpoints


def test_foreign_host_or_origin_is_refused(eve: Api, embedded: Store) -> None:
    error(eve("GET", headers={"Host": "evil.example"}), 403, "ACCESS_DENIED")
    error(eve("GET", headers={"Origin": "https://evil.example"}), 403, "ACCESS_DENIED")
    for origin in ("null", "http://[", "http://testserver@evil.example"):
        error(eve("GET", headers={"Origin": origin}), 403, "ACCESS_DENIED")
    for host in ("testserver:80@evil.example", "testserver:evil.example", "[testserver]", ""):
        error(eve("GET", headers={"Host": host}), 403, "ACCESS_DENIED")
    for host in ("TestServer", "testserver:8000", "testserver."):
        assert eve("GET", headers={"Host": host}).status_code == 200
    six = api_of(embedded, "ada", replace(SETTINGS, hosts=("[fd00::5]",)))
    assert six("GET", headers={"Host": "[fd00::5]:8000"}).status_code == 200
    same = eve("GET", headers={"Origin": "http://testserver"})
    assert (same.status_code, "access-control-allow-origin" in same.headers) == (200, False)
    allowed = api_of(embedded, "ada", replace(SETTINGS, origins=("https://app.example",)))
    answered = allowed("GET", headers={"Origin": "https://app.example"})
    assert answered.headers["access-control-allow-origin"] == "https://app.example"
    refused = allowed("POST", content=b"x" * (MAX_BODY + 1), headers={"Origin": "https://app.example"})
    assert (refused.status_code, refused.headers["connection"]) == (413, "close")
    assert refused.headers["access-control-allow-origin"] == "https://app.example"
    asked = allowed.client.options(
        f"{BASE}/todos", headers={"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    )
    assert asked.status_code == 200
    error(allowed("GET", headers={"Origin": "https://evil.example"}), 403, "ACCESS_DENIED")


@pytest.mark.parametrize(("path", "status"), [("/health", "alive"), ("/healthz", "alive"), ("/readyz", "ready")])
def test_probes_answer_under_any_host(ada: Api, path: str, status: str) -> None:
    for host in ("10.0.0.7:8000", "evil.example", ""):
        answered = ada.client.get(path, headers={"Host": host})
        assert (answered.status_code, answered.json()) == (200, {"status": status})
        assert ada.client.head(path, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_body_must_be_declared_as_json(eve: Api, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    refused = error(eve("POST", content=b'{"title": "a"}', headers=headers), 415, "UNSUPPORTED_MEDIA_TYPE")
    assert "Content-Type: application/json" in refused["detail"]
    assert eve("GET").json()["items"] == []
    kinds = ("application/json; charset=utf-8", "Application/JSON")
    for declared in kinds:
        added = eve("POST", content=b'{"title": "a"}', headers={"Content-Type": declared})
        assert added.status_code == 201
    assert eve("POST").status_code == 422  # there is no body to declare


def test_todo_is_not_sent_again_at_a_known_version(eve: Api) -> None:
    todo = eve.add("a")
    tag = f'"{todo["change_id"]}"'
    for known in (tag, f'W/{tag}, "x"', "*"):
        answered = eve("GET", f"/{todo['id']}", headers={"If-None-Match": known})
        assert (answered.status_code, answered.content, answered.headers["ETag"]) == (304, b"", tag)
    eve("PATCH", f"/{todo['id']}", {"title": "b"})
    assert eve("GET", f"/{todo['id']}", headers={"If-None-Match": tag}).json()["title"] == "b"


def test_list_is_not_sent_again_unless_it_has_changed(eve: Api) -> None:
    todo = eve.add("a")
    eve.add("b")

    def read(known: str = "", query: str = "?limit=1") -> Any:
        return eve("GET", query, headers={"If-None-Match": known} if known else {})

    tag = read().headers["ETag"]
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        answered = read(known)
        assert (answered.status_code, answered.content, answered.headers["ETag"]) == (304, b"", tag)
    assert read(tag, "?limit=2").status_code == 200
    eve("PATCH", f"/{todo['id']}", {"title": "c"})
    changed = read(tag)
    assert (changed.status_code, changed.json()["items"][0]["title"]) == (200, "c")
    eve.add("d")  # on the next page, but counted
    assert read(changed.headers["ETag"]).json()["total"] == 3


def test_long_answers_are_compressed(eve: Api) -> None:
    todo = eve.add("a")
    assert "content-encoding" not in eve("GET", f"/{todo['id']}").headers
    eve("PATCH", f"/{todo['id']}", {"description": "b" * 2_000})
    answered = eve("GET", f"/{todo['id']}")
    assert answered.headers["content-encoding"] == "gzip"
    assert int(answered.headers["content-length"]) < 1_000
    assert answered.json()["description"] == "b" * 2_000
    plain = eve("GET", f"/{todo['id']}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"title": 5}, "The title must be text."),
        ({"title": "a", "tags": "b"}, "The tags must be a list."),
        ({"title": "a", "due_on": "soon"}, "The due_on must be a date, such as 2026-11-27."),
        ({"title": "a", "due_on": "2026-11-27", "due_time": 5}, "The due_time must be a time, such as 17:00."),
        ({"title": "a", "due_on": "2026-02-30"}, "The due_on must be a day of the calendar."),
        ({"title": "a", "due_time": "25:00"}, "The due_time must be a time, from 00:00 to 23:59."),
        ({"title": "a", "priority": "urgent"}, "The priority must be high, medium or low."),
        ([], "The body must be an object."),
    ],
)
def test_error_has_no_wording_of_a_library(eve: Api, body: Any, sentence: str) -> None:
    assert error(eve("POST", "", body), 422, "VALIDATION_ERROR")["detail"] == sentence


def test_missing_todo_is_named_by_its_parameter(eve: Api) -> None:
    for method, body in (("GET", None), ("PATCH", {}), ("DELETE", None)):
        missing = error(eve(method, f"/{uuid.uuid4()}", body), 404, "NOT_FOUND")
        assert [fault["field"] for fault in missing["field_errors"]] == ["todo_id"]
    malformed = error(eve("GET", "/12a"), 400, "VALIDATION_ERROR")
    assert malformed["field_errors"] == [{"field": "todo_id", "message": "must be a UUID or a number"}]


def test_gateway_user_is_a_parameter_in_the_document() -> None:
    for path in openapi(Settings(trust_header="X-User-ID"))["paths"].values():
        for operation in path.values():
            [header] = [each for each in operation["parameters"] if each["name"] == "X-User-ID"]
            assert (header["in"], header["required"], "format" in header["schema"]) == ("header", True, False)


def test_proxy_may_serve_it_under_a_prefix(embedded: Store) -> None:
    api = api_of(embedded, "ada", replace(SETTINGS, root_path="/todo"))
    api.client = TestClient(api.client.app, root_path="/todo")
    added = api.client.post("/todo/api/v1/todos", json={"title": "a"}, headers=api.headers)
    assert added.headers["Location"] == f"/todo/api/v1/todos/{added.json()['id']}"
    assert added.headers["Cache-Control"] == "no-store"
    assert api.client.get(added.headers["Location"], headers=api.headers).json()["title"] == "a"
    assert api.client.get("/todo/healthz", headers={"Host": "evil.example"}).status_code == 200
    page = api.client.get("/todo/docs").text
    assert set(re.findall(r'"(/[^"]*)"', page)) >= {"/todo/docs/swagger-ui.css", "/todo/docs/swagger-ui-bundle.js"}
    assert "'/todo/openapi.json'" in page
    assert api.client.get("/todo/openapi.json").json()["servers"][0]["url"] == "/todo"


def test_unknown_path_or_method_is_refused(eve: Api) -> None:
    error(eve.client.get("/nothing"), 404, "NOT_FOUND")
    error(eve.client.get(f"{BASE}/todos/"), 404, "NOT_FOUND")
    for path, allowed in (("", "GET, HEAD, POST"), (f"/{uuid.uuid4()}", "DELETE, GET, HEAD, PATCH")):
        answered = eve("PUT", path, {})
        assert error(answered, 405, "USAGE")["detail"].replace(" and", ",") == f"This path allows {allowed}."
        assert answered.headers["Allow"] == allowed


def test_metrics_count_requests_and_errors(embedded: Store) -> None:
    ada = api_of(embedded, "ada", replace(SETTINGS, metrics=True, connections=3))
    todo_id = ada.add()["id"]
    for method in ("GET", "HEAD", "INVENTED"):
        ada(method, f"/{todo_id}")
    error(ada("GET", f"/{uuid.uuid4()}"), 404, "NOT_FOUND")
    error(ada("GET", headers={"Host": "evil.example"}), 403, "ACCESS_DENIED")
    with embedded.session() as session:
        session.execute(sa.text("SELECT 1"))
        answered = ada.client.get("/metrics")  # without a token
    assert answered.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answered.text.splitlines()
    route = f"{BASE}/todos/{{todo_id}}"
    for line in (
        "# TYPE todo_http_requests_total counter",
        f'todo_http_requests_total{{method="POST",route="{BASE}/todos",status="201"}} 1',
        f'todo_http_requests_total{{method="GET",route="{route}",status="200"}} 1',
        f'todo_http_requests_total{{method="GET",route="{route}",status="404"}} 1',
        f'todo_http_requests_total{{method="HEAD",route="{route}",status="200"}} 1',
        'todo_http_requests_total{method="GET",route="",status="403"} 1',
        "# TYPE todo_http_request_duration_seconds histogram",
        f'todo_http_request_duration_seconds_bucket{{method="GET",route="{route}",le="+Inf"}} 2',
        f'todo_http_request_duration_seconds_count{{method="GET",route="{route}"}} 2',
        'todo_errors_total{code="NOT_FOUND"} 1',
        'todo_errors_total{code="ACCESS_DENIED"} 1',
        'todo_errors_total{code="USAGE"} 1',
        "todo_database_connections 3",
        "todo_database_connections_in_use 1",
    ):
        assert line in lines
    assert not any("INVENTED" in line or todo_id in line for line in lines)


def test_histogram_is_cumulative(embedded: Store) -> None:
    metrics = Metrics(embedded, 3)
    for seconds in (0.01, 0.25, 0.5, 0.5, 9.0):
        metrics.record("GET", "/", 200, seconds, None)
    found = [line.partition('route="/"')[2] for line in metrics.text().splitlines() if "duration_seconds_" in line]
    bounds = [("0.01", 1), ("0.05", 1), ("0.25", 2), ("1.0", 4), ("5.0", 4), ("+Inf", 5)]
    assert found == [*(f',le="{bound}"}} {count}' for bound, count in bounds), "} 10.26", "} 5"]


def test_metrics_are_off_by_default(eve: Api) -> None:
    error(eve.client.get("/metrics"), 404, "NOT_FOUND")


def test_unavailable_database_is_503(postgres_url: PostgresURL) -> None:
    away = Store(replace(postgres_url, port=1), seconds=0.2)
    client = TestClient(create_app(away, SETTINGS), raise_server_exceptions=False)
    answered = client.get(f"{BASE}/todos", headers={"Authorization": f"Bearer {new_token()}"})
    body = error(answered, 503, "SERVICE_UNAVAILABLE")
    assert int(answered.headers["Retry-After"]) > 0
    assert str(postgres_url.host) not in json.dumps(body)
    error(client.get("/readyz"), 503, "SERVICE_UNAVAILABLE")
    assert client.get("/healthz").status_code == 200


def test_unknown_outcome_is_503_and_says_so(eve: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(*_: object, **__: object) -> None:
        raise OutcomeUnknown("postgresql://h does not answer.")

    monkeypatch.setattr("todocli.services.todos.Todos.add", lost)
    answered = eve("POST", body={"title": "a"})
    assert "not known whether the change was made" in error(answered, 503, "OUTCOME_UNKNOWN")["detail"]


def test_outdated_schema_is_not_ready(store: Store, ada: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todocli.database.schema.HEAD", "9999")
    error(ada.client.get("/readyz"), 503, "SERVICE_UNAVAILABLE")


def test_one_connection_serves_every_thread(database: Target) -> None:
    with open_with_users(database, connections=1) as store:
        ada = api_of(store, "ada")
        with ada.client, ThreadPoolExecutor(8) as threads:
            assert {answered.status_code for answered in threads.map(lambda _: ada("GET"), range(40))} == {200}


def test_dropped_connections_cost_no_request(postgres_url: PostgresURL) -> None:
    with Relay((postgres_url.host, postgres_url.port or 5432)) as relay:
        store = Store(replace(postgres_url, port=relay.port, query=(("sslmode", "disable"),)), connections=3)
        with store.session() as session:
            Users(session).ensure("ada")
        ada = api_of(store, "ada")
        for _ in range(3):
            relay.drop()
            ada.add("once")
            relay.drop()
            assert ada("GET").status_code == 200
        assert ada("GET").json()["count"] == 3
        store.close()


def test_internal_error_reveals_nothing(
    eve: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("todocli.services.todos.Todos.page", fail)
    answered = eve("GET")
    assert error(answered, 500, "SERVER_ERROR") == {
        "detail": "Internal server error.",
        "error_code": "SERVER_ERROR",
        "field_errors": [],
    }
    assert answered.headers["X-Content-Type-Options"] == "nosniff"
    assert [record.getMessage() for record in caplog.records if record.exc_info] == ["Internal error: RuntimeError"]


def test_answers_are_not_cached(eve: Api) -> None:
    assert eve("GET").headers["Cache-Control"] == "no-store"
    assert eve.client.get("/docs/favicon-32x32.png").headers["Cache-Control"] == "max-age=86400"
    gone = eve("DELETE", f"/{eve.add()['id']}")
    assert (gone.status_code, gone.content, "Content-Type" in gone.headers) == (204, b"", False)


def test_docs_need_no_internet(eve: Api) -> None:
    page = eve.client.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text.replace("http://testserver", "")
    assert "https://" not in page.text
    for name in ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"):
        assert f"/docs/{name}" in page.text
        assert len(eve.client.get(f"/docs/{name}").content) > 500
    assert eve.client.get("/docs/main.py").status_code == 404


def test_published_openapi_is_current() -> None:
    """To write it: `todo serve --openapi > tests/snapshots/openapi.json`."""
    described = openapi(Settings())
    assert json.loads(COPY.read_text(encoding="utf-8")) == json.loads(json.dumps(described))
    assert described["openapi"].startswith("3.1")
    for path in described["paths"].values():
        for operation in path.values():
            assert operation["security"]
            assert {"400", "401", "403", "500", "503"} <= set(operation["responses"])
            for status, response in operation["responses"].items():
                if status not in ("204", "304"):
                    assert response["content"]["application/json"]["schema"]


def test_openapi_examples_work(eve: Api) -> None:
    described = openapi(Settings())
    for _ in range(13):
        todo_id = eve.add("a", priority="low", due_on="2026-11-27")["id"]
    for url, path in described["paths"].items():
        for method, operation in path.items():
            assert operation["tags"] in ([tag["name"]] for tag in described["tags"])
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            for name, example in body.get("examples", {}).items():
                at = url.removeprefix(BASE).format(todo_id=todo_id)
                answered = eve.at(method.upper(), at, example["value"])
                assert answered.status_code in (200, 201), (url, name, answered.text)
            for status, response in operation["responses"].items():
                example = response.get("content", {}).get("application/json", {}).get("example")
                schema = response.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
                if status >= "400":
                    assert schema.endswith("/ErrorResponse")
                    assert STATUSES.get(example["error_code"], 500) == int(status) or status in ("400", "401", "412")
                elif example:
                    assert set(example) == set(described["components"]["schemas"][schema.split("/")[-1]]["required"])
                for link in response.get("links", {}).values():
                    assert link["operationId"] in ("getTodo", "updateTodo", "deleteTodo")


def test_command_line_and_api_show_the_same(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    todo = Terminal(monkeypatch)
    todo("list")
    token = todo.ok("token create web").strip()
    store = Store(home / "todo.db", connections=2)
    api = Api(TestClient(create_app(store, SETTINGS)), {"Authorization": f"Bearer {token}"})
    added = ada_body = api("POST", body={"title": "from the web", "tags": ["x"], "due_on": "2026-11-27"})
    assert todo.ok("show 1 --json") == ada_body.text + "\n"
    shown = todo.ok("add from the terminal due:2026-11-28 p:1 --json")
    assert api("GET", f"/{json.loads(shown)['id']}").text + "\n" == shown
    api("PATCH", f"/{added.json()['id']}", {"is_completed": True})
    api("DELETE", f"/{json.loads(shown)['id']}")
    assert "through the API by web" in todo.ok("log --color always")
    assert "through the API by web" in todo.ok("show 1 --color always")
    changes = json.loads(todo.ok("log --json"))["items"]
    assert [(change["source"], change["actor"]) for change in changes] == [
        ("api", "web"),
        ("api", "web"),
        ("cli", None),
        ("api", "web"),
    ]
    assert todo.ok("undo 2").count("\n") == 2
    assert (
        todo.ok("list") == "1\topen\tfrom the web\t2026-11-27\t\t\t+x\n2\topen\tfrom the terminal\t2026-11-28\thigh\n"
    )
    store.close()


def test_head_is_answered_like_get_without_body(ada: Api) -> None:
    todo = ada.add("a")
    for path in ("", f"/{todo['id']}", "/00000000-0000-7000-8000-000000000000"):
        head, got = ada("HEAD", path), ada("GET", path)
        assert (head.status_code, head.content) == (got.status_code, b"")
        for name in ("content-length", "content-type", "etag"):
            assert head.headers.get(name) == got.headers.get(name)
    assert ada.client.head("/healthz").status_code == 200


def test_two_authorization_headers_are_refused(ada: Api) -> None:
    """A proxy and this server could take different ones."""
    ours = ("Authorization", ada.headers["Authorization"])
    for headers in ([ours, ours], [ours, ("Authorization", "Bearer x")]):
        refused = ada.client.get(f"{BASE}/todos", headers=headers)
        assert "more than one" in error(refused, 400, "VALIDATION_ERROR")["detail"]


def test_connection_with_ambiguous_length_is_closed(ada: Api) -> None:
    headers = [*ada.headers.items(), ("Content-Length", "2"), ("Transfer-Encoding", "chunked")]
    refused = ada.client.post(f"{BASE}/todos", content=b"{}", headers=headers)
    error(refused, 400, "VALIDATION_ERROR")
    assert refused.headers["Connection"] == "close"
