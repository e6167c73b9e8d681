"""The use cases of todos and users, on both engines."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from sqlmodel import col

from tests.support.client import Client, key
from tests.support.console import LOCK_WAITS, Console
from tests.support.waiting import wait_until
from todocli.clock import now
from todocli.database.compiled import COMPILED
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.filters.ast import And, Contains, Overdue, Tagged
from todocli.domain.history import COMMAND_LINE
from todocli.domain.references import References, parse_references
from todocli.domain.sorting import Sort, parse_sort
from todocli.errors import Conflict, MissingUserContext, NotFound, ValidationError
from todocli.models import Change, Todo
from todocli.schemas.base import validated
from todocli.schemas.todos import TodoCreate, TodoRead, TodoUpdate
from todocli.services import insert_sql, update_sql
from todocli.services import workspace as workspace_module
from todocli.services.history.log import LogQuery
from todocli.services.list_sql import first_page
from todocli.services.owner import Owner
from todocli.services.paging import Cursor
from todocli.services.queries import TodoQuery
from todocli.services.resolve import Result
from todocli.services.update_sql import Assignment, UpdateShape
from todocli.services.updates import Updates, UpdateSpec
from todocli.services.users import Users
from todocli.services.workspace import Workspace

BILLS = ["bills", "zoo", "über"]


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    with open_store(database) as store, store.session() as session:
        for name in ("ada", "bob"):
            Users(session).add(name)
    with open_store(database) as store:
        yield store


@pytest.fixture
def ada(store: Store) -> Iterator[Client]:
    with store.session() as session:
        user = Users(session).find("ada")
        assert user
        yield Client(session, Owner("ada", None if store.is_embedded else user.id))


def refs(*words: str) -> References:
    return parse_references(words)


def drafts(*titles: str) -> list[TodoCreate]:
    return [TodoCreate(title=title) for title in titles]


def numbers(todos: list[TodoRead]) -> list[int]:
    return [todo.number for todo in todos]


def changes(store: Store) -> int:
    with open_store(store.target) as other, other.session() as session:
        count = session.scalar(sa.select(sa.func.count()).select_from(Change))
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


def test_add_and_edit_store_all_fields(ada: Client) -> None:
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


def test_edit_adds_and_removes_single_tags(ada: Client) -> None:
    ada.add([TodoCreate(title="a", tags=["home", "x-ray"]), *drafts("b")])
    more = TodoUpdate(add_tags=["Bills", "über", "Zoo"], remove_tags=["home"])
    assert [todo.tags for todo in ada.edit(refs("1-2"), more).items] == [["bills", "x-ray", "zoo", "über"], BILLS]
    assert ada.edit(refs("1-2"), more).changed == frozenset()
    assert ada.edit(refs("2"), TodoUpdate(remove_tags=BILLS)).items[0].tags == []
    assert ada.edit(refs("2"), TodoUpdate(remove_tags=BILLS)).changed == frozenset()


def test_edit_refuses_too_many_tags(ada: Client) -> None:
    ada.add([TodoCreate(title="a", tags=[f"t{i}" for i in range(20)]), *drafts("b")])
    assert ada.edit(refs("1"), TodoUpdate(add_tags=["t1"], remove_tags=["t2"])).items[0].tags.count("t1") == 1
    ada.edit(refs("1"), TodoUpdate(add_tags=["x"]))
    with pytest.raises(ValidationError, match="at most 20 tags"):
        ada.edit(refs("1", "2"), TodoUpdate(add_tags=["y"]))
    assert [len(todo.tags) for todo in ada.find(TodoQuery()).items] == [20, 0]


def test_edit_of_tags_repeated_with_same_key_applies_once(ada: Client) -> None:
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
def test_invalid_field_is_named(model: type[TodoCreate], fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError) as raised:
        validated(model, {"title": "a", **fields})
    assert [error.field for error in raised.value.field_errors] == [wrong]


def test_add_numbers_todos_in_order(ada: Client) -> None:
    assert numbers(ada.add(drafts("a", "b")).items) == [1, 2]
    assert [(t.number, t.title) for t in ada.add(drafts("c")).items] == [(3, "c")]


def test_added_todo_reads_back_unchanged(ada: Client) -> None:
    added = ada.add([TodoCreate(title="  Grüße 漢字 👨‍👩‍👧 ", description="two\nlines\n")]).items[0]
    assert (added.title, added.description) == ("Grüße 漢字 👨‍👩‍👧", "two\nlines")
    assert (added.is_completed, added.version, added.deleted_at) == (False, 1, None)
    assert added.created_at == added.updated_at
    assert added.created_at.utcoffset() is not None
    assert ada.get(refs("1")).items == [added] == ada.get(refs(str(added.id))).items


def test_numbers_are_not_reused(ada: Client) -> None:
    ada.add(drafts("a", "b"))
    ada.remove(refs("2"))
    assert numbers(ada.add(drafts("c")).items) == [3]


def test_add_repeated_with_same_key_adds_once(ada: Client, store: Store) -> None:
    change = uuid.uuid4()
    first = ada.add(drafts("a", "b"), change=change)
    before = changes(store)
    assert ada.add(drafts("a", "b"), change=change).items == first.items
    assert changes(store) == before
    assert ada.find(TodoQuery()).total == 2


def test_add_of_other_todos_with_same_key_is_a_conflict(ada: Client) -> None:
    change = uuid.uuid4()
    ada.add(drafts("a"), change=change)
    with pytest.raises(Conflict, match="used before"):
        ada.add(drafts("b"), change=change)
    with pytest.raises(Conflict, match="used before"):
        ada.complete(refs("1"), change=change)
    assert [t.title for t in ada.find(TodoQuery()).items] == ["a"]


def test_two_users_may_use_the_same_key(store: Store) -> None:
    change = uuid.uuid4()
    with store.session() as session:
        for name in ("ada", "bob"):
            assert numbers(Client(session, Owner(name)).add(drafts("a"), change=change).items) == [1]


@pytest.mark.parametrize("verb", ["complete", "remove"])
def test_action_repeated_with_same_key_applies_once(ada: Client, store: Store, verb: str) -> None:
    ada.add(drafts("a", "b"))
    change = uuid.uuid4()
    first = getattr(ada, verb)(refs("2", "1"), change=change)
    before = changes(store)
    again = getattr(ada, verb)(refs("2", "1"), change=change)
    assert again.items == first.items
    assert numbers(again.items) == [2, 1]
    assert changes(store) == before


def test_repeat_after_reversal_changes_nothing(ada: Client) -> None:
    ada.add(drafts("a"))
    change = uuid.uuid4()
    ada.complete(refs("1"), change=change)
    ada.reopen(refs("1"))
    assert not ada.complete(refs("1"), change=change).items[0].is_completed


@pytest.mark.parametrize("names", [("1", "2", "3"), ("1-3",), ("3", "1-2")])
def test_repeat_also_answers_with_unchanged_todos(ada: Client, store: Store, names: tuple[str, ...]) -> None:
    ada.add(drafts("a", "b", "c"))
    ada.complete(refs("2"))
    change = uuid.uuid4()
    first = ada.complete(refs(*names), change=change)
    before = changes(store)
    again = ada.complete(refs(*names), change=change)
    assert (again.items, again.changed, again.is_repeat) == (first.items, first.changed, True)
    assert set(again.changed) == {1, 3}
    assert changes(store) == before
    for others in (("1",), ("1", "2"), ("2",)):
        with pytest.raises(Conflict, match="for another change"):
            ada.complete(refs(*others), change=change)


def test_repeat_ignores_todos_added_to_range(ada: Client) -> None:
    ada.add(drafts("a", "b", "c"))
    ada.remove(refs("2"))
    change = uuid.uuid4()
    first = ada.complete(refs("1-99"), change=change)
    ada.add(drafts("d"))
    assert numbers(ada.complete(refs("1-99"), change=change).items) == numbers(first.items) == [1, 3]


def test_key_of_another_request_is_a_conflict(ada: Client, store: Store) -> None:
    change, other = uuid.uuid4(), uuid.uuid4()
    ada.add(drafts("a", "b"), change=change)
    ada.complete(refs("2"), change=other)
    before = changes(store)
    for used in (change, other):
        for action in (ada.complete, ada.reopen, ada.remove, ada.restore):
            with pytest.raises(Conflict, match="for another change"):
                action(refs("1"), change=used)
        with pytest.raises(Conflict, match="for another change"):
            ada.edit(refs("1"), TodoUpdate(title="x"), change=used)
    with pytest.raises(Conflict, match="for another change"):
        ada.add(drafts("a", "b"), change=other)
    assert changes(store) == before


def test_key_of_request_that_changed_nothing_stays_free(ada: Client) -> None:
    change = uuid.uuid4()
    ada.add(drafts("a"))
    with pytest.raises(NotFound):
        ada.complete(refs("9"), change=change)
    assert ada.reopen(refs("1"), change=change).changed == frozenset()
    assert ada.complete(refs("1"), change=change).changed == {1}


def test_statement_for_one_todo_is_built_once(ada: Client) -> None:
    """Building one takes longer than running it, and every request of the API is about one todo."""
    built = (insert_sql.of_one, update_sql.of_references)
    counts = [[statement.cache_info().misses for statement in built]]
    for letter in "abc":
        added = ada.add(drafts(letter)).items[0]
        ada.edit(refs(str(added.id)), TodoUpdate(title=f"{letter} again"))
        ada.remove(refs(str(added.id)))
        counts.append([statement.cache_info().misses for statement in built])
    assert counts[3] == counts[2] == counts[1]
    assert counts[1] != counts[0]


def test_statement_of_a_filter_is_built_once_a_day(ada: Client) -> None:
    ada.add(drafts("a"))
    before = first_page.cache_info().misses
    for hour in (9, 10):
        for text in ("a", "b"):
            at = datetime(2026, 11, 27, hour, tzinfo=UTC)
            assert ada.find(TodoQuery(filter=Contains(text), here=at, limit=5)).total == (text == "a")
    assert first_page.cache_info().misses == before + 2


def test_day_of_a_list_is_that_of_its_time_zone(ada: Client) -> None:
    """Midnight of one day in Honolulu is midnight of the next on Kiritimati."""
    ada.add([TodoCreate(title="a", starts_on=date(2026, 11, 28))])
    for zone, day, found in (("Pacific/Kiritimati", 28, 1), ("Pacific/Honolulu", 27, 0), ("Pacific/Kiritimati", 28, 1)):
        here = datetime(2026, 11, day, 9, tzinfo=ZoneInfo(zone))
        assert ada.find(TodoQuery(here=here, limit=5)).total == found, zone


def test_overdue_depends_on_the_time_of_day(ada: Client) -> None:
    ada.add([TodoCreate(title="a", due_on=date(2026, 11, 27), due_time=time(17))])
    for hour, found in ((16, 0), (18, 1), (16, 0)):
        at = datetime(2026, 11, 27, hour, tzinfo=UTC)
        assert ada.find(TodoQuery(filter=And((Overdue(), Contains("a"))), here=at, limit=5)).total == found


class Postpone(Assignment):
    """Makes a todo due one day later."""

    def value(self, dialect: str) -> Any:
        """Return the new value."""
        return col(Todo.due_on) + 1


def test_relative_update_sent_twice_while_row_is_locked_applies_once(postgres_url: PostgresURL) -> None:
    """The second attempt's snapshot is older than the first one's commit; only its locked row shows the change."""
    with open_store(postgres_url) as store, store.session() as session:
        owner = Owner("ada", Users(session).ensure("ada"))
        Client(session, owner).add([TodoCreate(title="a", due_on=date(2026, 11, 27))])
    request = key(None, "edit", due="+1d")

    def postpone(_: int) -> Result:
        with open_store(postgres_url, seconds=60) as store, store.session() as session:
            spec = UpdateSpec(now(), UpdateShape((Postpone("due_on"),)))
            return Updates(session, owner, COMMAND_LINE).apply(refs("1"), spec, request)

    with (
        closing(Console(postgres_url)) as console,
        closing(Console(postgres_url)) as witness,
        ThreadPoolExecutor() as pool,
    ):
        with console.transaction():
            console.run("SELECT FROM todos WHERE number = 1 FOR UPDATE")
            attempts = [pool.submit(postpone, i) for i in range(2)]
            while witness.value(LOCK_WAITS) < 2:
                assert not any(attempt.done() for attempt in attempts)
        results = [attempt.result() for attempt in attempts]
        assert console.value("SELECT due_on FROM todos") == date(2026, 11, 28)
    assert sorted(result.is_repeat for result in results) == [False, True]


def test_late_retry_after_another_change_applies_once(postgres_url: PostgresURL) -> None:
    """Its snapshot is older than the first attempt's commit, and the row is no longer at that change."""
    with open_store(postgres_url) as store, store.session() as session:
        owner = Owner("ada", Users(session).ensure("ada"))
        Client(session, owner).add(drafts("a"))
    request = {name: key(None, "edit", title=name) for name in "bc"}

    def edit(name: str) -> Result:
        with open_store(postgres_url, seconds=60) as store, store.session() as session:
            spec = UpdateSpec(now(), UpdateShape((Assignment("title"),)), {"title": name})
            return Updates(session, owner, COMMAND_LINE).apply(refs("1"), spec, request[name])

    with (
        closing(Console(postgres_url)) as console,
        closing(Console(postgres_url)) as witness,
        ThreadPoolExecutor() as pool,
    ):
        attempts = []
        with console.transaction():
            console.run("SELECT FROM users FOR NO KEY UPDATE")
            for name in "bcb":
                attempts.append(pool.submit(edit, name))
                wait_until(lambda: witness.value(LOCK_WAITS) == len(attempts), "the next attempt")
        results = [attempt.result() for attempt in attempts]
        assert console.value("SELECT title FROM todos") == "c"
        assert console.value("SELECT count(*) FROM history") == 3
    assert [result.is_repeat for result in results] == [False, False, True]


