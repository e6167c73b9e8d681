"""What waits for changes: it hears of each, and asks nothing while there is none."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support import pgbouncer, postgres
from tests.support.console import LOCK_WAITS, Console
from tests.support.following import ScriptedWaiter, Stopped
from tests.support.relay import Line, Relay
from tests.support.waiting import wait_until
from todocli.database import sqlite_file
from todocli.database.postgres.listening import Listening, Pooled
from todocli.database.postgres.url import PostgresURL
from todocli.database.waiter import Waiter
from todocli.database.watch import FileWatch, PollWatch
from todocli.errors import ServiceUnavailable

ADVISORY_LOCKS = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
"""How many there are in this database: other tests use others of the same server."""

HOUR = 3600.0


@pytest.fixture
def console(sqlite_path: Path) -> Iterator[Console]:
    console = Console(sqlite_path)
    yield console
    console.close()


@pytest.fixture
def server(postgres_url: PostgresURL) -> Iterator[Console]:
    console = Console(postgres_url)
    yield console
    console.close()


# The embedded file


def test_file_is_watched_by_its_counter_alone(sqlite_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    statements: list[str] = []

    def traced(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.set_trace_callback(statements.append)
        return connection

    connect = sqlite_file.connect
    monkeypatch.setattr(sqlite_file, "connect", traced)
    watch = FileWatch(sqlite_path, ScriptedWaiter(*[lambda: None] * 20_000))
    watch.start()
    assert not watch.wait(HOUR)
    assert set(statements) == {"PRAGMA data_version"}
    assert len(statements) == 7_200 + 2
    watch.close()


def test_file_watch_hears_of_commit_before_and_during_wait(sqlite_path: Path, console: Console) -> None:
    user = console.add_user()
    watch = FileWatch(sqlite_path, ScriptedWaiter(lambda: None, lambda: console.add(user, 2)))
    watch.start()
    console.add(user, 1)
    assert watch.wait(None)
    assert watch.wait(None)
    assert not watch.wait(0)
    watch.close()


def test_file_watch_ignores_readers(sqlite_path: Path, console: Console) -> None:
    watch = FileWatch(sqlite_path, ScriptedWaiter(lambda: console.run("SELECT * FROM todos"), lambda: None))
    watch.start()
    assert not watch.wait(1)
    watch.close()


def test_replaced_file_has_to_be_watched_again(sqlite_path: Path, tmp_path: Path) -> None:
    restored = Path(shutil.copyfile(sqlite_path, tmp_path / "restored.db"))
    watch = FileWatch(sqlite_path, ScriptedWaiter(lambda: restored.replace(sqlite_path)))
    watch.start()
    with pytest.raises(ServiceUnavailable, match="was replaced"):
        watch.wait(None)
    watch.close()
    watch.start()
    assert not watch.wait(0)
    watch.close()


# Polling


def test_poll_takes_its_time_across_short_waits() -> None:
    waiter = ScriptedWaiter(*[lambda: None] * 10)
    watch = PollWatch(60, waiter)
    watch.start()
    assert [watch.wait(5), watch.wait(None), watch.wait(5)] == [False, True, False]
    assert waiter.waits == [5, 55, 5]


# Postgres


def _listening(url: PostgresURL, user: UUID, waiter: Waiter | None = None) -> Listening:
    return Listening(url, user, 60, waiter or Waiter())


def test_listening_hears_of_own_changes_only(postgres_url: PostgresURL, server: Console) -> None:
    ada, bob = server.add_user("ada"), server.add_user("bob")
    watch = _listening(postgres_url, ada)
    watch.start()
    server.add(bob, 1)
    assert not watch.wait(0.1)
    server.add(ada, 1)
    assert watch.wait(None)
    with server.transaction():
        server.run("UPDATE todos SET title = 'x' WHERE user_id = :ada", ada=ada)
        assert not watch.wait(0.1)
    assert watch.wait(None)
    assert not watch.wait(0)
    watch.close()


def test_nothing_is_notified_unless_user_is_followed(postgres_url: PostgresURL, server: Console) -> None:
    ada = server.add_user()
    with postgres.connect(postgres_url) as listener:
        listener.execute(f'LISTEN "todo_{ada.hex}"')
        server.add(ada, 1)
        assert list(listener.notifies(timeout=0.2)) == []
        watch = _listening(postgres_url, ada)
        watch.start()
        server.add(ada, 2)
        [heard] = listener.notifies(timeout=60, stop_after=1)
        assert heard.payload == ""
        watch.close()
        wait_until(lambda: not server.value(f"{ADVISORY_LOCKS} AND granted"), "unlock")
        server.add(ada, 3)
        assert list(listener.notifies(timeout=0.2)) == []


def test_start_waits_for_change_that_does_not_notify(postgres_url: PostgresURL, server: Console) -> None:
    ada = server.add_user()
    watch, read = _listening(postgres_url, ada), Console(postgres_url)
    seen: list[Any] = []

    def start() -> None:
        watch.start()
        seen.append(read.value("SELECT count(*) FROM todos"))

    thread = threading.Thread(target=start)
    with server.transaction():
        server.add(ada, 1)
        thread.start()
        wait_until(lambda: is_waited_for(postgres_url), "the watch to wait for the lock")
        assert seen == []
    thread.join(60)
    assert seen == [1]
    watch.close()
    read.close()


def is_waited_for(url: PostgresURL) -> bool:
    with postgres.connect(url) as connection:
        return connection.execute(LOCK_WAITS).fetchone() == (1,)


def test_idle_hour_of_listening_sends_nothing(postgres_url: PostgresURL, server: Console) -> None:
    ada = server.add_user()
    sent: list[bytes] = []

    def count(data: bytes) -> bytes:
        sent.append(data)
        return data

    with Relay((postgres_url.host, postgres_url.port or 5432), new_line=lambda _: Line(on_client=count)) as relay:
        url = replace(postgres_url, port=relay.port, query=(("sslmode", "disable"),))
        waiter = ScriptedWaiter(lambda: None, lambda: server.add(ada, 1))
        watch = _listening(url, ada, waiter)
        watch.start()
        assert sent
        sent.clear()
        assert watch.wait(None)
        assert waiter.now == 2 * HOUR
        assert sent == []
        watch.close()


def test_ended_connection_is_unavailable_and_starts_again(postgres_url: PostgresURL, server: Console) -> None:
    ada = server.add_user()
    watch = _listening(postgres_url, ada)
    watch.start()
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_advisory_lock_shared(%'"
    server.run(f"{ended} AND datname = current_database() AND pid <> pg_backend_pid()")
    with pytest.raises(ServiceUnavailable, match="was lost"):
        watch.wait(None)
    watch.start()
    server.add(ada, 1)
    assert watch.wait(None)
    watch.close()


def test_unreachable_server_is_unavailable(postgres_url: PostgresURL, server: Console) -> None:
    nowhere = replace(postgres_url, port=1)
    with pytest.raises(ServiceUnavailable, match="cannot be reached"):
        _listening(nowhere, server.add_user()).start()


@pytest.mark.slow
def test_pooler_is_recognised(postgres_url: PostgresURL, server: Console) -> None:
    if pgbouncer.PROGRAM is None:
        pytest.skip("pgbouncer is not installed")
    with pgbouncer.pooled(postgres_url) as url, pytest.raises(Pooled):
        _listening(url, server.add_user()).start()
    assert server.value(ADVISORY_LOCKS) == 0


# Waiting


def test_waiting_ends_with_the_reader_of_the_output() -> None:
    reader, writer = os.pipe()
    waiter = Waiter(writer)
    assert not waiter.wait(0)
    os.close(reader)
    with pytest.raises(BrokenPipeError):
        waiter.wait(None)
    os.close(writer)


def test_script_ends() -> None:
    with pytest.raises(Stopped):
        ScriptedWaiter().wait(1)
