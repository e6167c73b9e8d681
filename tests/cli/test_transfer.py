"""Import and export on the command line: files, pipes, what is said about them, and what goes wrong."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.orm import SessionTransaction

from tests.support.terminal import Terminal

TASKS = "x 2024-01-02 2024-01-01 Call Mom +Family @phone due:2024-02-01\n(A) Pay rent @2024 h:1\nPlain\n"


UUID = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    return Terminal(monkeypatch)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    return Terminal(monkeypatch, terminal=True)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files of a test are."""
    monkeypatch.chdir(tmp_path)
    Path("todo.txt").write_text(TASKS)
    return tmp_path


# Import


def test_import_says_what_it_did(todo: Terminal) -> None:
    ran = todo("import todo.txt")
    assert ran.out == "Imported 3 todos from todo.txt: 1-3 · todo undo\n"
    assert ran.err == (
        "A todo has no place for h (1). To keep it as notes: todo import todo.txt --keep-unknown --update\n"
        "Other names: 2024 → tag-2024\n"
    )
    assert todo.ok("list --all") == (
        "1\tdone\tCall Mom\t2024-02-01\t\tfamily\t+phone\n2\topen\tPay rent\t\thigh\t\t+tag-2024\n3\topen\tPlain\n"
    )


def test_import_from_stdin_needs_a_format(todo: Terminal) -> None:
    assert todo.ok("import - --format todotxt", stdin="a\nb\n").startswith("Imported 2 todos")
    ran = todo("import -", stdin="a\nb\n")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: It is not clear which format the file has.")


def test_import_again_adds_nothing(todo: Terminal) -> None:
    todo.ok("import todo.txt")
    ran = todo("import todo.txt")
    assert ran.out == "Imported 0 todos from todo.txt\n"
    assert "Imported before, and unchanged: 3\n" in ran.err
    assert todo.ok("count --all") == "3\n"


def test_import_names_the_option_that_takes_over_changes(todo: Terminal) -> None:
    todo.ok("export todos.csv")
    todo.ok("add a")
    todo.ok("export todos.csv --yes")
    Path("todos.csv").write_text(Path("todos.csv").read_text().replace(",a,", ",b,"))
    ran = todo("import todos.csv")
    assert ran.err == (
        "Imported before, and changed since: 1. To take over the changes: todo import todos.csv --update\n"
    )
    assert todo.ok("import todos.csv --update") == "Updated 1 todo from CSV · todo undo\n"
    assert todo.ok("list") == "1\topen\tb\n"
    todo.ok("undo")
    assert todo.ok("list") == "1\topen\ta\n"


def test_dry_run_shows_the_todos_and_changes_nothing(todo: Terminal) -> None:
    ran = todo("import todo.txt --dry-run")
    assert ran.out == (
        "add\tline 1\tCall Mom\tdone\t2024-02-01\t\tfamily\tphone\n"
        "add\tline 2\tPay rent\topen\t\thigh\t\ttag-2024\n"
        "add\tline 3\tPlain\topen\t\t\t\t\n"
    )
    assert ran.err.startswith("Would add 3 todos from todo.txt\n")
    assert todo.ok("count --all") == "0\n"


def test_invalid_file_imports_nothing(todo: Terminal) -> None:
    Path("bad.txt").write_text(f"good\nbad due:2024-13-01\n{'x' * 300}\n")
    ran = todo("import bad.txt")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: Line 2: due '2024-13-01' is not a date, such as 2026-11-27."
        " Line 3: title has 300 characters; at most 255 are allowed. Nothing was imported.\n"
        " hint: To move long texts into notes, pass --long-to-notes. To import the others, pass --skip-invalid.\n"
    )
    assert todo.ok("count --all") == "0\n"


def test_each_invalid_todo_has_a_line_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("bad.txt").write_text(f"good\nbad due:2024-13-01\n{'x' * 300}\n")
    assert Terminal(monkeypatch, terminal=True)("import bad.txt --color never").err.splitlines()[:3] == [
        "error: Line 2: due '2024-13-01' is not a date, such as 2026-11-27.",
        "       Line 3: title has 300 characters; at most 255 are allowed.",
        "       Nothing was imported.",
    ]


