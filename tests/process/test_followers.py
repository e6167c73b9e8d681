"""`todo log --follow` as a process, and through connections that break: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.support import postgres
from tests.support.client import Client
from tests.support.following import ScriptedWaiter, Stopped
from tests.support.protocol import Faulty
from tests.support.relay import Relay
from tests.support.terminal import Terminal
from tests.support.waiting import TIMEOUT, wait_until
from todocli.database.postgres.listening import Listening
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.domain.log_cursor import BEGINNING
from todocli.schemas.todos import TodoCreate
from todocli.services.history.follow import Follow, Read
from todocli.services.history.sync import Sync
from todocli.services.owner import Owner
from todocli.services.users import Users

EVERY = 3
"""Before which messages a connection is cut: every third, since each takes three changes."""

pytestmark = pytest.mark.slow

WRITERS, CHANGES, CUTS = 4, 40, 6
FOLLOW = [sys.executable, "-m", "todocli", "log", "--follow", "--jsonl"]


@contextmanager
def following(*options: str) -> Iterator[subprocess.Popen[str]]:
    """Run `todo log --follow --jsonl`."""
    process = subprocess.Popen(
        [*FOLLOW, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def add(target: Target, titles: Sequence[str]) -> None:
    """Add todos, each as a change."""
    with open_store(target, seconds=TIMEOUT) as store, store.session() as session:
        client = Client(session, Owner("ada"))
        for title in titles:
            client.add([TodoCreate(title=title)])


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Target:
    """The database of ada's profile, with a change in its log."""
    monkeypatch.setenv("LOGNAME", "ada")
    if request.param == "postgres":
        url: PostgresURL = request.getfixturevalue("postgres_url")
        monkeypatch.setenv("TODO_DATABASE_URL", url.text())
        Terminal(monkeypatch).ok("user add ada")
    found: Target = url if request.param == "postgres" else request.getfixturevalue("embedded_file")
    Terminal(monkeypatch).ok("add first")
    return found


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_signal_ends_it_silently(target: Target, number: int, status: int) -> None:
    with following("-n", "1") as process:
        assert process.stdout
        assert "first" in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(TIMEOUT) == status
        assert process.communicate() == ("", "")


def test_end_of_reader_ends_it_without_a_change(target: Target) -> None:
    with following("-n", "1") as process:
        assert process.stdout
        assert process.stderr
        assert "first" in process.stdout.readline()
        process.stdout.close()
        assert process.wait(TIMEOUT) == 141
        assert process.stderr.read() == ""
        process.stdout = None


def test_line_comes_at_once_and_runs_outside_the_daemon(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    todo = Terminal(monkeypatch)
    with following("-n", "1") as process:
        assert process.stdout
        process.stdout.readline()
        for title in "ab":
            todo.ok(f"add {title}")
            line = json.loads(process.stdout.readline())
            assert line["change"]["items"][0]["title"] == title
            assert todo.ok(f"log --since {line['cursor']} --jsonl") == ""


def test_hook_in_a_shell_gets_each_change(target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"{' '.join(FOLLOW)} | while read -r change; do echo x >> {tmp_path}/heard; done"
    with subprocess.Popen(["bash", "-c", script], start_new_session=True) as shell:
        try:
            heard = tmp_path / "heard"
            added = iter(range(1_000))

            def something_heard() -> bool:
                add(target, [f"todo {next(added)}"])
                return heard.exists()

            wait_until(something_heard, "the hook")
        finally:
            os.killpg(shell.pid, signal.SIGTERM)


def test_nothing_is_lost_or_doubled_while_connections_are_cut(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    todo = Terminal(monkeypatch)
    if isinstance(target, Path):
        with following("-n", "1") as process:
            _write_and_compare(process, target, todo, lambda: None)
        return
    with Relay((target.host, target.port or 5432)) as relay:
        url = replace(target, host="127.0.0.1", port=relay.port, query=(("sslmode", "disable"),))
        monkeypatch.setenv("TODO_DATABASE_URL", url.text())
        with following("-n", "1") as process:
            _write_and_compare(process, target, todo, relay.drop)
        assert len(relay.lines) > CUTS


def _write_and_compare(process: subprocess.Popen[str], target: Target, todo: Terminal, cut: Callable[[], None]) -> None:
    """Let writers edit, and cut all connections now and then; compare what the follower prints with the log."""
    printed: list[str] = []
    reader = threading.Thread(target=lambda: printed.extend(process.stdout or ()), daemon=True)
    reader.start()
    wait_until(lambda: printed, "the change that was there")
    each = [[f"{writer}/{i}" for i in range(CHANGES)] for writer in range(WRITERS)]
    for at in range(CUTS):
        before = len(printed)
        portion = slice(at * CHANGES // CUTS, (at + 1) * CHANGES // CUTS)
        writers = [threading.Thread(target=add, args=(target, titles[portion])) for titles in each]
        for writer in writers:
            writer.start()
        wait_until(lambda before=before: len(printed) > before, "the follower")  # type: ignore[misc]
        cut()
        for writer in writers:
            writer.join()
    add(target, ["last"])
    wait_until(lambda: "last" in printed[-1], "the last change")
    log = json.loads(todo.ok("log --json"))["items"]
    assert len(log) == 1 + WRITERS * CHANGES + 1
    assert [json.loads(line)["change"] for line in printed] == log[::-1]


def test_restarted_server_is_followed_again(target: Target) -> None:
    if isinstance(target, Path):
        pytest.skip("a file has no server; the test of cut connections covers it")
    with following("-n", "1") as process:
        assert process.stdout
        process.stdout.readline()
        with postgres.connect(target) as console:
            ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            console.execute(f"{ended} AND pid <> pg_backend_pid()")
        add(target, ["afterwards"])
        assert json.loads(process.stdout.readline())["change"]["items"][0]["title"] == "afterwards"


def test_connection_is_cut_at_each_message(postgres_url: PostgresURL) -> None:
    """The one that listens; `todo` of tests/process/test_lost_connections.py does the same to reading."""
    with open_store(postgres_url) as store, store.session() as session:
        user, _ = Users(session).add("ada")
    start, cuts = BEGINNING, 0
    for at in range(0, 60, EVERY):
        titles = [f"{at}/{i}" for i in range(3)]
        fault = Faulty(at, before=True)
        with Relay((postgres_url.host, postgres_url.port or 5432), new_line=fault.line) as relay:
            url = replace(postgres_url, port=relay.port, query=(("sslmode", "disable"),))
            changes = [partial(add, postgres_url, [title]) for title in titles]
            waiter = ScriptedWaiter(*changes, *[int] * 6)  # and then nothing, for a while
            follow = Follow(Listening(url, user.id, TIMEOUT, waiter), partial(_opened, url), waiter)
            found: list[str] = []
            with suppress(Stopped):
                for place in follow.after(start):
                    start = place.cursor
                    found.append(str(place.change.items[0].title))
        assert found == titles, f"cut before {fault.seen[-1]} ({at})"
        cuts += fault.is_over
    assert cuts > 20 / EVERY


@contextmanager
def _opened(url: PostgresURL) -> Iterator[Read]:
    with open_store(url) as store, store.session() as session:
        yield lambda cursor: Sync(session, Owner("ada")).after(cursor, 2)
