"""Todos that repeat, on the command line."""

from __future__ import annotations

import json
import uuid
from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.support.terminal import Terminal
from todocli import clock


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(monkeypatch)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    return Terminal(monkeypatch, terminal=True)


def shown(todo: Terminal, number: int) -> dict[str, object]:
    found: dict[str, object] = json.loads(todo.ok(f"show {number} --json"))
    return found


@pytest.mark.parametrize(
    ("line", "title", "expected"),
    [
        ("add Water every:3d", "Water", ("3d", None, None, None)),
        ("add Water every:month on 31 +home", "Water", ("month on 31", None, None, None)),
        ("add Water plants every:2w on mon,thu", "Water plants", ("2w on mon,thu", None, None, None)),
        (["add", "every:month on 31", "Water"], "Water", ("month on 31", None, None, None)),
        (["add", "Water the plants every:week-on-fri please"], "Water the plants please", ("fri", None, None, None)),
        ("add Water --every weekday --times 3", "Water", ("weekday", None, None, 3)),
        ("add Water again:2w ends:2099-01-01", "Water", (None, "2w", "2099-01-01", None)),
        (["add", "Water", "--every", "FREQ=MONTHLY;BYDAY=-1FR"], "Water", ("month on last fri", None, None, None)),
        ("add every: thing", "every: thing", (None, None, None, None)),
        ("add Water every:3d --literal", "Water every:3d", (None, None, None, None)),
    ],
)
def test_words_and_options_make_a_todo_repeat(
    todo: Terminal, line: str, title: str, expected: tuple[object, ...]
) -> None:
    todo.ok(line)
    found = shown(todo, 1)
    assert found["title"] == title
    assert tuple(found[name] for name in ("every", "again", "ends_on", "times")) == expected


def test_done_says_what_is_next(todo: Terminal, person: Terminal) -> None:
    today = clock.today()
    todo.ok(f"add Water every:3d due:{today - timedelta(days=7)}")
    assert "next 2, due" in (out := person("done 1").out)
    assert "(skipped 2)" in out
    assert shown(todo, 2)["due_on"] == str(today + timedelta(days=2))
    assert "Undone: done 1 Water and 1 more" in person("undo").out
    assert todo.ok("list -q") == "1\n"
    assert "next 2, due" in person("done 1").out


def test_edit_repeats_otherwise_or_no_longer(todo: Terminal, person: Terminal) -> None:
    todo.ok("add Water due:2099-01-31")
    todo.ok("edit 1 every:month times:4")
    assert (shown(todo, 1)["every"], shown(todo, 1)["times"]) == ("month on 31", 4)
    todo.ok("edit 1 --every none")
    assert "repeats was month on 31" in person.ok("log -n 1")
    assert (shown(todo, 1)["every"], shown(todo, 1)["times"]) == (None, None)


def test_edit_is_for_one_or_for_the_series(todo: Terminal, person: Terminal) -> None:
    note = "Only this one changed, not what follows. To change that as well, add --series."
    todo.ok("add Water the plants every:week due:2099-01-05")
    edited = person("edit 1 Water the ferns pri:high")
    assert note in edited.err + edited.out
    assert "title “Water the plants”, priority none" in person.ok("show 1")
    for line in ("edit 1 due:2099-01-06", "edit 1 Water the palms --series"):
        edited = person(line)
        assert note not in edited.err + edited.out, line
    assert shown(todo, 1)["series_values"] == {"priority": None, "due_on": "2099-01-05"}
    todo.ok("done 1")
    later = shown(todo, 2)
    assert (later["title"], later["priority"], later["due_on"]) == ("Water the palms", None, "2099-01-12")


def test_edit_by_filter_is_for_these_or_for_the_series(todo: Terminal, person: Terminal) -> None:
    for _ in range(2):
        todo.ok("add Water every:week due:2099-01-05 +x")
    edited = person("edit +x set pri:high --yes")
    assert "Only these changed, not what follows." in edited.err + edited.out
    todo.ok("edit +x set pri:high --series --yes")
    assert [shown(todo, number)["series_values"] for number in (1, 2)] == [None, None]


def test_change_of_an_edited_occurrence_is_not_that_of_its_series(todo: Terminal) -> None:
    todo.ok("add Water every:week due:2099-01-05")
    change = uuid.uuid4()
    todo.ok(f"edit 1 Ferns --change {change}")
    assert todo(f"edit 1 Ferns --series --change {change}").code == 4
    assert todo(f"edit 1 Ferns --change {change}").code == 0