def test_date_that_may_mean_two_days_is_refused_with_the_option_that_says_which(todo: Terminal) -> None:
    Path("dates.csv").write_text("title,due\nPay,1/2/2026\n")
    assert todo("import dates.csv").err == (
        "error: Line 2: due '1/2/2026' may mean two days, unlike 2026-11-27. Nothing was imported.\n"
        " hint: To say which comes first, the day or the month, pass --dates dmy or --dates mdy."
        " To import the others, pass --skip-invalid.\n"
    )
    assert todo.ok("import dates.csv --dates dmy") == "Imported 1 todo from CSV: 1 · todo undo\n"
    assert todo.ok("list --fields due_on --jsonl") == '{"due_on":"2026-02-01"}\n'


def test_order_that_a_column_shows_is_named(todo: Terminal) -> None:
    Path("dates.csv").write_text("title,due\nPay,1/2/2026\nCall,1/31/2026\n")
    ran = todo("import dates.csv")
    assert (ran.code, ran.err) == (0, "Columns: title → title, due → due (month/day/year)\n")
    assert json.loads(todo.ok("import dates.csv --dry-run --json"))["dates"] == {"due": "mdy"}
    assert todo.ok("list --fields due_on --jsonl --sort number") == '{"due_on":"2026-01-02"}\n{"due_on":"2026-01-31"}\n'


def test_dates_and_byte_order_marks_are_for_tables(todo: Terminal) -> None:
    assert todo("import todo.txt --dates dmy").err.startswith("error: --dates is for CSV and TSV.\n")
    assert todo("export --bom a.md").err.startswith("error: --bom is for CSV and TSV.\n")
    assert not Path("a.md").exists()


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_table_for_excel_begins_with_a_byte_order_mark_and_comes_back(todo: Terminal, name: str) -> None:
    todo.ok("add Café")
    todo.ok(f"export --bom {name}")
    assert Path(name).read_bytes().startswith(b"\xef\xbb\xbfnumber")
    assert "unchanged: 1" in todo(f"import {name}").err


def test_table_by_hand_has_subtasks(todo: Terminal) -> None:
    todo.ok("add Before")
    Path("bath.csv").write_text("number,title,parent,needs\n1,Bath,,\n2,Tiles,1,\n3,Paint,1,2\n")
    assert todo("import bath.csv").err == ""
    found = json.loads(todo.ok("list --json --all"))["items"]
    assert sorted((each["number"], each["parent"], each["needs"]) for each in found) == [
        (1, None, []),
        (2, None, []),
        (3, 2, []),
        (4, 2, [3]),
    ]


@pytest.mark.parametrize(
    ("line", "function", "outcome"),
    [
        ("import todo.txt", "todocli.formats.todotxt.read", "Nothing was imported."),
        ("import todo.txt", "todocli.services.imports.staged.load", "Nothing was imported."),
        ("import todo.txt", "todocli.services.imports.importing.Import._record_sources", "Nothing was imported."),
        ("import --restore all.json", "todocli.formats.history.read", "Nothing was restored."),
        ("import --restore all.json", "todocli.services.copies.copying.Copy.run", "Nothing was restored."),
    ],
)
def test_interrupted_import_says_that_nothing_was_imported(
    todo: Terminal, monkeypatch: pytest.MonkeyPatch, line: str, function: str, outcome: str
) -> None:
    todo.ok("export --history all.json")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(function, interrupt)
        ran = todo(line)
    assert (ran.code, ran.out, ran.err) == (130, "", f"Interrupted. {outcome}\n")
    assert todo.ok("count --all") == "0\n"
    assert todo(line).code == 0


