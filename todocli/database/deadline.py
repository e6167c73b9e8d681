"""How long an operation on a far database may take, and who is told while it waits."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

DEFAULT_SECONDS = 15.0
"""How long an operation may take, connecting and all retries included, if the profile says nothing else."""

TELL_AFTER = 0.7
"""After how many seconds of waiting a person is told what is waited for."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_LONGEST_WAIT = 60.0  # a selector takes no infinity


@dataclass
class Deadline:
    """The time that one operation has, in seconds, from when this object was made."""

    seconds: float = DEFAULT_SECONDS
    on_wait: Callable[[], None] | None = None
    _began: float = field(default_factory=time.monotonic)
    _waited: float = 0.0

    def spent(self) -> float:
        """Return how many seconds are gone."""
        return time.monotonic() - self._began

    def left(self) -> float:
        """Return how many seconds remain, or 0."""
        return max(0.0, self.seconds - self.spent())

    def next_wait(self) -> float:
        """Return for how many seconds to wait at most before `waited` is to be called."""
        wait = min(self.left(), _LONGEST_WAIT)
        return min(wait, max(TELL_AFTER - self._waited, 0.01)) if self.on_wait else wait

    def waited(self, since: float) -> None:
        """Take note of a wait that began at `since`, by the monotonic clock; if it is long, tell so once.

        What the program itself takes in between is no wait.
        """
        self._waited += time.monotonic() - since
        if self.on_wait and self._waited >= TELL_AFTER:
            tell, self.on_wait = self.on_wait, None
            tell()

    def backoff(self, attempt: int) -> None:
        """Wait before the next try: longer each time, and by chance, so that many clients do not come back at once."""
        longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempt)
        end = time.monotonic() + min(self.left(), random.uniform(longest / 2, longest))  # noqa: S311 - no secret
        while (rest := end - (now := time.monotonic())) > 0:
            time.sleep(min(rest, self.next_wait()))
            self.waited(now)


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def current_deadline() -> Deadline:
    """Return the patience of the operation that runs, or a new one."""
    return _current.get() or Deadline()


@contextmanager
def deadline_scope(deadline: Deadline) -> Iterator[Deadline]:
    """Run the body as one operation that has `patience`."""
    token = _current.set(deadline)
    try:
        yield deadline
    finally:
        _current.reset(token)
