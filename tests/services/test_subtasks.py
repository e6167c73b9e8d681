"""Todos that are subtasks of others, on both engines."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from threading import Barrier

import pytest
import sqlalchemy as sa

from tests.support.client import ADA, Client, key, refs
from tests.support.console import Console
from tests.support.routine import MONDAY, get, reverse
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.filters.parser import parse_where
from todocli.domain.history import COMMAND_LINE
from todocli.errors import Conflict, NotFound, ValidationError
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.edits import Edit, Edits
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.resolve import Result
from todocli.services.selection import Preview, Selection
from todocli.services.users import Users

pytestmark = pytest.mark.usefixtures("monday")


def add(ada: Client, *parents: int | None, **fields: object) -> None:
    """Add a todo for each of `parents`, one after the other, so that each may be under those before it."""
    for parent in parents:
        ada.add([TodoCreate.model_validate({"title": "a", "parent": parent} | fields)])


def parents(ada: Client, *numbers: int) -> list[int | None]:
    return [get(ada, number).parent for number in numbers]


def progress(ada: Client, number: int) -> tuple[list[int], list[int]]:
    """Return the subtasks of a todo, and those that are open."""
    todo = get(ada, number)
    return todo.subtasks, todo.open_subtasks


def found(ada: Client, where: str) -> list[int]:
    condition = parse_where(where, today=MONDAY)
    return sorted(todo.number for todo in ada.find(TodoQuery("all", filter=condition)).items)


def states(ada: Client, *numbers: int) -> str:
    """Return the state of each todo, by its first letter: open, done or trash."""
    return "".join(get(ada, number).state[0] for number in numbers)


def with_children(ada: Client, *numbers: int, strict: bool = False) -> Result:
    return ada.todos.complete(refs(*numbers), key(None, "done"), with_children=True, strict=strict)


def test_parent_knows_its_subtasks_and_which_are_open(ada: Client) -> None:
    add(ada, None, 1, 1, 2)
    ada.complete(refs(3))
    assert progress(ada, 1) == ([2, 3], [2])
    assert progress(ada, 2) == ([4], [4])
    ada.remove(refs(2))
    assert progress(ada, 1) == ([3], [])
    listed = ada.find(TodoQuery()).items
    assert [(todo.number, todo.subtasks) for todo in listed] == [(1, [3])]


def test_new_subtask_has_none_itself(ada: Client) -> None:
    add(ada, None)
    [added] = ada.add([TodoCreate(title="b", parent=1)]).items
    assert (added.parent, added.subtasks, added.open_subtasks) == (1, [], [])


@pytest.mark.parametrize("number", [9, 3, 2])
def test_parent_that_is_not_there_is_refused(store: Store, ada: Client, number: int) -> None:
    with store.session() as session:
        add(Client(session, Owner("bob")), None, None, None)
    add(ada, None, None)
    ada.remove(refs(2))
    refused = f"no todo {number}|{number} is in the trash"
    with pytest.raises(NotFound, match=refused) as error:
        ada.add([TodoCreate(title="b", parent=number)])
    assert [fault.field for fault in error.value.field_errors] == ["parent"]
    with pytest.raises(NotFound, match=refused):
        ada.edit(refs(1), TodoUpdate(parent=number))
    with pytest.raises(NotFound, match=refused):
        edit_each(store, Edit(1, TodoUpdate(parent=number)))
    assert found(ada, "under:any") == []


def edit_each(store: Store, *edits: Edit) -> Result:
    return store.atomically(lambda session: Edits(session, ADA, COMMAND_LINE).apply(edits, key(None, "bulk")))


def test_todo_moves_with_its_subtasks(ada: Client) -> None:
    add(ada, None, 1, 2, None)
    ada.edit(refs(2), TodoUpdate(parent=4))
    assert (progress(ada, 1), progress(ada, 4), progress(ada, 2)) == (([], []), ([2], [2]), ([3], [3]))
    assert found(ada, "under:4") == [2, 3]
    ada.edit(refs(2), TodoUpdate(parent=None))
    assert (found(ada, "under:4"), found(ada, "under:2")) == ([], [3])


def test_filter_finds_every_level(store: Store, ada: Client) -> None:
    with store.session() as session:
        add(Client(session, Owner("bob")), None, 1, 1)
    add(ada, None, 1, 2, 3, 4, None)
    assert (found(ada, "under:1"), found(ada, "under:3")) == ([2, 3, 4, 5], [4, 5])
    assert (found(ada, "under:any"), found(ada, "under:none")) == ([2, 3, 4, 5], [1, 6])
    assert found(ada, "not under:2") == [1, 2, 6]


@pytest.mark.parametrize(("number", "parent"), [(1, 3), (1, 2), (2, 2)])
def test_todo_under_itself_is_refused(store: Store, ada: Client, number: int, parent: int) -> None:
    add(ada, None, 1, 2)
    with pytest.raises(ValidationError, match=f"{number} would be a subtask of itself: {number} under {parent}"):
        ada.edit(refs(number), TodoUpdate(parent=parent))
    with pytest.raises(ValidationError, match="would be a subtask of itself"):
        edit_each(store, Edit(number, TodoUpdate(parent=parent)))
    query = TodoQuery(filter=parse_where(f"number:{number}", today=MONDAY))
    with pytest.raises(ValidationError, match="would be a subtask of itself"):
        ada.edit(Selection(query, unasked=True), TodoUpdate(parent=parent))
    assert parents(ada, 1, 2, 3) == [None, 1, 2]


def test_edits_that_reverse_a_tree_are_no_cycle(store: Store, ada: Client) -> None:
    add(ada, None, 1, 2)
    edit_each(store, Edit(1, TodoUpdate(parent=2)), Edit(2, TodoUpdate(parent=3)), Edit(3, TodoUpdate(parent=None)))
    assert parents(ada, 1, 2, 3) == [2, 3, None]


def test_sixth_level_is_refused(store: Store, ada: Client) -> None:
    add(ada, None, 1, 2, 3, 4, None, 6)
    with pytest.raises(ValidationError, match="5 is on level 5 already; there are at most 5 levels"):
        ada.add([TodoCreate(title="b", parent=5)])
    with pytest.raises(ValidationError, match="7 would be on level 6; there are at most 5"):
        ada.edit(refs(6), TodoUpdate(parent=4))
    with pytest.raises(ValidationError, match="7 would be on level 6"):
        edit_each(store, Edit(6, TodoUpdate(parent=4)))
    ada.edit(refs(6), TodoUpdate(parent=3))
    assert parents(ada, 6, 7) == [3, 6]


def test_levels_below_what_is_in_the_trash_count(ada: Client) -> None:
    add(ada, None, 1, 2, 3, 4, None)
    ada.remove(refs(5))
    with pytest.raises(ValidationError, match="5 would be on level 6"):
        ada.edit(refs(1), TodoUpdate(parent=6))


def test_removal_takes_subtasks_along_and_restore_brings_them_back(ada: Client) -> None:
    add(ada, None, 1, 2, 1, None)
    ada.complete(refs(3))
    removed = ada.remove(refs(1))
    assert [todo.number for todo in removed.items] == [1]
    assert [todo.number for todo in removed.along] == [2, 3, 4]
    assert removed.changed == {1, 2, 3, 4}
    assert states(ada, 1, 2, 3, 4, 5) == "tttto"
    restored = ada.restore(refs(1))
    assert (restored.items[0].subtasks, restored.items[0].open_subtasks) == ([2, 4], [2, 4])
    assert states(ada, 1, 2, 3, 4, 5) == "oodoo"


def test_restore_leaves_what_had_been_removed_before(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    add(ada, None, 1, 1, 3)
    ada.remove(refs(3))
    later = datetime.combine(MONDAY, time(13)).astimezone(UTC)
    monkeypatch.setattr("todocli.services.todos.now", lambda: later)
    ada.remove(refs(1))
    ada.restore(refs(1))
    assert states(ada, 1, 2, 3, 4) == "oott"
    ada.restore(refs(4))
    assert states(ada, 3, 4) == "to"


def test_removal_of_a_subtask_leaves_its_parent(ada: Client) -> None:
    add(ada, None, 1, 2)
    ada.remove(refs(2))
    assert states(ada, 1, 2, 3) == "ott"


def test_subtask_that_is_restored_alone_stays_below_its_parent(ada: Client) -> None:
    add(ada, None, 1)
    ada.remove(refs(1))
    ada.restore(refs(2))
    assert (states(ada, 1, 2), parents(ada, 2)) == ("to", [1])
    ada.restore(refs(1))
    assert progress(ada, 1) == ([2], [2])


def test_selection_takes_subtasks_along_that_it_does_not_match(ada: Client) -> None:
    add(ada, None, tags=["x"])
    add(ada, 1, None)
    query = TodoQuery(filter=parse_where("+x", today=MONDAY))
    preview = ada.remove(Selection(query, dry_run=True))
    assert ([todo.number for todo in preview.items], preview.changed) == ([1, 2], frozenset())
    ada.remove(Selection(query, unasked=True))
    assert states(ada, 1, 2, 3) == "tto"


def test_preview_names_what_would_go_along(ada: Client) -> None:
    add(ada, None, 1)
    preview = ada.remove(Preview(refs(1)))
    assert ([todo.number for todo in preview.along], preview.changed) == ([2], frozenset())
    assert states(ada, 1, 2) == "oo"


def test_retried_removal_changes_nothing_more(ada: Client) -> None:
    add(ada, None, 1)
    change = uuid.uuid4()
    ada.remove(refs(1), change=change)
    ada.restore(refs(2))
    again = ada.remove(refs(1), change=change)
    assert (again.is_repeat, states(ada, 1, 2)) == (True, "to")


def test_expected_version_is_that_of_the_chosen_todo(ada: Client) -> None:
    add(ada, None, 1)
    with pytest.raises(Conflict):
        ada.remove(refs(1), expected=get(ada, 2).change_id)
    assert states(ada, 1, 2) == "oo"
    ada.remove(refs(1), expected=get(ada, 1).change_id)
    assert states(ada, 1, 2) == "tt"
    restored = ada.todos.restore(refs(1), key(None, "restore"), expected=get(ada, 1).change_id)
    assert (sorted(restored.changed), states(ada, 1, 2)) == ([1, 2], "oo")


def test_done_names_the_subtasks_that_stay_open(ada: Client) -> None:
    add(ada, None, 1, 1)
    ada.complete(refs(2))
    [done] = ada.complete(refs(1)).items
    assert (done.is_completed, done.open_subtasks) == (True, [3])
    assert states(ada, 1, 2, 3) == "ddo"


def test_strict_refuses_open_subtasks(ada: Client) -> None:
    add(ada, None, 1)
    with pytest.raises(Conflict, match="1 has the subtask 2, which is open; nothing was changed") as error:
        ada.todos.complete(refs(1), key(None, "done"), strict=True)
    assert [fault.field for fault in error.value.field_errors] == ["subtasks"]
    assert states(ada, 1, 2) == "oo"
    assert ada.todos.complete(refs(2, 1), key(None, "done"), strict=True).changed == {1, 2}


def test_with_children_completes_every_level(store: Store, ada: Client) -> None:
    add(ada, None, 1, 2, 1)
    ada.complete(refs(4))
    done = with_children(ada, 1, strict=True)
    assert (sorted(done.changed), [todo.number for todo in done.along]) == ([1, 2, 3], [2, 3])
    assert (done.items[0].subtasks, done.items[0].open_subtasks) == ([2, 4], [])
    reverse(store, "undo")
    assert states(ada, 1, 2, 3, 4) == "oood"
    assert ada.todos.complete(refs(4, 1), key(None, "done"), with_children=True).changed == {1, 2, 3}


def test_todos_that_change_together_know_of_each_other(ada: Client) -> None:
    add(ada, None, 1)
    assert [todo.open_subtasks for todo in ada.complete(refs(1, 2)).items] == [[], []]
    assert [todo.open_subtasks for todo in ada.reopen(refs(2, 1)).items] == [[], [2]]
    assert [todo.subtasks for todo in ada.remove(refs(1, 2)).items] == [[], []]
    assert [todo.subtasks for todo in ada.restore(refs(2, 1)).items] == [[], [2]]


def test_undo_and_redo_carry_parents(store: Store, ada: Client) -> None:
    add(ada, None, None)
    ada.edit(refs(2), TodoUpdate(parent=1))
    reverse(store, "undo")
    assert parents(ada, 2) == [None]
    reverse(store, "redo")
    assert parents(ada, 2) == [1]


def test_undo_that_would_put_a_todo_under_itself_is_refused(store: Store, ada: Client) -> None:
    add(ada, None, 1)
    apart = uuid.uuid4()
    ada.edit(refs(2), TodoUpdate(parent=None), change=apart)
    ada.edit(refs(1), TodoUpdate(parent=2))
    with pytest.raises(ValidationError, match="would be"):
        reverse(store, "undo", only=str(apart))
    assert parents(ada, 1, 2) == [2, None]


def test_next_occurrence_has_copies_of_the_subtasks(store: Store, ada: Client) -> None:
    add(ada, None, every="week", due_on="2026-11-23", title="Review")
    add(ada, 1, due_on="2026-11-22", tags=["mail"], title="Inbox")
    add(ada, 2, 1)
    ada.complete(refs(2))
    result = ada.complete(refs(1))
    assert [(each.todo.number, each.todo.subtasks) for each in result.followed] == [(5, [6, 7])]
    copy = get(ada, 6)
    assert (copy.title, copy.tags, copy.due_on, copy.is_completed) == ("Inbox", ["mail"], date(2026, 11, 29), False)
    assert parents(ada, 5, 6, 7, 8) == [None, 5, 5, 6]
    assert states(ada, 1, 2, 3, 4, 5, 6, 7, 8) == "ddoooooo"
    reverse(store, "undo")
    assert states(ada, 1, 2, 3, 4) == "odoo"
    assert found(ada, "number:5-8") == []


def test_completing_again_brings_the_copies_back(store: Store, ada: Client) -> None:
    add(ada, None, every="week", due_on="2026-11-23")
    add(ada, 1)
    ada.complete(refs(1))
    reverse(store, "undo")
    add(ada, 1)
    ada.complete(refs(1))
    assert states(ada, 3, 4) == "oo"
    first, second = get(ada, 3).subtasks
    assert first == 4
    [following] = ada.complete(refs(3)).followed
    series = [get(ada, number).series_id for number in (first, second)]
    assert [get(ada, number).series_id for number in following.todo.subtasks] == series
    assert not {first, second} & {*following.todo.subtasks}


def test_removal_of_an_occurrence_takes_its_subtasks_and_leaves_copies(ada: Client) -> None:
    add(ada, None, every="week", due_on="2026-11-23")
    add(ada, 1)
    result = ada.remove(refs(1))
    assert [each.todo.subtasks for each in result.followed] == [[4]]
    assert states(ada, 1, 2, 3, 4) == "ttoo"
    ada.remove(refs(3), series=True)
    assert (states(ada, 3, 4), found(ada, "number:5-9")) == ("tt", [])


def test_completion_with_children_leaves_copies(ada: Client) -> None:
    add(ada, None, every="week", due_on="2026-11-23")
    add(ada, 1, 2)
    with_children(ada, 1)
    assert (states(ada, 1, 2, 3, 4, 5, 6), parents(ada, 5, 6)) == ("dddooo", [4, 5])


def test_subtask_that_repeats_is_followed_below_the_next_parent(ada: Client) -> None:
    add(ada, None, every="week", due_on="2026-11-23")
    add(ada, 1, every="day", due_on="2026-11-23")
    add(ada, 2)
    ada.complete(refs(2))
    assert (parents(ada, 4, 5), progress(ada, 1)) == ([1, 4], ([2, 4], [4]))
    with_children(ada, 1)
    assert found(ada, "every:any and not done:any") == [6, 7]
    assert parents(ada, 6, 7) == [None, 6]


def test_subtask_that_repeats_stays_where_it_is_while_it_is_open(ada: Client) -> None:
    add(ada, None, every="week", due_on="2026-11-23")
    add(ada, 1, every="day", due_on="2026-11-23")
    ada.complete(refs(1))
    assert (states(ada, 1, 2, 3), parents(ada, 2), progress(ada, 3)) == ("doo", [1], ([], []))


def test_subtask_that_was_copied_may_repeat_by_itself(ada: Client) -> None:
    add(ada, None, every="week", due_on="2026-12-07")
    add(ada, 1)
    ada.complete(refs(1))
    for number in (2, 4):
        ada.edit(refs(number), TodoUpdate(every="day"))
        assert [each.after for each in ada.complete(refs(number)).followed] == [number]


def test_subtask_that_moves_to_another_routine_is_copied_there(ada: Client) -> None:
    add(ada, None, every="week", due_on="2026-11-23")
    add(ada, 1)
    ada.complete(refs(1))
    [following] = with_children(ada, 3).followed
    [copy] = following.todo.subtasks
    add(ada, None, every="month", due_on="2026-12-10")
    other = max(todo.number for todo in ada.find(TodoQuery()).items)
    ada.edit(refs(copy), TodoUpdate(parent=other))
    [following] = ada.complete(refs(other)).followed
    assert len(following.todo.subtasks) == 1


def test_routine_pauses_while_its_parent_is_in_the_trash(ada: Client) -> None:
    add(ada, None, 1, every=None)
    add(ada, 1, every="day", due_on="2026-11-23")
    assert ada.remove(refs(1)).followed == ()
    assert (states(ada, 1, 2, 3), found(ada, "every:any")) == ("ttt", [])
    ada.restore(refs(1))
    assert [each.after for each in ada.complete(refs(3)).followed] == [3]
    assert with_children(ada, 1).followed == ()
    assert found(ada, "every:any and done:none") == []


def test_what_is_removed_with_its_parent_is_not_brought_back_by_it(ada: Client) -> None:
    add(ada, None)
    add(ada, 1, every="week", due_on="2026-11-23")
    add(ada, 2)
    ada.complete(refs(2))
    with_children(ada, 4)
    ada.reopen(refs(2))
    ada.remove(refs(1))
    assert found(ada, "under:any or every:any") == []


def test_skip_moves_the_dates_of_subtasks_as_far(store: Store, ada: Client) -> None:
    add(ada, None, every="2w", due_on="2026-11-23")
    add(ada, 1, due_on="2026-11-22", starts_on="2026-11-20")
    add(ada, 2, 1)
    add(ada, 1, every="day", due_on="2026-11-23")
    ada.complete(refs(2))
    store.atomically(lambda session: Edits(session, ADA, COMMAND_LINE).skip(refs(1), key(None, "skip")))
    moved = [(get(ada, number).due_on, get(ada, number).starts_on) for number in (1, 2, 3, 5)]
    assert moved == [
        (date(2026, 12, 7), None),
        (date(2026, 12, 6), date(2026, 12, 4)),
        (None, None),
        (date(2026, 11, 23), None),
    ]
    reverse(store, "undo")
    assert (get(ada, 2).due_on, get(ada, 1).due_on) == (date(2026, 11, 22), date(2026, 11, 23))


def test_too_many_subtasks_to_repeat_are_refused(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todocli.services.repetition.MAX_COPIED", 2)
    add(ada, None, every="week", due_on="2026-11-23")
    add(ada, 1, 1)
    with pytest.raises(ValidationError, match="There are 2 subtasks that would repeat; at most 2 can"):
        ada.complete(refs(1))
    assert states(ada, 1, 2, 3) == "ooo"


def test_parent_that_was_purged_is_no_level(store: Store, ada: Client, database: Target) -> None:
    add(ada, None, 1, 2, 3, 4)
    console = Console(database)
    console.run("DELETE FROM todos WHERE number = 1")
    console.close()
    ada.add([TodoCreate(title="b", parent=5)])
    assert parents(ada, 2, 6) == [1, 5]


def test_level_that_only_the_database_sees_is_refused_in_words(
    postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if another session had moved the parent down after the statement began. Statements are kept for each user."""
    monkeypatch.setattr("todocli.services.subtask_sql.takes_new", lambda *_: sa.true())
    with open_store(postgres_url) as store, store.session() as session:
        Users(session).ensure("deep")
        client = Client(session, Owner("deep"))
        add(client, None, 1, 2, 3, 4)
        with pytest.raises(ValidationError, match="6 would be on level 6; there are at most 5 levels"):
            add(client, 5)


def test_two_halves_of_a_cycle_at_once_are_never_both_written(postgres_url: PostgresURL) -> None:
    with open_store(postgres_url) as store, store.session() as session:
        Users(session).ensure("ada")
        add(Client(session, ADA), None, None)
    for _ in range(8):
        barrier = Barrier(2)

        def place(one: int, other: int, barrier: Barrier = barrier) -> bool:
            with open_store(postgres_url) as store, store.session() as session:
                client = Client(session, ADA)
                client.get(refs(1))  # connected
                barrier.wait()
                try:
                    client.edit(refs(one), TodoUpdate(parent=other))
                except ValidationError:
                    return False
            return True

        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(place, (1, 2), (2, 1)))
        assert sorted(done) == [False, True]
        with open_store(postgres_url) as store, store.session() as session:
            Client(session, ADA).edit(refs(1, 2), TodoUpdate(parent=None))
