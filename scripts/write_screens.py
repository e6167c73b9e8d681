"""Write `tests/snapshots/screens/`, what a user sees at a terminal: `python -m scripts.write_screens`.

Each file has one command, at 40 to 120 columns, and once more at 80 with colour. `␛` stands for ESC.
"""

from __future__ import annotations

import os
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.terminal import Terminal
from todocli import clock, paths
from todocli.services import todos
from todocli.services.history import purge, undo

FOLDER = Path(__file__).resolve().parents[1] / "tests/snapshots/screens"
WIDTHS = (40, 60, 80, 100, 120)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)

ADDED = """\
Pay rent due:fri p:1 project:home +bills
Buy 40th birthday gift due:today-09:00 +family +gifts
Water the plants due:yesterday project:home/garden
Write the report about the third quarter, with figures due:2w p:2 project:work.reports +writing
Call the bank due:tomorrow-17:00 +bills
Learn the accordion p:3
Plan summer holiday start:1m
漢字を勉強する project:learning due:3d
Learn to sail due:someday
Buy milk
"""
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{5}(\s+)?[0-9a-f]{7}")
COMMANDS = {
    "list": "list",
    "all": "list --all",
    "filter": "list +bills due:week",
    "grouped": "list --group project",
    "today": "today",
    "next": "next -n 3",
    "tags": "tags",
    "projects": "projects",
    "show": "show 4",
    "log": "log -n 6",
    "added": "add Buy stamps due:fri-17:00 pri:low project:home +post",
    "question": "done --tag bills",
    "would": "rm --project home --dry-run",
    "caret": "list --where '+home and (due:nextweek or pri:high)'",
    "dates": "help dates",
    "views": "view list",
    "long": "list --sort title",
}


def screens(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """Yield each screen's name and text, on Monday, 23 November 2026, at noon."""
    now = NOON - timedelta(hours=3)
    for module in (clock, purge, todos, undo):
        monkeypatch.setattr(module, "now", lambda: now)
    person = Terminal(monkeypatch, terminal=True, lines=24)
    person("list")  # adds the user
    monkeypatch.setattr("secrets.randbits", random.Random(1).getrandbits)
    person.ok("add -", stdin=ADDED)
    person.ok("edit 4 -d 'three pages,\nin English'")
    person.ok("note 4 Ada wants the figures of the second quarter as well")
    person.ok("done 10")
    person("view save week due:week --sort -priority")
    with closing(sqlite3.connect(paths.database_file(), isolation_level=None)) as database:
        database.execute("UPDATE changes SET made_at = ?", (f"{now:%Y-%m-%d %H:%M:%S.%f}",))
    now = NOON
    for name, line in COMMANDS.items():
        if name == "long":
            person.ok("add -", stdin="".join(f"Call customer {i} due:2w project:work +sales\n" for i in range(10, 50)))
        shown = [f"$ todo {line}\n"]
        for colour, width in (*(("never", width) for width in WIDTHS), ("always", 80)):
            person.width = width
            ran = person(f"{line} --color {colour}", stdin="n\n")
            text = _UUID.sub("01a207a2-3280-7f03-a5d1-e72cf216d9d3", ran.out + ran.err).replace("\x1b", "␛")
            shown.append(f"\n── {width} columns{', with colour' * (colour == 'always')}\n{text}")
            if name == "added":
                person.ok("undo")
        yield name, "".join(shown)


def main() -> None:
    """Write the files."""
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("TODO_", "NO_COLOR", "FORCE_COLOR", "CLICOLOR")):
                patch.delenv(name)
        patch.setenv("TODO_HOME", home)
        patch.setenv("TZ", "UTC")
        time.tzset()
        for name, text in screens(patch):
            (FOLDER / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
