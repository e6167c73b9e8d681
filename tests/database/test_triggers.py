"""The triggers: whoever writes leaves history, on both engines, by the same rules."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.console import EMPTY, NOON, REFUSED, Console, HistoryRow
from todocli.database.postgres.url import PostgresURL
from todocli.database.target import Target

NO_RETRY = "a todo's id, number and user_id never change"


def row(number: int, title: str, **more: Any) -> dict[str, Any]:
    """Return a todo as history keeps it."""
    return EMPTY | {"number": number, "title": title} | more


@pytest.fixture
def console(database: Target) -> Iterator[Console]:
    console = Console(database)
    yield console
    console.check_counts()
    console.close()


@pytest.fixture
def user(console: Console) -> UUID:
    return console.add_user()


# What a program writes


def test_insert_moves_last_number_and_records_history(console: Console, user: UUID) -> None:
    change = uuid4()
    todo = console.add(user, 1, change=change)
    assert console.value("SELECT last_number FROM users") == 1
    assert console.history(user) == [HistoryRow(change, "cli", todo, None, row(1, "Pay rent"))]


def test_last_number_never_decreases(console: Console, user: UUID) -> None:
    other = console.add_user("bob")
    for number in (5, 3, 7, 6):
        console.add(user, number)
    assert console.value("SELECT last_number FROM users WHERE id = :user", user=user) == 7
    assert console.value("SELECT last_number FROM users WHERE id = :other", other=other) == 0


def test_repeated_insert_records_nothing(console: Console, user: UUID) -> None:
    change, todo = uuid4(), uuid4()
    console.add(user, 1, todo=todo, change=change)
    before = console.history(user)
    console.add(user, 2, "Again", todo=todo, change=change, then="ON CONFLICT (id) DO NOTHING")
    console.add(user, 2, "Again", todo=todo, change=uuid4(), then="ON CONFLICT (id) DO NOTHING")
    assert console.history(user) == before
    assert console.changes(user) == [change]
    assert console.value("SELECT last_number FROM users") == 1


def test_number_is_taken_under_the_users_lock(console: Console, user: UUID) -> None:
    lock = "" if console.is_sqlite else "FOR NO KEY UPDATE"
    for number in (1, 2):
        rows = console.run(
            f"WITH owner AS (SELECT id, last_number FROM users WHERE id = :user {lock})"
            " INSERT INTO todos (id, user_id, number, title, version, created_at, updated_at, change_id, change_source)"
            " SELECT :todo, owner.id, owner.last_number + 1, 'Pay rent', 1, :at, :at, :change, 'cli' FROM owner"
            " WHERE true ON CONFLICT (id) DO NOTHING RETURNING number",
            user=user,
            todo=uuid4(),
            change=uuid4(),
            at=NOON,
        )
        assert rows == [(number,)]
    assert console.value("SELECT last_number FROM users") == 2


def test_update_records_before_and_after(console: Console, user: UUID) -> None:
    todo, change = console.add(user, 1), uuid4()
    console.run(
        "UPDATE todos SET title = 'New', completed_at = :at, change_id = :change, change_source = 'api'"
        " WHERE id = :todo",
        todo=todo,
        change=change,
        at=NOON,
    )
    new = row(1, "New", completed_at="2026-11-27T12:00:00.123456Z")
    assert console.history(user)[1:] == [HistoryRow(change, "api", todo, row(1, "Pay rent"), new)]
    assert console.run("SELECT version, change_source FROM todos") == [(1, "api")]


def test_actor_of_each_change_is_recorded(console: Console, user: UUID) -> None:
    console.add(user, 1, change_source="api", change_actor="phone")
    console.run("UPDATE todos SET title = 'New', change_id = :change, change_actor = 'laptop'", change=uuid4())
    console.run("UPDATE todos SET title = 'Newer'")  # a console does not say who it is
    assert console.run("SELECT source, actor FROM changes ORDER BY seq") == [
        ("api", "phone"),
        ("api", "laptop"),
        ("sql", None),
    ]


def test_update_of_many_is_one_change(console: Console, user: UUID) -> None:
    todos, change = [console.add(user, number) for number in (1, 2, 3)], uuid4()
    console.run("UPDATE todos SET description = 'x', change_id = :change, change_source = 'cli'", change=change)
    rows = console.history(user)[3:]
    assert {row.todo for row in rows} == set(todos)
    assert {row.change for row in rows} == {change}
    assert len(console.changes(user)) == 4


def test_upsert_records_history(console: Console, user: UUID) -> None:
    todo, change = console.add(user, 1), uuid4()
    then = "ON CONFLICT (id) DO UPDATE SET title = excluded.title, change_id = excluded.change_id"
    console.add(user, 2, "New", todo=todo, change=change, then=then)
    assert console.history(user)[1:] == [HistoryRow(change, "cli", todo, row(1, "Pay rent"), row(1, "New"))]
    assert console.value("SELECT last_number FROM users") == 1


@pytest.mark.parametrize("column", ["id", "number", "user_id"])
def test_identity_of_a_todo_is_immutable(console: Console, user: UUID, column: str) -> None:
    todo, other = console.add(user, 1), console.add_user("bob")
    value = {"id": uuid4(), "number": 2, "user_id": other}[column]
    before = console.history(user), console.run("SELECT * FROM todos")
    for change in ("", ", change_id = :change"):
        with pytest.raises(REFUSED, match=NO_RETRY):
            console.run(f"UPDATE todos SET {column} = :value{change}", value=value, change=uuid4())
    assert (console.history(user), console.run("SELECT * FROM todos")) == before
    console.run(
        "UPDATE todos SET id = id, number = number, user_id = user_id, title = 'New' WHERE id = :todo", todo=todo
    )


# What somebody at a console writes


def test_console_update_gets_a_change(console: Console, user: UUID) -> None:
    change = uuid4()
    todo = console.add(user, 1, change=change)
    console.run("UPDATE todos SET title = 'New', description = 'x' WHERE id = :todo", todo=todo)
    (recorded,) = console.history(user)[1:]
    assert recorded == HistoryRow(recorded.change, "sql", todo, row(1, "Pay rent"), row(1, "New", description="x"))
    assert recorded.change.version == 7
    assert recorded.change.variant == "specified in RFC 4122"
    written = console.run("SELECT version, change_source FROM todos WHERE change_id = :change", change=recorded.change)
    assert written == [(2, "sql")]
    assert console.value("SELECT count(*) FROM todos WHERE updated_at <> created_at") == 1


def test_console_change_is_a_uuid7_of_now(console: Console, user: UUID) -> None:
    console.add(user, 1)
    console.run("UPDATE todos SET title = 'New'")
    seconds = (console.changes(user)[1].int >> 80) / 1000
    epoch = "CAST(strftime('%s', 'now') AS INTEGER)" if console.is_sqlite else "extract(epoch FROM now())::float8"
    assert math.isclose(seconds, console.value(f"SELECT {epoch}"), abs_tol=3600)


def test_repeated_console_updates_are_changes(console: Console, user: UUID) -> None:
    console.add(user, 1, "a")
    console.run("UPDATE todos SET title = 'b'")
    console.run("UPDATE todos SET title = 'c'")
    pairs = [(row.before, row.after) for row in console.history(user)]
    assert pairs == [(None, row(1, "a")), (row(1, "a"), row(1, "b")), (row(1, "b"), row(1, "c"))]
    assert len(set(console.changes(user))) == 3
    assert console.value("SELECT version FROM todos") == 3


def test_console_transaction_is_one_change(console: Console, user: UUID) -> None:
    """On Postgres; SQLite cannot tell, and makes a change of each row."""
    other = console.add_user("bob")
    for number in (1, 2, 3):
        console.add(user, number, "a")
    console.add(other, 1, "a")
    with console.transaction():
        console.run("UPDATE todos SET title = 'b'")
        console.run("UPDATE todos SET title = 'c' WHERE number = 1")
        console.run("DELETE FROM todos WHERE number = 3")
    rows = console.history(user)[3:]
    if console.is_sqlite:
        assert len({row.change for row in rows}) == len(rows) == 5
        return
    assert len({row.change for row in rows}) == 1
    assert sorted((row.before["number"], row.after and row.after["title"]) for row in rows if row.before) == [
        (1, "c"),
        (2, "b"),
        (3, None),
    ]
    assert {row.before["title"] for row in rows if row.before} == {"a"}
    assert len(console.history(other)) == 2
    console.run("UPDATE todos SET title = 'd'")
    assert len(console.changes(user)) == 5


def test_delete_records_the_row(console: Console, user: UUID) -> None:
    change = uuid4()
    todo = console.add(user, 1, change=change)
    console.run("DELETE FROM todos")
    (recorded,) = console.history(user)[1:]
    assert recorded == HistoryRow(recorded.change, "sql", todo, row(1, "Pay rent"), None)
    assert recorded.change != change
    assert recorded.change.version == 7
    assert console.value("SELECT last_number FROM users") == 1


def test_failed_statement_records_nothing(console: Console, user: UUID) -> None:
    console.add(user, 1)
    before = console.history(user), console.changes(user)
    with pytest.raises(REFUSED):
        console.run("UPDATE todos SET title = ''")
    with pytest.raises(REFUSED):
        console.add(user, 1)
    assert (console.history(user), console.changes(user)) == before


# Times


def test_history_times_are_utc_in_any_session(console: Console, user: UUID) -> None:
    if not console.is_sqlite:
        console.run("SET timezone = 'Asia/Kolkata'")
        console.run("SET datestyle = 'German, DMY'")
    console.add(user, 1, completed_at=NOON + timedelta(microseconds=-123456), deleted_at=NOON + timedelta(days=-400))
    console.run("UPDATE todos SET title = 'New'")
    for row in console.history(user):
        assert row.after is not None
        assert row.after["created_at"] == "2026-11-27T12:00:00.123456Z"
        assert row.after["completed_at"] == "2026-11-27T12:00:00.000000Z"
        assert row.after["deleted_at"] == "2025-10-23T12:00:00.123456Z"


# Many at once


def test_bulk_insert_updates_the_user_once(console: Console, user: UUID) -> None:
    change, count = uuid4(), 5000
    numbers = (
        "(WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < :count)"
        " SELECT value FROM n)"
        if console.is_sqlite
        else "(SELECT generate_series(1, :count) AS value)"
    )
    new_id = "lower(hex(randomblob(16)))" if console.is_sqlite else "gen_random_uuid()"
    with console.transaction():
        console.run(
            "INSERT INTO todos (id, user_id, number, title, version, created_at, updated_at, change_id, change_source)"
            f" SELECT {new_id}, :user, value, 'Todo ' || value, 1, :at, :at, :change, 'cli' FROM {numbers} AS numbers",
            user=user,
            change=change,
            count=count,
            at=NOON,
        )
        if not console.is_sqlite:
            updates = "SELECT n_tup_upd FROM pg_stat_xact_user_tables WHERE relname = 'users'"
            assert console.value(updates) == 1
    console.run("UPDATE todos SET title = title || '!'")
    assert console.value("SELECT last_number FROM users") == count
    assert console.value("SELECT count(*) FROM history WHERE change_id = :change", change=change) == count
    assert console.value("SELECT count(*) FROM history") == 2 * count
    assert len(console.changes(user)) == (count + 1 if console.is_sqlite else 2)


# Both engines


def test_row_cannot_join_an_old_change(console: Console, user: UUID) -> None:
    """It would stand in the log before what had led to it, and undo would take back what never was."""
    old, todo = uuid4(), console.add(user, 1, "a")
    console.add(user, 2, "b")
    stamped = "UPDATE todos SET title = :title, change_id = :change WHERE number = :number"
    console.run(stamped, title="c", change=old, number=1)
    console.run(stamped, title="c", change=old, number=2)  # it is still the newest
    console.run("UPDATE todos SET title = 'd' WHERE number = 2")
    before = console.history(user)
    with pytest.raises(REFUSED, match="recorded already"):
        console.run(stamped, title="e", change=old, number=2)
    console.run("DELETE FROM todos WHERE number = 1")
    with pytest.raises(REFUSED, match="recorded already"):
        console.add(user, 1, "a", todo=todo, change=before[1].change)
    assert console.history(user)[:-1] == before


def test_both_engines_record_the_same_history(sqlite_path: Path, postgres_url: PostgresURL) -> None:
    todos = [uuid4() for _ in range(3)]
    changes = [uuid4() for _ in range(4)]

    def history_at(target: Target) -> list[HistoryRow]:
        console = Console(target)
        user = console.add_user()
        for number, (todo, change) in enumerate(zip(todos, changes, strict=False), 1):
            console.add(user, number, f"Ünï'\"\\\t{number}", todo=todo, change=change, description="a\nb")
        console.run("UPDATE todos SET completed_at = :at, change_id = :change", at=NOON, change=changes[3])
        for todo in todos:
            console.run("UPDATE todos SET title = '%s', description = NULL WHERE id = :todo", todo=todo)
            console.run("DELETE FROM todos WHERE id = :todo", todo=todo)
        rows = console.history(user)
        console.close()
        given = UUID(int=0)
        return sorted((row._replace(change=row.change if row.change in changes else given) for row in rows), key=str)

    on_sqlite = history_at(sqlite_path)
    assert len(on_sqlite) == 12
    assert on_sqlite == history_at(postgres_url)


def test_numbers_are_not_reused(console: Console) -> None:
    """Not that of a deleted todo, nor of one of which history has the number only; but to the todo itself."""
    user = console.add_user()
    todo = console.add(user, 1, "a")
    console.add(user, 2, "b")
    console.run("DELETE FROM todos")
    for number in (1, 2):
        with pytest.raises(REFUSED, match="the number belongs to another todo"):
            console.add(user, number, "c")
    purged = '{"number": 2}'
    console.run("UPDATE history SET before = :purged, after = NULL WHERE todo_id <> :todo", purged=purged, todo=todo)
    with pytest.raises(REFUSED, match="the number belongs to another todo"):
        console.add(user, 2, "c")
    console.add(user, 1, "a", todo=todo)
    console.add(user, 9, "d")
    console.add(user, 5, "e")
    console.add(console.add_user("bob"), 1, "f")
    assert console.run("SELECT number FROM todos ORDER BY number, title") == [(1,), (1,), (5,), (9,)]