def test_add_repeated_by_id_and_by_name_adds_once(store: Store) -> None:
    change = uuid.uuid4()
    with store.session() as session:
        user = Users(session).find("ada")
        assert user
        added = [Client(session, Owner("ada", known)).add(drafts("a"), change=change) for known in (user.id, None)]
    assert added[0].items == added[1].items


def test_complete_and_reopen_move_todos_between_lists(ada: Client) -> None:
    ada.add(drafts("a", "b", "c"))
    done = ada.complete(refs("3", "1"))
    assert [(t.number, t.is_completed, t.version) for t in done.items] == [(3, True, 2), (1, True, 2)]
    assert numbers(ada.find(TodoQuery()).items) == [2]
    assert numbers(ada.find(TodoQuery(state="completed")).items) == [1, 3]
    assert ada.reopen(refs("1")).items[0].completed_at is None
    assert numbers(ada.find(TodoQuery()).items) == [1, 2]


def test_complete_of_done_todo_changes_nothing(ada: Client, store: Store) -> None:
    ada.add(drafts("a", "b"))
    first = ada.complete(refs("1")).items[0]
    before = changes(store)
    again = ada.complete(refs("1"))
    assert again.items == [first]
    assert again.changed == frozenset()
    assert changes(store) == before
    both = ada.complete(refs("1", "2"))
    assert (numbers(both.items), set(both.changed)) == ([1, 2], {2})


