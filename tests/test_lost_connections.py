"""Connections that are cut, or fall silent, at each message of the protocol: nothing is lost, nothing is done twice."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace

import pytest

from tests import postgres
from tests.standins.protocol import Faulty
from tests.standins.relay import Line, Relay
from tests.terminal import Terminal
from todocli import profiles
from todocli.database import patience
from todocli.database.url import PostgresURL

WRITING = {
    "add": "add new --description more",
    "add many": "add -",
    "edit": "edit 1 --title other",
    "done": "done 1 2",
    "reopen": "reopen 3",
    "rm": "rm 1-2",
    "restore": "restore 4",
    "user add": "user add eve",
    "user rename": "user rename bob carl",
}
"""A command line of each kind that writes. Todos 1 and 2 are open, 3 is done, 4 is in the trash."""

STDIN = "one\ntwo\n"


@dataclass
class Far:
    """A database behind a relay that does harm to one connection."""

    todo: Terminal
    near: PostgresURL
    monkeypatch: pytest.MonkeyPatch

    def prepare(self) -> None:
        """Bring the database into the state from which each command starts."""
        with postgres.connect(self.near) as connection:
            for table in ("history", "changes", "todos", "history", "changes", "users"):
                connection.execute(f"DELETE FROM {table}")
            users = "INSERT INTO users (id, name, last_number, created_at) VALUES (gen_random_uuid(), %s, 0, now())"
            connection.cursor().executemany(users, [("ada",), ("bob",)])
        self.at(self.near)
        for line in ("add -", "done 3", "rm 4"):
            self.todo.ok(line, stdin="a\nb\nc\nd\n")

    def at(self, url: PostgresURL) -> None:
        """Use the database by way of `url`."""
        self.monkeypatch.setenv("TODO_DATABASE_URL", url.text())

    def through(self, relay: Relay) -> None:
        """Use the database by way of `relay`."""
        self.at(replace(self.near, host="127.0.0.1", port=relay.port, query=(("sslmode", "disable"),)))

    def state(self) -> object:
        """Return all that is stored, apart from identifiers and times."""
        columns = "number, title, description, version, completed_at IS NULL, deleted_at IS NULL"
        with postgres.connect(self.near) as connection:
            todos = connection.execute(f"SELECT {columns} FROM todos ORDER BY number").fetchall()
            steps = connection.execute("SELECT count(*) FROM changes").fetchone()
            rows = connection.execute("SELECT count(*) FROM history").fetchone()
            users = connection.execute("SELECT name, last_number FROM users ORDER BY name").fetchall()
        return todos, steps, rows, users

    def messages(self, line: str) -> list[str]:
        """Return the messages of a command on an undisturbed line."""
        self.prepare()
        witness = Faulty(at=1_000, before=True)
        with Relay((self.near.host, self.near.port or 5432), new_line=witness.line) as relay:
            self.through(relay)
            self.todo.ok(line, stdin=STDIN)
        return witness.seen


@pytest.fixture
def far(postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch) -> Far:
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setattr(patience, "_FIRST_PAUSE", 0.001)
    return Far(Terminal(monkeypatch), postgres_url, monkeypatch)


@pytest.mark.parametrize("line", WRITING.values(), ids=list(WRITING))
def test_a_cut_connection_costs_another_try_and_nothing_else(far: Far, line: str) -> None:
    messages = far.messages(line)
    assert messages[0] == "client startup"
    assert len(messages) > 15
    expected, answer = far.state(), None
    while_connecting = range(messages.index("client P") if line != WRITING["add"] else 0)  # the same for all
    for at in sorted(set(range(len(messages))) - set(while_connecting)):
        far.prepare()
        faulty = Faulty(at, before=True)  # after a message is before the next one
        with Relay((far.near.host, far.near.port or 5432), new_line=faulty.line) as relay:
            far.through(relay)
            ran = far.todo(line, stdin=STDIN)
        where = f"cut before {messages[at]} ({at})"
        assert (ran.code, ran.err) == (0, ""), f"{where}: {ran}"
        assert far.state() == expected, where
        answer = answer or ran.out
        assert line.startswith("user") or ran.out == answer, where


STALLED = ("add", "done")


@pytest.mark.parametrize("name", STALLED)
def test_a_silent_connection_ends_in_time_and_can_be_repeated(far: Far, name: str) -> None:
    line = WRITING[name]
    messages = far.messages(line)
    expected = far.state()
    resolve = profiles.resolve
    patient = 15.0
    far.monkeypatch.setattr(profiles, "resolve", lambda name=None: replace(resolve(name), timeout=patient))
    outcomes = set()
    asked = messages.index("client P")
    for at in (0, 1, *range(asked - 1, len(messages))):
        far.prepare()
        start = far.state()
        faulty = Faulty(at, before=True, stall=True)
        with Relay((far.near.host, far.near.port or 5432), new_line=faulty.line) as relay:
            far.through(relay)
            patient = 0.25
            ran = far.todo(f"{line} --json", stdin=STDIN)
            patient = 15.0
            where = f"stall before {messages[at]} ({at})"
            if messages[at] == "client X":
                assert ran.code == 0, where
                continue
            assert ran.code == 7, f"{where}: {ran}"
            error = json.loads(ran.err)
            assert error["error_code"] == "SERVICE_UNAVAILABLE", where
            in_doubt = "It is not known whether the step was made." in error["detail"]
            outcomes.add(in_doubt)
            assert in_doubt or far.state() == start, where
            if "--change" in error["hint"]:
                assert in_doubt, where
                program, *again = shlex.split(error["hint"].partition(": ")[2])
                assert program == "todo", where
                assert far.todo(again, stdin=STDIN).code == 0, where
                assert far.state() == expected, where
    assert outcomes == {True, False}


def test_a_relay_counts_what_passes(postgres_url: PostgresURL) -> None:
    with Relay((postgres_url.host, postgres_url.port or 5432)) as relay:
        url = replace(postgres_url, port=relay.port, query=(("sslmode", "disable"), ("gssencmode", "disable")))
        with postgres.connect(url) as connection:
            connection.execute("SELECT 1")
            connection.execute("SELECT 2")
        assert [line.round_trips for line in relay.lines] == [1 + 3 + 2]
    assert Line().round_trips == 1
