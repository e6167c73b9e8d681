"""Edits of one occurrence, and of its series, on both engines."""

from __future__ import annotations

import uuid
from contextlib import closing
from datetime import date, time
from typing import Any

import pytest

from tests.support.client import ADA, Client, key, refs
from tests.support.console import Console
from tests.support.routine import add, at, get, open_ones, reverse
from todocli import clock
from todocli.database.store import Store
from todocli.database.target import Target
from todocli.domain.dates import Shift
from todocli.domain.filters.ast import EVERYTHING
from todocli.domain.history import COMMAND_LINE
from todocli.errors import Conflict, ValidationError
from todocli.schemas.todos import TodoRead, TodoUpdate
from todocli.services.edits import Edit, Edits
from todocli.services.history.undo import Undo
from todocli.services.queries import TodoQuery
from todocli.services.selection import Selection
from todocli.services.upcoming import occurrences

pytestmark = pytest.mark.usefixtures("monday")

COPIED = ("title", "description", "due_time", "priority", "project", "tags")
BEFORE: dict[str, Any] = {
    "title": "Water",
    "description": "All of them",
    "due_time": time(17),
    "priority": "low",
    "project": "home",
    "tags": ["a", "b"],
}
OTHER: dict[str, Any] = {
    "title": "Ferns",
    "description": None,
    "due_time": time(9, 30),
    "priority": "high",
    "project": None,
    "tags": [],
}
DUE = "2026-11-23"


def weekly(ada: Client, **fields: object) -> TodoRead:
    return add(ada, **{"every": "week", "due_on": DUE} | fields)


def edit(ada: Client, number: int, *, series: bool = False, **fields: Any) -> TodoRead:
    return ada.edit(refs(number), TodoUpdate(**fields), series=series).items[0]


def after(ada: Client, number: int) -> TodoRead:
    """Complete a todo, and return what follows."""
    return ada.complete(refs(number)).followed[0].todo


def fields_of(todo: TodoRead) -> dict[str, Any]:
    return {name: getattr(todo, name) for name in COPIED}


@pytest.mark.parametrize(("first", "second"), [(BEFORE, OTHER), (OTHER, BEFORE)])
def test_edit_changes_this_occurrence_only(ada: Client, first: dict[str, Any], second: dict[str, Any]) -> None:
    weekly(ada, **first)
    changed = edit(ada, 1, due_on=DUE, **second)
    assert fields_of(changed) == second
    later = after(ada, 1)
    assert fields_of(later) == first
    assert later.series_values is None
    assert fields_of(get(ada, 1)) == second


@pytest.mark.parametrize(("first", "second"), [(BEFORE, OTHER), (OTHER, BEFORE)])
def test_edit_of_the_series_changes_all_that_follow(ada: Client, first: dict[str, Any], second: dict[str, Any]) -> None:
    weekly(ada, **first)
    assert edit(ada, 1, series=True, due_on=DUE, **second).series_values is None
    assert fields_of(after(ada, 1)) == second


def test_series_keeps_the_first_value_of_what_is_edited_twice(ada: Client) -> None:
    weekly(ada, priority=None)
    edit(ada, 1, title="b")
    edit(ada, 1, title="c", priority="high")
    assert get(ada, 1).series_values == {"title": "Water", "priority": None}
    later = after(ada, 1)
    assert (later.title, later.priority) == ("Water", None)


def test_only_what_differs_is_kept(ada: Client) -> None:
    weekly(ada, tags=["a"], priority="low")
    edit(ada, 1, title="Water", tags=["a"], priority="high", project=None)
    assert get(ada, 1).series_values == {"priority": "low"}


@pytest.mark.parametrize("fields", [BEFORE, OTHER])
def test_what_is_edited_back_is_that_of_the_series_again(ada: Client, fields: dict[str, Any]) -> None:
    weekly(ada, **fields)
    edit(ada, 1, due_on=DUE, **(OTHER if fields is BEFORE else BEFORE))
    assert set(get(ada, 1).series_values or {}) == set(COPIED)
    edit(ada, 1, due_on=DUE, **fields)
    assert get(ada, 1).series_values is None


def test_tags_are_changed_for_one_or_for_all(ada: Client) -> None:
    weekly(ada, tags=["a"])
    edit(ada, 1, add_tags=["b"])
    assert get(ada, 1).series_values == {"tags": ["a"]}
    edit(ada, 1, remove_tags=["b"])
    assert get(ada, 1).series_values is None
    edit(ada, 1, series=True, add_tags=["c"], remove_tags=["a"])
    assert after(ada, 1).tags == ["c"]


