"""What imports, undo, exports and copies cost: `python -m tests.benchmarks.transfer`. Takes minutes.

Each is a process of its own, whose time and peak memory are measured, on SQLite and on Postgres, near and far away. For
comparison, `sqlite3` and `task` do the same work, if they are installed.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tests.support import postgres
from tests.support.relay import Relay
from todocli.database import migrations
from todocli.database.postgres.url import PostgresURL
from todocli.database.setup import ensure_schema
from todocli.database.store import open_store
from todocli.services.users import Users

SIZES = (1_000, 10_000, 100_000)
DELAYS = (0, 50)
"""Round-trip times to Postgres, in milliseconds."""

WORDS = ("call", "pay", "write", "review", "bank", "garden", "door", "invoice", "plan", "trip", "team", "server")

_MEASURED = """
import os, sys, time
begun = time.perf_counter()
null = os.open(os.devnull, os.O_RDWR)
actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1)]
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), time.perf_counter() - begun, usage.ru_maxrss)
"""
"""A process of its own, as a child's peak memory counts that of the process that it was forked from."""

TRIGGERED = """
PRAGMA foreign_keys = ON;
PRAGMA synchronous = FULL;
BEGIN IMMEDIATE;
CREATE TEMP TABLE rows (position, id, title, created_at, completed_at, due_on, project, tags);
.mode csv
.import --schema temp {file} rows
INSERT INTO todos (
  id, user_id, number, title, created_at, updated_at, completed_at, due_on, project, tags, version, change_id,
  change_source)
SELECT
  r.id, u.id, u.last_number + r.position, r.title, r.created_at, r.created_at, nullif(r.completed_at, ''), r.due_on,
  r.project, r.tags, 1, '0198c0de00007000800000000000000a', 'sql'
FROM rows AS r, users AS u;
COMMIT;
"""


