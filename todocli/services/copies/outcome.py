"""What comes of a copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from todocli.errors import Conflict


@dataclass(frozen=True)
class Copied:
    """What a copy did, or would do: how many todos were added, updated, deleted and kept, and how many changes came.

    `numbers` has the new number of each todo that got another one, and `kept_numbers` the first of those kept.
    """

    added: int = 0
    updated: int = 0
    deleted: int = 0
    kept: int = 0
    unchanged: int = 0
    changes: int = 0
    notes: int = 0
    numbers: Mapping[int, int] = field(default_factory=dict)
    kept_numbers: tuple[int, ...] = ()


def of_another_user() -> Conflict:
    """Return the error for todos that another user has."""
    return Conflict(
        "Another user of that database has the same todos. Nothing was copied.",
        hint="An id is unique in a database; to give a user their own copies, export the todos and import the file.",
    )


def other_todos() -> Conflict:
    """Return the error for a user who has other todos."""
    return Conflict(
        "The user has other todos there already. Nothing was copied.",
        hint="To keep both, and give the copied ones new numbers, pass --merge.",
    )
