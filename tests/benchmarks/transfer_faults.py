"""Kills and cuts imports, copies and backups: `python -m tests.benchmarks.transfer_faults [RUNS]`. Takes half an hour.

A command that is killed, or whose connection is cut, leaves everything or nothing behind. Run again, it does what was
asked for, once.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.benchmarks.transfer import todo_txt
from tests.support import postgres
from tests.support.console import Console
from tests.support.relay import Cut, Line, Relay
from todocli.database import migrations, sqlite_file
from todocli.database.postgres.url import PostgresURL
from todocli.database.setup import ensure_schema

TODOS = 2_000

State = tuple[int, int, int, int]
NOTHING: State = (0, 0, 0, 0)

_CLEAN = (
    "BEGIN; SET LOCAL session_replication_role = replica;"  # without triggers
    " DELETE FROM sources; DELETE FROM notes; DELETE FROM todos; DELETE FROM history; DELETE FROM changes;"
    " DELETE FROM users; INSERT INTO users (id, name, created_at) VALUES (gen_random_uuid(), 'ada', now()); COMMIT"
)


@dataclass
class Faults:
    """Does harm to commands, and counts what became of them."""

    near: PostgresURL
    folder: Path
    chance: random.Random
    found: Counter[str] = field(default_factory=Counter)
    _seconds: dict[str, float] = field(default_factory=dict)

    def run(self, kind: str, *, cut: bool) -> None:
        """Run a command, do harm to it, and run it again."""
        environment, line = self._prepare(kind)
        if kind not in self._seconds:
            begun = time.monotonic()
            subprocess.run(line, env=environment, capture_output=True, check=True)
            self._seconds[kind] = time.monotonic() - begun
            environment, line = self._prepare(kind)
        if cut:
            self._cut(line, environment)
        else:
            self._kill(kind, line, environment)
        harm = f"{kind}, {'cut' if cut else 'killed'}"
        state = self._state(kind)
        self.found[f"{harm}: runs"] += 1
        whole = (TODOS, 1, TODOS, TODOS)
        self.found[f"{harm}: had been done"] += state == whole
        self.found[f"{harm}: torn"] += state not in (NOTHING, whole)
        again = subprocess.run(line, env=environment, capture_output=True, text=True)
        self.found[f"{harm}: the next run failed"] += again.returncode != 0
        if again.returncode:
            print(again.stderr, flush=True)
        self.found[f"{harm}: lost or doubled after it"] += self._state(kind) != whole

    def back_up(self) -> None:
        """Kill a backup; a file of its name must be whole, and the next backup must work."""
        environment, _ = self._prepare("copy to Postgres")
        todo = [sys.executable, "-m", "todocli", "backup"]
        file = self.folder / "backup.db"

        def run(*words: str) -> int:
            return subprocess.run([*todo, *words], env=environment, capture_output=True).returncode

        if "backup" not in self._seconds:
            begun = time.monotonic()
            assert run(str(file)) == 0
            self._seconds["backup"] = time.monotonic() - begun
            file.unlink()
        self._kill("backup", [*todo, str(file)], environment)
        self.found["backup, killed: runs"] += 1
        self.found["backup, killed: had been done"] += file.exists()
        self.found["backup, killed: torn"] += file.exists() and run("--check", str(file)) != 0
        file.unlink(missing_ok=True)
        self.found["backup, killed: the next run failed"] += run(str(file)) != 0 or run("--check", str(file)) != 0
        self.found["backup, killed: left beside it"] += len(list(self.folder.glob(".backup.db*")))
        file.unlink()

    def _prepare(self, kind: str) -> tuple[dict[str, str], list[str]]:
        """Begin anew: a user without todos, and for a copy the same user with todos on SQLite."""
        home = self.folder / "home"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(mode=0o700)
        config = home / "config.toml"
        config.write_text('[profiles.local]\nuser = "ada"\n[profiles.far]\nuser = "ada"\nurl_env = "SHARED_URL"\n')
        config.chmod(0o600)
        with postgres.connect(self.near) as connection:
            connection.execute(_CLEAN)
        environment = {**os.environ, "TODO_HOME": str(home), "SHARED_URL": self.near.text(), "TODO_DAEMON": "off"}
        todo = [sys.executable, "-m", "todocli"]
        line = [*todo, "import", str(self.folder / "todo.txt"), "--change", str(uuid.uuid4())]
        if kind == "import on Postgres":
            return environment | {"TODO_PROFILE": "far"}, line
        template = self.folder / ("full.db" if kind == "copy to Postgres" else "empty.db")
        if not template.exists():
            ensure_schema(home / "todo.db")
            filling = line if kind == "copy to Postgres" else [*todo, "count"]
            subprocess.run(filling, env=environment, capture_output=True, check=True)
            sqlite_file.keep_copy(home / "todo.db", "copy").replace(template)
        shutil.copyfile(template, home / "todo.db")
        return environment, line if kind == "import on SQLite" else [*todo, "profile", "copy", "local", "far"]

    def _kill(self, kind: str, line: list[str], environment: dict[str, str]) -> None:
        process = subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self.chance.uniform(0.3, 1.05) * self._seconds[kind])
        process.send_signal(signal.SIGKILL)
        process.wait()

    def _cut(self, line: list[str], environment: dict[str, str]) -> None:
        """Cut the first connection, and no other, after some of its bytes."""
        left = [self.chance.randrange(400_000)]

        def end(data: bytes) -> bytes:
            left[0] -= len(data)
            if left[0] < 0:
                left[0] = sys.maxsize
                raise Cut(data[: len(data) // 2])
            return data

        relay = Relay(
            (self.near.host, self.near.port or 5432),
            new_line=lambda number: Line(on_client=end, on_server=end) if number == 0 else Line(),
        )
        with relay:
            url = replace(self.near, host="127.0.0.1", port=relay.port, query=(("sslmode", "disable"),))
            ran = subprocess.run(line, env={**environment, "SHARED_URL": url.text()}, capture_output=True, text=True)
        self.found["cut: the command itself failed"] += ran.returncode != 0

    def _state(self, kind: str) -> State:
        """Return how many todos, changes, rows of history and sources there are."""
        console = Console(self.folder / "home" / "todo.db" if kind == "import on SQLite" else self.near)
        try:
            todos, changes, rows, sources = (
                int(console.value(f"SELECT count(*) FROM {name}"))
                for name in ("todos", "changes", "history", "sources")
            )
        finally:
            console.close()
        return todos, changes, rows, sources


def main() -> None:
    """Do harm, and print the figures."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    servers = postgres.Servers(postgres.new_folder(), os.environ.get("TODO_TEST_DATABASE_URL"))
    try:
        near = servers.server()
        postgres.execute(near, "CREATE DATABASE {}", "faults")
        near = replace(near, database="faults")
        migrations.upgrade(near)
        with tempfile.TemporaryDirectory() as temporary:
            faults = Faults(near, Path(temporary), random.Random())
            todo_txt(Path(temporary) / "todo.txt", TODOS)
            for _ in range(runs):
                for kind in ("import on SQLite", "import on Postgres", "copy to Postgres"):
                    faults.run(kind, cut=False)
                for kind in ("import on Postgres", "copy to Postgres"):
                    faults.run(kind, cut=True)
                faults.back_up()
        for what, count in sorted(faults.found.items()):
            print(f"{count:6} {what}")
    finally:
        servers.stop()


if __name__ == "__main__":
    main()
