"""How undo and redo change one row.

History has each todo before and after a change. Undo leads from `after` back to `before`, redo the other way. Only the
columns that differ are compared and written, so that a change to another column in between is no conflict. What the
series of a todo has is compared and written by column in the same way. Notes are counted: to take back one of three
leaves two. And nothing is ever deleted: to take back an addition, the todo moves to the trash.

    change      before    after        undo: expected → target
    added       –         {…}          {…} → –         into the trash
    edited      {a: 1}    {a: 2}       a: 2 → 1
    deleted     {…}       –            – → {…}         inserted again

A todo in the trash keeps its place in its series, unless another one comes back to that place: then it begins a series
of its own (`Patch`). When it comes back itself, it takes its place again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from todocli.domain.history import differences
from todocli.services.history.log import TodoChange
from todocli.services.history.rows import parse_row

_COUNT = "note_count"
_SERIES = "series_values"
_ABSENT = object()
_CLAIM = ("claimed_by", "claimed_until")

Columns = dict[str, Any]
"""Columns of a todo that history keeps, with values of the columns' own types."""


PLACE = ("series_id", "series_place")


def own_series(todo_id: Any) -> Columns:
    """Return the columns of a todo that has given up its place in a series: it is the first of its own."""
    return {"series_id": todo_id, "series_place": 1}


def gave_way(row: Columns) -> bool:
    """Whether a stored row has given up its place in a series."""
    return all(row[name] == value for name, value in own_series(row["id"]).items())


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
            given_up = PLACE if row and gave_way(row) else ()
            rest = {name: value for name, value in (self.target or {}).items() if name not in ("deleted_at", *given_up)}
            return row is None or (row["deleted_at"] is not None and _has(row, rest))
        changed = self.expected if self.target is None else differences(self.expected, self.target)
        compared = changed.keys() - ({_COUNT, _SERIES} if self.target is not None else set())
        if row is None or not _has(row, {name: self.expected[name] for name in compared}):
            return False
        return self.target is None or _same_in(row, self.expected, self._series_names())

    def patch(self, row: Columns | None, at: datetime) -> Columns:
        """Return the columns to write to reach the target; without a stored `row`, those of a new one."""
        if row is None:
            return dict(self.target) if self.target is not None else {**(self.expected or {}), "deleted_at": at}
        if self.target is None:
            return {"deleted_at": row["deleted_at"] or at}
        if self.expected is None:
            return {name: self.target[name] for name in ("deleted_at", *(PLACE if gave_way(row) else ()))}
        columns = {name: self.target[name] for name in differences(self.expected, self.target)}
        if _COUNT in columns:
            columns[_COUNT] = max(row[_COUNT] + self.target[_COUNT] - self.expected[_COUNT], 0)
        if _SERIES in columns:
            names = self._series_names()
            kept = {name: value for name, value in _series(row).items() if name not in names}
            new = {name: value for name, value in _series(self.target).items() if name in names}
            columns[_SERIES] = kept | new or None
        return columns

    def _series_names(self) -> set[str]:
        """Return the columns of which the series had, or no longer had, a value of its own."""
        here, there = _series(self.expected), _series(self.target)
        return {name for name in here | there if here.get(name, _ABSENT) != there.get(name, _ABSENT)}


def _parsed(row: Any) -> Columns | None:
    """Return a row of history without the claim: who works on a todo is nothing to undo."""
    if row is None:
        return None
    return {name: value for name, value in parse_row(row).items() if name not in _CLAIM}


def _series(row: Columns | None) -> dict[str, Any]:
    return (row or {}).get(_SERIES) or {}


def _same_in(row: Columns, expected: Columns, names: set[str]) -> bool:
    """Whether the series has the same values of these columns, or none, in both rows."""
    here, there = _series(row), _series(expected)
    return all(here.get(name, _ABSENT) == there.get(name, _ABSENT) for name in names)


def _has(row: Columns, values: Columns) -> bool:
    """Whether `row` has these values. When a todo moved to the trash does not matter."""
    return all(
        (row[name] is None) == (value is None) if name == "deleted_at" else row[name] == value
        for name, value in values.items()
    )
