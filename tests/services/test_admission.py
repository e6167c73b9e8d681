"""Every statement tests whether the schema still admits this program, as of the moment that it runs."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.client import Client, key
from tests.support.console import LOCK_WAITS, Console
from tests.support.waiting import wait_until
from todocli.clock import now
from todocli.database import migrations, probe, schema
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.references import parse_references
from todocli.domain.tokens import digest, new_token
from todocli.errors import SchemaOutdated, SchemaTooNew, TodoError
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services import tokens
from todocli.services.history.log import LogQuery
from todocli.services.history.purge import TrashQuery
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.selection import Selection
from todocli.services.workspace import Workspace

LATER = "9999"
ONE = parse_references(["1"])
_TOKEN = new_token()

READS: dict[str, Callable[[Workspace], object]] = {
    "list": lambda workspace: workspace.todos.find(TodoQuery()),
    "page": lambda workspace: workspace.todos.page(TodoQuery(limit=1)),
    "show": lambda workspace: workspace.todos.get(ONE),
    "show with log": lambda workspace: workspace.log.of_todos(ONE, 3),
    "log": lambda workspace: workspace.log.find(LogQuery()),
    "log 1": lambda workspace: workspace.log.find(LogQuery(todo=1)),
    "tags": lambda workspace: workspace.summaries.tags(),
    "projects": lambda workspace: workspace.summaries.projects(),
    "trash": lambda workspace: workspace.trash.preview(TrashQuery()),
    "tokens": lambda workspace: workspace.tokens.all(),
    "users": lambda workspace: workspace.users.all(),
    "dry run": lambda workspace: _client(workspace).complete(Selection(TodoQuery(), dry_run=True)),
    "authenticate": lambda workspace: tokens.authenticate(workspace.session, _TOKEN),
}
WRITES: dict[str, Callable[[Workspace], object]] = {
    "add": lambda workspace: _client(workspace).add([TodoCreate(title="x")]),
    "done": lambda workspace: _client(workspace).complete(ONE),
    "done --where": lambda workspace: _client(workspace).complete(Selection(TodoQuery(), unasked=True)),
    "edit": lambda workspace: _client(workspace).edit(ONE, TodoUpdate(title="x")),
    "rm": lambda workspace: _client(workspace).remove(ONE),
    "undo": lambda workspace: workspace.undo(1, key(None, "undo")),
    "redo": lambda workspace: workspace.redo(1, key(None, "redo")),
    "purge": lambda workspace: workspace.purge(TrashQuery(), workspace.trash.preview(TrashQuery()), key(None, "purge")),
    "user add": lambda workspace: workspace.users.add("bob"),
    "user rename": lambda workspace: workspace.users.rename("ada", "eve"),
    "token create": lambda workspace: workspace.tokens.create("tablet"),
    "token revoke": lambda workspace: workspace.tokens.revoke("phone"),
}


def _client(workspace: Workspace) -> Client:
    return Client(workspace.session, workspace.owner)


@pytest.fixture
def console(database: Target) -> Iterator[Console]:
    """Give a console; the user ada has two todos, one of them in the trash, an undone change and a token."""
    with open_store(database) as store, _workspace(store) as workspace:
        workspace.users.add("ada")
        _client(workspace).add([TodoCreate(title="a"), TodoCreate(title="b")])
        _client(workspace).remove(parse_references(["2"]))
        _client(workspace).complete(ONE)
        workspace.undo(1, key(None, "undo"))
        workspace.tokens.create("phone")
    console = Console(database)
    console.run("UPDATE tokens SET digest = :digest", digest=digest(_TOKEN))
    yield console
    console.close()


def _workspace(store: Store, user_id: uuid.UUID | None = None) -> Workspace:
    return Workspace(store, Owner("ada", user_id))


def _error(use: Callable[[Workspace], object], store: Store, user_id: uuid.UUID | None = None) -> TodoError | None:
    try:
        with _workspace(store, user_id) as workspace:
            use(workspace)
    except TodoError as error:
        return error
    return None


def _upgrade(console: Console, oldest: str) -> None:
    """Do what a newer program does that excludes this one from writing, or from reading as well."""
    oldest_reader = f", oldest_reader = '{LATER}'" if oldest == "oldest_reader" else ""
    console.run(f"UPDATE todo_revision SET version_num = '{LATER}', oldest_writer = '{LATER}'{oldest_reader}")


def _content(console: Console) -> list[object]:
    names = ("users", "todos", "changes", "history", "tokens")
    return [sorted(map(repr, console.run(f"SELECT * FROM {name}"))) for name in names]


@pytest.mark.parametrize("by_id", [True, False])
@pytest.mark.parametrize("oldest", ["oldest_reader", "oldest_writer"])
def test_newer_schema_refuses_and_nothing_changes(database: Target, console: Console, oldest: str, by_id: bool) -> None:
    refused = {**READS, **WRITES} if oldest == "oldest_reader" else WRITES
    with open_store(database) as store:
        with _workspace(store) as workspace:  # the connection is in the pool when the schema is upgraded
            [user] = workspace.users.all().items
        _upgrade(console, oldest)
        before = _content(console)
        for name, use in refused.items():
            assert isinstance(_error(use, store, user.id if by_id else None), SchemaTooNew), name
            assert _content(console) == before, name


def test_program_that_may_only_read_reads(database: Target, console: Console) -> None:
    _upgrade(console, "oldest_writer")
    with open_store(database) as store, _workspace(store) as workspace:
        for name in READS.keys() - {"authenticate"}:
            READS[name](workspace)
        assert [todo.title for todo in workspace.todos.find(TodoQuery()).items] == ["a"]


def test_addition_locks_nobody_out(database: Target, console: Console) -> None:
    console.run(f"UPDATE todo_revision SET version_num = '{LATER}'")
    with open_store(database) as store:
        probe.check(store)
        for name, use in {**READS, **WRITES}.items():
            assert not isinstance(_error(use, store), SchemaTooNew | SchemaOutdated), name


def test_upgrade_during_a_session_is_noticed(database: Target, console: Console) -> None:
    def use(workspace: Workspace) -> None:
        assert len(workspace.todos.find(TodoQuery()).items) == 1
        _upgrade(console, "oldest_reader")
        workspace.todos.find(TodoQuery())

    with open_store(database) as store:
        assert isinstance(_error(use, store), SchemaTooNew)


@pytest.mark.parametrize("state", ["missing", "twice"])
def test_revision_that_is_not_one_row_is_refused(database: Target, console: Console, state: str) -> None:
    if state == "missing":
        console.run("DELETE FROM todo_revision")
    else:
        console.run(f"INSERT INTO todo_revision VALUES ('{LATER}', '{schema.HEAD}', '{schema.HEAD}')")
    before = _content(console)
    with open_store(database) as store:
        for name, use in {**READS, **WRITES}.items():
            error = _error(use, store)
            assert isinstance(error, SchemaOutdated if state == "missing" else SchemaTooNew), name
    assert _content(console) == before


def test_use_of_token_is_not_recorded_in_newer_schema(database: Target, console: Console) -> None:
    [token_id] = [row[0] for row in console.run("SELECT id FROM tokens")]
    _upgrade(console, "oldest_writer")
    with open_store(database) as store, pytest.raises(SchemaTooNew), store.session() as session:
        tokens.record_use(session, {uuid.UUID(str(token_id)): now()})
    assert console.run("SELECT last_used_at FROM tokens") == [(None,)]


@pytest.mark.parametrize(
    ("revision", "reads", "writes"),
    [
        (schema.CurrentRevision(schema.HEAD, schema.HEAD, schema.HEAD), True, True),
        (schema.CurrentRevision(LATER, schema.HEAD, schema.HEAD), True, True),
        (schema.CurrentRevision(LATER, schema.HEAD, LATER), True, False),
        (schema.CurrentRevision(LATER, LATER, LATER), False, False),
    ],
)
def test_error_says_what_is_still_possible(revision: schema.CurrentRevision, reads: bool, writes: bool) -> None:
    error = schema.mismatch(Path("/todo.db"), revision)
    assert (error is None) == writes
    if error:
        assert ("may only read it" in error.detail) == reads


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_upgrade_waits_for_writers_and_they_for_it(database: Target, console: Console) -> None:
    """A write that began before must not be committed after the schema has stopped admitting its program."""

    def add() -> object:
        with open_store(database, seconds=60) as store, _workspace(store) as workspace:
            return _client(workspace).add([TodoCreate(title="x")]).items

    with closing(Console(database)) as witness, ThreadPoolExecutor() as pool:
        with console.transaction():
            console.run("SELECT FROM users WHERE name = 'ada' FOR UPDATE")
            adding = pool.submit(add)
            wait_until(lambda: witness.value(LOCK_WAITS) == 1, "add to wait for its user")
            migrating = pool.submit(migrations.downgrade, database, "base")
            wait_until(lambda: witness.value(LOCK_WAITS) == 2, "the migration to wait for add")
        assert adding.result()
        assert migrating.result()
