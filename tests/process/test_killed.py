"""Commands that are killed at work: each is made as a whole or not at all, and what was acknowledged is there."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.support.killed import LINES, Killed


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_what_is_killed_is_made_or_not(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """More of it: `python -m tests.benchmarks.undo`."""
    killed = Killed(request.getfixturevalue("postgres_url") if engine == "postgres" else None, tmp_path)
    chance = random.Random(1)
    for line in LINES:
        killed.run(line, chance)
    assert killed.found["killed"] == len(LINES)
