"""Timestamps and durations as they are typed: `30d`, `yesterday`, `2026-11-27`, `2026-11-27T17:00`."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from todocli.errors import ValidationError

_AGE = re.compile(r"(?!\d{3,}y)(\d{1,4})(s|min|h|d|w|y)", re.ASCII)
_UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def parse_duration(text: str, field: str) -> timedelta:
    """Return a duration: a number with `s`, `min`, `h`, `d`, `w` or `y` (365 days).

    Raises `ValidationError` for `field`.
    """
    age = _age(text)
    if age is None:
        raise ValidationError.of(
            field, f"{text[:40]!r} is not a duration.", hint="Write a number with s, min, h, d, w or y, such as 30d."
        )
    return age


def parse_timestamp(text: str, field: str, *, now: datetime, end: bool = False) -> datetime:
    """Return a local time: a duration ago, `today`, `yesterday`, a date, or a date and time (ISO 8601).

    A date means its beginning, or with `end` its end. Raises `ValidationError` for `field`.
    """
    age = _age(text)
    if age is not None:
        return now - age
    try:
        today = now.astimezone().date()
        days = {"today": today, "yesterday": today - timedelta(days=1)}
        if text in days or _DAY.fullmatch(text):
            day = days.get(text) or date.fromisoformat(text)
            return datetime.combine(day + timedelta(days=end), time.min).astimezone()
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        hint = "Write 3h or 2d (that long ago), today, yesterday, 2026-11-27 or 2026-11-27T17:00."
        raise ValidationError.of(field, f"{text[:40]!r} is not a date or time.", hint=hint) from None


def _age(text: str) -> timedelta | None:
    match = _AGE.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None
