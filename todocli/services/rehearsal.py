"""Uses the services once, on an empty database in memory.

Much is built when it is first used: mappers, statements, their SQL, validators, patterns. A process that forks children
builds it before, so that they find it. No file is opened, and nothing of a user is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlmodel import SQLModel

from todocli import clock
from todocli.database.schema import HEAD, VERSION_TABLE
from todocli.database.store import open_store
from todocli.domain.filters import parser
from todocli.domain.filters.ast import READY, Between, any_of
from todocli.domain.idempotency import ChangeKey, fingerprint
from todocli.domain.ids import new_id
from todocli.domain.references import parse_references
from todocli.errors import NotFound
from todocli.models import Todo, User
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.history.log import LogQuery
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.workspace import Workspace


def rehearse(owner: Owner | None = None) -> Iterator[None]:
    """Do what the most frequent commands do, and yield between them.

    Statements are built for one user, and kept. A user of the embedded database has an id.
    """
    with _empty_workspace(owner if owner and owner.id else _new_owner()) as workspace:
        yield
        workspace.users.ensure(workspace.owner.name)
        first = parse_references(["1"])
        today = clock.today()
        for_today = any_of(Between("due", None, today), Between("start", today, today))
        yield
        list(workspace.walk_todos(TodoQuery()))  # a list as JSON, as lines, and as a table at a terminal
        yield
        list(workspace.walk_lines(TodoQuery()))
        yield
        workspace.todos.overview(TodoQuery(limit=20))
        yield
        workspace.todos.overview(TodoQuery(filter=for_today, limit=20))
        yield
        list(workspace.walk_lines(TodoQuery(filter=for_today)))
        todos = workspace.todos  # a walk ends the session before it
        yield
        todos.add([TodoCreate(title="Rehearse")], _key("add"))
        workspace.session.connection().execute(sa.delete(Todo))  # no trigger counts: the next has the same number
        todos.add([TodoCreate(title="Rehearse", due_on=today, tags=["home"])], _key("add"))
        yield
        todos.complete(first, _key("done"))
        yield
        todos.reopen(first, _key("reopen"))
        todos.edit(first, TodoUpdate(due_on=today), _key("edit"))
        todos.get(first)
        yield
        todos.remove(first, _key("rm"))


def rehearse_others() -> None:
    """Do what less frequent commands do: their SQL stays compiled for the children of this process.

    They are few, because a statement that is kept takes memory.
    """
    first, today = parse_references(["1"]), clock.today()
    with _empty_workspace(_new_owner()) as workspace:
        todos = workspace.todos
        todos.add([TodoCreate(title="Rehearse", due_on=today)], _key())
        for edit in (TodoUpdate(title="Try"), TodoUpdate(priority="high"), TodoUpdate(add_tags=["home"])):
            todos.edit(first, edit, _key())
        todos.with_notes(todos.get(first).items)
        workspace.log.of_todos(first, 5)
        for word in ("+home", "project:home", "milk"):
            todos.overview(TodoQuery(filter=parser.parse_words([word], today=today), limit=20))
        todos.overview(TodoQuery(filter=READY, limit=20))
    # Once a condition was executed, SQLAlchemy's cache has another key for it. With a user of its own, it is new.
    with _empty_workspace(_new_owner()) as workspace:
        workspace.log.find(LogQuery(limit=20, per_change=3))
    with _empty_workspace(_new_owner()) as workspace, suppress(NotFound):
        workspace.undo(1, _key())  # there are no triggers that would have recorded anything


def _new_owner() -> Owner:
    return Owner("nobody", new_id(clock.now()))


@contextmanager
def _empty_workspace(owner: Owner) -> Iterator[Workspace]:
    """Give the todos of a user who has none, in a database in memory without triggers."""
    with open_store(Path(":memory:")) as store, Workspace(store, owner) as workspace:
        connection = workspace.session.connection()
        SQLModel.metadata.create_all(connection)
        revision = f"CREATE TABLE {VERSION_TABLE} AS SELECT 1 AS version_num, '{HEAD}' AS oldest_reader"
        connection.execute(sa.text(f"{revision}, '{HEAD}' AS oldest_writer"))
        user = {"id": owner.id, "name": owner.name, "last_number": 0, "created_at": clock.now()}
        connection.execute(sa.insert(User).values(user))
        yield workspace


def _key(verb: str = "rehearse") -> ChangeKey:
    return ChangeKey(new_id(clock.now()), fingerprint(verb))
