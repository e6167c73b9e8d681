"""The commands claim and release."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.terminal import Terminal
from todocli.profiles import login_name


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    terminal = Terminal(monkeypatch)
    terminal.ok("add -", stdin="a\nb pri:high +x\nc +x\n")
    return terminal


def claimed(todo: Terminal, line: str) -> tuple[int, str]:
    found = json.loads(todo.ok(f"{line} --json"))
    return found["number"], found["claimed_by"]


def test_claimant_is_named_by_option_variable_or_profile(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert claimed(todo, "claim") == (2, login_name())
    monkeypatch.setenv("TODO_ACTOR", "agent-2")
    assert claimed(todo, "claim") == (1, "agent-2")
    assert claimed(todo, "claim --as agent-3") == (3, "agent-3")
    changes = json.loads(todo.ok("log --json"))["items"]
    assert [change["actor"] for change in changes[:3]] == ["agent-2", "agent-2", None]


def test_actor_is_in_the_log_of_every_change(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODO_ACTOR", "agent-1")
    todo.ok("done 1")
    assert "on the command line by agent-1" in todo.ok("log --color always")
    monkeypatch.setenv("TODO_ACTOR", "a" * 65)
    assert todo("add x").code == 2
    assert todo("list").code == 2


def test_nothing_left_to_claim_is_exit_3(todo: Terminal) -> None:
    for _ in range(3):
        todo.ok("claim")
    ran = todo("claim")
    assert (ran.code, ran.out) == (3, "")
    assert "There is nothing to claim." in ran.err
    assert todo.ok("list --where is:claimed -q").split() == ["2", "1", "3"]


def test_claim_takes_a_filter_or_a_number(todo: Terminal) -> None:
    assert todo.ok("claim +x -q") == "2\n"
    assert todo.ok("claim 1 -q") == "1\n"
    assert todo.ok("claim c -q") == "3\n"


def test_claim_of_a_number_says_why_not(todo: Terminal) -> None:
    todo.ok("claim 2 --as agent-1")
    held = todo("claim 2 --as agent-2")
    assert (held.code, "2 is claimed by 'agent-1' until" in held.err) == (4, True)
    todo.ok("done 1")
    assert (todo("claim 1").code, "1 is not open." in todo("claim 1").err) == (3, True)
    assert (todo("claim 9").code, "There is no todo 9." in todo("claim 9").err) == (3, True)
    todo.ok("edit 3 start:tomorrow")
    assert "3 cannot be claimed: it starts later" in todo("claim 3").err


def test_claim_under_the_same_name_is_prolonged(todo: Terminal) -> None:
    first = json.loads(todo.ok("claim 2 --as me --for 30min --json"))
    later = json.loads(todo.ok("claim 2 --as me --for 1d --json"))
    assert later["claimed_until"] > first["claimed_until"]


def test_two_without_a_name_do_not_share_a_claim(todo: Terminal) -> None:
    todo.ok("claim 2")
    assert todo("claim 2").code == 4


def test_claim_takes_a_range_but_no_uuid(todo: Terminal) -> None:
    assert todo.ok("claim 2-3 -q") + todo.ok("claim 2-3 -q") == "2\n3\n"
    assert todo("claim 2-3").code == 4
    ran = todo("claim 0199c0de-0000-7000-8000-000000000001")
    assert (ran.code, "A number is not a UUID." in ran.err) == (2, True)


def test_repeated_claim_is_one_claim(todo: Terminal) -> None:
    line = "claim --change 0199c0de-0000-7000-8000-000000000001 -q"
    assert [todo.ok(line), todo.ok("claim -q"), todo.ok(line)] == ["2\n", "1\n", "2\n"]
    assert todo("claim +x --change 0199c0de-0000-7000-8000-000000000001").code == 4


def test_release_ends_claims(todo: Terminal) -> None:
    todo.ok("claim")
    assert todo.ok("release 2 --color always").startswith("Released 2 b")
    assert "is not claimed" in todo.ok("release 2 --color always")
    assert todo("release 9").code == 3


def test_claims_are_shown(todo: Terminal) -> None:
    todo.ok("claim --as agent-1")
    assert "agent-1 until" in todo.ok("show 2 --color always")
    assert "agent-1 until" in todo.ok("list --columns number,claimed")
    assert "for agent-1" in todo.ok("log --color always")
    newest = todo.ok("log").splitlines()[0]
    assert newest.split("\t")[1:] == ["change", "claimed", "2", "b", "agent-1"]


def test_undo_skips_claims(todo: Terminal) -> None:
    todo.ok("edit 2 pri:low")
    todo.ok("claim 2")
    assert "changed priority of 2 b" in todo.ok("undo --color always")
    assert json.loads(todo.ok("show 2 --json"))["priority"] == "high"
    assert claimed(todo, "show 2") == (2, login_name())


def test_claim_lasts_from_a_second_to_a_year(todo: Terminal) -> None:
    for lease in ("0s", "366d"):
        assert "A claim lasts from a second to a year." in todo(f"claim --for {lease}").err
    for lease in ("1s", "1y"):
        todo.ok(f"claim --for {lease}")


@pytest.mark.parametrize("line", ["--for 0h", "--for 2y", "--for soon", "--as ''", "--for 9999y"])
def test_bad_claim_is_refused(todo: Terminal, line: str) -> None:
    assert todo(f"claim {line}").code == 2
    assert todo.ok("list --where is:claimed -q") == ""