def test_tags_of_this_one_are_not_given_to_the_series(ada: Client) -> None:
    weekly(ada, tags=["a"])
    edit(ada, 1, add_tags=["only"])
    assert edit(ada, 1, series=True, add_tags=["b"], remove_tags=["a"]).tags == ["b", "only"]
    assert get(ada, 1).series_values == {"tags": ["b"]}
    version = edit(ada, 1, series=True, add_tags=["b"], remove_tags=["a"]).version
    assert version == 3
    assert edit(ada, 1, series=True, add_tags=["only"]).series_values is None
    assert after(ada, 1).tags == ["b", "only"]


def test_tags_of_the_series_change_where_this_one_has_them_already(ada: Client) -> None:
    weekly(ada)
    edit(ada, 1, add_tags=["a"])
    changed = edit(ada, 1, series=True, add_tags=["a"])
    assert (changed.version, changed.tags, changed.series_values) == (3, ["a"], None)


def test_series_gets_what_this_one_has_already(ada: Client) -> None:
    weekly(ada)
    edit(ada, 1, title="b")
    assert edit(ada, 1, series=True, title="b").series_values is None
    assert after(ada, 1).title == "b"


def test_edit_of_the_series_leaves_other_fields_of_this_one(ada: Client) -> None:
    weekly(ada, priority="low")
    edit(ada, 1, priority="high")
    edit(ada, 1, series=True, title="b")
    later = after(ada, 1)
    assert (later.title, later.priority) == ("b", "low")


def test_todo_that_does_not_repeat_keeps_nothing(ada: Client) -> None:
    add(ada)
    for series in (False, True):
        assert edit(ada, 1, series=series, title=f"b {series}", due_on=DUE).series_values is None
    assert get(ada, 1).repeat_on is None


def test_todo_that_is_made_to_repeat_keeps_nothing(ada: Client) -> None:
    add(ada)
    edit(ada, 1, title="b", every="week", due_on=DUE)
    assert get(ada, 1).series_values is None
    assert after(ada, 1).title == "b"


def test_end_of_the_repetition_clears_what_the_series_has(store: Store, ada: Client) -> None:
    weekly(ada)
    edit(ada, 1, title="b")
    ended = edit(ada, 1, every=None, title="c")
    assert (ended.series_values, ended.title) == (None, "c")
    reverse(store, "undo")
    assert get(ada, 1).series_values == {"title": "Water"}


# Dates


def test_date_of_this_one_leaves_the_plan(ada: Client) -> None:
    weekly(ada, starts_on="2026-11-22", due_time="17:00")
    edit(ada, 1, due_on=date(2026, 11, 25))
    later = after(ada, 1)
    assert (later.due_on, later.due_time, later.starts_on) == (date(2026, 11, 30), time(17), date(2026, 11, 29))


def test_date_that_this_one_has_no_longer_comes_back(ada: Client) -> None:
    weekly(ada)
    edit(ada, 1, due_on=None, starts_on=date(2026, 11, 24))
    later = after(ada, 1)
    assert (later.due_on, later.starts_on) == (date(2026, 11, 30), None)


def test_date_of_the_series_is_what_the_next_follows_from(ada: Client) -> None:
    add(ada, every="3d", due_on=DUE, starts_on=DUE)
    edit(ada, 1, due_on=date(2026, 11, 24))
    edit(ada, 1, series=True, due_on=date(2026, 11, 25))
    assert (get(ada, 1).repeat_on, get(ada, 1).series_values) == (date(2026, 11, 25), None)
    later = after(ada, 1)
    assert (later.due_on, later.starts_on) == (date(2026, 11, 28), date(2026, 11, 26))


def test_date_of_the_series_is_moved(ada: Client) -> None:
    add(ada, every="3d", due_on=DUE)
    add(ada, due_on=DUE)
    ada.edit(refs(1, 2), TodoUpdate(), series=True, shifts={"due_on": Shift(days=1)})
    assert [(get(ada, n).due_on, get(ada, n).repeat_on) for n in (1, 2)] == [
        (date(2026, 11, 24), date(2026, 11, 24)),
        (date(2026, 11, 24), None),
    ]
    assert after(ada, 1).due_on == date(2026, 11, 27)


