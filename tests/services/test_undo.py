"""Undo, redo, the log and the purge, on both engines."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from tests.support.client import Client, key
from tests.support.console import LOCK_WAITS, Console
from tests.support.waiting import wait_until
from todocli.clock import now
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.domain.idempotency import ChangeKey
from todocli.domain.ids import new_id
from todocli.domain.references import References, parse_references
from todocli.errors import Conflict, MissingUserContext, NotFound, ValidationError
from todocli.schemas.changes import ChangeList, ChangeRead
from todocli.schemas.todos import TodoCreate, TodoRead, TodoUpdate
from todocli.services.history import patches
from todocli.services.history import undo as undo_module
from todocli.services.history.log import Log, LogQuery
from todocli.services.history.purge import Purge, TrashQuery
from todocli.services.history.undo import MAX_CHANGES, Undo, Verb
from todocli.services.owner import Owner
from todocli.services.queries import ListState, TodoQuery
from todocli.services.resolve import Result
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

    def todos(self, use: Callable[[Client], object]) -> None:
        with open_store(self.target) as store, store.session() as session:
            use(Client(session, self.owner))

    def add(self, *titles: str) -> None:
        self.todos(lambda todos: todos.add([TodoCreate(title=title) for title in titles]))

    def done(self, *words: str) -> None:
        self.todos(lambda todos: todos.complete(refs(*words)))

    def edit(self, word: str, **fields: object) -> None:
        self.todos(lambda todos: todos.edit(refs(word), TodoUpdate.model_validate(fields)))

    def rm(self, *words: str) -> None:
        self.todos(lambda todos: todos.remove(refs(*words)))

    def undo(
        self, count: int = 1, change: UUID | None = None, *, force: bool = False, dry_run: bool = False
    ) -> list[str]:
        return self._reverse("undo", count, change, force=force, dry_run=dry_run)

    def redo(self, count: int = 1, change: UUID | None = None, *, force: bool = False) -> list[str]:
        return self._reverse("redo", count, change, force=force)

    def _reverse(self, verb: Verb, count: int, change: UUID | None, *, force: bool, dry_run: bool = False) -> list[str]:
        request = key(change, verb, count=count, force=force)
        with open_store(self.target) as store:
            return words(
                store.atomically(
                    lambda s: Undo(s, self.owner).reverse(verb, count, request, force=force, dry_run=dry_run)
                )
            )

    def purge(self, trash: TrashQuery = TrashQuery(), change: UUID | None = None) -> list[str]:  # noqa: B008 - frozen
        request = purge_key(trash, change)
        with open_store(self.target) as store:
            with store.session() as session:
                expected = Purge(session, self.owner).preview(trash)
            return words(store.atomically(lambda s: Purge(s, self.owner).purge(trash, expected, request)))

    def log(self, wanted: LogQuery = LogQuery()) -> ChangeList:  # noqa: B008 - frozen
        with open_store(self.target) as store, store.session() as session:
            return Log(session, self.owner).find(wanted)

    def listed(self, state: ListState = "all") -> list[TodoRead]:
        with open_store(self.target) as store, store.session() as session:
            return Client(session, self.owner).find(TodoQuery(state)).items

    def lines(self) -> list[str]:
        return [f"{todo.number} {todo.title} {todo.state}" for todo in self.listed()]


def purge_key(trash: TrashQuery, change: UUID | None = None) -> ChangeKey:
    references = sorted(map(str, trash.references.items)) if trash.references else None
    return key(change, "purge", references=references)


def words(changes: ChangeList) -> list[str]:
    return [in_words(change) for change in changes.items]


def in_words(change: ChangeRead) -> str:
    kind = "" if change.kind == "change" else f"{change.kind}: "
    numbers = ",".join(str(item.number) for item in change.items)
    undone = " (undone)" if change.is_undone else ""
    return f"{kind}{change.items[0].action} {numbers}{undone}"


@pytest.fixture
def ada(database: Target) -> Person:
    """A user, by id on Postgres and by name on SQLite: `test_isolation` covers the other combinations."""
    return Person(database, by_id=isinstance(database, PostgresURL))


@pytest.fixture
def console(ada: Person) -> Iterator[Console]:
    with contextlib.closing(Console(ada.target)) as console:
        yield console


@pytest.mark.parametrize(
    ("change", "undone"),
    [
        (lambda p: p.add("c", "d"), "added 3,4 (undone)"),
        (lambda p: p.edit("1", title="A", description="more"), "changed 1 (undone)"),
        (lambda p: p.done("1-2"), "done 1,2 (undone)"),
        (lambda p: p.rm("2"), "removed 2 (undone)"),
    ],
)
def test_undo_reverses_whole_change_and_redo_repeats_it(
    ada: Person, change: Callable[[Person], None], undone: str
) -> None:
    ada.add("a", "b")
    before = ada.listed()
    change(ada)
    after = ada.listed()
    assert before != after
    for _ in range(2):
        assert ada.undo() == [undone]
        assert content(ada.listed()) == content(before)
        assert ada.redo() == [undone.removesuffix(" (undone)")]
        assert content(ada.listed()) == content(after)


def content(todos: list[TodoRead]) -> list[dict[str, object]]:
    """Return all that a user put into todos: not by which change."""
    return [todo.model_dump(exclude={"updated_at", "version", "change_id"}) for todo in todos]


@pytest.mark.parametrize(("verb", "state"), [("reopen", "done"), ("restore", "trash")])
def test_undo_restores_original_times(ada: Person, verb: str, state: str) -> None:
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


def test_undo_add_keeps_number(ada: Person) -> None:
    ada.add("a")
    ada.undo()
    assert [todo.title for todo in ada.listed("trash")] == ["a"]
    ada.add("b")
    assert ada.lines() == ["2 b open"]


def test_undo_several_is_all_or_none(ada: Person) -> None:
    ada.add("a")
    ada.edit("1", title="b")
    ada.edit("1", title="c")
    ada.done("1")
    with pytest.raises(NotFound, match="only 4 changes to undo; nothing"):
        ada.undo(5)
    assert ada.lines() == ["1 c done"]
    assert ada.undo(3) == ["done 1 (undone)", "changed 1 (undone)", "changed 1 (undone)"]
    assert ada.lines() == ["1 a open"]
    assert ada.undo() == ["added 1 (undone)"]
    with pytest.raises(NotFound, match="nothing to undo"):
        ada.undo()
    assert ada.redo(3) == ["added 1", "changed 1", "changed 1"]
    assert ada.lines() == ["1 c open"]
    with pytest.raises(NotFound, match="only 1 change to redo"):
        ada.redo(2)
    with pytest.raises(ValidationError, match=str(MAX_CHANGES)):
        ada.undo(MAX_CHANGES + 1)


def test_redo_ends_at_next_change(ada: Person) -> None:
    ada.add("a")
    ada.done("1")
    ada.undo()
    ada.edit("1", title="b")
    with pytest.raises(NotFound, match="nothing to redo"):
        ada.redo()
    assert ada.undo(2) == ["changed 1 (undone)", "added 1 (undone)"]


def test_undo_reverses_console_change(ada: Person, console: Console) -> None:
    ada.add("a", "b", "c")
    console.run("UPDATE todos SET title = 'x', completed_at = created_at WHERE number = 2")
    assert ada.lines() == ["1 a open", "2 x done", "3 c open"]
    assert ada.undo() == ["done 2 (undone)"]
    assert ada.lines() == ["1 a open", "2 b open", "3 c open"]
    console.add(ada.id, 7, "by hand")
    assert ada.undo() == ["added 7 (undone)"]
    assert ada.lines() == ["1 a open", "2 b open", "3 c open"]


def test_undo_reinserts_console_deletion(ada: Person, console: Console) -> None:
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


def test_undo_refuses_todo_changed_since(ada: Person, console: Console) -> None:
    ada.add("a", "b")
    ada.done("1-2")
    with unrecorded(console):
        console.run("UPDATE todos SET completed_at = NULL WHERE number = 2")
    total = ada.log().count
    with pytest.raises(Conflict) as caught:
        ada.undo()
    assert caught.value.detail.startswith("2 b is not as the change of ")
    assert caught.value.detail.endswith(" Nothing was changed.")
    assert caught.value.command == ("todo", "undo", "--force")
    assert [error.field for error in caught.value.field_errors] == ["reference"]
    with pytest.raises(Conflict, match="Nothing was changed"):
        ada.undo(2)
    assert ada.lines() == ["1 a done", "2 b open"]
    assert ada.log().count == total
    assert ada.undo(force=True) == ["done 1,2 (undone)"]
    assert ada.lines() == ["1 a open", "2 b open"]


def test_undo_ignores_other_columns(ada: Person, console: Console) -> None:
    ada.add("a")
    ada.done("1")
    with unrecorded(console):
        console.run("UPDATE todos SET title = 'x', description = 'y'")
    ada.undo()
    assert [(todo.title, todo.description, todo.is_completed) for todo in ada.listed()] == [("x", "y", False)]


def test_undo_force_reinserts_missing_todo(ada: Person, console: Console) -> None:
    ada.add("a")
    ada.edit("1", title="b")
    with unrecorded(console):
        console.run("DELETE FROM todos")
    with pytest.raises(Conflict):
        ada.undo()
    ada.undo(force=True)
    assert ada.lines() == ["1 a open"]


def test_changes_of_one_user_wait_for_each_other(postgres_url: Target) -> None:
    """So their order in the log is that of their commits, and undo takes back what was committed last."""
    ada = Person(postgres_url)
    ada.add("a", "b")
    ada.done("1")
    with contextlib.closing(Console(postgres_url)) as console, contextlib.closing(Console(postgres_url)) as witness:
        console.run("BEGIN")
        console.run("UPDATE todos SET title = 'mine' WHERE number = 2")
        undone: list[list[str]] = []
        thread = threading.Thread(target=lambda: undone.append(ada.undo()))
        thread.start()
        wait_until(lambda: witness.value(LOCK_WAITS), "undo to wait")
        console.run("COMMIT")
        thread.join()
    assert undone == [["changed 2 (undone)"]]
    assert ada.lines() == ["1 a done", "2 b open"]


def test_concurrent_undos_reverse_different_changes(database: Target) -> None:
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


def test_undo_repeated_with_same_key_applies_once(ada: Person) -> None:
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
        with pytest.raises(Conflict, match="for another change"):
            verb(count, change)
    with pytest.raises(Conflict, match="for another change"):
        ada.todos(lambda todos: todos.complete(refs("1"), change=change))
    assert ada.lines() == ["1 b done"]


def test_undo_repeated_after_purge_changes_nothing(ada: Person) -> None:
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
    ada.purge(TrashQuery(refs("1")))
    assert ada.redo(2, change=again) == ["added 3,4"]
    ada.purge(TrashQuery(refs("3")))
    assert ada.redo(2, change=again) == ["added 4"]
    assert ada.lines() == ["4 d open"]


def test_update_locks_the_user_before_the_todos(postgres_url: Target) -> None:
    """As undo does. In another order, the two could deadlock."""
    ada = Person(postgres_url)
    ada.add("a")
    with contextlib.closing(Console(postgres_url)) as console, contextlib.closing(Console(postgres_url)) as witness:
        console.run("BEGIN")
        console.run("SELECT FROM users FOR NO KEY UPDATE")
        thread = threading.Thread(target=lambda: ada.done("1"))
        thread.start()
        wait_until(lambda: witness.value(LOCK_WAITS), "done to wait")
        assert console.run("SELECT number FROM todos FOR UPDATE NOWAIT") == [(1,)]
        console.run("COMMIT")
        thread.join()
    assert ada.lines() == ["1 a done"]


def test_log_evaluates_subqueries_once_per_change(postgres_url: Target) -> None:
    ada = Person(postgres_url)
    ada.add(*map(str, range(300)))
    change_id = ada.log().items[0].id
    sent: list[tuple[str, Any]] = []
    with open_store(postgres_url) as store, store.session() as session:

        @sa.event.listens_for(session.get_bind(), "before_cursor_execute")
        def _(_c: object, _d: object, statement: str, values: object, *_: object) -> None:
            sent.append((statement, values))

        assert [len(change.todos) for change in Log(session, ada.owner).changes([change_id])] == [300]
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


def test_undo_dry_run_changes_nothing(ada: Person) -> None:
    ada.add("a")
    ada.done("1")
    assert ada.undo(2, dry_run=True) == ["done 1", "added 1"]
    assert ada.lines() == ["1 a done"]
    assert ada.log().count == 2


def test_undo_and_log_see_only_own_changes(database: Target) -> None:
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
        store.atomically(lambda session: Undo(session, Owner("eve")).reverse("undo", 1, key(None, "undo")))
    with pytest.raises(MissingUserContext), open_store(database) as store, store.session() as session:
        Log(session, Owner("eve")).find(LogQuery())


# The log


def test_log_lists_every_change_newest_first(ada: Person, console: Console) -> None:
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
    assert [change.source for change in found.items] == ["cli"] * 4 + ["sql"] + ["cli"] * 2
    assert found.items[2].undoes == found.items[3].id
    assert found.items[3].undoes == found.items[1].undoes == found.items[4].id
    changed = found.items[5].items[0]
    assert {name: (change.before, change.after) for name, change in changed.changes.items()} == {"title": ("b", "B")}
    assert changed.title == "B"


def test_log_filters_by_todo_and_time(ada: Person) -> None:
    ada.add("a", "b", "c")
    ada.done("2-3")
    middle = now()
    ada.edit("1", title="A")
    assert words(ada.log(LogQuery(todo=2))) == ["done 2", "added 2"]
    assert [change.count for change in ada.log(LogQuery(todo=2)).items] == [2, 3]
    assert words(ada.log(LogQuery(todo=ada.listed()[0].id))) == ["changed 1", "added 1"]
    assert words(ada.log(LogQuery(since=middle))) == ["changed 1"]
    assert words(ada.log(LogQuery(until=middle))) == ["done 2,3", "added 1,2,3"]
    assert words(ada.log(LogQuery(until=middle, limit=1))) == ["done 2,3"]
    assert ada.log(LogQuery(until=middle, limit=1)).has_more
    assert not ada.log(LogQuery(limit=3)).has_more
    assert words(ada.log(LogQuery(per_change=2))) == ["changed 1", "done 2,3", "added 1,2"]
    assert ada.log(LogQuery(since=now() + timedelta(days=1))).items == []
    with pytest.raises(NotFound, match="no todo 99"):
        ada.log(LogQuery(todo=99))


def test_todo_has_its_newest_changes(ada: Person) -> None:
    ada.add("a", "b")
    ada.done("1")
    ada.rm("1-2")
    with open_store(ada.target) as store, store.session() as session:
        found = Log(session, ada.owner).of_todos(refs("2", "1"), 2)
        with pytest.raises(NotFound, match="no todo 9"):
            Log(session, ada.owner).of_todos(refs("1", "9"), 2)
    assert [(todo.number, [in_words(change) for change in changes]) for todo, changes in found] == [
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
    assert ada.lines() == ["2 b open", "4 c open"]  # numbers are not reused


def test_undo_skips_purged_changes(ada: Person) -> None:
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


def test_purge_takes_references_or_age(ada: Person, console: Console) -> None:
    ada.add("a", "b", "c")
    ada.rm("1-2")
    with pytest.raises(NotFound, match=r"Not in the trash: 3, 99\. Nothing was purged"):
        ada.purge(TrashQuery(refs("1", "3", "99")))
    with pytest.raises(NotFound, match=r"Not yet in the trash at 2\d{3}-\d\d-\d\d \d\d:\d\d: 1\. Nothing"):
        ada.purge(TrashQuery(refs("1"), now() - timedelta(days=30)))
    assert ada.purge(TrashQuery(refs("2"))) == ["purged 2"]
    old = now() - timedelta(days=40)
    with unrecorded(console):
        console.run("UPDATE todos SET deleted_at = :old WHERE number = 1", old=old)
    ada.rm("3")
    assert ada.purge(TrashQuery(until=now() - timedelta(days=30))) == ["purged 1"]
    assert [todo.number for todo in ada.listed("trash")] == [3]


def test_purge_rejects_changed_trash(ada: Person) -> None:
    ada.add("a", "b")
    ada.rm("1-2")
    with open_store(ada.target) as store:
        with store.session() as session:
            expected = Purge(session, ada.owner).preview(TrashQuery())
        ada.todos(lambda todos: todos.restore(refs("1")))
        with pytest.raises(Conflict, match="changed in the meantime"):
            store.atomically(lambda s: Purge(s, ada.owner).purge(TrashQuery(), expected, purge_key(TrashQuery())))
    assert [todo.number for todo in ada.listed("trash")] == [2]


def test_purge_repeated_with_same_key_applies_once(ada: Person) -> None:
    ada.add("a", "b")
    ada.rm("1")
    change = uuid.uuid4()
    assert ada.purge(change=change) == ["purged 1"]
    ada.rm("2")
    assert ada.purge(change=change) == ["purged 1"]
    assert [todo.number for todo in ada.listed("trash")] == [2]
    with open_store(ada.target) as store, store.session() as session:
        service = Purge(session, ada.owner)
        assert service.find(purge_key(TrashQuery())) is None
        assert service.find(purge_key(TrashQuery(), change))
        for trash, other in (
            (TrashQuery(), ada.log(LogQuery(limit=1)).items[0].id),
            (TrashQuery(refs("1")), change),
            (TrashQuery(refs("1", "2")), change),
        ):
            with pytest.raises(Conflict, match="for another change"):
                service.find(purge_key(trash, other))


def test_add_repeated_after_purge_adds_nothing(ada: Person) -> None:
    """The key of the first add stays used."""
    change = uuid.uuid4()

    results: list[Result] = []

    def add(todos: Client) -> None:
        results.append(todos.add([TodoCreate(title="a")], change=change))

    ada.todos(add)
    ada.rm("1")
    ada.purge()
    ada.todos(add)
    assert (results[1].items, results[1].is_repeat) == ([], True)
    assert ada.lines() == []


# Large changes: rows that they added are not read, others are in portions


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat a change as large from two todos on."""
    monkeypatch.setattr(undo_module, "MANY", 1)


