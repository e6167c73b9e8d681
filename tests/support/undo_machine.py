"""A state machine: random changes from the program and from a console, with undo and redo in between.

Invariants: undoing N changes shows the list as it was N changes ago, and redoing shows it again. At the end, undone to
the start, the list is empty; redone to the end, it is as it was; and history, replayed, gives the tables.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.client import Client, key
from tests.support.console import Console
from todocli.database.store import Store
from todocli.domain.fields import MAX_LEVELS, PRIORITIES, looks_blank
from todocli.domain.history import COMMAND_LINE
from todocli.domain.references import NumberRange, References
from todocli.errors import NotFound, ValidationError
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.dependencies import find_cycle
from todocli.services.edits import Edits
from todocli.services.history.undo import Undo, Verb
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.users import Users

KEPT = (
    *("number", "title", "description", "completed_at", "created_at", "deleted_at"),
    *("due_on", "due_time", "starts_on", "priority", "project", "tags", "is_someday", "note_count"),
    *("claimed_by", "claimed_until", "needs"),
    *("series_id", "series_place", "rrule", "repeat_from", "repeat_on", "ends_on", "times"),
    *("parent", "series_values"),
)

NUMBERS = st.lists(st.integers(1, 6), min_size=1, max_size=4, unique=True)
REPEATING = st.sampled_from(
    [
        {"every": "day"},
        {"every": "2w on mon,thu", "times": 3},
        {"every": "month on 31", "due_on": date(2026, 1, 31)},
        {"again": "3d", "due_on": date(2026, 12, 30), "ends_on": date(2027, 1, 31)},
    ]
)
LINKS = (
    st.fixed_dictionaries({"needs": st.lists(st.integers(1, 3), min_size=1, max_size=2)})
    | st.fixed_dictionaries({"parent": st.integers(1, 6)})
    | REPEATING
)
UNLINKED = st.sampled_from([{"parent": None}, {"every": None}, {"remove_needs": [1, 2]}, {"add_needs": [3]}])
TITLES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=9).filter(
    lambda text: not looks_blank(text.strip())
)
DAYS = st.none() | st.dates(date(2026, 1, 1), date(2027, 12, 31))
TAGS = st.lists(st.sampled_from(["bills", "home", "über"]), max_size=2)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "title": TITLES,
        "description": st.none() | TITLES,
        "due_on": DAYS,
        "starts_on": DAYS,
        "add_tags": TAGS,
        "priority": st.sampled_from([None, *PRIORITIES]),
        "project": st.sampled_from([None, "home", "home/garden"]),
    },
).flatmap(
    lambda fields: (
        st.just(fields) | st.just(fields | {"due_time": time(17)})
        if fields.get("due_on")
        else st.just(fields) | st.just(fields | {"is_someday": not fields.get("starts_on")})
    )
)


@dataclass
class Person:
    """A user: `states` has their lists so far, and `place` is the current one among them."""

    owner: Owner
    states: list[list[dict[str, Any]]] = field(default_factory=lambda: [[]])
    place: int = 0


class UndoMachine(RuleBasedStateMachine):
    """Two users of the database, new for each run, one at a time, by one of several clients: the `stores`.

    `done` counts what was done in all runs.
    """

    stores: ClassVar[Sequence[Store]]
    console: ClassVar[Console]
    done: ClassVar[Counter[str]] = Counter()

    @initialize()
    def begin(self) -> None:
        """Register the users, each with a few todos."""
        self.store = self.stores[0]
        self.people = []
        for _ in range(2):
            name = uuid.uuid4().hex
            with self.store.session() as session:
                self.person = Person(Owner(name, Users(session).ensure(name)))
            self.people.append(self.person)
            self._apply(lambda todos: todos.add([TodoCreate(title=title) for title in "abc"]), "add")
            self._apply(lambda todos: todos.add([TodoCreate(title="d", every="week", parent=1)]), "add every")

    @property
    def owner(self) -> Owner:
        """The user who runs the commands."""
        return self.person.owner

    @property
    def states(self) -> list[list[dict[str, Any]]]:
        """The lists of that user."""
        return self.person.states

    @property
    def place(self) -> int:
        """Which of these is the current one."""
        return self.person.place

    @place.setter
    def place(self, place: int) -> None:
        self.person.place = place

    @rule(person=st.integers(0, 1), client=st.integers(0, 1))
    def switch(self, person: int, client: int) -> None:
        """Go on as another user, or with another client."""
        self.person = self.people[person]
        self.store = self.stores[client % len(self.stores)]

    @invariant()
    def the_other_user_notices_nothing(self) -> None:
        """Look at the list of the user who does nothing."""
        if not hasattr(self, "person"):
            return
        current = self.person
        for person in self.people:
            self.person = person
            assert self._list() == self.states[self.place]
        self.person = current

    # By the program

    @rule(titles=st.lists(TITLES, min_size=1, max_size=3))
    def add(self, titles: list[str]) -> None:
        """Add todos."""
        self._apply(lambda todos: todos.add([TodoCreate(title=title) for title in titles]), "add")

    @rule(title=TITLES, links=LINKS)
    def add_one(self, title: str, links: dict[str, Any]) -> None:
        """Add a todo that repeats, needs others, or is a subtask."""
        self._apply(lambda todos: todos.add([TodoCreate(title=title, **links)]), f"add {_kind(links)}")

    @rule(verb=st.sampled_from(["complete", "reopen", "remove", "restore"]), numbers=NUMBERS)
    def change(self, verb: str, numbers: list[int]) -> None:
        """Change several todos."""
        named = References((NumberRange(min(numbers), max(numbers)),))
        self._apply(lambda todos: getattr(todos, verb)(named), verb)

    @rule(number=st.integers(1, 6), fields=FIELDS, series=st.booleans())
    def edit(self, number: int, fields: dict[str, Any], *, series: bool) -> None:
        """Change a todo, or its series."""
        update = TodoUpdate(**fields)
        self._apply(lambda todos: todos.edit(References((number,), single=True), update, series=series), "edit")

    @rule(number=st.integers(1, 6), links=LINKS | UNLINKED)
    def link(self, number: int, links: dict[str, Any]) -> None:
        """Let a todo repeat, need others, or be a subtask, or no longer, unless that would be a circle."""
        update = TodoUpdate(**links)
        self._apply(lambda todos: todos.edit(References((number,), single=True), update), f"edit {_kind(links)}")

    @rule(number=st.integers(1, 6))
    def complete_with_children(self, number: int) -> None:
        """Complete a todo and its subtasks."""
        named = References((number,), single=True)
        self._apply(
            lambda todos: todos.todos.complete(named, key(None, "done", n=number), with_children=True), "with children"
        )

    @rule(verb=st.sampled_from(["complete", "remove"]), data=st.data())
    def end_occurrence(self, verb: str, data: st.DataObject) -> None:
        """Complete or remove a todo that repeats."""
        repeating = [todo["number"] for todo in self._list() if todo["rrule"]]
        if repeating:
            named = References((data.draw(st.sampled_from(repeating)),), single=True)
            self._apply(lambda todos: getattr(todos, verb)(named), "end occurrence")

    @rule(number=st.integers(1, 6))
    def skip(self, number: int) -> None:
        """Move a todo that repeats on to its next date."""
        before = self._count()
        named = References((number,), single=True)
        with contextlib.suppress(NotFound, ValidationError):
            self.store.atomically(
                lambda session: Edits(session, self.owner, COMMAND_LINE).skip(named, key(None, "skip", number=number))
            )
        self._took("skip", self._count() - before)

    @invariant()
    def no_place_of_a_series_is_taken_twice(self) -> None:
        """Look at all todos that repeat, in the trash as well."""
        if not hasattr(self, "person"):
            return
        rows = self.console.run(
            "SELECT series_id, series_place FROM todos WHERE user_id = :user AND series_id IS NOT NULL",
            user=self.owner.id,
        )
        assert len(rows) == len(set(rows))

    @invariant()
    def nothing_waits_for_itself(self) -> None:
        """Look at all that todos need, in the trash as well."""
        if not hasattr(self, "person"):
            return
        rows = self.console.run("SELECT number, needs FROM todos WHERE user_id = :user", user=self.owner.id)
        needs = {number: json.loads(found) if isinstance(found, str) else found or [] for number, found in rows}
        assert find_cycle(needs) == []

    @invariant()
    def nothing_is_under_itself_or_too_deep(self) -> None:
        """Look at all parents, in the trash as well."""
        if not hasattr(self, "person"):
            return
        parents = dict(self.console.run("SELECT number, parent FROM todos WHERE user_id = :user", user=self.owner.id))
        for number in parents:
            path = [number]
            while parents.get(path[-1]) in parents:
                path.append(parents[path[-1]])
                assert len(path) <= MAX_LEVELS

    # At a console

    @rule(numbers=NUMBERS, title=TITLES)
    def rewrite(self, numbers: list[int], title: str) -> None:
        """Change several todos in one transaction, one of them twice."""
        with self._at_console("console: update"):
            self._sql("UPDATE todos SET title = substr(:title, 1, 9)", numbers, title=title)
            self._sql("UPDATE todos SET description = 'by hand', completed_at = created_at", numbers[:1])
            self._sql(
                "UPDATE todos SET due_on = '2026-11-27', due_time = :at, is_someday = false", numbers[:2], at="17:00:00"
            )

    @rule(numbers=NUMBERS)
    def delete(self, numbers: list[int]) -> None:
        """Delete todos."""
        with self._at_console("console: delete"):
            self._sql("DELETE FROM todos", numbers)

    @rule(title=TITLES)
    def insert(self, title: str) -> None:
        """Add a todo by hand."""
        with self._at_console("console: insert"):
            last = self.console.value("SELECT last_number FROM users WHERE id = :user", user=self.owner.id)
            assert self.owner.id
            self.console.add(self.owner.id, last + 1, title)

    # Undo and redo

    @precondition(lambda self: self.place > 0)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """Undo changes."""
        self._reverse("undo", data.draw(st.integers(1, self.place)))

    @precondition(lambda self: self.place < len(self.states) - 1)
    @rule(data=st.data())
    def redo(self, data: st.DataObject) -> None:
        """Redo changes."""
        self._reverse("redo", data.draw(st.integers(1, len(self.states) - 1 - self.place)))

    @rule()
    def too_much(self) -> None:
        """Ask for one change too many."""
        before = self._list()
        verbs: tuple[tuple[Verb, int], ...] = (("undo", self.place + 1), ("redo", len(self.states) - self.place))
        for verb, count in verbs:
            with contextlib.suppress(NotFound):
                self._atomically(verb, count)
                raise AssertionError(f"{verb} {count} should not be possible")
        assert self._list() == before

    def teardown(self) -> None:
        """Go to the start, and to the end; then replay history."""
        if not hasattr(self, "person"):
            return
        for person in self.people:
            self.person = person
            if self.place:
                self._reverse("undo", self.place)
            assert self._list() == []
            if len(self.states) > 1:
                self._reverse("redo", len(self.states) - 1)
            assert self._list() == self.states[-1]
            self._replay()
        self.console.check_counts()
        self.done["runs"] += 1

    # Bookkeeping

    def _apply(self, make: Any, what: str) -> None:
        before, repeating = self._count(), self._occurrences()
        with self.store.session() as session, contextlib.suppress(NotFound, ValidationError):
            make(Client(session, self.owner))
        self._refuse_lost(repeating, self._occurrences())
        self._took(what, self._count() - before)

    def _occurrences(self) -> dict[tuple[str, int], str]:
        """Return what became of each occurrence of the series without an end: open, paused, done or trash.

        It pauses below a parent that is not open.
        """
        ended = "above.completed_at IS NOT NULL OR above.deleted_at IS NOT NULL"
        rows = self.console.run(
            f"SELECT series_id, series_place, CASE WHEN EXISTS (SELECT 1 FROM todos AS above WHERE ({ended})"
            " AND above.user_id = todos.user_id AND above.number = todos.parent) THEN 'paused'"
            " WHEN deleted_at IS NOT NULL THEN 'trash' WHEN completed_at IS NOT NULL THEN 'done' ELSE 'open' END"
            " FROM todos WHERE user_id = :user AND rrule IS NOT NULL AND ends_on IS NULL AND times IS NULL",
            user=self.owner.id,
        )
        return {(str(series), place): state for series, place, state in rows}

    def _refuse_lost(self, before: dict[tuple[str, int], str], after: dict[tuple[str, int], str]) -> None:
        """Fail if an open occurrence has ended, and none follows."""
        there = {(series, place) for (series, place), state in after.items() if state != "trash"}
        for (series, place), state in before.items():
            if state == "open" and after.get((series, place)) in ("done", "trash"):
                assert any(each == series and later > place for each, later in there), (series, place)
                self.done["occurrences followed"] += 1

    @contextlib.contextmanager
    def _at_console(self, what: str) -> Iterator[None]:
        before = self._count()
        with self.console.transaction():
            yield
        self._took(what, self._count() - before)

    def _took(self, what: str, count: int) -> None:
        """Note where the list is now. A console's change to several todos is several changes on SQLite."""
        self.done[what] += count
        for left in reversed(range(count)):
            del self.states[self.place + 1 :]
            self.states.append(self._list() if left == 0 else [])
            self.place += 1
        if count > 1:  # undo shows the lists in between
            for place in range(self.place - 1, self.place - count, -1):
                self._atomically("undo", 1)
                self.states[place] = self._list()
            self._atomically("redo", count - 1)
            assert self._list() == self.states[self.place]

    def _reverse(self, verb: Verb, count: int) -> None:
        self.place += count if verb == "redo" else -count
        self._atomically(verb, count)
        self.done[verb] += count
        assert self._list() == self.states[self.place]

    def _atomically(self, verb: Verb, count: int) -> None:
        request = key(None, verb, count=count)
        self.store.atomically(lambda session: Undo(session, self.owner).reverse(verb, count, request))

    def _list(self) -> list[dict[str, Any]]:
        with self.store.session() as session:
            todos = Client(session, self.owner).find(TodoQuery("all")).items
        return [{name: getattr(todo, name) for name in KEPT} for todo in todos]

    def _count(self) -> int:
        count = self.console.value("SELECT count(*) FROM changes WHERE user_id = :user", user=self.owner.id)
        assert isinstance(count, int)
        return count

    def _sql(self, statement: str, numbers: list[int], **values: object) -> None:
        places = ", ".join(map(str, numbers))
        where = f" WHERE user_id = :user AND number IN ({places})"
        self.console.run(statement + where, user=self.owner.id, **values)

    def _replay(self) -> None:
        """Replay history from the start: it must have no gap, and end with what is stored."""
        assert self.owner.id
        todos: dict[uuid.UUID, Any] = {}
        for row in self.console.history(self.owner.id):
            assert todos.get(row.todo) == row.before, "each row begins where the one before it ended"
            todos[row.todo] = row.after
            self.done["rows replayed"] += 1
        with self.store.session() as session:
            mine = Client(session, self.owner)
            stored = [*mine.find(TodoQuery("all")).items, *mine.find(TodoQuery("trash")).items]
        known = {
            key: row | {name: row[name] or [] for name in ("tags", "needs")}
            for key, row in todos.items()
            if row is not None
        }
        assert known == {todo.id: {name: todo.model_dump(mode="json")[name] for name in KEPT} for todo in stored}


def _kind(links: dict[str, Any]) -> str:
    """Return what fields are about: `needs`, `parent` or `every`."""
    return next((kind for kind in ("needs", "parent") if any(kind in name for name in links)), "every")
