"""Formats and the programs that they belong to."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time as wall_clock
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.support.formats import entries_of, todos_of, written
from todocli.domain.records import Record
from todocli.schemas.exports import TodoLeaving

pytestmark = pytest.mark.external

COMPARED = (
    *("uuid", "description", "status", "entry", "end", "due", "wait"),
    *("priority", "project", "tags", "annotations", "recur", "until", "parent", "mask"),
)


class Taskwarrior:
    """The real program, with tasks of its own."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        config = folder / "taskrc"
        config.write_text("confirmation=off\nverbose=nothing\n", "utf-8")
        self._environment = os.environ | {"HOME": str(folder), "TASKRC": str(config), "TASKDATA": str(folder)}

    def run(self, *words: str, text: str | None = None) -> str:
        """Run a command and return what it prints."""
        done = subprocess.run(
            ["task", *words], input=text, env=self._environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks with the fields that a todo holds."""
        tasks = [{name: task.get(name) for name in COMPARED} for task in json.loads(self.run("export"))]
        return sorted(tasks, key=lambda task: str(task["uuid"]))


@pytest.mark.skipif(shutil.which("task") is None, reason="Taskwarrior is not installed")
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_taskwarrior_imports_what_was_read_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str) -> None:
    monkeypatch.setenv("TZ", zone)
    wall_clock.tzset()
    first, second = Taskwarrior(tmp_path / "first"), Taskwarrior(tmp_path / "second")
    first.run("add", "Buy milk 📅 für Zoë", "due:2027-01-01", "project:home.garden", "+bills", "+über", "priority:H")
    first.run("add", "Write [a] report", "wait:2028-02-01", "due:2028-07-05T17:00", "priority:M")
    first.run("add", "Pay \\ 'rent' / \"now\"", "due:2026-10-25T09:30", "priority:L")
    for text in ("one", "two 🎉", "three"):  # in the same second
        first.run("1", "annotate", text)
    first.run("3", "done")
    exported = first.run("export")
    text = written("taskwarrior", *todos_of(entries_of("taskwarrior", exported)))
    second.run("import", "-", text=text)
    assert len(first.tasks()) == 3
    assert second.tasks() == first.tasks()


@pytest.mark.skipif(shutil.which("task") is None, reason="Taskwarrior is not installed")
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_taskwarrior_goes_on_with_recurring_tasks_that_were_read_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    wall_clock.tzset()
    program = Taskwarrior(tmp_path / "tasks")
    program.run("add", "Water", "due:2099-01-05", "recur:weekly", "until:2099-06-01", "wait:due-2d")
    program.run("add", "Work", "due:2099-01-05T17:00", "recur:weekdays")
    program.run("add", "Rent", "due:today", "recur:3mo")
    program.run("list")
    program.run("+CHILD", "Rent", "due:today", "done")
    program.run("list")
    before = program.tasks()
    read = entries_of("taskwarrior", program.run("export"))
    records = [each for each in read if isinstance(each, Record)]
    assert sorted((each.title, each.is_completed) for each in records if each.repeats and not each.unheld) == [
        *[("Rent", False), ("Rent", True), ("Water", False), ("Work", False)],
    ]
    todos = [
        TodoLeaving(**dict(todo) | {"id": UUID(int=number)}, source_id=str(todo.id))
        for number, todo in enumerate(todos_of(records), 1)
    ]
    text = written("taskwarrior", *todos)
    assert text.count('"recur"') == len(records)
    program.run("rc.recurrence.confirmation=no", "import", "-", text=text)
    program.run("list")
    assert program.tasks() == before


@pytest.mark.skipif(shutil.which("task") is None, reason="Taskwarrior is not installed")
def test_taskwarrior_keeps_lines_and_signs_of_what_we_write(tmp_path: Path) -> None:
    title = 'Line one\nline two: "a" \\ [b] /c\td'
    data = json.dumps([{"uuid": "11111111-1111-7111-8111-111111111111", "description": title}])
    program = Taskwarrior(tmp_path / "tasks")
    program.run("import", "-", text=written("taskwarrior", *todos_of(entries_of("taskwarrior", data))))
    assert [task["description"] for task in program.tasks()] == [title]
