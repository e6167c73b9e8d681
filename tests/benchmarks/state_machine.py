"""One random session on both engines: `python -m tests.benchmarks.state_machine [--operations N] [--seed N]`.

Two clients of one user take turns, a console writes in between, and another user must not notice. After each operation,
both engines must have given the same answer. Now and then all tables, the log, history and lists are compared, and the
lists with those of the HTTP API. The first divergence ends it; the same seed leads there again. What must differ is
left out: the clocks of the databases, and the ids that they give to the changes of a console.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import time
from collections import Counter, deque
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.support import postgres
from tests.support.one_engine import Side, same
from tests.support.random_operations import Chance, Operation
from todocli import clock
from todocli.database.setup import ensure_schema
from todocli.services.queries import TodoQuery

LONGEST, MOST = 1_500, 250
"""A new user takes over after this many operations or todos, so that each operation stays fast."""


class Clock(datetime):
    """What `todocli.clock` asks for the time: it stands still during an operation."""

    moment = datetime(2026, 11, 23, 12, 0, 0, 500, UTC)

    @classmethod
    def now(cls, tz: Any = None) -> Any:
        """Return the moment."""
        return cls.moment


class Session:
    """The same operations on both sides."""

    def __init__(self, seed: int, sides: list[Side]) -> None:
        self.chance = Chance(random.Random(seed))
        self.sides = sides
        self.done: Counter[str] = Counter()
        self.trail: deque[Operation] = deque(maxlen=20)
        self._begin()

    def operation(self, every: int) -> None:
        """Take one operation, and compare; in full once in `every` operations."""
        if self.done["operations"] - self._since >= LONGEST or len(self.chance.known) > MOST:
            self._begin()
        Clock.moment += timedelta(seconds=self.chance.random.choice([0, 1, 30, 600, 9_000]))
        operation = self.chance.operation()
        self.trail.append(operation)
        self.done["operations"] += 1
        one, other = (side.run(operation) for side in self.sides)
        same("answers", operation, one, other)
        self.done[f"{operation.verb}: {one.partition(': ')[0] if isinstance(one, str) else 'answered'}"] += 1
        before = self.chance.known
        self.chance.known, self.chance.last = self.sides[0].numbers()
        if operation.verb == "purge":
            self.chance.deleted.clear()
        elif operation.verb == "console":
            self.chance.deleted |= {number: before[number] for number in before.keys() - self.chance.known.keys()}
        if self.done["operations"] % every == 0:
            self._check()

    def _begin(self) -> None:
        """Add a user and a stranger to both sides."""
        if self.done["operations"]:
            self._check()
        self._since = self.done["operations"]
        user, self._stranger = self.chance.id(), self.chance.id()
        for side in self.sides:
            side.begin(user, self._stranger)
        theirs = self.sides[0].tables(self._stranger)
        self._theirs = theirs
        self.chance.strangers = [row["id"] for row in theirs["todos"]]
        self.chance.known, self.chance.deleted, self.chance.recent, self.chance.last = {}, {}, [], 0

    def _check(self) -> None:
        """Compare everything."""
        self.done["full comparisons"] += 1
        one, other = (side.tables(side.user) for side in self.sides)
        for name, rows in one.items():
            for mine, others in zip(rows, other[name], strict=False):
                same(f"table {name}", None, mine, others)
            same(f"rows of {name}", None, len(rows), len(other[name]))
        for side in self.sides:
            same("the stranger", None, self._theirs, side.tables(self._stranger))
        queries = [TodoQuery("open"), TodoQuery("completed"), TodoQuery("all"), TodoQuery("trash")]
        queries += [self.chance.query() for _ in range(8)]
        first, second = (side.check(queries) for side in self.sides)
        for query, mine, others in zip([*queries, "the log"], first, second, strict=True):
            same("lists", query, mine, others)


def main() -> None:
    """Run the session, and print where it is."""
    parser = argparse.ArgumentParser()
    for name, default in (("operations", 20_000), ("seed", 1), ("every", 250)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    os.environ["TZ"] = "UTC"
    time.tzset()
    with tempfile.TemporaryDirectory() as home, postgres.migrated() as url, ExitStack() as stack:
        stack.enter_context(patch.object(clock, "datetime", Clock))
        path = Path(home) / "todo.db"
        ensure_schema(path)
        session = Session(given.seed, [Side(path, stack), Side(url, stack)])
        begun = time.monotonic()
        for i in range(1, given.operations + 1):
            try:
                session.operation(given.every)
            except BaseException:
                print(
                    f"seed {given.seed}, stopped at operation {i}; the last operations:",
                    *session.trail,
                    sep="\n  ",
                    flush=True,
                )
                raise
            if i % 1_000 == 0:
                print(f"{i} operations, {i / (time.monotonic() - begun):.0f} per second", flush=True)
    for name, count in sorted(session.done.items()):
        print(f"{count:8,} {name}")
    print(f"seed {given.seed}: {given.operations} operations, 0 divergences")


if __name__ == "__main__":
    main()