@pytest.mark.usefixtures("large")
def test_large_addition_is_undone_and_redone_as_a_whole(ada: Person) -> None:
    ada.add("a", "b", "c")
    before = content(ada.listed())
    for _ in range(2):
        ada.undo()
        assert (ada.listed(), [todo.title for todo in ada.listed("trash")]) == ([], ["a", "b", "c"])
        ada.redo()
        assert content(ada.listed()) == before


@pytest.mark.usefixtures("large")
def test_undo_of_large_addition_names_what_was_changed_since(ada: Person) -> None:
    ada.add("a", "b", "c")
    ada.edit("2", title="B")
    ada.add("d")
    with pytest.raises(NotFound, match="only 3 changes"):
        ada.undo(4)
    first = ada.log().items[-1].id
    only = key(None, "undo", only=str(first))
    with open_store(ada.target) as store, pytest.raises(Conflict, match="2 B has been changed since"):
        store.atomically(lambda s: Undo(s, ada.owner).reverse("undo", 1, only, only=str(first)))
    assert ada.lines() == ["1 a open", "2 B open", "3 c open", "4 d open"]


@pytest.mark.usefixtures("large")
def test_undo_of_large_addition_together_with_later_changes(ada: Person) -> None:
    ada.add("a", "b", "c")
    ada.edit("2", title="B")
    ada.done("3")
    ada.undo(3)
    assert ada.lines() == []
    assert [todo.title for todo in ada.listed("trash")] == ["a", "b", "c"]
    ada.redo(3)
    assert ada.lines() == ["1 a open", "2 B open", "3 c done"]