def test_start_of_the_series_plans_where_there_is_no_due_date(ada: Client) -> None:
    add(ada, every="3d", starts_on=DUE)
    weekly(ada)
    for number in (1, 2):
        edit(ada, number, series=True, starts_on=date(2026, 11, 22))
    assert [get(ada, number).repeat_on for number in (1, 2)] == [date(2026, 11, 22), date(2026, 11, 23)]
    assert after(ada, 1).starts_on == date(2026, 11, 25)
    assert after(ada, 2).starts_on == date(2026, 11, 29)


def test_date_that_comes_with_a_rule_is_that_of_the_series(ada: Client) -> None:
    weekly(ada)
    changed = edit(ada, 1, every="3d", due_on=date(2026, 11, 24), due_time=time(9), title="b")
    assert changed.series_values == {"title": "Water"}
    later = after(ada, 1)
    assert (later.due_on, later.due_time, later.title) == (date(2026, 11, 27), time(9), "Water")


def test_skipped_one_has_the_dates_of_the_series_again(store: Store, ada: Client) -> None:
    weekly(ada, starts_on="2026-11-22")
    edit(ada, 1, due_on=date(2026, 11, 25), title="b")
    store.atomically(lambda session: Edits(session, ADA, COMMAND_LINE).skip(refs(1), key(None, "skip")))
    skipped = get(ada, 1)
    assert (skipped.due_on, skipped.starts_on) == (date(2026, 11, 30), date(2026, 11, 29))
    assert skipped.series_values == {"title": "Water"}


def test_upcoming_dates_have_the_title_and_time_of_the_series(ada: Client) -> None:
    weekly(ada, due_time="17:00")
    edit(ada, 1, title="b", due_on=DUE, due_time=time(9))
    found = occurrences(ada.todos, EVERYTHING, date(2026, 11, 30), clock.here())
    assert [(each.title, each.at) for each in found] == [("b", time(9)), ("Water", time(17))]


# With what else happens


def test_removed_occurrence_is_followed_by_that_of_the_series(ada: Client) -> None:
    weekly(ada)
    edit(ada, 1, title="b")
    assert ada.remove(refs(1)).followed[0].todo.title == "Water"


def test_edit_of_the_series_that_completes_leaves_the_tags_of_this_one(ada: Client) -> None:
    weekly(ada, tags=["a"])
    edit(ada, 1, add_tags=["only"])
    ada.edit(refs(1), TodoUpdate(is_completed=True, add_tags=["b"], remove_tags=["a"]), series=True)
    assert [get(ada, number).tags for number in (1, 2)] == [["b", "only"], ["b"]]


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("series", [False, True])
def test_edit_that_completes_is_for_one_or_for_all(store: Store, ada: Client, *, bulk: bool, series: bool) -> None:
    weekly(ada, tags=["a"])
    edit(ada, 1, priority="high")
    update = TodoUpdate(is_completed=True, title="b", due_on=date(2026, 11, 24), add_tags=["c"])
    if bulk:
        edits = [Edit(1, update, series=series)]
        store.atomically(lambda session: Edits(session, ADA, COMMAND_LINE).apply(edits, key(None, "bulk")))
    else:
        ada.edit(refs(1), update, series=series)
    later = get(ada, 2)
    assert (later.title, later.tags) == (("b", ["a", "c"]) if series else ("Water", ["a"]))
    assert (later.priority, later.due_on) == (None, date(2026, 11, 30))


@pytest.mark.parametrize("name", ["due_on", "starts_on"])
def test_edit_of_the_series_that_completes_plans_from_its_date(ada: Client, name: str) -> None:
    add(ada, every="3d", **{name: DUE})
    changes: dict[str, Any] = {"is_completed": True, name: date(2026, 11, 24)}
    ada.edit(refs(1), TodoUpdate(**changes), series=True)
    assert getattr(get(ada, 2), name) == date(2026, 11, 27)


def test_repeating_and_plain_todos_are_edited_together(store: Store, ada: Client) -> None:
    weekly(ada)
    add(ada)
    edit(ada, 1, title="b")
    everything = Selection(TodoQuery(filter=EVERYTHING), unasked=True)
    ada.edit(everything, TodoUpdate(priority="high"))
    assert [get(ada, number).series_values for number in (1, 2)] == [{"title": "Water", "priority": None}, None]
    edits = [Edit(1, TodoUpdate(project="home")), Edit(2, TodoUpdate(project="home"), series=True)]
    store.atomically(lambda session: Edits(session, ADA, COMMAND_LINE).apply(edits, key(None, "bulk")))
    later = after(ada, 1)
    assert (later.title, later.priority, later.project) == ("Water", None, None)


