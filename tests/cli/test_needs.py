"""Todos that need others, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.terminal import Terminal


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal(monkeypatch)
    terminal.ok("add -", stdin="paint\nladder\n")
    terminal.ok("add fence needs:1,2")
    return terminal


@pytest.fixture
def person(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(monkeypatch, terminal=True)


def needs(todo: Terminal, number: int = 3) -> tuple[list[int], list[int]]:
    found = json.loads(todo.ok(f"show {number} --json"))
    return found["needs"], found["blocked_by"]


def test_needs_are_given_as_words_and_options(todo: Terminal) -> None:
    assert needs(todo) == ([1, 2], [1, 2])
    assert todo.ok("add roof --needs 3 --needs 1 -q") == "4\n"
    assert needs(todo, 4) == ([1, 3], [1, 3])
    todo.ok("edit 4 needs:2 needs:-1")
    assert needs(todo, 4)[0] == [2, 3]
    todo.ok("edit 4 --needs none")
    assert needs(todo, 4)[0] == []
    todo.ok("edit +x set needs:1 --yes")
    todo.ok("edit needs:1 set needs:none --yes")
    assert needs(todo)[0] == []


def test_ready_blocked_and_next_divide_the_list(todo: Terminal) -> None:
    assert todo.ok("ready -q").split() == ["1", "2"]
    assert todo.ok("blocked -q").split() == ["3"]
    todo.ok("edit 3 pri:high")
    assert todo.ok("next -q").split() == ["1"]
    assert todo.ok("list -q").split() == ["3", "1", "2"]
    assert todo.ok("list needs:2 -q") == todo.ok("list --needs 1 -q") == todo.ok("list is:blocked -q") == "3\n"
    assert todo.ok("list needs:none -q").split() == ["1", "2"]


def test_done_says_what_is_ready_now(todo: Terminal, person: Terminal) -> None:
    assert "ready" not in person("done 1").err
    assert "3 is ready now." in person("done 2").err
    assert "ready" not in person("done 2").err
    todo.ok("reopen 1-2")
    todo.ok("add roof needs:1")
    todo.ok("edit 3 needs:-2")
    assert "3 and 4 are ready now." in person("rm 1").err


def test_done_too_early_says_what_is_open_and_strict_refuses(todo: Terminal, person: Terminal) -> None:
    strict = person("done 3 --strict")
    assert (strict.code, "3 still needs 1, 2, which are open; nothing was changed." in strict.err) == (4, True)
    done = person("done 3")
    assert "todo undo" in done.out
    assert "3 needed 1, 2, which are still open." in done.err
    assert todo("done 1 2 --strict").code == 0


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("add x needs:9", 3, "no todo 9"),
        ("edit 1 needs:3", 2, "1 would need 3, which needs 1"),
        ("edit 1 needs:1", 2, "1 would wait for itself"),
        ("add x needs:-1", 2, "not the number of a todo"),
        ("add x needs:soon", 2, "not the number of a todo"),
        ("add x needs:0", 2, "not the number of a todo"),
        ("add x --needs 1;2", 2, "not the number of a todo"),
        ("add x depends:1", 2, "is written needs:"),
        ("list needs:x", 2, "not the number of a todo"),
        ("list is:late", 2, "is:blocked"),
    ],
)
def test_bad_needs_are_refused(todo: Terminal, line: str, code: int, message: str) -> None:
    before = todo.ok("list --all --json")
    ran = todo(line)
    assert (ran.code, message in ran.err) == (code, True), ran
    assert todo.ok("list --all --json") == before


def test_list_and_show_name_what_is_open(todo: Terminal, person: Terminal) -> None:
    todo.ok("done 1")
    assert "fence · needs 2 " in person.ok("list")
    lines = [line.split() for line in person.ok("show 3 --color never").splitlines()]
    place = lines.index(["Needs", "1", "paint", "·", "done"])
    assert lines[place + 1] == ["2", "ladder"]
    todo.ok("edit 3 needs:-1")
    assert "needs was 1, 2" in person.ok("log -n 1")


def test_undo_of_done_makes_others_wait_again(todo: Terminal) -> None:
    todo.ok("done 1-2")
    assert todo.ok("blocked -q") == ""
    todo.ok("undo")
    assert todo.ok("blocked -q") == "3\n"


def test_claim_leaves_out_what_waits_unless_it_is_named(todo: Terminal) -> None:
    todo.ok("edit 3 pri:high")
    assert todo.ok("claim -q") == "1\n"
    assert todo.ok("claim 3 -q") == "3\n"


@pytest.mark.parametrize("form", ["json", "jsonl", "taskwarrior"])
def test_exported_needs_are_imported_under_new_numbers(
    todo: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str
) -> None:
    todo.ok("add gone")
    todo.ok("edit 3 needs:4")
    todo.ok("rm 4")
    todo.ok(f"export {tmp_path}/x --format {form}")
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "other"))
    todo.ok("add mine")
    ran = todo(f"import {tmp_path}/x --format {form}")
    assert ("needs of todos that are not in the file (1)" in ran.err) == (form != "taskwarrior"), "task deletes it"
    found = {each["title"]: each for each in json.loads(todo.ok("list --json"))["items"]}
    assert found["fence"]["needs"] == sorted([found["paint"]["number"], found["ladder"]["number"]])
    assert "Imported before, and unchanged: 3" in todo(f"import {tmp_path}/x --format {form} --update").err


def test_export_of_some_todos_takes_no_needs_away(todo: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    todo.ok(f"export number:2-3 {file}")
    file.write_text(file.read_text().replace("fence", "gate"))
    assert todo.ok(f"import {file} --update").startswith("Updated 1 todo")
    assert needs(todo)[0] == [1, 2]


def test_editor_changes_needs(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "sed -i 's/^needs: 1, 2$/needs: 2/'")
    todo.ok("edit 3")
    assert needs(todo)[0] == [2]
    monkeypatch.setenv("EDITOR", "sed -i 's/^needs: 2$/needs:/'")
    todo.ok("edit 3")
    assert needs(todo)[0] == []
