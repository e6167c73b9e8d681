"""Changes to the todos of a filter, on both engines: one statement, all or none, and once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from tests.support.client import Client, key
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.filters.ast import Contains, InProject, Not, Tagged, any_of
from todocli.domain.references import parse_references
from todocli.errors import Conflict, MissingUserContext
from todocli.models import Change
from todocli.schemas.changes import ChangeList
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.history.undo import Undo
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.selection import ConfirmationNeeded, Selection
from todocli.services.users import Users

A = TodoQuery(filter=Tagged("a"))


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    with open_store(database) as store:
        with store.session() as session:
            Users(session).ensure("ada")
            Users(session).ensure("bob")
        yield store


@pytest.fixture
def ada(store: Store) -> Iterator[Client]:
    with store.session() as session:
        user = Users(session).find("ada")
        assert user
        todos = Client(session, Owner("ada", None if store.is_embedded else user.id))
        todos.add([TodoCreate(title=title, tags=tags) for title, tags in (("x", ["a"]), ("y", ["b"]), ("z", ["a"]))])
        Client(session, Owner("bob")).add([TodoCreate(title="his", tags=["a"])])
        yield todos


def note_statements(session: Session, sent: list[str]) -> None:
    """Add the statements of a session to `sent`, but those that begin and end a transaction on SQLite."""

    def note(_connection: object, _cursor: object, text: str, *_: object) -> None:
        if text not in ("BEGIN IMMEDIATE", "COMMIT"):
            sent.append(text)

    sa.event.listen(session.get_bind(), "before_cursor_execute", note)


def test_selection_changes_several_in_one_statement(ada: Client, store: Store) -> None:
    with pytest.raises(ConfirmationNeeded) as raised:
        ada.complete(Selection(A))
    assert [todo.title for todo in raised.value.todos] == ["x", "z"]
    assert ada.find(TodoQuery()).count == 3
    with open_store(store.target) as other, other.session() as session:
        sent: list[str] = []
        note_statements(session, sent)
        mine = Client(session, Owner("ada"))
        assert [todo.number for todo in mine.complete(Selection(A, unasked=True)).items] == [1, 3]
        assert len(sent) == 1
        assert [todo.number for todo in mine.remove(Selection(TodoQuery("open"), unasked=True)).items] == [2]
        assert len(sent) == 2
        assert Client(session, Owner("bob")).find(A).count == 1


def test_confirmed_selection_changes_only_what_was_seen(ada: Client) -> None:
    seen = tuple(todo.id for todo in ada.find(A).items)
    ada.complete(parse_references(["1"]))
    ada.add([TodoCreate(title="new", tags=["a"])])
    assert [todo.title for todo in ada.remove(Selection(A, seen)).items] == ["z"]
    assert [todo.title for todo in ada.find(A).items] == ["new"]


def test_dry_run_returns_pending_todos(ada: Client) -> None:
    ada.complete(parse_references(["1"]))
    would = ada.complete(Selection(TodoQuery("all"), dry_run=True))
    assert ([todo.number for todo in would.items], would.changed) == ([2, 3], frozenset())
    assert ada.find(TodoQuery("completed")).count == 1


def test_empty_selection_makes_no_change(ada: Client, store: Store) -> None:
    for selection in (
        Selection(TodoQuery(filter=Contains("nothing"))),
        Selection(TodoQuery("completed"), unasked=True),
    ):
        assert ada.reopen(selection).items == []
    with open_store(store.target) as other, other.session() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Change)) == 2
        with pytest.raises(MissingUserContext):
            Client(session, Owner("eve")).complete(Selection(A))


def test_selection_repeated_with_same_key_applies_once(ada: Client) -> None:
    change = uuid.uuid4()
    first = ada.complete(Selection(A, unasked=True), change=change)
    ada.add([TodoCreate(title="new", tags=["a"])])
    again = ada.complete(Selection(A, unasked=True), change=change)
    assert [todo.number for todo in again.items] == [todo.number for todo in first.items] == [1, 3]
    assert ada.find(A).count == 1
    for other in (TodoQuery(filter=Tagged("b")), TodoQuery(filter=Not(any_of(Tagged("a"), InProject("x"))))):
        with pytest.raises(Conflict):
            ada.complete(Selection(other, unasked=True), change=change)
    for action in (ada.remove, ada.reopen):
        with pytest.raises(Conflict):
            action(Selection(A, unasked=True), change=change)
    with pytest.raises(Conflict):
        ada.edit(Selection(A, unasked=True), TodoUpdate(add_tags=["c"]), change=change)


def test_undo_of_many_todos_takes_few_statements(database: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todocli.services.history.patches.PORTION", 10)
    with open_store(database) as store:
        with store.session() as session:
            owner = Owner("ada", Users(session).ensure("ada"))
            todos = Client(session, owner)
            todos.add([TodoCreate(title=str(i)) for i in range(25)])
            assert len(todos.complete(Selection(TodoQuery(), unasked=True)).items) == 25
        sent: list[str] = []

        def undo(session: Session) -> ChangeList:
            note_statements(session, sent)
            return Undo(session, owner).reverse("undo", 1, key(None, "undo", count=1))

        assert store.atomically(undo).items[0].count == 25
        assert len([text for text in sent if "UPDATE todos" in text.replace("todo.", "")]) == 1
        with store.session() as session:
            assert Client(session, owner).find(TodoQuery(limit=1)).total == 25
