"""Whatever happened, by the program or at a console, undo leads to the start and redo to the end."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.console import Console
from tests.support.undo_machine import UndoMachine
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.services.history import patches, undo

pytestmark = pytest.mark.slow

RUN = settings(
    max_examples=8,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("is_large", [False, True])
def test_undo_to_the_start_and_redo_to_the_end(
    database: Target, monkeypatch: pytest.MonkeyPatch, is_large: bool
) -> None:
    """More of it: `python -m tests.benchmarks.undo`. With `is_large`, as changes of thousands of todos are undone."""
    if is_large:
        monkeypatch.setattr(undo, "MANY", 1)
        for module in (undo, patches):
            monkeypatch.setattr(module, "PORTION", 2)
    with (
        open_store(database, seconds=60) as store,
        open_store(database, seconds=60) as other,
        contextlib.closing(Console(database)) as console,
    ):

        class Machine(UndoMachine):
            pass

        Machine.stores, Machine.console = (store, other), console
        Machine.done.clear()
        run_state_machine_as_test(Machine, settings=RUN)
        assert Machine.done["undo"] > 20
        assert Machine.done["console: update"] > 0
        for kind in ("needs", "parent", "every"):
            assert Machine.done[f"edit {kind}"] > 0
        for verb in ("complete", "reopen", "remove", "restore", "with children", "skip"):
            assert Machine.done[verb] > 0
        assert Machine.done["occurrences followed"] > 0
