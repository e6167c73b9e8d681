"""Many processes at once on the todos of one user: nothing is lost, doubled or refused."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.console import LOCK_WAITS, Console
from tests.support.terminal import Terminal
from tests.support.waiting import TIMEOUT, wait_until
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.domain.references import parse_references
from todocli.errors import Conflict, NotFound
from todocli.models import Change, History
from todocli.schemas.todos import TodoCreate
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.users import Users

pytestmark = pytest.mark.slow

PROCESSES = 4


def together(lines: Sequence[Sequence[str]]) -> list[subprocess.CompletedProcess[str]]:
    """Run `todo` command lines at the same time, each in a process of its own."""
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "todocli", *line], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for line in lines
    ]
    results = []
    for process in started:
        out, err = process.communicate(timeout=TIMEOUT)
        results.append(subprocess.CompletedProcess(process.args, process.returncode, out, err))
    return results


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_processes_add_at_once(engine: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """On SQLite the file does not exist when they start."""
    todo = Terminal(monkeypatch)
    if engine == "postgres":
        url: PostgresURL = request.getfixturevalue("postgres_url")
        todo.ok("profile add work --user ada --timeout 600 --url-stdin", stdin=url.text())
        monkeypatch.setenv("TODO_PROFILE", "work")
    results = together([["add", f"todo {i}", "--json"] for i in range(PROCESSES)])
    assert [result.returncode for result in results] == [0] * PROCESSES, [r.stderr for r in results]
    added = [json.loads(result.stdout) for result in results]
    assert sorted(item["number"] for item in added) == list(range(1, PROCESSES + 1))
    stored = json.loads(todo.ok("list --json"))["items"]
    assert {(t["number"], t["title"]) for t in stored} == {(t["number"], t["title"]) for t in added}


def threads(store_of: Target, work: Sequence[str], times: int) -> list[BaseException]:
    """Let threads, each with a connection of its own, do `work` over and over; return what went wrong."""
    faults: list[BaseException] = []

    def run(verb: str, words: list[str]) -> None:
        try:
            with open_store(store_of) as store, store.session() as session:
                todos = Client(session, Owner("ada"))
                for _ in range(times):
                    getattr(todos, verb)(parse_references(words))
        except BaseException as error:
            faults.append(error)

    running = [threading.Thread(target=run, args=(line.split()[0], line.split()[1:])) for line in work]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return faults


def prepared(database: Target, count: int) -> None:
    with open_store(database) as store, store.session() as session:
        Users(session).add("ada")
        Client(session, Owner("ada")).add([TodoCreate(title=str(i)) for i in range(count)])


def test_overlapping_changes_do_not_deadlock(database: Target) -> None:
    prepared(database, 12)
    work = [
        "complete 1 2 3 4 5 6",
        "reopen 6 5 4 3 2 1",
        "complete 3-9",
        "reopen 9 7 3",
        "complete 12 1",
        "reopen 1-12",
    ]
    faults = threads(database, work, 15)
    # A change that another one reverts at once is a conflict, never half done.
    assert [fault for fault in faults if type(fault).__name__ != "Conflict"] == []


def test_history_ends_with_the_table(database: Target) -> None:
    """The last `after` of each todo equals its row."""
    import sqlalchemy as sa
    from sqlmodel import col

    prepared(database, 6)
    threads(database, ["complete 1-6", "reopen 6 1", "complete 2 3", "reopen 3-5"], 10)
    with open_store(database) as store, store.session() as session:
        rows = session.execute(
            sa.select(col(History.todo_id), col(History.after))
            .join(Change, col(Change.id) == col(History.change_id))
            .order_by(col(Change.seq))
        ).all()
        last = {str(row[0]).replace("-", ""): row[1] for row in rows}
        for todo in Client(session, Owner("ada")).find(TodoQuery("all")).items:
            after = last[todo.id.hex]
            after = json.loads(after) if isinstance(after, str) else after
            assert (after["completed_at"] is not None) == todo.is_completed


def test_change_beside_removal_is_all_or_none(database: Target) -> None:
    prepared(database, 20)
    assert _completed_beside_a_removal(database) in (0, 20)


def _completed_beside_a_removal(database: Target) -> int:
    barrier = threading.Barrier(2)

    def remove() -> None:
        with open_store(database) as store, store.session() as session:  # which one thread can use
            barrier.wait()
            Client(session, Owner("ada")).remove(parse_references(["20"]))

    thread = threading.Thread(target=remove)
    thread.start()
    with open_store(database) as store, store.session() as session:
        todos = Client(session, Owner("ada"))
        barrier.wait()
        with contextlib.suppress(NotFound):
            todos.complete(parse_references([str(i) for i in range(1, 21)]))
        thread.join()
        everything = todos.find(TodoQuery("all")).items + todos.find(TodoQuery("trash")).items
        return sum(todo.is_completed for todo in everything)


def test_interrupt_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while `add -` waits for its lines."""
    read, write = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", READING, str(write), "add", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        pass_fds=(write,),
    )
    os.close(write)
    with os.fdopen(read, "rb") as ready:
        assert ready.read(7) == b"reading"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, out, err) == (130, "", "")


