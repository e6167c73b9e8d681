"""What a command costs a far database: round trips, counted in the bytes that pass."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import sqlalchemy as sa
import trustme

from tests.support.neon_proxy import NeonProxy, tls
from tests.support.relay import Line, Relay
from tests.support.terminal import Terminal
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import Store

HOST = "ep-cool-name-123456.eu-central-1.aws.neon.tech"
COMMANDS = (
    *("list due:week +x milk", "list --where '+x or not due:none' --group due", "edit 1 due:fri +x"),
    *("today", "next -n 3", "tags", "projects"),
    *("done +x --yes", "reopen --all --yes", "edit --tag x --yes set pri:high", "rm +x --dry-run"),
    *("add Pay rent", "list", "list --all -n 5", "show 1", "edit 1 --title Other", "done 1", "done 2 3 5-9"),
    *("reopen 1 2", "done 2-4", "reopen 2", "reopen 2", "edit 1 --title Other", "rm 1-2", "trash", "restore 1 3"),
    *("log", "log 1", "add Paint needs:10", "edit 11 needs:9", "edit 11 needs:-9,8", "ready", "blocked", "next"),
    *("list is:blocked --needs 10", "done 10", "done 8 11 --strict"),
    *("add Tiles under:9", "edit 12 under:7", "list under:7 --tree", "done 7", "done 7 --with-children --strict"),
    *("rm 7", "restore 7", "restore 12"),
)


@pytest.fixture(scope="module")
def context() -> ssl.SSLContext:
    return tls(trustme.CA().issue_cert(HOST, "127.0.0.1").configure_cert)


@dataclass
class RemoteDatabase:
    """Neon's front before a real Postgres, and a relay before that, which counts."""

    todo: Terminal
    relay: Relay
    front: NeonProxy
    url: PostgresURL
    monkeypatch: pytest.MonkeyPatch

    def use(self, **query: str) -> None:
        """Use the database by way of its Neon host."""
        url = replace(self.url, host=HOST, port=self.relay.port, query=tuple(query.items()))
        self.monkeypatch.setenv("TODO_DATABASE_URL", url.text())

    def cost(self, line: str) -> int:
        """Run a command; return its round trips."""
        self.todo.ok(line)
        return sum(line.round_trips for line in self.relay.lines[-1:])


@pytest.fixture
def far(
    postgres_url: PostgresURL, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RemoteDatabase]:
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setenv("TODO_DATABASE_URL", postgres_url.text())
    todo = Terminal(monkeypatch)
    todo.ok("user add ada")
    todo.ok("add -", stdin="".join(f"todo {i}\n" for i in range(1, 10)))
    resolve = socket.getaddrinfo

    def to_here(host: str, *arguments: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host == HOST else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", to_here)
    server = (postgres_url.host, postgres_url.port or 5432)
    with NeonProxy(server, context) as front, Relay(("127.0.0.1", front.port)) as relay:
        yield RemoteDatabase(todo, relay, front, postgres_url, monkeypatch)


def test_completing_what_repeats_takes_a_round_trip_more(far: RemoteDatabase) -> None:
    far.todo.ok("edit 1 every:day")
    far.use()
    assert [far.cost(line) for line in ("done 1", "rm 10", "done 11 2")] == [7, 7, 7]


def test_edit_of_what_repeats_takes_six_round_trips(far: RemoteDatabase) -> None:
    far.todo.ok("edit 1 every:day")
    far.use()
    lines = ("edit 1 Water pri:high +x", "edit 1 due:2099-01-05 --series", "edit due:any set +y --yes", "done 1")
    assert [far.cost(line) for line in lines] == [6, 6, 6, 7]


def test_subtasks_of_what_repeats_are_read_in_one_round_trip(far: RemoteDatabase) -> None:
    far.todo.ok("edit 1 every:day")
    far.todo.ok("edit 2-4 under:1")
    far.use()
    assert [far.cost(line) for line in ("done 1", "rm 10")] == [8, 8]


def test_every_command_takes_six_round_trips(far: RemoteDatabase) -> None:
    """TCP, TLS, three for the password (SCRAM-SHA-256), and the statement."""
    far.use(sslmode="require")
    assert [(line, far.cost(line)) for line in COMMANDS] == [(line, 6) for line in COMMANDS]
    assert len(far.relay.lines) == len(COMMANDS)


def test_show_on_terminal_takes_six_round_trips(far: RemoteDatabase) -> None:
    far.use()
    far.todo.terminal = True
    assert far.cost("show 1 2") == 6


def test_undo_is_one_transaction_of_seven_statements(far: RemoteDatabase) -> None:
    """Its own, and BEGIN and COMMIT, after the five of connecting."""
    far.use()
    far.cost("done 1-3")
    assert (far.cost("undo"), far.cost("redo")) == (14, 14)


def test_empty_list_takes_six_round_trips(far: RemoteDatabase) -> None:
    far.use()
    far.todo.ok("rm 1-9")
    assert {line: far.cost(line) for line in ("list", "list -n 1", "list --completed")} == {
        "list": 6,
        "list -n 1": 6,
        "list --completed": 6,
    }


def test_classic_tls_takes_seven_round_trips(far: RemoteDatabase) -> None:
    far.use(sslmode="require", sslnegotiation="postgres")
    assert [(line, far.cost(line)) for line in COMMANDS] == [(line, 7) for line in COMMANDS]


def test_neon_proxy_gets_only_parameters_it_forwards(far: RemoteDatabase) -> None:
    far.use()
    with far.monkeypatch.context() as patch:
        patch.setenv("PGOPTIONS", "-c geqo=off")
        patch.setenv("PGTZ", "Mars/Olympus")
        patch.setenv("PGDATESTYLE", "German")
        far.todo.ok("list")
    [seen] = far.front.startups
    assert (seen["user"], seen["application_name"]) == (far.url.user, "todo")
    assert not {"options", "TimeZone", "DateStyle"} & seen.keys()


def test_ping_reports_counted_round_trips(far: RemoteDatabase) -> None:
    far.use()
    ping = json.loads(far.todo.ok("db ping --json"))
    assert ping["round_trips"] == far.relay.lines[-1].round_trips == 6
    current = far.todo("db current")
    assert re.search(
        r"connect [\d.]+ ms \(including [\d.]+ ms to wake up\), query [\d.]+ ms, 6 round trips\n", current.err
    )
    assert json.loads(far.todo.ok("db current --json"))["round_trips"] == far.relay.lines[-1].round_trips == 6
    far.use(sslnegotiation="postgres")
    ping = json.loads(far.todo.ok("db ping --json"))
    assert ping["round_trips"] == far.relay.lines[-1].round_trips == 7


def test_sqlalchemy_sends_no_probes(postgres_url: PostgresURL) -> None:
    """One statement is all that reaches the server on a fresh engine; an upgrade of SQLAlchemy may bring more."""
    text: list[bytes] = []

    def listen(data: bytes) -> bytes:
        text.append(data)
        return data

    with Relay((postgres_url.host, postgres_url.port or 5432), new_line=lambda _: Line(on_client=listen)) as relay:
        store = Store(replace(postgres_url, port=relay.port, query=(("sslmode", "disable"),)))
        with store.session() as session:
            assert session.scalar(sa.text("SELECT 'one'")) == "one"
        store.close()
    spoken = b"".join(text)
    assert spoken.count(b"SELECT 'one'") == 1
    own = (b"VERSION(", b"SHOW ", b"BEGIN", b"COMMIT", b"ROLLBACK", b"SET ")
    assert [word for word in own if word in spoken.upper()] == []
    assert spoken.count(b"SELECT") == 1
