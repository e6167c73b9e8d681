"""Text from outside controls neither a terminal nor a program that reads lines: every command, every position."""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.terminal import Terminal

HOSTILE = "\x1b]0;x\x07\r\x7f\x9b31m\u202e\u2066\u200f\u2028\u2029\x85x"
"""Controls a terminal, turns the direction of text, and begins new lines."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SEPARATORS = "\u2028\u2029"

LINES = [
    "list",
    "ls --all",
    "list --group project",
    "list --group tag",
    "today",
    "next",
    "ready {}",
    "add {} every:day",
    "skip 1",
    "upcoming {}",
    "upcoming --until {}",
    "edit 1 every:{}",
    "add x --every {} --ends {} --times {}",
    "blocked {}",
    "edit 1 needs:{}",
    "list --needs {}",
    "show 1",
    "trash",
    "tags",
    "count",
    "projects",
    "log",
    "log 1",
    "log --all",
    "log --follow --since {}",
    "log --follow --every {}",
    "undo --dry-run",
    "claim --as {}",
    "claim {}",
    "claim --for {}",
    "list --columns number,title,claimed --all",
    "release 1",
    "note 1 {}",
    "edit 1 due:fri",
    "done 1",
    "reopen 1",
    "rm 1",
    "restore 1",
    "add {} +{} project:{}",
    "add x pri:{}",
    "import {}",
    "import - --project {}",
    "export --format {}",
    "profile copy local {}",
    "share {} --yes",
    "add x due:{}",
    "context {}",
    "context none",
    "list {}",
    "list --sort {}",
    "list --where {}",
    "list --fields {}",
    "show {}",
    "done {}",
    "edit 1 --title {}",
    "edit 1 --tag {}",
    "rm {}",
    "reopen {}",
    "restore {}",
    "purge {} --yes",
    "log {}",
    "log --since {}",
    "undo {}",
    "redo {}",
    "view list",
    "config",
    "view {}",
    "view show {}",
    "view show hostile",
    "view save {} +home",
    "view save week +home",
    "view save week {}",
    "view rm {}",
    "profile list",
    "profile show {}",
    "profile use {}",
    "profile add {} --user ada --embedded",
    "profile add new --user {} --embedded",
    "profile rm {} --yes",
    "--profile {} list",
    "user list",
    "user add {}",
    "user rename {} x",
    "token list",
    "token create {}",
    "token create x --expires {}",
    "token create x --feed --base-url {}",
    "token revoke {}",
    "db current",
    "db history",
    "db check",
    "db ping",
    "db grant {}",
    "db upgrade {}",
    "db upgrade --sql {}",
    "db downgrade {} --yes",
    "doctor",
    "serve --host {}",
    "mcp",
    "mcp {}",
    "help {}",
    "{}",
    "--change {} add x",
    "--color {} list",
    "undo",
    "redo",
    "purge --yes",
    "daemon status",
    "daemon start",
    "daemon stop",
    "daemon run {}",
    "backup {}/todos.db",
    "backup {}",
    "backup {}",
    "backup --check {}",
    "backup --restore {}",
    "backup --restore {} --yes",
]
"""Lines that print stored text; in those with {}, the argument is hostile too."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home folder with hostile text in its path and in everything stored there."""
    home = tmp_path / HOSTILE
    home.mkdir(mode=0o700)
    monkeypatch.setenv("TODO_HOME", str(home))
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.chdir(tmp_path)
    todo = Terminal(monkeypatch)
    for line in ("add a +tag project:home due:today", "add b", "add c +other", "rm 2", "done 3", "token create phone"):
        todo.ok(line)
    with closing(sqlite3.connect(home / "todo.db", isolation_level=None)) as console:
        console.execute("UPDATE todos SET title = ?, project = ?, description = ?", (HOSTILE, HOSTILE, HOSTILE))
        console.execute("UPDATE todos SET tags = json_array(?) WHERE tags IS NOT NULL", (HOSTILE,))
        console.execute("UPDATE changes SET source = ?, actor = ?", (HOSTILE, HOSTILE))
        console.execute("UPDATE tokens SET name = ?", (HOSTILE,))
        console.execute("INSERT INTO users (id, name, created_at) VALUES ('x', ?, '2026-01-01 00:00:00')", (HOSTILE,))
        console.execute("UPDATE users SET id = ? WHERE id = 'x'", ("0" * 32,))
    escaped = "".join(f"\\U{ord(character):08x}" for character in HOSTILE)
    (home / "config.toml").write_text(
        f'[views]\nhostile = "{escaped}"\n"{escaped}" = "+home"\n\n[profiles.local]\nuser = "ada"\n', encoding="utf-8"
    )
    (home / "config.toml").chmod(0o600)
    return home


def controls(text: str) -> set[str]:
    """Return the characters of `text` that control what is seen."""
    return {
        character
        for character in text
        if character not in "\n\t" and (unicodedata.category(character) in ("Cc", "Cf") or character in _SEPARATORS)
    }


def _leaves(group: Any, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_every_command_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = {line.replace("{}", "").strip() for line in LINES}
    commands = _leaves(Terminal(monkeypatch).program)
    assert [name for name in commands if not any(f"{line} ".startswith(f"{name} ") for line in tried)] == []


@pytest.mark.parametrize(
    "mode",
    [
        "pipe",
        "terminal",
        *(pytest.param(mode, marks=pytest.mark.slow) for mode in ("colour", "json", "jsonl", "quiet")),
    ],
)
def test_hostile_text_controls_nothing(place: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    flags = {"colour": ["--color", "always"], "json": ["--json"], "jsonl": ["--jsonl"], "quiet": ["--quiet"]}
    todo = Terminal(monkeypatch, terminal=mode in ("terminal", "colour"), width=70)
    for line in LINES:
        words = [word.replace("{}", HOSTILE) for word in line.split()]
        if "--color" not in words:
            words = [*flags.get(mode, []), *words]
        ran = todo(words)
        assert ran.code in range(10), line
        assert "Internal error" not in ran.err, (line, ran)
        printed = ran.out + ran.err
        if mode in ("terminal", "colour"):
            printed = _COLOUR.sub("", printed)
        assert controls(printed) == set(), (line, ran)
