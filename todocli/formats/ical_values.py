"""The values of iCalendar that are hard: dates, durations and time zones, which the library `icalendar` reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import BinaryIO, TypeAlias

from todocli.formats import reading
from todocli.formats.ical_syntax import Property, blocks
from todocli.formats.reading import Unreadable

Zones: TypeAlias = Callable[[str], tzinfo | None]
"""Finds a time zone by its id."""


def zones_of(file: BinaryIO) -> Zones:
    """Return what finds a time zone by its id: in the database of zones, by its name in Windows, or in the file."""
    from icalendar import Timezone, use_zoneinfo

    use_zoneinfo()  # type: ignore[no-untyped-call]  # forgets the zones of other files
    for block in blocks(file, ("VTIMEZONE",)):
        # The library keeps the zone. It raises many errors for one that is not valid; then no time can be in it.
        try:
            Timezone.from_ical("\r\n".join(block.lines))
        except Exception:  # noqa: S112
            continue
    found: dict[str, tzinfo | None] = {}

    def zone(name: str) -> tzinfo | None:
        if name not in found:
            parts = name.strip("/").split("/")
            # Some programs put a registry before the name: /example.org/Europe/Berlin (RFC 5545, 3.2.19).
            ends = range(len(parts) if name.startswith("/") else 1)
            found[name] = next(filter(None, (_known_zone("/".join(parts[end:])) for end in ends)), None)
        return found[name]

    return zone


def _known_zone(name: str) -> tzinfo | None:
    from icalendar.timezone import tzp

    try:
        return tzp.timezone(name)
    except (OSError, ValueError, LookupError):  # the name is a folder of the database, or no file name
        return None


def moment_of(found: Property, name: str, zones: Zones) -> date:
    """Return the date or the time of a property. A floating time, and one of an unknown zone, has no zone."""
    from icalendar import vDDDTypes

    text = found.value.strip()
    try:
        moment = vDDDTypes.from_ical(text)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        moment = None
    if not isinstance(moment, date):
        raise Unreadable(name, f"{text[:40]!r} is not a date or time, such as 20261127 or 20261127T170000Z")
    zone = found.parameters.get("TZID")
    if zone and isinstance(moment, datetime) and moment.tzinfo is None:
        return moment.replace(tzinfo=zones(zone))
    return moment


def duration_of(text: str) -> timedelta:
    from icalendar import vDuration

    try:
        duration = vDuration.from_ical(text)  # type: ignore[no-untyped-call]
    except (ValueError, OverflowError):
        raise Unreadable("DURATION", f"{text[:40]!r} is not a duration, such as P1D") from None
    assert isinstance(duration, timedelta)  # noqa: S101 - the library has no types for it
    return duration


def day_of(moment: date, name: str) -> tuple[date, time | None]:
    if not isinstance(moment, datetime):
        return moment, None
    if moment.tzinfo is None:
        return reading.wall_day(moment)
    try:
        return reading.local_day(moment)
    except (ValueError, OverflowError):
        raise Unreadable(name, f"{moment.isoformat()} is no date here") from None


def instant_of(found: Property | None, name: str, zones: Zones) -> datetime | None:
    if found is None:
        return None
    moment = moment_of(found, name, zones)
    if not isinstance(moment, datetime):
        return reading.start_of(moment)
    try:
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable(name, f"{moment.isoformat()} is no date in UTC") from None
