"""Whatever was done, from the program or from a console, undo goes to the start and redo to the end."""

from __future__ import annotations

import contextlib

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.console import Console
from tests.support.undo_machine import UndoMachine
from todocli.database.store import open_store
from todocli.database.target import Target

RUN = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_undo_to_the_start_and_redo_to_the_end(database: Target) -> None:
    """More of it: `python -m tests.benchmarks.undo`."""
    with open_store(database, seconds=60) as store, contextlib.closing(Console(database)) as console:

        class Here(UndoMachine):
            pass

        Here.store, Here.console = store, console
        Here.done.clear()
        run_state_machine_as_test(Here, settings=RUN)
        assert Here.done["undo"] > 50
        assert Here.done["console: update"] > 3
