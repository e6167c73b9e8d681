"""Colour by the option, and then by the conventions of no-color.org, force-color.org and bixense.com.

NO_COLOR and FORCE_COLOR count unless they are empty, whatever their value is. CLICOLOR_FORCE counts unless it is empty
or 0. CLICOLOR=0 and TERM=dumb turn colour off on a terminal, which has it otherwise.
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
from todocli.cli.colour import wants_colour
from todocli.cli.help_page import MAX_WIDTH
from todocli.cli.shared import color_option

ROOT = Path(__file__).resolve().parents[2]
TERMINAL, PIPE = True, False


class _Stream:
    def __init__(self, terminal: bool) -> None:
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def stream(terminal: bool) -> TextIO:
    """Return a stream that is a terminal, or not."""
    return _Stream(terminal)  # type: ignore[return-value]


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
def test_variables_decide_without_option(
    monkeypatch: pytest.MonkeyPatch, variables: str, on_terminal: bool, in_pipe: bool
) -> None:
    _set(monkeypatch, variables)
    assert wants_colour(stream(TERMINAL), "auto") is on_terminal
    assert wants_colour(stream(PIPE), "auto") is in_pipe
    for terminal in (TERMINAL, PIPE):
        assert wants_colour(stream(terminal), "always") is True
        assert wants_colour(stream(terminal), "never") is False


@pytest.mark.parametrize(
    ("arguments", "choice"),
    [
        ([], "auto"),
        (["--color", "always"], "always"),
        (["list", "-q", "--color=never", "x"], "never"),
        (["list", "--color", "auto"], "auto"),
        (["--color", "never", "list", "--color", "always"], "always"),
        (["--color=always", "list", "--color=never"], "never"),
        (["--color", "never", "list", "--color", "auto"], "auto"),
        (["add", "--", "--color", "never"], "auto"),
        (["add", "--", "--color=never"], "auto"),
        (["--color", "never", "add", "--", "--color=always"], "never"),
        (["add", "never"], "auto"),
        (["list", "--color"], "auto"),
        (["list", "--color", "red"], "auto"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_last_option_before_two_dashes_counts(arguments: list[str], choice: str) -> None:
    """As the parser reads the line, so that an error has the colours that the result would have had."""
    assert color_option(arguments) == choice


# Whole runs


@pytest.mark.parametrize(
    ("variables", "on_terminal", "in_pipe"),
    [("", True, False), ("NO_COLOR=1", False, False), ("FORCE_COLOR=1", True, True), ("TERM=dumb", False, False)],
)
def test_results_notes_and_errors_follow_variables(
    monkeypatch: pytest.MonkeyPatch, embedded_file: Path, variables: str, on_terminal: bool, in_pipe: bool
) -> None:
    """In a pipe the result is plain whatever is set, since a program reads it."""
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


def test_option_overrules_variables(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> None:
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


# Help


@pytest.mark.parametrize(
    ("line", "variables", "on_terminal", "in_pipe"),
    [
        ("db --help", "", True, False),
        ("help add", "NO_COLOR=1", False, False),
        ("--help", "FORCE_COLOR=1", True, True),
        ("db --help", "GITHUB_ACTIONS=true PY_COLORS=1", True, False),
        ("--color never --help", "FORCE_COLOR=1", False, False),
        ("--help --color never", "FORCE_COLOR=1", False, False),
        ("list -h --color never", "FORCE_COLOR=1", False, False),
        ("--color always help add", "NO_COLOR=1", True, True),
        ("help add --color always", "TERM=dumb", True, True),
        ("list --color=always -h", "NO_COLOR=1", True, True),
    ],
)
def test_help_follows_option_and_variables(
    monkeypatch: pytest.MonkeyPatch, line: str, variables: str, on_terminal: bool, in_pipe: bool
) -> None:
    _set(monkeypatch, variables)
    person, pipe = Terminal(monkeypatch, terminal=True), Terminal(monkeypatch)
    shown, piped = person.ok(line), pipe.ok(line)
    assert ("\x1b" in shown, "\x1b" in piped) == (on_terminal, in_pipe)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert plain == re.sub(r"\x1b\[[0-9;]*m", "", piped)
    assert "todo" in plain


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_help_fits_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    todo = Terminal(monkeypatch, width=width)
    for line in ("--help", "help commands", "list -h", "edit -h", "db -h"):
        lines = todo.ok(line).splitlines()
        prose = [text for text in lines if not text.startswith("  todo ")]  # examples are never wrapped
        assert max(map(len, prose)) <= min(width, MAX_WIDTH), line


@pytest.mark.slow
def test_real_terminal_gets_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program asks the streams themselves, which no other test has."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "todocli", "help", "add"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        data = b""
        while part := _read(ours):
            data += part
    os.close(ours)
    assert process.returncode == 0, data
    assert b"\x1b[1mArguments:\x1b[0m" in data


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65_536)
    except OSError:  # how Linux reports that the other side is closed
        return b""
