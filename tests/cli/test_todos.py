"""The commands of the panel Todos, in a pipe and at a terminal; stdin, JSON and errors."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from tests.support.terminal import Terminal
from todocli.cli import app
from todocli.cli.commands.help import TOPICS
from todocli.cli.exits import TABLE
from todocli.cli.shared import wants_json
from todocli.errors import OutcomeUnknown
from todocli.services import workspace

UUID_ = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    """A pipe on the embedded database."""
    return Terminal(monkeypatch)


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    """A terminal on the embedded database."""
    monkeypatch.setenv("TERM", "dumb")
    return Terminal(monkeypatch, terminal=True)


def test_first_add_says_where_todos_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    todo = Terminal(monkeypatch)
    ran = todo("add buy milk")
    assert (ran.code, ran.out) == (0, "1\topen\tbuy milk\n")
    assert ran.err == f"Your todos are in {tmp_path}/home/todo.db\n"
    assert todo("add more").err == ""
    assert (tmp_path / "home/todo.db").stat().st_mode & 0o777 == 0o600


def test_session_in_pipe(todo: Terminal) -> None:
    assert todo.ok("add buy milk") == "1\topen\tbuy milk\n"
    assert todo.ok("add Pay rent -d 'by transfer'") == "2\topen\tPay rent\n"
    assert todo.ok("done 1") == "1\tdone\tbuy milk\n"
    assert todo.ok("") == "2\topen\tPay rent\n"
    assert todo.ok("ls --all") == "1\tdone\tbuy milk\n2\topen\tPay rent\n"
    assert todo.ok("list --completed") == "1\tdone\tbuy milk\n"
    assert todo.ok("show 2") == "2\topen\tPay rent\t\t\t\t\tby transfer\n"
    assert todo.ok("edit 2 --title 'Pay the rent'") == "2\topen\tPay the rent\n"
    assert todo.ok("reopen 1") == "1\topen\tbuy milk\n"
    assert todo.ok("rm 1-2") == "1\ttrash\tbuy milk\n2\ttrash\tPay the rent\n"
    assert todo.ok("trash") == "1\ttrash\tbuy milk\n2\ttrash\tPay the rent\n"
    assert todo.ok("restore 2") == "2\topen\tPay the rent\n"
    assert todo.ok("add again --quiet") == "3\n"
    assert todo.ok("list -q --reverse") == "3\n2\n"


def test_session_at_terminal(person: Terminal) -> None:
    assert person.ok("add buy milk") == "Added 1 buy milk\n"
    assert person.ok("add Pay rent -d 'by transfer\nsoon'") == "Added 2 Pay rent\n        by transfer …\n"
    assert person.ok("done 1") == "Done 1 buy milk · todo undo\n"
    assert person.ok("done 1") == "1 buy milk was already done\n"
    assert person.ok("reopen 1") == "Reopened 1 buy milk · todo undo\n"
    assert person.ok("edit 1 -t 'buy oat milk'") == "Changed 1 buy oat milk · todo undo\n"
    assert person.ok("edit 1 -t 'buy oat milk'") == "1 buy oat milk is unchanged\n"
    assert person.ok("rm 1") == "Removed 1 buy oat milk · todo undo\n"
    assert person.ok("restore 1") == "Restored 1 buy oat milk · todo undo\n"
    assert person.ok("restore 1") == "1 buy oat milk is not in the trash\n"
    assert person.ok("done 1 2") == "Done 1 buy oat milk\nDone 2 Pay rent · todo undo\n"


def test_empty_list_suggests_command(person: Terminal) -> None:
    ran = person("")
    assert (ran.out, ran.err) == ("", "Nothing to do. Add something: todo add buy milk\n")
    assert person("trash").err == "The trash is empty.\n"
    assert person("list --completed").err == "Nothing is completed yet.\n"


def test_list_counts_open_todos(person: Terminal) -> None:
    person("add -", stdin="a\nb\n\n  \nc\n")
    assert person("list -n 2").err == "2 of 3 open\n"
    assert person("list").err == "3 open\n"


def test_json_of_one_is_object_of_several_list(todo: Terminal) -> None:
    todo("list")
    one = json.loads(todo.ok("add a --json"))
    assert one["title"] == "a"
    assert set(json.loads(todo.ok("show 1 --json"))) == set(one)
    many = json.loads(todo.ok("--json add -", stdin="b\n"))
    assert (many["count"], many["total"], [t["title"] for t in many["items"]]) == (1, 1, ["b"])
    for line in ("done 1-1", "done 2 1", "reopen -", "list"):
        answer = json.loads(todo.ok(f"{line} --json", stdin="1\n2\n"))
        assert set(answer) == {"items", "count", "total"}, line
    assert [t["number"] for t in json.loads(todo.ok("show 2 1 --json"))["items"]] == [2, 1]
    limited = json.loads(todo.ok("list --json -n 1"))
    assert (limited["count"], limited["total"]) == (1, 2)


def test_fields_and_jsonl(todo: Terminal) -> None:
    todo("add -", stdin="a\nb\n")
    assert todo.ok("list --fields title,number") == (
        '{"items":[{"title":"a","number":1},{"title":"b","number":2}],"count":2,"total":2}\n'
    )
    assert todo.ok("--fields number show 1") == '{"number":1}\n'
    assert todo.ok("list --jsonl --fields number") == '{"number":1}\n{"number":2}\n'
    assert todo.ok("--jsonl add c --fields title") == '{"title":"c"}\n'


def test_options_work_before_and_after_command(todo: Terminal) -> None:
    todo("add -", stdin="a\nb\n")
    assert todo.ok("--json list") == todo.ok("list --json") == todo.ok("--json")
    assert todo.ok("-q list") == todo.ok("list -q") == todo.ok("-q") == "1\n2\n"
    assert todo("--all").code == 2


def test_stdin_gives_titles_details_and_numbers(todo: Terminal) -> None:
    todo("list")
    assert todo.ok("add -", stdin="one\r\n\ntwo\n\tthree  ") == "1\topen\tone\n2\topen\ttwo\n3\topen\tthree\n"
    assert todo.ok("add four -d -", stdin="line 1\nline 2\n\n") == "4\topen\tfour\n"
    assert json.loads(todo.ok("show 4 --json"))["description"] == "line 1\nline 2"
    assert todo.ok("done -", stdin=todo.ok("list -q")).count("\tdone\t") == 4


def test_bad_line_of_stdin_adds_nothing(todo: Terminal) -> None:
    todo("list")
    ran = todo("add -", stdin="fine\n" + "x" * 256 + "\n")
    assert ran.code == 2
    assert ran.err.startswith("error: Line 2 of stdin: The title has 256 characters; at most 255 are allowed.")
    assert todo("add -", stdin=" \n\n").code == 0
    assert todo("add - -d -", stdin="x").code == 2
    assert todo("add -", stdin=b"ok\ncaf\xe9\n").err.startswith("error: Line 2 of stdin is not valid UTF-8.")
    assert todo.ok("list --all") == ""


def test_pipe_ignores_width(todo: Terminal) -> None:
    title = "漢字 " * 50 + "end"
    todo(["add", title])
    todo.width = 20
    assert todo.ok("list") == f"1\topen\t{title}\n"


HOSTILE = "a\x1b[31mred\x1b]0;title\x07 \u202eevil\u2069 [red]x[/red] [/foo] \x9b2J\ttab\nnew\u200b"


def test_hostile_text_cannot_control_terminal(todo: Terminal, person: Terminal) -> None:
    todo(["add", HOSTILE, "-d", HOSTILE])
    for place in (person, todo):
        for line in ("list", "list --all", "show 1", "done 1", "reopen 1", "rm 1", "trash", "restore 1"):
            out = place.ok(line)
            assert not set(out) & set("\x1b\x07\u202e\u2069\x9b\u200b"), line
            assert out.count("\n") == 1 or place is person
    todo(["edit", "1", "-t", HOSTILE])
    assert todo.ok("list") == (
        "1\topen\ta\\x1b[31mred\\x1b]0;title\\x07 \\u202eevil\\u2069 [red]x[/red] [/foo] \\x9b2J\\ttab\\nnew\\u200b\n"
    )
    assert json.loads(todo.ok("show 1 --json"))["title"] == HOSTILE


def test_marks_are_limited(todo: Terminal, person: Terminal) -> None:
    assert todo(["add", "a" + "\u0301" * 10_000]).code == 2
    assert todo(["add", "a" + "\u0301" * 254]).code == 0
    assert person.ok("list").count("\u0301") == 30


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (["add", ""], 2, "The title must not be empty."),
        (["add", "  \t "], 2, "The title must not be empty."),
        (["add", "x" * 256], 2, "The title has 256 characters; at most 255 are allowed."),
        (["add", "x", "-d", "y" * 2001], 2, "The description has 2001 characters; at most 2000 are allowed."),
        (["add", "a\0b"], 2, "The title must not contain a NUL character."),
        (["add", "caf\udce9"], 2, "The title is not valid UTF-8."),
        (["add", "x", "-d", "caf\udce9"], 2, "The description is not valid UTF-8."),
        (["edit", "1", "-t", " "], 2, "The title must not be empty."),
        (["edit", "1", "-d", "y" * 2001], 2, "The description has 2001 characters; at most 2000 are allowed."),
        (["edit", "1-2", "-t", "x"], 2, "Only one todo's title can be edited at a time."),
        (["edit", "1", "2"], 2, "No change was given."),
        (["edit", "1"], 2, "No change was given, and there is no terminal to open an editor in."),
        (["done", "0"], 2, "'0' is not a todo number: numbers start at 1."),
        (["done", "-1"], 2, "'-1' is not a todo number."),
        (["done", "--", "-1"], 2, "'-1' is not a todo number."),
        (["done", "99999"], 3, "There is no todo 99999."),
        (["done", str(2**63)], 2, "'9223372036854775808' is larger than any todo number."),
        (["done", str(2**63 - 1)], 3, "There is no todo 9223372036854775807."),
        (["done", "3x"], 2, "'3x' is not a todo number."),
        (["done", "1", "3x"], 2, "'3x' is not a todo number."),
        (["done", "7-5"], 2, "The range '7-5' runs backwards."),
        (["done", "١"], 2, "'١' is not a todo number."),
        (["done", "1", "98", "99"], 3, "There are no todos 98, 99."),
        (["done", "50-60"], 3, "There are no todos 50-60."),
        (["done", "0190a000-0000-7000-8000-000000000000"], 3, "There is no todo 0190a000-0000-7000-8000-000000000000."),
        (["done"], 2, "No todo was chosen."),
        (["add"], 2, "Missing argument 'TITLE'."),
        (["frobnicate"], 2, "No such command 'frobnicate'."),
        (["lst"], 2, "No such command 'lst'."),
        (["list", "--frobnicate"], 2, "No such option: --frobnicate."),
        (["list", "--sort", "size"], 2, "Cannot sort by 'size'."),
        (["list", "-n", "0"], 2, "Invalid value for '--limit' / '-n': '0' is not a positive whole number."),
        (["list", "-n", "2.0"], 2, "Invalid value for '--limit' / '-n': '2.0' is not a positive whole number."),
        (["--fields", "number", "profile", "list"], 2, "This command does not take --fields."),
        (["--json", "help", "exit-codes"], 2, "Only help json-schema takes --json."),
        (["--yes", "list"], 2, "This command does not take --yes."),
        (["--yes"], 2, "This command does not take --yes."),
        (["--no-input", "--change", str(uuid.UUID(int=7)), "list"], 2, "This command does not take --change."),
        (["list", "--all", "--completed"], 2, "--all and --completed cannot be combined."),
        (["list", "--fields", "id,size"], 2, "There is no field 'size'."),
        (["list", "--fields", ","], 2, "--fields names no field."),
        (["list", "--quiet", "--json"], 2, "--quiet and JSON cannot be combined."),
        (["list", "--json", "--jsonl"], 2, "--json and --jsonl cannot be combined."),
        (["add", "see", "-dashes"], 2, "The value of -d is attached to it in '-dashes'."),
        (["add", "x", "--change", "7"], 2, "--change takes a UUID, not '7'."),
        (["list", "--color", "red"], 2, "Invalid value for '--color': 'red' is not one of 'auto', 'always', 'never'."),
        (["list", "--profile", "nope"], 3, 'There is no profile "nope".'),
    ],
    ids=lambda value: " ".join(value)[:30] if isinstance(value, list) else "",
)
def test_bad_input_changes_nothing(todo: Terminal, line: list[str], code: int, message: str) -> None:
    """The error is one sentence with a hint, JSON has the same, and nothing changes."""
    todo("add there", stdin="")
    before = todo.ok("list --all --json")
    ran = todo(line)
    assert (ran.code, ran.out) == (code, ""), str(ran)
    as_json = ran
    if not wants_json(line):
        first, *rest = ran.err.splitlines()
        assert first == f"error: {message}"
        assert all(part.startswith(" hint: ") for part in rest)
        as_json = todo(["--json", *line])
    body = json.loads(as_json.err)
    assert (as_json.code, as_json.out) == (code, "")
    assert set(body) <= {"detail", "error_code", "field_errors", "hint", "command"}
    assert body["detail"] == message
    assert todo.ok("list --all --json") == before


def test_title_after_two_dashes_may_begin_with_dash(todo: Terminal) -> None:
    todo("list")
    assert todo.ok("add -- -dashes --json") == "1\topen\t-dashes --json\n"
    assert "Put -- before" in todo("add -x").err


@pytest.mark.parametrize("command", ["add", "list", "ls", "show", "edit", "done", "reopen", "rm", "trash", "restore"])
def test_help_of_command(monkeypatch: pytest.MonkeyPatch, command: str, tmp_path: Path) -> None:
    todo = Terminal(monkeypatch)
    assert f"Usage: todo {command}" in todo.ok(f"{command} -h")
    assert f"Usage: todo {command}" in todo.ok(f"help {command}")
    assert not (tmp_path / "home").exists()


def test_help_names_arguments_without_brackets(todo: Terminal) -> None:
    assert "\nArguments:\n  REF FILTER set WORDS  Todos;" in todo.ok("edit -h")
    assert "\nArguments:\n  REF FILTER  Numbers, ranges" in todo.ok("done -h")


def test_help_exit_codes_lists_every_code(todo: Terminal) -> None:
    lines = [line for line in todo.ok("help exit-codes").splitlines() if line.startswith("|")]
    table = {first.strip("` "): second.strip() for first, second in (line.strip("|").split("|") for line in lines)}
    assert {code: meaning for code, meaning in table.items() if code.isdecimal()} == {
        str(row.code): row.meaning for row in TABLE
    }
    assert {code: status for code, status in table.items() if code.isupper()} == {
        code: str(row.code) for row in TABLE for code in row.error_codes
    }


@pytest.mark.parametrize("topic", TOPICS)
def test_help_topic_fits_terminal_and_is_in_pipe(todo: Terminal, monkeypatch: pytest.MonkeyPatch, topic: str) -> None:
    assert todo.ok(f"help {topic}").count("\n") > 10
    shown = Terminal(monkeypatch, terminal=True, width=60).ok(f"help {topic} --color never")
    assert max(map(cell_len, shown.splitlines())) <= 60


def test_reference_from_stdin_is_list(todo: Terminal) -> None:
    todo.ok("add a")
    assert json.loads(todo.ok("show - --json", stdin="1\n"))["count"] == 1
    assert json.loads(todo.ok("show 1 1 --json"))["count"] == 1
    assert json.loads(todo.ok("show 1 --json"))["number"] == 1


def test_stdin_line_ends_and_limit(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = todo("add -", stdin="\n\n\n" + "y" * 300 + "\n")
    assert ran.err.startswith("error: Line 4 of stdin: The title has 300 characters")
    todo.ok("add a -d -", stdin="b\r\nc\r\n")
    assert json.loads(todo.ok("show 1 --json"))["description"] == "b\nc"
    monkeypatch.setattr("todocli.cli.input.MAX_STDIN", 10)
    assert todo("add -", stdin="x" * 11).code == 2
    assert todo.ok("add - --quiet", stdin="x" * 10) == "2\n"


def test_help_of_unknown_topic(todo: Terminal) -> None:
    ran = todo("help nope")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: There is no command or topic 'nope'.")


def test_huge_limit_is_accepted(todo: Terminal) -> None:
    todo.ok("add a")
    assert todo.ok(f"list -n {10**30} --quiet") == todo.ok(f"list -n {2**63} -q") == todo.ok("list -n 1 -q") == "1\n"


def test_range_answers_with_changed_todos(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    todo.ok("add -", stdin="a\nb\nc\n")
    todo.ok("done 2")
    assert todo.ok("done 1-3 --quiet") == "1\n3\n"
    assert todo.ok("done 1-3 --quiet") == ""
    assert todo.ok("done 2 1-3 --quiet") == "2\n"
    assert json.loads(todo.ok("done 1-3 --json")) == {"items": [], "count": 0, "total": 0}
    monkeypatch.setenv("NO_COLOR", "1")
    assert Terminal(monkeypatch, terminal=True)("done 1-3").err == "Nothing to change.\n"


def test_suggested_command_names_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    todo = Terminal(monkeypatch, terminal=True)
    todo("profile add home --embedded --no-input")
    assert "Add something: todo --profile home add buy milk\n" in todo("list --profile home").err
    assert todo.ok("add x --profile home") == "Added 1 x\n"
    assert todo.ok("--profile home done 1") == "Done 1 x · todo --profile home undo\n"
    assert todo.ok("rm 1") == "Removed 1 x · todo undo\n"
    assert " hint: To restore: todo --profile home restore 1\n" in todo("done 1 --profile home").err
    assert ": todo --profile home db history\n" in todo("--profile home db upgrade x").err
    assert ": todo profile rm home\n" in todo("--profile home profile add home --embedded").err
    body = json.loads(todo("done 1 --profile home --json").err)
    assert body["command"] == ["todo", "--profile", "home", "restore", "1"]
    assert body["hint"] == f"To restore: {' '.join(body['command'])}"


@pytest.mark.parametrize(
    ("line", "retry"),
    [
        ("done 1 --json", "todo --change KEY done 1 --json"),
        ("--json done -- 1", "todo --change KEY --json done -- 1"),
        (f"done 1 --json --change {uuid.UUID(int=7)}", "todo done 1 --json --change KEY"),
        ("done 1 --json --profile local", "todo --change KEY done 1 --json --profile local"),
    ],
)
def test_unknown_outcome_suggests_retry_with_change_id(
    todo: Terminal, monkeypatch: pytest.MonkeyPatch, line: str, retry: str
) -> None:
    def lost(*_: object, **_options: object) -> None:
        raise OutcomeUnknown("The connection was lost. It is not known whether the change was made.")

    monkeypatch.setattr("todocli.services.todos.Todos.complete", lost)
    todo.ok("add a")
    ran = todo(line)
    command = " ".join(json.loads(ran.err)["command"])
    assert (ran.code, UUID_.sub("KEY", command)) == (9, retry)


@pytest.mark.parametrize("blank", ["\u3164", "\u200f\u200e", "\u2800 \u00ad", "\ufe0f\u200d"])
def test_blank_names_are_refused(todo: Terminal, blank: str) -> None:
    for words in (
        ["add", blank],
        ["add", "a", "--project", blank],
        ["add", "a", "--tag", blank],
        ["edit", "1", "-t", blank],
    ):
        todo("add first")
        ran = todo(words)
        assert (ran.code, ran.out) == (2, ""), words
    todo.ok(["add", f"a{blank}"])


def test_json_keeps_one_line_one_line(todo: Terminal) -> None:
    """Whatever a title contains: also for programs that take other characters for the end of a line."""
    title = "a\x7fb\x85c\x9b31md\u2028e\u2029f\u202eg\u2066h\u200ei\u061cé"
    for line in ("--json", "--jsonl", "--fields title"):
        printed = todo.ok(["add", title, *line.split()])
        assert printed.endswith("}\n")
        assert printed[:-1].isprintable()
        assert json.loads(printed)["title"] == title
        assert todo.ok(f"list {line}").count("\n") == len(todo.ok(f"list {line}").splitlines())
    refused = todo(["show", title, "--json"]).err
    assert refused[:-1].isprintable()
    assert "é" in printed


def test_token_itself_is_not_printed(todo: Terminal) -> None:
    token = json.loads(todo.ok("token create phone --json"))["token"]
    ran = todo(["token", "revoke", token])
    assert (ran.code, token in ran.err) == (3, False)


def test_fault_after_a_write_leaves_the_outcome_unknown(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("cannot read")

    todo.ok("add first")
    with monkeypatch.context() as patch:
        patch.setattr("todocli.services.todos.read", broken)
        ran = todo("add second --json")
        assert todo("show 1").code == 1  # nothing was written: a fault like any other
    error = json.loads(ran.err)
    assert (ran.code, ran.out, error["error_code"]) == (9, "", "OUTCOME_UNKNOWN")
    assert error["detail"] == "Internal error: RuntimeError: cannot read. It is not known whether the change was made."
    assert json.loads(todo.ok(error["command"][1:]))["number"] == 2
    assert todo.ok("list") == "1\topen\tfirst\n2\topen\tsecond\n"


@pytest.mark.parametrize(
    "line",
    [
        *("list --all", "list --all --json", "list --all --jsonl", "list --all --fields number,title", "list --all -q"),
        *("list --sort title,-number", "log --all", "log --all --json", "log --all --jsonl"),
    ],
)
def test_long_lists_are_printed_in_portions(todo: Terminal, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """What is printed does not depend on how many are read at once."""
    for title in ("b", "a", "c", "a", "b", "c", "d"):
        todo.ok(f"add {title}")
    todo.ok("done 1 2 3")
    at_once = todo.ok(line)
    for size in (1, 3, 7, 8):
        monkeypatch.setattr(workspace, "PORTION", size)
        assert todo.ok(line) == at_once


def test_line_builds_only_its_own_command(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str | None] = []
    build_command = app._build

    def noted(part: Any) -> Any:
        built.append(part.name)
        return build_command(part)

    monkeypatch.setattr(app, "_build", noted)
    for line, names in (("list", ["list"]), ("", []), ("profile show", ["profile"]), ("frob", [])):
        monkeypatch.setattr(todo, "program", app.build())
        todo(line)
        assert built == names, line
        built.clear()
