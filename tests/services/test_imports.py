"""Imports, on both engines: what becomes of the records of a file, whatever format it had."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from tests.support.client import key
from tests.support.console import Console
from tests.support.scale import collect_no_statistics, cost
from todocli.clock import now
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.domain.records import Entry, Fault, LeftOut, Record, RecordNote
from todocli.domain.references import parse_references
from todocli.errors import Conflict, ValidationError
from todocli.formats.registry import FIELDS
from todocli.schemas.todos import TodoCreate, TodoRead, TodoUpdate
from todocli.services import staging
from todocli.services.export_walks import walk_with_notes
from todocli.services.history.log import LogQuery
from todocli.services.imports.adapter import Adaptation, Adapter, Report
from todocli.services.imports.importing import Import, Outcome
from todocli.services.imports.spool import BATCH, Spool
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.workspace import Workspace

AT = datetime(2024, 2, 3, 10, 30, tzinfo=UTC)

WHOLE = Record(
    "line 1",
    "a1",
    "Pay rent",
    "by bank transfer",
    is_completed=True,
    completed_at=AT + timedelta(days=1),
    created_at=AT,
    due_on=date(2024, 2, 5),
    due_time=time(17, 30),
    starts_on=date(2024, 2, 1),
    priority="high",
    project=("Home", "Flat 2"),
    tags=("bills", "@bank"),
    notes=(RecordNote("called", AT), RecordNote("no answer")),
)


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    with open_store(database) as opened:
        yield opened


@pytest.fixture
def mine(store: Store) -> Iterator[Workspace]:
    with Workspace(store, Owner("ada"), register=True) as workspace:
        yield workspace


def run(
    workspace: Workspace,
    *entries: Entry,
    rules: Adaptation = Adaptation(),  # noqa: B008 - frozen
    update: bool = False,
    dry_run: bool = False,
    change: uuid.UUID | None = None,
    form: str = "todotxt",
    fields: frozenset[str] | None = FIELDS,
) -> tuple[Outcome, Report]:
    adapter = Adapter(rules)
    with Spool() as spool:
        for todo in adapter.adapt(entries):
            spool.append(tuple(todo))
        request = key(change, "import", ids=[getattr(entry, "source_id", None) for entry in entries])
        spoken = adapter.fields(FIELDS) if fields is None else fields
        outcome = workspace.import_todos(spool, form, spoken, request, update=update, dry_run=dry_run)
    return outcome, adapter.report


def listed(workspace: Workspace, state: Any = "all") -> list[TodoRead]:
    return list(walk_with_notes(workspace, TodoQuery(state)))


def records(*titles: str) -> list[Record]:
    return [Record(f"line {i}", f"id-{title}", title) for i, title in enumerate(titles, 1)]


def numbered(*titles: str, first: int = 1) -> list[tuple[int, str]]:
    return list(enumerate(titles, first))


# What waits for what


def needing(**needs: str) -> list[Record]:
    """Return a record for each name, which needs those in its words."""
    return [Record(name, name, name, needs=tuple(words.split())) for name, words in needs.items()]


def needs_of(workspace: Workspace) -> dict[str, list[int]]:
    return {todo.title: todo.needs for todo in listed(workspace)}


def test_needs_of_a_file_become_numbers_whatever_its_order(mine: Workspace) -> None:
    run(mine, *records("x"))
    outcome, report = run(mine, *needing(a="b c", b="", c="b"))
    assert needs_of(mine) == {"x": [], "a": [3, 4], "b": [], "c": [3]}
    assert (outcome.left_out, report.not_held) == ({}, {})
    logged = mine.log.find(LogQuery(limit=1)).items[0]
    assert [item.changes["needs"].after for item in logged.items if "needs" in item.changes] == [[3, 4], [3]]
    mine.undo(1, key(None, "undo"))
    mine.redo(1, key(None, "redo"))
    assert needs_of(mine) == {"x": [], "a": [3, 4], "b": [], "c": [3]}


def test_needs_refer_to_todos_of_an_earlier_file(mine: Workspace) -> None:
    run(mine, *needing(a="", b="a"))
    run(mine, *needing(c="a gone b", d="gone"))
    assert needs_of(mine) == {"a": [], "b": [1], "c": [1, 2], "d": []}


def test_what_is_in_no_file_is_left_out_and_counted(mine: Workspace) -> None:
    outcome, _ = run(mine, *needing(a="b gone", b="gone gone"), dry_run=True)
    assert outcome.left_out == {"needs of todos that are not in the file": 2}
    outcome, _ = run(mine, *needing(a="b gone", b="gone gone"))
    assert outcome.left_out == {"needs of todos that are not in the file": 2}
    assert needs_of(mine) == {"a": [2], "b": []}


def test_cycles_of_a_file_are_left_out_and_counted(mine: Workspace) -> None:
    outcome, _ = run(mine, *needing(a="b", b="c x", c="a", d="d", e="a d", x=""))
    assert outcome.left_out == {"needs by which a todo would wait for itself": 4}
    assert needs_of(mine) == {"a": [], "b": [6], "c": [], "d": [], "e": [1, 4], "x": []}


def test_update_takes_over_needs_and_closes_no_cycle(mine: Workspace) -> None:
    run(mine, *needing(a="", b="a"))
    assert run(mine, *needing(a="", b="a"))[0].unchanged == 2
    assert run(mine, *needing(a="b", b="a"))[0].changed == 1
    assert needs_of(mine) == {"a": [], "b": [1]}
    outcome, _ = run(mine, *needing(a="b", b=""), update=True)
    assert (outcome.updated, needs_of(mine)) == (2, {"a": [2], "b": []})


def test_update_that_would_close_a_cycle_with_what_is_kept_is_refused(mine: Workspace) -> None:
    run(mine, *needing(a="", b=""))
    mine.todos.edit(parse_references(["2"]), TodoUpdate(needs=[1]), key(None, "edit"))
    old = datetime(2020, 1, 1, tzinfo=UTC)
    with pytest.raises(ValidationError, match="1 would need 2, which needs 1"):
        run(mine, *(replace(record, modified_at=old) for record in needing(a="b", b="x")), update=True)
    assert needs_of(mine) == {"a": [], "b": [1]}


def test_too_many_needs_are_cut_and_counted(mine: Workspace) -> None:
    names = [f"n{i}" for i in range(101)]
    _, report = run(mine, *needing(a=" ".join(names), **dict.fromkeys(names, "")))
    assert (len(needs_of(mine)["a"]), report.not_held) == (100, {"needs after the first 100": 1})


def test_file_without_needs_leaves_them_alone(mine: Workspace) -> None:
    run(mine, *needing(a="", b="a"))
    [first, second] = needing(a="", b="")
    run(mine, first, replace(second, title="B"), update=True, fields=FIELDS - {"needs"})
    assert needs_of(mine) == {"a": [], "B": [1]}


# What is stored


def test_import_keeps_everything_a_todo_has(mine: Workspace) -> None:
    outcome, report = run(mine, WHOLE)
    [todo] = listed(mine)
    assert outcome == Outcome(added=1, first_number=1, last_number=1)
    expected = {
        "number": 1,
        "title": "Pay rent",
        "description": "by bank transfer",
        "completed_at": WHOLE.completed_at,
        "created_at": AT,
        "due_on": date(2024, 2, 5),
        "due_time": time(17, 30),
        "starts_on": date(2024, 2, 1),
        "priority": "high",
        "project": "home/flat-2",
        "tags": ["bank", "bills"],
        "is_someday": False,
        "note_count": 2,
        "deleted_at": None,
        "version": 1,
    }
    assert {name: getattr(todo, name) for name in expected} == expected
    assert todo.notes is not None
    assert {note.text for note in todo.notes} == {"called", "no answer"}
    assert min(note.at for note in todo.notes) == AT
    assert report.names == {"Home/Flat 2": "home/flat-2", "@bank": "bank"}


def test_completed_record_without_a_time_was_completed_when_it_was_created(mine: Workspace) -> None:
    run(mine, Record("line 1", "a", "Old", is_completed=True, created_at=AT))
    assert listed(mine)[0].completed_at == AT


def test_order_of_file_is_order_of_numbers(mine: Workspace) -> None:
    mine.todos.add([TodoCreate(title="before")], key(None, "add"))
    titles = [f"todo {i}" for i in range(2 * BATCH + 1)]
    outcome, _ = run(mine, *records(*titles))
    assert (outcome.first_number, outcome.last_number) == (2, len(titles) + 1)
    assert [(todo.number, todo.title) for todo in listed(mine)] == numbered("before", *titles)


def test_project_and_tags_apply_to_all(mine: Workspace) -> None:
    run(mine, WHOLE, *records("plain"), rules=Adaptation("work", ("new",)))
    assert [(todo.project, todo.tags) for todo in listed(mine)] == [
        ("work", ["bank", "bills", "new"]),
        ("work", ["new"]),
    ]


def test_import_is_one_change_and_one_undo(mine: Workspace) -> None:
    mine.todos.add([TodoCreate(title="before")], key(None, "add"))
    run(mine, *records("a", "b", "c"))
    assert [change.count for change in mine.log.find(LogQuery()).items] == [3, 1]
    mine.undo(1, key(None, "undo"))
    assert [todo.title for todo in listed(mine)] == ["before"]


# What is imported again


def test_importing_twice_adds_nothing(mine: Workspace) -> None:
    run(mine, *records("a", "b"))
    outcome, _ = run(mine, *records("a", "b", "c"))
    assert outcome == Outcome(added=1, first_number=3, last_number=3, unchanged=2)


def test_other_user_may_import_the_same_file(store: Store, mine: Workspace) -> None:
    run(mine, *records("a", "b"))
    with Workspace(store, Owner("bob"), register=True) as theirs:
        outcome, _ = run(theirs, *records("a", "b"))
        assert (outcome.added, [todo.title for todo in listed(theirs)]) == (2, ["a", "b"])
    assert len(listed(mine)) == 2


def test_same_id_in_another_format_is_another_todo(mine: Workspace) -> None:
    run(mine, *records("a"))
    outcome, _ = run(mine, *records("a"), form="ics")
    assert outcome.added == 1


def test_import_after_undo_adds_again(mine: Workspace) -> None:
    run(mine, *records("a", "b"))
    mine.undo(1, key(None, "undo"))
    outcome, _ = run(mine, *records("a", "b"))
    assert (outcome.added, [todo.number for todo in listed(mine)]) == (2, [3, 4])
    outcome, _ = run(mine, *records("a", "b"))
    assert outcome == Outcome(unchanged=2)


def test_todo_that_was_removed_is_not_added_again(mine: Workspace) -> None:
    run(mine, *records("a", "b"))
    mine.todos.remove(parse_references(["1"]), key(None, "rm"))
    outcome, _ = run(mine, *records("a", "b"))
    assert outcome == Outcome(unchanged=2)
    changed = replace(records("a")[0], title="A")
    assert run(mine, changed, update=True)[0] == Outcome(unchanged=1)
    assert [todo.title for todo in listed(mine, "trash")] == ["a"]


def test_repeated_under_its_key_import_adds_nothing(mine: Workspace) -> None:
    change = uuid.uuid4()
    first, _ = run(mine, *records("a", "b"), change=change)
    again, _ = run(mine, *records("a", "b"), change=change)
    assert (again, len(listed(mine))) == (first, 2)
    with pytest.raises(Conflict, match="used before"):
        run(mine, *records("c"), change=change)


def test_changed_record_updates_only_on_demand(mine: Workspace) -> None:
    run(mine, WHOLE, *records("a"))
    changed = replace(WHOLE, title="Pay the rent", is_completed=False, completed_at=None, tags=("bills",))
    outcome, _ = run(mine, changed, *records("a"))
    assert outcome == Outcome(changed=1, unchanged=1)
    assert listed(mine)[0].title == "Pay rent"
    outcome, _ = run(mine, changed, *records("a"), update=True)
    assert outcome == Outcome(updated=1, unchanged=1)
    todo = listed(mine)[0]
    assert (todo.title, todo.completed_at, todo.tags, todo.version) == ("Pay the rent", None, ["bills"], 2)
    assert todo.note_count == 2
    outcome, _ = run(mine, changed, *records("a"), update=True)
    assert outcome == Outcome(unchanged=2)


def test_update_adds_only_notes_that_are_new(mine: Workspace) -> None:
    run(mine, WHOLE)
    run(mine, replace(WHOLE, notes=(*WHOLE.notes, RecordNote("paid", AT))), update=True)
    [todo] = listed(mine)
    assert todo.notes is not None
    assert sorted(note.text for note in todo.notes) == ["called", "no answer", "paid"]
    assert todo.note_count == 3


def test_same_note_on_several_todos_is_added_to_each(mine: Workspace) -> None:
    first, second, third = records("a", "b", "c")
    note = (RecordNote("call", AT),)
    run(mine, replace(first, notes=note), second, third)
    again = (replace(first, notes=note), replace(second, notes=note), replace(third, title="C", notes=note))
    assert run(mine, *again, update=True)[0] == Outcome(updated=2, unchanged=1)
    assert [(todo.note_count, [each.text for each in todo.notes or ()]) for todo in listed(mine)] == [(1, ["call"])] * 3


def test_fields_that_the_file_does_not_speak_of_stay(mine: Workspace) -> None:
    run(mine, WHOLE)
    titled = replace(Record("line 1", "a1", "Pay it"), fields=frozenset(("title",)))
    assert run(mine, titled, update=True, fields=None)[0] == Outcome(updated=1)
    [todo] = listed(mine)
    assert (todo.title, todo.completed_at, todo.due_on) == ("Pay it", WHOLE.completed_at, WHOLE.due_on)
    assert (todo.description, todo.project, todo.tags) == ("by bank transfer", "home/flat-2", ["bank", "bills"])


def test_todo_changed_here_after_its_export_is_kept(mine: Workspace) -> None:
    mine.todos.add([TodoCreate(title="Mine")], key(None, "add"))
    [todo] = listed(mine)
    exported = Record("line 1", str(todo.id), "Theirs", version=1)
    mine.todos.edit(parse_references(["1"]), TodoUpdate(priority="high"), key(None, "edit"))
    assert run(mine, exported, update=True)[0] == Outcome(kept=1)
    assert run(mine, replace(exported, version=2), update=True)[0] == Outcome(updated=1)
    assert (listed(mine)[0].title, listed(mine)[0].priority) == ("Theirs", None)


def test_later_of_two_changes_wins_where_a_file_has_times(mine: Workspace) -> None:
    run(mine, replace(WHOLE, modified_at=AT))
    changed = replace(WHOLE, title="Theirs")
    assert run(mine, replace(changed, modified_at=AT), update=True)[0] == Outcome(updated=1), "untouched here"
    mine.todos.edit(parse_references(["1"]), TodoUpdate(title="Mine"), key(None, "edit"))
    again = replace(changed, title="Theirs again")
    assert run(mine, replace(again, modified_at=AT), update=True)[0] == Outcome(kept=1)
    assert listed(mine)[0].title == "Mine"
    assert run(mine, replace(again, modified_at=now() + timedelta(hours=1)), update=True)[0] == Outcome(updated=1)


def test_unchanged_record_does_not_overwrite_what_was_edited_here(mine: Workspace) -> None:
    run(mine, WHOLE)
    mine.todos.edit(parse_references(["1"]), TodoUpdate(title="Mine"), key(None, "edit"))
    outcome, _ = run(mine, WHOLE, update=True)
    assert (outcome, listed(mine)[0].title) == (Outcome(unchanged=1), "Mine")


def test_update_leaves_fields_that_the_format_has_no_place_for(mine: Workspace) -> None:
    run(mine, WHOLE)
    bare = Record("line 1", "a1", "Pay it", due_on=date(2024, 2, 5))
    run(mine, bare, update=True, fields=frozenset(("due_on",)))
    [todo] = listed(mine)
    assert (todo.title, todo.description, todo.project) == ("Pay it", "by bank transfer", "home/flat-2")
    assert (todo.due_on, todo.due_time) == (date(2024, 2, 5), time(17, 30))


def test_update_with_a_date_ends_someday(mine: Workspace) -> None:
    run(mine, Record("line 1", "a", "Learn to sail", is_someday=True))
    dated = Record("line 1", "a", "Learn to sail", due_on=date(2024, 2, 5))
    run(mine, dated, update=True, fields=frozenset(("due_on",)))
    assert (listed(mine)[0].is_someday, listed(mine)[0].due_on) == (False, date(2024, 2, 5))


def test_exported_todo_is_recognized_by_its_own_id(mine: Workspace) -> None:
    mine.todos.add([TodoCreate(title="Mine")], key(None, "add"))
    [todo] = listed(mine)
    same = Record("line 1", str(todo.id), "Mine")
    assert run(mine, same)[0] == Outcome(unchanged=1)
    assert run(mine, replace(same, title="Ours"))[0] == Outcome(changed=1)
    assert run(mine, replace(same, title="Ours"), update=True)[0] == Outcome(updated=1)
    assert [(todo.number, todo.title) for todo in listed(mine)] == [(1, "Ours")]


def test_id_of_another_user_is_not_recognized(store: Store, mine: Workspace) -> None:
    mine.todos.add([TodoCreate(title="Hers")], key(None, "add"))
    [hers] = listed(mine)
    with Workspace(store, Owner("bob"), register=True) as theirs:
        outcome, _ = run(theirs, Record("line 1", str(hers.id), "Bob's"), update=True)
        assert (outcome.added, outcome.updated) == (1, 0)
    assert listed(mine)[0].title == "Hers"


# What is not taken over


def test_dry_run_changes_nothing(mine: Workspace) -> None:
    outcome, _ = run(mine, *records("a", "b"), dry_run=True)
    assert (outcome, listed(mine)) == (Outcome(added=2, first=((1, "add"), (2, "add"))), [])
    run(mine, *records("a"))
    changed = replace(records("a")[0], title="A")
    assert run(mine, changed, dry_run=True)[0] == Outcome(changed=1, first=((1, "update"),))
    assert run(mine, changed, dry_run=True, update=True)[0] == Outcome(updated=1, first=((1, "update"),))
    assert listed(mine)[0].title == "a"


def faults(report: Report) -> list[tuple[str, str, str]]:
    return [(fault.place, fault.field, fault.message) for fault in report.faults]


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (Fault("line 2", "due", "is not a date"), ("line 2", "due", "is not a date")),
        (Record("line 2", "x", " "), ("line 2", "title", "must not be empty")),
        (Record("line 2", "x", "a\0"), ("line 2", "title", "must not contain a NUL character")),
        (Record("line 2", "x", "t" * 256), ("line 2", "title", "has 256 characters; at most 255 are allowed")),
        (
            Record("line 2", "x", "t", "d" * 2001),
            ("line 2", "description", "has 2001 characters; at most 2000 are allowed"),
        ),
        (Record("line 2", "id-a", "again"), ("line 2", "id", "is the same as that of line 1")),
        (Record("line 2", "x", "\udc00"), ("line 2", "title", "is not valid UTF-8")),
    ],
)
def test_invalid_record_is_reported_with_its_place_and_field(entry: Entry, fault: tuple[str, str, str]) -> None:
    adapter = Adapter(Adaptation())
    assert [todo.source_id for todo in adapter.adapt([*records("a"), entry])] == ["id-a"]
    assert (adapter.report.invalid, faults(adapter.report)) == (1, [fault])


def test_long_texts_move_into_notes(mine: Workspace) -> None:
    long = Record("line 1", "a", "t" * 300, "d" * 2_001)
    run(mine, long, rules=Adaptation(long_to_notes=True))
    [todo] = listed(mine)
    assert todo.title == "t" * 254 + "…"
    assert todo.description == "d" * 1_999 + "…"
    assert [note.text for note in todo.notes or ()] == ["t" * 300, "d" * 2_001]


def test_what_a_todo_has_no_place_for_is_counted_or_kept_as_notes(mine: Workspace) -> None:
    repeating = replace(WHOLE, notes=(), unheld={"recur": "weekly"})
    _, report = run(mine, repeating, LeftOut("item 2", "deleted tasks"))
    assert (report.not_held, report.left_out) == ({"recur": 1}, {"deleted tasks": 1})
    _, report = run(mine, replace(repeating, source_id="b"), rules=Adaptation(keep_unknown=True))
    assert report.not_held == {}
    assert [note.text for note in listed(mine)[1].notes or ()] == ["recur: weekly"]


def test_only_the_first_tags_are_kept(mine: Workspace) -> None:
    _, report = run(mine, replace(WHOLE, tags=tuple(f"t{i:02}" for i in range(25))))
    assert listed(mine)[0].tags == [f"t{i:02}" for i in range(20)]
    assert report.not_held == {"tags after the first 20": 1}


def test_spool_returns_its_rows_as_often_as_asked() -> None:
    with ExitStack() as stack:
        spool = stack.enter_context(Spool())
        rows: Iterable[tuple[int]] = [(i,) for i in range(BATCH + 1)]
        for row in rows:
            spool.append(row)
        assert list(spool.rows()) == list(spool.rows()) == rows
        assert spool.count == BATCH + 1


def test_todos_can_be_added_while_those_of_a_file_are_staged(store: Store, mine: Workspace) -> None:
    """Others wait only for what is written."""
    load = staging.load

    def load_and_add(*given: Any) -> None:
        load(*given)
        with open_store(store.target) as other, Workspace(other, Owner("ada"), register=True) as theirs:
            theirs.todos.add([TodoCreate(title="meanwhile")], key(None, "add"))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "load", load_and_add)
        outcome, _ = run(mine, *records("a", "b"))
    assert (outcome.first_number, outcome.last_number) == (4, 5)
    assert [todo.title for todo in listed(mine)] == ["meanwhile", "meanwhile", "meanwhile", "a", "b"]


# What it costs


def test_cost_of_import_follows_its_size(store: Store, mine: Workspace, database: Target) -> None:
    """Four times as many todos, imported again with changes and notes, may not cost sixteen times as much."""
    with closing(Console(database)) as console:
        collect_no_statistics(console)
    spent = []
    for count in (100, 400):
        first = [
            Record(f"line {i}", f"{count}-{i}", f"todo {i}", notes=(RecordNote(f"note {i}", AT),)) for i in range(count)
        ]
        run(mine, *first)
        mine.release()
        again = [replace(each, title=f"{each.title} again", notes=(RecordNote("same"),)) for each in first]
        adapter = Adapter(Adaptation())
        with Spool() as spool:
            for todo in adapter.adapt(again):
                spool.append(tuple(todo))

            def work(session: Session, todos: Spool = spool) -> None:
                Import(session, Owner("ada"), "todotxt", FIELDS).run(
                    todos, key(None, "import"), now(), update=True, dry_run=False
                )

            spent.append(cost(store, work))
    assert spent[1] < 6 * spent[0], spent
