"""Orders as a person writes them: `due,-priority`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from todocli.errors import FieldError, ValidationError

SortKey = Literal["plan", "number", "title", "created", "due", "start", "priority", "project"]


@dataclass(frozen=True)
class Sort:
    """One key of an order; `descending` turns it round. What has no value comes last either way."""

    key: SortKey
    descending: bool = False


def parse_sort(text: str) -> tuple[Sort, ...]:
    """Return an order as a person writes it: keys with commas between them, `-` before those that are descending.

    Raises `ValidationError` for what is no key.
    """
    found: list[Sort] = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        name = word.removeprefix("-")
        if (key := next((key for key in get_args(SortKey) if key == name), None)) is None:
            detail = f"{name[:40]!r} is nothing to sort by."
            hint = f"Sort by {', '.join(get_args(SortKey))}; with - before it, the other way round."
            raise ValidationError(detail, hint=hint, field_errors=(FieldError("sort", detail),))
        if key not in (sort.key for sort in found):  # a second time it would decide nothing
            found.append(Sort(key, word != name))
    return tuple(found)
