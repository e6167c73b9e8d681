"""What only one of the engines can do to the triggers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.database.test_triggers import NO_RETRY, row
from tests.support.client import Client
from tests.support.console import LOCK_WAITS, NOON, REFUSED, Console
from tests.support.waiting import wait_until
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import open_store
from todocli.domain.idempotency import ChangeKey
from todocli.schemas.todos import TodoCreate
from todocli.services.history.undo import Undo
from todocli.services.owner import Owner

# SQLite


@pytest.fixture(params=["OFF", "ON"])
def sqlite(request: pytest.FixtureRequest, sqlite_path: Path) -> Iterator[Console]:
    """A console at SQLite, whose triggers fire from themselves (ON) or not."""
    console = Console(sqlite_path)
    console.run(f"PRAGMA recursive_triggers = {request.param}")
    yield console
    console.check_counts()
    console.close()


def is_recursive(console: Console) -> bool:
    return bool(console.value("PRAGMA recursive_triggers"))


def test_update_records_one_row(sqlite: Console) -> None:
    user = sqlite.add_user()
    sqlite.add(user, 1, "a")
    sqlite.run("UPDATE todos SET title = 'b'")
    sqlite.run("UPDATE todos SET title = 'c', change_id = :change", change=uuid4())
    pairs = [(row.before, row.after) for row in sqlite.history(user)]
    assert pairs == [(None, row(1, "a")), (row(1, "a"), row(1, "b")), (row(1, "b"), row(1, "c"))]


@pytest.mark.parametrize("verb", ["UPDATE OR IGNORE", "UPDATE OR REPLACE", "UPDATE OR ROLLBACK", "UPDATE OR FAIL"])
def test_conflict_policy_of_update_spares_history(sqlite: Console, verb: str) -> None:
    user, change = sqlite.add_user(), uuid4()
    for number in (1, 2):
        sqlite.add(user, number, "a")
    sqlite.run(f"{verb} todos SET title = 'b', change_id = :change", change=change)
    sqlite.run(f"{verb} todos SET title = 'c'")
    assert [(row.before or {}).get("title") for row in sqlite.history(user)] == [None, None, "a", "a", "b", "b"]
    assert [(row.after or {}).get("title") for row in sqlite.history(user)] == ["a", "a", "b", "b", "c", "c"]
    assert len(sqlite.changes(user)) == 5


def test_replace_is_recorded_as_update(sqlite: Console) -> None:
    user = sqlite.add_user()
    todo = sqlite.add(user, 1, "a")
    sqlite.add(user, 1, "b", todo=todo, verb="INSERT OR REPLACE")
    pairs = [(row.before, row.after) for row in sqlite.history(user)]
    if is_recursive(sqlite):
        assert pairs == [(None, row(1, "a")), (row(1, "a"), None), (None, row(1, "b"))]
    else:
        assert pairs == [(None, row(1, "a")), (row(1, "a"), row(1, "b"))]


def test_replace_of_another_todo_is_refused(sqlite: Console) -> None:
    user = sqlite.add_user()
    sqlite.add(user, 1, "a")
    sqlite.add(user, 2, "b")
    with pytest.raises(REFUSED, match="the number belongs to another todo"):
        sqlite.add(user, 1, "c", verb="INSERT OR REPLACE")
    assert sqlite.run("SELECT title FROM todos ORDER BY number") == [("a",), ("b",)]


def test_replace_cannot_move_a_todo(sqlite_path: Path) -> None:
    console = Console(sqlite_path)
    user, other = console.add_user("ada"), console.add_user("bob")
    todo = console.add(user, 1, "a")
    for owner, number in ((user, 2), (other, 1), (other, 2)):
        with pytest.raises(REFUSED, match=NO_RETRY):
            console.add(owner, number, "b", todo=todo, verb="INSERT OR REPLACE")
    assert console.run("SELECT title, number FROM todos") == [("a", 1)]
    assert console.history(other) == []
    console.close()


def test_deleted_todo_can_be_inserted_again(sqlite: Console) -> None:
    user = sqlite.add_user()
    todo = sqlite.add(user, 1, "a")
    sqlite.run("DELETE FROM todos")
    sqlite.add(user, 1, "b", todo=todo)
    assert [(row.before, row.after) for row in sqlite.history(user)][1:] == [
        (row(1, "a"), None),
        (None, row(1, "b")),
    ]


def test_ignored_insert_records_nothing(sqlite: Console) -> None:
    user = sqlite.add_user()
    todo = sqlite.add(user, 1, "a")
    before = sqlite.history(user), sqlite.changes(user)
    sqlite.add(user, 1, "b", verb="INSERT OR IGNORE")
    sqlite.add(user, 2, "b", todo=todo, verb="INSERT OR IGNORE")
    assert (sqlite.history(user), sqlite.changes(user)) == before
    assert sqlite.value("SELECT last_number FROM users") == 1


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("2026-11-27T12:00:00.123456", "2026-11-27T12:00:00.123456Z"),
        ("2026-11-27 12:00:00", "2026-11-27T12:00:00.000000Z"),
        ("2026-11-27 12:00:00.5", "2026-11-27T12:00:00.500000Z"),
        ("2026-11-27 12:00", "2026-11-27T12:00:00.000000Z"),
        ("2026-11-27 13:00:00+01:00", "2026-11-27T12:00:00.000000Z"),
        ("2026-11-27 23:59:59.999999", "2026-11-27T23:59:59.999999Z"),
    ],
)
def test_hand_typed_time_is_normalised_in_history(sqlite: Console, written: str, kept: str) -> None:
    user = sqlite.add_user()
    sqlite.add(user, 1)
    sqlite.run("UPDATE todos SET completed_at = :written", written=written)
    after = sqlite.history(user)[1].after
    assert after is not None
    assert after["completed_at"] == kept


# Postgres


@pytest.fixture
def postgres(postgres_url: PostgresURL) -> Iterator[Console]:
    console = Console(postgres_url)
    yield console
    console.check_counts()
    console.close()


def test_search_path_of_a_session_does_not_matter(postgres: Console) -> None:
    """A pooler, or a console, may have another search_path; and a table of the same name may be in the way."""
    user = postgres.add_user()
    todo = postgres.add(user, 1)
    postgres.run("CREATE TEMPORARY TABLE history AS SELECT * FROM history")
    postgres.run("SET search_path = pg_catalog")
    postgres.run("UPDATE todo.todos SET title = 'New'")
    postgres.run("DELETE FROM todo.todos WHERE id = :todo", todo=todo)
    assert postgres.value("SELECT count(*) FROM todo.history") == 3
    postgres.run("RESET search_path")


def test_returning_shows_the_console_change(postgres: Console) -> None:
    user = postgres.add_user()
    postgres.add(user, 1)
    ((change, version),) = postgres.run("UPDATE todos SET title = 'New' RETURNING change_id, version")
    assert postgres.changes(user)[1] == change
    assert version == 2


def test_insert_of_user_and_title_is_enough(postgres: Console, postgres_url: PostgresURL) -> None:
    """As in Neon's SQL editor."""
    user = postgres.add_user()
    values = "(:user, 'a'), (:user, 'b')"
    added = postgres.run(
        f"INSERT INTO todo.todos (user_id, title) VALUES {values}"
        " RETURNING id, number, version, change_id, change_source, created_at = now(), updated_at = now()",
        user=user,
    )
    assert [row[1:3] + row[4:] for row in added] == [(1, 1, "sql", True, True), (2, 1, "sql", True, True)]
    assert {UUID(str(row[0])).version for row in added} == {7}
    [change] = postgres.changes(user)
    assert {row[3] for row in added} == {change}
    recorded = [(each.before, (each.after or {})["title"]) for each in postgres.history(user)]
    assert sorted(recorded, key=str) == [(None, "a"), (None, "b")]
    assert postgres.value("SELECT (last_number, open_count) = (2, 2) FROM users WHERE id = :user", user=user)
    postgres.run("INSERT INTO todo.todos (user_id, title, number) VALUES (:user, 'c', 7)", user=user)
    with open_store(postgres_url) as store, store.session() as session:
        assert Client(session, Owner("ada", user)).add([TodoCreate(title="d")]).items[0].number == 8
    undone = undo(postgres_url, user, 3)
    assert undone == [1, 1, 2]
    assert postgres.value("SELECT count(*) FROM todos WHERE deleted_at IS NULL") == 0


