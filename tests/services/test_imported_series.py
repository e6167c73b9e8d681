"""Imports of todos that repeat, on both engines: they never add an occurrence twice."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

import pytest

from tests.services.test_imports import listed, run
from tests.support.client import key
from tests.support.formats import entries_of
from todocli import clock
from todocli.database.compiled import COMPILED
from todocli.database.store import Store
from todocli.database.target import Target
from todocli.domain.records import Record, RecordNote, Repeats
from todocli.domain.recurrence import Repetition
from todocli.domain.references import parse_references
from todocli.formats.registry import FIELDS, by_name
from todocli.schemas.todos import TodoCreate, TodoRead, TodoUpdate
from todocli.services.export_walks import walk_with_notes
from todocli.services.imports.importing import Outcome
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.workspace import Workspace

MONDAY = date(2026, 11, 23)
MONDAYS = Repetition("FREQ=WEEKLY;BYDAY=MO")
SERIES = UUID(int=7)
WATER = Record("line 1", "w", "Water", due_on=MONDAY, repeats=Repeats(MONDAYS))
"""A todo that repeats, of a program that has one for the whole series."""


@pytest.fixture(autouse=True)
def monday(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is Monday, 23 November 2026, at noon."""
    at(monkeypatch, MONDAY)


def at(monkeypatch: pytest.MonkeyPatch, day: date) -> None:
    noon = datetime.combine(day, time(12)).astimezone(UTC)
    monkeypatch.setattr(clock, "now", lambda: noon)
    for module in ("todos", "edits", "workspace"):
        monkeypatch.setattr(f"todocli.services.{module}.now", lambda: noon, raising=False)


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    with closing(Store(database, connections=3)) as store:
        yield store


@pytest.fixture
def mine(store: Store) -> Iterator[Workspace]:
    with Workspace(store, Owner("ada"), register=True) as workspace:
        yield workspace


@pytest.fixture
def other(store: Store) -> Iterator[Workspace]:
    """Another user, as whom the todos of a file are new."""
    with Workspace(store, Owner("bob"), register=True) as workspace:
        yield workspace


def done(workspace: Workspace, number: int) -> None:
    workspace.todos.complete(parse_references([str(number)]), key(None, "done"))


def exported(workspace: Workspace, name: str = "json") -> str:
    file = io.StringIO()
    by_name(name).write(walk_with_notes(workspace, TodoQuery("all")), file)
    return file.getvalue()


def imported(workspace: Workspace, text: str, *, update: bool = False, name: str = "json") -> Outcome:
    outcome, report = run(workspace, *entries_of(name, text), update=update, form=name, fields=None)
    assert (report.invalid, report.not_held) == (0, {})
    return outcome


