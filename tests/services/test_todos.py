"""What the services promise, on both engines."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time
from functools import partial
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.filters.ast import Tagged
from todocli.domain.references import References, parse_references
from todocli.domain.sorting import Sort, parse_sort
from todocli.errors import Conflict, MissingUserContext, NotFound, ValidationError
from todocli.schemas.base import validated
from todocli.schemas.todos import TodoCreate, TodoRead, TodoUpdate
from todocli.services.owner import Owner
from todocli.services.paging import Cursor
from todocli.services.queries import TodoQuery
from todocli.services.todos import MAX_ADDED, Todos
from todocli.services.users import Users

BILLS = ["bills", "zoo", "über"]


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    with open_store(database) as store, store.session() as session:
        for name in ("ada", "bob"):
            Users(session).add(name)
    with open_store(database) as store:
        yield store


@pytest.fixture(params=["by id", "by name"])
def ada(store: Store, request: pytest.FixtureRequest) -> Iterator[Todos]:
    with store.session() as session:
        user = Users(session).find("ada")
        assert user
        yield Todos(session, Owner("ada", user.id if request.param == "by id" else None))


def refs(*words: str) -> References:
    return parse_references(words)


def drafts(*titles: str) -> list[TodoCreate]:
    return [TodoCreate(title=title) for title in titles]


def numbers(todos: list[TodoRead]) -> list[int]:
    return [todo.number for todo in todos]


def steps(store: Store) -> int:
    with open_store(store.target) as other, other.session() as session:
        count = session.scalar(sa.text("SELECT count(*) FROM changes"))
        assert isinstance(count, int)
        return count


PLANNED: dict[str, Any] = {
    "due_on": date(2026, 11, 27),
    "due_time": time(17),
    "starts_on": date(2026, 11, 20),
    "priority": "high",
    "project": "home/garden",
    "tags": ["bills", "über"],
}


def test_when_what_first_and_where_are_kept(ada: Todos) -> None:
    draft = TodoCreate(title="Pay rent", **PLANNED | {"project": "Home.Garden", "tags": ["Über", "+bills", "bills"]})
    todos = ada.add([draft, *drafts("plain")]).items
    assert {name: getattr(todos[0], name) for name in PLANNED} == PLANNED
    assert {name: getattr(todos[1], name) for name in PLANNED} == dict.fromkeys(PLANNED) | {"tags": []}
    assert ada.get(refs("1", "2")).items == todos
    update = TodoUpdate(due_on=date(2026, 12, 1), priority=None, tags=[])
    edited = ada.edit(refs("1"), update).items[0]
    assert (edited.due_on, edited.due_time, edited.priority, edited.tags) == (date(2026, 12, 1), None, None, [])
    assert edited.project == "home/garden"
    assert ada.edit(refs("1"), update).changed == frozenset()


def test_tags_come_and_go_one_by_one(ada: Todos) -> None:
    ada.add([TodoCreate(title="a", tags=["home", "x-ray"]), *drafts("b")])
    more = TodoUpdate(add_tags=["Bills", "über", "Zoo"], remove_tags=["home"])
    assert [todo.tags for todo in ada.edit(refs("1-2"), more).items] == [["bills", "x-ray", "zoo", "über"], BILLS]
    assert ada.edit(refs("1-2"), more).changed == frozenset()
    assert ada.edit(refs("2"), TodoUpdate(remove_tags=BILLS)).items[0].tags == []
    assert ada.edit(refs("2"), TodoUpdate(remove_tags=BILLS)).changed == frozenset()


def test_tags_do_not_grow_beyond_what_a_todo_may_have(ada: Todos) -> None:
    ada.add([TodoCreate(title="a", tags=[f"t{i}" for i in range(20)]), *drafts("b")])
    assert ada.edit(refs("1"), TodoUpdate(add_tags=["t1"], remove_tags=["t2"])).items[0].tags.count("t1") == 1
    ada.edit(refs("1"), TodoUpdate(add_tags=["x"]))
    with pytest.raises(ValidationError, match="at most 20 tags"):
        ada.edit(refs("1", "2"), TodoUpdate(add_tags=["y"]))
    assert [len(todo.tags) for todo in ada.find(TodoQuery()).items] == [20, 0]


def test_an_edit_of_tags_named_twice_is_made_once(ada: Todos) -> None:
    ada.add(drafts("a"))
    change = uuid.uuid4()
    first = ada.edit(refs("1"), TodoUpdate(add_tags=["x"], due_on=date(2026, 11, 27)), change=change)
    ada.edit(refs("1"), TodoUpdate(tags=["y"]))
    again = ada.edit(refs("1"), TodoUpdate(add_tags=["x"], due_on=date(2026, 11, 27)), change=change)
    assert (first.items[0].tags, again.items[0].tags) == (["x"], ["y"])
    with pytest.raises(Conflict):
        ada.edit(refs("1"), TodoUpdate(add_tags=["z"]), change=change)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"due_time": time(17)}, "due_time"),
        ({"due_on": date(2026, 11, 27), "due_time": time(17, 0, 1)}, "due_time"),
        ({"due_on": datetime(2026, 11, 27, 1)}, "due_on"),
        ({"due_on": "27 nov"}, "due_on"),
        ({"due_on": "2026-02-30"}, "due_on"),
        ({"priority": "urgent"}, "priority"),
        ({"project": "home//garden"}, "project"),
        ({"project": "none"}, "project"),
        ({"project": "x" * 101}, "project"),
        ({"tags": ["two words"]}, "tags"),
        ({"tags": ["1st"]}, "tags"),
        ({"tags": ["any"]}, "tags"),
        ({"tags": ["x" * 41]}, "tags"),
        ({"tags": [f"t{i}" for i in range(21)]}, "tags"),
        ({"tags": "bills"}, "tags"),
    ],
)
@pytest.mark.parametrize("model", [TodoCreate, TodoUpdate])
def test_a_plan_that_does_not_validate(model: type[TodoCreate], fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError) as raised:
        validated(model, {"title": "a", **fields})
    assert [error.field for error in raised.value.field_errors] == [wrong]


def test_most_of_what_one_step_adds_depends_on_what_is_given(ada: Todos) -> None:
    whole = TodoCreate(title="a", description="b", **PLANNED)
    with pytest.raises(ValidationError, match=r"\(3200\)"):
        ada.add([whole] * 3201)
    assert len(ada.add([whole] * 3200).items) == 3200


def test_numbers_go_up_from_one_in_the_order_given(ada: Todos) -> None:
    assert numbers(ada.add(drafts("a", "b")).items) == [1, 2]
    assert [(t.number, t.title) for t in ada.add(drafts("c")).items] == [(3, "c")]


def test_what_is_added_is_what_is_read(ada: Todos) -> None:
    added = ada.add([TodoCreate(title="  Grüße 漢字 👨‍👩‍👧 ", description="two\nlines\n")]).items[0]
    assert (added.title, added.description) == ("Grüße 漢字 👨‍👩‍👧", "two\nlines")
    assert (added.is_completed, added.version, added.deleted_at) == (False, 1, None)
    assert added.created_at == added.updated_at
    assert added.created_at.utcoffset() is not None
    assert ada.get(refs("1")).items == [added] == ada.get(refs(str(added.id))).items


def test_a_number_is_never_given_again(ada: Todos) -> None:
    ada.add(drafts("a", "b"))
    ada.remove(refs("2"))
    assert numbers(ada.add(drafts("c")).items) == [3]


def test_adding_again_with_the_same_change_adds_nothing(ada: Todos, store: Store) -> None:
    change = uuid.uuid4()
    first = ada.add(drafts("a", "b"), change=change)
    before = steps(store)
    assert ada.add(drafts("a", "b"), change=change).items == first.items
    assert steps(store) == before
    assert ada.find(TodoQuery()).total == 2


def test_a_change_used_for_other_todos_is_refused(ada: Todos) -> None:
    change = uuid.uuid4()
    ada.add(drafts("a"), change=change)
    with pytest.raises(Conflict, match="used before"):
        ada.add(drafts("b"), change=change)
    with pytest.raises(Conflict, match="used before"):
        ada.complete(refs("1"), change=change)
    assert [t.title for t in ada.find(TodoQuery()).items] == ["a"]


def test_two_users_may_use_the_same_change(store: Store) -> None:
    change = uuid.uuid4()
    with store.session() as session:
        for name in ("ada", "bob"):
            assert numbers(Todos(session, Owner(name)).add(drafts("a"), change=change).items) == [1]


@pytest.mark.parametrize("verb", ["complete", "remove"])
def test_a_step_made_again_with_the_same_change_is_made_once(ada: Todos, store: Store, verb: str) -> None:
    ada.add(drafts("a", "b"))
    change = uuid.uuid4()
    first = getattr(ada, verb)(refs("2", "1"), change=change)
    before = steps(store)
    again = getattr(ada, verb)(refs("2", "1"), change=change)
    assert again.items == first.items
    assert numbers(again.items) == [2, 1]
    assert steps(store) == before


def test_a_step_replayed_after_it_was_undone_by_hand_does_nothing(ada: Todos) -> None:
    ada.add(drafts("a"))
    change = uuid.uuid4()
    ada.complete(refs("1"), change=change)
    ada.reopen(refs("1"))
    assert not ada.complete(refs("1"), change=change).items[0].is_completed


@pytest.mark.parametrize("names", [("1", "2", "3"), ("1-3",), ("3", "1-2")])
def test_a_step_made_again_also_names_what_it_left_alone(ada: Todos, store: Store, names: tuple[str, ...]) -> None:
    ada.add(drafts("a", "b", "c"))
    ada.complete(refs("2"))
    change = uuid.uuid4()
    first = ada.complete(refs(*names), change=change)
    before = steps(store)
    again = ada.complete(refs(*names), change=change)
    assert (again.items, again.changed) == (first.items, first.changed)
    assert set(again.changed) == {1, 3}
    assert steps(store) == before
    for others in (("1",), ("1", "2"), ("2",)):
        with pytest.raises(Conflict, match="for another step"):
            ada.complete(refs(*others), change=change)


def test_a_step_made_again_when_a_range_holds_more_by_now(ada: Todos) -> None:
    ada.add(drafts("a", "b", "c"))
    ada.remove(refs("2"))
    change = uuid.uuid4()
    first = ada.complete(refs("1-99"), change=change)
    ada.add(drafts("d"))
    assert numbers(ada.complete(refs("1-99"), change=change).items) == numbers(first.items) == [1, 3]


def test_what_the_name_of_a_step_does_not_hide(ada: Todos, store: Store) -> None:
    change, other = uuid.uuid4(), uuid.uuid4()
    ada.add(drafts("a", "b"), change=change)
    ada.complete(refs("1"))
    ada.complete(refs("2"), change=other)
    before = steps(store)
    for name in (change, other):
        with pytest.raises(NotFound, match=r"no todo 99\."):
            ada.complete(refs("99"), change=name)
        with pytest.raises(NotFound, match=r"no todo 99\."):
            ada.complete(refs("2", "99"), change=name)
        with pytest.raises(Conflict, match="for another step"):
            ada.reopen(refs("1"), change=name)
    with pytest.raises(Conflict, match="for another step"):
        ada.add(drafts("a", "b"), change=other)
    assert steps(store) == before


def test_an_add_sent_by_id_and_by_name_is_one_step(store: Store) -> None:
    change = uuid.uuid4()
    with store.session() as session:
        user = Users(session).find("ada")
        assert user
        added = [Todos(session, Owner("ada", known)).add(drafts("a"), change=change) for known in (user.id, None)]
    assert added[0].items == added[1].items


def test_complete_and_reopen(ada: Todos) -> None:
    ada.add(drafts("a", "b", "c"))
    done = ada.complete(refs("3", "1"))
    assert [(t.number, t.is_completed, t.version) for t in done.items] == [(3, True, 2), (1, True, 2)]
    assert numbers(ada.find(TodoQuery()).items) == [2]
    assert numbers(ada.find(TodoQuery(state="completed")).items) == [1, 3]
    assert ada.reopen(refs("1")).items[0].completed_at is None
    assert numbers(ada.find(TodoQuery()).items) == [1, 2]


def test_what_is_done_already_stays_as_it_is(ada: Todos, store: Store) -> None:
    ada.add(drafts("a", "b"))
    first = ada.complete(refs("1")).items[0]
    before = steps(store)
    again = ada.complete(refs("1"))
    assert again.items == [first]
    assert again.changed == frozenset()
    assert steps(store) == before
    both = ada.complete(refs("1", "2"))
    assert (numbers(both.items), set(both.changed)) == ([1, 2], {2})


def test_all_or_none(ada: Todos, store: Store) -> None:
    ada.add(drafts("a", "b"))
    before = steps(store)
    with pytest.raises(NotFound, match=r"There is no todo 7\.") as caught:
        ada.complete(refs("1", "7", "2"))
    assert [error.field for error in caught.value.field_errors] == ["reference"]
    assert numbers(ada.find(TodoQuery()).items) == [1, 2]
    assert steps(store) == before


def test_every_lost_reference_is_named(ada: Todos) -> None:
    ada.add(drafts("a", "b"))
    ada.remove(refs("2"))
    lost = uuid.uuid4()
    with pytest.raises(NotFound) as caught:
        ada.remove(refs("1", "2", "8", "10-20", str(lost)))
    assert caught.value.detail == f"There are no todos 8, 10-20, {lost}. 2 is in the trash."
    assert caught.value.hint == "todo restore 2"


def test_a_range_takes_what_is_there_and_at_least_one(ada: Todos) -> None:
    ada.add(drafts("a", "b", "c", "d"))
    ada.remove(refs("2"))
    assert numbers(ada.complete(refs("1-3")).items) == [1, 3]
    with pytest.raises(NotFound, match=r"There are no todos 5-9\."):
        ada.complete(refs("4", "5-9"))
    assert numbers(ada.find(TodoQuery()).items) == [4]


def test_numbers_ranges_and_ids_may_name_the_same(ada: Todos) -> None:
    added = ada.add(drafts("a", "b", "c")).items
    outcome = ada.complete(refs(str(added[1].id), "2", "1-3", "2"))
    assert numbers(outcome.items) == [2, 1, 3]
    assert {t.version for t in outcome.items} == {2}


def test_the_trash(ada: Todos) -> None:
    ada.add(drafts("a", "b"))
    assert ada.remove(refs("1")).items[0].state == "trash"
    assert numbers(ada.find(TodoQuery(state="all")).items) == [2]
    assert numbers(ada.find(TodoQuery(state="trash")).items) == [1]
    assert ada.get(refs("1")).items[0].deleted_at is not None
    for verb in (ada.complete, ada.reopen, ada.remove):
        with pytest.raises(NotFound, match="1 is in the trash"):
            verb(refs("1"))
    with pytest.raises(NotFound, match="1 is in the trash"):
        ada.edit(refs("1"), TodoUpdate(title="x"))
    assert ada.restore(refs("1")).items[0].state == "open"
    assert ada.restore(refs("1")).changed == frozenset()
    with pytest.raises(NotFound, match="no todo 9"):
        ada.restore(refs("9"))


def test_edit_changes_only_what_is_given(ada: Todos, store: Store) -> None:
    ada.add([TodoCreate(title="a", description="more")])
    assert ada.edit(refs("1"), TodoUpdate(title="b")).items[0].description == "more"
    assert ada.edit(refs("1"), TodoUpdate(description=None)).items[0].title == "b"
    before = steps(store)
    same = ada.edit(refs("1"), TodoUpdate(title="b", description=None))
    assert (same.changed, same.items[0].version) == (frozenset(), 3)
    assert steps(store) == before


def test_edit_of_what_was_changed_since_is_a_conflict(ada: Todos) -> None:
    (first,) = ada.add(drafts("a")).items
    ada.edit(refs("1"), TodoUpdate(title="b"))
    with pytest.raises(Conflict, match="changed meanwhile"):
        ada.edit(refs("1"), TodoUpdate(title="c"), expected=first.change_id)
    with pytest.raises(Conflict):
        ada.remove(refs("1"), expected=first.change_id)
    (second,) = ada.get(refs("1")).items
    assert ada.edit(refs("1"), TodoUpdate(title="c"), expected=second.change_id).items[0].title == "c"
    (third,) = ada.get(refs("1")).items
    assert ada.remove(refs("1"), expected=third.change_id).items[0].state == "trash"


def test_an_update_completes_and_reopens_too(ada: Todos) -> None:
    ada.add(drafts("a"))
    (done,) = ada.edit(refs("1"), TodoUpdate(title="b", is_completed=True)).items
    assert (done.title, done.is_completed) == ("b", True)
    (again,) = ada.edit(refs("1"), TodoUpdate(title="c", is_completed=True)).items
    assert (again.title, again.completed_at) == ("c", done.completed_at)
    assert ada.edit(refs("1"), TodoUpdate(is_completed=True)).changed == frozenset()
    assert ada.edit(refs("1"), TodoUpdate(is_completed=False)).items[0].completed_at is None


def test_orders(ada: Todos) -> None:
    ada.add(drafts("b", "Äpfel", "a", "B", "_", "A", "漢", "z"))
    titles = [t.title for t in ada.find(TodoQuery(sort=(Sort("title"),))).items]
    assert titles == ["_", "A", "a", "B", "b", "z", "Äpfel", "漢"]
    assert [t.title for t in ada.find(TodoQuery(sort=(Sort("title"),), reverse=True)).items] == titles[::-1]
    assert numbers(ada.find(TodoQuery(reverse=True)).items) == [8, 7, 6, 5, 4, 3, 2, 1]
    ada.add(drafts("late"))
    assert numbers(ada.find(TodoQuery(sort=(Sort("created"),), reverse=True)).items)[0] == 9


def test_limit_says_how_many_there_are(ada: Todos) -> None:
    assert ada.find(TodoQuery(limit=3)).model_dump() == {"items": [], "count": 0, "total": 0}
    ada.add(drafts("a", "b", "c"))
    found = ada.find(TodoQuery(limit=2))
    assert (numbers(found.items), found.count, found.total) == ([1, 2], 2, 3)


def test_nothing_of_another_user_is_seen_or_touched(ada: Todos, store: Store) -> None:
    mine = ada.add(drafts("mine")).items[0]
    with open_store(store.target) as other, other.session() as session:
        bob = Todos(session, Owner("bob"))
        assert bob.find(TodoQuery(state="all", limit=5)).total == 0
        for words in (["1"], [str(mine.id)], ["1-9"]):
            for verb in (bob.get, bob.complete, bob.reopen, bob.remove, bob.restore):
                with pytest.raises(NotFound):
                    verb(refs(*words))
            with pytest.raises(NotFound):
                bob.edit(refs(*words), TodoUpdate(title="his"))
        assert numbers(bob.add(drafts("his")).items) == [1]
    assert ada.get(refs("1")).items == [mine]


def test_an_unknown_user_is_told_so(store: Store) -> None:
    with store.session() as session:
        for owner in (Owner("eve"), Owner("eve", UUID(int=7))):
            eve = Todos(session, owner)
            attempts: tuple[Callable[[], object], ...] = (
                partial(eve.find, TodoQuery()),
                partial(eve.add, drafts("a")),
                partial(eve.complete, refs("1")),
                partial(eve.get, refs("1")),
            )
            for attempt in attempts:
                with pytest.raises(MissingUserContext, match="'eve'"):
                    attempt()


def test_many_at_once(ada: Todos) -> None:
    added = ada.add(drafts(*(f"t{i}" for i in range(MAX_ADDED))))
    assert numbers(added.items) == list(range(1, MAX_ADDED + 1))
    assert len(ada.complete(refs(f"1-{MAX_ADDED}")).items) == MAX_ADDED
    with pytest.raises(ValidationError, match="more than one step adds"):
        ada.add(drafts(*("t" for _ in range(MAX_ADDED + 1))))


def test_users(store: Store) -> None:
    with store.session() as session:
        users = Users(session)
        ada = users.find("ada")
        assert ada
        assert users.add("ada") == (ada, False)
        assert [user.name for user in users.all().items] == ["ada", "bob"]
        assert users.rename("ada", "Ada L.").id == ada.id
        with pytest.raises(NotFound):
            users.rename("ada", "x")
        with pytest.raises(Conflict):
            users.rename("bob", "Ada L.")
        assert users.ensure("cyd") == users.ensure("cyd")


@pytest.mark.parametrize(
    "sort", ["", "due,-priority", "-due,title", "start", "project,-created", "-title", "priority,number", "-number"]
)
@pytest.mark.parametrize("reverse", [False, True])
def test_pages_are_the_list(ada: Todos, sort: str, reverse: bool) -> None:
    days = [None, date(2026, 11, 22), date(2026, 11, 23), date(2026, 12, 24)]
    ada.add(
        [
            TodoCreate(
                title=f"T{i % 3}",
                due_on=days[i % 4],
                due_time=time(i) if days[i % 4] and i % 3 else None,
                starts_on=days[i % 2],
                priority=(None, "high", "low")[i % 3],
                project=(None, "a", "B")[i % 3],
            )
            for i in range(14)
        ]
    )
    listing = TodoQuery(sort=parse_sort(sort), reverse=reverse, limit=3)
    found: list[int] = []
    cursor = None
    for _ in range(5):
        page = ada.page(listing, cursor)
        assert page.total == 14
        assert page.count == len(page.items)
        found += [todo.number for todo in page.items]
        if page.next_cursor is None:
            break
        cursor = Cursor.parse(page.next_cursor)
        listing = replace(listing, here=cursor.here)
    assert found == numbers(ada.find(replace(listing, limit=None)).items)
    assert page.next_cursor is None


def test_a_page_goes_on_where_the_last_one_ended(ada: Todos) -> None:
    ada.add(drafts(*"abcdef"))
    listing = TodoQuery(sort=(Sort("title"),), limit=2)
    first = ada.page(listing)
    assert first.next_cursor
    ada.remove(refs("1", "2", "3"))
    ada.add(drafts("aa", "cc"))
    second = ada.page(listing, Cursor.parse(first.next_cursor))
    assert [todo.title for todo in second.items] == ["cc", "d"]
    assert second.total == 5


def test_the_cursor_of_another_list_is_refused(ada: Todos) -> None:
    ada.add(drafts(*"abc"))
    cursor = ada.page(TodoQuery(limit=1)).next_cursor
    assert cursor
    for other in (TodoQuery("all", limit=1), TodoQuery(filter=Tagged("a"), limit=1), TodoQuery(reverse=True, limit=1)):
        with pytest.raises(ValidationError, match="does not belong to this list"):
            ada.page(other, Cursor.parse(cursor))
    for text in ("", "x", "é", "W10", cursor[:-4], "WzEsMl0", "bnVsbA", "W1sxXSwiMjAyNiIseyJ4IjoxfV0"):
        with pytest.raises(ValidationError, match="does not belong to this list"):
            Cursor.parse(text)
