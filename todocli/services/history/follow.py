"""Follows the log of a user: each change once, in its order, whatever happens to the connection.

    watch ─► read from the cursor on ─► nothing more ─► wait ─┐
      ▲               ▲────────────── changed ────────────────┤
      └── pause, longer each time ◄── connection lost ────────┘

What has been read moves the cursor, and nothing else does. So a lost connection costs time only. Nobody knows how long
a database is asleep, and to ask would wake it: so the pauses grow until there is a change again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from todocli.database.waiter import Waiter
from todocli.database.watch import Watch
from todocli.domain.log_cursor import LogCursor
from todocli.errors import ServiceUnavailable
from todocli.services.history.sync import Place, Portion

Read = Callable[[LogCursor], Portion]
"""Reads what comes after a cursor."""

LINGER = 5.0
"""For how many seconds after a change the database is kept open: another change may follow."""

FIRST_PAUSE, LONGEST_PAUSE, GROWTH = 1.0, 900.0, 4.0
"""Seconds before connecting again; and by what each pause is longer than the one before."""


def read_all(read: Read, cursor: LogCursor) -> Iterator[Place]:
    """Yield everything after `cursor` that there is now, in portions. Raises as `Sync.after`."""
    has_more = True
    while has_more:
        portion = read(cursor)
        for place in portion.places:
            cursor = place.cursor
            yield place
        has_more = portion.has_more


class Follow:
    """The changes of one user, as they are made.

    `opening` opens the database. `on_lost` is called once for each loss of the connection, with the reason.
    """

    def __init__(
        self,
        watch: Watch,
        opening: Callable[[], AbstractContextManager[Read]],
        waiter: Waiter,
        on_lost: Callable[[ServiceUnavailable], None] = lambda error: None,
    ) -> None:
        self._watch = watch
        self._opening = opening
        self._waiter = waiter
        self._on_lost = on_lost

    def after(self, cursor: LogCursor) -> Iterator[Place]:
        """Yield each change after `cursor`, without an end.

        A large change comes in several parts. Raises as `Sync.after`, and every other error that waiting does not mend.
        """
        pause = FIRST_PAUSE
        try:
            while True:
                begun = self._waiter.time()
                try:
                    for place in self._until_lost(cursor):
                        cursor, pause = place.cursor, FIRST_PAUSE
                        yield place
                except ServiceUnavailable as error:
                    self._watch.close()
                    if self._waiter.time() - begun > LONGEST_PAUSE:
                        pause = FIRST_PAUSE
                    if pause == FIRST_PAUSE:
                        self._on_lost(error)
                self._waiter.wait(pause)
                pause = min(pause * GROWTH, LONGEST_PAUSE)
        finally:
            self._watch.close()

    def _until_lost(self, cursor: LogCursor) -> Iterator[Place]:
        self._watch.start()
        while True:
            with self._opening() as read:
                is_busy = True
                while is_busy:
                    for place in read_all(read, cursor):
                        cursor = place.cursor
                        yield place
                    is_busy = self._watch.wait(LINGER)
            while not self._watch.wait(None):
                pass
