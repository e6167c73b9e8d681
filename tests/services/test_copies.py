"""Copies of everything that a user has, between all pairs of engines."""

from __future__ import annotations

import io
import json
import random
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any, TextIO

import pytest
import sqlalchemy as sa

from tests.support.client import key
from tests.support.console import Console
from todocli.database import sqlite_file
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.domain.history import Origin
from todocli.domain.records import LeftOut, Record
from todocli.domain.references import parse_references
from todocli.errors import Conflict, MissingUserContext, NotFound, TodoError, ValidationError
from todocli.formats import history
from todocli.formats.registry import to_read
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.copies import copying
from todocli.services.copies.outcome import Copied
from todocli.services.copies.snapshot import TABLES, Snapshot, columns
from todocli.services.history.log import LogQuery
from todocli.services.history.purge import TrashQuery
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.workspace import Workspace

PAIRS = (
    pytest.param("sqlite-postgres", marks=pytest.mark.postgres),
    *(
        pytest.param(pair, marks=(pytest.mark.slow, pytest.mark.postgres))
        for pair in ("postgres-sqlite", "postgres-postgres")
    ),
    pytest.param("sqlite-sqlite", marks=pytest.mark.slow),
)


class Place:
    """A user of a database, each of whose commands opens it."""

    def __init__(self, target: Target, name: str = "ada") -> None:
        self.target = target
        self.name = name

    @contextmanager
    def open(self) -> Iterator[Workspace]:
        owner, origin = Owner(self.name), Origin("api", "phone")
        with open_store(self.target) as store, Workspace(store, owner, register=True, origin=origin) as workspace:
            yield workspace

    def add(self, *titles: str) -> None:
        with self.open() as workspace:
            workspace.todos.add([TodoCreate(title=title, tags=["a"]) for title in titles], key(None, "add"))

    def edit(self, number: int, title: str) -> None:
        with self.open() as workspace:
            workspace.todos.edit(refs(number), TodoUpdate(title=title), key(None, "edit"))

    def repeat(self, number: int) -> None:
        """Make a todo repeat, and change this occurrence."""
        update = TodoUpdate(every="week", due_on=date(2099, 1, 5))
        with self.open() as workspace:
            workspace.todos.edit(refs(number), update, key(None, "edit"))
        update = TodoUpdate(title="ü 🙂", description="x", due_on=date(2099, 1, 6), remove_tags=["a"])
        with self.open() as workspace:
            workspace.todos.edit(refs(number), update, key(None, "edit"))

    def done(self, number: int) -> None:
        with self.open() as workspace:
            workspace.todos.complete(refs(number), key(None, "done"))

    def need(self, number: int, *others: int) -> None:
        with self.open() as workspace:
            workspace.todos.edit(refs(number), TodoUpdate(needs=list(others)), key(None, "edit"))

    def needs(self) -> dict[int, list[int]]:
        with self.open() as workspace:
            return {todo.number: todo.needs for todo in workspace.walk_todos(TodoQuery("all")) if todo.needs}

    def rm(self, number: int) -> None:
        with self.open() as workspace:
            workspace.todos.remove(refs(number), key(None, "rm"))

    def note(self, number: int, text: str) -> None:
        with self.open() as workspace:
            workspace.note(refs(number), text, key(None, "note"))

    def undo(self) -> None:
        with self.open() as workspace:
            workspace.undo(1, key(None, "undo"))

    def redo(self) -> None:
        with self.open() as workspace:
            workspace.redo(1, key(None, "redo"))

    def purge(self) -> None:
        with self.open() as workspace:
            workspace.purge(TrashQuery(), workspace.trash.preview(TrashQuery()), key(None, "purge"))

    def console(self, statement: str, **values: object) -> None:
        with closing(Console(self.target)) as console:
            console.run(statement, **values)

    def titles(self, state: Any = "all") -> list[tuple[int, str]]:
        with self.open() as workspace:
            return [(todo.number, todo.title) for todo in workspace.walk_todos(TodoQuery(state))]

    def log(self) -> list[str]:
        with self.open() as workspace:
            return [change.model_dump_json() for change in workspace.log.find(LogQuery()).items]

    def everything(self) -> dict[str, Any]:
        """Return all rows; changes in their order, without the numbers that each database gives to it."""
        with Snapshot() as snapshot, self.open() as workspace:
            workspace.read_snapshot(snapshot)
            rows = {name: [comparable(name, row) for row in snapshot.tables[name].rows()] for name in TABLES}
            rows = {name: found if name == "changes" else sorted(found) for name, found in rows.items()}
            return rows | {"last_number": snapshot.last_number}

    def counts(self) -> tuple[int, int, int]:
        """Return what the database counted: open, completed and removed todos."""
        with closing(Console(self.target)) as console:
            [row] = console.run(
                "SELECT open_count, completed_count, trash_count FROM users WHERE name = :name", name=self.name
            )
        return tuple(row)

    def real_counts(self) -> tuple[int, int, int]:
        return len(self.titles("open")), len(self.titles("completed")), len(self.titles("trash"))


