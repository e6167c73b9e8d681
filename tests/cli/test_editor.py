"""Editing a todo in the user's editor: the text is stored, or kept in a file."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.terminal import Terminal
from todocli.cli.editor import SCISSORS, parse

Editor = Callable[[str], None]
"""Sets an editor that runs Python on `path`, the file under edit."""


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path) -> Terminal:
    terminal = Terminal(monkeypatch)
    terminal("add Pay rent -d 'by transfer'")
    return terminal


@pytest.fixture
def editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Editor:
    """Set an editor that runs Python on `path`, the file under edit."""

    def use(code: str) -> None:
        script = tmp_path / "editor.py"
        script.write_text(f"import pathlib, sys\npath = pathlib.Path(sys.argv[1])\n{code}\n")
        monkeypatch.setenv("EDITOR", f"{shlex.quote(sys.executable)} {shlex.quote(str(script))}")

    return use


def drafts(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "home/drafts").glob("*"))


def test_without_a_terminal_the_hint_is_to_write_the_change(todo: Terminal) -> None:
    assert todo("edit 1").err.endswith("hint: Give words such as due:fri, or --title or --description.\n")


def test_edited_text_is_stored(todo: Terminal, editor: Editor, tmp_path: Path) -> None:
    editor(
        "text = path.read_text()\n"
        "head = 'due:\\nstart:\\npriority:\\nproject:\\ntags:\\nneeds:\\n'\n"
        "head += 'parent:\\nevery:\\nagain:\\nends:\\ntimes:\\n\\nPay rent\\n\\nby transfer\\n\\n# ---'\n"
        "assert text.startswith(head), text\n"
        "path.write_text('Pay the rent\\n\\nby card\\n# not a comment\\n' + text[text.index('# ---'):])"
    )
    assert todo.ok("edit 1") == "1\topen\tPay the rent\n"
    assert todo.ok("show 1") == "1\topen\tPay the rent\t\t\t\t\tby card\\n# not a comment\n"
    assert drafts(tmp_path) == []


def test_unedited_text_changes_nothing(todo: Terminal, editor: Editor, tmp_path: Path) -> None:
    editor("")
    before = todo.ok("list --json --fields version,title,description")
    assert todo.ok("edit 1") == "1\topen\tPay rent\n"
    assert todo.ok("list --json --fields version,title,description") == before
    assert drafts(tmp_path) == []


@pytest.mark.parametrize(
    ("code", "exit_code", "message"),
    [
        ("path.write_text('x' * 300 + '\\nprecious')", 2, "The title has 300 characters"),
        ("path.write_bytes(b'caf\\xe9 precious')", 1, "The edited text is not valid UTF-8"),
        ("path.write_text('precious'); sys.exit(3)", 1, "exited with status 3"),
    ],
)
def test_text_that_cannot_be_stored_is_kept(
    todo: Terminal, editor: Editor, tmp_path: Path, code: str, exit_code: int, message: str
) -> None:
    editor(code)
    before = todo.ok("show 1 --json")
    ran = todo("edit 1")
    assert ran.code == exit_code
    assert message in ran.err
    [kept] = drafts(tmp_path)
    assert str(kept) in ran.err
    assert b"precious" in kept.read_bytes()
    assert kept.stat().st_mode & 0o777 == 0o600
    assert todo.ok("show 1 --json") == before


def test_concurrent_change_is_conflict(todo: Terminal, editor: Editor, tmp_path: Path) -> None:
    editor(
        "import subprocess\n"
        "subprocess.run([sys.executable, '-m', 'todocli', 'edit', '1', '-t', 'theirs'], check=True)\n"
        "path.write_text('mine')"
    )
    ran = todo("edit 1")
    assert ran.code == 4
    assert "changed in the meantime; this command changed nothing. Your text is in" in ran.err
    assert [path.read_text() for path in drafts(tmp_path)] == ["mine"]
    assert todo.ok("list") == "1\topen\ttheirs\n"


def test_missing_editor_is_error(todo: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISUAL", "no-such-editor")
    ran = todo("edit 1")
    assert (ran.code, drafts(tmp_path)) == (1, [])
    assert ran.err.startswith("error: The editor 'no-such-editor' could not be started")


@pytest.mark.parametrize("name", ["vi 'x", "   ", "'"])
def test_unparsable_editor_is_usage_error(todo: Terminal, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("EDITOR", name)
    ran = todo("edit 1")
    assert (ran.code, ran.err.splitlines()[0]) == (2, f"error: VISUAL or EDITOR cannot be parsed: {name!r}.")


def test_ctrl_c_goes_to_editor(todo: Terminal, editor: Editor) -> None:
    editor(
        "import os, signal, time\nsignal.signal(signal.SIGINT, lambda *_: None)\n"
        "os.kill(os.getppid(), signal.SIGINT)\nos.kill(os.getpid(), signal.SIGINT)\n"
        "time.sleep(0.5)\npath.write_text('hours of work')"
    )
    assert todo.ok("edit 1") == "1\topen\thours of work\n"


def test_title_with_newline_survives_editing(todo: Terminal, editor: Editor) -> None:
    todo.ok(["add", "first\nsecond", "-d", f"a\n{SCISSORS}\nb"])
    before = json.loads(todo.ok("show 2 --json"))
    editor("path.write_text(path.read_text().replace('\\nb', '\\nB'), 'utf-8-sig')")
    after = json.loads(todo.ok("edit 2 --json"))
    assert after["title"] == before["title"] == "first\nsecond"
    assert after["description"] == before["description"].replace("b", "B")


def test_missing_or_removed_todo_opens_no_editor(todo: Terminal, editor: Editor) -> None:
    editor("raise SystemExit(9)")
    assert todo("edit 9").code == 3
    todo("rm 1")
    assert todo("edit 1").code == 3
    assert todo("edit 1 --no-input").code == 2


@pytest.mark.parametrize(
    ("text", "fields", "title", "description"),
    [
        ("a", {}, "a", ""),
        ("a\n\nb\nc\n", {}, "a", "b\nc"),
        ("\n\n  a  \n  b\n", {}, "a", "  b"),
        (f"a\n{SCISSORS}\n", {}, "a", ""),
        (f"a\n{SCISSORS}\nb", {}, "a", f"{SCISSORS}\nb"),
        (f"a\n{SCISSORS}\nb\n{SCISSORS}\n# Above are the fields, more", {}, "a", f"{SCISSORS}\nb"),
        ("a\r\nb\r\n", {}, "a", "b"),
        (f"{SCISSORS}\n", {}, "", ""),
        ("due: fri\nTags: +a +b\n\na\nb", {"due": "fri", "tags": "+a +b"}, "a", "b"),
        ("project:\n\n\ndue: soon\n", {"project": ""}, "due: soon", ""),
        ("pri: high\n\na", {}, "pri: high", "a"),
        ("Tags: are great", {}, "Tags: are great", ""),
    ],
)
def test_text_is_parsed(text: str, fields: dict[str, str], title: str, description: str) -> None:
    assert parse(text) == (fields, title, description)


def test_header_sets_and_clears_fields(todo: Terminal, editor: Editor, tmp_path: Path) -> None:
    todo.ok("add Call Ada due:2026-11-27-17:00 pri:high project:home +a +b")
    editor(
        "text = path.read_text()\n"
        "head = 'due: 2026-11-27 17:00\\nstart:\\npriority: high\\nproject: home\\n'\n"
        "head += 'tags: +a +b\\nneeds:\\nparent:\\nevery:\\nagain:\\nends:\\ntimes:\\n\\nCall Ada'\n"
        "assert text.startswith(head), text\n"
        "head = 'due: 2026-12-01\\nstart: 2026-11-30\\npriority:\\ntags: b, c\\n\\nCall Ada'\n"
        "path.write_text(head)"
    )
    todo.ok("edit 2")
    fields = json.loads(todo.ok("show 2 --fields due_on,due_time,starts_on,priority,project,tags,description"))
    assert fields == {
        "due_on": "2026-12-01",
        "due_time": None,
        "starts_on": "2026-11-30",
        "priority": None,
        "project": "home",
        "tags": ["b", "c"],
        "description": None,
    }
    editor("path.write_text('due: someday\\nstart:\\ntags:\\n\\nCall Ada')")
    todo.ok("edit 2")
    fields = json.loads(todo.ok("show 2 --fields due_on,starts_on,is_someday,tags"))
    assert fields == {"due_on": None, "starts_on": None, "is_someday": True, "tags": []}
    assert drafts(tmp_path) == []


@pytest.mark.parametrize(
    "line",
    [
        "duee: fri\\ndue: sat",
        "due: fri\\ndue: sat",
        "due = fri\\npriority: high",
        "due: fribday",
        "priority: urgent",
        "project: a//b",
        "tags: 1",
        "start: fri 17:00",
    ],
)
def test_header_that_is_not_valid_keeps_the_text(todo: Terminal, editor: Editor, tmp_path: Path, line: str) -> None:
    before = todo.ok("show 1 --json")
    editor(f"path.write_text('{line}\\n\\nprecious')")
    ran = todo("edit 1")
    assert ran.code == 2
    [kept] = drafts(tmp_path)
    assert str(kept) in ran.err
    assert kept.read_text().endswith("\n\nprecious")
    assert todo.ok("show 1 --json") == before


def test_header_moves_a_date_and_clears_tags(todo: Terminal, editor: Editor) -> None:
    todo.ok("add Call Ada due:2026-11-27 +a")
    editor("path.write_text('due: +1d\\ntags: none\\n\\nCall Ada')")
    assert todo.ok("edit 2") == "2\topen\tCall Ada\t2026-11-28\n"


def test_note_that_cannot_be_stored_is_kept(todo: Terminal, editor: Editor, tmp_path: Path) -> None:
    editor("path.write_text('x' * 70_000)")
    ran = todo("note 1")
    assert ran.code == 2
    [kept] = drafts(tmp_path)
    assert str(kept) in ran.err
    assert len(kept.read_text()) == 70_000


def test_note_is_written_in_the_editor(todo: Terminal, editor: Editor, tmp_path: Path) -> None:
    editor(
        "text = path.read_text()\nassert '# Write a note on 1 Pay rent above this line.' in text\n"
        "path.write_text('called the bank\\nagain\\n' + text)"
    )
    todo.ok("note 1")
    assert json.loads(todo.ok("show 1 --json"))["notes"][0]["text"] == "called the bank\nagain"
    assert drafts(tmp_path) == []
    editor("")
    ran = todo("note 1")
    assert (ran.code, ran.err.splitlines()[0]) == (2, "error: The note is empty; nothing was changed.")
    assert todo("note 1 --no-input").code == 2
    assert drafts(tmp_path) == []
