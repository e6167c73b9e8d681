"""What a command costs must not follow what was completed, removed or changed before, but what is open.

Two stores are compared: 20,000 todos cost about as much as 1,000, if as many are open in both. Costs are counted, so
the result is the same on every machine.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlmodel import Session

from tests.support import scale
from tests.support.waiting import TIMEOUT
from todocli import clock
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.domain.filters.parser import parse_words
from todocli.domain.idempotency import ChangeKey
from todocli.domain.references import parse_references
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.history.log import Log, LogQuery
from todocli.services.history.purge import Purge, TrashQuery
from todocli.services.history.undo import Undo
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.todos import Todos

ALLOWED, MORE = 1.2, 10
"""How many times as much as in the small store a command may cost in the large one, and how many rows more."""

Command = Callable[[Session], object]


def commands(todos: int) -> Iterator[tuple[str, Command]]:
    """Return the commands to compare, in an order in which each has something to do in a store of `todos`."""
    owner = Owner("user-0")
    every = todos // scale.OPEN
    first, second = (parse_references([str(place * every)]) for place in (300, 301))

    def key() -> ChangeKey:
        return ChangeKey(uuid.uuid4(), "request")

    def listing(query: TodoQuery) -> Command:
        return lambda session: Todos(session, owner).overview(query)

    def tagged(limit: int) -> TodoQuery:
        return TodoQuery(filter=parse_words(["+home"], today=clock.today()), limit=limit)

    yield "add", lambda session: Todos(session, owner).add([TodoCreate(title="New")], key())
    yield "done", lambda session: Todos(session, owner).complete(first, key())
    yield "undo", lambda session: Undo(session, owner).reverse("undo", 1, key())
    yield "redo", lambda session: Undo(session, owner).reverse("redo", 1, key())
    yield "edit", lambda session: Todos(session, owner).edit(second, TodoUpdate(title="Other"), key())
    yield "rm", lambda session: Todos(session, owner).remove(second, key())
    yield "purge", lambda session: Purge(session, owner).preview(TrashQuery(second))
    yield "restore", lambda session: Todos(session, owner).restore(second, key())
    yield "show", lambda session: Log(session, owner).of_todos(second, 5)
    yield "log N", lambda session: Log(session, owner).find(LogQuery(todo=first.items[0], limit=20))
    yield "log -n 20", lambda session: Log(session, owner).find(LogQuery(limit=20))
    yield "list --completed -n 20", listing(TodoQuery("completed", limit=20))
    yield "trash -n 20", listing(TodoQuery("trash", limit=20))
    yield "list", listing(TodoQuery())
    yield "list -n 40", listing(TodoQuery(limit=40))
    yield "list +home -n 40", listing(tagged(40))
    yield "today", listing(TodoQuery(filter=parse_words(["due:today"], today=clock.today())))


def costs(target: Target, todos: int, *, users: int = 1, statistics: bool) -> dict[str, int]:
    """Return what each command costs the first of `users`, each of whom has `todos`."""
    scale.fill(target, todos, users=users, statistics=statistics)
    with open_store(target, seconds=TIMEOUT) as store:
        return {name: scale.cost(store, command) for name, command in commands(todos)}


@pytest.fixture
def twins(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Target, Target]:
    """Two migrated databases on the engine that the test asks for."""
    if request.param == "sqlite":
        paths = tmp_path / "small.db", tmp_path / "large.db"
        for path in paths:
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        return paths
    return request.getfixturevalue("postgres_url"), request.getfixturevalue("other_postgres_url")


@pytest.mark.parametrize("statistics", [True, False], ids=["statistics", "no statistics"])
@pytest.mark.parametrize("twins", ["sqlite", "postgres"], indirect=True)
def test_cost_does_not_follow_completed_todos(twins: tuple[Target, Target], *, statistics: bool) -> None:
    small = costs(twins[0], 1_000, statistics=statistics)
    large = costs(twins[1], 20_000, statistics=statistics)
    assert too_much(small, large) == {}


@pytest.mark.parametrize("statistics", [True, False], ids=["statistics", "no statistics"])
@pytest.mark.parametrize("twins", ["sqlite", "postgres"], indirect=True)
def test_cost_does_not_follow_other_users(twins: tuple[Target, Target], *, statistics: bool) -> None:
    alone = costs(twins[0], 500, statistics=statistics)
    among_others = costs(twins[1], 500, users=40, statistics=statistics)
    assert too_much(alone, among_others) == {}


def too_much(small: dict[str, int], large: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return the commands that cost more in the large store than allowed."""
    assert all(small.values())
    return {name: (small[name], large[name]) for name in small if large[name] > ALLOWED * small[name] + MORE}
