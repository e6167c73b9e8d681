"""The README and the help topics: their sessions are played, their tables and documents are compared."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import daemon, postgres, readme
from tests.support.readme import Block, Exchange
from tests.support.terminal import Terminal
from todocli.cli import exits
from todocli.cli.commands.help import TOPICS, topic_text
from todocli.database.postgres.url import PostgresURL
from todocli.schemas.contract import contract

INSTALL = "python3 -m venv .venv && .venv/bin/pip install --quiet . && .venv/bin/todo add Buy milk"
CHECK = "python3 -m venv .venv && .venv/bin/pip install --quiet --editable '.[test]' && .venv/bin/python -m pytest"
README_LINES = 150
TOPIC_LINES = range(25, 101)
AGENTS_CHARACTERS = 6_000
"""Of the topic that a model reads before it works."""

OF_CLIENTS = {"mcpServers", "todo", "args", "custom/todo", "exec"}
"""Keys in the configuration of a client of MCP, and of a status bar."""

COLUMNS = 80

ROOT = readme.PATH.parent
HELP = ROOT / "todocli/help"
README = readme.PATH.read_text("utf-8")
GUIDES = {path.stem: path.read_text("utf-8") for path in sorted(HELP.glob("*.md"))}
PAGES = {"README": README, **GUIDES}

each_guide = pytest.mark.parametrize("topic", GUIDES)
each_page = pytest.mark.parametrize("name", PAGES)


def environment(home: Path) -> dict[str, str]:
    """Return a reader's environment: their own home, and the programs of this installation first."""
    programs = Path(sys.executable).parent
    return {
        "HOME": str(home),
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "USER": "ada",
        "LOGNAME": "ada",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
    }


