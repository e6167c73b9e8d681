"""Large stores, and what a command costs in them: VM steps on SQLite, rows or buffers on Postgres.

Both are counted, not timed, so that they do not depend on the machine. The history of a store has one change for each
todo that was added, one for each that was completed, and a few of thousands of todos.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from tests.support.console import NOON, Console
from todocli import clock
from todocli.database.store import Store
from todocli.database.target import Target
from todocli.domain.filters.ast import Blocked, Claimed, Not, Under
from todocli.domain.filters.parser import parse_words
from todocli.domain.history import COMMAND_LINE
from todocli.domain.idempotency import ChangeKey
from todocli.domain.log_cursor import BEGINNING
from todocli.domain.references import parse_references
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.claims import Claims
from todocli.services.history.log import Log, LogQuery
from todocli.services.history.purge import Purge, TrashQuery
from todocli.services.history.sync import Sync
from todocli.services.history.undo import Undo
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.resolve import LINE
from todocli.services.todos import Todos

Command = Callable[[Session], object]

OPEN = 400
"""How many of the todos of a store are open, whatever its size."""

IN_TRASH = 40

LEASE = timedelta(hours=1)

_ID = {
    "sqlite": "printf('%08x0000700080000000%08x', {user}, {row})",
    "postgres": "format('%s-0000-7000-8000-%s', lpad(to_hex({user}), 8, '0'), lpad(to_hex({row}), 12, '0'))::uuid",
}
_AT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', '2026-01-01', '+' || ({row} % 25000000) || ' seconds')",
    "postgres": "timestamptz '2026-01-01' + ({row} % 25000000) * interval '1 second'",
}
_DAY = {
    "sqlite": "date('2026-11-01', '+' || ({row} / 7 % 60) || ' days')",
    "postgres": "date '2026-11-01' + ({row} / 7 % 60)::int",
}
_TAGS = {"sqlite": "'[\"home\"]'", "postgres": "ARRAY['home']"}
_NEEDS = {"sqlite": "json_array({})", "postgres": "ARRAY[{}]"}
_BATCH = 5_000


def fill(target: Target, todos: int, *, users: int = 1, statistics: bool) -> list[UUID]:
    """Create `users` users with `todos` todos each, `OPEN` of them open; return the users' ids.

    With `statistics`, collect them for the planner.
    """
    console = Console(target)
    engine = "sqlite" if console.is_sqlite else "postgres"
    try:
        if not statistics:  # nor may the server collect them, of what is half filled
            collect_no_statistics(console)
        ids = [console.add_user(f"user-{user}") for user in range(users)]
        for user, user_id in enumerate(ids):
            with console.transaction():
                _fill(console, engine, user, user_id, todos)
        if not console.is_sqlite:
            console.run("VACUUM")  # what was updated above is no part of the store
        if statistics:
            console.run("ANALYZE")
        return ids
    finally:
        console.close()


def collect_no_statistics(console: Console) -> None:
    """Let the server collect no statistics by itself, as it may in the middle of a test."""
    if not console.is_sqlite:
        for table in ("users", "todos", "changes", "history", "notes", "sources"):
            console.run(f"ALTER TABLE {table} SET (autovacuum_enabled = false)")


def _fill(console: Console, engine: str, user: int, user_id: UUID, todos: int) -> None:
    def change(kind: int) -> str:
        """Return an id for the change of a row, of its own for each `kind`."""
        return _ID[engine].format(user=(kind << 20) + user, row="row")

    name = {"owner": user_id}
    some = "row * 7919 % 10007"  # spreads what follows evenly, whatever distance the open ones have
    at, day, tags = _AT[engine].format(row="row"), _DAY[engine].format(row="row"), _TAGS[engine]
    every = _every(todos)
    # Every fifth open todo needs the open one before it, and another.
    is_open = f"row <= {every * OPEN} AND row % {every} = 0"
    is_blocked = f"{is_open} AND row / {every} % 5 = 2"
    needs = f"CASE WHEN {is_blocked} THEN {_NEEDS[engine].format(f'row - {every}, row - 1')} END"
    # The next two are its subtasks. Of those that will be done, a tenth has a subtask, which may have one too. No open
    # todo has a subtask that is done: how many it has must not follow the size of the store.
    is_open_subtask = f"{is_open} AND row / {every} % 5 IN (3, 4)"
    is_done_subtask = f"row % 10 IN (5, 7) AND (row > {every * OPEN} + 2 OR row % {every} NOT IN (0, 2))"
    place = f"row - {every} * (row / {every} % 5 - 2)"
    parent = f"CASE WHEN {is_open_subtask} THEN {place} WHEN {is_done_subtask} THEN row - 2 END"
    for first in range(1, todos + 1, _BATCH):
        last = min(first + _BATCH - 1, todos)
        if console.is_sqlite:
            rows = (
                f"(WITH RECURSIVE numbers (row) AS (SELECT {first} UNION ALL SELECT row + 1 FROM numbers"
                f" WHERE row < {last}) SELECT row FROM numbers)"
            )
        else:
            rows = f"(SELECT generate_series({first}::bigint, {last}) AS row)"
        console.run(
            "INSERT INTO todos (id, user_id, number, title, due_on, starts_on, priority, project, tags, needs, parent,"
            " created_at, updated_at, version, change_id, change_source)"
            f" SELECT {_ID[engine].format(user=user, row='row')}, :owner, row, 'Todo ' || row || ' of many',"
            f" CASE WHEN {some} % 7 = 0 THEN {day} END, NULL,"
            f" CASE {some} % 11 WHEN 0 THEN 'high' WHEN 1 THEN 'low' END,"
            f" CASE {some} % 3 WHEN 0 THEN 'work' END, CASE {some} % 10 WHEN 0 THEN {tags} END,"
            f" {needs}, {parent},"
            f" {at}, {at}, 1, {change(1)}, 'cli' FROM {rows} AS numbers",
            **name,
        )
    done = f"user_id = :owner AND (number % {every} <> 0 OR number > {every * OPEN})"
    needed = _NEEDS[engine].format("number - 3, number - 2, number - 1")  # two for each todo of the store
    id_of_number = change(2).replace("row", "number")
    completed_at = _AT[engine].format(row="number")
    console.run(
        f"UPDATE todos SET completed_at = {completed_at}, change_id = {id_of_number}, change_source = 'cli',"
        f" needs = CASE WHEN number % 10 > 2 AND number > 3 THEN {needed} END"
        f" WHERE {done}",
        **name,
    )
    for kind in (3, 4):  # large changes
        large = _ID[engine].format(user=(kind << 20) + user, row=0)
        console.run(
            f"UPDATE todos SET description = 'Edited {kind}', change_id = {large}, change_source = 'cli'"
            f" WHERE user_id = :owner AND number <= {min(todos // 2, 5_000)}",
            **name,
        )
    gone = change(5).replace("row", "number")
    console.run(
        f"UPDATE todos SET deleted_at = :at, change_id = {gone}, change_source = 'cli'"
        f" WHERE {done} AND number <= {IN_TRASH * every} AND number % {every} = {1 if every > 1 else 0}",
        **name,
        at=NOON,
    )
    for kind in range(6, 36):  # what was done last
        latest = _ID[engine].format(user=(kind << 20) + user, row=kind)
        console.run(
            f"UPDATE todos SET description = 'Edited {kind}', change_id = {latest}, change_source = 'cli'"
            f" WHERE user_id = :owner AND number = {every * kind}",
            **name,
        )


def cost(store: Store, work: Command, unit: str = "rows") -> int:
    """Return what `work` costs, in one transaction that is committed.

    That is steps of the virtual machine on SQLite; on Postgres the `rows` read from tables and indexes, or
    `buffers`. The rows of `users` do not count: Postgres reads them all while they fit on one page.
    """
    spent: list[int] = []

    def counted(session: Session) -> None:
        with _instructions(session) if store.is_embedded else _read(session, unit) as total:
            work(session)
        spent.append(total())

    store.atomically(counted)
    return spent[-1]


@contextmanager
def _instructions(session: Session) -> Iterator[Callable[[], int]]:
    connection: Any = session.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    executed = 0

    def count() -> int:
        nonlocal executed
        executed += 1
        return 0

    connection.set_progress_handler(count, 1)
    try:
        yield lambda: executed
    finally:
        connection.set_progress_handler(None, 0)


_READ = {
    "rows": """
        SELECT sum(pg_stat_get_xact_tuples_returned(oid))
        FROM pg_class WHERE relnamespace = 'todo'::regnamespace
            AND relname <> 'users'
    """,
    "buffers": """
        SELECT sum(pg_stat_get_xact_blocks_fetched(oid)) FROM pg_class
        WHERE relnamespace = 'todo'::regnamespace
    """,
}


@contextmanager
def _read(session: Session, unit: str) -> Iterator[Callable[[], int]]:
    def read() -> int:
        return int(session.scalar(sa.text(_READ[unit])) or 0)

    before = read()
    yield lambda: read() - before


def commands(todos: int) -> Iterator[tuple[str, Command]]:
    """Return the commands to compare, in an order in which each has something to do in a store of `todos`."""
    owner = Owner("user-0")
    every = _every(todos)
    last = min(todos // every, OPEN) * 3 // 4
    first, second, third = (parse_references([str(place * every)]) for place in (last, last + 1, last + 2))
    parent = (last + 2) * every

    def key() -> ChangeKey:
        return ChangeKey(uuid.uuid4(), "request")

    def listing(query: TodoQuery) -> Command:
        return lambda session: Todos(session, owner).overview(query)

    def tagged(limit: int) -> TodoQuery:
        return TodoQuery(filter=parse_words(["+home"], today=clock.today()), limit=limit)

    yield "add", lambda session: Todos(session, owner).add([TodoCreate(title="New")], key())
    yield "done", lambda session: Todos(session, owner).complete(first, key())
    yield "undo", lambda session: Undo(session, owner).reverse("undo", 1, key())
    yield "redo", lambda session: Undo(session, owner).reverse("redo", 1, key())
    yield "edit", lambda session: Todos(session, owner).edit(second, TodoUpdate(title="Other"), key())
    yield "rm", lambda session: Todos(session, owner).remove(second, key())
    yield "purge", lambda session: Purge(session, owner).preview(TrashQuery(second))
    yield "restore", lambda session: Todos(session, owner).restore(second, key())
    yield "show", lambda session: Log(session, owner).of_todos(second, 5)
    yield "log N", lambda session: Log(session, owner).find(LogQuery(todo=first.items[0], limit=20))
    yield "log -n 20", lambda session: Log(session, owner).find(LogQuery(limit=20))
    yield "the newest changes with their todos", lambda session: Sync(session, owner).newest(LogQuery(limit=20))
    yield "changes since the beginning", lambda session: Sync(session, owner).since(BEGINNING, 20)
    yield "claim", lambda session: Claims(session, owner, COMMAND_LINE).claim(TodoQuery(), "agent", LEASE, key())
    yield "list is:claimed", listing(TodoQuery(filter=Claimed(), limit=20))
    yield "release", lambda session: Todos(session, owner).release(second, key())
    yield "log --follow -n 5", lambda session: _follow(Sync(session, owner))
    yield "list --completed -n 20", listing(TodoQuery("completed", limit=20))
    yield "trash -n 20", listing(TodoQuery("trash", limit=20))
    yield "list", listing(TodoQuery())
    yield "ready", listing(TodoQuery(filter=Not(Blocked())))
    yield "blocked", listing(TodoQuery(filter=Blocked()))
    yield "next", listing(TodoQuery(filter=Not(Blocked()), limit=1))
    yield "edit needs:N", lambda session: Todos(session, owner).edit(second, TodoUpdate(add_needs=[every]), key())
    yield "undo of needs:N", lambda session: Undo(session, owner).reverse("undo", 1, key())
    yield "redo of needs:N", lambda session: Undo(session, owner).reverse("redo", 1, key())
    yield "edit under:N", lambda session: Todos(session, owner).edit(second, TodoUpdate(parent=parent), key())
    yield "undo of under:N", lambda session: Undo(session, owner).reverse("undo", 1, key())
    yield "redo of under:N", lambda session: Undo(session, owner).reverse("redo", 1, key())
    yield "add under:N", lambda session: Todos(session, owner).add([TodoCreate(title="New", parent=parent)], key())
    yield "list under:N", listing(TodoQuery(filter=Under(parent)))
    yield "rm of subtasks too", lambda session: Todos(session, owner).remove(third, key())
    yield "restore of subtasks too", lambda session: Todos(session, owner).restore(third, key())
    yield "edit every:week", lambda session: Todos(session, owner).edit(third, TodoUpdate(every="week"), key())
    yield "done --with-children", lambda session: Todos(session, owner).complete(third, key(), with_children=True)
    portion = range(every, 21 * every, every)
    yield "a portion of list", lambda session: Todos(session, owner).numbered(TodoQuery(), portion, LINE)
    yield "list -n 40", listing(TodoQuery(limit=40))
    yield "list +home -n 40", listing(tagged(40))
    yield "today", listing(TodoQuery(filter=parse_words(["due:today"], today=clock.today())))


def _follow(sync: Sync) -> None:
    """Read what `log --follow -n 5` begins with, and then what is new."""
    cursor = sync.after(sync.before(count=5), 1_000).places[-1].cursor
    sync.after(cursor, 1_000)


def _every(todos: int) -> int:
    """Return the distance of the numbers of open todos."""
    return max(1, todos // OPEN)