@pytest.mark.own_process  # it is interrupted in this one
def test_import_interrupted_as_it_is_committed_is_safe_to_repeat(
    todo: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    todo.ok("list")
    commit = SessionTransaction.commit

    def interrupt(transaction: SessionTransaction, **options: bool) -> None:
        commit(transaction, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SessionTransaction, "commit", interrupt)
        ran = todo("import todo.txt")
    assert (ran.code, ran.out) == (9, "")
    assert "It is not known whether the change was made." in ran.err
    repeated = ran.err[ran.err.index("todo --change") :].removeprefix("todo ").strip()
    assert todo.ok(repeated) == "Imported 3 todos from todo.txt: 1-3 · todo undo\n"
    assert todo.ok("count --all") == "3\n"


def test_what_contradicts_the_rest_of_a_todo_is_reported(todo: Terminal) -> None:
    dates = '"due_on": "2026-12-24", "starts_on": "2026-12-20"'
    Path("a.json").write_text(f'[{{"title": "A", "due_time": "17:00"}}, {{"title": "B", "is_someday": true, {dates}}}]')
    assert json.loads(todo.ok("import a.json --json"))["not_held"] == {
        "a time without a due date": 1,
        "someday beside a due date": 1,
        "a start date beside someday": 1,
    }


def test_imported_time_is_kept_when_the_rule_gives_the_date(todo: Terminal) -> None:
    Path("a.json").write_text('[{"title": "A", "every": "day", "due_time": "17:00"}]')
    assert json.loads(todo.ok("import a.json --json"))["not_held"] == {}
    assert todo.ok("list --fields due_time --jsonl") == '{"due_time":"17:00:00"}\n'


def test_skip_invalid_imports_the_others_and_exits_with_2(todo: Terminal) -> None:
    Path("bad.txt").write_text("good\nbad due:2024-13-01\n")
    ran = todo("import bad.txt --skip-invalid")
    assert (ran.code, ran.out) == (2, "Imported 1 todo from todo.txt: 1 · todo undo\n")
    assert ran.err.endswith("The others were imported.\n")
    ran = todo("import bad.txt --skip-invalid --json")
    assert (json.loads(ran.out)["faults"], ran.code) == (
        [{"place": "line 2", "field": "due", "message": "'2024-13-01' is not a date, such as 2026-11-27"}],
        2,
    )


@pytest.mark.parametrize(
    ("name", "content", "line", "message", "code"),
    [
        ("none.txt", None, "import none.txt", "There is no file 'none.txt'.", 3),
        ("x.pdf", b"x", "import x.pdf", "It is not clear which format the file has.", 2),
        ("x.json", b'[{"a": 1}]', "import x.json", "It is not clear from the file which program wrote it.", 2),
        ("x.json", b'[{"title": "A", "due": 1}]', "import x.json", "wrote it: todo itself has no field 'due'.", 2),
        ("x.txt", "ü".encode("latin1"), "import x.txt", "Line 1 of the file is not valid UTF-8.", 2),
        ("x.txt", "a".encode("utf-16"), "import x.txt", "The file is UTF-16, not UTF-8.", 2),
        ("x.txt", b"a\0b", "import x.txt", "Line 1 of the file has a NUL character: it is no text.", 2),
        ("x.json", b"Not Found", "import x.json", "The file x.json is not JSON.", 2),
        ("x.txt", b'[{"a": 1}]', "import x.txt", "The file x.txt is no todo.txt", 2),
        ("x.txt", b"BEGIN:VCALENDAR\r\n", "import x.txt", "The file x.txt is no todo.txt", 2),
        ("x.json", "[]".encode("utf-16"), "import x.json", "The file is UTF-16, not UTF-8.", 2),
        ("x.txt", b"a" * 1_000_002, "import x.txt", "Line 1 of the file has more than 1,000,000 bytes.", 2),
        ("x.json", b"[" * 200, "import x.json --format taskwarrior", "nested more than 100 deep", 2),
        ("x.json", b'{"format": "todo", "version": 9, "todos": []}', "import x.json", "has version 9 of the format", 2),
        ("x.json", b'{"format": "todo", "todos": [{"id": "a"', "import x.json", "ends too early", 2),
        ("x.txt", b"a", "import x.txt --tag 'a b'", "The name for all of them", 2),
        ("x.txt", b"a", "import x.txt --format word", "There is no format 'word'.", 2),
        ("x.txt", b"a", "import x.txt --restore --update", "--restore takes everything as it is.", 2),
        ("x.json", b'{"format": "todo"}', "import x.json --restore", "The file is no export with history.", 2),
    ],
)
def test_what_cannot_be_imported_is_one_error(
    todo: Terminal, name: str, content: bytes | None, line: str, message: str, code: int
) -> None:
    if content is not None:
        Path(name).write_bytes(content)
    ran = todo(line)
    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err.splitlines()[0]
    assert todo.ok("count --all") == "0\n"


def test_folder_of_calendar_files_is_one_import(todo: Terminal) -> None:
    Path("tasks").mkdir()
    for name, due in (("a", "20261201"), ("b", "20261202"), ("c", "never")):
        text = f"BEGIN:VCALENDAR\r\nBEGIN:VTODO\r\nUID:{name}\r\nSUMMARY:{name}\r\nDUE;VALUE=DATE:{due}\r\n"
        Path(f"tasks/{name}.ics").write_text(f"{text}END:VTODO\r\nEND:VCALENDAR\r\n")
    ran = todo("import tasks")
    assert (ran.code, ran.err.partition(":")[2].partition(":")[0]) == (2, " tasks/c.ics line 2")
    Path("tasks/c.ics").unlink()
    assert todo.ok("import tasks") == "Imported 2 todos from iCalendar: 1-2 · todo undo\n"
    assert todo.ok("list") == "1\topen\ta\t2026-12-01\n2\topen\tb\t2026-12-02\n"
    assert todo.ok("import tasks/b.ics") == "Imported 0 todos from iCalendar\n"
    Path("other").mkdir()
    ran = todo("import other")
    assert (ran.code, ran.err.splitlines()[0]) == (3, "error: The folder 'other' has no .ics files.")


def test_error_about_a_file_of_a_folder_names_it(todo: Terminal) -> None:
    Path("tasks").mkdir()
    Path("tasks/page.ics").write_text("<html></html>\n")
    ran = todo("import tasks")
    assert ran.code == 2
    assert ran.err.startswith("error: tasks/page.ics: The file does not begin with BEGIN:VCALENDAR.")


def test_empty_file_is_nothing_to_do(todo: Terminal) -> None:
    for name, content in (
        ("x.txt", ""),
        ("x.csv", ""),
        ("x.md", ""),
        ("x.jsonl", ""),
        ("x.json", ""),
        ("y.json", "[]"),
    ):
        Path(name).write_text(content)
        ran = todo(f"import {name}")
        assert (ran.code, ran.out.partition(" from")[0]) == (0, "Imported 0 todos"), name


def test_same_change_is_imported_once(todo: Terminal) -> None:
    change = "0198c0de-0000-7000-8000-000000000001"
    first = todo.ok(f"import todo.txt --json --change {change}")
    again = todo.ok(f"import todo.txt --json --change {change}")
    assert json.loads(again) == json.loads(first)
    Path("todo.txt").write_text("Another\n")
    assert todo(f"import todo.txt --change {change}").code == 4


def test_dry_run_of_update_shows_only_what_changes(todo: Terminal) -> None:
    todo.ok("add - +x", stdin="one\ntwo\n")
    todo.ok("export all.csv")
    Path("all.csv").write_text(Path("all.csv").read_text().replace(",one,", ",ONE,") + ",,,three\n")
    ran = todo("import all.csv --dry-run")
    assert [line.split("\t")[:3] for line in ran.out.splitlines()] == [
        ["update", "line 2", "ONE"],
        ["add", "line 4", "three"],
    ]
    assert "Columns: number → number, id → id, version → version, title → title" in ran.err


def test_column_that_is_not_there_stays(todo: Terminal) -> None:
    todo.ok("add one +x due:2026-12-01 17:00 pri:high")
    todo.ok("done 1")
    todo.ok("export all.csv")
    number, id_, version, title = Path("all.csv").read_text().splitlines()[1].split(",")[:4]
    Path("few.csv").write_text(f"id,title\n{id_},ONE\n")
    todo.ok("import few.csv --update")
    assert todo.ok("list --all") == "1\tdone\tONE\t2026-12-01 17:00\thigh\t\t+x\n"
    assert (number, version, title) == ("1", "2", "one")


def test_todo_changed_after_its_export_is_kept(todo: Terminal) -> None:
    todo.ok("add - ", stdin="one\ntwo\n")
    todo.ok("export all.csv")
    todo.ok("edit 1 pri:high")
    Path("all.csv").write_text(Path("all.csv").read_text().replace(",two,", ",TWO,"))
    ran = todo("import all.csv --update")
    assert "Changed here after the file was written, and kept: 1\n" in ran.err
    assert todo.ok("list --all") == "1\topen\tone\t\thigh\n2\topen\tTWO\n"


def test_quiet_import_prints_the_numbers(todo: Terminal) -> None:
    assert todo.ok("import todo.txt -q") == "1\n2\n3\n"
    assert todo.ok("import todo.txt -q") == ""


def test_import_is_one_line_of_the_log(todo: Terminal, screen: Terminal) -> None:
    Path("many.txt").write_text("".join(f"todo {i}\n" for i in range(30)))
    todo.ok("import many.txt")
    shown = re.sub("\x1b\\[[0-9;]*m", "", screen.ok("log")).splitlines()
    assert len(shown) == 3
    assert re.search(r"added +1 +todo 0 and 29 more", shown[2])


# Export


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.json", '[{"title": "Pay", "due_on": "2026-12-01"}, {"title": "Call"}, {"title": "Call"}]'),
        ("x.jsonl", '{"title": "Pay", "due_on": "2026-12-01"}\n{"title": "Call"}\n{"title": "Call"}\n'),
    ],
)
def test_json_without_ids_is_imported_once(todo: Terminal, folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)
    todo.ok(f"import {name}")
    assert "Imported 0 todos" in todo.ok(f"import {name}")
    listed = [json.loads(line) for line in todo.ok("list --jsonl --fields title,due_on").splitlines()]
    assert listed == [{"title": "Pay", "due_on": "2026-12-01"}, *[{"title": "Call", "due_on": None}] * 2]


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.csv", "x.tsv", "x.md", "x.ics"])
def test_what_is_exported_comes_back_equal(
    todo: Terminal, monkeypatch: pytest.MonkeyPatch, folder: Path, name: str
) -> None:
    todo.ok("add Pay rent due:2026-12-01 17:00 pri:high project:home +bills -d 'by transfer'")
    todo.ok("add Learn to sail due:someday")
    todo.ok("note 1 called")
    todo.ok("done 2")
    todo.ok(f"export {name}")
    monkeypatch.setenv("TODO_HOME", str(folder / "other"))
    todo.ok(f"import {name}")
    shown = sorted((json.loads(todo.ok(f"show {number} --json")) for number in (1, 2)), key=lambda each: each["title"])
    expected: list[dict[str, Any]] = [
        {"title": "Learn to sail", "is_someday": True, "is_completed": True, "due_on": None, "project": None},
        {"title": "Pay rent", "description": "by transfer", "due_on": "2026-12-01", "due_time": "17:00:00"},
    ]
    expected[1] |= {"priority": "high", "project": "home", "tags": ["bills"], "is_completed": False}
    assert [{field: todo[field] for field in fields} for todo, fields in zip(shown, expected, strict=True)] == expected
    assert [note["text"] for note in shown[1]["notes"]] == ["called"]


