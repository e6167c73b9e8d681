"""Parameters of the statements that are built once and used often.

Most have the name of the column that they set. Rows are one parameter: a VALUES clause has a text of its own for each
number of rows, and takes longer to compile than to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from todocli.column_types import Rows
from todocli.models import Todo

_todos = sa.inspect(Todo).local_table


def new(column: str) -> sa.BindParameter[Any]:
    """Return the parameter for the new value of a column of `todos`."""
    return sa.bindparam(f"new_{column}", type_=_todos.c[column].type)


def rows(name: str, kinds: Mapping[str, sa.types.TypeEngine[Any]], dialect: str) -> sa.Select[Any]:
    """Return the query for the rows of a parameter; `kinds` has the types of their columns."""
    value = sa.bindparam(name, type_=Rows(tuple(kinds.items())))
    if dialect == "sqlite":
        row = sa.func.json_each(value).table_valued("value", name="each").c.value
        cells = ((column, sa.func.json_extract(row, sa.literal_column(f"'$.{column}'"))) for column in kinds)
        return sa.select(*(sa.type_coerce(cell, kinds[column]).label(column) for column, cell in cells))
    from sqlalchemy.dialects.postgresql import JSONB

    columns = (sa.column(column, kind) for column, kind in kinds.items())
    found = sa.func.pg_catalog.jsonb_to_recordset(sa.cast(value, JSONB())).table_valued(*columns)
    return sa.select(found.render_derived(name="each", with_types=True))


def values_of(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values of these parameters, given those of the columns."""
    return {f"new_{column}": value for column, value in values.items()}
