"""The changes that a user made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from todocli.domain.history import Action, Origin
from todocli.schemas.base import Instant, Output
from todocli.schemas.todos import TodoRead


class FieldChange(Output):
    """A field before and after a change."""

    before: Any
    after: Any


class ChangeItem(Output):
    """What a change did to one todo."""

    todo_id: UUID
    number: int
    title: str | None = Field(description="As it was after the change, or before a deletion; null: purged.")
    action: Action
    changes: dict[str, FieldChange]


class ChangeRead(Output):
    """One change: everything that one command, request or transaction did."""

    id: UUID = Field(description="What a todo's `change_id` refers to.")
    made_at: Instant
    source: str = Field(description="Where it came from: cli, api, mcp or sql.")
    actor: str | None = Field(description="Who made it, where that is known: the name of a token or an agent.")
    kind: Literal["change", "undo", "redo"]
    undoes: UUID | None = Field(description="The change that this one undid; of a redo, the undo.")
    is_undone: bool
    count: int = Field(description="How many todos it touched; `items` may hold some of them.")
    items: list[ChangeItem]

    @property
    def origin(self) -> Origin:
        """Where it came from."""
        return Origin(self.source, self.actor)


class LogLine(Output):
    """A change, or a part of a large one: the same change is then on several lines, with other `items`."""

    change: ChangeRead
    cursor: str = Field(description="The place after it: `todo log --since CURSOR` goes on from there.")


class SyncPage(Output):
    """Changes with what they led to. A client that stores `todos` and drops `deleted` has the todos as they are."""

    items: list[ChangeRead] = Field(description="Oldest first with a cursor, otherwise newest first.")
    todos: list[TodoRead] = Field(description="The todos in `items` as they are now, with their notes.")
    deleted: list[UUID] = Field(description="The todos in `items` that no longer exist.")
    cursor: str = Field(description="Asks for what comes later. It is the place of the last change here, or of now.")
    has_more: bool


class CompactionRead(Output):
    """What compacting the log dropped, or would drop: of how many changes, and how many rows and bytes of history."""

    until: Instant
    changes: int
    rows: int
    bytes: int


class ChangeList(Output):
    """Several changes, newest first; `has_more` says whether more match, and `count` how many are here."""

    items: list[ChangeRead]
    count: int
    has_more: bool

    @classmethod
    def of(cls, items: Sequence[ChangeRead], *, has_more: bool = False) -> ChangeList:
        """Return a list of these `items`."""
        return cls(items=list(items), count=len(items), has_more=has_more)
