"""Compacting the log drops what old changes did, and keeps that they were made."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.support.client import Client, key
from tests.support.console import Console
from todocli.clock import now
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.references import parse_references
from todocli.errors import MissingUserContext, NotFound
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.history.log import LogQuery
from todocli.services.history.purge import TrashQuery
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.workspace import Workspace

ONE = parse_references(["1"])
AGO = timedelta(days=400)


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    with open_store(database) as store:
        with _workspace(store) as workspace:
            workspace.users.add("ada")
            workspace.users.add("bob")
        yield store


@pytest.fixture
def console(store: Store) -> Iterator[Console]:
    console = Console(store.target)
    yield console
    console.close()


def _workspace(store: Store, name: str = "ada") -> Workspace:
    return Workspace(store, Owner(name))


def _client(workspace: Workspace) -> Client:
    return Client(workspace.session, workspace.owner)


def _age(console: Console) -> None:
    """Let all changes so far be from long ago."""
    at = now() - AGO
    console.run("UPDATE changes SET made_at = :at", at=at.replace(tzinfo=None) if console.is_sqlite else at)


def _images(console: Console) -> list[tuple[bool, bool]]:
    """Return which images each row of history has, oldest first."""
    rows = console.run(
        "SELECT h.before, h.after FROM history AS h JOIN changes AS c ON c.id = h.change_id AND c.user_id = h.user_id"
        " ORDER BY c.seq, h.todo_id"
    )
    return [(before is not None, after is not None) for before, after in rows]


def test_old_changes_lose_what_they_did(store: Store, console: Console) -> None:
    with _workspace(store) as workspace:
        client = _client(workspace)
        client.add([TodoCreate(title="a")])
        client.edit(ONE, TodoUpdate(title="b"))
        client.complete(ONE)
        _age(console)
        client.reopen(ONE)
        client.edit(ONE, TodoUpdate(title="c"))
        before = workspace.todos.find(TodoQuery("all"))
        year_ago = now() - timedelta(days=365)
        found = workspace.compact(year_ago, dry_run=True)
        assert (found.changes, found.rows) == (3, 3)
        assert found.bytes > 300
        assert _images(console) == [(False, True)] + [(True, True)] * 4, "a dry run changes nothing"
        assert workspace.compact(year_ago) == found
        assert _images(console) == [(False, False)] * 3 + [(True, True)] * 2
        assert workspace.todos.find(TodoQuery("all")) == before
        log = workspace.log.find(LogQuery())
        assert [change.items[0].action for change in log.items] == ["changed", "reopened"]
        assert len(workspace.log.find(LogQuery(todo=1)).items) == 2
        [(_, recent)] = workspace.log.of_todos(ONE, 5)
        assert len(recent) == 2
        again = workspace.compact(year_ago)
        assert (again.changes, again.rows, again.bytes) == (0, 0, 0)


def test_latest_state_of_each_todo_is_kept(store: Store, console: Console) -> None:
    with _workspace(store) as workspace:
        client = _client(workspace)
        client.add([TodoCreate(title="a"), TodoCreate(title="b")])
        client.edit(ONE, TodoUpdate(title="c"))
        console.run("DELETE FROM todos WHERE number = 1")
        _age(console)
        workspace.compact(now())
        # In order: two todos added, the first edited, the first deleted. Its last row has all that is known of it.
        images = _images(console)
        assert sorted(images[:2]) == [(False, False), (False, True)]
        assert images[2:] == [(False, False), (True, False)]
        added = _client(workspace).add([TodoCreate(title="d")]).items[0]
        assert added.number == 3, "the numbers of deleted todos stay taken"


def test_undo_ends_at_a_compacted_change(store: Store, console: Console) -> None:
    with _workspace(store) as workspace:
        client = _client(workspace)
        client.add([TodoCreate(title="a")])
        client.complete(ONE)
        _age(console)
        client.edit(ONE, TodoUpdate(title="b"))
        workspace.compact(now() - timedelta(days=1))
        with pytest.raises(NotFound, match="only 1 change to undo"):
            workspace.undo(2, key(None, "undo"))
        workspace.undo(1, key(None, "undo"))
        workspace.redo(1, key(None, "redo"))
        assert workspace.todos.get(ONE).items[0].title == "b"


def test_repeated_command_still_finds_its_change(store: Store, console: Console) -> None:
    change = uuid.uuid4()
    with _workspace(store) as workspace:
        client = _client(workspace)
        first = client.add([TodoCreate(title="a")], change=change)
        client.complete(ONE)
        _age(console)
        workspace.compact(now())
        repeated = _client(workspace).add([TodoCreate(title="a")], change=change)
        assert repeated.is_repeat
        assert [todo.id for todo in repeated.items] == [todo.id for todo in first.items]


def test_trash_can_be_purged_after_compacting(store: Store, console: Console) -> None:
    with _workspace(store) as workspace:
        client = _client(workspace)
        client.add([TodoCreate(title="a")])
        client.edit(ONE, TodoUpdate(title="b"))
        client.remove(ONE)
        _age(console)
        workspace.compact(now())
        trash = TrashQuery()
        purged = workspace.purge(trash, workspace.trash.preview(trash), key(None, "purge"))
        assert [item.number for item in purged.items[0].items] == [1]
        assert len(_images(console)) == 1
        console.check_counts()


def test_changes_of_others_stay(store: Store, console: Console) -> None:
    for name in ("ada", "bob"):
        with _workspace(store, name) as workspace:
            _client(workspace).add([TodoCreate(title="a")])
            _client(workspace).complete(ONE)
    _age(console)
    with _workspace(store) as workspace:
        assert workspace.compact(now()).changes == 2
    with _workspace(store, "bob") as workspace:
        assert len(workspace.log.find(LogQuery()).items) == 2
        workspace.undo(2, key(None, "undo"))


def test_unknown_user_has_nothing_to_compact(store: Store) -> None:
    for dry_run in (True, False):
        with pytest.raises(MissingUserContext), _workspace(store, "nobody") as workspace:
            workspace.compact(now(), dry_run=dry_run)
