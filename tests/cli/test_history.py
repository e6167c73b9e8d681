"""The commands of the panel History: undo, redo, log and purge."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import uuid
from pathlib import Path

import pytest

from tests.support.terminal import Terminal


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    monkeypatch.setenv("NO_COLOR", "1")
    return Terminal(monkeypatch, terminal=True)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    return Terminal(monkeypatch)


def test_undo_and_redo_at_terminal(person: Terminal) -> None:
    person.ok("add Buy milk")
    person.ok("add Pay rent")
    person.ok("edit 2 -t 'Pay the rent' -d 'by transfer'")
    person.ok("done 1 2")
    assert person.ok("undo --dry-run") == (
        "Would undo: done 1 Buy milk and 1 more (now)\n  1 Buy milk is open again\n  2 Pay the rent is open again\n"
    )
    assert person.ok("undo") == "Undone: done 1 Buy milk and 1 more (now) · todo redo\n"
    assert person.ok("undo --dry-run") == (
        "Would undo: changed title, description of 2 Pay the rent (now)\n"
        "  2 title: “Pay the rent” → “Pay rent”, description: “by transfer” → none\n"
    )
    assert person.ok("undo 2") == (
        "Undone: changed title, description of 2 Pay the rent (now)\nUndone: added 2 Pay rent (now) · todo redo 2\n"
    )
    assert person.ok("redo --dry-run") == (
        "Would redo: added 2 Pay rent (now)\n  2 Pay rent comes back from the trash\n"
    )
    assert person.ok("redo 3") == (
        "Redone: added 2 Pay rent (now)\n"
        "Redone: changed title, description of 2 Pay the rent (now)\n"
        "Redone: done 1 Buy milk and 1 more (now) · todo undo 3\n"
    )
    ran = person("redo")
    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("error: There is nothing to redo: only what was undone last can be redone.\n hint: ")


@pytest.mark.parametrize("words", ["0", "-1", "x", "1.5", "²"])
def test_undo_bad_count_is_usage_error(person: Terminal, words: str) -> None:
    ran = person(["undo", "--", words])
    assert (ran.code, ran.out) == (2, "")
    assert "is not a positive whole number" in ran.err


def test_undo_more_than_there_is(person: Terminal) -> None:
    assert person("undo").err == "error: There is nothing to undo.\n hint: See your changes: todo log\n"
    person.ok("add a")
    ran = person("undo 2")
    assert (ran.code, ran.err) == (
        3,
        "error: There is only 1 change to undo; nothing was changed.\n hint: To undo that one: todo undo 1\n",
    )


def test_log_at_terminal_is_table(person: Terminal) -> None:
    assert person("log").err == "There are no changes yet.\n"
    person.ok("add -", stdin="".join(f"todo {i}\n" for i in range(1, 6)))
    person.ok("edit 2 -t 'Call Ada'")
    person.ok("done 1")
    person.ok("undo")
    assert lines(person.ok("log")) == [
        "When   Change           #   Todo                              Id",
        "─" * 75,
        "now    undo: reopened   1   todo 1                            ID",
        "now    done (undone)    1   todo 1                            ID",
        "now    changed          2   Call Ada     title was “todo 2”   ID",
        "now    added            1   todo 1                            ID",
        "       added            2   todo 2",
        "       added            3   todo 3",
        "                            and 2 more",
    ]
    assert lines(person.ok("log 2"))[2:] == [
        "now    changed   2   Call Ada     title was “todo 2”   ID",
        "now    added     2   todo 2                            ID",
        "                     and 4 more",
    ]
    ran = person("log -n 1")
    assert ran.err == "There are more: todo log --all\n"
    assert person("log 2 -n 1").err == "There are more: todo log 2 --all\n"
    ran = person("log -n 1 --since 3h --until '2100-01-01T17:00'")
    assert ran.err == "There are more: todo log --since 3h --until 2100-01-01T17:00 --all\n"
    assert person("log -n 4").err == ""
    assert person("log --until 2020-01-01").err == "There are no changes in that time.\n"
    person.width = 40
    narrow = person.ok("log")
    assert max(map(len, narrow.splitlines())) <= 40
    assert "title was" not in narrow


def lines(text: str) -> list[str]:
    """Return lines with each id of a change as ID; the rule is as long as if they had 13 characters."""
    shown = [re.sub(r"\b01[0-9a-f]{6}(-[0-9a-f]{1,4}){0,3}$", "ID", line.rstrip()) for line in text.splitlines()]
    return ["─" * 75 if set(line) == {"─"} and len(line) > 62 else line for line in shown]


def _ids(person: Terminal) -> list[str]:
    return [line.split()[-1] for line in person.ok("log").splitlines()[2:]]


def test_undo_of_one_change_leaves_later_ones(person: Terminal) -> None:
    person.ok("add Pay rent")
    person.ok("edit 1 pri:high")
    person.ok("edit 1 due:2026-11-27")
    person.ok("edit 1 pri:low")
    _, _, raised, _ = ids = _ids(person)
    assert len(set(ids)) == 4
    refused = person(f"undo --only {raised}")
    assert (refused.code, refused.out) == (4, "")
    assert f"todo undo --only {raised} --force" in refused.err
    person.ok("undo")
    assert person.ok(f"undo --only {raised} --dry-run").endswith("  1 priority: high → none\n")
    assert person.ok(f"undo --only {raised}").startswith("Undone: changed priority of 1 Pay rent")
    assert person.ok("list --fields due_on,priority --jsonl") == '{"due_on":"2026-11-27","priority":null}\n'
    assert person(f"undo --only {raised}").err.startswith(f"error: The change {raised} is undone already.")
    assert "is an undo itself; todo redo takes back" in person(f"undo --only {_ids(person)[0]}").err


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        ("--only 0000000a", 3, "There is no change 0000000a."),
        ("--only 12345678", 2, "'12345678' could be a number"),
        ("--only xyz", 2, "'xyz' is not the id of a change."),
        ("2 --only 0000000a", 2, "--only and a number cannot be combined."),
    ],
)
def test_undo_of_no_such_change(person: Terminal, words: str, code: int, error: str) -> None:
    person.ok("add Pay rent")
    ran = person(f"undo {words}")
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith(f"error: {error}")


def test_undo_of_many_changes_asks(person: Terminal, script: Terminal) -> None:
    """37 may be the number of a todo."""
    for i in range(11):
        script.ok(f"add {i}")
    asked = person("undo 10", stdin="n\n")
    assert (asked.code, "Undo your last 10 changes? [y/N]:" in asked.out + asked.err) == (5, True)
    assert script.ok("count") == "11\n"
    person.ok("undo 9")
    person.ok("redo 9")
    person.ok("undo 10 --yes")
    assert script.ok("count") == "1\n"
    script.ok("redo 10")
    assert script.ok("count") == "11\n"


def test_undo_of_one_change_is_repeated_once(script: Terminal) -> None:
    script.ok("add Pay rent")
    script.ok("done 1")
    change = json.loads(script.ok("log --json"))["items"][0]["id"]
    line = f"undo --only {change[:23]} --change {uuid.uuid4()}"
    assert script.ok(line) == script.ok(line).replace("(undone)", "")
    assert len(json.loads(script.ok("log --json"))["items"]) == 3


def test_log_in_a_pipe_is_complete(person: Terminal, script: Terminal) -> None:
    for i in range(25):
        script.ok(f"add {i}")
    assert len(script.ok("log").splitlines()) == len(json.loads(script.ok("log --json"))["items"]) == 25
    assert len(script.ok("log -n 3").splitlines()) == 3
    assert person("log").err == "There are more: todo log --all\n"


def test_ids_of_a_long_log_are_enough(person: Terminal, script: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(4):
        script.ok(f"add {i}")
    looked_up = _ids(person)
    monkeypatch.setattr("todocli.services.history.log._MOST_LOOKED_UP", 3)
    assert _ids(person) == looked_up
    for short in looked_up:
        script.ok(f"undo --only {short}")


def test_log_of_a_filter(script: Terminal) -> None:
    script.ok("add a +bills")
    script.ok("add b")
    script.ok("done 1 2")
    assert [line.split("\t")[2:4] for line in script.ok("log +bills").splitlines()] == [["done", "1"], ["added", "1"]]
    assert script("log +other").err == "There are no changes of such todos.\n"
    assert script("log 1 2").err.startswith("error: log takes one todo, not several.")
    assert script.ok("log added:today done:today --jsonl").count("\n") == 3


def test_restore_of_a_filter_asks(person: Terminal) -> None:
    person.ok("add -", stdin="a +x\nb +x\nc\n")
    person.ok("done 2")
    person.ok("rm 1-3")
    assert person.ok("restore +x --dry-run") == "Would restore: 1 a\nWould restore: 2 b\n"
    asked = person("restore +x", stdin="y\n")
    assert "Restore 2 todos: 1 a, 2 b? [y/N]:" in asked.out + asked.err
    assert person.ok("trash -q") == "3\n"
    person.ok("restore --all --yes")
    assert person("trash").err == "The trash is empty.\n"


def test_dry_runs_change_nothing(person: Terminal, script: Terminal) -> None:
    person.ok("add a")
    person.ok("rm 1")
    assert person.ok("purge --dry-run") == "Would delete for good: 1 a\n"
    assert person.ok("restore 1 --dry-run") == "Would restore: 1 a\n"
    assert person.ok("add Pay rent pri:high --dry-run") == "Would add: 2 Pay rent · high\n"
    assert json.loads(script.ok("add - --dry-run --json", stdin="x\ny\n"))["count"] == 2
    assert script.ok("trash -q") == "1\n"
    assert script.ok("list -q") == ""
    assert len(json.loads(script.ok("log --json"))["items"]) == 2


def test_show_has_newest_changes(person: Terminal) -> None:
    person.ok("add a")
    assert "Log" not in person.ok("show 1")
    for i in range(5):
        person.ok(f"edit 1 -t 'title {i}'")
    shown = person.ok("show 1")
    assert re.findall(r"now  (.*)", shown) == [
        *(f"changed · title was “title {i}”" for i in (3, 2, 1, 0)),
        "changed · title was “a”",
    ]


def test_history_cannot_control_terminal(person: Terminal) -> None:
    person.ok(["add", "evil \x1b[31m\u202e title"])
    person.ok("edit 1 -t fine")
    person.ok("done 1")
    shown = (
        person.ok("log") + person.ok("undo 2") + person.ok("log") + person.ok("show 1") + person.ok("redo --dry-run")
    )
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "\\x1b[31m\\u202e" in shown


def test_unknown_source_cannot_control_terminal(person: Terminal, home: Path) -> None:
    person.ok("add a")
    with contextlib.closing(sqlite3.connect(home / "todo.db", isolation_level=None)) as console:
        console.execute("UPDATE changes SET source = '\x1b]0;x\x07'")
    for line in ("log", "show 1", "undo --dry-run", "undo"):
        assert "\x1b" not in person.ok(line)
    assert "through \\x1b]0;x\\x07" in person.ok("log")


def test_undo_dry_run_in_pipe_is_sentence(script: Terminal) -> None:
    script.ok("add a")
    script.ok("edit 1 -t b")
    assert script.ok("undo --dry-run") == "Would undo: changed title of 1 b (now)\n  1 title: “b” → “a”\n"
    assert script.ok("undo --dry-run -q") == "1\n"
    assert json.loads(script.ok("undo --dry-run --json"))["count"] == 1


def test_undo_repeated_after_purge_says_already_applied(script: Terminal) -> None:
    script.ok("add a")
    change = str(uuid.uuid4())
    script.ok(f"undo --change {change}")
    script.ok("purge --yes")
    ran = script(f"undo --change {change}")
    assert (ran.code, ran.out, ran.err) == (0, "", "Already applied; those todos have since been purged.\n")


def test_history_in_pipe_quiet_and_json(script: Terminal) -> None:
    script.ok("add -", stdin="a\nb\tc\n")
    script.ok("done 1-2")
    when = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
    assert re.fullmatch(rf"{when}\tchange\tdone\t1\ta\n{when}\tchange\tdone\t2\tb\\tc\n", script.ok("undo"))
    assert re.fullmatch(rf"({when}\tundo\treopened\t[12]\t[^\t]+\n){{2}}", script.ok("log -n 1"))
    assert script.ok("redo --quiet") == "1\n2\n"
    [change] = json.loads(script.ok("undo --json"))["items"]
    assert (change["kind"], change["is_undone"], change["source"], change["count"]) == ("change", True, "cli", 2)
    assert [(item["number"], item["action"]) for item in change["items"]] == [(1, "done"), (2, "done")]
    assert len(script.ok("log --jsonl").splitlines()) == 5
    assert json.loads(script.ok("log --json -n 2"))["has_more"]
    assert not json.loads(script.ok("log --json -n 5"))["has_more"]


def test_undo_and_purge_repeated_answer_the_same(script: Terminal) -> None:
    script.ok("add a")
    script.ok("edit 1 -t b")
    change = uuid.uuid4()
    answers = {script.ok(f"undo --change {change} --json") for _ in range(3)}
    assert len(answers) == 1
    assert script.ok("list") == "1\topen\ta\n"
    script.ok("rm 1")
    purge = uuid.uuid4()
    first = script.ok(f"purge --yes --change {purge} --json")
    assert script.ok(f"purge --change {purge} --json") == first  # nothing is asked, since nothing is done


@pytest.mark.parametrize(
    ("line", "code", "detail"),
    [
        ("log 1-2", 2, "log takes one todo, not several"),
        ("log 7", 3, "There is no todo 7"),
        ("log --all -n 3", 2, "cannot be combined"),
        ("log --since 3x", 2, "'3x' is not a date or time"),
        ("log --until 2026-02-30", 2, "is not a date or time"),
        ("log --since 999999w", 2, "is not a date or time"),
        ("log --fields id", 2, "No such option: --fields"),
        ("undo 1001", 2, "1001 changes are too many to undo in one command (limit 1000)."),
        ("undo 99999999999999999999999", 2, "changes are too many to undo in one command (limit 1000)."),
        ("undo 1 2", 2, "unexpected extra argument"),
        ("undo --fields id", 2, "No such option: --fields"),
        ("purge 1", 3, "Not in the trash: 1. Nothing was purged."),
        ("purge 1 99", 3, "1, 99"),
        ("purge --older-than soon", 2, "'soon' is not a duration"),
        ("purge --older-than 999999w", 2, "is not a duration"),
        ("purge", 5, "Delete 2 b for good, with its history?"),
    ],
)
def test_bad_input_changes_nothing(script: Terminal, line: str, code: int, detail: str) -> None:
    script.ok("add -", stdin="a\nb\n")
    script.ok("rm 2")
    before = script.ok("log --json")
    ran = script(line)
    assert (ran.code, ran.out) == (code, ""), str(ran)
    assert detail in ran.err
    assert " hint: " in ran.err or '"hint":' in ran.err
    assert script.ok("log --json") == before


def test_purge_asks_for_confirmation(person: Terminal) -> None:
    person.ok("add -", stdin="a\nb\nc\nd\ne\n")
    person.ok("rm 1-4")
    ran = person("purge", stdin="n\n")
    assert (ran.code, ran.out.strip()) == (5, "")
    assert "Delete 1 a, 2 b, 3 c and 1 more for good, with their history? [y/N]" in ran.err
    assert person.ok("purge 1 2", stdin="y\n").lstrip() == "Purged 1 a\nPurged 2 b\n"
    assert person("purge --older-than 1h").err == "Nothing in the trash is that old.\n"
    assert person.ok("purge --yes") == "Purged 3 c\nPurged 4 d\n"
    assert person("purge").err == "The trash is empty.\n"
    assert person.ok("add f") == "Added 6 f\n"


def test_suggested_undo_names_profile(person: Terminal) -> None:
    person("profile add home --embedded --no-input")
    person.ok("--profile home add a")
    assert person.ok("--profile home rm 1") == "Removed 1 a · todo --profile home undo\n"
    assert person.ok("undo --profile home").endswith(" · todo --profile home redo\n")


def test_log_is_compacted_after_asking(person: Terminal, home: Path) -> None:
    for line in ("add a", "done 1"):
        person.ok(line)
    assert "No change is that old." in person.ok("log --compact --older-than 1y")
    with contextlib.closing(sqlite3.connect(home / "todo.db", isolation_level=None)) as console:
        console.execute("UPDATE changes SET made_at = '2020-01-01 00:00:00.000000'")
    preview = person.ok("log --compact --older-than 1y --dry-run")
    assert preview.startswith("Would drop what 2 changes did (1 row of history, ")
    ran = person("log --compact --older-than 1y", stdin="n\n")
    assert (ran.code, "Drop for good what 2 changes did" in ran.err) == (5, True)
    assert person.ok("log --limit 5").count("\n") == 4
    assert person.ok("log --compact --older-than 1y --yes").startswith("Dropped what 2 changes did")
    assert "There are no changes yet." in person("log").err


@pytest.mark.parametrize(
    "line",
    [
        "log --compact",
        "log --compact 1 --older-than 1y",
        "log --older-than 1y",
        "log --dry-run",
        "log --compact --older-than 100y",
    ],
)
def test_impossible_compaction_is_refused(person: Terminal, line: str) -> None:
    ran = person(line)
    assert (ran.code, ran.out) == (2, "")