def refs(number: int) -> Any:
    return parse_references([str(number)])


def comparable(table: str, row: tuple[Any, ...]) -> str:
    values = {column.name: value for column, value in zip(columns(table), row, strict=True) if column.name != "seq"}
    if table == "history":
        values |= {name: values[name] and json.loads(values[name]) for name in ("before", "after")}
    return json.dumps(values, default=str, sort_keys=True)


def copy(source: Place, target: Place, *, merge: bool = False, dry_run: bool = False) -> Copied:
    with Snapshot() as snapshot:
        with source.open() as workspace:
            workspace.read_snapshot(snapshot)
        with target.open() as workspace:
            copied: Copied = workspace.write_snapshot(snapshot, merge=merge, dry_run=dry_run)
            return copied


@pytest.fixture(params=PAIRS)
def places(request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path) -> tuple[Place, Place]:
    """Two databases; the tests run for each pair of engines."""
    found: list[Place] = []
    for fixture, engine in zip(("postgres_url", "other_postgres_url"), request.param.split("-"), strict=True):
        if engine == "sqlite":
            path = tmp_path / f"{fixture}.db"
            sqlite_file.create_file(path)
            found.append(Place(Path(shutil.copyfile(sqlite_template, path))))
        else:
            found.append(Place(request.getfixturevalue(fixture)))
    first, second = found
    return first, second


@pytest.fixture
def here(places: tuple[Place, Place]) -> Place:
    """A user with todos in every state, notes, an undone change, and a purged todo that another needs."""
    return settled(places[0])


def settled(place: Place) -> Place:
    """Return a place after its user has worked there."""
    place.add("one", "two", "three")
    place.done(2)
    place.note(1, "first")
    place.note(1, "taken back")
    place.undo()
    place.add("gone")
    place.need(1, 2, 4)
    place.rm(4)
    place.purge()
    place.rm(3)
    place.console("UPDATE todos SET priority = 'high' WHERE number = 1")
    return place


