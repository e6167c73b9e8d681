"""Waits for an event, for time to pass, or until nobody reads the output any more."""

from __future__ import annotations

import select
import time


class Waiter:
    """Monotonic time in seconds, and waiting. Tests replace it.

    `output` is a descriptor, or None: if it is a pipe that nobody reads any more, waiting ends.
    """

    def __init__(self, output: int | None = None) -> None:
        self._output = output

    def time(self) -> float:
        """Return the time."""
        return time.monotonic()

    def wait(self, seconds: float | None, descriptor: int | None = None) -> bool:
        """Return whether `descriptor` can be read within some seconds; None: wait for as long as it takes.

        Raises `BrokenPipeError`.
        """
        poll = select.poll()
        if self._output is not None:
            poll.register(self._output, 0)  # errors alone
        if descriptor is not None:
            poll.register(descriptor, select.POLLIN)
        ready = dict(poll.poll(None if seconds is None else seconds * 1000))
        if self._output is not None and ready.get(self._output, 0) & (select.POLLERR | select.POLLHUP):
            raise BrokenPipeError
        return descriptor in ready
