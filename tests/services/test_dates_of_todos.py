"""Todos for someday, and dates that move, on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, time
from typing import Any

import pytest

from tests.support.client import key
from tests.support.console import REFUSED, Console
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.dates import Shift, months_later
from todocli.domain.filters.ast import Between, Not, Overdue, Someday
from todocli.domain.references import parse_references
from todocli.errors import ValidationError
from todocli.schemas.todos import TodoCreate, TodoRead, TodoUpdate
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.selection import Selection
from todocli.services.workspace import Workspace

DAYS = [date(2026, 1, 31), date(2027, 12, 29), date(2028, 2, 29), date(2026, 3, 30), date(2026, 12, 1)]
SHIFTS = [Shift(days=1), Shift(days=-45), Shift(days=366), *(Shift(months=count) for count in (1, -1, 2, 11, -13, 24))]


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    with open_store(database) as opened:
        yield opened


@pytest.fixture
def mine(store: Store) -> Iterator[Workspace]:
    with Workspace(store, Owner("ada"), register=True) as workspace:
        yield workspace


def _edit(workspace: Workspace, words: str, **fields: object) -> list[TodoRead]:
    named = parse_references(words.split())
    return workspace.todos.edit(named, TodoUpdate.model_validate(fields), key(None, "edit")).items


def test_dates_move_as_months_later_says(mine: Workspace) -> None:
    drafts = [TodoCreate(title="x", due_on=day, due_time=time(17), starts_on=day) for day in DAYS]
    numbers = [todo.number for todo in mine.todos.add(drafts, key(None, "add")).items]
    every = parse_references([str(number) for number in numbers])
    for shift in SHIFTS:
        moved = mine.todos.edit(every, TodoUpdate(), key(None, "edit"), shifts={"due_on": shift, "starts_on": shift})
        expected = [date.fromordinal(months_later(day, shift.months).toordinal() + shift.days) for day in DAYS]
        assert [todo.due_on for todo in moved.items] == expected, shift
        assert [(todo.starts_on, todo.due_time) for todo in moved.items] == [(day, time(17)) for day in expected]
        mine.undo(1, key(None, "undo"))


def test_all_or_none_are_moved(mine: Workspace) -> None:
    drafts = [TodoCreate(title="a", due_on=DAYS[0]), TodoCreate(title="b")]
    mine.todos.add(drafts, key(None, "add"))
    with pytest.raises(ValidationError, match="2 b has no due date to move; nothing was changed"):
        mine.todos.edit(parse_references(["1", "2"]), TodoUpdate(), key(None, "edit"), shifts={"due_on": Shift(days=1)})
    selection = Selection(TodoQuery(filter=Not(Overdue())), unasked=True)
    with pytest.raises(ValidationError, match="2 b has no due date"):
        mine.todos.edit(selection, TodoUpdate(), key(None, "edit"), shifts={"due_on": Shift(days=1)})
    assert mine.todos.get(parse_references(["1"])).items[0].due_on == DAYS[0]
    chosen = Selection(TodoQuery(filter=Between("due")), unasked=True)
    [moved] = mine.todos.edit(chosen, TodoUpdate(), key(None, "edit"), shifts={"due_on": Shift(days=1)}).items
    assert moved.due_on == date(2026, 2, 1)


def test_someday_is_hidden_until_asked_for(mine: Workspace) -> None:
    mine.todos.add([TodoCreate(title="Learn piano", is_someday=True), TodoCreate(title="b")], key(None, "add"))

    def numbers(query: TodoQuery) -> list[int]:
        return [todo.number for todo in mine.todos.find(query).items]

    assert numbers(TodoQuery()) == [2]
    assert numbers(TodoQuery(filter=Someday())) == [1]
    assert numbers(TodoQuery(filter=Not(Someday()))) == [2]
    assert numbers(TodoQuery(filter=Not(Between("start")))) == [2]
    assert numbers(TodoQuery("all")) == [1, 2]
    found = mine.todos.overview(TodoQuery())
    assert (found.total, found.later, found.someday) == (1, 0, 1)


def test_someday_and_dates_exclude_each_other(mine: Workspace) -> None:
    mine.todos.add([TodoCreate(title="a", due_on=DAYS[0], due_time=time(9), starts_on=DAYS[0])], key(None, "add"))
    [todo] = _edit(mine, "1", is_someday=True)
    assert (todo.is_someday, todo.due_on, todo.due_time, todo.starts_on) == (True, None, None, None)
    [todo] = _edit(mine, "1", starts_on="2026-12-01")
    assert (todo.is_someday, todo.starts_on) == (False, date(2026, 12, 1))
    _edit(mine, "1", is_someday=True)
    [todo] = _edit(mine, "1", due_on=None)
    assert todo.is_someday is False
    mine.undo(1, key(None, "undo"))
    assert mine.todos.get(parse_references(["1"])).items[0].is_someday is True


@pytest.mark.parametrize("field", ["due_on", "starts_on"])
def test_database_refuses_a_date_beside_someday(database: Target, field: str) -> None:
    console = Console(database)
    user = console.add_user()
    more: dict[str, Any] = {field: "2026-12-01", "is_someday": True}
    with pytest.raises(REFUSED):
        console.add(user, 1, **more)
    console.close()


def test_someday_with_a_date_is_not_valid() -> None:
    for fields in ({"due_on": "2026-12-01"}, {"starts_on": "2026-12-01"}):
        with pytest.raises(ValueError, match="is_someday excludes due_on and starts_on"):
            TodoUpdate.model_validate({"is_someday": True, **fields})
