"""Points in time and spans as a person types them: `30d`, `yesterday`, `2026-11-27`, `2026-11-27T17:00`."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from todocli.errors import FieldError, ValidationError

_AGE = re.compile(r"(\d{1,4})(min|h|d|w)", re.ASCII)
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def parse_duration(text: str, field: str) -> timedelta:
    """Return a span of time: a number with `min`, `h`, `d` or `w`. Raises `ValidationError` for `field`."""
    age = _age(text)
    if age is None:
        raise _error(field, f"{text[:40]!r} is not a span of time.", "Write a number with min, h, d or w: 30d")
    return age


def parse_timestamp(text: str, field: str, *, now: datetime, end: bool = False) -> datetime:
    """Return a point in time where the user is: a span ago, `today`, `yesterday`, a day, or a day and time (ISO 8601).

    A day is its beginning, or with `end` the beginning of the next. Raises `ValidationError` for `field`.
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
        hint = "Write a span ago (3h, 2d), today, yesterday, 2026-11-27 or 2026-11-27T17:00."
        raise _error(field, f"{text[:40]!r} is not a point in time.", hint) from None


def _age(text: str) -> timedelta | None:
    match = _AGE.fullmatch(text)
    return int(match[1]) * _UNITS[match[2]] if match else None


def _error(field: str, detail: str, hint: str) -> ValidationError:
    return ValidationError(detail, hint=hint, field_errors=(FieldError(field, detail),))
