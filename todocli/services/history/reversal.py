"""How undo and redo change one row.

History has each todo before and after a change. Undo leads from `after` back to `before`, redo the other way. Only the
columns that differ are compared and written, so that a change to another column in between is no conflict. Notes are
counted: to take back one of three leaves two. And nothing is ever deleted: to take back an addition, the todo moves to
the trash.

    change      before    after        undo: expected → target
    added       –         {…}          {…} → –         into the trash
    edited      {a: 1}    {a: 2}       a: 2 → 1
    deleted     {…}       –            – → {…}         inserted again
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from todocli.domain.history import differences
from todocli.services.history.log import TodoChange
from todocli.services.history.rows import parse_row

_COUNT = "note_count"
_CLAIM = ("claimed_by", "claimed_until")

Columns = dict[str, Any]
"""Columns of a todo that history keeps, with values of the columns' own types."""


@dataclass(frozen=True)
class RowReversal:
    """A todo's way from the `expected` state to the `target` state; None: it did not exist."""

    expected: Columns | None
    target: Columns | None

    @classmethod
    def undo(cls, change: TodoChange) -> RowReversal:
        """Return how to take back what a change did to a todo."""
        return cls(_parsed(change.after), _parsed(change.before))

    @classmethod
    def redo(cls, change: TodoChange) -> RowReversal:
        """Return how to do again what a change did to a todo."""
        return cls(_parsed(change.before), _parsed(change.after))

    def applies_to(self, row: Columns | None) -> bool:
        """Whether the stored `row` is still in the expected state, as far as the reversal touches it."""
        if self.expected is None:
            rest = {name: value for name, value in (self.target or {}).items() if name != "deleted_at"}
            return row is None or (row["deleted_at"] is not None and _has(row, rest))
        changed = self.expected if self.target is None else differences(self.expected, self.target)
        compared = changed.keys() - ({_COUNT} if self.target is not None else set())
        return row is not None and _has(row, {name: self.expected[name] for name in compared})

    def patch(self, row: Columns | None, at: datetime) -> Columns:
        """Return the columns to write to reach the target; without a stored `row`, those of a new one."""
        if row is None:
            return dict(self.target) if self.target is not None else {**(self.expected or {}), "deleted_at": at}
        if self.target is None:
            return {"deleted_at": row["deleted_at"] or at}
        if self.expected is None:
            return {"deleted_at": self.target["deleted_at"]}
        columns = {name: self.target[name] for name in differences(self.expected, self.target)}
        if _COUNT in columns:
            columns[_COUNT] = max(row[_COUNT] + self.target[_COUNT] - self.expected[_COUNT], 0)
        return columns


def _parsed(row: Any) -> Columns | None:
    """Return a row of history without the claim: who works on a todo is nothing to undo."""
    if row is None:
        return None
    return {name: value for name, value in parse_row(row).items() if name not in _CLAIM}


def _has(row: Columns, values: Columns) -> bool:
    """Whether `row` has these values. When a todo moved to the trash does not matter."""
    return all(
        (row[name] is None) == (value is None) if name == "deleted_at" else row[name] == value
        for name, value in values.items()
    )