@pytest.mark.parametrize(("option", "later"), [("", "Water"), ("--series", "Ferns")])
def test_editor_changes_one_or_the_series(
    todo: Terminal, monkeypatch: pytest.MonkeyPatch, option: str, later: str
) -> None:
    todo.ok("add Water every:week due:2099-01-05")
    monkeypatch.setenv("EDITOR", "sed -i 's/^Water$/Ferns/'")
    todo.ok(f"edit 1 {option}")
    todo.ok("done 1")
    assert [shown(todo, number)["title"] for number in (1, 2)] == ["Ferns", later]


def test_log_and_undo_show_what_was_changed_for_the_series(todo: Terminal, person: Terminal) -> None:
    todo.ok("add Water every:week due:2099-01-05")
    todo.ok("edit 1 Ferns")
    newest = person.ok("log -n 1")
    assert "title was “Water”" in newest
    assert "series" not in newest
    todo.ok("edit 1 Ferns --series")
    assert "series was title “Water”" in person.ok("log -n 1")
    assert "1 series: none → title “Water”" in person.ok("undo --dry-run")


def test_skip_moves_on_and_is_undone(todo: Terminal) -> None:
    todo.ok("add Water every:week due:2099-01-01")
    todo.ok("skip 1")
    assert (shown(todo, 1)["due_on"], shown(todo, 1)["series_place"]) == ("2099-01-08", 1)
    todo.ok("undo")
    assert shown(todo, 1)["due_on"] == "2099-01-01"


def test_dry_run_of_skip_checks_and_changes_nothing(todo: Terminal) -> None:
    todo.ok("add Water every:week due:2099-01-01")
    todo.ok("add Once")
    before = todo.ok("list --json") + todo.ok("log --json")
    assert todo.ok("skip 1 --dry-run -q") == "1\n"
    assert "2 does not repeat" in todo("skip 1 2 --dry-run").err
    assert todo.ok("list --json") + todo.ok("log --json") == before


def test_dry_run_says_when_the_next_would_be_due(todo: Terminal, person: Terminal) -> None:
    todo.ok("add Water every:week due:2099-01-01")
    assert "Would skip: 1 Water · then due Thu 8 Jan 2099" in person.ok("skip 1 --dry-run")
    for line in ("done 1 --dry-run", "done every:any --dry-run"):
        assert "Would complete: 1 Water · then due Thu 8 Jan 2099" in person.ok(line)
    assert "then" not in person.ok("rm 1 --series --dry-run")
    assert todo.ok("list --all -q") == "1\n"


def test_series_of_what_does_not_repeat_is_noted(todo: Terminal, person: Terminal) -> None:
    todo.ok("add Once")
    todo.ok("add Twice")
    assert "1 does not repeat, so --series made no difference." in person("edit 1 --series pri:high").err
    assert "None of these repeats, so --series" in person("edit 1-2 --series pri:low").err
    todo.ok("edit 2 every:week")
    assert "no difference" not in person("edit 1-2 --series pri:high").err


def test_skip_of_one_for_someday_gives_it_its_next_date(todo: Terminal) -> None:
    todo.ok("add Water every:week due:2099-01-01")
    todo.ok("edit 1 due:someday")
    todo.ok("skip 1")
    assert (shown(todo, 1)["due_on"], shown(todo, 1)["is_someday"]) == ("2099-01-08", False)


def test_skip_of_one_in_the_trash_says_so(todo: Terminal) -> None:
    todo.ok("add Water every:week due:2099-01-01")
    todo.ok("rm 1 --series")
    ran = todo("skip 1")
    assert (ran.code, "1 is in the trash." in ran.err) == (3, True), ran


def test_removed_series_has_no_next(todo: Terminal) -> None:
    todo.ok("add Water every:week due:2099-01-01")
    todo.ok("rm 1")
    assert todo.ok("list -q") == "2\n"
    todo.ok("rm 2 --series")
    assert todo.ok("list -q") == ""


def test_change_of_a_removed_occurrence_is_not_that_of_its_series(todo: Terminal) -> None:
    todo.ok("add Water every:week due:2099-01-01")
    change = uuid.uuid4()
    todo.ok(f"rm 1 --change {change}")
    assert todo(f"rm 1 --series --change {change}").code == 4
    assert todo(f"rm 1 --change {change}").code == 0


