"""A database with the users ada and bob, and ada's todos."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.support.client import ADA, Client
from tests.support.routine import MONDAY, at
from todocli.database.store import Store
from todocli.database.target import Target
from todocli.services.users import Users


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    """A store with three connections."""
    with closing(Store(database, connections=3)) as store:
        with store.session() as session:
            for name in ("ada", "bob"):
                Users(session).ensure(name)
        yield store


@pytest.fixture
def ada(store: Store) -> Iterator[Client]:
    """The todos of ada, in a session of their own."""
    with store.session() as session:
        yield Client(session, ADA)


@pytest.fixture
def monday(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is Monday, 23 November 2026, at noon."""
    at(monkeypatch, MONDAY)
