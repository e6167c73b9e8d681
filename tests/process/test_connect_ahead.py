"""The connection that the daemon opens ahead is used if it is the right one, and never in the place of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import daemon, postgres
from tests.support.console import Console
from tests.support.daemon import RunningDaemon
from tests.support.relay import Relay
from tests.support.waiting import wait_until
from todocli.daemon import child
from todocli.database.postgres.url import PostgresURL

pytestmark = pytest.mark.slow

READY_FOR_QUERY = b"Z\0\0\0\5I"
"""Postgres: Frontend/Backend Protocol, Message Formats."""

WORK = "list", "--json", "--fields", "title"


class Work:
    """A profile on a Postgres behind a relay, and a daemon; its clients have no variables of libpq."""

    def __init__(self, todo: RunningDaemon, url: PostgresURL, relay: Relay) -> None:
        self.todo = todo
        self.url = url
        self.relay = relay
        self.config = Path(todo.environment["TODO_HOME"]) / "config.toml"

    def write(self, url: str) -> None:
        """Write the configuration file."""
        self.config.parent.mkdir(exist_ok=True)
        self.config.write_text(f'active = "work"\n\n[profiles.work]\nuser = "ada"\nurl = "{url}"\n')
        self.config.chmod(0o600)

    def list(self, **variables: str) -> None:
        """Run a command that must succeed."""
        ran = self.todo.run(*WORK, env={**self.todo.environment, **variables})
        assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr

    def wait_for_connection(self, number: int) -> None:
        """Wait until that many connections have been opened, and the server is ready for a query on the last one."""
        lines = self.relay.lines
        wait_until(
            lambda: len(lines) >= number and lines[number - 1].ended_with.endswith(READY_FOR_QUERY),
            "the connection ahead",
        )


def _register(url: PostgresURL) -> None:
    console = Console(url)
    console.add_user("ada")
    console.close()


@pytest.fixture
def work(postgres_url: PostgresURL, tmp_path: Path) -> Iterator[Work]:
    _register(postgres_url)
    with Relay((postgres_url.host, postgres_url.port or 5432)) as relay, daemon.running(tmp_path / "home") as todo:
        found = Work(todo, postgres_url, relay)
        found.write(replace(postgres_url, host="127.0.0.1", port=relay.port).text())
        yield found


def test_next_command_finds_a_connection(work: Work) -> None:
    work.list()
    work.wait_for_connection(2)
    before = work.relay.lines[1].round_trips
    work.list()
    assert work.relay.lines[1].round_trips == before + 1  # one statement: nothing is asked before it
    work.wait_for_connection(3)


@pytest.mark.parametrize("variables", [{"PGSSLMODE": "prefer"}, {"HOME": "/elsewhere"}, {"PGAPPNAME": "x"}])
def test_other_settings_open_another_connection(work: Work, variables: dict[str, str]) -> None:
    work.list()
    work.wait_for_connection(2)
    before = work.relay.lines[1].round_trips
    work.list(**variables)
    assert work.relay.lines[1].round_trips == before
    assert len(work.relay.lines) >= 3


def test_changed_url_opens_another_connection(work: Work) -> None:
    work.list()
    work.wait_for_connection(2)
    before = work.relay.lines[1].round_trips
    work.write(f"{replace(work.url, host='127.0.0.1', port=work.relay.port).text()}?application_name=other")
    work.list()
    assert work.relay.lines[1].round_trips == before


def test_dead_connection_is_replaced(work: Work) -> None:
    work.list()
    work.wait_for_connection(2)
    with postgres.connect(work.url) as console:
        console.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'todo'"
        )
    work.list()


def test_unused_connection_is_closed(postgres_url: PostgresURL, tmp_path: Path) -> None:
    """After a minute: so that a database without other work can suspend."""
    assert child.CONNECTED_SECONDS == 60
    script = daemon.TODO[-1].replace(
        "main()", "from todocli.daemon import child; child.CONNECTED_SECONDS = 0.001\nmain()"
    )
    _register(postgres_url)
    with (
        Relay((postgres_url.host, postgres_url.port or 5432)) as relay,
        daemon.running(tmp_path / "home", script=script) as todo,
    ):
        work = Work(todo, postgres_url, relay)
        work.write(replace(postgres_url, host="127.0.0.1", port=relay.port).text())
        work.list()
        wait_until(lambda: len(relay.lines) == 2, "the connection ahead")
        with postgres.connect(postgres_url) as console:
            others = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            wait_until(lambda: console.execute(others).fetchone() == (0,), "its end")


def test_url_of_a_variable_is_not_kept(work: Work) -> None:
    for _ in range(2):
        work.list(TODO_DATABASE_URL=work.url.text())
    assert work.relay.lines == []
    work.list()
    work.wait_for_connection(2)
