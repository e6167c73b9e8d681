"""What time it is: the one place that asks the machine."""

from __future__ import annotations

from datetime import UTC, date, datetime


def now() -> datetime:
    """Return this instant, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def here() -> datetime:
    """Return this instant, aware, as the clock on the wall shows it where the user is."""
    return now().astimezone()


def today() -> date:
    """Return the day it is where the user is."""
    return here().date()
