"""Somebody who does anything, in any order, from the program and from a console, and takes it back: a state machine.

What is true at every moment: undoing N steps shows the list of N steps ago, redoing shows it again. At the end, undone
to the start the list is empty, redone to the end it is as it was; and history, replayed, gives the tables.
"""

from __future__ import annotations

import contextlib
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import date, time
from functools import partial
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.support.console import Console
from todocli.database.store import Store
from todocli.database.target import Target
from todocli.domain.fields import PRIORITIES
from todocli.domain.references import NumberRange, References
from todocli.errors import NotFound
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.history.undo import Undo
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.todos import Todos
from todocli.services.users import Users

KEPT = (
    *("number", "title", "description", "completed_at", "created_at", "deleted_at"),
    *("due_on", "due_time", "starts_on", "priority", "project", "tags"),
)

NUMBERS = st.lists(st.integers(1, 6), min_size=1, max_size=4, unique=True)
TITLES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=9).filter(str.strip)
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
        st.just(fields) | st.just(fields | {"due_time": time(17)}) if fields.get("due_on") else st.just(fields)
    )
)


class UndoMachine(RuleBasedStateMachine):
    """One user of the database at `target`, new for each run. `done` counts what was done in all runs."""

    target: ClassVar[Target]
    store: ClassVar[Store]
    console: ClassVar[Console]
    done: ClassVar[Counter[str]] = Counter()

    @initialize()
    def begin(self) -> None:
        """Register somebody; the states of the list so far are in `states`, and the list is at `place` among them."""
        name = uuid.uuid4().hex
        with self.store.session() as session:
            self.owner = Owner(name, Users(session).ensure(name))
        self.states: list[list[dict[str, Any]]] = [[]]
        self.place = 0

    # What the program does

    @rule(titles=st.lists(TITLES, min_size=1, max_size=3))
    def add(self, titles: list[str]) -> None:
        """Add todos."""
        self._step(lambda todos: todos.add([TodoCreate(title=title) for title in titles]), "add")

    @rule(verb=st.sampled_from(["complete", "reopen", "remove", "restore"]), numbers=NUMBERS)
    def change(self, verb: str, numbers: list[int]) -> None:
        """Make one step on several todos."""
        named = References((NumberRange(min(numbers), max(numbers)),))
        self._step(lambda todos: getattr(todos, verb)(named), verb)

    @rule(number=st.integers(1, 6), fields=FIELDS)
    def edit(self, number: int, fields: dict[str, Any]) -> None:
        """Change a todo."""
        update = TodoUpdate(**fields)
        self._step(lambda todos: todos.edit(References((number,), single=True), update), "edit")

    # What somebody at a console does

    @rule(numbers=NUMBERS, title=TITLES)
    def rewrite(self, numbers: list[int], title: str) -> None:
        """Change several todos in one transaction, one of them twice."""
        with self._at_console("console: update"):
            self._sql("UPDATE todos SET title = substr(:title, 1, 9)", numbers, title=title)
            self._sql("UPDATE todos SET description = 'by hand', completed_at = created_at", numbers[:1])
            self._sql("UPDATE todos SET due_on = '2026-11-27', due_time = :at", numbers[:2], at="17:00:00")

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

    # What is taken back

    @precondition(lambda self: self.place > 0)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        """Take steps back."""
        self._turn("undo", data.draw(st.integers(1, self.place)))

    @precondition(lambda self: self.place < len(self.states) - 1)
    @rule(data=st.data())
    def redo(self, data: st.DataObject) -> None:
        """Make steps again."""
        self._turn("redo", data.draw(st.integers(1, len(self.states) - 1 - self.place)))

    @rule()
    def too_much(self) -> None:
        """Ask for one step more than there is."""
        before = self._list()
        for verb, count in (("undo", self.place + 1), ("redo", len(self.states) - self.place)):
            with contextlib.suppress(NotFound):
                self._atomically(verb, count)
                raise AssertionError(f"{verb} {count} should not be possible")
        assert self._list() == before

    def teardown(self) -> None:
        """Go to the start, and to the end; then replay history."""
        if not hasattr(self, "states"):
            return
        if self.place:
            self._turn("undo", self.place)
        assert self._list() == []
        if len(self.states) > 1:
            self._turn("redo", len(self.states) - 1)
        assert self._list() == self.states[-1]
        self.done["runs"] += 1
        self._replay()

    # How it is done

    def _step(self, make: Any, what: str) -> None:
        steps = self._steps()
        with self.store.session() as session, contextlib.suppress(NotFound):
            make(Todos(session, self.owner))
        self._took(what, self._steps() - steps)

    @contextlib.contextmanager
    def _at_console(self, what: str) -> Iterator[None]:
        steps = self._steps()
        with self.console.transaction():
            yield
        self._took(what, self._steps() - steps)

    def _took(self, what: str, steps: int) -> None:
        """Note where the list is now. What a console does to several todos on SQLite is several steps."""
        self.done[what] += steps
        for left in reversed(range(steps)):
            del self.states[self.place + 1 :]
            self.states.append(self._list() if left == 0 else [])
            self.place += 1
        if steps > 1:  # what was between them, undo tells
            for place in range(self.place - 1, self.place - steps, -1):
                self._atomically("undo", 1)
                self.states[place] = self._list()
            self._atomically("redo", steps - 1)
            assert self._list() == self.states[self.place]

    def _turn(self, verb: str, count: int) -> None:
        self.place += count if verb == "redo" else -count
        self._atomically(verb, count)
        self.done[verb] += count
        assert self._list() == self.states[self.place]

    def _atomically(self, verb: str, count: int) -> None:
        turn = partial(getattr(Undo, verb), count=count, change=uuid.uuid4())
        self.store.atomically(lambda session: turn(Undo(session, self.owner)))

    def _list(self) -> list[dict[str, Any]]:
        with self.store.session() as session:
            todos = Todos(session, self.owner).find(TodoQuery("all")).items
        return [{name: getattr(todo, name) for name in KEPT} for todo in todos]

    def _steps(self) -> int:
        count = self.console.value("SELECT count(*) FROM changes WHERE user_id = :user", user=self.owner.id)
        assert isinstance(count, int)
        return count

    def _sql(self, statement: str, numbers: list[int], **values: object) -> None:
        places = ", ".join(map(str, numbers))
        where = f" WHERE user_id = :user AND number IN ({places})"
        self.console.run(statement + where, user=self.owner.id, **values)

    def _replay(self) -> None:
        """Let history happen again, from nothing: it must be without a gap, and end with what is stored."""
        assert self.owner.id
        todos: dict[uuid.UUID, Any] = {}
        for step in self.console.history(self.owner.id):
            assert todos.get(step.todo) == step.before, "what was before is what was after, the time before"
            todos[step.todo] = step.after
            self.done["rows replayed"] += 1
        with self.store.session() as session:
            mine = Todos(session, self.owner)
            stored = [*mine.find(TodoQuery("all")).items, *mine.find(TodoQuery("trash")).items]
        known = {key: row | {"tags": row["tags"] or []} for key, row in todos.items() if row is not None}
        assert known == {todo.id: {name: todo.model_dump(mode="json")[name] for name in KEPT} for todo in stored}
