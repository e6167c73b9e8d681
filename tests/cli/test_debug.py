"""The option --debug: what it prints, and that it leaves nothing behind."""

from __future__ import annotations

import builtins
import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.support.terminal import Terminal
from todocli import __main__
from todocli.cli import debug
from todocli.daemon import client
from todocli.daemon.child import Declined
from todocli.database.postgres.url import PostgresURL

VERSIONS = re.compile(
    r"debug: todo [\d.]+\S*, Python 3\.\d+\.\d+, SQLAlchemy [\d.]+\w*, SQLModel [\d.]+, psycopg [\d.]+"
)
TIMINGS = re.compile(
    r"debug: imports [\d.]+ ms, connecting [\d.]+ ms, (\d+) statements? [\d.]+ ms, total [\d.]+ ms", re.ASCII
)
STATEMENT = re.compile(r"debug: [\d.]+ ms: (.*)")


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    return Terminal(monkeypatch)


def statements(err: str) -> list[str]:
    """Return the statements of a record, which says how many there are."""
    found = [match[1] for line in err.splitlines() if (match := STATEMENT.fullmatch(line))]
    counted = TIMINGS.search(err)
    assert counted is not None, err
    assert int(counted[1]) == len(found)
    return found


VALUES = ("Hidden", "hush", "veiled", "concealed", "1984")


@pytest.mark.parametrize("line", ["--debug list", "list --debug", "--debug", "--profile local --debug list"])
@pytest.mark.own_process  # it has loaded psycopg
def test_record_follows_the_answer(todo: Terminal, home: Path, line: str) -> None:
    todo.ok("add Buy milk")
    ran = todo(line)
    assert (ran.code, ran.out) == (0, todo.ok("list"))
    versions, profile, timings, *rest = ran.err.splitlines()
    assert VERSIONS.match(versions)
    assert re.search(r", SQLite 3\.[\d.]+$", versions)
    assert re.fullmatch(rf"debug: profile local, user \S+, database {re.escape(str(home / 'todo.db'))}", profile)
    assert TIMINGS.fullmatch(timings)
    assert len(rest) == len(statements(ran.err)) >= 1
    assert all(" FROM " in statement for statement in statements(ran.err))


def test_values_are_never_printed(todo: Terminal) -> None:
    words = "Hidden +hush project:veiled due:1984-01-02 --description concealed"
    lines = (
        f"add {words}",
        "list Hidden +hush project:veiled due:..1984-01-02",
        "edit 1 concealed +hush2",
        "log",
        "undo",
    )
    for line in lines:
        ran = todo(f"{line} --debug")
        assert (ran.code, bool(statements(ran.err))) == (0, True)
        assert [value for value in VALUES if value in ran.err] == []
    assert [value for value in VALUES if value not in todo.ok("show 1")] == []


def test_json_stays_alone_on_stdout(todo: Terminal) -> None:
    ran = todo("add Buy milk --json --debug")
    assert json.loads(ran.out)["number"] == 1
    assert statements(ran.err)


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("done 9 --debug", 3, "error: There is no todo 9.\n"),
        ("list --frob --debug", 2, "error: No such option: --frob"),
        ("frob --debug", 2, "error: No such command 'frob'.\n"),
        ("list --profile nope --debug", 3, 'error: There is no profile "nope".\n'),
    ],
)
def test_error_is_followed_by_the_record(todo: Terminal, line: str, code: int, error: str) -> None:
    ran = todo(line)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith(error)
    assert ran.err.index("debug: todo") > ran.err.index("hint:")
    statements(ran.err)


def test_failed_statement_is_in_the_record(todo: Terminal, home: Path) -> None:
    with closing(sqlite3.connect(home / "todo.db")) as database:
        database.execute("DROP TABLE users")
    ran = todo("list --debug")
    assert ran.code != 0
    assert any(statement.startswith("(failed) ") for statement in statements(ran.err))


def test_remote_database_has_its_version_and_no_password(todo: Terminal, postgres_url: PostgresURL) -> None:
    todo.use(postgres_url)
    todo.ok("user add ada")
    ran = todo("user list --debug")
    assert re.search(r", PostgreSQL \d+", ran.err.splitlines()[0])
    assert f"database {postgres_url.redacted()}" in ran.err
    assert postgres_url.password is None or postgres_url.password not in ran.err
    assert len(statements(ran.err)) == 1
    assert not ran.err.count("connecting 0.0 ms")


def test_terminal_wraps_the_record(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> None:
    ran = Terminal(monkeypatch, terminal=True, width=60)("list --debug --color never")
    lines = ran.err.splitlines()
    assert max(map(len, lines)) <= 60
    assert all(line.startswith(("debug: ", " " * 7)) for line in lines[1:])


@pytest.mark.own_process  # it looks at what SQLAlchemy has been told to report
def test_nothing_is_left_behind(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (builtins.__import__, sa.Engine.raw_connection)
    listened: list[Any] = []
    really_listen = sa.event.listen

    def listen(*arguments: Any, **options: Any) -> None:
        listened.append(arguments)
        really_listen(*arguments, **options)

    monkeypatch.setattr(sa.event, "listen", listen)
    todo.ok("list --debug")
    ours = [arguments for arguments in listened if arguments[0] in (sa.Engine, sa.pool.Pool)]
    assert len(ours) == 4
    assert not any(sa.event.contains(*arguments) for arguments in ours)
    assert (builtins.__import__, sa.Engine.raw_connection) == before
    assert debug._recorders == []
    listened.clear()
    assert todo("list").err.count("debug") == 0
    assert not [arguments for arguments in listened if arguments[0] in (sa.Engine, sa.pool.Pool)]


def test_title_after_dashes_is_no_option(todo: Terminal) -> None:
    ran = todo("add -- --debug")
    assert (ran.code, ran.err) == (0, "")
    assert todo.ok("list --fields title") == '{"items":[{"title":"--debug"}],"count":1,"total":1}\n'


@pytest.mark.parametrize("line", ["serve --debug", "daemon run --debug", "--debug serve"])
def test_command_that_lasts_does_not_take_it(todo: Terminal, line: str) -> None:
    ran = todo(line)
    assert (ran.code, ran.out) == (2, "")
    assert "--debug" in ran.err.splitlines()[0]


# The daemon


def test_line_with_debug_is_not_handed_over(
    embedded_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    handed_over: list[list[str]] = []
    monkeypatch.setattr(client, "run", handed_over.append)
    for line in (["list"], ["list", "--debug"]):
        monkeypatch.setattr(sys, "argv", ["todo", *line])
        with pytest.raises(SystemExit) as stop:
            __main__.main()
        assert not stop.value.code
    assert handed_over == [["list"]]
    assert "debug: todo" in capsys.readouterr().err


class _Client:
    """A client that has handed a line over."""

    def accept(self) -> None:
        raise AssertionError("the line was taken")


def test_child_declines_an_alias_with_debug(todo: Terminal, home: Path) -> None:
    (home / "config.toml").write_text('[aliases]\nslow = "list --debug"\n')
    (home / "config.toml").chmod(0o600)
    assert statements(todo("slow").err)
    with pytest.raises(Declined):
        todo.program.main(["slow"], standalone_mode=False, handover=_Client())
    assert debug._recorders == []
