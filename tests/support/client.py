"""Uses the services as the command line does: the key of each change comes from what is asked for."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from sqlmodel import Session

from todocli.domain.dates import Shift
from todocli.domain.filters.ast import format_filter
from todocli.domain.idempotency import ChangeKey, fingerprint
from todocli.domain.references import References, parse_references
from todocli.schemas.todos import TodoCreate, TodoUpdate
from todocli.services.owner import Owner
from todocli.services.resolve import Result
from todocli.services.selection import Chosen, Preview
from todocli.services.todos import Todos

Action = Callable[[Chosen, ChangeKey], Result]

ADA = Owner("ada")


def refs(*numbers: int) -> References:
    """Return references to todos by number."""
    return parse_references(list(map(str, numbers)))


def key(change: UUID | None, verb: str, **request: object) -> ChangeKey:
    """Return the key of a change; without `change`, a new one."""
    return ChangeKey(change or uuid.uuid4(), fingerprint(verb, **request))


class Client:
    """The todos of one user. `change` repeats a request under the same key."""

    def __init__(self, session: Session, owner: Owner) -> None:
        self.todos = Todos(session, owner)
        self.find, self.get, self.page, self.overview = (
            self.todos.find,
            self.todos.get,
            self.todos.page,
            self.todos.overview,
        )

    def add(self, drafts: Sequence[TodoCreate], *, change: UUID | None = None) -> Result:
        bodies = [draft.model_dump(mode="json") for draft in drafts]
        return self.todos.add(drafts, key(change, "add", drafts=bodies))

    def edit(
        self,
        chosen: Chosen,
        update: TodoUpdate,
        *,
        expected: UUID | None = None,
        change: UUID | None = None,
        series: bool = False,
        shifts: Mapping[str, Shift] | None = None,
    ) -> Result:
        body = update.model_dump(mode="json", exclude_unset=True)
        request = key(change, "edit", body=body, series=series, shifts=repr(shifts), **_request(chosen))
        return self.todos.edit(chosen, update, request, expected=expected, series=series, shifts=shifts)

    def complete(self, chosen: Chosen, *, change: UUID | None = None) -> Result:
        return self.todos.complete(chosen, key(change, "done", **_request(chosen)))

    def reopen(self, chosen: Chosen, *, change: UUID | None = None) -> Result:
        return self.todos.reopen(chosen, key(change, "reopen", **_request(chosen)))

    def remove(
        self, chosen: Chosen, *, expected: UUID | None = None, change: UUID | None = None, series: bool = False
    ) -> Result:
        return self.todos.remove(chosen, key(change, "rm", **_request(chosen)), expected=expected, series=series)

    def restore(self, chosen: Chosen, *, change: UUID | None = None) -> Result:
        return self.todos.restore(chosen, key(change, "restore", **_request(chosen)))


def _request(chosen: Chosen) -> dict[str, object]:
    if isinstance(chosen, Preview):
        chosen = chosen.references
    if isinstance(chosen, References):
        return {"references": sorted(map(str, chosen.items))}
    return {"filter": format_filter(chosen.query.filter), "state": chosen.query.state}
