"""Connections that are cut, or fall silent, at each message of the protocol: nothing is lost, nothing is done twice.

What is too long for each run, every command with every fault, `python -m tests.benchmarks.lost_connections` tries.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests import postgres
from tests.standins.lost import PATIENCE, WRITING, Far
from tests.standins.relay import Line, Relay
from todocli.database.url import PostgresURL


@pytest.fixture
def far(postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch) -> Far:
    return Far(postgres_url, monkeypatch)


@pytest.mark.parametrize("line", WRITING.values(), ids=list(WRITING))
def test_a_cut_connection_costs_another_try_and_nothing_else(far: Far, line: str) -> None:
    messages = far.messages(line)
    assert messages[0] == "client startup"
    assert len(messages) > 15
    expected, answer = far.state(), None
    first = 0 if line == WRITING["add"] else messages.index("client P")  # connecting is the same for all
    for at in range(first, len(messages)):
        ran = far.cut(line, at)  # after a message is before the next one
        where = f"cut before {messages[at]} ({at})"
        assert (ran.code, ran.err) == (0, ""), f"{where}: {ran}"
        assert far.state() == expected, where
        answer = answer or ran.out
        assert line.startswith("user") or ran.out == answer, where


@pytest.mark.parametrize("name", ["add", "done"])
def test_a_silent_connection_ends_in_time_and_can_be_repeated(far: Far, name: str) -> None:
    line = WRITING[name]
    messages = far.messages(line)
    expected = far.state()
    outcomes = set()
    asked = messages.index("client P")
    for at in (0, 1, *range(asked - 1, len(messages))):
        where = f"stall before {messages[at]} ({at})"
        found = far.stall(line, at)
        if messages[at] == "client X":
            assert found.ran.code == 0, where
            continue
        assert (found.ran.code, '"SERVICE_UNAVAILABLE"' in found.ran.err) == (7, True), f"{where}: {found}"
        assert found.seconds < PATIENCE + 1, where
        outcomes.add(found.in_doubt)
        assert found.in_doubt or found.unchanged, where
        assert (found.repeated is not None) == found.in_doubt, where
        if found.repeated:
            assert found.repeated.code == 0, where
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
