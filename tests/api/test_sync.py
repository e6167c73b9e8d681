"""A client that keeps a copy through `/log?since=`, while others write: it ends with what is stored."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import pytest

from tests.api.test_log import Replica, stored, without_notes
from tests.support.api import api_of, open_with_users
from tests.support.client import Client, key
from tests.support.console import LOCK_WAITS, Console
from tests.support.waiting import wait_until
from todocli.database.postgres.url import PostgresURL
from todocli.database.target import Target
from todocli.domain.references import parse_references
from todocli.errors import Conflict, NotFound
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.history.purge import TrashQuery
from todocli.services.owner import Owner
from todocli.services.workspace import Workspace

WRITERS = 4


def test_change_that_commits_late_comes_after_the_cursor(postgres_url: PostgresURL) -> None:
    """A change takes its place in the log under the lock on its user, so no later one can overtake it."""
    slow, watch = Console(postgres_url), Console(postgres_url)
    with open_with_users(postgres_url) as store, closing(slow), closing(watch), ThreadPoolExecutor(2) as pool:
        replica = Replica(api_of(store, "ada"))

        def add(title: str) -> None:
            with Workspace(store, Owner("ada")) as workspace:
                workspace.add([TodoCreate(title=title)], key(None, "add"))

        add("before")
        with slow.transaction():
            slow.run("INSERT INTO todos (user_id, title) SELECT id, 'held open' FROM users WHERE name = 'ada'")
            after = pool.submit(add, "after")
            wait_until(lambda: watch.value(LOCK_WAITS) == 1, "the later change waits for the earlier one")
            replica.sync()
            assert [todo["title"] for todo in replica.todos.values()] == ["before"]
        after.result()
        replica.sync()
        assert sorted(todo["title"] for todo in replica.todos.values()) == ["after", "before", "held open"]


def _edit(workspace: Workspace, choose: random.Random) -> None:
    client, number = Client(workspace.session, workspace.owner), choose.randint(1, 40)
    one = parse_references([str(number)])
    actions: list[Callable[[], Any]] = [
        lambda: workspace.add([TodoCreate(title=f"t{i}") for i in range(choose.randint(1, 3))], key(None, "add")),
        lambda: client.edit(one, TodoUpdate(title=f"e{choose.random()}", tags=[choose.choice("xyz")])),
        lambda: client.complete(one),
        lambda: client.reopen(one),
        lambda: client.remove(one),
        lambda: client.restore(one),
        lambda: workspace.note(one, "a note", key(None, "note")),
        lambda: workspace.undo(choose.randint(1, 2), key(None, "undo")),
        lambda: workspace.redo(1, key(None, "redo")),
        lambda: workspace.purge_one(number, key(None, "purge")) if choose.random() < 0.2 else None,
        lambda: workspace.purge(TrashQuery(), workspace.trash.preview(TrashQuery()), key(None, "purge")),
    ]
    with suppress(NotFound, Conflict):
        choose.choice(actions[:-1] if choose.random() < 0.9 else actions)()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_copy_beside_four_writers_has_no_differences(database: Target, seed: int) -> None:
    with open_with_users(database, connections=WRITERS + 2) as store:
        api = api_of(store, "ada")
        replica, is_over = Replica(api), threading.Event()

        def write(writer: int) -> None:
            choose = random.Random(100 * seed + writer)
            for _ in range(60):
                with Workspace(store, Owner("ada")) as workspace:
                    _edit(workspace, choose)

        def follow() -> int:
            count = 0
            while not is_over.is_set():
                replica.sync(limit=7)
                count += 1
            return count

        with ThreadPoolExecutor(WRITERS + 1) as pool:
            following = pool.submit(follow)
            for written in [pool.submit(write, writer) for writer in range(WRITERS)]:
                written.result()
            is_over.set()
            assert following.result() > 1
        replica.sync(limit=7)
        assert without_notes(replica.todos) == without_notes(stored(api))
        for todo_id, todo in replica.todos.items():
            if todo["deleted_at"] is None:
                assert todo["notes"] == api("GET", f"/{todo_id}").json()["notes"]
