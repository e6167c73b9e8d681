"""The statement that adds what follows todos that repeat, or brings it back from the trash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel, col

from todocli.column_types import Uuid
from todocli.database.engine import insert_for
from todocli.models import Todo, User
from todocli.services import parameters
from todocli.services.insert_sql import STAMPED
from todocli.services.owner import Owner
from todocli.services.resolve import COLUMNS


@dataclass(frozen=True)
class Plan:
    """What follows todos that repeat: `rows` of it, for the todos `checked`, each with the change that it was at.

    Each row has its columns, and `after`: the id of the todo that it follows, or whose subtask it is a copy of. `under`
    is the place among the rows, from 1, of the one that becomes its parent. The last of a series has none.
    """

    rows: Sequence[Mapping[str, Any]] = ()
    checked: frozenset[tuple[UUID, UUID]] = frozenset()

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters of a statement that carries it out."""
        rows = [{"position": i, **row, **self._above(row)} for i, row in enumerate(self.rows, 1)]
        return {"following": rows, "checked": sorted(self.checked)}

    def _above(self, row: Mapping[str, Any]) -> dict[str, object]:
        """Return the series of the row that becomes the parent of this one, and the place there."""
        above = self.rows[row["under"] - 1] if row["under"] else {}
        return {"above_series": above.get("series_id"), "above_place": above.get("series_place")}


NO_PLAN = Plan()

_table = SQLModel.metadata.tables["todos"]

COPIED = ("title", "description", "due_time", "priority", "project", "tags")
"""The columns that an occurrence has from the one before, unless this one differs."""

CARRIED = (*COPIED, "series_id", "rrule", "repeat_from", "ends_on", "times")
"""What an occurrence has from the one before."""

_NAMES = tuple(dict.fromkeys(("id", *CARRIED, "series_place", "repeat_on", "due_on", "starts_on", "parent")))
"""The columns of a row that are its own."""

_KINDS: dict[str, sa.types.TypeEngine[Any]] = {
    **dict.fromkeys(("position", "under", "above_place"), sa.BigInteger()),
    **dict.fromkeys(("after", "above_series"), Uuid()),
    **{name: _table.c[name].type for name in _NAMES},
}

_STAMP = tuple(name for name in STAMPED if name not in ("created_at", "version"))


@lru_cache(maxsize=100)
def of_ended(owner: Owner, dialect: str) -> Any:
    """Return the statement for the rows of a plan, where other statements of the transaction ended the todos."""
    todos = sa.select(_table.c.id, _table.c.user_id).where(owner.owns(Todo))
    last_number = sa.select(col(User.last_number)).where(owner.is_user()).scalar_subquery()
    return insert(dialect, todos.subquery("ended"), last_number)


def insert(dialect: str, ended: sa.FromClause, last_number: sa.ColumnElement[int]) -> Any:
    """Return the statement for the rows of a plan, as far as the todos that they follow are in `ended`.

    The new todos are numbered from `last_number` on. One that exists already is left alone, unless it is in the trash.
    """
    new = parameters.rows("following", _KINDS, dialect).cte("following")
    values: dict[str, Any] = {
        "user_id": ended.c.user_id,
        "number": last_number + new.c.position,
        **{name: new.c[name] for name in _NAMES},
        "parent": _parent(new, ended, last_number),
        "created_at": parameters.new("updated_at"),
        "version": sa.literal(1, sa.BigInteger),
        **{name: parameters.new(name) for name in _STAMP},
    }
    found = sa.select(*values.values()).select_from(new.join(ended, ended.c.id == new.c.after))
    if dialect == "sqlite":
        found = found.where(sa.true())  # or it would take ON CONFLICT for a join's condition
    statement: Any = insert_for(dialect, Todo).from_select(list(values), found)
    excluded = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["user_id", "series_id", "series_place"],
        index_where=_table.c.series_id.is_not(None),
        set_={
            "deleted_at": sa.null(),
            "series_values": sa.null(),
            **{name: excluded[name] for name in (*_NAMES, *_STAMP) if name != "id"},
            "version": _table.c.version + 1,
        },
        where=_table.c.deleted_at.is_not(None),
    ).returning(*COLUMNS)


def _parent(new: sa.CTE, ended: sa.FromClause, last_number: sa.ColumnElement[int]) -> sa.ColumnElement[Any]:
    """Return the number of the parent: that of another new row, unless it is there already under its own number."""
    there = _table.alias("there")
    same = (there.c.series_id == new.c.above_series, there.c.series_place == new.c.above_place)
    known = sa.select(there.c.number).where(there.c.user_id == ended.c.user_id, *same)
    number = sa.func.coalesce(known.correlate(new, ended).scalar_subquery(), last_number + new.c.under)
    return sa.case((new.c.under.is_not(None), number), else_=new.c.parent)
