"""Keyset pagination: a page begins after the last todo of the previous page, even if todos have come or gone since."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from todocli.clock import now
from todocli.domain.filters.ast import format_filter
from todocli.errors import ValidationError
from todocli.services.queries import TodoQuery


@dataclass(frozen=True)
class Cursor:
    """The place after a todo: its `values` of the sort keys, and the moment that relative days refer to.

    As text it is opaque to the client, and ends with a checksum. It belongs to one list: with another filter or order
    it is refused.
    """

    listing: str
    here: datetime
    values: tuple[Any, ...]

    @classmethod
    def after(cls, query: TodoQuery, values: Iterable[Any]) -> Cursor:
        """Return the place after a todo with these values."""
        return cls(_digest(query), query.here, tuple(values))

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Return the cursor that `text` encodes. Raises `ValidationError`."""
        try:
            body, checksum = text[:-_CHECKSUM_LENGTH], text[-_CHECKSUM_LENGTH:]
            if checksum != _checksum(body):
                raise _wrong_list()
            padded = body + "=" * (-len(body) % 4)
            listing, here, *values = json.loads(base64.b64decode(padded.encode("ascii"), b"-_", validate=True))
            moment = datetime.fromisoformat(here)
            if not isinstance(listing, str) or moment.tzinfo is None or abs(moment - now()) > _LIFE:
                raise _wrong_list()
            return cls(listing, moment, tuple(map(_decode, values)))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            raise _wrong_list() from None

    def text(self) -> str:
        """Return the cursor as text that is safe in a URL."""
        parts = [self.listing, self.here.isoformat(), *map(_encode, self.values)]
        body = base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")
        return body + _checksum(body)

    def is_before(self, query: TodoQuery, keys: Sequence[tuple[sa.ColumnElement[Any], bool]]) -> sa.ColumnElement[bool]:
        """Return the condition that a todo comes after this place. Raises `ValidationError` for a foreign cursor."""
        if self.listing != _digest(query) or len(keys) != len(self.values):
            raise _wrong_list()
        found: list[sa.ColumnElement[bool]] = []
        same: list[sa.ColumnElement[bool]] = []
        for (key, descending), value in zip(keys, self.values, strict=True):
            if value is not None and not _is_value(value, key.type):
                raise _wrong_list()
            bound = sa.null() if value is None else sa.literal(value, key.type)
            further: sa.ColumnElement[bool]
            if value is None:
                further = key.is_not(None) if query.reverse else sa.false()
            else:
                further = key < bound if descending else key > bound
                further = further if query.reverse else sa.or_(further, key.is_(None))
            found.append(sa.and_(*same, further))
            same.append(key.is_not_distinct_from(bound))
        return sa.or_(sa.false(), *found)


def _digest(query: TodoQuery) -> str:
    asked = (query.state, format_filter(query.filter), query.sort, query.reverse)
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:12]


_CHECKSUM_LENGTH = 8


def _checksum(body: str) -> str:
    """Return the CRC-32 of a cursor without its checksum. It finds damage, not forgery."""
    return f"{zlib.crc32(body.encode()):08x}"


def _wrong_list() -> ValidationError:
    detail = "The cursor does not belong to this list."
    return ValidationError.of("cursor", detail, hint="Leave it out to begin again.")


_LIFE = timedelta(days=366)
"""How long a cursor is valid at most."""


def _is_value(value: Any, kind: sa.types.TypeEngine[Any]) -> bool:
    """Whether the database accepts a value where it expects one of `kind`: cursors can be forged."""
    if type(value) is not kind.python_type:
        return False
    match value:
        case int():
            return abs(value) < 2**63
        case str():
            return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
        case datetime():
            return value.tzinfo is not None
        case time():
            return value.tzinfo is None
    return True


_KINDS: dict[str, Any] = {"t": time, "d": date, "i": datetime}


def _encode(value: Any) -> Any:
    """Return a value as JSON has it; dates and times with the letter of their kind."""
    for kind, known in _KINDS.items():
        if type(value) is known:
            return {kind: value.isoformat()}
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        return _KINDS[kind].fromisoformat(text)
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError(value)
