"""What a change did to a todo, derived from its row before and after, as history keeps them in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from todocli.errors import ValidationError

Row = Mapping[str, Any]
"""The columns of a todo that history keeps. Of a purged todo only the number is left."""

Action = Literal[
    "added", "changed", "done", "reopened", "removed", "restored", "deleted", "purged", "claimed", "released"
]

_SOURCES = {
    "cli": "on the command line",
    "api": "through the API",
    "sql": "in an SQL console",
    "mcp": "through MCP",
}


@dataclass(frozen=True)
class Origin:
    """Where a change came from: the `source`, and the `actor`, which is the name of a token or an agent."""

    source: str = "cli"
    actor: str | None = None

    def label(self) -> str:
        """Return it in words. Both may be text from outside the program."""
        place = _SOURCES.get(self.source, f"through {self.source}")
        return f"{place} by {self.actor}" if self.actor else place


COMMAND_LINE = Origin()

MAX_ACTOR = 64
"""The most characters of an actor's name."""


def is_actor(name: str) -> bool:
    """Whether a text can be the name of an actor, as those of tokens are."""
    return bool(name.strip()) and len(name) <= MAX_ACTOR and name.isprintable()


def check_actor(name: str, field: str) -> str:
    """Return the name of an actor. Raises `ValidationError` for `field`, where it was given."""
    if not is_actor(name):
        detail = f"{field}: a name has 1 to {MAX_ACTOR} printable characters."
        raise ValidationError.of(field, detail, hint="Write it like agent-1.")
    return name


def action(before: Row | None, after: Row | None) -> Action:
    """Return in one word what happened between two states of a todo; None: it did not exist.

    If several things happened at once, the one that matters most in a list.
    """
    if after is None:
        return "purged" if before is not None and is_purged(before) else "deleted"
    if before is None:
        return "added"
    if before["deleted_at"] != after["deleted_at"]:
        return "removed" if before["deleted_at"] is None else "restored"
    if (before["completed_at"] is None) != (after["completed_at"] is None):
        return "done" if before["completed_at"] is None else "reopened"
    if before.get("claimed_until") != after.get("claimed_until"):
        return "claimed" if after.get("claimed_until") else "released"
    return "changed"


def is_purged(row: Row) -> bool:
    """Whether `row` is what a purge left of a todo."""
    return row.keys() == {"number"}


def differences(before: Row | None, after: Row | None) -> dict[str, tuple[Any, Any]]:
    """Return the columns that differ, each with its value before and after; None where there was no todo.

    A column that only one of two rows has was added or dropped by a migration, and does not count.
    """
    if before is None:
        pairs = {name: (None, value) for name, value in (after or {}).items()}
    elif after is None:
        pairs = {name: (value, None) for name, value in before.items()}
    else:
        pairs = {name: (value, after[name]) for name, value in before.items() if name in after}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1] and name != "number"}
