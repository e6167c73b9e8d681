"""Files that go to other programs and come back: todo.txt-cli, todoman and vdirsyncer, if they are installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.terminal import Terminal

pytestmark = pytest.mark.external

TODO = "BEGIN:VTODO.*?END:VTODO\r\n"


def run(*command: str, **environment: str) -> str:
    """Run a program and return what it prints."""
    ran = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return ran.stdout


@pytest.fixture
def todo(monkeypatch: pytest.MonkeyPatch, embedded_file: Path, tmp_path: Path) -> Terminal:
    monkeypatch.chdir(tmp_path)
    return Terminal(monkeypatch)


@pytest.mark.skipif(shutil.which("todo-txt") is None, reason="todo.txt-cli is not installed")
def test_file_of_todo_txt_goes_there_and_back(todo: Terminal, tmp_path: Path) -> None:
    config = tmp_path / "config"
    folder = tmp_path / "todo"
    folder.mkdir()
    config.write_text(
        f"export TODO_DIR={folder}\nexport TODO_FILE=$TODO_DIR/todo.txt\nexport DONE_FILE=$TODO_DIR/done.txt\n"
        "export REPORT_FILE=$TODO_DIR/report.txt\nexport TODOTXT_AUTO_ARCHIVE=0\n"
    )

    def cli(*words: str) -> str:
        return run("todo-txt", "-d", str(config), "-p", *words)

    cli("add", "(A) Pay rent +home @bills due:2026-12-01")
    cli("add", "Call Zoë 📅")
    cli("do", "2")
    assert todo.ok(f"import {folder}/todo.txt").startswith("Imported 2 todos")
    todo.ok("add Third +new project:work due:2027-01-02 pri:low")
    todo.ok("done 1")
    todo.ok(f"export {folder}/todo.txt --yes")
    assert "TODO: 3 of 3 tasks shown" in cli("ls")
    cli("do", "3")
    assert todo.ok(f"import {folder}/todo.txt --update").startswith("Updated 1 todo")
    assert todo.ok("list --all -q") == "1\n2\n3\n"
    assert [line.split("\t")[1] for line in todo.ok("list --all").splitlines()] == ["done", "done", "done"]


@pytest.mark.skipif(shutil.which("todoman") is None, reason="todoman is not installed")
def test_calendar_goes_to_todoman_and_back(todo: Terminal, tmp_path: Path) -> None:
    calendar = tmp_path / "calendars" / "tasks"
    calendar.mkdir(parents=True)
    (tmp_path / "todoman").mkdir()
    (tmp_path / "todoman" / "config.py").write_text(
        f'path = "{tmp_path}/calendars/*"\ndate_format = "%Y-%m-%d"\ntime_format = "%H:%M"\ndefault_list = "tasks"\n'
    )

    def todoman(*words: str) -> str:
        return run("todoman", *words, XDG_CONFIG_HOME=str(tmp_path), XDG_CACHE_HOME=str(tmp_path), LC_ALL="C.UTF-8")

    todo.ok("add Pay rent, now; really +bills due:2026-12-01 pri:high -d 'two\nlines'")
    todo.ok("add Call Zoë due:2026-12-02 17:00")
    todo.ok("export all.ics")
    for i, found in enumerate(re.findall(TODO, Path("all.ics").read_bytes().decode(), re.DOTALL)):
        whole = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:test\r\n{found}END:VCALENDAR\r\n"
        (calendar / f"{i}.ics").write_bytes(whole.encode())
    listed = todoman("list")
    assert re.search(r"!!! 2026-12-01 +Pay rent, now; really", listed)
    assert re.search(r"2026-12-02 17:00 Call Zoë", listed)
    assert "two\nlines" in todoman("show", "1") + todoman("show", "2")
    number = next(re.findall(r"\d+", line)[0] for line in listed.splitlines() if "Pay rent" in line)
    todoman("done", number)
    [changed] = [file for file in calendar.iterdir() if "COMPLETED" in file.read_text("utf-8")]
    assert todo.ok(["import", str(changed), "--update"]).startswith("Updated 1 todo")
    assert todo.ok("show 1").split("\t")[:3] == ["1", "done", "Pay rent, now; really"]


def test_calendar_is_whole_for_vdirsyncer(todo: Terminal) -> None:
    vobject: Any = pytest.importorskip("vdirsyncer.vobject", reason="vdirsyncer is not installed")
    for title in ("a", "b, c; d\\e", "Zoë 📅 " * 20):
        todo.ok(["add", "--literal", title])
    todo.ok("export all.ics")
    parts = list(vobject.split_collection(Path("all.ics").read_bytes().decode()))
    assert len(parts) == 3
    assert len({vobject.Item(part).uid for part in parts}) == 3
