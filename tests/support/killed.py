"""A command that is killed at some moment while it works on the database, and what is left of it.

As a program, `python -m tests.support.killed LINE…`, it loads all that `todo LINE…` needs, says `ready`, waits for a
line on stdin, and runs it: so a `kill -9` meets the work and not the imports.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field

from tests.support.prepared import Prepared


@dataclass
class Killed:
    """Somebody whose every command is killed; `found` counts what became of them."""

    prepared: Prepared
    found: Counter[str] = field(default_factory=Counter)
    _seconds: dict[str, float] = field(default_factory=dict)

    def run(self, line: str, chance: random.Random) -> None:
        """Run a command for a new user and kill it at a moment by chance; then look, repeat it, and look again.

        Raises `AssertionError` if it was torn, lost or doubled.
        """
        whole = self._begin(line, name := uuid.uuid4().hex, change := uuid.uuid4())
        if line not in self._seconds:
            self._seconds[line] = self._go(whole)
            whole = self._begin(line, name := uuid.uuid4().hex, change := uuid.uuid4())
        before = self.prepared.state(name)
        assert whole.stdin
        assert whole.stdout
        print("go", file=whole.stdin, flush=True)
        time.sleep(chance.uniform(0, 1.1) * self._seconds[line])
        whole.kill()
        out = whole.communicate()[0]
        state = self.prepared.state(name)
        repeated = subprocess.run(
            self.prepared.line(line, change), env=self.prepared.environment(name), capture_output=True, check=True
        )
        after = self.prepared.state(name)
        assert repeated.returncode == 0
        assert state in (before, after), f"{line} was torn"
        assert state == after or not out, f"{line} was acknowledged, and lost"
        assert after != before
        self.found["killed"] += 1
        self.found["that had been made"] += state == after
        self.found["that had been acknowledged"] += bool(out)

    def _begin(self, line: str, name: str, change: uuid.UUID) -> subprocess.Popen[str]:
        self.prepared.user(name)
        process = subprocess.Popen(
            self.prepared.line(line, change, "tests.support.killed"),
            env=self.prepared.environment(name),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        return process

    def _go(self, process: subprocess.Popen[str]) -> float:
        begun = time.monotonic()
        process.communicate("go\n")
        assert process.returncode == 0
        return time.monotonic() - begun


def _main() -> None:
    import todocli.database.postgres.connect
    import todocli.schemas.changes
    import todocli.services.history.log
    import todocli.services.history.purge  # noqa: F401
    from todocli.__main__ import main

    print("ready", flush=True)
    sys.stdin.readline()
    sys.argv[0] = "todo"
    main()


if __name__ == "__main__":
    _main()
