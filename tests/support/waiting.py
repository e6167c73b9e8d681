"""Waits for events, and gives tests a clock of their own: no test depends on how fast the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable

from todocli.database.deadline import Clock

TIMEOUT = 120.0
"""After how many seconds an event that does not come fails a test."""


class FakeClock(Clock):
    """A clock that only sleeping moves: retries take no real time, however many there are."""

    def __init__(self) -> None:
        self.now = 0.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class SlowClock(Clock):
    """A clock so slow that a busy machine meets the usual deadlines; pauses pass at once."""

    def __init__(self) -> None:
        self._paused = 0.0

    def time(self) -> float:
        return super().time() / 10 + self._paused

    def sleep(self, seconds: float) -> None:
        self._paused += seconds
        super().sleep(seconds / 100)


class ClockFrom(Clock):
    """A clock that stands still until `condition` holds, and runs from then on."""

    def __init__(self, condition: Callable[[], bool]) -> None:
        self._condition = condition
        self._since: float | None = None

    def time(self) -> float:
        if self._since is None and self._condition():
            self._since = super().time()
        return 0.0 if self._since is None else super().time() - self._since

    def sleep(self, seconds: float) -> None:
        assert self._condition(), "sleeping on a clock that stands still would never end"
        super().sleep(seconds)


def wait_until(condition: Callable[[], object], what: str) -> None:
    """Return when `condition` holds; fail if `what` does not happen."""
    end = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < end, f"still waiting for {what}"
        time.sleep(0.01)