def measure(line: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Return the seconds and the peak memory in MB of a command. Raises `RuntimeError` if it fails."""
    command = [sys.executable, "-S", "-E", "-c", _MEASURED, *line]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    status, seconds, kilobytes = ran.stdout.split()
    if status != "0":
        raise RuntimeError(f"{line}: {ran.stderr}")
    return float(seconds), int(kilobytes) / 1_000


def titles(count: int) -> Iterator[tuple[int, str]]:
    """Return numbers and titles."""
    for i in range(count):
        yield i, f"{WORDS[i % 12]} {WORDS[i // 12 % 12]} {WORDS[i // 144 % 12]} {i}"


def todo_txt(path: Path, count: int) -> Path:
    """Write a todo.txt with so many todos, a third of them completed."""
    with path.open("w") as file:
        for i, title in titles(count):
            done = "x 2026-02-03 " if i % 3 == 0 else ""
            file.write(f"{done}2026-01-{i % 28 + 1:02} {title} +home/{WORDS[i % 7]} @{WORDS[i % 5]} due:2026-12-01\n")
    return path


def task_json(path: Path, count: int) -> Path:
    """Write the same for Taskwarrior."""
    with path.open("w") as file:
        for i, title in titles(count):
            done = {"status": "completed", "end": "20260203T000000Z"} if i % 3 == 0 else {"status": "pending"}
            task = {"description": title, "entry": "20260101T000000Z", "due": "20261201T000000Z", **done}
            file.write(json.dumps(task | {"project": f"home.{WORDS[i % 7]}", "tags": [WORDS[i % 5]]}) + "\n")
    return path


def csv_rows(path: Path, count: int) -> Path:
    """Write the same as rows of the table, for `sqlite3`."""
    with path.open("w") as file:
        writer = csv.writer(file)
        for i, title in titles(count):
            done = "2026-02-03 00:00:00.000000" if i % 3 == 0 else ""
            row = (i + 1, f"{i:032x}", title, "2026-01-01 00:00:00.000000", done, "2026-12-01", f"home/{WORDS[i % 7]}")
            writer.writerow((*row, json.dumps([WORDS[i % 5]])))
    return path


class Places:
    """New users to import for: on files of their own, or on one Postgres."""

    def __init__(self, folder: Path, near: PostgresURL) -> None:
        self.folder = folder
        self.near = near
        self._made = 0

    def environment(self, url: PostgresURL | None) -> dict[str, str]:
        """Return the environment of a new user."""
        self._made += 1
        home = self.folder / f"home{self._made}"
        home.mkdir()
        name = f"user{self._made}"
        environment = {**os.environ, "TODO_HOME": str(home), "LOGNAME": name, "TODO_DAEMON": "off"}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        if url is None:
            ensure_schema(home / "todo.db")
            return environment
        with open_store(self.near) as store, store.session() as session:
            Users(session).add(name)
        return environment | {"TODO_DATABASE_URL": url.text()}


def main() -> None:
    """Measure, and print tables in Markdown."""
    servers = postgres.Servers(postgres.new_folder(), os.environ.get("TODO_TEST_DATABASE_URL"))
    todo = str(Path(sys.executable).with_name("todo"))
    try:
        near = servers.server()
        postgres.execute(near, "CREATE DATABASE {}", "transfer")
        near = replace(near, database="transfer")
        migrations.upgrade(near)
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            places = Places(folder, near)
            print("| | todos | " + " | ".join(f"{engine} | MB" for engine in _engines()) + " |")
            print("|---|---|" + "---|---|" * len(_engines()))
            for size in SIZES:
                file = str(todo_txt(folder / "todo.txt", size))
                cells: dict[str, list[str]] = {}
                for delay in (None, *DELAYS):
                    with Relay((near.host, near.port or 5432), round_trip=(delay or 0) / 1000) as relay:
                        far = replace(near, host="127.0.0.1", port=relay.port, query=(("sslmode", "disable"),))
                        environment = places.environment(None if delay is None else far)
                        lines = {
                            "import todo.txt": [todo, "import", file],
                            "import it again": [todo, "import", file],
                            "undo": [todo, "undo", "--json"],
                            "redo": [todo, "redo", "--json"],
                            "export todo.txt": [todo, "export", str(folder / "out.txt"), "--yes"],
                            "export --history": [todo, "export", "--history", str(folder / "out.json"), "--yes"],
                        }
                        for name, line in lines.items():
                            seconds, megabytes = measure(line, environment)
                            cells.setdefault(name, []).append(f"{seconds:.2f} s | {megabytes:.0f}")
                for name, found in cells.items():
                    print(f"| {name} | {size:,} | {' | '.join(found)} |", flush=True)
            print("\n| program | todos | time, less its start | MB |\n|---|---|---|---|")
            for size in SIZES:
                _compare(places, folder, size, todo)
    finally:
        servers.stop()


def _engines() -> list[str]:
    return ["SQLite", *(f"Postgres at {delay} ms" for delay in DELAYS)]


def _compare(places: Places, folder: Path, size: int, todo: str) -> None:
    """Print what `todo`, `sqlite3` and `task` need for the same, each without the time that it needs for nothing."""
    environment = places.environment(None)
    lines: dict[str, tuple[list[str], list[str]]] = {
        "todo import": ([todo, "count"], [todo, "import", str(todo_txt(folder / "todo.txt", size))])
    }
    if sqlite3 := shutil.which("sqlite3"):
        script = folder / "triggered.sql"
        script.write_text(TRIGGERED.format(file=csv_rows(folder / "rows.csv", size)))
        other = places.environment(None)
        subprocess.run([todo, "count"], env=other, capture_output=True, check=True)  # its user is added
        database = str(Path(other["TODO_HOME"]) / "todo.db")
        lines["sqlite3, with our triggers"] = (
            [sqlite3, database, "SELECT 1"],
            [sqlite3, database, f".read {script}"],
        )
    if (task := shutil.which("task")) and size <= 10_000:
        settings = folder / f"taskrc{size}"
        settings.write_text(f"data.location={folder / f'tasks{size}'}\nhooks=0\n")
        (folder / f"tasks{size}").mkdir()
        base = [task, f"rc:{settings}", "rc.verbose=nothing", "rc.confirmation=off"]
        lines["task import"] = ([*base, "_version"], [*base, "import", str(task_json(folder / "tasks.json", size))])
    run: Callable[[list[str]], tuple[float, float]] = lambda line: measure(line, environment)  # noqa: E731
    for name, (nothing, work) in lines.items():
        start = min(run(nothing)[0] for _ in range(5))
        seconds, megabytes = run(work)
        print(f"| {name} | {size:,} | {seconds - start:.2f} s | {megabytes:.0f} |", flush=True)


if __name__ == "__main__":
    main()
