"""Lines that begin with an alias, or with the name of a view."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.terminal import Terminal
from todocli import config_file
from todocli.completion.answer import answer

FILE = """\
[views]
week = "+bills"
inbox = "+never"
list = "+never"

[aliases]
inbox = "list project:none"
all = "list --json --all"
new = "add +home"
up = "db current"
list = "trash"
twice = "inbox"
open = "list 'a"
empty = ""
option = "--profile local list"
"""
IGNORED = 'warning: config.toml: "aliases.list" is ignored: list is a command\n'


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, home: Path, embedded_file: Path) -> Terminal:
    terminal = Terminal(monkeypatch)
    terminal.ok("add -", stdin="Buy milk\nPay rent +bills\nPaint +home project:house\n")
    write(home, FILE)
    return terminal


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, todo: Terminal) -> Terminal:
    monkeypatch.setenv("NO_COLOR", "1")
    return Terminal(monkeypatch, terminal=True)


def write(home: Path, text: str) -> None:
    (home / "config.toml").write_text(text)
    (home / "config.toml").chmod(0o600)


@pytest.mark.parametrize(
    ("line", "usual"),
    [
        ("inbox", "list project:none"),
        ("inbox +bills -q", "list project:none +bills -q"),
        ("--json inbox", "list project:none --json"),
        ("--profile local inbox --jsonl", "list project:none --jsonl"),
        ("all", "list --all --json"),
        ("up", "db current"),
        ("week", "view week"),
        ("week rent", "view week rent"),
        ("--json week", "view week --json"),
        ("week --fields title", "view week --fields title"),
        ("list", "list"),
    ],
)
def test_first_word_stands_for_a_line(todo: Terminal, line: str, usual: str) -> None:
    ran = todo(line)
    assert (ran.code, ran.out) == (0, todo.ok(usual))
    assert ran.out


def test_alias_takes_more_words(todo: Terminal) -> None:
    assert json.loads(todo.ok("new Sweep --json"))["tags"] == ["home"]


def test_alias_shows_the_help_of_its_command(todo: Terminal) -> None:
    assert todo.ok("inbox --help") == todo.ok("list --help")


def test_alias_with_the_name_of_a_command_is_ignored(todo: Terminal) -> None:
    assert todo("list").err == IGNORED
    assert todo("list --json").err == ""


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("twice", "must begin with a command, not 'inbox'"),
        ("open", "cannot be split into words: no closing quotation"),
        ("empty", "is empty"),
        ("option", "must begin with a command, not '--profile'"),
    ],
)
def test_alias_that_is_no_line_is_an_error(todo: Terminal, home: Path, name: str, fault: str) -> None:
    ran = todo(f"{name} --json")
    body = json.loads(ran.err)
    assert (ran.code, ran.out, body["error_code"]) == (2, "", "VALIDATION_ERROR")
    assert body["detail"] == f"{home / 'config.toml'}: aliases.{name} {fault}."
    assert [error["field"] for error in body["field_errors"]] == [f"aliases.{name}"]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("a = 7", '"aliases.a" is ignored: it must be text, in quotes'),
        ('"+a" = "list"', '"aliases.+a" is ignored: its name must have 1 to 64 characters'),
    ],
)
def test_alias_of_another_form_is_ignored(todo: Terminal, home: Path, text: str, warning: str) -> None:
    write(home, f"[aliases]\n{text}\n")
    assert todo("list").err.startswith(f"warning: config.toml: {warning}")


def test_numbers_come_before_aliases(todo: Terminal, home: Path) -> None:
    write(home, '[aliases]\n1 = "list"\n[views]\n2 = "+home"\n')
    assert todo.ok("1 -q") == "1\n"
    assert todo.ok("2 -q") == "2\n"


def test_retry_command_is_the_line_that_ran(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    from todocli.errors import OutcomeUnknown
    from todocli.services.todos import Todos

    def lose(*_: Any, **__: Any) -> None:
        raise OutcomeUnknown("The answer was lost.")

    monkeypatch.setattr(Todos, "add", lose)
    change = "6f1c1e0e-6f0b-4d6e-9a52-0d1f3a4b5c6d"
    ran = todo(f"--change {change} new Sweep --json")
    assert json.loads(ran.err)["command"] == ["todo", "--change", change, "add", "+home", "Sweep", "--json"]


def test_misspelt_alias_or_view_is_named(todo: Terminal, person: Terminal) -> None:
    assert todo("wek +a").err.startswith("error: No such command 'wek'.\n hint: Did you mean: todo week +a\n")
    assert todo("inb").err.startswith("error: No such command 'inb'.\n hint: Did you mean: todo inbox\n")
    asked = person("inb", stdin="\n")
    assert "Run todo inbox? [Y/n]:" in asked.out + asked.err
    assert "Buy milk" in asked.out
    assert "Paint" not in asked.out


@pytest.mark.parametrize(
    ("name", "what"), [("done", "a command"), ("config", "a command"), ("rm", "a command"), ("inbox", "an alias")]
)
def test_view_cannot_take_the_name_of_a_command_or_alias(todo: Terminal, name: str, what: str) -> None:
    ran = todo(f"view save {name} +a")
    assert ran.code == 2
    assert ran.err.startswith(f"error: A view cannot be called {name}: that is {what}.\n hint: Choose another name.\n")


def test_help_has_aliases_in_a_panel(todo: Terminal, home: Path) -> None:
    shown = todo("--help")
    assert "\nAliases:\n  inbox   todo list project:none\n" in shown.out
    assert "trash\n  twice" not in shown.out
    assert shown.err == ""
    for text in ("", "[views]\nweek = '+a'\n", "[aliases"):
        write(home, text)
        assert "Aliases:" not in todo.ok("--help")


def test_configuration_is_not_read_for_a_command_that_needs_none(
    todo: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    really_read = config_file.read

    def note(path: Path) -> dict[str, Any]:
        read.append(path)
        return really_read(path)

    monkeypatch.setattr(config_file, "read", note)
    todo.ok("help dates")
    assert todo("list --frob").code == 2
    assert read == []
    todo.ok("inbox")
    assert len(read) == 1


def test_words_after_a_view_narrow_it(todo: Terminal) -> None:
    todo.ok("add a project:office")
    todo.ok("add b project:office/api")
    todo("view save office project:office")
    every, inner = todo.ok("list project:office -q"), todo.ok("list project:office/api -q")
    assert todo.ok("office -q") == every
    assert todo.ok("office project:office/api -q") == todo.ok("view office project:office/api -q") == inner != every
    assert todo.ok("office --sort -number -q").split() == every.split()[::-1]


@pytest.mark.parametrize(
    ("begun", "offered"),
    [("inb", ["inbox"]), ("we", ["week"]), ("tw", ["twice"]), ("li", ["list"]), ("zz", [])],
)
def test_completion_offers_aliases_and_views_where_no_command_begins_so(
    todo: Terminal, begun: str, offered: list[str]
) -> None:
    found = answer({"_TODO_COMPLETE": "complete_bash", "_TYPER_COMPLETE_ARGS": f"todo {begun}"})
    assert found is not None
    assert found.split() == offered
