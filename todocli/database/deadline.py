"""Deadlines for remote database operations.

An operation on a remote database has one deadline for everything: looking up the host, connecting, every retry and
every wait for an answer. It travels in a context variable, so that it reaches psycopg's waits below SQLAlchemy.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

DEFAULT_SECONDS = 15.0
"""The time for an operation if the profile does not say otherwise."""

NOTIFY_AFTER = 0.7
"""Seconds of waiting after which the user is notified."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_LONGEST_WAIT = 60.0  # a selector does not take infinity


class Clock:
    """Monotonic time in seconds, and sleeping. Tests replace it."""

    def time(self) -> float:
        """Return the time."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


SYSTEM_CLOCK = Clock()


@dataclass
class Deadline:
    """The time that one operation has, in seconds from the creation of this object.

    `on_wait` is called once if the operation waits longer than usual.
    """

    seconds: float = DEFAULT_SECONDS
    on_wait: Callable[[], None] | None = None
    clock: Clock = field(default_factory=lambda: SYSTEM_CLOCK)
    _began: float = field(init=False)
    _waited: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._began = self.clock.time()

    def spent(self) -> float:
        """Return how many seconds have passed."""
        return self.clock.time() - self._began

    def left(self) -> float:
        """Return how many seconds remain, or 0."""
        return max(0.0, self.seconds - self.spent())

    def extend(self, seconds: float) -> None:
        """Give the operation more time, as it has turned out to be large."""
        self.seconds += seconds

    def next_wait(self) -> float:
        """Return for how many seconds to wait at most before calling `waited`."""
        wait = min(self.left(), _LONGEST_WAIT)
        return min(wait, max(NOTIFY_AFTER - self._waited, 0.01)) if self.on_wait else wait

    def waited(self, since: float) -> None:
        """Record a wait that began at `since` by the clock, and notify the user once if the waits add up.

        The program's own work in between does not count.
        """
        self._waited += self.clock.time() - since
        if self.on_wait and self._waited >= NOTIFY_AFTER:
            notify, self.on_wait = self.on_wait, None
            notify()

    def backoff(self, attempt: int) -> None:
        """Wait before the next attempt: longer each time, with jitter, so that clients do not return all at once."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
        end = self.clock.time() + min(self.left(), random.uniform(longest / 2, longest))  # noqa: S311 - not a secret
        while (rest := end - (now := self.clock.time())) > 0:
            self.clock.sleep(min(rest, self.next_wait()))
            self.waited(now)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current_deadline() -> Deadline:
    """Return the deadline of the running operation, or a new one."""
    return _current.get() or Deadline()


@contextmanager
def deadline_scope(deadline: Deadline) -> Iterator[Deadline]:
    """Run the body as one operation with `deadline`."""
    token = _current.set(deadline)
    try:
        yield deadline
    finally:
        _current.reset(token)
