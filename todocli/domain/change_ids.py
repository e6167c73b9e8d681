"""Ids of changes, as a user types them: whole, or a beginning that only one change has."""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import UUID

from todocli.errors import ValidationError

SHORTEST = 8
"""The fewest characters of a beginning."""

_DIGITS = 32
_BEGINNING = re.compile(r"[0-9a-f]{8}[0-9a-f-]{0,28}", re.ASCII | re.IGNORECASE)


def parse_change_id(text: str) -> tuple[UUID, UUID]:
    """Return the first and the last id that begin as `text` does. Raises `ValidationError`.

    Digits alone are refused unless they are a whole id: they could be a number of something else.
    """
    digits = text.replace("-", "").lower()
    if not _BEGINNING.fullmatch(text) or len(digits) > _DIGITS:
        detail = f"{text[:40]!r} is not the id of a change."
        hint = f"Write at least its first {SHORTEST} characters, as the log shows them"
        raise ValidationError.of("change", detail, hint=hint, command=("todo", "log"))
    if digits.isdecimal() and len(digits) < _DIGITS:
        detail = f"{text[:40]!r} could be a number: the beginning of an id needs a letter."
        raise ValidationError.of("change", detail, hint="Write more of it; the log has it", command=("todo", "log"))
    return UUID(digits.ljust(_DIGITS, "0")), UUID(digits.ljust(_DIGITS, "f"))


def shortened(change: UUID, others: Iterable[UUID]) -> str:
    """Return the shortest beginning of an id that `parse_change_id` takes and that none of the `others` has."""
    whole = str(change)
    known = [str(other) for other in others if other != change]
    for length in range(SHORTEST, len(whole)):
        beginning = whole[:length]
        is_text = not beginning.replace("-", "").isdecimal()
        if is_text and beginning[-1] != "-" and not any(other.startswith(beginning) for other in known):
            return beginning
    return whole
