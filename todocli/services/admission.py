"""The condition in every statement that the schema admits this program; see `todocli.database.schema`.

A check on connecting would miss an upgrade later on: `serve` runs for weeks, and connections wait in pools. So each
statement has one of these conditions, and fails where it does not hold. It costs no round trip, and a write that fails
stores nothing.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from todocli.database.schema import HEAD, VERSION_TABLE

_current = sa.Table(
    VERSION_TABLE,
    sa.MetaData(),
    *(sa.Column(name, sa.Text()) for name in ("version_num", "oldest_reader", "oldest_writer")),
)


@cache
def may_read() -> sa.ColumnElement[bool]:
    """Return the condition of a read."""
    return _condition(_current.c.oldest_reader)


@cache
def may_write() -> sa.ColumnElement[bool]:
    """Return the condition of a write."""
    return _condition(_current.c.oldest_writer)


def _condition(oldest: sa.Column[str]) -> sa.ColumnElement[bool]:
    head, yes, no = (sa.literal_column(f"'{text}'", sa.Text()) for text in (HEAD, "true", "refused"))
    is_admitted = sa.and_(sa.func.count() == sa.literal_column("1"), sa.func.max(oldest) <= head)
    verdict = _Parsed(sa.case((is_admitted, yes), else_=no))
    # All of it is inside the subquery, which engines evaluate once: what is outside, they evaluate for each row.
    return sa.select(verdict).select_from(_current).correlate(None).scalar_subquery()


class _Parsed(sa.sql.functions.FunctionElement[bool]):
    """Parses `true`; any other text is an error: so that what is not admitted does not look like nothing found."""

    name = "parsed"
    type = sa.Boolean()
    inherit_cache = True


@compiles(_Parsed)
def _cast(element: _Parsed, compiler: Any, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS boolean)"


@compiles(_Parsed, "sqlite")
def _json(element: _Parsed, compiler: Any, **options: Any) -> str:
    return f"json_extract({compiler.process(element.clauses, **options)}, '$')"
