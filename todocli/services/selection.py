"""Choosing todos by what they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from todocli.domain.references import References
from todocli.errors import ConfirmationRequired
from todocli.schemas.todos import TodoRead
from todocli.services.queries import TodoQuery


@dataclass(frozen=True)
class Selection:
    """The todos that a list shows: those that a step then changes.

    With `known` only these of them, which somebody has seen. Unless `several` is set, a step is made on one todo at
    most. With `dry_run` none is made.
    """

    listing: TodoQuery
    known: tuple[UUID, ...] | None = None
    several: bool = False
    dry_run: bool = False


Chosen = References | Selection
"""How a step is told which todos it is about."""


class ConfirmationNeeded(ConfirmationRequired):
    """A selection means several todos, and nobody said yet that it may; nothing was changed."""

    def __init__(self, todos: Sequence[TodoRead]) -> None:
        super().__init__(f"That are {len(todos)} todos; nothing was changed.", hint="Say yes with --yes.")
        self.todos = todos
