"""Todos that need others, on both engines."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from threading import Barrier

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.support.client import ADA, Client, key, refs
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import Store, open_store
from todocli.domain.filters.parser import parse_where
from todocli.domain.history import COMMAND_LINE
from todocli.errors import Conflict, NotFound, ValidationError
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.dependencies import find_cycle
from todocli.services.edits import Edit, Edits
from todocli.services.history.undo import Undo, Verb
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.resolve import WHOLE, Result
from todocli.services.selection import Selection
from todocli.services.users import Users


def add(ada: Client, *needs: Sequence[int]) -> None:
    """Add a todo for each of `needs`, one after the other, so that each may need those before it."""
    for numbers in needs:
        ada.add([TodoCreate(title="a", needs=list(numbers))])


def numbers(ada: Client, where: str = "") -> list[int]:
    condition = parse_where(where or "is:ready or is:blocked", today=TodoQuery().here.date())
    return [todo.number for todo in ada.find(TodoQuery(filter=condition)).items]


def reverse(store: Store, verb: Verb) -> None:
    store.atomically(lambda session: Undo(session, ADA).reverse(verb, 1, key(None, verb)))


def needs_of(ada: Client, number: int) -> list[int]:
    return ada.get(refs(number)).items[0].needs


def test_todo_waits_until_all_that_it_needs_is_done(ada: Client) -> None:
    add(ada, [], [], [1, 2])
    assert (numbers(ada, "is:blocked"), sorted(numbers(ada, "is:ready"))) == ([3], [1, 2])
    assert ada.complete(refs(1)).freed == ()
    assert [todo.blocked_by for todo in ada.get(refs(3)).items] == [[2]]
    assert ada.complete(refs(2)).freed == (3,)
    assert (numbers(ada, "is:blocked"), numbers(ada, "is:ready")) == ([], [3])
    ada.reopen(refs(1))
    assert numbers(ada, "is:blocked") == [3]


def test_new_todo_names_what_it_waits_for(ada: Client) -> None:
    add(ada, [], [], [1])
    ada.complete(refs(2))
    assert ada.add([TodoCreate(title="b", needs=[2, 3])]).items[0].blocked_by == [3]


def test_removed_todo_holds_nothing_up_until_it_is_restored(ada: Client) -> None:
    add(ada, [], [1])
    assert ada.remove(refs(1)).freed == (2,)
    assert ada.get(refs(2)).items[0].blocked_by == []
    ada.restore(refs(1))
    assert ada.get(refs(2)).items[0].blocked_by == [1]


def test_what_held_nothing_up_frees_nothing(ada: Client) -> None:
    add(ada, [], [1])
    ada.complete(refs(1))
    assert ada.edit(refs(1), TodoUpdate(title="b", is_completed=True)).freed == ()
    assert ada.remove(refs(1)).freed == ()


def test_several_that_are_done_at_once_free_what_needs_all_of_them(ada: Client) -> None:
    add(ada, [], [], [1, 2], [3])
    result = ada.complete(refs(1, 2, 3))
    assert (result.freed, [todo.blocked_by for todo in result.items]) == ((4,), [[], [], []])


def test_selection_that_is_done_frees_others(ada: Client) -> None:
    ada.add([TodoCreate(title="a", tags=["x"]), TodoCreate(title="b", tags=["x"])])
    add(ada, [1, 2], [1])
    query = TodoQuery(filter=parse_where("+x", today=TodoQuery().here.date()))
    assert ada.complete(Selection(query, unasked=True)).freed == (3, 4)


def test_done_while_waiting_names_what_is_open(ada: Client) -> None:
    add(ada, [], [1])
    [done] = ada.complete(refs(2)).items
    assert (done.is_completed, done.blocked_by) == (True, [1])


def test_todos_that_change_together_know_of_each_other(ada: Client) -> None:
    add(ada, [], [1], [2])
    ada.complete(refs(2))
    assert [todo.blocked_by for todo in ada.complete(refs(2, 1)).items] == [[], []]
    assert [todo.blocked_by for todo in ada.reopen(refs(1, 2)).items] == [[], [1]]
    assert [todo.blocked_by for todo in ada.remove(refs(3, 2, 1)).items] == [[], [], []]
    assert [todo.blocked_by for todo in ada.restore(refs(3, 2, 1)).items] == [[2], [1], []]


def test_strict_refuses_what_waits(ada: Client) -> None:
    add(ada, [], [1])
    with pytest.raises(Conflict, match="2 still needs 1, which is open; nothing was changed"):
        ada.todos.complete(refs(2), key(None, "done"), strict=True)
    assert numbers(ada) == [1, 2]
    both = ada.todos.complete(refs(2, 1), key(None, "done"), strict=True)
    assert both.changed == {1, 2}


def test_strict_accepts_what_is_done_already(ada: Client) -> None:
    add(ada, [], [1])
    ada.complete(refs(2))
    again = ada.todos.complete(refs(2), key(None, "done"), strict=True)
    assert again.changed == frozenset()


def test_edit_adds_and_removes_needs(ada: Client) -> None:
    add(ada, [], [], [], [1])
    ada.edit(refs(4), TodoUpdate(add_needs=[3, 2]))
    assert needs_of(ada, 4) == [1, 2, 3]
    ada.edit(refs(4), TodoUpdate(remove_needs=[1, 9]))
    assert needs_of(ada, 4) == [2, 3]
    assert ada.edit(refs(4), TodoUpdate(remove_needs=[1])).changed == frozenset()
    ada.edit(refs(4), TodoUpdate(needs=[]))
    assert (needs_of(ada, 4), numbers(ada, "needs:any")) == ([], [])


@pytest.mark.parametrize("number", [9, 3, 2])
def test_todo_cannot_need_what_is_not_there(store: Store, ada: Client, number: int) -> None:
    with store.session() as session:
        Client(session, Owner("bob")).add([TodoCreate(title=str(i)) for i in range(3)])
    add(ada, [], [])
    ada.remove(refs(2))
    refused = f"no todo {number}|{number} is in the trash"
    with pytest.raises(NotFound, match=refused):
        ada.add([TodoCreate(title="b", needs=[1, number])])
    with pytest.raises(NotFound, match=refused):
        ada.edit(refs(1), TodoUpdate(add_needs=[number]))
    with pytest.raises(NotFound, match=refused):
        edit_each(store, Edit(1, TodoUpdate(needs=[number])))
    assert (numbers(ada), needs_of(ada, 1)) == ([1], [])


def edit_each(store: Store, *edits: Edit) -> Result:
    return store.atomically(lambda session: Edits(session, ADA, COMMAND_LINE).apply(edits, key(None, "bulk")))


def test_cycle_is_refused_and_named(store: Store, ada: Client) -> None:
    add(ada, [], [1], [2])
    with pytest.raises(ValidationError, match="1 would need 3, which needs 2, which needs 1"):
        ada.edit(refs(1), TodoUpdate(add_needs=[3]))
    with pytest.raises(ValidationError, match="2 would wait for itself"):
        ada.edit(refs(2), TodoUpdate(add_needs=[2]))
    with pytest.raises(ValidationError, match="would"):
        edit_each(store, Edit(1, TodoUpdate(needs=[2])))
    assert [needs_of(ada, number) for number in (1, 2, 3)] == [[], [1], [2]]


def test_edits_that_reverse_a_chain_are_no_cycle(store: Store, ada: Client) -> None:
    add(ada, [], [1], [2])
    edit_each(store, Edit(1, TodoUpdate(needs=[2])), Edit(2, TodoUpdate(needs=[3])), Edit(3, TodoUpdate(needs=[])))
    assert [needs_of(ada, number) for number in (1, 2, 3)] == [[2], [3], []]


def test_cycle_of_a_long_chain_is_found_in_few_statements(store: Store, ada: Client) -> None:
    add(ada, [], *([number] for number in range(1, 50)))
    sent: list[str] = []
    with store.session() as session:
        sa.event.listen(session.get_bind(), "before_cursor_execute", lambda _c, _d, text, *_: sent.append(text))
        with pytest.raises(ValidationError, match="1 would need 50, which needs 49"):
            Client(session, ADA).edit(refs(1), TodoUpdate(add_needs=[50]))
    assert len(sent) < 10


def test_cycle_by_way_of_what_is_done_is_refused(ada: Client) -> None:
    add(ada, [], [1])
    ada.complete(refs(2))
    with pytest.raises(ValidationError, match="1 would need 2, which needs 1"):
        ada.edit(refs(1), TodoUpdate(add_needs=[2]))


def test_cycle_of_a_selection_is_refused(ada: Client) -> None:
    add(ada, [], [1])
    query = TodoQuery(filter=parse_where("number:1", today=TodoQuery().here.date()))
    with pytest.raises(ValidationError, match="1 would need 2"):
        ada.edit(Selection(query, unasked=True), TodoUpdate(add_needs=[2]))
    assert needs_of(ada, 1) == []


def test_undo_that_would_close_a_cycle_is_refused(store: Store, ada: Client) -> None:
    add(ada, [], [1])
    removal = uuid.uuid4()
    ada.edit(refs(2), TodoUpdate(remove_needs=[1]), change=removal)
    ada.edit(refs(1), TodoUpdate(add_needs=[2]))
    with pytest.raises(ValidationError, match="would"):
        store.atomically(lambda session: Undo(session, ADA).reverse("undo", 1, key(None, "undo"), only=str(removal)))
    assert (needs_of(ada, 1), needs_of(ada, 2)) == ([2], [])


def test_undo_and_redo_carry_needs(store: Store, ada: Client) -> None:
    add(ada, [], [])
    ada.edit(refs(2), TodoUpdate(add_needs=[1]))
    reverse(store, "undo")
    assert needs_of(ada, 2) == []
    reverse(store, "redo")
    assert needs_of(ada, 2) == [1]


def test_two_halves_of_a_cycle_at_once_are_never_both_written(postgres_url: PostgresURL) -> None:
    with open_store(postgres_url) as store, store.session() as session:
        Users(session).ensure("ada")
        add(Client(session, ADA), [], [], [])
    for _ in range(8):
        barrier = Barrier(2)

        def need(one: int, other: int, barrier: Barrier = barrier) -> bool:
            with open_store(postgres_url) as store, store.session() as session:
                client = Client(session, ADA)
                client.get(refs(1))  # connected
                barrier.wait()
                try:
                    client.edit(refs(one), TodoUpdate(add_needs=[other]))
                except ValidationError:
                    return False
            return True

        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(need, (1, 2), (2, 1)))
        assert sorted(done) == [False, True]
        with open_store(postgres_url) as store, store.session() as session:
            Client(session, ADA).edit(refs(1, 2), TodoUpdate(needs=[]))


def test_todos_that_others_wait_for_come_before_their_equals(ada: Client) -> None:
    ada.add([TodoCreate(title="high", priority="high"), TodoCreate(title="a"), TodoCreate(title="b")])
    add(ada, [3])
    assert [todo.number for todo in ada.find(TodoQuery()).items] == [1, 3, 2, 4]
    ada.complete(refs(4))
    assert [todo.number for todo in ada.find(TodoQuery()).items] == [1, 2, 3]


def test_pages_continue_after_a_todo_that_others_wait_for(ada: Client) -> None:
    add(ada, [], [], [2], [], [4])
    query = TodoQuery(limit=1)
    found, cursor = ada.todos.beginning(query, WHOLE)
    walked = [*(todo.number for todo in found)]
    assert cursor is not None
    walked += ada.todos.numbers(query, cursor)
    assert walked == [2, 4, 1, 3, 5]


def test_others_needs_do_not_count(store: Store, ada: Client) -> None:
    with store.session() as session:
        add(Client(session, Owner("bob")), [], [1])
    add(ada, [], [])
    assert numbers(ada, "is:blocked") == []
    assert ada.complete(refs(1)).freed == ()


@given(st.dictionaries(st.integers(1, 8), st.lists(st.integers(1, 8), max_size=4), max_size=8))
def test_found_cycle_is_one(needs: dict[int, list[int]]) -> None:
    cycle = find_cycle(needs)
    if cycle:
        assert cycle[0] == cycle[-1]
        assert all(after in needs[before] for before, after in pairwise(cycle))
        return
    left = dict(needs)
    while ready := [number for number, needed in left.items() if not set(needed) & left.keys()]:
        for number in ready:
            del left[number]
    assert not left
