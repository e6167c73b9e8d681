"""A command that is killed at some moment while it works on the database, and what is left of it.

As a program, `python -m tests.support.killed LINE…`, it loads all that `todo LINE…` needs, says `ready`, waits for a
line on stdin, and runs it: so a `kill -9` meets the work and not the imports.
"""

from __future__ import annotations

import os
import random
import shlex
import subprocess
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.client import Client, key
from tests.support.console import Console
from todocli.database.postgres.url import PostgresURL
from todocli.database.setup import ensure_schema
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.references import parse_references
from todocli.schemas.todos import TodoCreate
from todocli.services.history.undo import Undo
from todocli.services.owner import Owner
from todocli.services.users import Users

LINES = ("done 1-40", "undo", "undo 3", "redo", "purge --yes")
"""Todos 1 to 40 are open, 41 to 60 in the trash; the newest changes are those, and one more was undone."""


@dataclass
class Killed:
    """Somebody whose every command is killed; `found` counts what became of them."""

    url: PostgresURL | None
    """A database for all; without it, each has a file of their own."""
    home: Path
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
        before = self._state(name)
        assert whole.stdin
        assert whole.stdout
        print("go", file=whole.stdin, flush=True)
        time.sleep(chance.uniform(0, 1.1) * self._seconds[line])
        whole.kill()
        out = whole.communicate()[0]
        state = self._state(name)
        repeated = subprocess.run(
            self._line(line, change), env=self._environment(name), capture_output=True, check=True
        )
        after = self._state(name)
        assert repeated.returncode == 0
        assert state in (before, after), f"{line} was torn"
        assert state == after or not out, f"{line} was acknowledged, and lost"
        assert after != before
        self.found["killed"] += 1
        self.found["that had been made"] += state == after
        self.found["that had been acknowledged"] += bool(out)

    def _begin(self, line: str, name: str, change: uuid.UUID) -> subprocess.Popen[str]:
        target = self._target(name)
        if isinstance(target, Path):
            target.parent.mkdir(parents=True)
            ensure_schema(target)
        with open_store(target, seconds=60) as store:
            self._prepare(store, name)
        process = subprocess.Popen(
            self._line(line, change, "tests.support.killed"),
            env=self._environment(name),
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

    def _prepare(self, store: Store, name: str) -> None:
        with store.session() as session:
            owner = Owner(name, Users(session).ensure(name))
            todos = Client(session, owner)
            todos.add([TodoCreate(title=str(i)) for i in range(60)])
            todos.remove(parse_references(["41-50"]))
            todos.remove(parse_references(["51-60"]))
            todos.complete(parse_references(["1-30"]))
        store.atomically(lambda session: Undo(session, owner).reverse("undo", 1, key(None, "undo", count=1)))

    def _state(self, name: str) -> object:
        console = Console(self._target(name))
        try:
            user = console.value("SELECT id FROM users WHERE name = :name", name=name)
            columns = "number, title, completed_at IS NULL, deleted_at IS NULL, version"
            todos = console.run(f"SELECT {columns} FROM todos WHERE user_id = :user ORDER BY number", user=user)
            changes = console.run(
                "SELECT source, undoes IS NULL, (SELECT count(*) FROM history AS h WHERE h.user_id = c.user_id"
                " AND h.change_id = c.id) FROM changes AS c WHERE user_id = :user ORDER BY seq",
                user=user,
            )
        finally:
            console.close()
        return todos, changes

    def _line(self, line: str, change: uuid.UUID, module: str = "todocli") -> list[str]:
        return [sys.executable, "-m", module, *shlex.split(line), "--change", str(change)]

    def _environment(self, name: str) -> dict[str, str]:
        """Return an environment in which that user is active."""
        environment = {**os.environ, "TODO_HOME": str(self.home / name), "LOGNAME": name}
        return environment | ({"TODO_DATABASE_URL": self.url.text()} if self.url else {})

    def _target(self, name: str) -> Target:
        return self.url or self.home / name / "todo.db"


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
