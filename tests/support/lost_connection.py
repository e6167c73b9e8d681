"""A database behind a relay that does harm to one connection of one command, and what is left of it afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tests.support import postgres
from tests.support.protocol import Faulty
from tests.support.relay import Relay
from tests.support.terminal import Ran, Terminal
from tests.support.waiting import ClockFrom, FakeClock
from todocli import profiles
from todocli.database import deadline
from todocli.database.postgres.url import PostgresURL

WRITING = {
    "add": "add new --description more",
    "add many": "add -",
    "import": "import - --format todotxt",
    "edit": "edit 1 --title other",
    "done": "done 1 2",
    "done already": "done 1 3",
    "rm what repeats": "rm 2",
    "reopen": "reopen 3",
    "rm": "rm 1-2",
    "restore": "restore 4",
    "restore already": "restore 1 4",
    "claim": "claim --as agent",
    "claim again": "claim 1 --as agent",
    "undo": "undo 2",
    "redo": "redo",
    "purge": "purge --yes",
    "done found": "done --search a --yes",
    "edit found": "edit --all --yes set +new",
    "token create": "token create phone --json",
    "token revoke": "token revoke web --json",
    "user add": "user add eve",
    "user rename": "user rename bob carl",
}
"""A command line of each kind that writes.

Todos 1 and 2 are open, and 2 repeats; 3 is done, 4 is in the trash; a change is undone.
"""

STDIN = "one\ntwo\n"

SECONDS = 0.25
"""The deadline of a command, counted from when its connection falls silent."""


_TABLES = ("users", "todos", "sources", "changes", "history", "tokens")
_RESTORE = ";".join(
    (
        "BEGIN; SET LOCAL session_replication_role = replica",  # without triggers
        *(f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}" for table in _TABLES),
        "COMMIT",
    )
)


@dataclass
class RemoteDatabase:
    """The database at `near`, and a terminal that reaches it through a relay."""

    near: PostgresURL
    monkeypatch: pytest.MonkeyPatch
    todo: Terminal = field(init=False)

    def __post_init__(self) -> None:
        self.monkeypatch.setenv("LOGNAME", "ada")
        self.monkeypatch.setattr(deadline, "SYSTEM_CLOCK", FakeClock())
        self.todo = Terminal(self.monkeypatch)

    def prepare(self) -> None:
        """Bring the database into the state that each command starts from; after the first time it is a copy."""
        self._use(self.near)
        with postgres.connect(self.near) as connection:
            if connection.execute("SELECT to_regclass('kept_users')").fetchone() != (None,):
                connection.execute(_RESTORE)
                return
            users = "INSERT INTO users (id, name, last_number, created_at) VALUES (gen_random_uuid(), %s, 0, now())"
            connection.cursor().executemany(users, [("ada",), ("bob",)])
        for line in ("add -", "edit 2 every:day", "done 3", "rm 4", "reopen 3", "undo", "token create web"):
            self.todo.ok(line, stdin="a\nb\nc\nd\n")
        with postgres.connect(self.near) as connection:
            connection.execute(";".join(f"CREATE TABLE kept_{table} AS TABLE {table}" for table in _TABLES))

    def _use(self, url: PostgresURL) -> None:
        self.monkeypatch.setenv("TODO_DATABASE_URL", url.text())

    @contextmanager
    def with_fault(self, fault: Faulty) -> Iterator[None]:
        """Use the database through a relay with `fault` in it."""
        with Relay((self.near.host, self.near.port or 5432), new_line=fault.line) as relay:
            self._use(replace(self.near, host="127.0.0.1", port=relay.port, query=(("sslmode", "disable"),)))
            yield

    def state(self) -> object:
        """Return all that is stored, apart from identifiers and times."""
        columns = "number, title, description, tags, version, completed_at IS NULL, deleted_at IS NULL"
        with postgres.connect(self.near) as connection:
            todos = connection.execute(f"SELECT {columns} FROM todos ORDER BY number").fetchall()
            changes = connection.execute("SELECT count(*) FROM changes").fetchone()
            rows = connection.execute("SELECT count(*) FROM history").fetchone()
            users = connection.execute("SELECT name, last_number FROM users ORDER BY name").fetchall()
            tokens = connection.execute("SELECT name FROM tokens ORDER BY name").fetchall()
            sources = connection.execute("SELECT count(*) FROM sources").fetchone()
        return todos, changes, rows, users, tokens, sources

    def messages(self, line: str) -> list[str]:
        """Return the messages of a command on an undisturbed line."""
        self.prepare()
        witness = Faulty(at=1_000, before=True)
        with self.with_fault(witness):
            self.todo.ok(line, stdin=STDIN)
        return witness.seen

    def cut(self, line: str, at: int, *, before: bool = True) -> Ran:
        """Run a command whose first connection is cut at message number `at`."""
        self.prepare()
        with self.with_fault(Faulty(at, before)):
            return self.todo(line, stdin=STDIN)

    def stall(self, line: str, at: int, *, before: bool = True) -> Stalled:
        """Run a command whose first connection falls silent at message `at`; then repeat it as its error suggests."""
        self.prepare()
        start = self.state()
        fault = Faulty(at, before, stall=True)
        with self.with_fault(fault):
            with self.monkeypatch.context() as patch:
                resolve = profiles.resolve
                patch.setattr(profiles, "resolve", lambda *given: replace(resolve(*given), timeout=SECONDS))
                patch.setattr(deadline, "SYSTEM_CLOCK", ClockFrom(lambda: fault.is_over))
                ran = self.todo(f"{line} --json", stdin=STDIN)
            error: dict[str, Any] = json.loads(ran.err) if ran.code else {"detail": "", "command": []}
            unchanged = self.state() == start
            repeated = None
            if "--change" in error["command"]:
                repeated = self.todo(error["command"][1:], stdin=STDIN)
        return Stalled(fault.seen[-1], ran, "It is not known" in error["detail"], unchanged, repeated)


@dataclass(frozen=True)
class Stalled:
    """How a command ended whose connection fell silent at `message`, and how its repetition ended."""

    message: str
    ran: Ran
    outcome_unknown: bool
    unchanged: bool
    repeated: Ran | None
