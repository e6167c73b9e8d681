"""Dates and instants in words."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from todocli.domain.dates import MONTHS, WEEKDAYS


def ago(then: datetime, now: datetime) -> str:
    """Return how long ago the instant `then` was; after a week, its local date."""
    past = now - then
    if past < timedelta(minutes=1):
        return "now"
    if past < timedelta(hours=1):
        return f"{past // timedelta(minutes=1)} min ago"
    if past < timedelta(days=1):
        return f"{past // timedelta(hours=1)} h ago"
    days = (now.astimezone().date() - then.astimezone().date()).days
    if days <= 1:
        return "yesterday"
    return f"{days} days ago" if days < 7 else f"{then.astimezone():%Y-%m-%d}"


def local(then: datetime) -> str:
    """Return an instant as local date and time, to the minute."""
    return f"{then.astimezone():%Y-%m-%d %H:%M}"


def day(on: date, today: date) -> str:
    """Return a date in words, the year only if it is another one: `Fri 27 Nov`."""
    year = f" {on.year}" if on.year != today.year else ""
    return f"{WEEKDAYS[on.weekday()][:3].title()} {on.day} {MONTHS[on.month - 1][:3].title()}{year}"


def distance(on: date, today: date) -> str:
    """Return the distance of a date from today: `in 5 days`, `yesterday`."""
    days = (on - today).days
    if abs(days) <= 1:
        return ("yesterday", "today", "tomorrow")[days + 1]
    return f"in {days} days" if days > 0 else f"{-days} days ago"


def clock_time(at: time | None) -> str:
    """Return a time with a space before it; nothing for None."""
    return f" {at:%H:%M}" if at else ""
