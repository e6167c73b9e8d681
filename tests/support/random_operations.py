"""Makes the operations of a session at random: what two clients and a console ask for, one after the other."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID

from tests.support.strategies import PROJECTS, TAGS, TEXTS, TIMES
from todocli import clock
from todocli.domain.fields import PRIORITIES
from todocli.domain.filters import ast
from todocli.domain.references import NumberRange, Reference, References
from todocli.domain.sorting import SortKey, parse_sort
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.history.log import LogQuery
from todocli.services.history.purge import TrashQuery
from todocli.services.queries import TodoQuery
from todocli.services.selection import Chosen, Selection

WORDS = (
    *TEXTS,
    *["é", "e\u0301", "ß", "Straße", "🙂", "--", "1-2", "Z", "[a-z]*", "$1", ":x"],
    "x" * 120,
    "a\tb",
    "\u2028x",
)
NAMES = (*TAGS, "ä", "ε", "z", *(f"t{i}" for i in range(20)))
STATES: tuple[Any, ...] = ("open", "completed", "all", "trash")
WEIGHTS = {"add": 16, "edit": 20, "complete": 9, "reopen": 6, "remove": 9, "restore": 7, "undo": 12, "redo": 3}
WEIGHTS |= {"purge": 2, "console": 12, "page": 3, "log": 3, "get": 1, "summaries": 1}


@dataclass(frozen=True)
class Operation:
    """What a client asks for, under a key. The same operation again is a repetition."""

    verb: str
    client: int
    key: UUID
    options: dict[str, Any]


@dataclass
class Chance:
    """Makes operations and filters at random. `known` are the user's todos by number."""

    random: random.Random
    strangers: list[UUID] = field(default_factory=list)
    known: dict[int, UUID] = field(default_factory=dict)
    deleted: dict[int, UUID] = field(default_factory=dict)
    last: int = 0
    recent: list[Operation] = field(default_factory=list)

    def operation(self) -> Operation:
        """Return the next operation; sometimes an earlier one again, or another one under its key."""
        client, again = self.random.randrange(2), self.random.random()
        if self.recent and again < 0.05:
            return replace(self.random.choice(self.recent), client=client)
        (verb,) = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))
        if self.recent and self.recent[-1].verb == "undo" and self.often(0.4):
            verb = "redo"  # there is nothing to redo after anything else
        change = self.random.choice(self.recent).key if self.recent and again < 0.06 else self.id()
        operation = Operation(verb, client, change, getattr(self, f"_{verb}", self._change)())
        if verb != "console":
            self.recent = [*self.recent[-29:], operation]
        return operation

    def id(self) -> UUID:
        """Return an id."""
        return UUID(int=self.random.getrandbits(128), version=4)

    def often(self, share: float) -> bool:
        """Return true in this share of all cases."""
        return self.random.random() < share

    def filter(self, depth: int = 2) -> ast.Filter:
        """Return a filter."""
        kind = self.random.randrange(12 if depth else 9)
        if kind >= 9:
            parts = [self.filter(depth - 1) for _ in range(self.random.randint(2, 3))]
            return ast.Not(parts[0]) if kind == 9 else ast.all_of(*parts) if kind == 10 else ast.any_of(*parts)
        first, last = sorted([self._day(), self._day()])
        makers: tuple[Any, ...] = (
            lambda: ast.Tagged(self.random.choice([None, *NAMES])),
            lambda: ast.InProject(self.random.choice([None, *PROJECTS])),
            lambda: ast.HasPriority(self.random.choice([None, *PRIORITIES])),
            lambda: ast.Between(
                self.random.choice(["due", "start"]), *self.random.choice([(first, last), (None, last)])
            ),
            ast.Overdue,
            lambda: ast.Contains(self.random.choice(WORDS)),
            lambda: ast.Needs(self.random.choice([None, *self.known])),
            ast.Blocked,
            lambda: ast.Under(None),
        )
        found: ast.Filter = makers[kind]()
        return found

    def query(self, **more: Any) -> TodoQuery:
        """Return a list to ask for."""
        keys = self.random.sample(get_args(SortKey), self.random.choice([0, 0, 1, 2]))
        sort = ",".join(self.random.choice(["", "-"]) + name for name in keys)
        condition = ast.EVERYTHING if self.often(0.3) else self.filter()
        return TodoQuery(self.random.choice(STATES), condition, parse_sort(sort), self.often(0.3), **more)

    def _day(self) -> Any:
        return clock.today() + timedelta(days=self.random.randint(-9, 12))

    def _title(self) -> str:
        return " ".join(self.random.choices(WORDS, k=self.random.randint(1, 2)))

    def _fields(self, *counts: int) -> dict[str, Any]:
        """Return one of these `counts` of fields."""
        makers: dict[str, Any] = {
            "title": self._title,
            "description": lambda: self.random.choice([None, self._title()]),
            "due_on": lambda: self.random.choice([None, self._day(), self._day()]),
            "starts_on": lambda: self.random.choice([None, self._day()]),
            "priority": lambda: self.random.choice([None, *PRIORITIES]),
            "project": lambda: self.random.choice([None, *PROJECTS]),
            "tags": lambda: self.random.sample(NAMES, self.random.choice([0, 1, 2, 12])),
            "every": lambda: self.random.choice([None, "day", "mon,thu", "month on 31", "2w"]),
            "parent": lambda: self.random.choice([None, *self.known]),
            "needs": lambda: self.random.sample([*self.known], min(len(self.known), self.random.choice([0, 1, 1, 3]))),
        }
        fields = {name: makers[name]() for name in self.random.sample([*makers], self.random.choice(counts))}
        return fields | {"due_time": self.random.choice(TIMES)} if fields.get("due_on") and self.often(0.6) else fields

    def _references(self, most: int = 4) -> References:
        found: list[Reference] = []
        for _ in range(self.random.choice([1, 1, 2, most])):
            number = self.random.choice([*self.known] or [1])
            strange: list[Reference] = [
                self.last + 1,
                self.random.choice(self.strangers),
                self.random.randint(1, self.last + 1),
            ]
            usual: list[Reference] = [
                number,
                number,
                number,
                self.known.get(number, number),
                NumberRange(number, number + 3),
            ]
            found.append(self.random.choice(strange if self.often(0.04) else usual))
        items = tuple(dict.fromkeys(found))
        return References(items, single=len(items) == 1 and not isinstance(items[0], NumberRange))

    def _chosen(self) -> Chosen:
        if self.often(0.7):
            return self._references()
        ids = tuple(self.random.sample([*self.known.values()], len(self.known) // 4))
        confirmed = ids if self.often(0.4) else None
        return Selection(self.query(), confirmed, unasked=self.often(0.2), dry_run=self.often(0.1))

    def _change(self) -> dict[str, Any]:
        return {"chosen": self._chosen()}

    def _remove(self) -> dict[str, Any]:
        chosen = self._chosen()
        if not (isinstance(chosen, References) and chosen.single):
            return {"chosen": chosen}
        return {"chosen": chosen, "expected": self.random.choice([None, "newest", self.id()])}

    def _add(self) -> dict[str, Any]:
        drafts = [
            {"title": self._title()} | self._fields(0, 1, 2, 4) for _ in range(self.random.choice([1, 1, 1, 1, 2, 4]))
        ]
        return {"drafts": [TodoCreate(**draft) for draft in drafts]}

    def _edit(self) -> dict[str, Any]:
        fields = self._fields(0, 1, 1, 2) | ({"is_completed": self.often(0.5)} if self.often(0.15) else {})
        if "tags" in fields and self.often(0.7):
            names, cut = fields.pop("tags"), self.random.randrange(4)
            fields |= {"remove_tags": names[:cut], "add_tags": names[cut:]}
        if "needs" in fields and self.often(0.7):
            fields[self.random.choice(["add_needs", "remove_needs"])] = fields.pop("needs")
        return self._remove() | {"update": TodoUpdate(**fields), "series": self.often(0.3)}

    def _undo(self) -> dict[str, Any]:
        return {"count": self.random.randint(1, 3), "force": self.often(0.3), "dry_run": self.often(0.05)}

    _redo = _undo

    def _purge(self) -> dict[str, Any]:
        until = clock.now() - timedelta(hours=self.random.randint(0, 9))
        return {"trash": TrashQuery(self.random.choice([None, self._references(2)]), self.random.choice([None, until]))}

    def _page(self) -> dict[str, Any]:
        return {"query": self.query(limit=self.random.randint(1, 40))}

    def _log(self) -> dict[str, Any]:
        of_todo = self.random.choice([None, *self._references(1).items])
        todo = None if isinstance(of_todo, NumberRange) else of_todo
        return {"query": LogQuery(todo, limit=self.random.randint(1, 30), per_change=self.random.choice([None, 2]))}

    def _get(self) -> dict[str, Any]:
        return {"chosen": self._references()}

    def _summaries(self) -> dict[str, Any]:
        return {}

    def _console(self) -> dict[str, Any]:
        """Return one change at a console: of one todo, because SQLite cannot tell which rows belong together."""
        number, todo = self.random.choice([*self.known.items()] or [(1, self.id())])
        kind = self.random.choice(
            ["update", "update", "update", "stamped", "delete", "insert", "again", "wrong", "none"]
        )
        if kind == "again" and self.deleted:
            number, todo = self.random.choice([*self.deleted.items()])
        left_out = ("due_time", "needs", "parent")
        sets: dict[str, Any] = {name: value for name, value in self._fields(0, 1, 2).items() if name not in left_out}
        for name in ("completed_at", "deleted_at"):
            if self.often(0.3):
                sets[name] = self.random.choice([None, clock.now()])
        numbers = self.random.sample([*self.known], min(3, len(self.known)))
        new = {"id": self.id(), "number": self.last + self.random.randint(1, 2), "title": self._title()}
        return {"kind": kind, "number": number, "todo": todo, "set": sets, "numbers": numbers, "new": new}
