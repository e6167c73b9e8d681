"""No user reads or changes the todos of another: the SQL itself proves it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tests.support.client import Client, key
from todocli.clock import now
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.dates import Shift
from todocli.domain.filters.ast import Between, Contains, InProject, Not, Overdue, Tagged, any_of
from todocli.domain.references import parse_references
from todocli.domain.sorting import Sort
from todocli.errors import NotFound, TodoError
from todocli.models import Todo
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.history.log import Log, LogQuery
from todocli.services.history.purge import Purge, TrashQuery
from todocli.services.history.undo import Undo, Verb
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.selection import Selection
from todocli.services.summaries import Summaries
from todocli.services.tokens import Tokens
from todocli.services.users import Users

OWNED = re.compile(r"\b(?:FROM|UPDATE|INTO|JOIN)\s+(todos|notes|changes|history|tokens)\b(?: AS (\w+))?")
"""Where a statement turns to a table whose rows belong to somebody, and what it calls the table."""


@contextmanager
def captured() -> Iterator[list[str]]:
    statements: list[str] = []

    def keep(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(" ".join(statement.split()).replace("todo.", ""))  # without the schema

    sa.event.listen(sa.Engine, "before_cursor_execute", keep)
    try:
        yield statements
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", keep)


def unguarded(statement: str) -> list[str]:
    """Return the parts of a statement that turn to an owned table without asking whose its rows are.

    A part reaches from where the table is named to the end of the parentheses around it.
    """
    faults = []
    for match in OWNED.finditer(statement):
        depth, end = 0, len(statement)
        for i in range(match.start(), len(statement)):
            depth += {"(": 1, ")": -1}.get(statement[i], 0)
            if depth < 0:
                end = i
                break
        part = statement[match.start() : end]
        table = match[2] or match[1]
        inserts = part.startswith("INTO")
        if not inserts and not re.search(rf"\b(?:WHERE|ON)\b.*\b{table}\.user_id = ", part):
            faults.append(part)
        if inserts and not re.search(r"WHERE (users\.(id|name)|todos\.user_id) = ", statement):
            faults.append(part)
    return faults


def everything(todos: Client) -> None:
    """Use every use case: on what is there, on what is not, and again with the same change."""
    change = uuid.uuid4()
    for _ in range(2):
        todos.add([TodoCreate(title="a"), TodoCreate(title="b"), TodoCreate(title="c")], change=change)
    todos.find(TodoQuery("all", sort=(Sort("title"),), limit=2))
    for state in ("open", "completed", "trash"):
        todos.find(TodoQuery(state, sort=(Sort("created"),), reverse=True))
    whole = TodoQuery("all", any_of(Tagged("a"), InProject("b"), Contains("c"), Overdue(), Not(Between("due"))))
    todos.overview(whole)
    for selection in (
        Selection(whole),
        Selection(whole, dry_run=True),
        Selection(TodoQuery(), (uuid.uuid4(),)),
        Selection(whole, unasked=True),
    ):
        change = uuid.uuid4()
        for action in (todos.complete, todos.reopen, todos.complete):
            with suppress(TodoError):
                action(selection, change=change)
        with suppress(TodoError):
            todos.edit(selection, TodoUpdate(add_tags=["x"]))
    change = uuid.uuid4()
    for _ in range(2):
        todos.todos.note(parse_references(["1"]), "a note", key(change, "note"))
    mine = todos.todos.with_notes(todos.get(parse_references(["1"])).items)[0]
    assert mine.notes
    todos.todos.count(whole)
    todos.edit(parse_references(["1"]), TodoUpdate(due_on=now().date()))
    todos.todos.edit(parse_references(["1"]), TodoUpdate(), key(None, "edit"), shifts={"due_on": Shift(1, 0)})
    for words in (["1"], ["1-2", str(mine.id)], ["99"], [str(uuid.uuid4())]):
        named = parse_references(words)
        change = uuid.uuid4()
        for verb in (todos.get, todos.complete, todos.reopen, todos.remove, todos.restore):
            for extra in ({}, {"change": change}, {"change": change}):
                try:
                    verb(named, **({} if verb == todos.get else extra))
                except TodoError:
                    continue
        for title in ("x", "x", "y"):
            try:
                todos.edit(named, TodoUpdate(title=title), expected=uuid.uuid4(), change=uuid.uuid4())
            except TodoError:
                continue


def all_of_history(store: Store, owner: Owner) -> None:
    """Use every use case of history: undo and redo, force, a todo that is gone, and again with the same change."""
    with store.session() as session:
        Client(session, owner).remove(parse_references(["3"]))
        session.execute(sa.delete(Todo).where(col(Todo.number) == 2))
    change = uuid.uuid4()
    for count, force, dry_run in (
        (2, False, True),
        (2, False, False),
        (2, False, False),
        (1, True, False),
        (500, False, False),
    ):
        verbs: tuple[Verb, ...] = ("undo", "redo")
        for verb in verbs:
            request = key(uuid.uuid5(change, f"{verb} {count}"), verb, count=count, force=force)
            reverse = partial(Undo.reverse, verb=verb, count=count, key=request, force=force, dry_run=dry_run)
            with suppress(TodoError):
                store.atomically(lambda session: reverse(Undo(session, owner)))  # noqa: B023 - called at once
    trash = TrashQuery(until=now())
    with store.session() as session:
        Client(session, owner).remove(parse_references(["1"]))
        Log(session, owner).of_todos(parse_references(["1", "3"]), 3)
        expected = Purge(session, owner).preview(trash)
    for _ in range(2):
        store.atomically(lambda session: Purge(session, owner).purge(trash, expected, key(change, "purge")))
    with store.session() as session:
        log = Log(session, owner)
        one = LogQuery(todo=1, limit=2, per_change=1)
        for wanted in (LogQuery(), one, LogQuery(todo=uuid.uuid4())):
            with suppress(TodoError):
                log.find(wanted)


@pytest.mark.parametrize("by_id", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_every_statement_is_scoped_to_its_user(database: Target, by_id: bool) -> None:
    with open_store(database) as store:
        with store.session() as session:
            owner = Owner("ada", Users(session).ensure("ada") if by_id else None)
            Users(session).ensure("ada")
        with captured() as statements:
            with store.session() as session:
                everything(Client(session, owner))
            all_of_history(store, owner)
            with store.session() as session:
                Summaries(session, owner).tags()
                Summaries(session, owner).projects()
                for verb in (Tokens.create, Tokens.create, Tokens.revoke, Tokens.revoke):
                    with suppress(TodoError):
                        verb(Tokens(session, owner), "phone")
                Tokens(session, owner).all()
    [by_hand] = [statement for statement in statements if statement.startswith("DELETE FROM todos WHERE todos.number")]
    statements.remove(by_hand)
    assert len(statements) > 50
    assert any("UPDATE todos" in statement for statement in statements)
    assert [fault for statement in statements for fault in unguarded(statement)] == []


def test_unguarded_finds_missing_scope() -> None:
    assert unguarded("SELECT id FROM todos WHERE todos.user_id = ?") == []
    assert unguarded("SELECT 1 FROM users LEFT JOIN todos ON todos.user_id = ? WHERE users.id = ?") == []
    assert unguarded("SELECT 1 FROM users LEFT JOIN todos ON todos.id = ? WHERE users.id = ?") != []
    assert unguarded("SELECT id FROM todos WHERE todos.number = ?") == ["FROM todos WHERE todos.number = ?"]
    inner = "UPDATE todos SET a = 1 WHERE todos.user_id = ? AND id IN (SELECT id FROM todos WHERE number = 1)"
    assert unguarded(inner) == ["FROM todos WHERE number = 1"]
    assert unguarded("SELECT 1 FROM changes AS later WHERE later.user_id = ?") == []
    assert unguarded("SELECT 1 FROM changes AS later WHERE changes.user_id = ?") != []
    assert unguarded("INSERT INTO todos (id) VALUES (?)") == ["INTO todos (id) VALUES (?)"]


def test_each_use_case_is_one_statement(database: Target) -> None:
    """What is asked for in one command is one statement: on Neon, each more would be a round trip."""
    with open_store(database) as store, store.session() as session:
        todos = Client(session, Owner("ada", Users(session).ensure("ada")))
        change = {"change": uuid.uuid4()}
        for what in (
            lambda: todos.add([TodoCreate(title=str(i)) for i in range(5)]),
            lambda: todos.find(TodoQuery(limit=3)),
            lambda: todos.get(parse_references(["1", "3"])),
            lambda: todos.complete(parse_references(["1", "3-4"]), **change),
            lambda: todos.reopen(parse_references(["3"])),
            lambda: todos.edit(parse_references(["3"]), TodoUpdate(title="x")),
            lambda: todos.remove(parse_references(["3", "1"])),
            lambda: todos.restore(parse_references(["1", "3"])),
            lambda: todos.overview(TodoQuery(filter=Contains("x"))),
            lambda: todos.edit(Selection(TodoQuery(), unasked=True), TodoUpdate(add_tags=["x"], priority="high")),
            lambda: todos.complete(Selection(TodoQuery(filter=Tagged("x")), unasked=True)),
            lambda: todos.reopen(Selection(TodoQuery("completed", Contains("0")), unasked=True)),
            lambda: Summaries(session, Owner("ada")).tags(),
            lambda: Summaries(session, Owner("ada")).projects(),
        ):
            with captured() as statements:
                what()
            sent = [text for text in statements if text not in ("BEGIN IMMEDIATE", "COMMIT")]  # SQLite has no trips
            assert len(sent) == 1, sent


def test_foreign_todo_reads_like_missing(database: Target) -> None:
    with open_store(database) as store, store.session() as session:
        users = Users(session)
        ada, bob = (Client(session, Owner(name, users.ensure(name))) for name in ("ada", "bob"))
        mine = ada.add([TodoCreate(title="a"), TodoCreate(title="b")]).items
        messages = []
        for reference in (mine[1].id, uuid.UUID(int=mine[1].id.int ^ 1)):
            with pytest.raises(NotFound) as caught:
                bob.complete(parse_references([str(reference)]))
            messages.append((caught.value.detail.replace(str(reference), "ID"), caught.value.hint))
        assert messages[0] == messages[1]