def test_export_takes_a_filter(todo: Terminal) -> None:
    todo.ok("add - +a", stdin="one\ntwo\n")
    todo.ok("add three")
    todo.ok("done 1")
    assert todo.ok("export --format todotxt +a").count("\n") == 2
    assert todo.ok("export --format todotxt project:none --where 'not +a'").count("three") == 1
    assert todo.ok("export some.txt +a --completed") == "Exported 1 todo to some.txt\n"
    ran = todo("export some.txt more +a")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: 'some.txt' and 'more' cannot both be the file.")


def test_export_asks_before_it_overwrites(todo: Terminal) -> None:
    Path("todos.csv").write_text("mine")
    ran = todo("export todos.csv")
    assert (ran.code, Path("todos.csv").read_text()) == (5, "mine")
    todo.ok("export todos.csv --yes")
    assert Path("todos.csv").read_text().startswith("number,id,version,title")


def test_export_says_what_the_format_has_no_place_for(todo: Terminal) -> None:
    todo.ok("add a -d details")
    todo.ok("note 1 x")
    ran = todo("export x.txt")
    assert ran.err == "todo.txt has no place for description (1), notes (1)\n"


def test_export_counts_titles_that_come_back_changed(todo: Terminal) -> None:
    todo.ok("add Call")
    todo.ok(["edit", "1", "--title", "Call @home"])
    ran = todo("export a.txt")
    assert (ran.out, ran.err) == ("Exported 1 todo to a.txt\n", "todo.txt cannot hold 1 title exactly\n")
    assert json.loads(todo.ok("export b.txt --json"))["other_titles"] == 1
    assert todo("export a.md").err == ""


