"""Lists of any length are walked in portions, on both engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.client import key
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.idempotency import ChangeKey
from todocli.domain.references import parse_references
from todocli.domain.sorting import parse_sort
from todocli.errors import MissingUserContext
from todocli.schemas.changes import ChangeList
from todocli.schemas.todos import TodoCreate
from todocli.services import workspace as workspaces
from todocli.services.history.log import Log, LogQuery
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.users import Users
from todocli.services.workspace import Workspace


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    with open_store(database) as store:
        with store.session() as session:
            Users(session).add("ada")
        yield store


def add(store: Store, *titles: str) -> None:
    with Workspace(store, Owner("ada")) as ada:
        ada.todos.add([TodoCreate(title=title, tags=["home"]) for title in titles], new_key())


def new_key() -> ChangeKey:
    return key(None, "test")


def test_walk_leaves_out_what_left_the_list(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspaces, "PORTION", 2)
    add(store, *"gfedcba")
    with Workspace(store, Owner("ada")) as walking:
        walk = walking.walk_todos(TodoQuery(sort=parse_sort("title")))
        seen = [next(walk).title]
        with Workspace(store, Owner("ada")) as other:
            other.todos.complete(parse_references(["3"]), new_key())  # e, of a later portion
        add(store, "aa")
        seen += [todo.title for todo in walk]
    assert seen == list("abcdfg")


@pytest.mark.parametrize("sort", ["", "title", "-number", "project"])
def test_lines_and_todos_walk_alike(store: Store, monkeypatch: pytest.MonkeyPatch, sort: str) -> None:
    monkeypatch.setattr(workspaces, "PORTION", 2)
    add(store, *"cabbd")
    with Workspace(store, Owner("ada")) as ada:
        ada.todos.complete(parse_references(["2"]), new_key())
        for state in ("open", "completed", "all", "trash"):
            query = TodoQuery(state=state, sort=parse_sort(sort))
            todos = list(ada.walk_todos(query))
            assert todos == ada.todos.find(query).items
            lines = list(ada.walk_lines(query))
            assert [line._asdict() for line in lines] == [
                {name: getattr(todo, name) for name in line._fields} for todo, line in zip(todos, lines, strict=True)
            ]


def test_missing_user_is_reported_before_the_walk(store: Store) -> None:
    with Workspace(store, Owner("bob")) as bob, pytest.raises(MissingUserContext):
        bob.walk_lines(TodoQuery())


def test_portions_of_a_log_have_few_large_changes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for change in range(9):
        add(store, *(f"{change} {i}" for i in range(5)))
    with Workspace(store, Owner("ada")) as ada:
        whole = ada.log.find(LogQuery()).items
    sizes: list[int] = []
    find = Log.find

    def counted(log: Log, query: LogQuery) -> ChangeList:
        found = find(log, query)
        sizes.append(sum(len(change.items) for change in found.items))
        return found

    monkeypatch.setattr(Log, "find", counted)
    monkeypatch.setattr(workspaces, "PORTION", 12)
    monkeypatch.setattr(workspaces, "_FIRST_CHANGES", 1)
    with Workspace(store, Owner("ada")) as ada:
        assert list(ada.walk_log(LogQuery())) == whole
    assert sizes == [5, 10, 10, 10, 10]