def undo(url: PostgresURL, user: UUID, count: int) -> list[int]:
    """Undo changes; return how many todos each was about."""
    with open_store(url) as store:
        key = ChangeKey(uuid4(), "undo")
        found = store.atomically(lambda session: Undo(session, Owner("ada", user)).reverse("undo", count, key))
    return [change.count for change in found.items]


def test_simultaneous_inserts_get_two_numbers(postgres: Console, postgres_url: PostgresURL) -> None:
    user = postgres.add_user()
    insert = "INSERT INTO todo.todos (user_id, title) VALUES (:user, 'a') RETURNING number"
    other = Console(postgres_url)
    with ThreadPoolExecutor() as pool:
        with other.transaction():
            assert other.value(insert, user=user) == 1
            waiting = pool.submit(postgres.value, insert, user=user)
            witness = Console(postgres_url)
            wait_until(lambda: witness.value(LOCK_WAITS), "the second insert")
            witness.close()
        assert waiting.result() == 2
    other.close()


def test_insert_for_unknown_user_is_refused(postgres: Console) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="there is no user"):
        postgres.run("INSERT INTO todo.todos (user_id, title) VALUES (:user, 'a')", user=uuid4())
    with pytest.raises(psycopg.errors.NotNullViolation, match='"user_id"'):
        postgres.run("INSERT INTO todo.todos (title) VALUES ('a')")


