"""`POST /mcp`: the tools for agents over HTTP."""

from __future__ import annotations

import asyncio
import sys
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.support.agent import ERAS, text_of
from tests.support.served import serving
from tests.support.terminal import Terminal
from todocli.api.app import create_app
from todocli.api.middleware import MAX_BODY
from todocli.api.settings import Settings
from todocli.database.store import Store
from todocli.database.target import Target
from todocli.errors import ServiceUnavailable
from todocli.mcp_server.tools import TOOLS
from todocli.services.history.log import Log, LogQuery
from todocli.services.owner import Owner
from todocli.services.todos import Todos
from todocli.services.tokens import Tokens
from todocli.services.users import Users

SETTINGS = Settings(hosts=("testserver",), metrics=True)
KEY = "6f1c1e0e-6f0b-4d6e-9a52-0d1f3a4b5c6d"


@dataclass
class Endpoint:
    """A client of the endpoint with tokens of two users."""

    client: TestClient
    store: Store
    tokens: dict[str, str]

    def post(self, method: str, who: str = "ada", headers: dict[str, str] | None = None, **params: Any) -> Any:
        """Send a request of the protocol."""
        sent = {"MCP-Protocol-Version": "2025-11-25", "Accept": "application/json"}
        if token := self.tokens.get(who):
            sent["Authorization"] = f"Bearer {token}"
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return self.client.post("/mcp", json=body, headers=sent | (headers or {}))

    def call(self, tool: str, who: str = "ada", **arguments: Any) -> dict[str, Any]:
        """Call a tool, and return its result."""
        answered = self.post("tools/call", who, name=tool, arguments=arguments)
        assert answered.status_code == 200, answered.text
        result: dict[str, Any] = answered.json()["result"]
        return result


def endpoint_on(target: Target) -> Iterator[Endpoint]:
    with closing(Store(target, connections=3)) as store:
        tokens = {}
        for name in ("ada", "bob"):
            with store.session() as session:
                Users(session).ensure(name)
            with store.session() as session:
                tokens[name] = Tokens(session, Owner(name)).create("phone").token
        with store.session() as session:
            tokens["reader"] = Tokens(session, Owner("ada")).create("reader", scope="read").token
        with TestClient(create_app(store, SETTINGS), raise_server_exceptions=False) as client:
            yield Endpoint(client, store, tokens)


@pytest.fixture
def endpoint(sqlite_path: Path) -> Iterator[Endpoint]:
    yield from endpoint_on(sqlite_path)


@pytest.fixture
def either(database: Target) -> Iterator[Endpoint]:
    """The same on each engine."""
    yield from endpoint_on(database)


def test_tools_change_todos_of_the_token(either: Endpoint) -> None:
    assert len(either.post("tools/list").json()["result"]["tools"]) == len(TOOLS)
    added = either.call("add", todos=[{"title": "Pay rent +bills"}])["structuredContent"]
    assert added["todos"] == [{"number": 1, "state": "open", "title": "Pay rent", "tags": ["bills"]}]
    assert either.call("find")["structuredContent"]["total"] == 1
    assert either.call("find", "bob")["structuredContent"]["total"] == 0
    with either.store.session() as session:
        [change] = Log(session, Owner("ada")).find(LogQuery()).items
    assert (change.source, change.actor) == ("mcp", "phone")


def test_retry_takes_effect_once(endpoint: Endpoint) -> None:
    for _ in range(2):
        assert endpoint.call("add", todos=[{"title": "a"}], change=KEY)["structuredContent"]["change"] == KEY
    assert endpoint.call("find")["structuredContent"]["total"] == 1


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("add", {"todos": [{"title": "b"}]}),
        ("change", {"todos": [1], "title": "b"}),
        ("complete", {"todos": [1]}),
        ("remove", {"todos": [1]}),
        ("undo", {}),
    ],
)
def test_token_that_reads_cannot_write(endpoint: Endpoint, tool: str, arguments: dict[str, Any]) -> None:
    endpoint.call("add", todos=[{"title": "a"}])
    result = endpoint.call(tool, "reader", **arguments)
    assert result["isError"]
    assert result["content"][0]["text"] == "The token has the scope read; this needs write."
    assert endpoint.call("find", "reader")["structuredContent"]["todos"][0]["title"] == "a"


@pytest.mark.parametrize("token", ["", "todo_" + "x" * 43])
def test_client_without_a_valid_token_is_refused(endpoint: Endpoint, token: str) -> None:
    endpoint.tokens["eve"] = token
    answered = endpoint.post("tools/list", "eve")
    assert (answered.status_code, answered.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answered.json()["error_code"] == "ACCESS_DENIED"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 415),
    ],
)
def test_guards_of_the_api_hold_here(endpoint: Endpoint, headers: dict[str, str], status: int) -> None:
    assert endpoint.post("tools/list", headers=headers).status_code == status


def test_body_that_is_too_long_is_refused(endpoint: Endpoint) -> None:
    assert endpoint.post("tools/call", name="find", arguments={"filter": "x" * MAX_BODY}).status_code == 413


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_there_are_no_streams_and_sessions(endpoint: Endpoint, method: str) -> None:
    answered = endpoint.client.request(method, "/mcp")
    assert (answered.status_code, answered.headers["Allow"]) == (405, "POST")
    assert answered.json()["detail"] == "This path allows POST."


def test_answers_are_not_stored_and_are_counted(endpoint: Endpoint) -> None:
    assert endpoint.post("tools/list").headers["Cache-Control"] == "no-store"
    assert 'route="/mcp",status="200"} 1' in endpoint.client.get("/metrics").text


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ServiceUnavailable("db.internal:5432 is down."), "The database is unavailable, or not ready."),
        (RuntimeError("password"), "Internal server error."),
    ],
)
def test_nothing_internal_is_shown(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, error: Exception, text: str
) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(Todos, "page", fail)
    assert endpoint.call("find")["content"][0]["text"] == text


def test_user_of_a_gateway_is_served(sqlite_path: Path) -> None:
    with closing(Store(sqlite_path, connections=3)) as store:
        with store.session() as session:
            user = Users(session).ensure("ada")
        settings = Settings(hosts=("testserver",), trust_header="X-User-ID")
        with TestClient(create_app(store, settings)) as client:
            endpoint = Endpoint(client, store, {})
            called = endpoint.post("tools/call", headers={"X-User-ID": str(user)}, name="find", arguments={})
            assert called.json()["result"]["structuredContent"] == {"todos": [], "total": 0}
            assert endpoint.post("tools/list", headers={"X-User-ID": str(uuid.uuid4())}).status_code == 400


def test_without_the_extra_there_is_nothing(sqlite_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp_types", None)
    with closing(Store(sqlite_path)) as store, TestClient(create_app(store, SETTINGS)) as client:
        assert client.post("/mcp", json={}).status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("era", ERAS)
def test_client_of_the_sdk_works_with_the_server(
    monkeypatch: pytest.MonkeyPatch, embedded_file: Path, era: str
) -> None:
    todo = Terminal(monkeypatch)
    token = todo.ok("token create robot").strip()

    async def work(address: str) -> str:
        async with (
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as http,
            Client(streamable_http_client(f"{address}/mcp", http_client=http), mode=era) as client,
        ):
            await client.call_tool("add", {"todos": [{"title": "Pay rent"}]})
            return text_of(await client.call_tool("find", {}))

    with serving() as (_, address):
        assert asyncio.run(work(address)) == '{"todos":[{"number":1,"state":"open","title":"Pay rent"}],"total":1}'
    assert "robot" in todo.ok("log --json")
