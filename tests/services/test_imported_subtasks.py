"""Imports of subtasks, on both engines: their parents become numbers, as far as that makes a tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from random import Random

import pytest
from sqlmodel import Session

from tests.services.test_imports import listed, records, run
from tests.support.client import key
from tests.support.console import Console
from tests.support.scale import collect_no_statistics, cost
from todocli.clock import now
from todocli.database.store import Store
from todocli.database.target import Target
from todocli.domain.fields import MAX_LEVELS
from todocli.domain.records import Record
from todocli.domain.references import parse_references
from todocli.errors import ValidationError
from todocli.formats.registry import FIELDS
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.history.log import LogQuery
from todocli.services.imports.adapter import Adaptation, Adapter
from todocli.services.imports.importing import Import
from todocli.services.imports.spool import Spool
from todocli.services.owner import Owner
from todocli.services.workspace import Workspace

MISSING = "parents that are not in the file, or in the trash"
UNDER_ITSELF = "parents by which a todo would be under itself"
TOO_DEEP = "parents by which a todo would be below level 5"
EARLIER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def mine(database: Target) -> Iterator[Workspace]:
    with (
        closing(Store(database, connections=1)) as store,
        Workspace(store, Owner("ada"), register=True) as workspace,
    ):
        yield workspace


def tree(words: str) -> list[Record]:
    """Return a record for each word, such as `a` or `b<a`: `b`, a subtask of `a`."""
    pairs = (word.partition("<") for word in words.split())
    return [Record(name, name, name, parent=parent or None) for name, _, parent in pairs]


def parents(workspace: Workspace) -> str:
    """Return the todos of a user in the words of `tree`."""
    todos = listed(workspace)
    names = {todo.number: todo.title for todo in todos}
    return " ".join(f"{todo.title}<{names[todo.parent]}" if todo.parent else todo.title for todo in todos)


def move(workspace: Workspace, number: int, parent: int | None) -> None:
    fields = TodoUpdate.model_validate({"parent": parent})
    workspace.todos.edit(parse_references([str(number)]), fields, key(None, "edit"))


def test_parents_of_a_file_become_numbers_whatever_its_order(mine: Workspace) -> None:
    run(mine, *records("x"))
    outcome, report = run(mine, *tree("c<b b<a a d<a"))
    assert (parents(mine), outcome.left_out, report.not_held) == ("x c<b b<a a d<a", {}, {})
    assert [(todo.title, todo.subtasks) for todo in listed(mine) if todo.subtasks] == [("b", [2]), ("a", [3, 5])]
    logged = mine.log.find(LogQuery(limit=1)).items[0]
    assert [item.changes["parent"].after for item in logged.items if "parent" in item.changes] == [3, 4, 4]
    mine.undo(1, key(None, "undo"))
    assert parents(mine) == "x"
    mine.redo(1, key(None, "redo"))
    assert parents(mine) == "x c<b b<a a d<a"


def test_file_imported_again_changes_no_parent(mine: Workspace) -> None:
    run(mine, *tree("b<a a c"))
    move(mine, 3, 1)
    move(mine, 1, None)
    outcome, _ = run(mine, *tree("b<a a c"), update=True)
    assert (outcome.unchanged, parents(mine)) == (3, "b a c<b")


def test_parents_may_be_todos_of_an_earlier_file_and_of_our_own_by_their_ids(mine: Workspace) -> None:
    run(mine, *tree("a b<a"))
    mine.todos.add([TodoCreate(title="own")], key(None, "add"))
    own = listed(mine)[-1]
    outcome, _ = run(mine, *tree(f"c<b d<{own.id} e<3"))
    assert (parents(mine), outcome.left_out) == ("a b<a own c<b d<own e", {MISSING: 1})


def test_number_is_a_parent_outside_of_the_file_if_it_is_the_parent_here(mine: Workspace) -> None:
    mine.todos.add([TodoCreate(title="a"), TodoCreate(title="b")], key(None, "add"))
    move(mine, 2, 1)
    [_, b] = listed(mine)
    run(mine, Record("b", str(b.id), "B", parent="1", reference="2"), update=True)
    assert parents(mine) == "a B<a"


def test_parent_in_the_trash_takes_no_new_subtask_and_keeps_those_it_has(mine: Workspace) -> None:
    run(mine, *tree("a b<a"))
    mine.todos.remove(parse_references(["1"]), key(None, "rm"))
    mine.todos.restore(parse_references(["2"]), key(None, "restore"))
    outcome, _ = run(mine, *(replace(each, description="x") for each in tree("a b<a c<a")), update=True)
    assert outcome.left_out == {MISSING: 1}
    assert [(todo.title, todo.parent) for todo in listed(mine)] == [("b", 1), ("c", None)]


def test_what_would_be_under_itself_loses_its_parent(mine: Workspace) -> None:
    outcome, _ = run(mine, *tree("a<b b<c c<a d<a e<e f<e"), dry_run=True)
    assert outcome.left_out == {UNDER_ITSELF: 4}
    outcome, _ = run(mine, *tree("a<b b<c c<a d<a e<e f<e"))
    assert (outcome.left_out, parents(mine)) == ({UNDER_ITSELF: 4}, "a b c d<a e f<e")


def test_what_would_be_on_a_sixth_level_loses_its_parent(mine: Workspace) -> None:
    outcome, _ = run(mine, *tree("g<f f<e e<d d<c c<b b<a a"))
    assert (outcome.left_out, parents(mine)) == ({TOO_DEEP: 1}, "g<f f e<d d<c c<b b<a a")


def test_todo_that_would_take_its_subtasks_too_far_down_stays_above(mine: Workspace) -> None:
    run(mine, *tree("a b<a c<b d e"))
    mine.todos.add([TodoCreate(title="own")], key(None, "add"))
    move(mine, 6, 5)
    outcome, _ = run(mine, *tree("a b<a c<b d<c e<d"), update=True)
    assert (outcome.left_out, parents(mine)) == ({TOO_DEEP: 1}, "a b<a c<b d<c e own<e")


def test_new_todo_below_level_five_of_what_is_here_loses_its_parent(mine: Workspace) -> None:
    run(mine, *tree("a b<a c<b d<c e<d"))
    outcome, _ = run(mine, *tree("f<e g<f h<d"))
    assert (outcome.left_out, parents(mine)) == ({TOO_DEEP: 1}, "a b<a c<b d<c e<d f g<f h<d")


def test_update_takes_over_parents_and_closes_no_cycle(mine: Workspace) -> None:
    run(mine, *tree("a b<a c"))
    assert run(mine, *tree("a b<a c<a"))[0].changed == 1
    assert parents(mine) == "a b<a c"
    outcome, _ = run(mine, *tree("a<b b c<a"), update=True)
    assert (outcome.updated, outcome.left_out, parents(mine)) == (3, {}, "a<b b c<a")
    outcome, _ = run(mine, *tree("a b<c"), update=True)
    assert (outcome.left_out, parents(mine)) == ({}, "a b<c c<a")
    outcome, _ = run(mine, *tree("a<b"), update=True)
    assert (outcome.left_out, parents(mine)) == ({UNDER_ITSELF: 1}, "a b<c c<a")


def test_update_that_does_not_go_with_what_is_kept_is_refused(mine: Workspace) -> None:
    run(mine, *tree("a b"))
    move(mine, 2, 1)
    with pytest.raises(ValidationError, match="would be a subtask of itself"):
        run(mine, *(replace(each, modified_at=EARLIER) for each in tree("a<b b<x")), update=True)
    assert parents(mine) == "a b<a"


def test_file_without_parents_leaves_them_alone(mine: Workspace) -> None:
    run(mine, *tree("a b<a"))
    run(mine, *(replace(each, description="x") for each in tree("a b")), update=True, fields=FIELDS - {"parent"})
    assert [(todo.title, todo.parent, todo.description) for todo in listed(mine)] == [("a", None, "x"), ("b", 1, "x")]


@pytest.mark.parametrize("seed", range(4))
def test_any_file_makes_a_tree_and_again_changes_nothing(mine: Workspace, seed: int) -> None:
    chance = Random(seed)
    names = [chr(ord("a") + place) for place in range(chance.randint(1, 15))]

    def file() -> list[Record]:
        return tree(" ".join(name + chance.choice(["", f"<{chance.choice(names)}"]) for name in names))

    for entries in (file(), file()):
        outcome, _ = run(mine, *entries, update=True)
        todos = {todo.number: todo for todo in listed(mine)}
        found = {todo.title: todos[todo.parent].title if todo.parent else None for todo in todos.values()}
        wanted = {each.title: each.parent for each in entries}
        lost = [name for name in names if wanted[name] and found[name] is None]
        assert [name for name in names if found[name] != wanted[name]] == lost
        assert sum(outcome.left_out.values()) == len(lost)
        for todo in todos.values():
            levels = 1
            while todo.parent:
                todo, levels = todos[todo.parent], levels + 1
                assert levels <= MAX_LEVELS
        assert run(mine, *entries, update=True)[0].unchanged == len(names)


def test_chain_of_a_thousand_is_cut_every_five_levels(mine: Workspace) -> None:
    outcome, _ = run(mine, *(Record(f"{i}", f"{i:04}", f"{i}", parent=f"{i + 1:04}") for i in range(1_000)))
    assert outcome.left_out == {MISSING: 1, TOO_DEEP: 199}
    assert sum(todo.parent is None for todo in listed(mine)) == 200


def test_cost_of_a_file_of_subtasks_follows_its_size(database: Target) -> None:
    """Four times as many, all of them known, cost four times as much: nothing compares each with all others."""
    with closing(Console(database)) as console:
        collect_no_statistics(console)
    spent = []
    with closing(Store(database, connections=1)) as store, Workspace(store, Owner("ada"), register=True) as workspace:
        for count in (400, 1_600):
            names = [f"{count}-{i}" for i in range(count)]
            parent = {name: names[i - 1] if i % 2 else None for i, name in enumerate(names)}
            entries = [Record(name, name, name, parent=parent[name]) for name in names]
            run(workspace, *entries)
            workspace.release()
            with Spool() as spool:
                for todo in Adapter(Adaptation()).adapt(entries):
                    spool.append(tuple(todo))

                def work(session: Session, todos: Spool = spool) -> None:
                    done = Import(session, Owner("ada"), "todotxt", FIELDS)
                    done.run(todos, key(None, "import"), now(), update=True, dry_run=True)

                spent.append(cost(store, work))
    assert spent[1] < 5 * spent[0], spent
