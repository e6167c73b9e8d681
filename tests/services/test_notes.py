"""Notes on todos, on both engines: added once, never overwritten, taken back and shown again by undo and redo."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.support.client import key
from tests.support.console import Console
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.filters.ast import Contains
from todocli.domain.references import parse_references
from todocli.errors import Conflict, NotFound
from todocli.schemas.texts import NOTE_LENGTH
from todocli.schemas.todos import TodoCreate
from todocli.services.history.log import LogQuery
from todocli.services.history.purge import TrashQuery
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.selection import Preview
from todocli.services.workspace import Workspace

FIRST = parse_references(["1"])
_LOG = LogQuery()


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    with open_store(database) as opened:
        yield opened


@pytest.fixture
def mine(store: Store) -> Iterator[Workspace]:
    with Workspace(store, Owner("ada"), register=True) as workspace:
        workspace.todos.add([TodoCreate(title="Pay rent"), TodoCreate(title="Buy milk")], key(None, "add"))
        yield workspace


def _note(workspace: Workspace, text: str, word: str = "1", change: uuid.UUID | None = None) -> Any:
    return workspace.note(parse_references([word]), text, key(change, "note", text=text))


def _texts(workspace: Workspace, word: str = "1") -> list[str]:
    [todo] = workspace.todos.with_notes(workspace.todos.get(parse_references([word])).items)
    assert todo.notes is not None
    assert len(todo.notes) == todo.note_count
    return [note.text for note in todo.notes]


def test_notes_are_kept_in_their_order(mine: Workspace) -> None:
    for text in ("called the bank", "answer by Friday", "x" * NOTE_LENGTH):
        result = _note(mine, text)
        assert result.changed == {1}
    assert _texts(mine) == ["called the bank", "answer by Friday", "x" * NOTE_LENGTH]
    assert _texts(mine, "2") == []
    assert [todo.note_count for todo in mine.todos.find(TodoQuery()).items] == [3, 0]
    assert mine.todos.get(FIRST).items[0].version == 4


def test_repeated_change_adds_one_note(mine: Workspace) -> None:
    change = uuid.uuid4()
    first, second = (_note(mine, "once", change=change) for _ in range(2))
    assert (first.is_repeat, second.is_repeat) == (False, True)
    assert _texts(mine) == ["once"]
    with pytest.raises(Conflict):
        _note(mine, "another", change=change)


def test_dry_run_adds_nothing(mine: Workspace) -> None:
    result = mine.note(Preview(FIRST), "x", key(None, "note"))
    assert [todo.number for todo in result.items] == [1]
    assert _texts(mine) == []


def test_note_on_what_is_not_there_is_refused(mine: Workspace) -> None:
    with pytest.raises(NotFound):
        _note(mine, "x", "9")
    mine.todos.remove(FIRST, key(None, "rm"))
    with pytest.raises(NotFound):
        _note(mine, "x")


def test_note_at_another_version_is_refused(mine: Workspace) -> None:
    with pytest.raises(Conflict):
        mine.note(FIRST, "x", key(None, "note"), expected=uuid.uuid4())
    assert _texts(mine) == []


def test_undo_hides_the_note_and_redo_shows_it(mine: Workspace) -> None:
    for text in ("a", "b"):
        _note(mine, text)
    mine.undo(1, key(None, "undo"))
    assert _texts(mine) == ["a"]
    mine.redo(1, key(None, "redo"))
    assert _texts(mine) == ["a", "b"]
    mine.undo(2, key(None, "undo"))
    assert _texts(mine) == []


def test_undo_of_an_earlier_note_leaves_later_ones(mine: Workspace) -> None:
    for text in ("a", "b", "c"):
        _note(mine, text)
    second = mine.log.find(_LOG).items[1].id
    mine.undo(1, key(None, "undo"), only=str(second))
    assert _texts(mine) == ["a", "c"]
    _note(mine, "d")
    assert _texts(mine) == ["a", "c", "d"]


def test_undo_of_other_changes_leaves_notes(mine: Workspace) -> None:
    mine.todos.complete(FIRST, key(None, "done"))
    _note(mine, "a")
    done = mine.log.find(_LOG).items[1].id
    mine.undo(1, key(None, "undo"), only=str(done))
    assert (_texts(mine), mine.todos.get(FIRST).items[0].is_completed) == (["a"], False)


def test_search_finds_notes_that_are_shown(mine: Workspace) -> None:
    def found(text: str) -> list[int]:
        return [todo.number for todo in mine.todos.find(TodoQuery(filter=Contains(text))).items]

    _note(mine, "called the BANK")
    assert (found("bank"), found("milk"), found("rent")) == ([1], [2], [1])
    mine.undo(1, key(None, "undo"))
    assert found("bank") == []


def test_purge_deletes_notes(mine: Workspace, database: Target) -> None:
    _note(mine, "a secret")
    mine.todos.remove(FIRST, key(None, "rm"))
    trash = TrashQuery(None, None)
    mine.purge(trash, mine.trash.preview(trash), key(None, "purge"))
    with closing(Console(database)) as console:
        assert console.value("SELECT count(*) FROM notes") == 0


def test_todo_that_was_deleted_comes_back_without_notes(mine: Workspace, database: Target) -> None:
    _note(mine, "a")
    mine.release()
    with closing(Console(database)) as console:
        console.run("DELETE FROM todos WHERE number = 1")
    mine.undo(1, key(None, "undo"))
    assert _texts(mine) == []


def test_count_never_falls_below_nothing(mine: Workspace, database: Target) -> None:
    _note(mine, "a")
    noted = mine.log.find(_LOG).items[0].id
    mine.release()
    with closing(Console(database)) as console:
        console.run("DELETE FROM todos WHERE number = 1")
    mine.undo(1, key(None, "undo"))
    mine.undo(1, key(None, "undo"), only=str(noted), force=True)
    assert _texts(mine) == []


def test_history_has_no_text(mine: Workspace, database: Target) -> None:
    """It grows by the note: a row of its own has the text."""
    _note(mine, "called the bank")
    with closing(Console(database)) as console:
        rows = console.history(mine.owner.id or uuid.uuid4())
    assert rows[-1].before is not None
    assert rows[-1].after == rows[-1].before | {"note_count": 1}


def test_notes_of_others_are_not_read(mine: Workspace, store: Store) -> None:
    _note(mine, "mine")
    stolen = mine.todos.get(FIRST).items
    mine.release()
    with Workspace(store, Owner("eve"), register=True) as hers:
        hers.todos.add([TodoCreate(title="Hers")], key(None, "add"))
        assert hers.todos.with_notes(stolen)[0].notes == []
