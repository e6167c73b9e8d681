"""What time it is: the one place that asks the machine."""

from __future__ import annotations

from datetime import UTC, date, datetime

from todocli.errors import TodoError

_YEARS = range(1970, 9000)
"""Beyond them the days around the current one may be no dates any more."""


def now() -> datetime:
    """Return this instant, aware, in UTC, to the microsecond.

    Raises `TodoError` if the machine's clock is so wrong that nothing could be calculated with it.
    """
    moment = datetime.now(UTC)
    if moment.year not in _YEARS:
        raise TodoError(f"The clock of this machine says {moment:%Y-%m-%d}.", hint="Set it right, then repeat.")
    return moment


def here() -> datetime:
    """Return this instant, aware, as the clock on the wall shows it where the user is."""
    return now().astimezone()


def today() -> date:
    """Return the day it is where the user is."""
    return here().date()
