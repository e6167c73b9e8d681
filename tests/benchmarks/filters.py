"""Filters at random, in SQL and in Python: `python -m tests.benchmarks.filters [STORES]`, on both engines; minutes.

Each store is somebody's todos, made at random, in which random filters look for some; a divergence ends it.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.test_filters import check
from tests.support import postgres, strategies
from todocli.database.setup import ensure_schema
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.domain.filters.ast import Filter
from todocli.schemas.todos import TodoCreate


def main(stores: int = 2_000) -> None:
    """Try it, and print the figures."""
    with tempfile.TemporaryDirectory() as home, postgres.migrated() as url:
        path = Path(home) / "todo.db"
        ensure_schema(path)
        for name, target in (("SQLite", path), ("Postgres", url)):
            begun = time.monotonic()
            count = _tried(target, stores)
            print(f"{name}: {stores} stores, {count} filters, no divergence, {time.monotonic() - begun:.0f} s")


def _tried(target: Target, stores: int) -> int:
    count = 0

    @settings(deadline=None, max_examples=stores, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(strategies.drafts(), min_size=1, max_size=8), st.lists(strategies.filters, min_size=1, max_size=4))
    def tried(todos: list[TodoCreate], conditions: list[Filter]) -> None:
        nonlocal count
        check(store, todos, conditions)
        count += len(conditions)

    with open_store(target, seconds=60) as store:
        tried()
    return count


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
