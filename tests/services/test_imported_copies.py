"""Imports of todos that repeat and have subtasks, on both engines: they never add a copy twice."""

from __future__ import annotations

import pytest

from tests.services.test_imported_series import done, exported, imported, mine, monday, other, store, watered
from tests.services.test_imports import listed
from tests.support.client import key
from todocli.domain.references import parse_references
from todocli.schemas.todos import TodoCreate
from todocli.services.workspace import Workspace

__all__ = ("mine", "monday", "other", "store")

Line = tuple[str, str | None, bool]


def tree(workspace: Workspace) -> list[Line]:
    """Return each todo with its place in its series, its parent in the same words, and whether it is done, in order."""
    todos = listed(workspace)
    names = {todo.number: f"{todo.title} {todo.series_place or 1}" for todo in todos}
    lines = [(names[todo.number], names[todo.parent] if todo.parent else None, todo.is_completed) for todo in todos]
    return sorted(lines, key=str)


def add(workspace: Workspace, title: str, parent: int) -> None:
    workspace.add([TodoCreate(title=title, parent=parent)], key(None, "add"))


def exchanged(here: Workspace, there: Workspace, name: str = "json") -> int:
    """Let each import what the other has, and return how many todos that added."""
    added = imported(there, exported(here, name), name=name).added
    return added + imported(here, exported(there, name), name=name).added


FIRST = [("Bath 1", None, False), ("Grout 1", "Tiles 1", False), ("Tiles 1", "Bath 1", False)]
BOTH = [
    *(("Bath 1", None, True), ("Bath 2", None, False)),
    *(("Grout 1", "Tiles 1", False), ("Grout 2", "Tiles 2", False)),
    *(("Tiles 1", "Bath 1", False), ("Tiles 2", "Bath 2", False)),
]


@pytest.fixture
def bath(mine: Workspace) -> Workspace:
    """A user with a todo that repeats, its subtask, and one of that."""
    watered(mine, title="Bath")
    add(mine, "Tiles", 1)
    add(mine, "Grout", 2)
    return mine


@pytest.mark.parametrize("name", ["json", "csv", "todotxt"])
def test_copies_that_both_sides_added_are_one(bath: Workspace, other: Workspace, name: str) -> None:
    imported(other, exported(bath, name), name=name)
    assert tree(other) == FIRST
    done(bath, 1)
    done(other, 1)
    assert [exchanged(bath, other, name), exchanged(other, bath, name)] == [0, 0]
    assert (tree(bath), tree(other)) == (BOTH, BOTH)


def test_copies_of_one_side_come_once(bath: Workspace, other: Workspace) -> None:
    imported(other, exported(bath), update=True)
    done(bath, 1)
    assert imported(other, exported(bath), update=True).added == 3
    assert (tree(other), exchanged(other, bath)) == (BOTH, 0)


def test_copies_go_on_in_one_series(bath: Workspace, other: Workspace) -> None:
    imported(other, exported(bath))
    for workspace in (bath, other):
        done(workspace, 1)
        done(workspace, 4)
    assert (exchanged(bath, other), len(listed(bath)), len(listed(other))) == (0, 9, 9)


def test_subtask_that_was_added_there_is_one_here(bath: Workspace, other: Workspace) -> None:
    imported(other, exported(bath))
    add(other, "Paint", 1)
    assert (exchanged(bath, other), exchanged(bath, other)) == (1, 0)
    done(bath, 1)
    done(other, 1)
    assert exchanged(bath, other) == 0
    assert ("Paint 2", "Bath 2", False) in tree(bath)
    assert tree(bath) == tree(other)


def test_subtask_in_the_trash_stays_there(bath: Workspace, other: Workspace) -> None:
    imported(other, exported(bath))
    bath.todos.remove(parse_references(["3"]), key(None, "rm"))
    assert imported(bath, exported(other)).added == 0
    assert tree(bath) == [FIRST[0], FIRST[2]]


def test_subtasks_of_an_import_that_was_undone_come_back(bath: Workspace, other: Workspace) -> None:
    text = exported(bath)
    imported(other, text)
    other.undo(1, key(None, "undo"))
    outcome = imported(other, text)
    assert (outcome.added, outcome.returned, tree(other)) == (0, 3, FIRST)


def test_subtask_of_what_does_not_repeat_is_in_no_series(mine: Workspace, other: Workspace) -> None:
    mine.add([TodoCreate(title="Bath")], key(None, "add"))
    add(mine, "Tiles", 1)
    imported(other, exported(mine))
    assert [todo.series_id for todo in listed(other)] == [None, None]
