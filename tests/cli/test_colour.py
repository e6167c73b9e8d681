"""When there is colour: by the option, and then by the conventions of no-color.org, force-color.org and bixense.com.

NO_COLOR and FORCE_COLOR count where they are not empty, whatever their value is. CLICOLOR_FORCE counts where it is
neither empty nor 0. CLICOLOR=0 and TERM=dumb take the colour from a terminal; without any of these a terminal has it.
"""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import TextIO

import pytest

from tests.support.terminal import Terminal
from todocli.cli.context import paints

ROOT = Path(__file__).resolve().parents[2]
TERMINAL, PIPE = True, False


class _Place:
    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def stream(terminal: bool) -> TextIO:
    """Return what `paints` asks whether it is a terminal."""
    return _Place(terminal)  # type: ignore[return-value]


VARIABLES: list[tuple[str, bool, bool]] = [
    # what is set, and whether there is colour on a terminal, and in a pipe
    ("", True, False),
    ("NO_COLOR=1", False, False),
    ("NO_COLOR=0", False, False),
    ("NO_COLOR=false", False, False),
    ("NO_COLOR=", True, False),
    ("FORCE_COLOR=1", True, True),
    ("FORCE_COLOR=3", True, True),
    ("FORCE_COLOR=0", True, True),
    ("FORCE_COLOR=", True, False),
    ("CLICOLOR_FORCE=1", True, True),
    ("CLICOLOR_FORCE=yes", True, True),
    ("CLICOLOR_FORCE=0", True, False),
    ("CLICOLOR_FORCE=", True, False),
    ("CLICOLOR=1", True, False),
    ("CLICOLOR=0", False, False),
    ("CLICOLOR=", True, False),
    ("TERM=dumb", False, False),
    ("TERM=xterm", True, False),
    ("TERM=", True, False),
    # NO_COLOR is before all, then what forces, then the rest
    ("NO_COLOR=1 FORCE_COLOR=1", False, False),
    ("NO_COLOR=1 CLICOLOR_FORCE=1", False, False),
    ("NO_COLOR=1 CLICOLOR=1", False, False),
    ("NO_COLOR= FORCE_COLOR=1", True, True),
    ("NO_COLOR= TERM=dumb", False, False),
    ("FORCE_COLOR=1 CLICOLOR=0", True, True),
    ("FORCE_COLOR=1 TERM=dumb", True, True),
    ("FORCE_COLOR= CLICOLOR_FORCE=1", True, True),
    ("FORCE_COLOR=1 CLICOLOR_FORCE=0", True, True),
    ("CLICOLOR_FORCE=1 CLICOLOR=0", True, True),
    ("CLICOLOR_FORCE=1 TERM=dumb", True, True),
    ("CLICOLOR_FORCE=0 CLICOLOR=0", False, False),
    ("CLICOLOR=1 TERM=dumb", False, False),
]


def _set(monkeypatch: pytest.MonkeyPatch, variables: str) -> None:
    monkeypatch.delenv("TERM", raising=False)
    for variable in variables.split():
        name, _, value = variable.partition("=")
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize(("variables", "on_terminal", "in_pipe"), VARIABLES)
def test_the_conventions(monkeypatch: pytest.MonkeyPatch, variables: str, on_terminal: bool, in_pipe: bool) -> None:
    _set(monkeypatch, variables)
    assert paints(stream(TERMINAL), []) is on_terminal
    assert paints(stream(PIPE), []) is in_pipe
    assert paints(stream(TERMINAL), ["list", "--color", "auto"]) is on_terminal
    assert paints(stream(PIPE), ["list", "--color=auto"]) is in_pipe


@pytest.mark.parametrize("variables", [row[0] for row in VARIABLES])
@pytest.mark.parametrize("terminal", [TERMINAL, PIPE], ids=["terminal", "pipe"])
def test_the_option_is_before_every_variable(monkeypatch: pytest.MonkeyPatch, variables: str, terminal: bool) -> None:
    _set(monkeypatch, variables)
    for option in (["--color", "always"], ["--color=always"], ["list", "-q", "--color", "always", "x"]):
        assert paints(stream(terminal), option) is True
    for option in (["--color", "never"], ["--color=never"], ["list", "-q", "--color=never", "x"]):
        assert paints(stream(terminal), option) is False


