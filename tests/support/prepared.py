"""A new user with todos that each of `LINES` changes, and a look at what is stored."""

from __future__ import annotations

import os
import shlex
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.support.client import Client, key
from tests.support.console import Console
from todocli.database.postgres.url import PostgresURL
from todocli.database.setup import ensure_schema
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.domain.references import parse_references
from todocli.schemas.todos import TodoCreate
from todocli.services.history.undo import Undo
from todocli.services.owner import Owner
from todocli.services.users import Users

LINES = ("done 1-40", "undo", "undo 3", "redo", "purge --yes", "import {file}")
"""Todos 1 to 40 are open, 41 to 60 in the trash; the newest changes are those, and one more was undone.

The file is a todo.txt with 300 todos.
"""


@dataclass
class Prepared:
    """Where the users are: all on the database at `url`, or each with a file of their own below `home`."""

    url: PostgresURL | None
    home: Path

    def user(self, name: str) -> None:
        """Add a user, with todos."""
        target = self.target(name)
        if isinstance(target, Path):
            target.parent.mkdir(parents=True)
            ensure_schema(target)
        with open_store(target, seconds=60) as store:
            with store.session() as session:
                owner = Owner(name, Users(session).ensure(name))
                todos = Client(session, owner)
                todos.add([TodoCreate(title=str(i)) for i in range(60)])
                todos.remove(parse_references(["41-50"]))
                todos.remove(parse_references(["51-60"]))
                todos.complete(parse_references(["1-30"]))
            store.atomically(lambda session: Undo(session, owner).reverse("undo", 1, key(None, "undo", count=1)))

    def state(self, name: str) -> object:
        """Return all that is stored of a user, apart from identifiers and times."""
        console = Console(self.target(name))
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

    def line(self, line: str, change: uuid.UUID, module: str = "todocli") -> list[str]:
        """Return a command line as a program and its arguments, with the key of its change."""
        file = self.home / "todo.txt"
        file.write_text("".join(f"todo {i} +project @tag due:2026-12-01\n" for i in range(300)))
        return [sys.executable, "-m", module, *shlex.split(line.format(file=file)), "--change", str(change)]

    def environment(self, name: str) -> dict[str, str]:
        """Return an environment in which that user is active."""
        environment = {**os.environ, "TODO_HOME": str(self.home / name), "LOGNAME": name}
        return environment | ({"TODO_DATABASE_URL": self.url.text()} if self.url else {})

    def target(self, name: str) -> Target:
        """Return the user's database."""
        return self.url or self.home / name / "todo.db"
