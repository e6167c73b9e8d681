"""Ids that the client makes, so that a statement sent twice takes effect once."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime.fromtimestamp(0, UTC)
_VARIANT = 0b10 << 62


def new_id(at: datetime) -> UUID:
    """Return a new UUIDv7 of the instant `at` (RFC 9562, section 5.7): 48 bits of milliseconds, 74 random bits."""
    return _version_7((at - _EPOCH) // timedelta(milliseconds=1), secrets.randbits(74))


def derived_id(change: UUID, owner: str, index: int) -> UUID:
    """Return the id of number `index` among the rows that `change` adds for `owner`.

    The same input gives the same id, so that adding again finds the first row. The ids of different owners differ.
    The leading 48 bits are those of the change, so that ids sort by age if the change is a UUIDv7.
    """
    digest = hashlib.sha256(f"{change.hex}/{index}/{owner}".encode()).digest()
    return _version_7(change.int >> 80, int.from_bytes(digest) & ((1 << 74) - 1))


def _version_7(milliseconds: int, random: int) -> UUID:
    high = (milliseconds & (2**48 - 1)) << 80
    return UUID(int=high | 0x7 << 76 | (random >> 62) << 64 | _VARIANT | random & (2**62 - 1))


def uuid_or_none(text: str | None) -> UUID | None:
    """Return the UUID that a text is, or None if it is none."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def series_of_copies(series_id: UUID, todo_id: UUID, own_series_id: UUID | None) -> UUID:
    """Return the series of the copies of a subtask, whose parent repeats in the series `series_id`.

    It is a UUIDv8 (RFC 9562, section 5.8). The first half identifies the series of the parent, and the second the todo
    that was copied first. So a copy of a copy keeps its series, unless the subtask has moved to another parent.
    """
    half = hashlib.blake2b(series_id.bytes, digest_size=8).digest()
    series = _version_8(half + hashlib.blake2b(todo_id.bytes, digest_size=8).digest())
    if own_series_id is not None and own_series_id.bytes[:8] == series.bytes[:8]:
        return own_series_id
    return series


def is_series_of_copies(series_id: UUID) -> bool:
    """Whether a series is one of copies of a subtask, which do not repeat by themselves."""
    return series_id.version == 8


def _version_8(data: bytes) -> UUID:
    """Return 16 bytes as a UUIDv8: six bits are overwritten with the version and the variant."""
    number = int.from_bytes(data) & ~(0xF << 76 | 0b11 << 62)
    return UUID(int=number | 0x8 << 76 | _VARIANT)
