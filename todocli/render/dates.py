"""Instants as people say them."""

from __future__ import annotations

from datetime import datetime, timedelta


def ago(then: datetime, now: datetime) -> str:
    """Return how long ago the instant `then` was; after a week, its day where the user is."""
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
    """Return the minute of an instant where the user is."""
    return f"{then.astimezone():%Y-%m-%d %H:%M}"