def test_upcoming_computes_dates(todo: Terminal, person: Terminal) -> None:
    start = clock.today() + timedelta(days=1)
    todo.ok(f"add Water every:week due:{start} 09:30")
    todo.ok(f"add Shave again:3d due:{start} times:2")
    todo.ok("add Once")
    found = json.loads(todo.ok("upcoming --until 2w --json"))
    dates = [(each["number"], date.fromisoformat(each["on"]) - start, each["place"]) for each in found["items"]]
    day = timedelta(days=1)
    assert dates == [(1, 0 * day, 1), (2, 0 * day, 1), (2, 3 * day, 2), (1, 7 * day, 2)]
    assert todo.ok("upcoming --until 1d shave") == f"{start}\t2\tShave\n"
    assert "09:30" in person.ok("upcoming")
    assert "Nothing repeats. To make a todo repeat: todo edit 12 every:week" in person("upcoming once").err
    assert "Nothing repeats until " in person("upcoming shave --until today").err


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("add x every:foo", 2, "'foo' is not a repetition"),
        ("add x every:week every:day", 2, "every is given twice"),
        ("add x every:week again:3d", 2, "Every and again exclude each other."),
        ("add x ends:fri", 2, "Only a todo that repeats has an end"),
        ("add x every:week times:0", 2, "not a number of times"),
        ("add x every:week due:someday", 2, "no date that could repeat"),
        ("add x every:week due:2099-01-05 ends:2099-01-04", 2, "It ends before it begins"),
        ("add x due:every week", 2, "every:week"),
        ("edit 1-2 every:week", 2, "Only one todo at a time"),
        ("edit +x set every:week --yes", 2, "Only one todo at a time"),
        ("edit +x --every week", 2, "Only one todo at a time"),
        ("list every:week", 2, "every:any"),
        ("skip 1", 2, "1 does not repeat"),
        ("skip 9", 3, "no todo 9"),
        ("upcoming --until soonish", 2, "not a day"),
    ],
)
def test_bad_repetition_is_refused(todo: Terminal, line: str, code: int, message: str) -> None:
    todo.ok("add a +x")
    todo.ok("add b +x")
    before = todo.ok("list --all --json")
    ran = todo(line)
    assert (ran.code, message in ran.err) == (code, True), ran
    assert todo.ok("list --all --json") == before


def test_list_and_show_say_how_it_repeats(todo: Terminal, person: Terminal) -> None:
    todo.ok("add Water every:mon,thu times:5")
    assert "Water · every mon,thu" in person.ok("list")
    assert "every Monday and Thursday, 5 times (number 1)" in person.ok("show 1")
    assert todo.ok("list every:any -q") == "1\n"
    assert todo.ok("list every:none -q") == ""
    assert todo.ok("list --columns every") == "every mon,thu\n"


def test_editor_changes_how_it_repeats(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.ok("add Water every:mon due:2099-01-05")
    monkeypatch.setenv("EDITOR", "sed -i 's/^every: mon$/every: 2w on mon/'")
    todo.ok("edit 1")
    assert shown(todo, 1)["every"] == "2w on mon"
    monkeypatch.setenv("EDITOR", "sed -i 's/^every: .*$/every:/;s/^again:$/again: 3d/'")
    todo.ok("edit 1")
    assert (shown(todo, 1)["every"], shown(todo, 1)["again"]) == (None, "3d")


def test_format_that_cannot_hold_a_repetition_says_so(todo: Terminal, tmp_path: Path) -> None:
    todo.ok("add Water every:week due:2099-01-05 times:3")
    todo.ok("add Pay every:week due:2099-01-05")
    exported = todo(f"export {tmp_path}/x.md")
    assert (exported.code, "Markdown has no place for repetition (1)" in exported.err) == (0, True)


def test_json_with_repetition_is_imported_and_comes_back_after_undo(
    todo: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo.ok("add Water every:week due:2099-01-05 times:3")
    todo.ok("done 1")
    assert "no place" not in todo(f"export {tmp_path}/all.json").err
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "other"))
    imported = todo(f"import {tmp_path}/all.json")
    assert (imported.code, "no place" in imported.err) == (0, False)
    assert [shown(todo, number)["series_place"] for number in (1, 2)] == [1, 2]
    todo.ok("undo")
    assert "Would come back from the trash: 2\n" in todo(f"import {tmp_path}/all.json --dry-run").err
    again = todo(f"import {tmp_path}/all.json")
    assert again.out == "Imported 0 todos from JSON of todo · todo undo\n"
    assert "Came back from the trash: 2\n" in again.err
    assert [shown(todo, number)["times"] for number in (1, 2)] == [3, 3]


