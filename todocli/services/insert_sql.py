"""The statement that adds todos, under the user's next numbers, unless its change has been recorded before."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from todocli.database.engine import insert_for
from todocli.models import Todo
from todocli.services import parameters
from todocli.services.idempotency import not_recorded
from todocli.services.links import NO_LINKS, Links
from todocli.services.owner import Owner
from todocli.services.resolve import COLUMNS

STAMPED = ("created_at", "updated_at", "version", "change_id", "change_source", "change_actor", "change_request")
"""The columns that are the same in all new todos."""

_table = SQLModel.metadata.tables["todos"]


@lru_cache(maxsize=200)
def of_one(owner: Owner, dialect: str, columns: tuple[str, ...], links: Links = NO_LINKS) -> Any:
    """Return the statement for one todo. `columns` are those given; their values, and the id, are parameters.

    In each of these statements, `links` are as in `from_rows`.
    """
    position = sa.literal(1, sa.BigInteger()).label("position")
    values = (parameters.new(column).label(column) for column in ("id", *columns))
    return _insert(owner, dialect, columns, sa.select(position, *values).cte("new"), links)


@lru_cache(maxsize=200)
def of_several(owner: Owner, dialect: str, columns: tuple[str, ...], links: Links = NO_LINKS) -> Any:
    """Return the statement for the rows of the parameter `new_rows`: each has a position from 1, an id, and columns."""
    kinds = {"position": sa.BigInteger()} | {column: _table.c[column].type for column in ("id", *columns)}
    return _insert(owner, dialect, columns, parameters.rows("new_rows", kinds, dialect).cte("new"), links)


def from_rows(owner: Owner, dialect: str, columns: tuple[str, ...], new: sa.CTE, links: Links = NO_LINKS) -> Any:
    """Return the statement for rows of the database: `new` has a position from 1, an id, and the columns.

    Nothing is added unless all that these todos refer to, their `links`, is there.
    """
    user = owner.locked().cte("owner")
    values: dict[str, Any] = {
        "id": new.c.id,
        "user_id": user.c.id,
        "number": user.c.last_number + new.c.position,
        **{name: new.c[name] for name in columns},
        **{name: parameters.new(name) for name in STAMPED if name not in columns},
    }
    unless_recorded = not_recorded(owner, parameters.new("change_id"))
    rows = sa.select(*values.values()).select_from(user.join(new, sa.true()))
    rows = rows.where(unless_recorded, *links.conditions_of_new(owner))
    return insert_for(dialect, Todo).from_select(list(values), rows).on_conflict_do_nothing(index_elements=["id"])


def _insert(owner: Owner, dialect: str, columns: tuple[str, ...], new: sa.CTE, links: Links) -> Any:
    return from_rows(owner, dialect, columns, new, links).returning(*COLUMNS)
