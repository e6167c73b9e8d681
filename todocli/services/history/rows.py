"""Rows of todos as history keeps them, in JSON, and as the columns have them in Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlmodel import SQLModel

from todocli.models import ClockTime, Names, UtcDateTime

_todos = SQLModel.metadata.tables["todos"]


def parse_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of history with values of the columns' own types; columns that no longer exist are left out."""
    return {name: _parse(_todos.c[name].type, value) for name, value in row.items() if name in _todos.c}


def _parse(kind: sa.types.TypeEngine[Any], value: Any) -> Any:
    if isinstance(kind, Names):
        return value or []
    for known, parse in _PARSERS:
        if value is not None and isinstance(kind, known):
            return parse(value)
    return value


_PARSERS: tuple[tuple[type[Any], Callable[[str], Any]], ...] = (
    (UtcDateTime, datetime.fromisoformat),
    (sa.Date, date.fromisoformat),
    (ClockTime, time.fromisoformat),
)
