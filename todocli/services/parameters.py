"""Parameters of the statements that are built once and used often: each has the name of the column that it sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from todocli.models import Todo

_todos = sa.inspect(Todo).local_table


def new(column: str) -> sa.BindParameter[Any]:
    """Return the parameter for the new value of a column of `todos`."""
    return sa.bindparam(f"new_{column}", type_=_todos.c[column].type)


def values_of(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values of these parameters, given those of the columns."""
    return {f"new_{column}": value for column, value in values.items()}
