"""Kills client, child or daemon while todos are added: `python -m tests.benchmarks.daemon_kills [RUNS]`.

Nothing may be doubled, and every `add` that exited with 0 must be stored. One that exits with 9 is repeated as it says.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.support import daemon
from tests.support.daemon import RunningDaemon

VICTIMS = ("client", "child", "daemon")
LONGEST = 0.2
"""Seconds after the start of a command within which it may happen; a command takes about half as long."""


def main() -> None:
    """Print what the commands exited with, and what was stored."""
    runs, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 300, time.time_ns() % 10_000
    chance = random.Random(seed)
    exits: Counter[tuple[str, int]] = Counter()
    acknowledged: set[str] = set()
    with tempfile.TemporaryDirectory() as home, ExitStack() as stack:
        todo = stack.enter_context(daemon.running(Path(home)))
        todo.run("add", "first")
        for run in range(runs):
            if todo.process.poll() is not None:
                stack.pop_all().close()
                todo = stack.enter_context(daemon.running(Path(home)))
            title, victim = f"todo {run}", chance.choice(VICTIMS)
            code = _add(todo, title, victim, chance.uniform(0, LONGEST))
            exits[victim, code] += 1
            if code == 0:
                acknowledged.add(title)
        stored = Counter(item["title"] for item in json.loads(todo.run("list", "--all", "--json").stdout)["items"])
    for (victim, code), count in sorted(exits.items()):
        print(f"{victim:>7} killed, exit {code:>3}: {count}")
    doubled = [title for title, count in stored.items() if count > 1]
    print(f"{runs} runs, seed {seed}: {len(acknowledged)} acknowledged, {len(stored) - 1} stored")
    print(f"doubled: {doubled or 'none'}; lost: {sorted(acknowledged - set(stored)) or 'none'}")


def _add(todo: RunningDaemon, title: str, victim: str, after: float) -> int:
    """Add a todo, kill the victim meanwhile, and return what the command exited with in the end."""
    child = todo.waiting
    with todo.start("add", title) as client:
        time.sleep(after)
        with suppress(ProcessLookupError):
            os.kill({"client": client.pid, "child": child, "daemon": todo.process.pid}[victim], signal.SIGKILL)
        _, error = client.communicate()
    if victim == "daemon":
        todo.process.wait()
    if client.returncode != 9:
        return client.returncode
    command = shlex.split(error[error.index("todo --change") :].splitlines()[0])
    again = subprocess.run([*daemon.TODO, *command[1:]], env=todo.environment, capture_output=True, check=False)
    return again.returncode


if __name__ == "__main__":
    main()
