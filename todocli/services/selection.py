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

    With `confirmed`, only these of them: the ones that the user has seen. Otherwise nothing is changed, unless the user
    wants to be `unasked`. With `dry_run`, nothing is either.
    """

    query: TodoQuery
    confirmed: tuple[UUID, ...] | None = None
    unasked: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class Preview:
    """The todos that a dry run looks up by `references`, and leaves as they are."""

    references: References


Chosen = References | Selection | Preview
"""How a command says which todos it is about."""


class ConfirmationNeeded(ConfirmationRequired):
    """A selection matches todos, and nobody has confirmed yet. Nothing was changed."""

    def __init__(self, todos: Sequence[TodoRead]) -> None:
        what = "One todo matches" if len(todos) == 1 else f"{len(todos)} todos match"
        super().__init__(f"{what}; nothing was changed.", hint="Pass --yes to confirm.")
        self.todos = todos
