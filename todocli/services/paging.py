"""Lists page by page: where a page ends is where the next one begins, also if todos came or went meanwhile."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa

from todocli.clock import now
from todocli.domain.filters.ast import format_filter
from todocli.errors import FieldError, ValidationError
from todocli.services.queries import TodoQuery


@dataclass(frozen=True)
class Cursor:
    """The place after a todo: the `values` that the list is ordered by, and the moment that days are seen from.

    As a text it is opaque to who asks. It belongs to one list: with another filter or order it is refused.
    """

    listing: str
    here: datetime
    values: tuple[Any, ...]

    @classmethod
    def after(cls, listing: TodoQuery, values: Iterable[Any]) -> Cursor:
        """Return the place after a todo with these values."""
        return cls(_digest(listing), listing.here, tuple(values))

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Return the cursor that a text stands for. Raises `ValidationError`."""
        try:
            padded = text + "=" * (-len(text) % 4)
            listing, here, *values = json.loads(base64.b64decode(padded.encode("ascii"), b"-_", validate=True))
            moment = datetime.fromisoformat(here)
            if not isinstance(listing, str) or moment.tzinfo is None or abs(moment - now()) > _LIFE:
                raise _foreign()
            return cls(listing, moment, tuple(map(_read, values)))
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            raise _foreign() from None

    def text(self) -> str:
        """Return it as a text of the characters that URLs may have."""
        parts = [self.listing, self.here.isoformat(), *map(_written, self.values)]
        return base64.urlsafe_b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode().rstrip("=")

    def passed(self, listing: TodoQuery, keys: Sequence[tuple[sa.ColumnElement[Any], bool]]) -> sa.ColumnElement[bool]:
        """Return the condition that a todo comes after this place. Raises `ValidationError` for another list's."""
        if self.listing != _digest(listing) or len(keys) != len(self.values):
            raise _foreign()
        found: list[sa.ColumnElement[bool]] = []
        same: list[sa.ColumnElement[bool]] = []
        for (key, descending), value in zip(keys, self.values, strict=True):
            if value is not None and not _is_value(value, key.type):
                raise _foreign()
            bound = sa.null() if value is None else sa.literal(value, key.type)
            further: sa.ColumnElement[bool]
            if value is None:
                further = key.is_not(None) if listing.reverse else sa.false()
            else:
                further = key < bound if descending else key > bound
                further = further if listing.reverse else sa.or_(further, key.is_(None))
            found.append(sa.and_(*same, further))
            same.append(key.is_not_distinct_from(bound))
        return sa.or_(sa.false(), *found)


def _digest(listing: TodoQuery) -> str:
    asked = (listing.state, format_filter(listing.filter), listing.sort, listing.reverse)
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:12]


def _foreign() -> ValidationError:
    detail = "The cursor does not belong to this list."
    return ValidationError(detail, hint="Leave it out to begin again.", field_errors=(FieldError("cursor", detail),))


_LIFE = timedelta(days=366)
"""How long a cursor is good at most."""


def _is_value(value: Any, kind: sa.types.TypeEngine[Any]) -> bool:
    """Return whether a database takes a value where it expects one of `kind`: cursors can be forged."""
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


def _written(value: Any) -> Any:
    """Return a value as JSON has it; days and times with the letter of their kind."""
    for kind, known in _KINDS.items():
        if type(value) is known:
            return {kind: value.isoformat()}
    return value


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        ((kind, text),) = value.items()
        return _KINDS[kind].fromisoformat(text)
    if value is None or isinstance(value, str | int):
        return value
    raise ValueError(value)
