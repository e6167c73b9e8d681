"""Which todos a command is about: those it references, or those that a filter selects."""

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
    """The todos that a query finds.

    With `confirmed`, only these of them: the ones that the user has seen. Without `several`, at most one todo is
    changed. With `dry_run`, none is.
    """

    query: TodoQuery
    confirmed: tuple[UUID, ...] | None = None
    several: bool = False
    dry_run: bool = False


Chosen = References | Selection
"""How a command says which todos it is about."""


class ConfirmationNeeded(ConfirmationRequired):
    """A selection matches several todos, and nobody has confirmed yet. Nothing was changed."""

    def __init__(self, todos: Sequence[TodoRead]) -> None:
        super().__init__(f"{len(todos)} todos match; nothing was changed.", hint="Pass --yes to confirm.")
        self.todos = todos
