"""Clients of the HTTP API, in this process."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.datastructures import State

from todocli.api.app import create_app
from todocli.api.auth import Authenticator
from todocli.api.requests import BASE
from todocli.api.settings import Settings
from todocli.database.store import Store
from todocli.database.target import Target
from todocli.services.owner import Owner
from todocli.services.tokens import Tokens
from todocli.services.users import Users

SETTINGS = Settings(hosts=("testserver",))


@dataclass
class Api:
    """A client of the API with a token."""

    client: TestClient
    headers: dict[str, str]

    def __call__(self, method: str, path: str = "", body: Any = None, **extra: Any) -> Any:
        """Send a request about todos with the token."""
        return self.at(method, f"/todos{path}", body, **extra)

    def at(self, method: str, path: str, body: Any = None, **extra: Any) -> Any:
        """Send any request with the token."""
        headers = self.headers | extra.pop("headers", {})
        return self.client.request(method, f"{BASE}{path}", json=body, headers=headers, **extra)

    def add(self, title: str = "a", **fields: Any) -> dict[str, Any]:
        """Add a todo."""
        answered = self("POST", body={"title": title, **fields})
        assert answered.status_code == 201, answered.text
        made: dict[str, Any] = answered.json()
        return made


@contextmanager
def open_with_users(target: Target, connections: int = 3) -> Iterator[Store]:
    with closing(Store(target, connections=connections)) as store:
        with store.session() as session:
            for name in ("ada", "bob"):
                Users(session).ensure(name)
        yield store
        assert store.connections_in_use == 0  # requests return theirs


_opened = ExitStack()


@cache
def _event_loop() -> BlockingPortal:
    """Return the event loop of all requests: a client without one starts a thread with a loop for each of them."""
    return _opened.enter_context(start_blocking_portal())


@cache
def _routes(settings: Settings) -> FastAPI:
    return create_app(None, settings)


def app_on(store: Store, settings: Settings = SETTINGS) -> FastAPI:
    """Return the API on a database. It shares the routes of others: building them takes longer than most tests."""
    if settings.metrics:
        return create_app(store, settings)
    app = copy.copy(_routes(settings))
    state = vars(app.state)["_state"] | {"store": store, "authenticator": Authenticator(store, settings)}
    app.state, app.middleware_stack = State(state), None
    return app


def api_of(store: Store, name: str, settings: Settings = SETTINGS, **options: Any) -> Api:
    with store.session() as session:
        token = Tokens(session, Owner(name)).create(uuid.uuid4().hex, **options).token
    client = TestClient(app_on(store, settings), raise_server_exceptions=False)
    client.portal = _event_loop()
    return Api(client, {"Authorization": f"Bearer {token}"})


def error(answered: Any, status: int, code: str) -> dict[str, Any]:
    assert (answered.status_code, answered.json()["error_code"]) == (status, code), answered.text
    body: dict[str, Any] = answered.json()
    return body