def test_missing_reference_changes_nothing(ada: Client, store: Store) -> None:
    ada.add(drafts("a", "b"))
    before = changes(store)
    with pytest.raises(NotFound, match=r"There is no todo 7\.") as caught:
        ada.complete(refs("1", "7", "2"))
    assert [error.field for error in caught.value.field_errors] == ["reference"]
    assert numbers(ada.find(TodoQuery()).items) == [1, 2]
    assert changes(store) == before


def test_error_names_every_missing_reference(ada: Client) -> None:
    ada.add(drafts("a", "b"))
    ada.remove(refs("2"))
    lost = uuid.uuid4()
    with pytest.raises(NotFound) as caught:
        ada.remove(refs("1", "2", "8", "10-20", str(lost)))
    assert caught.value.detail == f"There are no todos 8, 10-20, {lost}. 2 is in the trash."
    assert caught.value.command == ("todo", "restore", "2")


def test_range_takes_existing_todos_and_needs_one(ada: Client) -> None:
    ada.add(drafts("a", "b", "c", "d"))
    ada.remove(refs("2"))
    assert numbers(ada.complete(refs("1-3")).items) == [1, 3]
    with pytest.raises(NotFound, match=r"There are no todos 5-9\."):
        ada.complete(refs("4", "5-9"))
    assert numbers(ada.find(TodoQuery()).items) == [4]


