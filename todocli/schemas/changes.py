"""The steps that a user made."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from todocli.domain.history import Action
from todocli.schemas.base import Instant, Output


class FieldChange(Output):
    """What a field was, and what it became."""

    before: Any
    after: Any


class ChangeItem(Output):
    """What a step did to one todo."""

    todo_id: UUID
    number: int
    title: str | None = Field(description="As it was after the step, or before a deletion; null: purged.")
    action: Action
    changes: dict[str, FieldChange]


class ChangeRead(Output):
    """One step: all that one command, request or transaction changed."""

    id: UUID = Field(description="What a todo's `change_id` refers to.")
    made_at: Instant
    source: str = Field(description="Through which door it came: cli, api or sql.")
    kind: Literal["step", "undo", "redo"]
    undoes: UUID | None = Field(description="The step that this one took back; of a redo, the undo.")
    is_undone: bool
    count: int = Field(description="How many todos it touched, of which `items` may be a part.")
    items: list[ChangeItem]


class ChangeList(Output):
    """Several steps, newest first; `total` is how many match, `count` how many of them are here."""

    items: list[ChangeRead]
    count: int
    total: int