def test_history_with_repetition_is_restored(todo: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.ok("add Water every:week due:2099-01-05 times:3")
    todo.ok("done 1")
    todo.ok("edit 2 Ferns due:2099-01-13")
    todo.ok(f"export --history {tmp_path}/all.json")
    before = todo.ok(
        "list --all --jsonl --fields number,due_on,rrule,times,series_place,repeat_on,series_id,series_values"
    )
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "other"))
    todo.ok(f"import --restore {tmp_path}/all.json")
    assert (
        todo.ok("list --all --jsonl --fields number,due_on,rrule,times,series_place,repeat_on,series_id,series_values")
        == before
    )
    assert shown(todo, 2)["series_values"] == {"title": "Water", "due_on": "2099-01-12"}
    todo.ok("undo 2")
    assert todo.ok("list -q") == "1\n"


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.csv", "a.tsv", "a.ics", "a.txt", "taskwarrior"])
def test_export_that_is_imported_again_changes_no_todo_that_repeats(todo: Terminal, tmp_path: Path, name: str) -> None:
    todo.ok("add Water every:mon due:2099-01-05 times:9 ends:2099-12-01")
    todo.ok("done 1")
    todo.ok("edit 2 due:2099-01-14")
    todo.ok("add Walk again:3d start:2099-01-05 times:4")
    todo.ok("add Rent every:FREQ=MONTHLY;BYDAY=-1FR due:2099-01-30T09:30 ends:2099-12-01")
    todo.ok("add Pay every:month-on-31 due:2099-01-31 start:2099-01-20")
    todo.ok("add Report every:2w due:2099-01-06")
    before = todo.ok("list --all --jsonl")
    path = tmp_path / name
    form = "" if "." in name else f" --format {name}"
    todo.ok(f"export {path}{form}")
    imported = todo(f"import {path}{form} --update")
    assert (imported.code, todo.ok("list --all --jsonl")) == (0, before)
    assert "Imported before, and unchanged: 6\n" in imported.err


@pytest.mark.parametrize("name", ["a.json", "a.csv", "a.ics", "a.txt"])
@pytest.mark.parametrize("option", ["", " --update"])
def test_file_that_is_imported_again_after_an_occurrence_is_done_adds_none(
    todo: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, option: str
) -> None:
    todo.ok("add Water every:mon due:2099-01-05 times:9")
    todo.ok(f"export {tmp_path / name}")
    monkeypatch.setenv("TODO_HOME", str(tmp_path / "other"))
    todo.ok(f"import {tmp_path / name}")
    todo.ok("done 1")
    todo.ok(f"import {tmp_path / name}{option}")
    listed = todo.ok("list --all --jsonl --fields number,due_on,is_completed,times,series_place").splitlines()
    assert sorted(tuple(json.loads(line).values()) for line in listed) == [
        (1, "2099-01-05", True, 9, 1),
        (2, "2099-01-12", False, 9, 2),
    ]


@pytest.mark.parametrize("name", ["a.json", "a.csv", "a.ics", "a.txt"])
@pytest.mark.parametrize("option", ["", " --update"])
def test_occurrence_that_was_added_here_and_there_is_one_todo(
    todo: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, option: str
) -> None:
    path, home, other = tmp_path / name, tmp_path / "home", tmp_path / "other"
    for folder in (home, other):
        monkeypatch.setenv("TODO_HOME", str(folder))
        todo.ok("add Water every:mon due:2099-01-05" if folder == home else f"import {path}")
        todo.ok(f"export {path} --yes")
        todo.ok("done 1")
    monkeypatch.setenv("TODO_HOME", str(home))
    todo.ok(f"export {path} --yes")
    monkeypatch.setenv("TODO_HOME", str(other))
    todo.ok(f"import {path}{option}")
    listed = todo.ok("list --all --jsonl --fields due_on,is_completed,series_place").splitlines()
    assert sorted(tuple(json.loads(line).values()) for line in listed) == [
        ("2099-01-05", True, 1),
        ("2099-01-12", False, 2),
    ]