def test_overlapping_references_change_a_todo_once(ada: Client) -> None:
    added = ada.add(drafts("a", "b", "c")).items
    outcome = ada.complete(refs(str(added[1].id), "2", "1-3", "2"))
    assert numbers(outcome.items) == [2, 1, 3]
    assert {t.version for t in outcome.items} == {2}


def test_trashed_todos_can_only_be_read_and_restored(ada: Client) -> None:
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


def test_edit_changes_only_given_fields(ada: Client, store: Store) -> None:
    ada.add([TodoCreate(title="a", description="more")])
    assert ada.edit(refs("1"), TodoUpdate(title="b")).items[0].description == "more"
    assert ada.edit(refs("1"), TodoUpdate(description=None)).items[0].title == "b"
    before = changes(store)
    same = ada.edit(refs("1"), TodoUpdate(title="b", description=None))
    assert (same.changed, same.items[0].version) == (frozenset(), 3)
    assert changes(store) == before


def test_edit_of_unexpected_version_is_a_conflict(ada: Client) -> None:
    (first,) = ada.add(drafts("a")).items
    ada.edit(refs("1"), TodoUpdate(title="b"))
    with pytest.raises(Conflict, match="changed in the meantime"):
        ada.edit(refs("1"), TodoUpdate(title="c"), expected=first.change_id)
    with pytest.raises(Conflict):
        ada.remove(refs("1"), expected=first.change_id)
    (second,) = ada.get(refs("1")).items
    assert ada.edit(refs("1"), TodoUpdate(title="c"), expected=second.change_id).items[0].title == "c"
    (third,) = ada.get(refs("1")).items
    assert ada.remove(refs("1"), expected=third.change_id).items[0].state == "trash"


