"""Undo under stress: `python -m tests.benchmarks.undo [RUNS] [KILLS] [LENGTH]`, on both engines. Takes minutes.

First a state machine (`tests.support.undo_machine`) runs LENGTH commands of two users in random order and undoes them,
RUNS times on each engine; the first divergence ends it. Then KILLS commands on each engine are killed at random moments
(`tests.support.killed`).
"""

from __future__ import annotations

import contextlib
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support import postgres
from tests.support.console import Console
from tests.support.killed import Killed
from tests.support.prepared import LINES, Prepared
from tests.support.undo_machine import UndoMachine
from todocli.database.setup import ensure_schema
from todocli.database.store import open_store
from todocli.database.target import Target


def main(runs: int = 300, kills: int = 150, length: int = 40) -> None:
    """Try it, and print the figures."""
    with tempfile.TemporaryDirectory() as home, postgres.migrated() as url:
        path = Path(home) / "todo.db"
        ensure_schema(path)
        for name, target in (("SQLite", path), ("Postgres", url)):
            _print(f"{name}, {runs} runs without a divergence", _machine(target, runs, length))
        for name, shared in (("SQLite", None), ("Postgres", url)):
            killed = Killed(Prepared(shared, Path(home) / name))
            chance = random.Random(kills)
            for i in range(kills):
                killed.run(LINES[i % len(LINES)], chance)
            _print(f"{name}, {kills} kills, none torn, lost or doubled", killed.found)


def _machine(target: Target, runs: int, length: int) -> Counter[str]:
    with (
        open_store(target, seconds=60) as store,
        open_store(target, seconds=60) as other,
        contextlib.closing(Console(target)) as console,
    ):
        UndoMachine.stores, UndoMachine.console = (store, other), console
        UndoMachine.done.clear()
        run_state_machine_as_test(
            UndoMachine,
            settings=settings(
                max_examples=runs, stateful_step_count=length, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
        return UndoMachine.done


def _print(title: str, figures: Counter[str]) -> None:
    print(f"\n{title}")
    for name, count in figures.items():
        print(f"{count:8,} {name}", flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
