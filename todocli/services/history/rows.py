"""Rows of todos as history keeps them, in JSON, and as the columns have them in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from todocli.column_types import ClockTime, Members, UtcDateTime
from todocli.models import Todo

_todos = sa.inspect(Todo).local_table


def parse_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of history with values of the columns' own types; columns that no longer exist are left out."""
    return {name: _COLUMNS[name](value) for name, value in row.items() if name in _COLUMNS}


def _parser(kind: sa.types.TypeEngine[Any]) -> Callable[[Any], Any]:
    if isinstance(kind, Members):
        return lambda value: value or []
    parse = next((parse for known, parse in _PARSERS if isinstance(kind, known)), None)
    return (lambda value: value) if parse is None else (lambda value: value and parse(value))


_PARSERS: tuple[tuple[type[Any], Callable[[str], Any]], ...] = (
    (sa.Uuid, UUID),
    (UtcDateTime, datetime.fromisoformat),
    (sa.Date, date.fromisoformat),
    (ClockTime, time.fromisoformat),
)

_COLUMNS = {column.name: _parser(column.type) for column in _todos.c}