@pytest.fixture
def reader() -> Iterator[Path]:
    """A home with a short name, for the same reason as `database`."""
    with tempfile.TemporaryDirectory(prefix="ada", dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def database(postgres_server: PostgresURL) -> Iterator[PostgresURL]:
    """An empty database with a short name: the tables that show it must fit the terminal."""
    name = f"todo_{uuid.uuid4().hex[:8]}"
    postgres.execute(postgres_server, "CREATE DATABASE {}", name)
    yield replace(postgres_server, database=name)
    postgres.execute(postgres_server, "DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(scope="module")
def with_daemon() -> Iterator[dict[str, str]]:
    """The variables by which commands find a daemon: a reader has one from the second command on."""
    with tempfile.TemporaryDirectory() as runtime:
        variables = {"XDG_RUNTIME_DIR": runtime, "TODO_DAEMON": "on"}
        with daemon.running_by(["todo"], environment(Path(runtime)) | variables):
            yield variables


def compared(text: str, variables: dict[str, str]) -> list[tuple[str, str]]:
    """Play the sessions of a page as one; return what each promises and what it shows."""
    sessions = [block for block in readme.blocks(text) if block.language == "console"]
    promised = [(block, exchange) for block in sessions for exchange in readme.exchanges(block.text)]
    outputs = readme.play([_typed(exchange.command) for _, exchange in promised], variables)
    found = dict.fromkeys(sessions, ("", ""))
    for (block, exchange), output in zip(promised, outputs, strict=True):
        pair = readme.comparable(exchange.shown, output, variables["HOME"])
        before, after = (f"{shown}$ {exchange.command}\n{new}" for shown, new in zip(found[block], pair, strict=True))
        found[block] = before, after
    return list(found.values())


def _typed(command: str) -> str:
    """Return a command as it is run: NEON_URL has its value already, where a reader pastes one."""
    return ":" if command.startswith("export NEON_URL=") else command


def check_sessions(text: str, variables: dict[str, str], request: pytest.FixtureRequest) -> None:
    """Fail unless the sessions of a page show what they promise, and no password."""
    needed = [program for program in ("jq", "curl") if re.search(rf"\b{program}\b", text)]
    if missing := [program for program in needed if not shutil.which(program)]:
        pytest.skip(f"{missing[0]} is not installed")
    url = request.getfixturevalue("database") if "NEON_URL" in text else None
    given = {"NEON_URL": url.text(), "DATABASE_URL": url.text()} if url else {}
    for promised, shown in compared(text, variables | given):
        assert shown == promised
        assert not (url and url.password and url.password in shown)


@pytest.mark.slow
def test_readme_sessions_show_what_they_promise(reader: Path, request: pytest.FixtureRequest) -> None:
    check_sessions(README, environment(reader), request)


@pytest.mark.slow
@each_guide
def test_topic_sessions_show_what_they_promise(
    topic: str, reader: Path, with_daemon: dict[str, str], request: pytest.FixtureRequest
) -> None:
    """A topic assumes a reader who has used the program: their database exists, and their daemon runs."""
    variables = environment(reader) | (with_daemon if topic != "daemon" else {})
    subprocess.run(["todo", "list"], env=variables, capture_output=True, check=True)
    check_sessions(GUIDES[topic], variables, request)


# What is on the pages


def test_each_topic_has_a_file_and_its_title() -> None:
    assert {f"{name}.md" for name in TOPICS if name != "commands"} == {path.name for path in HELP.iterdir()}
    assert {name: text.split("\n")[0] for name, text in GUIDES.items()} == {
        name: f"# {TOPICS[name]}" for name in GUIDES
    }


def test_readme_is_short_and_shows_every_topic() -> None:
    assert len(README.splitlines()) <= README_LINES
    assert set(re.findall(r"\(todocli/help/([\w-]+)\.md\)", README)) == set(GUIDES)


@each_guide
def test_topic_fits_a_terminal(topic: str) -> None:
    """Also in a pipe, where nothing wraps it; only what a program prints may be wider."""
    lines = GUIDES[topic].splitlines()
    assert len(lines) in TOPIC_LINES
    printed = {line for block in readme.blocks(GUIDES[topic]) for line in block.text.splitlines() if line[:2] != "$ "}
    assert [line for line in lines if len(line) > COLUMNS and line not in printed] == []


def test_topic_for_agents_is_short() -> None:
    assert len(GUIDES["agents"]) <= AGENTS_CHARACTERS


@each_page
def test_each_block_is_checked(name: str) -> None:
    assert {block.language for block in readme.blocks(PAGES[name])} <= {"console", "sh", "json", "toml"}
    assert name == "README" or not [block for block in readme.blocks(PAGES[name]) if block.language == "sh"]


@each_page
def test_links_lead_somewhere(name: str) -> None:
    folder = ROOT if name == "README" else HELP
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", PAGES[name]):
        assert (folder / link).exists(), link


@each_page
def test_documents_are_valid(name: str) -> None:
    known = set(keys(contract(), within="properties"))
    for block in readme.blocks(PAGES[name]):
        if block.language == "toml":
            assert tomllib.loads(block.text), f"line {block.line}"
        elif block.language == "json":
            assert set(keys(json.loads(block.text))) <= known | OF_CLIENTS, f"line {block.line}"


def keys(value: Any, within: str = "") -> Iterator[str]:
    """Return all keys in a document; with `within`, only those of objects of that name."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if not within:
                yield name
            elif name == within:
                yield from inner
            yield from keys(inner, within)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner, within)


def test_exit_code_tables_are_those_of_the_program() -> None:
    rows = [tuple(map(str.strip, row)) for row in re.findall(r"^\| (\w+) +\| (.+) \|$", GUIDES["exit-codes"], re.M)]
    assert [(code, about) for code, about in rows if code.isdecimal()] == [
        (str(row.code), row.meaning) for row in exits.TABLE
    ]
    assert [(name, code) for name, code in rows if name.isupper()] == [
        (name, str(row.code)) for row in exits.TABLE for name in row.error_codes
    ]


@each_guide
def test_help_in_a_pipe_is_the_markdown(monkeypatch: pytest.MonkeyPatch, topic: str) -> None:
    shown = Terminal(monkeypatch).ok(f"help {topic}")
    assert shown == (topic_text(topic) if topic == "dates" else GUIDES[topic])
    assert shown.startswith(GUIDES[topic])


def test_first_two_commands_are_those_that_ci_runs() -> None:
    commands = [block.text.strip() for block in readme.blocks(README) if block.language == "sh"]
    assert commands == [INSTALL, CHECK]
    printed = subprocess.run([sys.executable, readme.__file__], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert printed.split("\0") == [*commands, ""]


# The reader itself, on a page of its own

PAGE = """
# Page
```console
$ name='two
> lines'
$ echo "$name"; stty size | cut -d ' ' -f 2
two
lines
80
$ (exit 3)
```
Words.

    $ no block
```console
$ echo $?
3
$ cat missing
cat: missing: No such file or directory
$ test -t 0 && test -t 1 && test -t 2 && echo "in $HOME at 2026-01-02T03:04:05.678901Z"
in ~ at 2020-01-01T00:00:00.000000Z
```
"""


def test_true_page_is_confirmed(tmp_path: Path) -> None:
    first, second = compared(PAGE, environment(tmp_path))
    assert first[0] == first[1]
    assert second[0] == second[1]
    assert "in ~ at INSTANT" in second[1]


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("\nlines\n", "\nlinse\n"),
        ("80\n", ""),
        ("80\n", "80\nmore\n"),
        ("\n3\n", "\n4\n"),
        ("in ~ at", "in ~/other at"),
        ("echo $?", "exit"),
        ("echo $?", "echo )"),
    ],
)
def test_false_page_is_noticed(tmp_path: Path, true: str, false: str) -> None:
    assert PAGE.count(true) == 1
    assert any(promised != shown for promised, shown in compared(PAGE.replace(true, false), environment(tmp_path)))


@pytest.mark.parametrize(
    ("promised", "shown", "same"),
    [
        ("1   now\n────\n", "1  now\n────\n", False),
        ("1   now   milk\n────\n", "1   12 min ago   milk\n────────\n", True),
        ("1   now\n────\n", "1   yesterday\n────────\n", False),
        ("due Fri 27 Nov (in 3 days)", "due Fri 4 Jun 2027 (tomorrow)", True),
        ("postgresql://neon:***@host:1/todo", "postgresql://me:***@127.0.0.1:5432/other", True),
        ("postgresql://neon:***@host:1/todo", "postgresql://me:secret@127.0.0.1:5432/other", False),
        ("~/.local/share/todo", "/tmp/reader/Library/Application Support/todo", True),
    ],
)
def test_masks_hide_what_varies_and_nothing_else(promised: str, shown: str, same: bool) -> None:
    left, right = readme.comparable(promised, shown, "/tmp/reader")
    assert (left == right) is same


def test_malformed_page_is_refused() -> None:
    with pytest.raises(ValueError, match="not closed"):
        readme.blocks("```sh\nls\n")
    with pytest.raises(ValueError, match="begins with a command"):
        readme.exchanges("hello\n$ echo hello\n")
    assert readme.blocks("a\n```sh\nls\n```\n") == [Block("sh", "ls\n", 2)]
    assert readme.exchanges("$ a\n> b\n> is shown\nb\n> c\n") == [Exchange("a\nb\nis shown", "b\n> c\n")]