@pytest.fixture(scope="module")
def settled_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded database of such a place, to be read."""
    path = tmp_path_factory.mktemp("settled") / "todo.db"
    shutil.copyfile(sqlite_template, path)
    settled(Place(path))
    return path


@pytest.fixture
def there(places: tuple[Place, Place]) -> Place:
    """The other database. It has changes of another user, so that its sequence is not at its beginning."""
    Place(places[1].target, "bob").add("his")
    return places[1]


# The first copy


def test_what_a_series_has_is_copied_and_goes_on(here: Place, there: Place) -> None:
    here.repeat(1)
    copy(here, there)
    assert there.everything() == here.everything()
    here.edit(1, "again")
    copy(here, there)
    assert there.everything() == here.everything()
    there.undo()
    there.done(1)
    assert there.titles("open") == [(5, "one")]


def test_copy_has_everything_in_the_same_order(here: Place, there: Place) -> None:
    before = here.everything()
    copied = copy(here, there)
    assert (copied.added, copied.changes, copied.notes, copied.numbers) == (3, 11, 2, {})
    assert there.everything() == before == here.everything()
    assert there.log() == here.log()
    assert there.counts() == there.real_counts() == (1, 1, 1)


def test_later_changes_come_after_the_copied_ones(here: Place, there: Place) -> None:
    copy(here, there)
    there.edit(1, "ONE")
    there.undo()
    assert there.titles() == [(1, "one"), (2, "two")]
    there.add("five")
    assert there.titles()[-1] == (5, "five"), "the number of a purged todo is not used again"


def test_copied_changes_can_be_undone(here: Place, there: Place) -> None:
    copy(here, there)
    for _ in range(4):
        there.undo()
    assert (there.titles("trash"), there.needs()) == ([], {})
    with there.open() as workspace:
        [todo] = workspace.todos.with_notes(workspace.todos.get(refs(1)).items)
        assert (todo.priority, [note.text for note in todo.notes or ()]) == (None, [])


def test_other_users_of_both_databases_are_left_alone(here: Place, there: Place) -> None:
    Place(here.target, "eve").add("hers")
    copy(here, there)
    assert Place(there.target, "bob").titles() == [(1, "his")]
    assert Place(there.target, "eve").titles() == []


def test_same_todos_cannot_belong_to_two_users(here: Place, there: Place) -> None:
    copy(here, there)
    with pytest.raises(Conflict, match="Another user of that database has the same todos"):
        copy(here, Place(there.target, "eve"))


def test_dry_run_copies_nothing(here: Place, there: Place) -> None:
    assert copy(here, there, dry_run=True).added == 3
    assert (there.titles(), there.log()) == ([], [])


def test_user_with_other_todos_is_refused_unless_merged(here: Place, there: Place) -> None:
    there.add("mine", "and mine")
    before = there.everything()
    with pytest.raises(Conflict, match="other todos"):
        copy(here, there)
    assert there.everything() == before
    assert copy(here, there, merge=True).numbers == {1: 3, 2: 4, 3: 5}
    assert there.titles() == [(1, "mine"), (2, "and mine"), (3, "one"), (4, "two")]
    assert there.counts() == there.real_counts()
    with there.open() as workspace:
        logged = workspace.log.find(LogQuery(todo=3)).items
        assert {item.number for change in logged for item in change.items} == {3}
    there.undo()


def test_merged_todos_need_what_they_needed_under_its_new_number(here: Place, there: Place) -> None:
    here.add("five")
    here.need(2, 5)
    there.add("mine", "and mine")
    copy(here, there, merge=True)
    assert there.needs() == {3: [4], 4: [6]}, "the purged one has no number here"
    there.undo()
    assert there.needs() == {3: [4]}
    there.redo()
    assert there.needs() == {3: [4], 4: [6]}


def test_next_copy_after_a_merge_has_the_new_numbers_as_well(here: Place, there: Place) -> None:
    there.add("mine", "and mine")
    copy(here, there, merge=True)
    here.need(1)
    here.add("five")
    here.need(5, 1, 2)
    there.add("third of mine")
    copy(here, there, merge=True)
    assert there.needs() == {7: [3, 4]}
    there.undo()
    assert there.needs() == {}
    there.undo()
    there.undo()
    assert there.needs() == {3: [4]}


def test_copy_that_would_close_a_cycle_is_refused(here: Place, there: Place) -> None:
    here.need(1)
    copy(here, there)
    here.need(1, 2)
    there.need(2, 1)
    before = there.everything()
    with pytest.raises(ValidationError, match="would need"):
        copy(here, there)
    assert there.everything() == before


def test_row_that_does_not_arrive_as_it_was_fails_the_copy(
    here: Place, there: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = copying.Copy._insert_notes

    def lose_a_note(self: Any, notes: sa.Table, todos: sa.Table) -> None:
        self._execute(notes.update().values(text=notes.c.text + "!"))
        insert(self, notes, todos)
        self._execute(notes.update().values(text="other"))

    monkeypatch.setattr(copying.Copy, "_insert_notes", lose_a_note)
    with pytest.raises(TodoError, match="Of 2 rows of notes, 0 arrived"):
        copy(here, there)
    assert there.titles() == []


def test_source_without_the_user_is_reported(places: tuple[Place, Place]) -> None:
    with Snapshot() as snapshot, open_store(places[0].target) as store, pytest.raises(MissingUserContext):
        Workspace(store, Owner("nobody")).read_snapshot(snapshot)


# Through a file


Write = Callable[[Snapshot, TextIO], None]

FRAMINGS = pytest.mark.parametrize("write", [history.write, history.write_lines])


def exported(place: Place, write: Write = history.write) -> bytes:
    with Snapshot() as snapshot, place.open() as workspace:
        workspace.read_snapshot(snapshot)
        file = io.StringIO()
        write(snapshot, file)
        return file.getvalue().encode()


def restored(place: Place, document: bytes) -> Copied:
    with Snapshot() as snapshot:
        history.read(io.BytesIO(document), snapshot)
        with place.open() as workspace:
            copied: Copied = workspace.write_snapshot(snapshot, merge=False, dry_run=False)
            return copied


@FRAMINGS
def test_export_with_history_is_restored_exactly(here: Place, there: Place, write: Write) -> None:
    here.add("\u2028 \x1f ü 🙂")
    restored(there, exported(here, write))
    assert there.everything() == here.everything()
    assert there.log() == here.log()
    assert exported(there).split(b'"changes"')[0] == exported(here).split(b'"changes"')[0]
    there.undo()


@FRAMINGS
def test_what_a_series_has_is_restored(here: Place, there: Place, write: Write) -> None:
    here.repeat(1)
    restored(there, exported(here, write))
    assert there.everything() == here.everything()


@pytest.mark.parametrize("new", ['{"title": 5}', '{"number": "1"}', '{"tags": null}', '{"tags": [1]}', '["title"]'])
def test_series_with_what_no_todo_has_is_refused(sqlite_path: Path, new: str) -> None:
    place = Place(sqlite_path)
    place.add("one")
    place.repeat(1)
    document = exported(place).decode()
    damaged = re.sub(r'("series_values": )\{[^}]*\}', rf"\1{new}", document, count=1)
    with Snapshot() as snapshot, pytest.raises(ValidationError, match=r"Item 1 of todos is not valid"):
        history.read(io.BytesIO(damaged.encode()), snapshot)


def test_restore_refuses_a_user_with_other_todos(here: Place, there: Place) -> None:
    there.add("mine")
    with pytest.raises(Conflict, match="other todos"):
        restored(there, exported(here))
    assert there.titles() == [(1, "mine")]


@pytest.mark.parametrize(("write", "name"), [(history.write, "x.json"), (history.write_lines, "x.jsonl")])
def test_export_with_history_can_be_imported_like_any_other(here: Place, write: Write, name: str) -> None:
    document = exported(here, write)
    entries = list(to_read(None, Path(name), document).read(io.BytesIO(document)))
    found = {entry.title: [note.text for note in entry.notes] for entry in entries if isinstance(entry, Record)}
    assert found == {"one": ["first"], "two": []}
    assert [entry.kind for entry in entries if isinstance(entry, LeftOut)] == ["todos in the trash"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"title": "one"', b'"title": ""', r"Item \d of todos: The title must not be empty"),
        (b'"title": "one"', b'"titel": "one"', r"Item \d of todos title is missing"),
        (b'"number": 1,', b'"number": "1",', r"Item \d of todos is not valid: '1' is no int"),
        (b'"source": "api"', b'"source": null', "Item 1 of changes is not valid: source is null"),
        (b'"number": 1,', b'"number": 0,', "number is out of range"),
        (b'"number": 2,', b'"number": 1,', "the number 1 is there twice"),
        (b'"note_count": 1', b'"note_count": -1', "note_count is out of range"),
        (b'"needs": [2, 4]', b'"needs": [2, -4]', "needs is out of range"),
        (b'"needs": [2, 4]', b'"needs": [2, "4"]', "'4' is no int"),
        (b'"change_source": "api"', b'"change_source": "x"', "change_source must be one of cli, api, sql, mcp"),
        (b'"seq": 2,', b'"seq": 1,', "the seq 1 is there twice"),
        (b'"history": [\n{"change_id": "0', b'"history": [\n{"change_id": "f', "refers to the change f"),
        (b'"version": 1', b'"version": 2', "version 2 of the format"),
        (b'"last_number"', b'"last"', "no export with history"),
        (b"]}", b"", "ends too early"),
    ],
)
def test_damaged_export_is_refused_with_its_place(settled_file: Path, old: bytes, new: bytes, message: str) -> None:
    document = exported(Place(settled_file))
    assert old in document
    damaged = document.replace(old, new, 1) if old != b"]}" else document[:-3]
    with Snapshot() as snapshot, pytest.raises(ValidationError, match=message):
        history.read(io.BytesIO(damaged), snapshot)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"title": "one"', b'"title": ""', "Line [234]: The title must not be empty"),
        (b'"number": 1,', b'"number": "1",', "Line [234] is not valid: '1' is no int"),
        (b'"number": 2,', b'"number": 1,', "Line [234] is not valid: the number 1 is there twice"),
        (b'"table": "changes"', b'"table": "users"', "Line 5 is no row of changes, todos"),
        (b'{"table": "changes", "row": {', b'{"table": "changes", "raw": {', "Line 5 is not valid"),
        (b'\n{"table": "changes"', b'\n3\n{"table": "changes"', "Line 5 is no row of"),
        (b'"change_id": "0', b'"change_id": "f', "refers to the change f"),
        (b'{"table": "changes", "row": {', b"{" * 200, "nested more than 100 deep"),
        (b'"version": 1', b'"version": 2', "version 2 of the format"),
        (b'"last_number"', b'"last"', "no export with history"),
        (b'"rows"', b'"row"', "no export with history"),
    ],
)
def test_damaged_lines_are_refused_with_their_place(settled_file: Path, old: bytes, new: bytes, message: str) -> None:
    document = exported(Place(settled_file), history.write_lines)
    assert old in document
    with Snapshot() as snapshot, pytest.raises(ValidationError, match=message):
        history.read(io.BytesIO(document.replace(old, new, 1)), snapshot)


def test_lines_without_the_last_are_refused(settled_file: Path) -> None:
    lines = exported(Place(settled_file), history.write_lines).splitlines(keepends=True)
    rows = len(lines) - 1
    with Snapshot() as snapshot, pytest.raises(ValidationError, match=f"has {rows - 1} rows, and .* says {rows}"):
        history.read(io.BytesIO(b"".join(lines[:-1])), snapshot)


# The next copy


def test_second_copy_brings_what_changed_since(here: Place, there: Place) -> None:
    copy(here, there)
    assert copy(here, there) == Copied(unchanged=3)
    here.edit(1, "ONE")
    here.done(1)
    here.edit(2, "TWO")
    here.note(2, "second")
    here.add("five")
    here.undo()
    here.redo()
    here.purge()
    copied = copy(here, there)
    assert (copied.added, copied.updated, copied.deleted, copied.changes, copied.notes) == (1, 2, 1, 8, 1)
    assert there.everything() == here.everything()
    assert there.log() == here.log()
    assert there.counts() == there.real_counts()


def test_second_copy_hides_notes_taken_back_since(here: Place, there: Place) -> None:
    here.note(1, "second")
    copy(here, there)
    here.undo()
    copy(here, there)
    assert there.everything() == here.everything()


def test_todo_deleted_at_a_console_is_deleted_by_the_next_copy(here: Place, there: Place) -> None:
    copy(here, there)
    here.console("DELETE FROM todos WHERE number = 1")
    assert copy(here, there).deleted == 1
    assert there.log() == here.log()
    assert there.counts() == there.real_counts()


def test_second_copy_keeps_what_was_done_there(here: Place, there: Place) -> None:
    copy(here, there)
    there.edit(1, "theirs")
    there.add("five")
    here.edit(1, "ours")
    here.edit(2, "TWO")
    here.add("new", "newer")
    copied = copy(here, there)
    assert (copied.added, copied.updated, copied.kept, copied.numbers) == (2, 1, 1, {5: 6, 6: 7})
    assert there.titles() == [(1, "theirs"), (2, "TWO"), (5, "five"), (6, "new"), (7, "newer")]
    here.edit(5, "NEW")
    copy(here, there)
    assert there.titles()[3] == (6, "NEW")
    with there.open() as workspace:
        newest = workspace.log.find(LogQuery(limit=1)).items[0]
        assert [item.number for item in newest.items] == [6], "the log has the number that the todo has here"


def test_what_was_done_there_can_be_copied_back(here: Place, there: Place) -> None:
    copy(here, there)
    there.edit(1, "ONE")
    there.add("five")
    there.rm(2)
    copy(there, here)
    assert here.everything() == there.everything()


def test_todo_purged_here_but_edited_there_is_kept(here: Place, there: Place) -> None:
    copy(here, there)
    there.edit(1, "edited there")
    here.rm(1)
    here.purge()
    copied = copy(here, there)
    assert (copied.deleted, there.titles("open")) == (1, [(1, "edited there")]), "only number 3 is deleted"
    there.undo()
    assert there.titles("open") == [(1, "one")]


def test_log_leaves_out_changes_to_todos_that_were_kept(here: Place, there: Place) -> None:
    copy(here, there)
    there.edit(1, "theirs")
    here.edit(1, "ours")
    copied = copy(here, there)
    assert (copied.kept, copied.kept_numbers) == (1, (1,))
    assert "ours" not in "".join(there.log())
    assert copy(here, there) == Copied(unchanged=3)


def test_many_todos_purged_since_are_deleted_by_a_few_statements(here: Place, there: Place) -> None:
    here.add(*(f"todo {i}" for i in range(50)))
    copy(here, there)
    for number in range(5, 55):
        here.rm(number)
    here.purge()
    assert copy(here, there).deleted == 51
    assert there.everything() == here.everything()


def test_todo_purged_there_does_not_come_back(here: Place, there: Place) -> None:
    copy(here, there)
    there.purge()
    copy(here, there)
    assert there.titles("trash") == []


# At once


def test_copy_sees_one_moment_of_a_source_that_is_written_to(here: Place, there: Place) -> None:
    with Snapshot() as snapshot:
        with here.open() as workspace:

            def write_meanwhile(done: int) -> None:
                here.add("meanwhile")

            workspace.read_snapshot(snapshot, write_meanwhile)
        with there.open() as workspace:
            workspace.write_snapshot(snapshot, merge=False, dry_run=False)
    assert there.titles() == [(1, "one"), (2, "two")]
    assert copy(here, there).added == 1
    assert there.everything() == here.everything()


def test_two_copies_at_once_are_one(here: Place, there: Place) -> None:
    with ThreadPoolExecutor(2) as pool:
        copied = list(pool.map(lambda _: copy(here, there), range(2)))
    assert sorted(each.added for each in copied) == [0, 3]
    assert there.everything() == here.everything()


def test_copies_in_both_directions_at_once_end_alike(here: Place, there: Place) -> None:
    copy(here, there)
    here.edit(1, "ONE")
    there.edit(2, "TWO")
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pair: copy(*pair), [(here, there), (there, here)]))
    copy(here, there)
    copy(there, here)
    assert here.titles() == there.titles() == [(1, "ONE"), (2, "TWO")]


# At random


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 5))])
def test_copies_after_random_changes_are_equal(places: tuple[Place, Place], seed: int) -> None:
    chance = random.Random(seed)
    here, there = places
    here.add("first")
    for _ in range(3):
        for _ in range(chance.randrange(1, 12)):
            _change(here, chance)
        copy(here, there)
        assert there.everything() == here.everything()
        assert there.log() == here.log()
        assert there.counts() == there.real_counts() == here.counts()


def _change(place: Place, chance: random.Random) -> None:
    numbers = [number for number, _ in place.titles("all")] or [1]
    number = chance.choice(numbers)
    text = f"text {chance.random()}"
    verbs: list[Any] = [
        lambda: place.add(text, "more"),
        lambda: place.edit(number, text),
        lambda: place.done(number),
        lambda: place.rm(number),
        lambda: place.note(number, text),
        place.undo,
        place.undo,
        place.redo,
        place.purge,
        lambda: place.console("UPDATE todos SET title = :text WHERE number = :number", text=text, number=number),
        lambda: place.console("DELETE FROM todos WHERE number = :number", number=number),
    ]
    with suppress(NotFound, Conflict):  # it was undone, or is in the trash
        chance.choice(verbs)()
