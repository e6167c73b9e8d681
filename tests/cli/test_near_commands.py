"""Lines that do not begin with a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.terminal import Terminal
from todocli.cli.near_commands import AFTER_NUMBERS, SYNONYMS


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    terminal = Terminal(monkeypatch)
    terminal.ok("add -", stdin="a\nb\n")
    return terminal


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    monkeypatch.setenv("NO_COLOR", "1")
    terminal = Terminal(monkeypatch, terminal=True)
    terminal.ok("add a")
    return terminal


@pytest.mark.parametrize(
    ("line", "usual"),
    [
        ("1 done", "done 1"),
        ("1 2 rm", "rm 1 2"),
        ("1-2 done -q", "done 1-2 -q"),
        ("1,2 done", "done 1 2"),
        ("done 1,2", "done 1 2"),
        ("1 edit pri:high", "edit 1 pri:high"),
        ("2", "show 2"),
        ("2 --fields number,title", "show 2 --fields number,title"),
        ("1 2", "show 1 2"),
        ("--profile local 2 show", "show 2"),
    ],
)
def test_numbers_may_stand_first(todo: Terminal, line: str, usual: str) -> None:
    first = todo.ok(line)
    assert first
    if "show" not in usual:
        todo.ok("undo")
    assert todo.ok(usual) == first


@pytest.mark.parametrize(
    ("line", "intended"),
    [
        ("del 1", "todo rm 1"),
        ("finish 1 2", "todo done 1 2"),
        ("mod 1 pri:high", "todo edit 1 pri:high"),
        ("search the bank", "todo list the bank"),
        ("und", "todo undo"),
        ("lst", "todo list"),
        ("tody", "todo today"),
        ("+bills due:week", "todo list +bills due:week"),
        ("--profile local remove 1", "todo --profile local rm 1"),
        ("DONE 1", "todo done 1"),
    ],
)
def test_pipe_names_the_command(todo: Terminal, line: str, intended: str) -> None:
    ran = todo(line)
    words = line.removeprefix("--profile local ").split()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == f"error: No such command {words[0]!r}.\n hint: Did you mean: {intended}\n"
    body = json.loads(todo(f"{line} --json").err)
    assert body["command"] == [*intended.split(), "--json"]
    assert todo.ok("list -q") == "1\n2\n"


def test_terminal_runs_it_after_enter(person: Terminal) -> None:
    asked = person("delete 1", stdin="\n")
    assert "No such command 'delete'. Run todo rm 1? [Y/n]:" in asked.err + asked.out
    assert "Removed 1 a · todo undo\n" in asked.out
    assert person("undelete 1", stdin="n\n").code != 0
    refused = person("und", stdin="n\n")
    assert refused.code == 5
    assert person("delete 1 --no-input").code == 2
    assert person.ok("trash -q") == "1\n"


@pytest.mark.parametrize("line", ["frobnicate", "profile frob", "1 frob"])
def test_unknown_word_stays_an_error(todo: Terminal, line: str) -> None:
    ran = todo(line)
    assert (ran.code, ran.out) == (2, "")
    assert "No such command" in ran.err
    assert "Did you mean" not in ran.err


def test_ambiguous_beginning_names_the_commands(todo: Terminal) -> None:
    hint = "It could be reopen, ready, release, restore or redo."
    assert todo("re").err == f"error: No such command 're'.\n hint: {hint}\n"


def test_every_word_stands_for_a_command(todo: Terminal) -> None:
    commands = set(todo.program.commands)
    assert {*SYNONYMS.values(), *AFTER_NUMBERS} <= commands
    assert not commands & set(SYNONYMS)


def test_numbers_and_quick_words_edit(todo: Terminal) -> None:
    assert todo.ok("1 due:2026-11-27 +bills") == "1\topen\ta\t2026-11-27\t\t\t+bills\n"
    assert todo.ok("1 note called the bank").startswith("1\t")
    assert todo("1 due:fri then").code == 2
    assert todo.ok("1 due:") == "1\topen\ta\t\t\t\t+bills\n"
