"""Undo, redo, the log and the purge, on both engines."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlmodel import Session

from tests.support.console import Console
from todocli.clock import now
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.domain.references import References, parse_references
from todocli.errors import Conflict, MissingUserContext, NotFound, ValidationError
from todocli.schemas.changes import ChangeList, ChangeRead
from todocli.schemas.todos import TodoCreate, TodoRead, TodoUpdate
from todocli.services.history.log import Log, LogQuery
from todocli.services.history.purge import Purge, Trash
from todocli.services.history.undo import MAX_STEPS, Undo
from todocli.services.owner import Owner
from todocli.services.queries import ListState, TodoQuery
from todocli.services.todos import Todos
from todocli.services.users import Users


def refs(*words: str) -> References:
    return parse_references(words)


class Person:
    """A user, each of whose commands is an operation of its own."""

    def __init__(self, target: Target, name: str = "ada", *, by_id: bool = True) -> None:
        self.target = target
        with open_store(target) as store, store.session() as session:
            user = Users(session).ensure(name)
        self.id = user
        self.owner = Owner(name, user if by_id else None)

    def todos(self, use: Callable[[Todos], object]) -> None:
        with open_store(self.target) as store, store.session() as session:
            use(Todos(session, self.owner))

    def add(self, *titles: str) -> None:
        self.todos(lambda todos: todos.add([TodoCreate(title=title) for title in titles]))

    def done(self, *words: str) -> None:
        self.todos(lambda todos: todos.complete(refs(*words)))

    def edit(self, word: str, **fields: str) -> None:
        self.todos(lambda todos: todos.edit(refs(word), TodoUpdate.model_validate(fields)))

    def rm(self, *words: str) -> None:
        self.todos(lambda todos: todos.remove(refs(*words)))

    def undo(
        self, count: int = 1, change: UUID | None = None, *, force: bool = False, dry_run: bool = False
    ) -> list[str]:
        step = change or uuid.uuid4()
        with open_store(self.target) as store:
            return words(
                store.atomically(lambda s: Undo(s, self.owner).undo(count, change=step, force=force, dry_run=dry_run))
            )

    def redo(self, count: int = 1, change: UUID | None = None, *, force: bool = False) -> list[str]:
        step = change or uuid.uuid4()
        with open_store(self.target) as store:
            return words(store.atomically(lambda s: Undo(s, self.owner).redo(count, change=step, force=force)))

    def purge(self, trash: Trash = Trash(), change: UUID | None = None) -> list[str]:  # noqa: B008 - frozen
        step = change or uuid.uuid4()
        with open_store(self.target) as store:
            with store.session() as session:
                expected = Purge(session, self.owner).meant(trash)
            return words(store.atomically(lambda s: Purge(s, self.owner).purge(trash, expected, change=step)))

    def log(self, wanted: LogQuery = LogQuery()) -> ChangeList:  # noqa: B008 - frozen
        with open_store(self.target) as store, store.session() as session:
            return Log(session, self.owner).find(wanted)

    def listed(self, state: ListState = "all") -> list[TodoRead]:
        with open_store(self.target) as store, store.session() as session:
            return Todos(session, self.owner).find(TodoQuery(state)).items

    def lines(self) -> list[str]:
        return [f"{todo.number} {todo.title} {todo.state}" for todo in self.listed()]


def words(steps: ChangeList) -> list[str]:
    return [in_words(step) for step in steps.items]


def in_words(step: ChangeRead) -> str:
    kind = "" if step.kind == "step" else f"{step.kind}: "
    numbers = ",".join(str(item.number) for item in step.items)
    undone = " (undone)" if step.is_undone else ""
    return f"{kind}{step.items[0].action} {numbers}{undone}"


@pytest.fixture(params=["by id", "by name"])
def ada(database: Target, request: pytest.FixtureRequest) -> Person:
    return Person(database, by_id=request.param == "by id")


@pytest.fixture
def console(ada: Person) -> Iterator[Console]:
    with contextlib.closing(Console(ada.target)) as console:
        yield console


@pytest.mark.parametrize(
    ("step", "undone"),
    [
        (lambda p: p.add("c", "d"), "added 3,4 (undone)"),
        (lambda p: p.edit("1", title="A", description="more"), "changed 1 (undone)"),
        (lambda p: p.done("1-2"), "done 1,2 (undone)"),
        (lambda p: p.rm("2"), "removed 2 (undone)"),
    ],
)
def test_a_step_is_taken_back_as_a_whole_and_made_again(
    ada: Person, step: Callable[[Person], None], undone: str
) -> None:
    ada.add("a", "b")
    before = ada.listed()
    step(ada)
    after = ada.listed()
    assert before != after
    for _ in range(2):
        assert ada.undo() == [undone]
        assert content(ada.listed()) == content(before)
        assert ada.redo() == [undone.removesuffix(" (undone)")]
        assert content(ada.listed()) == content(after)


def content(todos: list[TodoRead]) -> list[dict[str, object]]:
    """Return all that a user put into todos: not which step it was."""
    return [todo.model_dump(exclude={"updated_at", "version", "change_id"}) for todo in todos]


@pytest.mark.parametrize(("verb", "state"), [("reopen", "done"), ("restore", "trash")])
def test_what_was_at_another_time_is_so_again(ada: Person, verb: str, state: str) -> None:
    """Not only done again, but done when it was done."""
    ada.add("a", "b")
    ada.done("1") if state == "done" else ada.rm("1")
    ada.done("2") if state == "done" else ada.rm("2")
    listing: ListState = "completed" if state == "done" else "trash"
    before = content(ada.listed(listing))
    ada.todos(lambda todos: getattr(todos, verb)(refs("1-2")))
    assert ada.listed(listing) == []
    ada.undo()
    assert content(ada.listed(listing)) == before


def test_undo_of_an_added_todo_moves_it_to_the_trash_and_its_number_stays_taken(ada: Person) -> None:
    ada.add("a")
    ada.undo()
    assert [todo.title for todo in ada.listed("trash")] == ["a"]
    ada.add("b")
    assert ada.lines() == ["2 b open"]


def test_several_steps_are_taken_back_all_or_none(ada: Person) -> None:
    ada.add("a")
    ada.edit("1", title="b")
    ada.edit("1", title="c")
    ada.done("1")
    with pytest.raises(NotFound, match="only 4 steps to undo; nothing"):
        ada.undo(5)
    assert ada.lines() == ["1 c done"]
    assert ada.undo(3) == ["done 1 (undone)", "changed 1 (undone)", "changed 1 (undone)"]
    assert ada.lines() == ["1 a open"]
    assert ada.undo() == ["added 1 (undone)"]
    with pytest.raises(NotFound, match="nothing to undo"):
        ada.undo()
    assert ada.redo(3) == ["added 1", "changed 1", "changed 1"]
    assert ada.lines() == ["1 c open"]
    with pytest.raises(NotFound, match="only 1 step to redo"):
        ada.redo(2)
    with pytest.raises(ValidationError, match=str(MAX_STEPS)):
        ada.undo(MAX_STEPS + 1)


def test_redo_is_there_until_the_next_other_step(ada: Person) -> None:
    ada.add("a")
    ada.done("1")
    ada.undo()
    ada.edit("1", title="b")
    with pytest.raises(NotFound, match="nothing to redo"):
        ada.redo()
    assert ada.undo(2) == ["changed 1 (undone)", "added 1 (undone)"]


def test_what_the_console_did_is_taken_back(ada: Person, console: Console) -> None:
    ada.add("a", "b", "c")
    console.run("UPDATE todos SET title = 'x', completed_at = created_at WHERE number = 2")
    assert ada.lines() == ["1 a open", "2 x done", "3 c open"]
    assert ada.undo() == ["done 2 (undone)"]
    assert ada.lines() == ["1 a open", "2 b open", "3 c open"]
    console.add(ada.id, 7, "by hand")
    assert ada.undo() == ["added 7 (undone)"]
    assert ada.lines() == ["1 a open", "2 b open", "3 c open"]


def test_what_the_console_deleted_is_there_again(ada: Person, console: Console) -> None:
    ada.add("a")
    ada.edit("1", description="more")
    [before] = ada.listed()
    console.run("DELETE FROM todos")
    assert ada.undo() == ["deleted 1 (undone)"]
    [again] = ada.listed()
    assert content([again]) == content([before])
    assert again.version == 4  # added, changed, deleted, and there again
    assert ada.redo() == ["deleted 1"]
    assert ada.listed() == []
    assert [todo.number for todo in ada.listed("trash")] == [1]  # nothing is ever deleted by redo
    assert ada.undo(3) == ["deleted 1 (undone)", "changed 1 (undone)", "added 1 (undone)"]


@contextlib.contextmanager
def unrecorded(console: Console) -> Iterator[None]:
    """Let the console write past the triggers, as a restored dump or a replica may."""
    if not console.is_sqlite:
        console.run("ALTER TABLE todos DISABLE TRIGGER USER")
        yield
        console.run("ALTER TABLE todos ENABLE TRIGGER USER")
        return
    triggers = console.run("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    for name, _ in triggers:
        console.run(f"DROP TRIGGER {name}")
    yield
    for _, statement in triggers:
        console.run(statement)


def test_what_was_changed_since_is_left_alone(ada: Person, console: Console) -> None:
    ada.add("a", "b")
    ada.done("1-2")
    with unrecorded(console):
        console.run("UPDATE todos SET completed_at = NULL WHERE number = 2")
    steps = ada.log().total
    with pytest.raises(Conflict) as caught:
        ada.undo()
    assert caught.value.detail.startswith("2 b is not as the step of ")
    assert caught.value.detail.endswith(" Nothing was changed.")
    assert caught.value.hint == "To undo it all the same, over what was done since: todo undo --force"
    assert [error.field for error in caught.value.field_errors] == ["reference"]
    with pytest.raises(Conflict, match="Nothing was changed"):
        ada.undo(2)
    assert ada.lines() == ["1 a done", "2 b open"]
    assert ada.log().total == steps
    assert ada.undo(force=True) == ["done 1,2 (undone)"]
    assert ada.lines() == ["1 a open", "2 b open"]


def test_other_columns_than_those_of_the_step_do_not_matter(ada: Person, console: Console) -> None:
    ada.add("a")
    ada.done("1")
    with unrecorded(console):
        console.run("UPDATE todos SET title = 'x', description = 'y'")
    ada.undo()
    assert [(todo.title, todo.description, todo.is_completed) for todo in ada.listed()] == [("x", "y", False)]


def test_what_is_gone_without_a_trace_is_a_conflict_and_comes_back_by_force(ada: Person, console: Console) -> None:
    ada.add("a")
    ada.edit("1", title="b")
    with unrecorded(console):
        console.run("DELETE FROM todos")
    with pytest.raises(Conflict):
        ada.undo()
    ada.undo(force=True)
    assert ada.lines() == ["1 a open"]


def test_who_changed_it_since_is_named(postgres_url: Target) -> None:
    """Between the moment when undo finds its step and the moment when it has the rows."""
    ada = Person(postgres_url)
    ada.add("a")
    ada.done("1")
    with contextlib.closing(Console(postgres_url)) as console, contextlib.closing(Console(postgres_url)) as witness:
        console.run("BEGIN")
        console.run("UPDATE todos SET completed_at = NULL, title = 'mine'")
        caught: list[Exception] = []

        def undo() -> None:
            try:
                ada.undo()
            except Conflict as error:
                caught.append(error)

        thread = threading.Thread(target=undo)
        thread.start()
        while not witness.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"):
            pass
        console.run("COMMIT")
        thread.join()
    assert len(caught) == 1
    assert str(caught[0]).startswith("1 mine was reopened since, at an SQL console at 2")


def test_two_undos_at_once_take_back_two_steps(database: Target) -> None:
    ada = Person(database)
    ada.add("a")
    for title in "bcdefghi":
        ada.edit("1", title=title)
    threads = [threading.Thread(target=ada.undo) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ada.lines() == ["1 c open"]


def test_made_again_with_the_same_change_it_is_made_once(ada: Person) -> None:
    ada.add("a")
    ada.edit("1", title="b")
    ada.done("1")
    change, again = uuid.uuid4(), uuid.uuid4()
    for _ in range(3):
        assert ada.undo(2, change) == ["done 1 (undone)", "changed 1 (undone)"]
    assert ada.lines() == ["1 a open"]
    for _ in range(3):
        assert ada.redo(2, again) == ["changed 1", "done 1"]
    assert ada.lines() == ["1 b done"]
    for verb, count in ((ada.undo, 1), (ada.undo, 3), (ada.redo, 2)):
        with pytest.raises(Conflict, match="for another step"):
            verb(count, change)
    with pytest.raises(Conflict, match="for another step"):
        ada.todos(lambda todos: todos.complete(refs("1"), change=change))
    assert ada.lines() == ["1 b done"]


def test_made_again_after_a_purge_it_is_not_made_again(ada: Person) -> None:
    ada.add("a")
    ada.add("b")
    change = uuid.uuid4()
    ada.undo(change=change)
    ada.purge()
    assert ada.undo(change=change) == []
    assert ada.lines() == ["1 a open"]
    again = uuid.uuid4()
    ada.add("c", "d")
    ada.undo(2)
    ada.redo(2, change=again)
    ada.rm("1", "3")
    ada.purge(Trash(refs("1")))
    assert ada.redo(2, change=again) == ["added 3,4"]
    ada.purge(Trash(refs("3")))
    assert ada.redo(2, change=again) == ["added 4"]
    assert ada.lines() == ["4 d open"]


def test_what_was_begun_first_and_committed_last_is_named(postgres_url: Target) -> None:
    ada = Person(postgres_url)
    ada.add("a", "b")
    with contextlib.closing(Console(postgres_url)) as console:
        with console.transaction():
            console.run("UPDATE todos SET title = 'x' WHERE number = 2")
            ada.edit("1", title="mine")
            console.run("UPDATE todos SET title = 'theirs' WHERE number = 1")
        with pytest.raises(Conflict, match=r"1 theirs was changed since, at an SQL console at 2.* Nothing was changed"):
            ada.undo()


def test_what_is_told_of_a_step_is_found_once_and_not_for_each_of_its_todos(postgres_url: Target) -> None:
    ada = Person(postgres_url)
    ada.add(*map(str, range(300)))
    step = ada.log().items[0].id
    sent: list[tuple[str, Any]] = []
    with open_store(postgres_url) as store, store.session() as session:

        @sa.event.listens_for(session.get_bind(), "before_cursor_execute")
        def _(_c: object, _d: object, statement: str, values: object, *_: object) -> None:
            sent.append((statement, values))

        assert [len(step.touched) for step in Log(session, ada.owner).steps([step])] == [300]
        ((statement, values),) = sent
        explain = "EXPLAIN (ANALYZE, FORMAT JSON) " + statement
        (plan,) = session.connection().exec_driver_sql(explain, values).scalar_one()
    loops = [node["Actual Loops"] for node in nodes(plan["Plan"]) if node.get("Parent Relationship") == "SubPlan"]
    assert loops
    assert max(loops) == 1


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


def test_a_dry_run_changes_nothing(ada: Person) -> None:
    ada.add("a")
    ada.done("1")
    assert ada.undo(2, dry_run=True) == ["done 1", "added 1"]
    assert ada.lines() == ["1 a done"]
    assert ada.log().total == 2


def test_ones_steps_are_ones_own(database: Target) -> None:
    ada, bob = Person(database), Person(database, "bob")
    ada.add("a")
    bob.add("b")
    ada.undo()
    assert (ada.lines(), bob.lines()) == ([], ["1 b open"])
    with pytest.raises(NotFound):
        ada.undo()
    with pytest.raises(NotFound):
        ada.log(LogQuery(todo=bob.listed()[0].id))
    with pytest.raises(MissingUserContext), open_store(database) as store:
        store.atomically(lambda session: Undo(session, Owner("eve")).undo(1, change=uuid.uuid4()))
    with pytest.raises(MissingUserContext), open_store(database) as store, store.session() as session:
        Log(session, Owner("eve")).find(LogQuery())


# The log


def test_the_log_has_every_step_newest_first(ada: Person, console: Console) -> None:
    ada.add("a", "b")
    ada.edit("2", title="B")
    console.run("UPDATE todos SET completed_at = created_at WHERE number = 1")
    ada.undo()
    ada.redo()
    ada.undo(2)
    found = ada.log()
    assert words(found) == [
        "undo: changed 2",
        "undo: reopened 1",
        "redo: done 1",
        "undo: reopened 1 (undone)",
        "done 1 (undone)",
        "changed 2 (undone)",
        "added 1,2",
    ]
    assert [step.source for step in found.items] == ["cli"] * 4 + ["sql"] + ["cli"] * 2
    assert found.items[2].undoes == found.items[3].id
    assert found.items[3].undoes == found.items[1].undoes == found.items[4].id
    changed = found.items[5].items[0]
    assert {name: (change.before, change.after) for name, change in changed.changes.items()} == {"title": ("b", "B")}
    assert changed.title == "B"


def test_the_log_is_filtered_by_todo_and_time(ada: Person) -> None:
    ada.add("a", "b", "c")
    ada.done("2-3")
    middle = now()
    ada.edit("1", title="A")
    assert words(ada.log(LogQuery(todo=2))) == ["done 2", "added 2"]
    assert [step.count for step in ada.log(LogQuery(todo=2)).items] == [2, 3]
    assert words(ada.log(LogQuery(todo=ada.listed()[0].id))) == ["changed 1", "added 1"]
    assert words(ada.log(LogQuery(since=middle))) == ["changed 1"]
    assert words(ada.log(LogQuery(until=middle))) == ["done 2,3", "added 1,2,3"]
    assert words(ada.log(LogQuery(until=middle, limit=1))) == ["done 2,3"]
    assert ada.log(LogQuery(until=middle, limit=1)).total == 2
    assert ada.log(LogQuery(limit=1, with_total=False)).total == 2  # there are more
    assert ada.log(LogQuery(limit=3, with_total=False)).total == 3
    assert words(ada.log(LogQuery(shown=2))) == ["changed 1", "done 2,3", "added 1,2"]
    assert ada.log(LogQuery(since=now() + timedelta(days=1))).items == []
    with pytest.raises(NotFound, match="no todo 99"):
        ada.log(LogQuery(todo=99))


def test_a_todo_has_its_newest_steps(ada: Person) -> None:
    ada.add("a", "b")
    ada.done("1")
    ada.rm("1-2")
    with open_store(ada.target) as store, store.session() as session:
        found = Log(session, ada.owner).of_todos(refs("2", "1"), 2)
        with pytest.raises(NotFound, match="no todo 9"):
            Log(session, ada.owner).of_todos(refs("1", "9"), 2)
    assert [(todo.number, [in_words(step) for step in steps]) for todo, steps in found] == [
        (2, ["removed 2", "added 2"]),
        (1, ["removed 1", "done 1"]),
    ]


# Purge


def test_purge_leaves_numbers_only(ada: Person, console: Console) -> None:
    ada.add("secret", "b", "secret too")
    ada.edit("1", description="secret")
    ada.rm("1", "3")
    assert ada.purge() == ["purged 1,3"]
    assert ada.lines() == ["2 b open"]
    assert ada.listed("trash") == []
    rows = console.run("SELECT before, after FROM history")
    assert "secret" not in str(rows)
    assert words(ada.log()) == ["purged 1,3", "added 2"]
    assert words(ada.log(LogQuery(todo=3))) == ["purged 3"]
    assert {item.title for item in ada.log().items[0].items} == {None}
    ada.add("c")
    assert ada.lines() == ["2 b open", "4 c open"]  # a number is never given again


def test_undo_skips_a_purge_and_what_it_took(ada: Person) -> None:
    ada.add("a", "b")
    ada.done("1-2")
    ada.rm("1")
    ada.purge()
    assert ada.undo() == ["done 2 (undone)"]
    assert ada.redo() == ["done 2"]
    ada.undo()
    ada.rm("2")
    ada.undo()
    assert ada.undo() == ["added 2 (undone)"]
    ada.purge()
    for nothing in (ada.undo, ada.redo):
        with pytest.raises(NotFound):
            nothing()


def test_purge_of_some(ada: Person, console: Console) -> None:
    ada.add("a", "b", "c")
    ada.rm("1-2")
    with pytest.raises(NotFound, match=r"Not in the trash: 3, 99\. Nothing was purged"):
        ada.purge(Trash(refs("1", "3", "99")))
    with pytest.raises(NotFound, match=r"Not in the trash since before 2\d{3}-\d\d-\d\d \d\d:\d\d: 1\. Nothing"):
        ada.purge(Trash(refs("1"), now() - timedelta(days=30)))
    assert ada.purge(Trash(refs("2"))) == ["purged 2"]
    old = now() - timedelta(days=40)
    with unrecorded(console):
        console.run("UPDATE todos SET deleted_at = :old WHERE number = 1", old=old)
    ada.rm("3")
    assert ada.purge(Trash(until=now() - timedelta(days=30))) == ["purged 1"]
    assert [todo.number for todo in ada.listed("trash")] == [3]


def test_purge_of_what_is_not_as_it_was_shown_is_refused(ada: Person) -> None:
    ada.add("a", "b")
    ada.rm("1-2")
    with open_store(ada.target) as store:
        with store.session() as session:
            expected = Purge(session, ada.owner).meant(Trash())
        ada.todos(lambda todos: todos.restore(refs("1")))
        with pytest.raises(Conflict, match="changed meanwhile"):
            store.atomically(lambda s: Purge(s, ada.owner).purge(Trash(), expected, change=uuid.uuid4()))
    assert [todo.number for todo in ada.listed("trash")] == [2]


def test_a_purge_made_again_is_made_once(ada: Person) -> None:
    ada.add("a", "b")
    ada.rm("1")
    change = uuid.uuid4()
    assert ada.purge(change=change) == ["purged 1"]
    ada.rm("2")
    assert ada.purge(change=change) == ["purged 1"]
    assert [todo.number for todo in ada.listed("trash")] == [2]
    with open_store(ada.target) as store, store.session() as session:
        assert Purge(session, ada.owner).made(Trash(), uuid.uuid4()) is None
        for trash in (Trash(refs("1")), Trash(refs("1-9"))):
            assert Purge(session, ada.owner).made(trash, change)
        for trash, step in (
            (Trash(), ada.log(LogQuery(limit=1)).items[0].id),
            (Trash(refs("2")), change),
            (Trash(refs("1", "2")), change),
        ):
            with pytest.raises(Conflict, match="for another step"):
                Purge(session, ada.owner).made(trash, step)


def test_purge_takes_nothing_that_comes_into_the_trash_meanwhile(postgres_url: Target) -> None:
    """Whatever is committed between its statements."""
    ada = Person(postgres_url)
    ada.add("a", "b")
    ada.rm("1")
    with open_store(postgres_url) as store:
        with store.session() as session:
            expected = Purge(session, ada.owner).meant(Trash())
        seen: list[str] = []

        def removed_meanwhile(session: Session) -> ChangeList:
            @sa.event.listens_for(session.get_bind(), "before_cursor_execute")
            def _(_c: object, _d: object, statement: str, *_: object) -> None:
                seen.append(statement)
                if len(seen) == 5:
                    ada.rm("2")

            return Purge(session, ada.owner).purge(Trash(), expected, change=uuid.uuid4())

        assert words(store.atomically(removed_meanwhile)) == ["purged 1"]
    assert any("INSERT INTO history" in statement for statement in seen[:4])
    assert any("DELETE FROM todos" in statement for statement in seen[4:])
    assert [todo.number for todo in ada.listed("trash")] == [2]


def test_what_was_purged_is_not_added_again(ada: Person) -> None:
    """The step that added it keeps its name."""
    change = uuid.uuid4()

    def add(todos: Todos) -> None:
        todos.add([TodoCreate(title="a")], change=change)

    ada.todos(add)
    ada.rm("1")
    ada.purge()
    with pytest.raises(Conflict):
        ada.todos(add)
    assert ada.lines() == []