def test_edits_that_differ_in_the_series_alone_are_not_merged(store: Store, ada: Client) -> None:
    for _ in range(2):
        weekly(ada)
    edits = [Edit(1, TodoUpdate(title="b")), Edit(2, TodoUpdate(title="b"), series=True)]
    store.atomically(lambda session: Edits(session, ADA, COMMAND_LINE).apply(edits, key(None, "bulk")))
    assert [after(ada, number).title for number in (1, 2)] == ["Water", "b"]


def test_retry_keeps_nothing_more(ada: Client) -> None:
    weekly(ada)
    change = uuid.uuid4()
    for _ in range(2):
        ada.edit(refs(1), TodoUpdate(title="b"), change=change)
    assert (get(ada, 1).version, get(ada, 1).series_values) == (2, {"title": "Water"})


def test_edit_at_another_version_keeps_nothing(ada: Client) -> None:
    first = weekly(ada)
    edit(ada, 1, priority="high")
    with pytest.raises(Conflict, match="changed in the meantime"):
        ada.edit(refs(1), TodoUpdate(title="b"), expected=first.change_id)
    assert get(ada, 1).series_values == {"priority": None}


# Undo


def test_undo_of_an_edit_takes_back_what_the_series_has(store: Store, ada: Client) -> None:
    weekly(ada)
    edit(ada, 1, title="b")
    reverse(store, "undo")
    assert (get(ada, 1).title, get(ada, 1).series_values) == ("Water", None)
    reverse(store, "redo")
    assert (get(ada, 1).title, get(ada, 1).series_values) == ("b", {"title": "Water"})


def test_undo_of_done_keeps_what_the_series_has(store: Store, ada: Client) -> None:
    weekly(ada)
    edit(ada, 1, title="b")
    ada.complete(refs(1))
    reverse(store, "undo")
    assert (get(ada, 1).title, get(ada, 1).series_values) == ("b", {"title": "Water"})
    edit(ada, 1, series=True, title="c")
    assert (after(ada, 1).number, get(ada, 2).title) == (2, "c")


def test_undo_of_one_edit_leaves_what_another_keeps(store: Store, ada: Client) -> None:
    weekly(ada)
    first, second = uuid.uuid4(), uuid.uuid4()
    ada.edit(refs(1), TodoUpdate(title="b"), change=first)
    ada.edit(refs(1), TodoUpdate(priority="high"), change=second)
    store.atomically(lambda session: Undo(session, ADA).reverse("undo", 1, key(None, "undo"), only=str(first)))
    assert (get(ada, 1).title, get(ada, 1).priority) == ("Water", "high")
    assert get(ada, 1).series_values == {"priority": None}


def test_undo_is_a_conflict_if_the_series_has_changed_since(store: Store, ada: Client) -> None:
    weekly(ada)
    change = uuid.uuid4()
    ada.edit(refs(1), TodoUpdate(title="b"), change=change)
    edit(ada, 1, series=True, title="b")
    with pytest.raises(Conflict, match="changed"):
        store.atomically(lambda session: Undo(session, ADA).reverse("undo", 1, key(None, "undo"), only=str(change)))
    assert (get(ada, 1).title, get(ada, 1).series_values) == ("b", None)


# At a console


def test_console_changes_what_is_copied(database: Target, ada: Client) -> None:
    weekly(ada)
    with closing(Console(database)) as console:
        console.run("UPDATE todos SET title = 'By hand'")
    assert after(ada, 1).title == "By hand"


def test_values_that_no_todo_can_have_are_refused(database: Target, ada: Client) -> None:
    weekly(ada)
    with closing(Console(database)) as console:
        console.run("""UPDATE todos SET series_values = '{"due_on": 5, "none": 1}'""")
    with pytest.raises(ValidationError, match="due_on"):
        ada.complete(refs(1))
    assert open_ones(ada) == [(1, date(2026, 11, 23))]


def test_next_one_after_missed_dates_is_that_of_the_series(ada: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    weekly(ada)
    edit(ada, 1, title="b")
    at(monkeypatch, date(2026, 12, 15))
    later = after(ada, 1)
    assert (later.title, later.due_on) == ("Water", date(2026, 12, 21))
