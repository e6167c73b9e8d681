"""Todos that repeat, on both engines."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, time
from threading import Barrier
from uuid import UUID

import pytest

from tests.support.client import ADA, Client, key, refs
from tests.support.console import Console
from tests.support.routine import MONDAY, add, at, get, open_ones, reverse
from todocli.database.compiled import COMPILED
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.filters.ast import Tagged
from todocli.domain.history import COMMAND_LINE
from todocli.errors import Conflict, NotFound, ValidationError
from todocli.schemas.todos import TodoCreate, TodoRead, TodoUpdate
from todocli.services.edits import Edit, Edits
from todocli.services.history.log import Log, LogQuery
from todocli.services.history.purge import Purge, TrashQuery
from todocli.services.history.undo import Undo
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.resolve import Result
from todocli.services.selection import Selection
from todocli.services.users import Users

pytestmark = pytest.mark.usefixtures("monday")


def followed(result: Result) -> list[tuple[int, int, date | None, int]]:
    """Return what followed which todo: the number, that of the todo before, the due date, and what was skipped."""
    return [(each.todo.number, each.after, each.todo.due_on, each.skipped) for each in result.followed]


def states(ada: Client) -> list[tuple[int, UUID | None, int | None]]:
    """Return the todos that are not in the trash, with their places in series."""
    return sorted((todo.number, todo.series_id, todo.series_place) for todo in ada.find(TodoQuery("all")).items)


@pytest.fixture
def replaced(database: Target, ada: Client) -> TodoRead:
    """The first occurrence of a series. Its second was deleted at a console, and number 3 took its place."""
    first = add(ada, every="week", due_on="2026-11-23")
    ada.complete(refs(1))
    with closing(Console(database)) as console:
        console.run("DELETE FROM todos WHERE number = 2")
    ada.reopen(refs(1))
    assert followed(ada.complete(refs(1))) == [(3, 1, date(2026, 11, 30), 0)]
    return first


def test_undo_of_a_deletion_takes_the_place_back_that_another_occurrence_has(
    store: Store, ada: Client, replaced: TodoRead
) -> None:
    first, last = (1, replaced.id, 1), states(ada)
    assert last == [first, (3, replaced.id, 2)]
    for _ in range(2):  # completed, and reopened
        reverse(store, "undo")
    reverse(store, "undo")
    assert states(ada) == [first, (2, replaced.id, 2)]
    for _ in range(3):
        reverse(store, "redo")
    assert states(ada) == last
    store.atomically(lambda session: Undo(session, ADA).reverse("undo", 5, key(None, "undo")))
    assert states(ada) == []
    store.atomically(lambda session: Undo(session, ADA).reverse("redo", 5, key(None, "redo")))
    assert states(ada) == last


def test_two_deletions_of_one_todo_are_undone_together(store: Store, ada: Client, database: Target) -> None:
    add(ada)
    with closing(Console(database)) as console:
        console.run("DELETE FROM todos")
        reverse(store, "undo")
        reverse(store, "redo")  # to the trash: a redo deletes nothing
        console.run("DELETE FROM todos")
    store.atomically(lambda session: Undo(session, ADA).reverse("undo", 2, key(None, "undo")))
    assert states(ada) == [(1, None, None)]


def test_deletion_that_is_undone_beside_another_occurrence_begins_a_series(
    store: Store, ada: Client, replaced: TodoRead
) -> None:
    with store.session() as session:
        deletion = Log(session, ADA).find(LogQuery(todo=2, limit=1)).items[0]
    reverse(store, "undo", only=str(deletion.id))
    back = get(ada, 2)
    assert (back.series_id, back.series_place, back.rrule) == (back.id, 1, replaced.rrule)
    assert (get(ada, 3).series_id, get(ada, 3).series_place) == (replaced.id, 2)


def purge(store: Store) -> None:
    trash = TrashQuery()
    with store.session() as session:
        preview = Purge(session, ADA).preview(trash)
    store.atomically(lambda session: Purge(session, ADA).purge(trash, preview, key(None, "purge")))


def test_next_occurrence_is_added_by_the_change_that_completes_one(store: Store, ada: Client) -> None:
    first = add(ada, every="week", due_on="2026-11-23", due_time="17:00", tags=["home"], priority="high")
    assert (first.every, first.rrule, first.series_id, first.series_place) == (
        "mon",
        "FREQ=WEEKLY;BYDAY=MO",
        first.id,
        1,
    )
    change = uuid.uuid4()
    assert followed(ada.complete(refs(1), change=change)) == [(2, 1, date(2026, 11, 30), 0)]
    later = get(ada, 2)
    assert (later.title, later.due_time, later.tags, later.priority) == ("Water", time(17), ["home"], "high")
    assert (later.series_id, later.series_place, later.rrule) == (first.id, 2, first.rrule)
    assert later.change_id == get(ada, 1).change_id == change
    assert followed(ada.complete(refs(1))) == []
    assert open_ones(ada) == [(2, date(2026, 11, 30))]


def test_several_are_added_at_once(ada: Client) -> None:
    drafts = [TodoCreate(title="a", every="day"), TodoCreate(title="b"), TodoCreate(title="c", again="3d", times=2)]
    added = ada.add(drafts).items
    assert [(todo.every, todo.again, todo.times) for todo in added] == [
        ("day", None, None),
        (None, None, None),
        (None, "3d", 2),
    ]
    assert [todo.series_id == todo.id for todo in added] == [True, False, True]


def test_repeated_request_adds_nothing(ada: Client) -> None:
    add(ada, every="day")
    change = uuid.uuid4()
    for _ in range(3):
        ada.complete(refs(1), change=change)
    assert open_ones(ada) == [(2, date(2026, 11, 24))]


def test_undo_takes_both_back_and_redo_brings_both(store: Store, ada: Client) -> None:
    add(ada, every="day")
    ada.complete(refs(1))
    reverse(store, "undo")
    assert open_ones(ada) == [(1, MONDAY)]
    reverse(store, "redo")
    assert open_ones(ada) == [(2, date(2026, 11, 24))]


def test_completing_again_brings_the_removed_one_back_under_its_number(
    store: Store, ada: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(ada, every="day")
    ada.complete(refs(1))
    reverse(store, "undo")
    at(monkeypatch, date(2026, 11, 26))
    assert followed(ada.complete(refs(1))) == [(2, 1, date(2026, 11, 26), 2)]
    assert get(ada, 2).deleted_at is None
    reverse(store, "undo")
    assert [number for number, _ in open_ones(ada)] == [1]


def test_completing_again_leaves_the_next_one_as_it_is(ada: Client) -> None:
    add(ada, every="day")
    ada.complete(refs(1))
    ada.edit(refs(2), TodoUpdate(title="Other"))
    ada.reopen(refs(1))
    assert followed(ada.complete(refs(1))) == []
    assert (get(ada, 2).title, open_ones(ada)) == ("Other", [(2, date(2026, 11, 24))])


def test_completing_again_after_a_purge_adds_another(store: Store, ada: Client) -> None:
    add(ada, every="day")
    ada.complete(refs(1))
    ada.remove(refs(2))
    ada.remove(refs(3), series=True)
    purge(store)
    ada.reopen(refs(1))
    assert followed(ada.complete(refs(1))) == [(4, 1, date(2026, 11, 24), 0)]


def test_undo_is_a_conflict_if_the_next_one_was_touched(store: Store, ada: Client) -> None:
    add(ada, every="day")
    change = uuid.uuid4()
    ada.complete(refs(1), change=change)
    ada.edit(refs(2), TodoUpdate(title="Other"))

    def undo(*, force: bool) -> None:
        store.atomically(
            lambda session: Undo(session, ADA).reverse("undo", 1, key(None, "undo"), only=str(change), force=force)
        )

    with pytest.raises(Conflict):
        undo(force=False)
    undo(force=True)
    assert [number for number, _ in open_ones(ada)] == [1]


def test_missed_dates_are_skipped(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    add(ada, every="mon,thu")
    at(monkeypatch, date(2026, 12, 4))
    assert followed(ada.complete(refs(1))) == [(2, 1, date(2026, 12, 7), 3)]


def test_again_counts_from_completion(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert add(ada, again="3d").again == "3d"
    at(monkeypatch, date(2026, 11, 26))
    assert followed(ada.complete(refs(1))) == [(2, 1, date(2026, 11, 29), 0)]


def test_distance_of_start_and_due_is_kept(ada: Client) -> None:
    add(ada, every="week", due_on="2026-11-27", starts_on="2026-11-23")
    ada.complete(refs(1))
    assert (get(ada, 2).starts_on, get(ada, 2).due_on) == (date(2026, 11, 30), date(2026, 12, 4))


def test_todo_with_a_start_only_starts_again(ada: Client) -> None:
    add(ada, every="week", starts_on="2026-11-23")
    ada.complete(refs(1))
    assert (get(ada, 2).starts_on, get(ada, 2).due_on) == (date(2026, 11, 30), None)


def test_date_that_was_put_off_changes_one_occurrence(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    add(ada, every="week", due_on="2026-11-23")
    ada.edit(refs(1), TodoUpdate(due_on=date(2026, 11, 25)))
    at(monkeypatch, date(2026, 11, 25))
    assert followed(ada.complete(refs(1))) == [(2, 1, date(2026, 11, 30), 0)]


@pytest.mark.parametrize(("end", "count"), [({"times": 3}, 3), ({"ends_on": "2026-11-25"}, 3)])
def test_series_ends(ada: Client, end: dict[str, object], count: int) -> None:
    add(ada, every="day", **end)
    for number in range(1, count):
        assert len(ada.complete(refs(number)).followed) == 1
    last = ada.complete(refs(count))
    assert last.changed == {count}
    assert (followed(last), open_ones(ada)) == ([], [])


def test_removed_occurrence_is_followed_and_a_removed_series_is_not(ada: Client) -> None:
    add(ada, every="day")
    assert followed(ada.remove(refs(1))) == [(2, 1, date(2026, 11, 24), 0)]
    assert ada.remove(refs(2), series=True).followed == ()
    assert open_ones(ada) == []
    ada.restore(refs(1))
    assert open_ones(ada) == [(1, MONDAY)]


def test_removed_completed_occurrence_is_not_followed(ada: Client) -> None:
    add(ada, every="day")
    ada.complete(refs(1))
    assert ada.remove(refs(1)).followed == ()
    assert [number for number, _ in open_ones(ada)] == [2]


def test_several_are_completed_at_once(ada: Client) -> None:
    add(ada, every="day", tags=["x"])
    add(ada, tags=["x"])
    add(ada, every="week", tags=["x"])
    query = TodoQuery(filter=Tagged("x"))
    result = ada.complete(Selection(query, unasked=True))
    assert result.changed == {1, 2, 3}
    assert followed(result) == [(4, 1, date(2026, 11, 24), 0), (5, 3, date(2026, 11, 30), 0)]
    assert followed(ada.complete(refs(4, 5))) == [(6, 4, date(2026, 11, 25), 0), (7, 5, date(2026, 12, 7), 0)]


def test_neighbours_of_a_series_may_be_completed_at_once(ada: Client) -> None:
    add(ada, every="day")
    ada.complete(refs(1))
    ada.reopen(refs(1))
    assert followed(ada.complete(refs(1, 2))) == [(3, 2, date(2026, 11, 25), 0)]


def test_bulk_edit_that_completes_is_followed(store: Store, ada: Client) -> None:
    add(ada, every="day")
    add(ada)
    edits = [Edit(number, TodoUpdate(is_completed=True)) for number in (1, 2)]
    store.atomically(lambda session: Edits(session, ADA, COMMAND_LINE).apply(edits, key(None, "bulk")))
    assert open_ones(ada) == [(3, date(2026, 11, 24))]


def test_bulk_edit_that_completes_in_several_ways_is_followed(store: Store, ada: Client) -> None:
    for _ in range(2):
        add(ada, every="day")
    edits = [Edit(1, TodoUpdate(is_completed=True)), Edit(2, TodoUpdate(is_completed=True, priority="high"))]
    store.atomically(lambda session: Edits(session, ADA, COMMAND_LINE).apply(edits, key(None, "bulk")))
    assert open_ones(ada) == [(3, date(2026, 11, 24)), (4, date(2026, 11, 24))]


def test_edit_that_completes_is_followed(ada: Client) -> None:
    add(ada, every="day")
    ada.edit(refs(1), TodoUpdate(is_completed=True))
    assert open_ones(ada) == [(2, date(2026, 11, 24))]


def test_edit_that_completes_changes_this_one_only(store: Store, ada: Client) -> None:
    for _ in range(2):
        add(ada, every="week", due_on="2026-11-23", priority="low")
    update = TodoUpdate(is_completed=True, priority="high", due_on=date(2026, 11, 25), add_tags=["x"])
    ada.edit(refs(1), update)
    edits = [Edit(2, update)]
    store.atomically(lambda session: Edits(session, ADA, COMMAND_LINE).apply(edits, key(None, "bulk")))
    for number in (3, 4):
        later = get(ada, number)
        assert (later.priority, later.tags, later.due_on) == ("low", [], date(2026, 11, 30))


def test_missing_todo_leaves_everything_as_it_is(ada: Client) -> None:
    add(ada, every="day")
    with pytest.raises(NotFound):
        ada.complete(refs(1, 9))
    assert open_ones(ada) == [(1, MONDAY)]


def test_edit_changes_and_ends_the_repetition(ada: Client) -> None:
    add(ada, due_on="2026-11-24")
    todo = ada.edit(refs(1), TodoUpdate(every="month", times=5)).items[0]
    assert (todo.rrule, todo.times, todo.series_place, todo.repeat_on) == (
        "FREQ=MONTHLY;BYMONTHDAY=24",
        5,
        1,
        date(2026, 11, 24),
    )
    todo = ada.edit(refs(1), TodoUpdate(again="2w")).items[0]
    assert (todo.every, todo.again, todo.times) == (None, "2w", 5)
    todo = ada.edit(refs(1), TodoUpdate(every=None)).items[0]
    assert (todo.rrule, todo.again, todo.times, todo.repeat_on) == (None, None, None, None)
    assert ada.complete(refs(1)).followed == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"every": "week", "again": "3d"},
        {"every": "fortnightly-ish"},
        {"every": "week", "times": 0},
        {"times": 3},
        {"every": "week", "due_on": "2026-11-24", "ends_on": "2026-11-23"},
        {"every": "week", "is_someday": True},
    ],
)
def test_bad_repetition_is_refused(ada: Client, fields: dict[str, object]) -> None:
    with pytest.raises((ValueError, ValidationError), match=r"(?i)every|again|end|times|someday|repeat"):
        add(ada, **fields)
    assert open_ones(ada) == []


def test_several_todos_cannot_be_made_to_repeat_at_once(ada: Client) -> None:
    add(ada)
    add(ada)
    with pytest.raises(ValidationError, match="Only one todo"):
        ada.edit(refs(1, 2), TodoUpdate(every="week"))


def test_others_series_are_their_own(store: Store, ada: Client) -> None:
    with store.session() as session:
        bob = Client(session, Owner("bob"))
        add(bob, every="day")
        add(ada, every="day")
        assert followed(bob.complete(refs(1))) == [(2, 1, date(2026, 11, 24), 0)]
    assert [number for number, _ in open_ones(ada)] == [1]


@pytest.mark.usefixtures("monday")
def test_what_follows_any_number_of_todos_is_added_by_one_statement(ada: Client) -> None:
    for _ in range(5):
        add(ada, every="day")
    ada.complete(refs(1))
    compiled = len(COMPILED)
    ada.complete(refs(2))
    assert len(COMPILED) == compiled
    ada.complete(refs(3, 4))
    compiled = len(COMPILED)
    ada.complete(refs(5, 6))
    assert len(COMPILED) == compiled


def test_sixteen_completing_one_occurrence_at_once_add_one(database: Target) -> None:
    with open_store(database) as store, store.session() as session:
        Users(session).ensure("ada")
        add(Client(session, ADA), every="day")
    barrier = Barrier(16)

    def complete(_: int) -> int:
        with open_store(database, seconds=60) as store, store.session() as session:
            client = Client(session, ADA)
            client.get(refs(1))  # connected
            barrier.wait()
            return len(client.complete(refs(1)).changed)

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(complete, range(16))) == 1
    with open_store(database) as store, store.session() as session:
        assert open_ones(Client(session, ADA)) == [(2, date(2026, 11, 24))]
