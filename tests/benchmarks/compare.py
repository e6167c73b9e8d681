"""How fast commands are, beside other programs: `make bench`, or `python -m tests.benchmarks.compare [TODOS ...]`.

Prints the tables of docs/speed.md, and writes its picture, docs/speed.svg, if it measures all sizes. Each figure is the
median of several runs of a whole process, in milliseconds of wall time. What is not installed is left out. Times depend
on the machine; their ratios to `python -c pass` hardly do.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from tests.benchmarks import bars
from tests.support import daemon, postgres, scale
from tests.support.relay import Relay
from todocli.database.postgres.url import PostgresURL
from todocli.database.setup import ensure_schema

RUNS = 7
SIZES = (20, 1_000, 10_000, 100_000)
DELAYS = (0, 20, 50, 100)
"""Milliseconds of a round trip to a database that is far away."""

MAX_FILES = 1_000
"""The largest store for a program that keeps a file for each todo."""

TODO = str(Path(sys.executable).with_name("todo"))
ACTIONS = ("list", "search", "today", "add", "done", "edit", "undo")
DRAWN = (("list", 1_000), ("done", 1_000), ("list", 100_000), ("done", 100_000))
PICTURE = Path(__file__).parents[2] / "docs" / "speed.svg"

RUNNER = """
import os, sys, time
opened = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
begun = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=opened)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - begun
print(os.waitstatus_to_exitcode(status), 1000 * wall, 1000 * (used.ru_utime + used.ru_stime), used.ru_maxrss)
"""
"""Runs a command line. What a process takes to start, and its peak of memory, include those of the one it is from."""


@dataclass(frozen=True)
class Peer:
    """A program, and its command lines; `{}` is a todo of its own for each run."""

    name: str
    lines: dict[str, list[str]]
    todos: list[str]
    environment: dict[str, str]


@dataclass(frozen=True)
class Cost:
    """What one command cost: milliseconds, and kilobytes at most. CPU and memory are those of the client alone."""

    wall: float
    cpu: float
    memory: float


def main() -> None:
    """Print the tables."""
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    drawn: dict[str, dict[str, float]] = {}
    bare = _median([_run([sys.executable, "-c", "pass"], {}) for _ in range(3 * RUNS)])
    cores = len(os.sched_getaffinity(0))
    circumstances = f"{date.today()}, {cores} cores, Python {platform.python_version()}, {', '.join(_versions())}."
    print(circumstances)
    print(f"`python -c pass`: {bare.wall:.0f} ms, {bare.cpu:.0f} ms of CPU, {bare.memory / 1000:.0f} MB.\n")
    for todos in sizes:
        print(f"| {todos:,} todos |" + "".join(f" {action} |" for action in ACTIONS) + " CPU of list | memory |")
        print("|---|" + "---:|" * (len(ACTIONS) + 2))
        with ExitStack() as stack:
            for peer in _peers(todos, stack):
                costs = {action: _measure(peer, action) for action in ACTIONS if action in peer.lines}
                cells = [
                    f"{costs[action].wall:.0f} ({costs[action].wall / bare.wall:.1f} ×)" if action in costs else "–"
                    for action in ACTIONS
                ]
                used = f"{costs['list'].cpu:.0f} | {costs['list'].memory / 1000:.0f} MB"
                print(f"| {peer.name} | {' | '.join(cells)} | {used} |", flush=True)
                for action in (action for action, size in DRAWN if size == todos and action in costs):
                    drawn.setdefault(f"{action}, {todos:,} todos", {})[peer.name] = costs[action].wall
        print()
    if sizes == SIZES:
        PICTURE.write_text(bars.svg(drawn, circumstances), encoding="utf-8")
    _print_far(bare)


def _versions() -> Iterator[str]:
    for name, command in (
        ("Taskwarrior", ["task", "--version"]),
        ("todoman", ["todoman", "--version"]),
        ("SQLite", ["sqlite3", "--version"]),
    ):
        if shutil.which(command[0]):
            answer = subprocess.run(command, capture_output=True, text=True, check=False).stdout
            yield f"{name} {next(word for word in answer.split() if word[0].isdigit())}"
    if shutil.which("todo-txt"):
        yield "todo.txt-cli 2"


def _run(line: list[str], environment: dict[str, str]) -> Cost:
    ran = subprocess.run(
        [sys.executable, "-I", "-S", "-c", RUNNER, *line],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    code, *cost = map(float, ran.stdout.split())
    if code:
        raise RuntimeError(f"{line}: {code:.0f} {ran.stderr}")
    return Cost(*cost)


def _median(costs: list[Cost]) -> Cost:
    return Cost(*(statistics.median(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "memory")))


def _measure(peer: Peer, action: str) -> Cost:
    place = ACTIONS.index(action) * RUNS
    costs = []
    for run in range(RUNS):
        todo = peer.todos[(place + run) % len(peer.todos)]
        costs.append(_run([word.replace("{}", todo) for word in peer.lines[action]], peer.environment))
        time.sleep(0.1)  # a person does not type faster, and a daemon gets its next child ready
    return _median(costs)


def _peers(todos: int, stack: ExitStack) -> Iterator[Peer]:
    """Return the programs, each with a store of its own; of `todos`, at most `scale.OPEN` are open."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    for name, choice in (("todo", "off"), ("todo, with its daemon", "on")):
        home = folder / choice
        home.mkdir()
        environment = {"TODO_HOME": str(home), "LOGNAME": "user-0", "TODO_DAEMON": choice}
        if choice == "on":
            running = stack.enter_context(daemon.running(home))
            environment = {**environment, "XDG_RUNTIME_DIR": running.environment["XDG_RUNTIME_DIR"]}
        ensure_schema(home / "todo.db")
        scale.fill(home / "todo.db", todos, statistics=False)
        every = max(1, todos // scale.OPEN)
        yield Peer(name, _todo_lines(), [str(every * place) for place in range(1, min(todos, scale.OPEN))], environment)
    if shutil.which("task"):
        yield _taskwarrior(folder / "task", todos)
    if shutil.which("todo-txt"):
        yield _todo_txt(folder / "txt", todos)
    if shutil.which("todoman") and todos <= MAX_FILES:
        yield _todoman(folder / "man", todos)
    if shutil.which("sqlite3"):
        query = "SELECT number, title, due_on FROM todos WHERE completed_at IS NULL AND deleted_at IS NULL"
        yield Peer("sqlite3", {"list": ["sqlite3", str(folder / "off/todo.db"), query]}, ["1"], {})


def _todo_lines() -> dict[str, list[str]]:
    return {
        "list": [TODO, "list"],
        "search": [TODO, "list", "many"],
        "today": [TODO, "today"],
        "add": [TODO, "add", "Buy milk"],
        "done": [TODO, "done", "{}"],
        "edit": [TODO, "edit", "{}", "pri:high"],
        "undo": [TODO, "undo"],
    }


def _is_open(number: int, todos: int) -> bool:
    every = max(1, todos // scale.OPEN)
    return number % every == 0 and number <= every * scale.OPEN


def _taskwarrior(folder: Path, todos: int) -> Peer:
    folder.mkdir()
    (folder / "taskrc").write_text(f"data.location={folder}\nconfirmation=off\nverbose=nothing\n")
    environment = {"TASKRC": str(folder / "taskrc")}
    ids = [str(uuid.uuid4()) for _ in range(todos)]
    stamp = {"entry": "20260101T000000Z"}
    tasks = [
        {"uuid": name, "description": f"Todo {number} of many", "status": "pending", **stamp}
        if _is_open(number, todos)
        else {
            "uuid": name,
            "description": f"Todo {number} of many",
            "status": "completed",
            "end": "20260102T000000Z",
            **stamp,
        }
        for number, name in enumerate(ids, 1)
    ]
    subprocess.run(
        ["task", "import", "-"],
        input="\n".join(map(json.dumps, tasks)),
        text=True,
        env={**os.environ, **environment},
        capture_output=True,
        check=True,
    )
    lines = {
        "list": ["task", "list"],
        "search": ["task", "many", "list"],
        "add": ["task", "add", "Buy milk"],
        "done": ["task", "{}", "done"],
        "edit": ["task", "{}", "modify", "priority:H"],
        "undo": ["task", "undo"],
    }
    return Peer(
        "Taskwarrior", lines, [name for number, name in enumerate(ids, 1) if _is_open(number, todos)], environment
    )


def _todo_txt(folder: Path, todos: int) -> Peer:
    folder.mkdir()
    (folder / "todo.txt").write_text(
        "".join(f"{'' if _is_open(n, todos) else 'x 2026-01-02 '}Todo {n} of many\n" for n in range(1, todos + 1))
    )
    (folder / "config").write_text(
        f"export TODO_DIR={folder}\nexport TODO_FILE=$TODO_DIR/todo.txt\nexport DONE_FILE=$TODO_DIR/done.txt\n"
        "export REPORT_FILE=$TODO_DIR/report.txt\nexport TODOTXT_AUTO_ARCHIVE=0\n"
    )
    start = ["todo-txt", "-d", str(folder / "config")]
    lines = {
        "list": [*start, "ls"],
        "search": [*start, "ls", "many"],
        "add": [*start, "add", "Buy milk"],
        "done": [*start, "-a", "do", "{}"],
        "edit": [*start, "pri", "{}", "A"],
    }
    return Peer("todo.txt-cli", lines, [str(n) for n in range(1, todos + 1) if _is_open(n, todos)], {})


def _todoman(folder: Path, todos: int) -> Peer:
    (folder / "list").mkdir(parents=True)
    for number in range(1, todos + 1):
        status = "NEEDS-ACTION" if _is_open(number, todos) else "COMPLETED"
        (folder / f"list/{number}.ics").write_text(
            "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//x\nBEGIN:VTODO\n"
            f"UID:{number}\nDTSTAMP:20260101T000000Z\nSUMMARY:Todo {number} of many\nSTATUS:{status}\n"
            "END:VTODO\nEND:VCALENDAR\n"
        )
    (folder / "config.py").write_text(
        f'path = "{folder}/*"\ncache_path = "{folder}/cache.sqlite3"\ndefault_list = "list"\n'
    )
    start = ["todoman", "--config", str(folder / "config.py")]
    lines = {
        "list": [*start, "list"],
        "search": [*start, "list", "--grep", "many"],
        "add": [*start, "new", "Buy milk"],
        "done": [*start, "done", "{}"],
        "edit": [*start, "edit", "{}", "--priority", "high"],
    }
    _run(lines["list"], {})  # fills its cache
    return Peer("todoman", lines, [str(place) for place in range(1, min(todos, scale.OPEN))], {})


def _print_far(bare: Cost) -> None:
    """Print what a command costs on a Postgres that is far away, alone and within a minute of another one."""
    print(f"| Postgres, round trip |{''.join(f' {delay} ms |' for delay in DELAYS)}\n|---|{'---:|' * len(DELAYS)}")
    rows: dict[str, list[str]] = {}
    for delay in DELAYS:
        with ExitStack() as stack:
            url = stack.enter_context(postgres.migrated())
            scale.fill(url, 20, statistics=False)
            place = (url.host, url.port or 5432)
            relay = stack.enter_context(Relay(place, round_trip=delay / 1000))
            for action in ("list", "add"):
                for name, choice in (("", "off"), (", with its daemon", "on")):
                    cost = _far(stack, replace(url, host="127.0.0.1", port=relay.port), action, choice)
                    ratio = f"{cost.wall:.0f} ({cost.wall / bare.wall:.1f} ×)"
                    rows.setdefault(f"todo {action}{name}", []).append(ratio)
    for name, cells in rows.items():
        print(f"| {name} | {' | '.join(cells)} |")


def _far(stack: ExitStack, url: PostgresURL, action: str, choice: str) -> Cost:
    home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    (home / "config.toml").write_text(f'active = "far"\n\n[profiles.far]\nuser = "user-0"\nurl = "{url.text()}"\n')
    (home / "config.toml").chmod(0o600)
    environment = {"TODO_HOME": str(home), "TODO_DAEMON": choice}
    if choice == "on":
        running = stack.enter_context(daemon.running(home))
        environment["XDG_RUNTIME_DIR"] = running.environment["XDG_RUNTIME_DIR"]
    costs = []
    for _ in range(RUNS + 1):
        costs.append(_run(_todo_lines()[action], environment))
        time.sleep(1)  # the next connection is opened meanwhile
    return _median(costs[1:])


if __name__ == "__main__":
    main()
