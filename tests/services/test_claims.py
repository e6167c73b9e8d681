"""Claims on both engines: each todo for one worker, for as long as the claim lasts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.support.client import Client, key
from tests.support.console import LOCK_WAITS, Console
from tests.support.waiting import wait_until
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.filters.ast import Claimed, Not
from todocli.domain.filters.parser import parse_where
from todocli.domain.history import Origin
from todocli.domain.references import parse_references
from todocli.errors import Conflict, MissingUserContext
from todocli.schemas.todos import TodoCreate, TodoRead, TodoUpdate
from todocli.services.history.log import LogQuery
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.workspace import Workspace

HOUR = timedelta(hours=1)
WORKERS = 16


@pytest.fixture
def workspace(database: Target) -> Iterator[Workspace]:
    """The workspace of the user ada, who has the todos 1 a, 2 b and 3 c; b is urgent."""
    with open_store(database) as store, Workspace(store, Owner("ada")) as workspace:
        workspace.users.add("ada")
        drafts = [TodoCreate(title="a"), TodoCreate(title="b", priority="high"), TodoCreate(title="c", tags=["x"])]
        workspace.add(drafts, key(None, "add"))
        yield workspace


def claim(
    workspace: Workspace,
    name: str = "agent",
    where: str = "",
    *,
    lease: timedelta = HOUR,
    change: UUID | None = None,
    renew: bool = False,
) -> TodoRead | None:
    query = TodoQuery(filter=parse_where(where, today=TodoQuery().here.date())) if where else TodoQuery()
    request = key(change, "claim", claimant=name, where=where)
    return workspace.claims.claim(query, name, lease, request, renew=renew)


def number(todo: TodoRead | None) -> int | None:
    return todo.number if todo else None


def test_most_urgent_todo_that_nobody_has_is_claimed(workspace: Workspace) -> None:
    found = [claim(workspace, f"agent-{i}") for i in range(4)]
    assert [number(todo) for todo in found] == [2, 1, 3, None]
    assert [todo.claimed_by for todo in found if todo] == ["agent-0", "agent-1", "agent-2"]


def test_claim_takes_a_filter(workspace: Workspace) -> None:
    assert number(claim(workspace, where="+x")) == 3
    assert claim(workspace, where="+x") is None


@pytest.mark.parametrize(
    "edit", [TodoUpdate(is_completed=True), TodoUpdate(starts_on=None, is_someday=True)], ids=["done", "someday"]
)
def test_what_is_not_to_be_done_now_is_not_claimed(workspace: Workspace, edit: TodoUpdate) -> None:
    Client(workspace.session, workspace.owner).edit(parse_references(["2"]), edit)
    Client(workspace.session, workspace.owner).remove(parse_references(["1"]))
    assert [number(claim(workspace)) for _ in range(2)] == [3, None]


def test_claim_lasts_by_the_clock_of_the_database(workspace: Workspace, database: Target) -> None:
    first = claim(workspace, lease=timedelta(hours=2))
    assert first is not None
    assert first.claimed_until is not None
    with closing(Console(database)) as console:
        sqlite, postgres = (
            "(julianday(claimed_until) - julianday('now')) * 86400",
            "extract(epoch FROM claimed_until - now())",
        )
        left = sqlite if console.is_sqlite else postgres
        seconds = float(console.value(f"SELECT {left} FROM todos WHERE number = 2"))
    assert 0 < 7_200 - seconds < 60


def test_todo_is_free_when_its_claim_has_ended(workspace: Workspace) -> None:
    claim(workspace, "first", lease=timedelta(seconds=-1))
    again = claim(workspace, "second")
    assert again is not None
    assert (again.number, again.claimed_by) == (2, "second")


def test_list_of_claimed_todos(workspace: Workspace) -> None:
    claim(workspace)
    claim(workspace, lease=timedelta(seconds=-1))
    assert [todo.number for todo in workspace.todos.find(TodoQuery(filter=Claimed())).items] == [2]
    assert [todo.number for todo in workspace.todos.find(TodoQuery(filter=Not(Claimed()))).items] == [1, 3]


def test_repeated_claim_returns_the_same_todo(workspace: Workspace) -> None:
    change = uuid4()
    assert number(claim(workspace, change=change)) == 2
    claim(workspace, "other")
    assert number(claim(workspace, change=change)) == 2
    assert number(claim(workspace)) == 3
    with pytest.raises(Conflict):
        claim(workspace, "another", change=change)


def test_claim_is_renewed_by_its_owner_only(workspace: Workspace) -> None:
    claim(workspace, "first", "number:1")
    assert claim(workspace, "second", "number:1", renew=True) is None
    later = claim(workspace, "first", "number:1", renew=True, lease=timedelta(hours=5))
    assert later is not None
    assert later.version == 3


def test_released_todo_can_be_claimed_again(workspace: Workspace) -> None:
    claim(workspace, "first")
    released = workspace.todos.release(parse_references(["2"]), key(None, "release")).items[0]
    assert (released.claimed_by, released.claimed_until) == (None, None)
    assert number(claim(workspace, "second")) == 2


def test_log_has_claims_and_their_actor(database: Target) -> None:
    with open_store(database) as store, Workspace(store, Owner("ada"), origin=Origin("cli", "agent")) as workspace:
        workspace.users.add("ada")
        workspace.add([TodoCreate(title="a")], key(None, "add"))
        claim(workspace)
        workspace.todos.release(parse_references(["1"]), key(None, "release"))
        changes = workspace.log.find(LogQuery()).items
    assert [change.items[0].action for change in changes] == ["released", "claimed", "added"]
    assert {change.actor for change in changes} == {"agent"}


def test_undo_and_redo_leave_claims_alone(workspace: Workspace) -> None:
    Client(workspace.session, workspace.owner).edit(parse_references(["2"]), TodoUpdate(title="B"))
    claim(workspace)
    [undone] = workspace.undo(1, key(None, "undo")).items
    assert undone.items[0].changes["title"].before == "b"
    [todo] = workspace.todos.get(parse_references(["2"])).items
    assert (todo.title, todo.claimed_by) == ("b", "agent")
    claim(workspace)
    [redone] = workspace.redo(1, key(None, "redo")).items
    assert redone.id == undone.id


def test_addition_of_claimed_todo_can_be_undone(workspace: Workspace) -> None:
    for _ in range(3):
        claim(workspace)
    [undone] = workspace.undo(1, key(None, "undo")).items
    assert undone.count == 3
    assert workspace.todos.find(TodoQuery()).items == []


def test_claim_itself_cannot_be_undone(workspace: Workspace) -> None:
    change = uuid4()
    claim(workspace, change=change)
    with pytest.raises(Conflict, match="claim"):
        workspace.undo(1, key(None, "undo"), only=str(change))


def test_unknown_user_cannot_claim(database: Target) -> None:
    with (
        open_store(database) as store,
        Workspace(store, Owner("nobody")) as workspace,
        pytest.raises(MissingUserContext),
    ):
        claim(workspace)


def test_workers_at_once_claim_different_todos(database: Target) -> None:
    with closing(Store(database, connections=WORKERS)) as store:
        with Workspace(store, Owner("ada")) as workspace:
            workspace.users.add("ada")
            workspace.add([TodoCreate(title=f"{i}") for i in range(WORKERS)], key(None, "add"))

        def work(i: int) -> int | None:
            with Workspace(store, Owner("ada")) as workspace:
                return number(claim(workspace, f"agent-{i}"))

        with ThreadPoolExecutor(WORKERS) as pool:
            found = list(pool.map(work, range(WORKERS)))
    assert sorted(filter(None, found)) == list(range(1, WORKERS + 1))


def test_retry_that_waits_for_the_first_attempt_claims_nothing_more(postgres_url: PostgresURL) -> None:
    change = uuid4()
    watch = Console(postgres_url)
    with (
        closing(Store(postgres_url, connections=3)) as store,
        closing(Console(postgres_url)) as console,
        closing(watch),
    ):
        with Workspace(store, Owner("ada")) as workspace:
            workspace.users.add("ada")
            workspace.add([TodoCreate(title="a"), TodoCreate(title="b")], key(None, "add"))

        def work(_: int) -> int | None:
            with Workspace(store, Owner("ada")) as workspace:
                return number(claim(workspace, change=change))

        with ThreadPoolExecutor(2) as pool:
            with console.transaction():
                console.run("SELECT FROM users WHERE name = 'ada' FOR UPDATE")
                both = [pool.submit(work, i) for i in range(2)]
                wait_until(lambda: watch.value(LOCK_WAITS) == 2, "both wait for the user")
            found = [attempt.result() for attempt in both]
        assert found == [1, 1]
        assert console.value("SELECT count(*) FROM todos WHERE claimed_by IS NOT NULL") == 1