def test_update_can_complete_and_reopen(ada: Client) -> None:
    ada.add(drafts("a"))
    (done,) = ada.edit(refs("1"), TodoUpdate(title="b", is_completed=True)).items
    assert (done.title, done.is_completed) == ("b", True)
    (again,) = ada.edit(refs("1"), TodoUpdate(title="c", is_completed=True)).items
    assert (again.title, again.completed_at) == ("c", done.completed_at)
    assert ada.edit(refs("1"), TodoUpdate(is_completed=True)).changed == frozenset()
    assert ada.edit(refs("1"), TodoUpdate(is_completed=False)).items[0].completed_at is None


def test_sort_orders_by_code_point(ada: Client) -> None:
    ada.add(drafts("b", "Äpfel", "a", "B", "_", "A", "漢", "z"))
    titles = [t.title for t in ada.find(TodoQuery(sort=(Sort("title"),))).items]
    assert titles == ["_", "A", "a", "B", "b", "z", "Äpfel", "漢"]
    assert [t.title for t in ada.find(TodoQuery(sort=(Sort("title"),), reverse=True)).items] == titles[::-1]
    assert numbers(ada.find(TodoQuery(reverse=True)).items) == [8, 7, 6, 5, 4, 3, 2, 1]
    ada.add(drafts("late"))
    assert numbers(ada.find(TodoQuery(sort=(Sort("created"),), reverse=True)).items)[0] == 9


def test_limit_keeps_total(ada: Client) -> None:
    assert ada.find(TodoQuery(limit=3)).model_dump() == {"items": [], "count": 0, "total": 0}
    ada.add(drafts("a", "b", "c"))
    found = ada.find(TodoQuery(limit=2))
    assert (numbers(found.items), found.count, found.total) == ([1, 2], 2, 3)


