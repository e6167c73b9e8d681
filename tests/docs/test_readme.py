"""The README: its sessions are played, its commands are those that are tried, its documents are read."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import postgres, readme
from tests.support.readme import Block, Step
from todocli.cli import exits
from todocli.database.postgres.url import PostgresURL
from todocli.schemas.contract import contract

INSTALL = "python3 -m venv .venv && .venv/bin/pip install --quiet . && .venv/bin/todo add Buy milk"
CHECK = "python3 -m venv .venv && .venv/bin/pip install --quiet --editable '.[test]' && .venv/bin/python -m pytest"

TEXT = readme.PATH.read_text("utf-8")
BLOCKS = readme.blocks(TEXT)
CONSOLE = [block for block in BLOCKS if block.language == "console"]


def environment(home: Path, database: str = "") -> dict[str, str]:
    """Return what a reader's shell knows: a home of their own, and this installation's programs first."""
    programs = Path(sys.executable).parent
    known = {
        "HOME": str(home),
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "NO_COLOR": "1",
    }
    return known | ({"NEON_URL": database, "DATABASE_URL": database} if database else {})


@pytest.fixture
def database(postgres_server: PostgresURL) -> Iterator[PostgresURL]:
    """An empty database with a short name: the tables of the README must fit their terminal."""
    name = f"todo_{uuid.uuid4().hex[:8]}"
    postgres.execute(postgres_server, "CREATE DATABASE {}", name)
    yield replace(postgres_server, database=name)
    postgres.execute(postgres_server, "DROP DATABASE {} WITH (FORCE)", name)


def compared(sessions: list[Block], known: dict[str, str]) -> dict[Block, tuple[str, str]]:
    promised = [(block, step) for block in sessions for step in readme.steps(block.text)]
    answers = readme.play([step.command for _, step in promised], known)
    found = dict.fromkeys(sessions, ("", ""))
    for (block, step), answer in zip(promised, answers, strict=True):
        pair = readme.comparable(step.shown, answer, known["HOME"])
        before, after = (f"{text}$ {step.command}\n{words}" for text, words in zip(found[block], pair, strict=True))
        found[block] = before, after
    return found


def test_the_sessions_show_what_they_promise(database: PostgresURL, tmp_path: Path) -> None:
    """All of them are played as one, in one test: they need the machine's ports for themselves."""
    for program in ("jq", "curl"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    assert database.password
    for block, (promised, shown) in compared(CONSOLE, environment(tmp_path, database.text())).items():
        assert shown == promised, f"{block.heading}, line {block.line}"
        assert database.password not in shown


def test_there_are_sessions_and_every_block_is_of_a_kind_that_is_checked() -> None:
    assert CONSOLE
    assert {block.language for block in BLOCKS} <= {"console", "sh", "json", "toml"}


def test_the_two_commands_are_those_that_are_tried() -> None:
    commands = [block.text.strip() for block in BLOCKS if block.language == "sh"]
    assert commands[:2] == [INSTALL, CHECK]
    said = subprocess.run([sys.executable, readme.__file__], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert said.split("\0") == [*commands, ""]


def test_every_other_shell_command_runs(tmp_path: Path) -> None:
    for block in BLOCKS:
        if block.language == "sh" and block.text.strip() not in (INSTALL, CHECK):
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block.text],
                env=environment(tmp_path),
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"line {block.line}: {done.stdout}{done.stderr}"


def test_documents_are_what_the_program_reads_and_writes() -> None:
    known = set(keys(contract(), within="properties"))
    for block in BLOCKS:
        if block.language == "toml":
            assert tomllib.loads(block.text), f"line {block.line}"
        elif block.language == "json":
            assert set(keys(json.loads(block.text))) <= known, f"line {block.line}"


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


def test_the_table_of_exit_codes_is_the_programs() -> None:
    rows = re.findall(r"^\| (\d+) \| (.*) \| (.*)\|$", TEXT, re.MULTILINE)
    promised = [(code, about.replace("`", "").strip(), names.strip()) for code, about, names in rows]
    assert promised == [(str(row.code), row.meaning, ", ".join(row.error_codes)) for row in exits.TABLE]


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", TEXT):
        assert (readme.PATH.parent / link).exists(), link


# The reader itself, on pages of its own

PAGE = """
# Page
```console
$ name='two
> lines'
$ echo "$name"; tput cols 2> /dev/null || stty size | cut -d ' ' -f 2
two
lines
80
$ (exit 3)
```
QuickAdd.

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


def page(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    return list(compared(readme.blocks(text), environment(tmp_path)).values())


def test_a_true_page(tmp_path: Path) -> None:
    first, second = page(tmp_path, PAGE)
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
        ("cat: missing: No such", "cat: missing: no such"),
        ("in ~ at", "in  ~ at"),
        ("in ~ at", "in ~/other at"),
        ("echo $?", "exit"),
        ("echo $?", "echo )"),
    ],
)
def test_a_false_page_is_noticed(tmp_path: Path, true: str, false: str) -> None:
    assert PAGE.count(true) == 1
    told = page(tmp_path, PAGE.replace(true, false))
    assert any(promised != shown for promised, shown in told)


@pytest.mark.parametrize(
    ("promised", "shown", "same"),
    [
        ("1   now\n────\n", "1   now\n────\n", True),
        ("1   now\n────\n", "1  now\n────\n", False),
        ("1   now   milk\n────\n", "1   12 min ago   milk\n────────\n", True),
        ("1   now\n────\n", "1   yesterday\n────────\n", False),
        ("a now\n  b\n", "a 2 min ago\n    b\n", False),
        ("postgresql://neon:***@host:1/todo", "postgresql://me:***@127.0.0.1:5432/other", True),
        ("postgresql://neon:***@host:1/todo", "postgresql://me:secret@127.0.0.1:5432/other", False),
        ("~/.local/share/todo", "/tmp/reader/Library/Application Support/todo", True),
    ],
)
def test_what_is_masked(promised: str, shown: str, same: bool) -> None:
    left, right = readme.comparable(promised, shown, "/tmp/reader")
    assert (left == right) is same


def test_a_page_that_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="not closed"):
        readme.blocks("```sh\nls\n")
    with pytest.raises(ValueError, match="begins with a command"):
        readme.steps("hello\n$ echo hello\n")
    assert readme.steps("$ a\n> b\n> c\n> is shown\n") == [Step("a\nb\nc\nis shown", "")]
    assert readme.steps("$ a\nb\n> c\n") == [Step("a", "b\n> c\n")]
