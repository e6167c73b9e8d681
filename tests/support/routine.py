"""Todos that repeat, on the days that tests are about."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from tests.support.client import ADA, Client, key, refs
from todocli import clock
from todocli.database.store import Store
from todocli.schemas.todos import TodoCreate, TodoRead
from todocli.services.history.undo import Undo, Verb
from todocli.services.queries import TodoQuery

MONDAY = date(2026, 11, 23)
"""The day of the fixture `monday`."""


def at(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    """Let it be noon on a day."""
    noon = datetime.combine(day, time(12)).astimezone(UTC)
    monkeypatch.setattr(clock, "now", lambda: noon)
    for module in ("todos", "edits"):
        monkeypatch.setattr(f"todocli.services.{module}.now", lambda: noon)


def add(ada: Client, **fields: object) -> TodoRead:
    """Add a todo, and return it."""
    return ada.add([TodoCreate.model_validate({"title": "Water"} | fields)]).items[0]


def get(ada: Client, number: int) -> TodoRead:
    """Return a todo."""
    return ada.get(refs(number)).items[0]


def open_ones(ada: Client) -> list[tuple[int, date | None]]:
    """Return the numbers and due dates of the open todos."""
    return [(todo.number, todo.due_on) for todo in ada.find(TodoQuery()).items]


def reverse(store: Store, verb: Verb, *, force: bool = False, only: str | None = None) -> None:
    """Undo or redo the last change, or `only` another."""
    store.atomically(lambda session: Undo(session, ADA).reverse(verb, 1, key(None, verb), force=force, only=only))
