"""Connections that are cut, or fall silent, at each message of the protocol: nothing is lost or doubled.

`python -m tests.benchmarks.lost_connections` tries every command with every fault.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from tests.support import postgres, protocol
from tests.support.lost_connection import WRITING, RemoteDatabase
from tests.support.protocol import Faulty
from tests.support.relay import Cut, Line, Relay
from todocli.database.postgres.url import PostgresURL

pytestmark = pytest.mark.slow

MANY = 24
"""How many messages of a command are tried here, at most."""


@pytest.fixture
def far(postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch) -> RemoteDatabase:
    return RemoteDatabase(postgres_url, monkeypatch)


@pytest.mark.parametrize("line", WRITING.values(), ids=list(WRITING))
def test_cut_connection_costs_only_a_retry(far: RemoteDatabase, line: str) -> None:
    messages = far.messages(line)
    assert messages[0] == "client startup"
    assert len(messages) > 15
    expected, answer = far.state(), None
    first = 0 if line == WRITING["add"] else messages.index("client P")  # connecting is the same for all
    for at in range(first, len(messages), 1 + len(messages) // MANY):
        ran = far.cut(line, at)  # after a message is before the next one
        where = f"cut before {messages[at]} ({at})"
        assert (ran.code, ran.err) == (0, ""), f"{where}: {ran}"
        assert far.state() == expected, where
        printed = re.sub(r"\d{4}-\d\d-\d\dT\S+Z", "then", ran.out)
        answer = answer or printed
        assert line.startswith(("user", "token")) or printed == answer, where


@pytest.mark.parametrize("name", ["add", "done already", "undo"])
def test_silent_connection_ends_and_can_be_repeated(far: RemoteDatabase, name: str) -> None:
    line = WRITING[name]
    messages = far.messages(line)
    expected = far.state()
    outcomes = set()
    query = messages.index("client P")
    last = range(len(messages) - 5, len(messages))  # among them is the commit
    for at in (0, 1, *range(query - 1, len(messages) - 5, 1 + len(messages) // MANY), *last):
        found = far.stall(line, at)
        where = f"stall before {found.message} ({at})"
        if found.message == "client X":
            assert found.ran.code == 0, where
            continue
        status, code = (9, "OUTCOME_UNKNOWN") if found.outcome_unknown else (7, "SERVICE_UNAVAILABLE")
        assert (found.ran.code, f'"{code}"' in found.ran.err) == (status, True), f"{where}: {found}"
        outcomes.add(found.outcome_unknown)
        assert found.outcome_unknown or found.unchanged, where
        assert (found.repeated is not None) == found.outcome_unknown, where
        if found.repeated:
            assert found.repeated.code == 0, where
            assert far.state() == expected, where
    assert outcomes == {True, False}


def test_rename_to_taken_name_is_not_mistaken_for_success(far: RemoteDatabase) -> None:
    line = "user rename nobody bob"
    for at in range(10, 20):
        assert far.cut(line, at).code == 3, at


def test_lost_answer_stays_unknown_if_login_fails_later(far: RemoteDatabase) -> None:
    """The answer to a write is lost, and then the server refuses every login."""
    messages = far.messages("add new")
    made = messages.index("server C", messages.index("client P"))

    class RefusesLater(Faulty):
        def line(self, number: int) -> Line:
            return Line(on_server=refuse) if number else super().line(number)

    def refuse(_: bytes) -> bytes:
        raise Cut(protocol.error('password authentication failed for user "ada"', "28P01"))

    far.prepare()
    with far.with_fault(RefusesLater(made, before=True)):
        ran = far.todo("add new --json")
    error = json.loads(ran.err)
    assert (ran.code, error["error_code"]) == (9, "OUTCOME_UNKNOWN")
    assert "refused the role" in error["detail"]
    assert error["detail"].endswith("It is not known whether the change was made.")
    assert "--change" in error["command"]


def test_relay_counts_round_trips(postgres_url: PostgresURL) -> None:
    with Relay((postgres_url.host, postgres_url.port or 5432)) as relay:
        url = replace(postgres_url, port=relay.port, query=(("sslmode", "disable"), ("gssencmode", "disable")))
        with postgres.connect(url) as connection:
            connection.execute("SELECT 1")
            connection.execute("SELECT 2")
        assert [line.round_trips for line in relay.lines] == [1 + 3 + 2]
    assert Line().round_trips == 1