def test_simultaneous_transactions_are_two_changes(postgres_url: PostgresURL) -> None:
    consoles = [Console(postgres_url) for _ in range(2)]
    changes: set[UUID] = set()
    for console in consoles:
        console.run("BEGIN")
        changes.add(console.value("SELECT todos_console_change()"))
        assert console.value("SELECT todos_console_change()") in changes
    assert len(changes) == 2
    for console in consoles:
        console.run("ROLLBACK")
        console.close()


def test_merge_records_history(postgres: Console) -> None:
    user, change = postgres.add_user(), uuid4()
    todo = postgres.add(user, 1, "a")
    postgres.run(
        "MERGE INTO todos USING (VALUES (:todo::uuid, 1), (:new::uuid, 2)) AS v (id, number) ON todos.id = v.id"
        " WHEN MATCHED THEN UPDATE SET title = 'b', change_id = :change"
        " WHEN NOT MATCHED THEN INSERT (id, user_id, number, title, version, created_at, updated_at, change_id,"
        " change_source) VALUES (v.id, :user, v.number, 'c', 1, :at, :at, :change, 'cli')",
        todo=todo,
        new=uuid4(),
        user=user,
        change=change,
        at=NOON,
    )
    rows = {row.after["number"]: row.before for row in postgres.history(user) if row.after and row.change == change}
    assert rows == {1: row(1, "a"), 2: None}
    assert postgres.value("SELECT last_number FROM users") == 2


def test_truncate_of_todos_is_refused(postgres_url: PostgresURL) -> None:
    console = Console(postgres_url)
    console.add(console.add_user(), 1, "x")
    for table in ("todos, notes, sources", "todos CASCADE", "users CASCADE"):
        with pytest.raises(psycopg.errors.RestrictViolation, match="cannot be truncated"):
            console.run(f"TRUNCATE {table}")
    assert console.value("SELECT count(*) FROM todos") == 1
    console.close()