@pytest.mark.parametrize(
    ("arguments", "colour"),
    [
        (["--color", "never", "list", "--color", "always"], True),
        (["--color=always", "list", "--color=never"], False),
        (["--color", "never", "list", "--color", "auto"], True),
        (["add", "--", "--color", "never"], True),
        (["add", "--", "--color=never"], True),
        (["--color", "never", "add", "--", "--color=always"], False),
        (["add", "never"], True),
        (["list", "--color"], True),
        (["list", "--color", "red"], True),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_last_option_counts_and_words_after_two_dashes_are_none(arguments: list[str], colour: bool) -> None:
    """As the parser reads the line, so that an error has the colours that the result would have had."""
    assert paints(stream(TERMINAL), arguments) is colour


# Whole runs


@pytest.mark.parametrize(("variables", "on_terminal", "in_pipe"), VARIABLES)
def test_every_word_that_is_printed(
    monkeypatch: pytest.MonkeyPatch, variables: str, on_terminal: bool, in_pipe: bool
) -> None:
    """Results, notes and errors; in a pipe the result is plain whatever is set, since a program reads it."""
    Terminal(monkeypatch)("add there")
    _set(monkeypatch, variables)
    person, pipe = Terminal(monkeypatch, terminal=True), Terminal(monkeypatch)
    for line in ("list", "show 1", "done 1", "reopen 1"):
        assert ("\x1b" in person.ok(line)) is on_terminal, line
    assert ("\x1b" in person("list").err) is on_terminal
    assert ("\x1b" in person("show 99").err) is on_terminal
    assert ("\x1b" in pipe("show 99").err) is in_pipe
    assert ("\x1b" in pipe("list --completed").err) is in_pipe
    assert pipe.ok("list") == "1\topen\tthere\n"


def test_the_option_in_whole_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    Terminal(monkeypatch)("add there")
    monkeypatch.setenv("TERM", "xterm")
    person, pipe = Terminal(monkeypatch, terminal=True), Terminal(monkeypatch)
    assert "\x1b" not in person.ok("list --color never")
    assert "\x1b" not in person("--color never show 99").err
    monkeypatch.setenv("NO_COLOR", "1")
    for place in (person, pipe):
        for line in ("list --color always", "--color always", "show 1 --color=always"):
            assert re.search(r"\x1b\[[0-9;]*m", place.ok(line)), line
        assert "\x1b[1;31merror:" in place("show 99 --color always").err
    for line in ("list --json", "list --fields id", "list -q", "add x --json", "show 1 --jsonl"):
        assert "\x1b" not in person.ok(f"{line} --color always")
        assert "\x1b" not in pipe.ok(f"{line} --color always")
    assert "\x1b" not in pipe("show 99 --json --color always").err


# Help, which Typer draws: its rules are fixed when it is imported, so each of these is a process


def _run(arguments: list[str], variables: dict[str, str], *, terminal: bool) -> str:
    environment = {
        "PATH": os.environ["PATH"],
        "TODO_HOME": os.environ["TODO_HOME"],
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
    }
    command = [sys.executable, "-m", "todocli", *arguments]
    inner, outer = pty.openpty() if terminal else os.pipe()
    try:
        process = subprocess.Popen(
            command, env=environment | variables, stdin=subprocess.DEVNULL, stdout=outer, stderr=outer
        )
        os.close(outer)
        data = b""
        while part := _read(inner):
            data += part
        assert process.wait() == 0, data
    finally:
        os.close(inner)
    return data.decode().replace("\r\n", "\n")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # so Linux says that nobody holds the terminal's other side
        return b""


HELP = [["db", "--help"], ["help", "add"]]
CASES: list[tuple[str, bool, bool]] = [
    ("", TERMINAL, True),
    ("", PIPE, False),
    ("NO_COLOR=1", TERMINAL, False),
    ("NO_COLOR=1 FORCE_COLOR=1", TERMINAL, False),
    ("NO_COLOR=1 FORCE_COLOR=1", PIPE, False),
    ("TERM=dumb", TERMINAL, False),
    ("TERM=dumb FORCE_COLOR=1", TERMINAL, True),
    ("FORCE_COLOR=1", PIPE, True),
    ("FORCE_COLOR=", PIPE, False),
    ("CLICOLOR_FORCE=1", PIPE, True),
    ("CLICOLOR=0", TERMINAL, False),
    ("GITHUB_ACTIONS=true", PIPE, False),
    ("PY_COLORS=1", PIPE, False),
]


@pytest.mark.parametrize(("variables", "terminal", "colour"), CASES)
def test_help_keeps_the_conventions(variables: str, terminal: bool, colour: bool) -> None:
    chosen = dict(variable.split("=") for variable in variables.split())
    shown = {" ".join(line): _run(line, chosen, terminal=terminal) for line in HELP}
    assert {line: "\x1b" in text for line, text in shown.items()} == dict.fromkeys(shown, colour)
    assert all("Usage: todo" in re.sub(r"\x1b\[[0-9;]*m", "", text) for text in shown.values())


@pytest.mark.parametrize(
    ("line", "variables", "terminal", "colour"),
    [
        ("--color never --help", "", TERMINAL, False),
        ("--help --color never", "", TERMINAL, False),
        ("list -h --color never", "FORCE_COLOR=1", TERMINAL, False),
        ("--color never help add", "FORCE_COLOR=1", PIPE, False),
        ("--color always --help", "", PIPE, True),
        ("list --color=always -h", "NO_COLOR=1", PIPE, True),
        ("help add --color always", "TERM=dumb", PIPE, True),
        ("--color always help add", "NO_COLOR=1", TERMINAL, True),
    ],
)
def test_help_keeps_the_option(line: str, variables: str, terminal: bool, colour: bool) -> None:
    chosen = dict(variable.split("=") for variable in variables.split())
    shown = _run(line.split(), chosen, terminal=terminal)
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-7]m", shown)) is colour
    assert ("\x1b" in shown) is colour


@pytest.mark.parametrize("terminal", [TERMINAL, PIPE], ids=["terminal", "pipe"])
def test_help_is_as_wide_as_the_terminal_also_where_that_is_dumb(terminal: bool) -> None:
    for term in ("dumb", "xterm"):
        shown = _run(["list", "-h"], {"TERM": term, "COLUMNS": "60", "NO_COLOR": "1"}, terminal=terminal)
        assert max(map(len, shown.splitlines())) <= 60, term
