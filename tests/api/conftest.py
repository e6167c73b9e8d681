"""A database with two users, and their clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.api import Api, api_of, open_with_users
from todocli.database.store import Store
from todocli.database.target import Target


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    """A database with two users, on each engine."""
    with open_with_users(database) as store:
        yield store


@pytest.fixture
def embedded(sqlite_path: Path) -> Iterator[Store]:
    """The same on SQLite alone, for tests that do not depend on the engine."""
    with open_with_users(sqlite_path) as store:
        yield store


@pytest.fixture
def ada(store: Store) -> Api:
    return api_of(store, "ada")


@pytest.fixture
def eve(embedded: Store) -> Api:
    """A client of the embedded database."""
    return api_of(embedded, "ada")


@pytest.fixture
def bob(store: Store) -> Api:
    return api_of(store, "bob")
