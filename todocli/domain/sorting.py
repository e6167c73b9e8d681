"""Sort orders as they are typed: `due,-priority`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from todocli.errors import ValidationError

SortKey = Literal[
    "urgency", "number", "title", "created", "completed", "changed", "due", "start", "priority", "project"
]

ALIASES: dict[str, SortKey] = {"added": "created", "done": "completed", "pri": "priority"}
"""Other names of sort keys: those that filters and columns have."""


@dataclass(frozen=True)
class Sort:
    """One sort key. Todos without a value come last, even if it is `descending`.

    No priority is a value: it sorts between medium and low.
    """

    key: SortKey
    descending: bool = False


def parse_sort(text: str) -> tuple[Sort, ...]:
    """Return the sort keys of a text: separated by commas, with `-` before descending ones.

    Raises `ValidationError` for an unknown key.
    """
    found: list[Sort] = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        name = word.removeprefix("-")
        if (key := next((key for key in get_args(SortKey) if key == ALIASES.get(name, name)), None)) is None:
            detail = f"Cannot sort by {name[:40]!r}."
            hint = f"Sort by {', '.join(get_args(SortKey))}; put - before a key to reverse it."
            raise ValidationError.of("sort", detail, hint=hint)
        if key not in (sort.key for sort in found):  # repeated, it would have no effect
            found.append(Sort(key, word != name))
    return tuple(found)