@pytest.mark.parametrize(
    ("name", "text", "id_"),
    [
        (
            "x.json",
            '[{"uuid": "11111111-2222-4333-8444-555555555555", "description": "a", "entry": "20260101T000000Z"}]',
            "111",
        ),
        ("x.ics", "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:111,x\nSUMMARY:a\nEND:VTODO\nEND:VCALENDAR\n", "UID:111\\,x"),
    ],
)
def test_todo_leaves_with_the_id_that_it_came_with(todo: Terminal, name: str, text: str, id_: str) -> None:
    Path(name).write_text(text)
    todo.ok(f"import {name}")
    form = "ics" if name == "x.ics" else "taskwarrior"
    assert id_ in todo.ok(f"export --format {form}")
    todo.ok(f"export {name} --yes --format {form}")
    assert todo.ok(f"import {name}").startswith("Imported 0 todos")
    assert todo.ok("count") == "1\n"


@pytest.mark.own_process  # it pretends that the disk is full
def test_export_that_cannot_be_written_leaves_the_old_file(todo: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("x.csv").write_text("mine")
    todo.ok("add a")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    ran = todo("export x.csv --yes")
    assert (ran.code, ran.err) == (
        1,
        "error: Cannot write 'x.csv': No space left on device. The old file is as it was.\n",
    )
    assert (Path("x.csv").read_text(), sorted(path.name for path in Path().glob("*x.csv*"))) == ("mine", ["x.csv"])


def test_export_at_a_terminal_shows_no_control_characters(screen: Terminal) -> None:
    Path("x.txt").write_text("a\x1b[31mred\n")
    screen.ok("import x.txt")
    assert "\x1b[31m" not in screen.ok("export --format todotxt")
    screen.ok("export y.txt")
    assert "\x1b[31m" in Path("y.txt").read_text()


def test_export_is_readable_as_other_files_are(todo: Terminal) -> None:
    todo.ok("export x.csv")
    Path("plain").touch()
    assert stat.S_IMODE(Path("x.csv").stat().st_mode) == stat.S_IMODE(Path("plain").stat().st_mode)


def test_export_with_history_takes_no_filter(todo: Terminal) -> None:
    assert todo("export --history x.json +a").code == 2
    assert todo("export --history x.csv").code == 2


@pytest.mark.parametrize("name", ["all.json", "all.jsonl"])
def test_export_with_history_is_restored(
    todo: Terminal, monkeypatch: pytest.MonkeyPatch, folder: Path, name: str
) -> None:
    todo.ok("import todo.txt")
    todo.ok("done 2")
    todo.ok("rm 3")
    todo.ok(f"export --history {name}")
    log = todo.ok("log")
    monkeypatch.setenv("TODO_HOME", str(folder / "other"))
    assert todo.ok(f"import --restore {name}") == (f"Copied from {name} to local: todos 3 new; 3 changes and 0 notes\n")
    assert todo.ok("log") == log
    todo.ok("undo")
    assert todo.ok("trash") == ""
    assert todo.ok("import todo.txt") == "Imported 0 todos from todo.txt\n", "the sources are restored, too"


def test_claims_are_restored_if_they_are_whole(todo: Terminal, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    todo.ok("add a")
    todo.ok("claim --as agent-1")
    todo.ok("export --history all.json")
    whole = json.loads((folder / "all.json").read_text())
    monkeypatch.setenv("TODO_HOME", str(folder / "other"))
    for claim, fault in (
        ({"claimed_until": None}, "claimed_by and claimed_until go together"),
        ({"claimed_by": "x" * 65}, "a name has 1 to 64 printable characters"),
    ):
        broken = whole | {"todos": [whole["todos"][0] | claim]}
        (folder / "broken.json").write_text(json.dumps(broken))
        ran = todo("import --restore broken.json")
        assert (ran.code, fault in ran.err, "Nothing was restored." in ran.err) == (2, True, True)
    older = {name: value for name, value in whole["todos"][0].items() if not name.startswith("claimed_")}
    (folder / "older.json").write_text(json.dumps(whole | {"todos": [older]}))
    assert todo("import --restore older.json --dry-run").code == 0
    todo.ok("import --restore all.json")
    assert json.loads(todo.ok("show 1 --json"))["claimed_by"] == "agent-1"
