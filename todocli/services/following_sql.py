"""The statement that adds what follows todos that repeat, or brings it back from the trash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from todocli.database.engine import insert_for
from todocli.models import Todo
from todocli.services import parameters
from todocli.services.insert_sql import STAMPED
from todocli.services.resolve import COLUMNS


@dataclass(frozen=True)
class Plan:
    """What follows todos that repeat: `rows` of it, for the todos `checked`, each with the change that it was at.

    Each row has its columns, and `after`: the id of the todo that it follows, or whose subtask it is a copy of. `under`
    is the place among the rows, from 1, of the one that becomes its parent. The last of a series has none.
    """

    rows: Sequence[Mapping[str, Any]] = ()
    checked: frozenset[tuple[UUID, UUID]] = frozenset()


NO_PLAN = Plan()

_table = SQLModel.metadata.tables["todos"]

_STAMP = tuple(name for name in STAMPED if name not in ("created_at", "version"))


def _typed(column: sa.ColumnElement[Any], dialect: str) -> sa.ColumnElement[Any]:
    """Return a column with its type, which Postgres does not know where all values are NULL."""
    return column if dialect == "sqlite" else sa.cast(column, column.type)


def insert(
    dialect: str, rows: Sequence[Mapping[str, Any]], ended: sa.FromClause, last_number: sa.ColumnElement[int]
) -> Any:
    """Return the statement for the rows of a plan, as far as the todos that they follow are in `ended`.

    The new todos are numbered from `last_number` on. One that exists already is left alone, unless it is in the trash.
    """
    names = [name for name in rows[0] if name not in ("after", "under")]
    columns: tuple[sa.ColumnClause[Any], ...] = (
        *(sa.column(name, sa.BigInteger()) for name in ("position", "under")),
        sa.column("after", sa.Uuid()),
        *(sa.column(name, _table.c[name].type) for name in names),
    )
    placed = [(i, row["under"], row["after"], *(row[name] for name in names)) for i, row in enumerate(rows, 1)]
    new = sa.values(*columns, name="new").data(placed).cte("following")
    values: dict[str, Any] = {
        "user_id": ended.c.user_id,
        "number": last_number + new.c.position,
        **{name: _typed(new.c[name], dialect) for name in names},
        "parent": _parent(dialect, new, ended, last_number),
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
            **{name: excluded[name] for name in (*names, *_STAMP) if name != "id"},
            "version": _table.c.version + 1,
        },
        where=_table.c.deleted_at.is_not(None),
    ).returning(*COLUMNS)


def _parent(
    dialect: str, new: sa.CTE, ended: sa.FromClause, last_number: sa.ColumnElement[int]
) -> sa.ColumnElement[Any]:
    """Return the number of the parent: that of another new row, unless it is there already under its own number."""
    above, there = new.alias("above"), _table.alias("there")
    under = _typed(new.c.under, dialect)
    same = (there.c.series_id == above.c.series_id, there.c.series_place == above.c.series_place)
    known = sa.select(there.c.number).where(above.c.position == under, there.c.user_id == ended.c.user_id, *same)
    number = sa.func.coalesce(known.correlate(new, ended).scalar_subquery(), last_number + under)
    return sa.case((under.is_not(None), number), else_=_typed(new.c.parent, dialect))