@pytest.mark.usefixtures("large")
def test_redo_of_large_addition_together_with_a_removal(ada: Person) -> None:
    ada.add("a", "b", "c")
    ada.rm("2")
    ada.undo(2)
    ada.redo(2)
    assert (ada.lines(), [todo.title for todo in ada.listed("trash")]) == (["1 a open", "3 c open"], ["b"])


@pytest.mark.usefixtures("large")
def test_force_moves_changed_todos_of_large_addition_too(ada: Person) -> None:
    ada.add("a", "b", "c")
    console = Console(ada.target)
    console.run("UPDATE todos SET title = 'B' WHERE number = 2")
    console.close()
    first = ada.log().items[-1].id
    with open_store(ada.target) as store:
        forced = key(None, "undo", only=str(first), force=True)
        store.atomically(lambda s: Undo(s, ada.owner).reverse("undo", 1, forced, only=str(first), force=True))
    assert [todo.title for todo in ada.listed("trash")] == ["a", "B", "c"]


@pytest.fixture
def portions(large: None, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let a portion be two todos; return the sizes of those that are read."""
    sizes: list[int] = []
    lock = Undo._lock

    def counted(self: Undo, ids: Sequence[UUID]) -> Any:
        sizes.append(len(ids))
        return lock(self, ids)

    monkeypatch.setattr(Undo, "_lock", counted)
    for module in (undo_module, patches):
        monkeypatch.setattr(module, "PORTION", 2)
    return sizes


def update_all(console: Console, columns: str) -> None:
    """Update all todos in one change."""
    console.run(f"UPDATE todos SET {columns}, change_id = '{new_id(now()).hex}', change_source = 'sql'")


def test_large_update_is_undone_and_redone_in_portions(ada: Person, console: Console, portions: list[int]) -> None:
    ada.add("a", "b", "c", "d", "e")
    ada.edit("3", due_on=date(2026, 1, 2), due_time=time(17))
    before = content(ada.listed())
    update_all(console, "title = title || '!', due_on = '2026-03-04', tags = NULL")
    after = content(ada.listed())
    for _ in range(2):
        ada.undo()
        assert content(ada.listed()) == before
        ada.redo()
        assert content(ada.listed()) == after
    assert portions == [2, 2, 1] * 4
    assert [todo.version for todo in ada.listed()] == [5, 5, 6, 5, 5]


@pytest.mark.usefixtures("portions")
def test_undo_of_large_update_names_what_was_changed_since(ada: Person, console: Console) -> None:
    ada.add("a", "b", "c", "d", "e")
    update_all(console, "title = title || '!'")
    for number in (5, 4, 2):
        ada.edit(str(number), title=f"{number}th")
    ada.edit("3", description="kept")
    lines = ada.lines()
    updated = ada.log().items[-2].id
    only = key(None, "undo", only=str(updated))
    names = r"^2 2th has been .*\. 4 4th has been .*\. 5 5th has been .* Nothing was changed\.$"
    with open_store(ada.target) as store, pytest.raises(Conflict, match=names):
        store.atomically(lambda s: Undo(s, ada.owner).reverse("undo", 1, only, only=str(updated)))
    assert ada.lines() == lines
    with open_store(ada.target) as store:
        forced = key(None, "undo", only=str(updated), force=True)
        store.atomically(lambda s: Undo(s, ada.owner).reverse("undo", 1, forced, only=str(updated), force=True))
    assert [todo.title for todo in ada.listed()] == ["a", "b", "c", "d", "e"]
    assert ada.listed()[2].description == "kept"


@pytest.mark.usefixtures("portions")
def test_undo_of_large_updates_together_with_later_changes(ada: Person, console: Console) -> None:
    ada.add("a", "b", "c")
    before = content(ada.listed())
    update_all(console, "title = title || '!'")
    ada.edit("2", title="B")
    update_all(console, "title = title || '?'")
    after = content(ada.listed())
    ada.undo(3)
    assert content(ada.listed()) == before
    ada.redo(3)
    assert content(ada.listed()) == after
    assert [change.kind for change in ada.log().items[:6]] == ["redo"] * 3 + ["undo"] * 3


def test_dry_run_of_large_update_changes_nothing(ada: Person, console: Console, portions: list[int]) -> None:
    ada.add("a", "b", "c")
    update_all(console, "title = title || '!'")
    before = ada.listed()
    ada.undo(dry_run=True)
    assert (ada.listed(), portions) == (before, [2, 1])
    ada.undo()
    assert ada.lines() == ["1 a open", "2 b open", "3 c open"]