READING = """
import os, sys
from todocli.__main__ import main
from todocli.cli.commands import todos

def read_stdin(*, original=todos.read_stdin):
    os.write(ready, b"reading")
    return original()

ready = int(sys.argv[1])
todos.read_stdin = read_stdin
sys.argv = ["todo", *sys.argv[2:]]
main()
"""
"""Runs the program, and writes to the descriptor in its first argument when it begins to read stdin."""


def _wait_for_lock(url: PostgresURL) -> None:
    with contextlib.closing(Console(url)) as witness:
        wait_until(lambda: witness.value(LOCK_WAITS), "a session that waits for a lock")


@pytest.mark.parametrize("words", [("1", "2"), ("1-2",), ("2", "1")])
@pytest.mark.parametrize("verb", ["complete", "reopen", "remove", "restore"])
def test_change_judges_rows_once_they_are_locked(postgres_url: PostgresURL, verb: str, words: tuple[str, ...]) -> None:
    """While a change waits for a row, the row becomes one that it has to change: it is changed with the others."""
    so_already = {"complete": "completed_at = now()", "reopen": "completed_at = NULL"}
    so_already |= {"remove": "completed_at = NULL", "restore": "deleted_at = NULL"}
    not_so = {"complete": "completed_at = NULL", "reopen": "completed_at = now()"}
    not_so |= {"remove": "completed_at = now()", "restore": "deleted_at = now()"}
    outcome = []

    def change() -> None:
        with open_store(postgres_url, seconds=TIMEOUT) as store, store.session() as session:
            outcome.append(getattr(Client(session, Owner("ada")), verb)(parse_references(words)))

    with contextlib.closing(Console(postgres_url)) as console:
        user = console.add_user("ada")
        for number in (1, 2):
            console.add(user, number, "x")
        console.run(f"UPDATE todos SET {not_so[verb]} WHERE number = 1")
        console.run(f"UPDATE todos SET {so_already[verb]} WHERE number = 2")
        with console.transaction():
            console.run(f"UPDATE todos SET {not_so[verb]} WHERE number = 2")
            thread = threading.Thread(target=change)
            thread.start()
            _wait_for_lock(postgres_url)
        thread.join()
    assert set(outcome[0].changed) == {1, 2}


def test_name_taken_at_the_same_time_is_a_conflict(postgres_url: PostgresURL) -> None:
    with contextlib.closing(Console(postgres_url)) as console:
        for name in ("ada", "bob"):
            console.add_user(name)
        failed = []

        def rename() -> None:
            try:
                with open_store(postgres_url) as store, store.session() as session:
                    Users(session).rename("bob", "eve")
            except Conflict as error:
                failed.append(error.detail)

        with console.transaction():
            console.run("UPDATE users SET name = 'eve' WHERE name = 'ada'")
            thread = threading.Thread(target=rename)
            thread.start()
            _wait_for_lock(postgres_url)
        thread.join()
    assert failed == ["The name 'eve' is taken."]
