"""What a command costs must not follow what was completed, removed or changed before, but what is open.

Two stores are compared: 20,000 todos cost about as much as 1,000, if as many are open in both. Costs are counted, so
the result is the same on every machine. The open ones must be few of the large store, for where they are a
twenty-fifth, Postgres is right to read all of it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support import scale
from tests.support.waiting import TIMEOUT
from todocli.database.store import open_store
from todocli.database.target import Target

pytestmark = pytest.mark.slow

ALLOWED, MORE = 1.2, 100
"""How many times as much as in the small store a command may cost in the large one, and how many rows more.

Until a vacuum, an index holds the earlier versions of what a test has just changed. Plans differ in how many of them
they meet.
"""


WITH_AND_WITHOUT = pytest.mark.parametrize(
    "statistics",
    [True, False],
    ids=["statistics", "no statistics"],
)
"""New databases have none, and that is where plans went wrong."""


def costs(target: Target, todos: int, *, users: int = 1, statistics: bool) -> dict[str, int]:
    """Return what each command costs the first of `users`, each of whom has `todos`."""
    scale.fill(target, todos, users=users, statistics=statistics)
    with open_store(target, seconds=TIMEOUT) as store:
        return {name: scale.cost(store, command) for name, command in scale.commands(todos)}


@pytest.fixture
def twins(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Target, Target]:
    """Two migrated databases on the engine that the test asks for."""
    if request.param == "sqlite":
        paths = tmp_path / "small.db", tmp_path / "large.db"
        for path in paths:
            shutil.copyfile(request.getfixturevalue("sqlite_template"), path)
        return paths
    return request.getfixturevalue("postgres_url"), request.getfixturevalue("other_postgres_url")


@WITH_AND_WITHOUT
@pytest.mark.parametrize("twins", ["sqlite", "postgres"], indirect=True)
def test_cost_does_not_follow_completed_todos(twins: tuple[Target, Target], *, statistics: bool) -> None:
    small = costs(twins[0], 1_000, statistics=statistics)
    large = costs(twins[1], 20_000, statistics=statistics)
    assert too_much(small, large) == {}


@WITH_AND_WITHOUT
@pytest.mark.parametrize("twins", ["sqlite", "postgres"], indirect=True)
def test_cost_does_not_follow_other_users(twins: tuple[Target, Target], *, statistics: bool) -> None:
    alone = costs(twins[0], 500, statistics=statistics)
    among_others = costs(twins[1], 500, users=40, statistics=statistics)
    assert too_much(alone, among_others) == {}


@WITH_AND_WITHOUT
def test_lists_read_each_open_todo_a_few_times(postgres_url: Target, *, statistics: bool) -> None:
    read = costs(postgres_url, 1_000, statistics=statistics)
    lists = {name: read[name] for name in ("list", "list -n 40", "ready", "blocked", "next")}
    assert {name: rows for name, rows in lists.items() if rows > 10 * scale.OPEN} == {}


def too_much(small: dict[str, int], large: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return the commands that cost more in the large store than allowed."""
    assert all(small.values())
    return {name: (small[name], large[name]) for name in small if large[name] > ALLOWED * small[name] + MORE}
