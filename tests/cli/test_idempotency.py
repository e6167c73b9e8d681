"""`--change KEY`: the same line under the same key takes effect once, and another line is a conflict."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.support.terminal import Ran, Terminal
from todocli import clock
from todocli.services import todos

KEY = str(uuid.UUID(int=7))
REUSED = f"error: The id {KEY} was used before, for another change; nothing was changed."


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    """A pipe on the embedded database, with the todos 1 to 3."""
    terminal = Terminal(monkeypatch)
    terminal("add -", stdin="a\nb\nc\n")
    return terminal


def changes(todo: Terminal) -> int:
    count: int = json.loads(todo.ok("log --json --all"))["count"]
    return count


def is_reused(ran: Ran) -> bool:
    return (ran.code, ran.out, ran.err.splitlines()[0]) == (4, "", REUSED)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("add x", "add x"),
        ("add x", "add x --json"),
        ("add x", "add x --quiet"),
        ("add x --profile local", "add x"),
        ("add x", "add x --no-input --color never"),
        ("add -", "add - --fields number"),
        ("edit 1 Pay rent due:2030-01-01 +a", "edit 1 Pay rent due:2030-01-01 +a"),
        ("done 1 2", "done 2 1"),
        ("done 1 2", "done 1 2 1"),
        ("done --all --yes", "done --all"),
        ("edit --search b --yes set due:2030-01-01", "edit set due:2030-01-01 --search b"),
        ("rm 1-2", "rm 1-2 --jsonl"),
    ],
)
def test_same_request_is_one_change(todo: Terminal, first: str, again: str) -> None:
    ran = todo(f"{first} --change {KEY}", stdin="x\ny\n")
    assert (ran.code, ran.err) == (0, "")
    before = todo.ok("list --all --json") + todo.ok("trash --json")
    assert todo(f"{again} --change {KEY}", stdin="x\ny\n").code == 0
    assert todo.ok("list --all --json") + todo.ok("trash --json") == before
    assert changes(todo) == 2
    assert todo.ok(f"{first} --change {KEY}", stdin="x\ny\n") == ran.out


@pytest.mark.parametrize(
    ("first", "other"),
    [
        ("add x", "add y"),
        ("add x", "add x -d more"),
        ("add x", "add x +a"),
        ("add x +a", "add x --literal +a"),
        ("add x", "edit 1 x"),
        ("edit 1 -t x", "edit 1 -t y"),
        ("edit 1 -t x", "edit 2 -t x"),
        ("edit 1 -t x", "edit 1 x"),
        ("done 1", "done 1 2"),
        ("done 1", "rm 1"),
        ("done 1", "reopen 1"),
        ("done 1", "done --search a --yes"),
        ("done --search a --yes", "done --search a --no-tag x --yes"),
        ("done 1", "undo"),
        ("undo", "undo 2"),
        ("undo", "redo"),
        ("rm 1", "purge --yes"),
    ],
)
def test_other_request_under_same_key_is_conflict(todo: Terminal, first: str, other: str) -> None:
    todo.ok(f"{first} --change {KEY}")
    before = todo.ok("list --all --json") + todo.ok("trash --json") + todo.ok("log --json")
    assert is_reused(todo(f"{other} --change {KEY}"))
    assert todo.ok("list --all --json") + todo.ok("trash --json") + todo.ok("log --json") == before


def test_stdin_is_part_of_request(todo: Terminal) -> None:
    todo.ok(f"add - --change {KEY}", stdin="x\ny\n")
    assert is_reused(todo(f"add - --change {KEY}", stdin="x\nz\n"))


def test_edit_tomorrow_repeated_after_midnight_is_one_change(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def at(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)
        monkeypatch.setattr(todos, "now", lambda: moment)
        monkeypatch.setattr(clock, "today", moment.date)

    at(datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC))
    first = todo.ok(f"edit 1 due:tomorrow --change {KEY}")
    assert first == "1\topen\ta\t2026-11-24\n"
    at(datetime(2026, 11, 24, 0, 0, 1, tzinfo=UTC))
    assert todo.ok(f"edit 1 due:tomorrow --change {KEY}") == first
    assert is_reused(todo(f"edit 1 due:2026-11-24 --change {KEY}"))
    assert changes(todo) == 2


def test_change_of_nothing_leaves_key_unused(todo: Terminal) -> None:
    todo.ok("done 1")
    assert todo.ok(f"done 1 --change {KEY} -q") == "1\n"
    assert todo.ok(f"done --tag nothing --change {KEY}") == ""
    assert todo(f"done 99 --change {KEY}").code == 3
    assert changes(todo) == 2
    assert todo.ok(f"rm 2 --change {KEY} -q") == "2\n"
    assert is_reused(todo(f"done 1 --change {KEY}"))


def test_retry_answers_with_todos_as_they_are_now(todo: Terminal) -> None:
    todo.ok(f"add x --change {KEY}")
    todo.ok("edit 4 -t y")
    assert todo.ok(f"add x --change {KEY}") == "4\topen\ty\n"
    todo.ok("rm 4")
    assert todo.ok(f"add x --change {KEY}") == "4\ttrash\ty\n"


@pytest.mark.parametrize("line", ["add x", "done 1", "edit 1 -t x", "rm 1", "done --search a --yes", "undo"])
def test_retry_after_purge_says_already_applied(todo: Terminal, line: str) -> None:
    todo.ok(f"{line} --change {KEY}")
    todo("rm --all --yes")
    todo.ok("purge --yes")
    ran = todo(f"{line} --change {KEY}")
    assert (ran.code, ran.out, ran.err) == (0, "", "Already applied; those todos have since been purged.\n")
    assert json.loads(todo.ok(f"{line} --change {KEY} --json"))["items"] == []


def test_retry_at_terminal_suggests_no_undo(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    person = Terminal(monkeypatch, terminal=True)
    assert person.ok(f"done 1 --change {KEY}") == "Done 1 a · todo undo\n"
    assert person.ok(f"done 1 --change {KEY}") == "Done 1 a\n"


def test_reused_key_as_json_names_field(todo: Terminal) -> None:
    todo.ok(f"add x --change {KEY}")
    body = json.loads(todo(f"add y --change {KEY} --json").err)
    assert (body["error_code"], [error["field"] for error in body["field_errors"]]) == ("CONFLICT", ["change"])
