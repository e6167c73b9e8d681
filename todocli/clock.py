"""What time it is: the one place that asks the machine."""

from __future__ import annotations

from datetime import UTC, date, datetime


def now() -> datetime:
    """Return this instant, aware, in UTC, to the microsecond."""
    return datetime.now(UTC)


def today() -> date:
    """Return the day it is where the user is."""
    return datetime.now().astimezone().date()
