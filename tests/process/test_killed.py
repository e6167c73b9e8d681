"""Commands that are killed at work: each takes effect as a whole or not at all, and acknowledged ones are stored."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.killed import Killed
from tests.support.prepared import LINES, Prepared

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_killed_command_is_complete_or_absent(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """More of it: `python -m tests.benchmarks.undo`."""
    killed = Killed(Prepared(request.getfixturevalue("postgres_url") if engine == "postgres" else None, tmp_path))
    chance = random.Random(1)
    for line in LINES:
        killed.run(line, chance)
    assert killed.found["killed"] == len(LINES)