def state(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Return what each todo has of its series, its dates, and whether it is done."""
    return [
        (todo.series_place, todo.due_on, todo.is_completed)
        for todo in sorted(listed(workspace), key=lambda t: t.number)
    ]


def days(*days: int) -> list[date]:
    return [date(2026, 11 if day > 15 else 12, day) for day in days]


def watered(workspace: Workspace, **more: Any) -> TodoRead:
    fields: dict[str, Any] = {"title": "Water", "every": "mon", "due_on": MONDAY} | more
    return workspace.add([TodoCreate(**fields)], key(None, "add")).items[0]


# Files of ours


def test_second_file_compiles_nothing(mine: Workspace, other: Workspace) -> None:
    watered(mine)
    imported(other, exported(mine))
    compiled = len(COMPILED)
    watered(mine, title="Feed")
    assert imported(other, exported(mine)).added == 1
    assert len(COMPILED) == compiled


def test_a_todo_that_repeats_is_imported_as_it_was(mine: Workspace, other: Workspace) -> None:
    first = watered(mine, times=5, ends_on=date(2027, 2, 1), due_time=time(9))
    watered(mine, every=None, again="3d", due_on=None, starts_on=MONDAY)
    done(mine, 1)
    mine.todos.edit(parse_references(["3"]), TodoUpdate(due_on=date(2026, 12, 2)), key(None, "edit"))
    text = exported(mine)
    assert imported(other, text).added == 3
    columns = (
        *("title", "due_on", "due_time", "starts_on", "every", "again", "rrule", "repeat_from", "repeat_on"),
        *("ends_on", "times", "series_place", "series_id", "is_completed"),
    )
    assert [[getattr(todo, name) for name in columns] for todo in listed(other)] == [
        [getattr(todo, name) for name in columns] for todo in listed(mine)
    ]
    assert {todo.series_id for todo in listed(other) if todo.every} == {first.id}
    assert imported(other, text, update=True) == Outcome(unchanged=3)
    assert imported(mine, text, update=True) == Outcome(unchanged=3)


def test_an_import_of_what_repeats_is_one_change(mine: Workspace, other: Workspace) -> None:
    watered(mine)
    done(mine, 1)
    imported(other, exported(mine))
    other.undo(1, key(None, "undo"))
    assert listed(other) == []
    other.redo(1, key(None, "redo"))
    assert state(other) == [(1, MONDAY, True), (2, *days(30), False)]


@pytest.mark.parametrize("update", [False, True])
def test_an_occurrence_that_both_sides_added_is_one_todo(mine: Workspace, other: Workspace, update: bool) -> None:
    watered(mine)
    before = exported(mine)
    imported(other, before)
    done(mine, 1)
    done(other, 1)
    after = exported(mine)
    assert imported(other, after, update=update).added == 0
    assert imported(other, before, update=update).added == 0
    assert [place for place, _, _ in state(other)] == [1, 2]
    assert imported(mine, before, update=update) == Outcome(unchanged=1)
    assert state(mine) == [(1, MONDAY, True), (2, *days(30), False)]


def test_an_update_ends_an_occurrence_and_adds_the_next_of_the_file(mine: Workspace, other: Workspace) -> None:
    watered(mine)
    imported(other, exported(mine))
    done(mine, 1)
    outcome = imported(other, exported(mine), update=True)
    assert (outcome.added, outcome.updated) == (1, 1)
    assert state(other) == [(1, MONDAY, True), (2, *days(30), False)]
    done(other, 2)
    assert [place for place, _, _ in state(other)] == [1, 2, 3]


def test_what_is_done_and_goes_on_is_not_opened_again(mine: Workspace, other: Workspace) -> None:
    watered(mine)
    imported(other, exported(mine))
    done(other, 1)
    mine.todos.edit(parse_references(["1"]), TodoUpdate(title="Water it"), key(None, "edit"))
    assert imported(other, exported(mine), update=True) == Outcome(updated=1)
    assert state(other) == [(1, MONDAY, True), (2, *days(30), False)]
    assert {todo.title for todo in listed(other)} == {"Water it", "Water"}


def test_calendar_that_went_on_changes_the_occurrence_that_is_open(mine: Workspace) -> None:
    watered(mine)
    text = exported(mine, "ics").replace("20261123", "20261207").replace("LAST-MODIFIED:2", "LAST-MODIFIED:3")
    done(mine, 1)
    assert imported(mine, text, update=True, name="ics") == Outcome(updated=1)
    assert state(mine) == [(1, MONDAY, True), (2, *days(7), False)]


def test_after_an_undo_the_same_occurrences_come_back(mine: Workspace, other: Workspace) -> None:
    watered(mine)
    mine.note(parse_references(["1"]), "twice", key(None, "note"))
    done(mine, 1)
    text = exported(mine)
    imported(other, text)
    other.undo(1, key(None, "undo"))
    assert imported(other, text) == Outcome(returned=2)
    assert state(other) == [(1, MONDAY, True), (2, *days(30), False)]
    assert [[note.text for note in todo.notes or ()] for todo in listed(other)] == [["twice"], []]
    assert imported(other, text) == Outcome(unchanged=2)
    other.undo(1, key(None, "undo"))
    assert listed(other) == []


def test_an_occurrence_that_was_removed_stays_in_the_trash(mine: Workspace, other: Workspace) -> None:
    watered(mine)
    imported(other, exported(mine))
    done(mine, 1)
    done(other, 1)
    other.todos.remove(parse_references(["2"]), key(None, "rm"), series=True)
    assert imported(other, exported(mine), update=True).added == 0
    assert state(other) == [(1, MONDAY, True)]


def test_two_todos_of_a_file_at_one_place_are_two_series(mine: Workspace) -> None:
    same = Repeats(MONDAYS, MONDAY, 2, SERIES)
    first = replace(WATER, repeats=same)
    run(mine, first, replace(first, place="line 2", source_id="x"), replace(first, place="line 3", source_id="y"))
    found = sorted(listed(mine), key=lambda todo: todo.number)
    assert [todo.series_place for todo in found] == [2, 2, 2]
    assert [todo.series_id for todo in found] == [SERIES, found[1].id, found[2].id]
    again = replace(first, place="line 4", source_id="z")
    outcome, _ = run(mine, first, replace(again, repeats=same))
    assert (outcome.added, outcome.unchanged) == (1, 1)


def test_todo_that_repeats_no_longer_keeps_its_series(mine: Workspace, other: Workspace) -> None:
    first = watered(mine)
    mine.todos.edit(parse_references(["1"]), TodoUpdate(every=None), key(None, "edit"))
    imported(other, exported(mine))
    assert [(todo.series_id, todo.series_place, todo.rrule) for todo in listed(other)] == [(first.id, 1, None)]


# Files of others


def test_what_stands_for_a_series_is_its_open_occurrence(mine: Workspace) -> None:
    run(mine, WATER)
    done(mine, 1)
    assert run(mine, WATER, update=True)[0] == Outcome(unchanged=1)
    moved = replace(WATER, due_on=date(2026, 12, 7))
    assert run(mine, moved)[0] == Outcome(changed=1)
    assert run(mine, moved, update=True)[0] == Outcome(updated=1)
    assert state(mine) == [(1, MONDAY, True), (2, *days(7), False)]


def test_a_series_begins_with_its_first_todo(mine: Workspace) -> None:
    run(mine, WATER)
    (todo,) = listed(mine)
    assert (todo.series_id, todo.series_place, todo.repeat_on, todo.every) == (todo.id, 1, MONDAY, "mon")


def test_plain_rule_takes_its_day_from_the_due_date(mine: Workspace) -> None:
    run(mine, replace(WATER, repeats=Repeats(Repetition("FREQ=MONTHLY"))))
    assert [todo.every for todo in listed(mine)] == ["month on 23"]


def test_todo_without_a_date_gets_the_first_of_its_rule_once(mine: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    undated = replace(WATER, due_on=None, repeats=Repeats(Repetition("FREQ=WEEKLY;BYDAY=TH")))
    run(mine, undated)
    assert [todo.due_on for todo in listed(mine)] == days(26)
    at(monkeypatch, date(2026, 11, 27))
    assert run(mine, undated, update=True)[0] == Outcome(unchanged=1)


@pytest.mark.parametrize(
    "record",
    [
        replace(WATER, repeats=Repeats(replace(MONDAYS, ends_on=date(2026, 11, 22)))),
        replace(WATER, due_on=None, is_someday=True),
        replace(WATER, due_on=None, is_completed=True),
    ],
    ids=["over", "someday", "done without a date"],
)
def test_repetition_without_a_date_is_not_held(mine: Workspace, record: Record) -> None:
    _, report = run(mine, record)
    assert report.not_held == {"repetition": 1}
    assert [todo.rrule for todo in listed(mine)] == [None]


def test_update_makes_a_todo_repeat_and_no_longer(mine: Workspace) -> None:
    run(mine, replace(WATER, repeats=None))
    assert run(mine, WATER, update=True)[0] == Outcome(updated=1)
    (todo,) = listed(mine)
    assert (todo.every, todo.series_id, todo.series_place) == ("mon", todo.id, 1)
    run(mine, replace(WATER, repeats=None), update=True)
    assert [todo.every for todo in listed(mine)] == [None]
    mine.undo(1, key(None, "undo"))
    assert [todo.every for todo in listed(mine)] == ["mon"]


def test_format_that_holds_some_rules_takes_none_away(mine: Workspace) -> None:
    run(mine, WATER)
    some = FIELDS - {"rrule"}
    run(mine, replace(WATER, title="Water it", repeats=None), update=True, fields=some)
    assert [(todo.title, todo.every) for todo in listed(mine)] == [("Water it", "mon")]
    run(mine, replace(WATER, repeats=Repeats(Repetition("FREQ=DAILY"))), update=True, fields=some)
    assert [(todo.title, todo.every) for todo in listed(mine)] == [("Water", "day")]


def test_child_of_another_program_is_the_occurrence_that_was_added_here(mine: Workspace) -> None:
    children = [
        replace(WATER, place=f"item {i}", source_id=f"child-{i}", due_on=day, repeats=Repeats(MONDAYS, None, i, SERIES))
        for i, day in enumerate((MONDAY, *days(30)), 1)
    ]
    run(mine, children[0])
    done(mine, 1)
    over = replace(children[0], is_completed=True)
    assert run(mine, over, children[1], update=True)[0] == Outcome(unchanged=2)
    assert state(mine) == [(1, MONDAY, True), (2, *days(30), False)]


def test_what_is_done_keeps_its_rule_where_a_file_has_none(mine: Workspace) -> None:
    run(mine, WATER)
    done(mine, 1)
    over = replace(WATER, title="Water it", is_completed=True, repeats=None)
    run(mine, over, update=True)
    first = next(todo for todo in listed(mine) if todo.number == 1)
    assert (first.title, first.every) == ("Water it", "mon")


def test_file_that_does_not_speak_of_repetition_leaves_it_alone(mine: Workspace) -> None:
    run(mine, WATER)
    plain = replace(WATER, title="Water it", repeats=None, notes=(RecordNote("daily"),))
    run(mine, plain, update=True, fields=frozenset(("due_on",)))
    assert [(todo.title, todo.every) for todo in listed(mine)] == [("Water it", "mon")]
