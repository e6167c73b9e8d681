"""What commands cost in large stores: `python -m tests.benchmarks.scale`. Prints the tables of docs/scale.md.

The largest store has 1,000,000 todos of 1,000 users; the others have one user. It takes several minutes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import postgres, scale
from todocli.database.setup import ensure_schema
from todocli.database.store import open_store
from todocli.database.target import Target

STORES = ((20, 1), (100_000, 1), (1_000, 1_000))
"""The todos of each user, and the users."""


def main() -> None:
    """Print a table for each engine, with planner statistics and without."""
    for engine, unit in (("SQLite", "steps"), ("Postgres", "buffers")):
        for statistics in (False, True):
            costs: dict[str, list[int]] = {}
            for todos, users in STORES:
                with _empty(engine) as target:
                    scale.fill(target, todos, users=users, statistics=statistics)
                    with open_store(target, seconds=3_600) as store:
                        for name, command in scale.commands(todos):
                            costs.setdefault(name, []).append(scale.cost(store, command, unit))
                print(f"{engine}: {todos * users:,} todos", file=sys.stderr, flush=True)
            print(f"\n{engine}, {unit}, {'with' if statistics else 'without'} statistics\n")
            print("| command |" + "".join(f" {todos * users:,} |" for todos, users in STORES))
            print("|---|" + "---:|" * len(STORES))
            for name, found in costs.items():
                print(f"| `{name}` |" + "".join(f" {cost:,} |" for cost in found), flush=True)


@contextmanager
def _empty(engine: str) -> Iterator[Target]:
    if engine == "Postgres":
        with postgres.migrated() as url:
            yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "todo.db"
        ensure_schema(path)
        yield path


if __name__ == "__main__":
    main()