def test_other_users_todos_are_not_found(ada: Client, store: Store) -> None:
    mine = ada.add(drafts("mine")).items[0]
    with open_store(store.target) as other, other.session() as session:
        bob = Client(session, Owner("bob"))
        assert bob.find(TodoQuery(state="all", limit=5)).total == 0
        for words in (["1"], [str(mine.id)], ["1-9"]):
            for verb in (bob.get, bob.complete, bob.reopen, bob.remove, bob.restore):
                with pytest.raises(NotFound):
                    verb(refs(*words))
            with pytest.raises(NotFound):
                bob.edit(refs(*words), TodoUpdate(title="his"))
        assert numbers(bob.add(drafts("his")).items) == [1]
    assert ada.get(refs("1")).items == [mine]


def test_unknown_user_is_reported(store: Store) -> None:
    with store.session() as session:
        for owner in (Owner("eve"), Owner("eve", UUID(int=7))):
            eve = Client(session, owner)
            attempts: tuple[Callable[[], object], ...] = (
                partial(eve.find, TodoQuery()),
                partial(eve.add, drafts("a")),
                partial(eve.complete, refs("1")),
                partial(eve.get, refs("1")),
            )
            for attempt in attempts:
                with pytest.raises(MissingUserContext, match="'eve'"):
                    attempt()


@pytest.mark.slow
def test_5000_todos_in_one_statement(ada: Client) -> None:
    whole = TodoCreate(title="a", description="b", **PLANNED)
    assert numbers(ada.add([whole] * 5000).items) == list(range(1, 5001))
    assert len(ada.complete(refs("1-5000")).items) == 5000


def test_any_number_of_todos_is_added_by_one_statement(ada: Client) -> None:
    ada.add(drafts("a", "b"))
    compiled = len(COMPILED)
    assert numbers(ada.add(drafts("c", "d", "e")).items) == [3, 4, 5]
    assert len(COMPILED) == compiled


def test_many_todos_have_more_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_module, "MANY", 2)
    new = [TodoCreate(title="a", tags=["x"]), TodoCreate(title="b", due_on=date(2026, 1, 2)), TodoCreate(title="c")]
    request = key(uuid.uuid4(), "add")
    with Workspace(store, Owner("ada"), register=True) as workspace:
        added = workspace.add(new, request)
        assert [(todo.number, todo.title, todo.tags) for todo in added.items] == [
            (1, "a", ["x"]),
            (2, "b", []),
            (3, "c", []),
        ]
        assert added.items[1].due_on == date(2026, 1, 2)
        again = workspace.add(new, request)
        assert (again.is_repeat, again.items) == (True, added.items)
        assert len(workspace.log.find(LogQuery()).items) == 1


def test_users_are_added_renamed_and_unique(store: Store) -> None:
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


@pytest.mark.parametrize("sort", ["", "due,-priority", "start", "project,-created", "priority,number"])
@pytest.mark.parametrize("reverse", [False, True])
def test_pages_add_up_to_the_list(ada: Client, sort: str, reverse: bool) -> None:
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


def test_page_continues_after_last_todo(ada: Client) -> None:
    ada.add(drafts(*"abcdef"))
    listing = TodoQuery(sort=(Sort("title"),), limit=2)
    first = ada.page(listing)
    assert first.next_cursor
    ada.remove(refs("1", "2", "3"))
    ada.add(drafts("aa", "cc"))
    second = ada.page(listing, Cursor.parse(first.next_cursor))
    assert [todo.title for todo in second.items] == ["cc", "d"]
    assert second.total == 5


def test_cursor_of_another_list_is_refused(ada: Client) -> None:
    ada.add(drafts(*"abc"))
    cursor = ada.page(TodoQuery(limit=1)).next_cursor
    assert cursor
    for other in (TodoQuery("all", limit=1), TodoQuery(filter=Tagged("a"), limit=1), TodoQuery(reverse=True, limit=1)):
        with pytest.raises(ValidationError, match="does not belong to this list"):
            ada.page(other, Cursor.parse(cursor))
    for text in ("", "x", "é", "W10", cursor[:-4], "WzEsMl0", "bnVsbA", "W1sxXSwiMjAyNiIseyJ4IjoxfV0"):
        with pytest.raises(ValidationError, match="does not belong to this list"):
            Cursor.parse(text)
