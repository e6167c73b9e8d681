"""A follower without real time: its clock moves when it waits, and what happens meanwhile is scripted."""

from __future__ import annotations

from collections.abc import Callable

from todocli.database.waiter import Waiter


class Stopped(Exception):
    """The script has come to its end."""


class ScriptedWaiter(Waiter):
    """Waits for no real time. Once in each `meanwhile`, one of the actions happens; after the last, `Stopped`.

    A wait without an end lasts for an hour.
    """

    def __init__(self, *actions: Callable[[], object], meanwhile: float = 0.0) -> None:
        super().__init__()
        self.now = 0.0
        self.waits: list[float | None] = []
        self._actions = list(actions)
        self._every = self._due = meanwhile

    def time(self) -> float:
        return self.now

    def wait(self, seconds: float | None, descriptor: int | None = None) -> bool:
        self.waits.append(seconds)
        self.now += 3600.0 if seconds is None else seconds
        if self.now >= self._due:
            self._due = self.now + self._every
            if not self._actions:
                raise Stopped
            self._actions.pop(0)()
        return descriptor is not None and super().wait(0.2 if seconds is None else 0, descriptor)
