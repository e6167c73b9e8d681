"""One todo on its way back to a state that history knows, or forward again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import SQLModel

from todocli.domain.history import differences
from todocli.services.history.log import Touched
from todocli.services.history.rows import typed

_todos = SQLModel.metadata.tables["todos"]

Columns = dict[str, Any]
"""Columns of a todo that history keeps, with values of the columns' own types."""


@dataclass(frozen=True)
class Turn:
    """A todo that goes from one state that history knows to another; None: it was not there.

    Only what differs is compared and written. And nothing is deleted: a todo goes to the trash instead.
    """

    here: Columns | None
    there: Columns | None

    @classmethod
    def of(cls, touched: Touched, *, back: bool) -> Turn:
        """Return how to take back what a step did to a todo, or how to do it again."""
        before, after = (None if row is None else typed(row) for row in (touched.before, touched.after))
        return cls(after, before) if back else cls(before, after)

    def fits(self, row: Columns | None) -> bool:
        """Return whether the todo is still `here`; `row` is what is stored of it."""
        if self.here is None:
            rest = {name: value for name, value in (self.there or {}).items() if name != "deleted_at"}
            return row is None or (row["deleted_at"] is not None and _has(row, rest))
        changed = self.here if self.there is None else differences(self.here, self.there)
        return row is not None and _has(row, {name: self.here[name] for name in changed})

    def columns(self, row: Columns | None, moment: datetime) -> Columns:
        """Return the columns to write, so that the todo is `there`; if there is no `row`, those of a new one."""
        if row is None:
            return dict(self.there) if self.there is not None else {**(self.here or {}), "deleted_at": moment}
        if self.there is None:
            return {"deleted_at": row["deleted_at"] or moment}
        if self.here is None:
            return {"deleted_at": self.there["deleted_at"]}
        return {name: self.there[name] for name in differences(self.here, self.there)}


def _has(row: Columns, values: Columns) -> bool:
    """Return whether `row` has these values; since when it is in the trash, does not matter."""
    return all(
        (row[name] is None) == (value is None) if name == "deleted_at" else row[name] == value
        for name, value in values.items()
    )
