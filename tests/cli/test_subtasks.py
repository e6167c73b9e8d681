"""Subtasks, on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.terminal import Terminal


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal(monkeypatch)
    for line in ("bath", "tiles under:1", "floor --parent 1", "grout parent:3", "shed"):
        terminal.ok(f"add {line}")
    return terminal


@pytest.fixture
def person(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(monkeypatch, terminal=True)


def parent(todo: Terminal, number: int) -> object:
    return json.loads(todo.ok(f"show {number} --json"))["parent"]


def test_parents_are_given_as_words_and_options(todo: Terminal) -> None:
    assert [parent(todo, number) for number in (1, 2, 3, 4)] == [None, 1, 1, 3]
    todo.ok("edit 2 under:5")
    assert parent(todo, 2) == 5
    todo.ok("edit 2 --parent none")
    assert parent(todo, 2) is None
    todo.ok("edit 2 5 under:1")
    assert (parent(todo, 2), parent(todo, 5)) == (1, 1)
    todo.ok("edit under:3 set under: --yes")
    assert parent(todo, 4) is None


def test_filters_find_subtasks(todo: Terminal) -> None:
    assert todo.ok("list under:1 -q").split() == todo.ok("list --parent 1 -q").split() == ["2", "3", "4"]
    assert todo.ok("list under:none -q").split() == ["1", "5"]


def test_tree_shows_subtasks_below_their_parents(todo: Terminal, person: Terminal) -> None:
    todo.ok("edit 4 pri:high")
    todo.ok("done 2")
    shown = person.ok("list --tree --columns number,title --color never")
    assert [line.rstrip() for line in shown.splitlines()[2:6]] == [
        "1   bath (1/2)",
        "3   └─ floor (0/1)",
        "4      └─ grout",
        "5   shed",
    ]
    assert "grout · under 3" in person.ok("list")
    assert "tiles · under 1" in person.ok("list --tree --completed"), "its parent is not in this list"


def test_first_lines_of_a_tree_begin_at_its_root(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.ok("edit 4 due:yesterday pri:high")
    rows = Terminal(monkeypatch, terminal=True).ok("list --tree -n 3 --columns title --color never").splitlines()
    assert [row.rstrip() for row in rows[2:]] == ["bath (0/2)", "├─ tiles", "└─ floor (0/1)"]
    short = Terminal(monkeypatch, terminal=True, lines=9)("list --tree --columns title --color never")
    assert [row.rstrip() for row in short.out.splitlines()[2:]] == ["bath (0/2)", "├─ tiles", "└─ floor (0/1)"]
    assert "5 open · 1 overdue" in short.err
    assert "2 more: todo list --tree" in short.err


def test_branches_show_which_subtask_is_the_last(todo: Terminal, person: Terminal) -> None:
    todo.ok("add sand under:4")
    todo.ok("add paint under:1")
    shown = person.ok("list --tree --columns title")
    assert [line.rstrip() for line in shown.splitlines()[2:8]] == [
        "bath (0/3)",
        "├─ tiles",
        "├─ floor (0/1)",
        "│  └─ grout (0/1)",
        "│     └─ sand",
        "└─ paint",
    ]


def test_removal_and_restore_say_what_goes_along(todo: Terminal, person: Terminal) -> None:
    assert "Removed 1 bath · with 3 subtasks" in person.ok("rm 1")
    assert todo.ok("trash -q").split() == ["1", "2", "3", "4"]
    assert "Restored 3 floor · with 1 subtask" in person.ok("restore 3")
    assert todo.ok("list -q").split() == ["3", "4", "5"]


def test_dry_run_names_what_would_go_along(todo: Terminal, person: Terminal) -> None:
    assert "Would move to the trash: 4 grout" in person.ok("rm 1 --dry-run")
    assert todo.ok("trash -q") == ""


def test_done_too_early_says_what_is_open_and_strict_refuses(todo: Terminal, person: Terminal) -> None:
    strict = person("done 1 --strict")
    assert (strict.code, "1 has the subtasks 2, 3, which are open; nothing was changed." in strict.err) == (4, True)
    done = person("done 3")
    assert "todo undo" in done.out
    assert "3 has the subtask 4, which is still open." in done.err
    assert todo("done 2 1 --with-children --strict").code == 0
    assert todo.ok("list -q").split() == ["5"]


def test_retry_with_children_is_another_request(todo: Terminal) -> None:
    change = "--change 019a1b2c-3d4e-7f50-8a6b-7c8d9e0f1a2b"
    todo.ok(f"done 1 {change}")
    assert todo(f"done 1 --with-children {change}").code == 4


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("add x under:9", 3, "no todo 9"),
        ("edit 1 under:4", 2, "1 would be a subtask of itself: 1 under 4 under 3 under 1"),
        ("edit 1 under:1", 2, "1 would be a subtask of itself"),
        ("add x under:bridge", 2, "not the number of a todo"),
        ("add x under:1 under:2", 2, "given twice"),
        ("list under:x", 2, "not the number of a todo"),
        ("list --tree --group tag", 2, "cannot be combined"),
    ],
)
def test_bad_parents_are_refused(todo: Terminal, line: str, code: int, message: str) -> None:
    before = todo.ok("list --all --json")
    ran = todo(line)
    assert (ran.code, message in ran.err) == (code, True), ran
    assert todo.ok("list --all --json") == before


def test_show_and_log_name_parent_and_subtasks(todo: Terminal, person: Terminal) -> None:
    todo.ok("done 2")
    assert [line.split() for line in person.ok("show 1 --color never").splitlines()[2:4]] == [
        ["Subtasks", "2", "tiles", "·", "done"],
        ["3", "floor"],
    ]
    assert ["Under", "1", "bath"] in [line.split() for line in person.ok("show 3 --color never").splitlines()]
    todo.ok("edit 3 under:5")
    assert "under was 1" in person.ok("log -n 1")


def test_subtasks_below_one_that_was_done_are_counted(todo: Terminal, person: Terminal) -> None:
    todo.ok("done 3")
    assert "Done 1 bath · with 2 subtasks" in person.ok("done 1 --with-children")
    todo.ok("undo")
    assert "Removed 5 shed · todo undo\nwith 3 subtasks" in person.ok("rm 1 5 --color never")


def test_next_occurrence_shows_its_subtasks(todo: Terminal, person: Terminal) -> None:
    todo.ok("edit 1 every:day due:today")
    assert "next 6 (0/2), due" in person.ok("done 1")


def test_next_occurrence_of_a_subtask_is_named(todo: Terminal, person: Terminal) -> None:
    todo.ok("edit 1 2 due:today")
    todo.ok("edit 1 every:week")
    todo.ok("edit 2 every:day")
    first, second = person.ok("done 1 --with-children --color never").splitlines()
    assert (first[:11], "with 3 subtasks" in first) == ("Done 1 bath", True)
    assert second.startswith("2 tiles · next 7, due"), "the parent of that is 6"


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "tsv", "ics", "todotxt"])
def test_exported_parents_are_imported_under_new_numbers(
    todo: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, form: str
) -> None:
    before = tree_of(todo)
    todo.ok(f"export {tmp_path}/x --format {form}")
    assert "Imported before, and unchanged" in todo(f"import {tmp_path}/x --format {form} --update").err
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "other"))
    todo.ok("add mine")
    todo.ok(f"import {tmp_path}/x --format {form}")
    assert tree_of(todo) == before | {"mine": None}
    assert "Imported before, and unchanged" in todo(f"import {tmp_path}/x --format {form} --update").err


def test_exported_markdown_is_imported_as_the_same_tree(
    todo: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = tree_of(todo)
    todo.ok(f"export {tmp_path}/x.md")
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "other"))
    todo.ok(f"import {tmp_path}/x.md")
    assert tree_of(todo) == before
    assert "Imported before, and unchanged: 5" in todo(f"import {tmp_path}/x.md --update").err


def test_taskwarrior_has_no_place_for_parents(todo: Terminal, tmp_path: Path) -> None:
    assert "parent (3)" in todo(f"export {tmp_path}/x.json --format taskwarrior").err


def tree_of(todo: Terminal) -> dict[str, str | None]:
    """Return the titles of all todos, with those of their parents."""
    todos = {each["number"]: each for each in json.loads(todo.ok("list --all --json"))["items"]}
    return {each["title"]: todos[each["parent"]]["title"] if each["parent"] else None for each in todos.values()}


def test_long_titles_hang_beside_their_branches(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Terminal(monkeypatch, terminal=True, width=30)
    todo.ok("edit 3 浴室の床のタイルを全部張り替える")
    todo.ok("edit 4 Mix the grout until it is smooth")
    shown = person.ok("list --tree --columns title --color never")
    assert [line.rstrip() for line in shown.splitlines()[2:]] == [
        "bath (0/2)",
        "├─ tiles",
        "└─ 浴室の床のタイルを全部張り",
        "   替える (0/1)",
        "   └─ Mix the grout until it",
        "      is smooth",
        "shed",
    ]
