"""The statement of a list: its todos, and how many there are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlmodel import col

from todocli.domain.filters.ast import EVERYTHING, depends_on_time
from todocli.domain.references import MAX_NUMBER
from todocli.models import Todo, User
from todocli.services.owner import Owner
from todocli.services.paging import Cursor
from todocli.services.queries import TodoQuery, in_state
from todocli.services.resolve import COLUMNS

Counts = tuple[tuple[str, TodoQuery], ...]
"""What else to count, by name."""


def list_statement(
    owner: Owner,
    dialect: str,
    query: TodoQuery,
    cursor: Cursor | None,
    counts: Counts,
    columns: tuple[sa.ColumnElement[Any], ...] = COLUMNS,
) -> sa.Select[Any]:
    """Return the statement for what `query` finds: `columns`, and for each row its sort keys and the `counts`.

    If there are none, the outer join returns one row without a todo: so that a second query is not needed for the
    counts, nor to find out whether the user exists. The limit is inside, where an index can be read in order.
    """
    if cursor or any(depends_on_time(each.filter) for each in (query, *dict(counts).values())):
        return _build(owner, dialect, query, cursor, counts, columns)
    # Building it takes longer than running it, and without these two it depends on the day only, not on the time.
    return first_page(owner, dialect, _of_day(query), tuple((name, _of_day(each)) for name, each in counts), columns)


def _of_day(query: TodoQuery) -> TodoQuery:
    """Return the query at midnight, in UTC: midnights of two time zones may be equal, and their days differ."""
    return replace(query, here=datetime.combine(query.here.date(), time.min, UTC))


@lru_cache(maxsize=500)
def first_page(
    owner: Owner, dialect: str, query: TodoQuery, counts: Counts, columns: tuple[sa.ColumnElement[Any], ...]
) -> sa.Select[Any]:
    """Return `list_statement` for a day, and without a cursor."""
    return _build(owner, dialect, query, None, counts, columns)


def _build(
    owner: Owner,
    dialect: str,
    query: TodoQuery,
    cursor: Cursor | None,
    counts: Counts,
    columns: tuple[sa.ColumnElement[Any], ...],
) -> sa.Select[Any]:
    keys = query.keys(owner, dialect)
    marks = [key.label(f"key_{i}") for i, (key, _) in enumerate(keys)]
    conditions = [*query.conditions(dialect), *([cursor.is_before(query, keys)] if cursor else [])]
    matches = sa.select(*columns, *marks).where(owner.scope(Todo), *conditions)
    if query.limit is not None and query.limit <= MAX_NUMBER:
        matches = matches.order_by(*query.ordered(keys)).limit(query.limit)
    page = matches.subquery("page")
    placed = [(page.c[mark.name], descending) for mark, (_, descending) in zip(marks, keys, strict=True)]
    together, alone = _divided(counts)
    rows: sa.FromClause = sa.outerjoin(User, page, sa.true())
    numbers: list[sa.ColumnElement[Any]] = [_count(owner, dialect, each).label(name) for name, each in alone]
    if together:
        # Postgres without statistics would count again for each row of the page.
        totals = _counts(owner, dialect, together).cte("totals").prefix_with("MATERIALIZED", dialect="postgresql")
        rows = sa.join(rows, totals, sa.true())
        numbers += totals.c
    return sa.select(page, *numbers).select_from(rows).where(owner.is_user()).order_by(*query.ordered(placed))


def _divided(counts: Counts) -> tuple[Counts, Counts]:
    """Return what is counted in one pass over the open todos, and what is counted by itself."""
    together = tuple((name, each) for name, each in counts if each.state == "open")
    if len(together) < 2:
        return (), counts
    return together, tuple(count for count in counts if count not in together)


def _counts(owner: Owner, dialect: str, counts: Counts) -> sa.Select[Any]:
    """Return how many todos each of several queries for open ones finds."""
    numbers: list[sa.ColumnElement[Any]] = [
        sa.func.count().filter(sa.and_(*each.conditions(dialect))).label(name) for name, each in counts
    ]
    return sa.select(*numbers).where(owner.scope(Todo), *in_state("open"))


def count_statement(owner: Owner, dialect: str, query: TodoQuery) -> sa.Select[Any]:
    """Return the statement for how many todos `query` finds; it has no row if the user does not exist."""
    return sa.select(_count(owner, dialect, query).label("count")).where(owner.is_user())


def _count(owner: Owner, dialect: str, query: TodoQuery) -> sa.ColumnElement[int]:
    """Return how many todos `query` finds, without its limit: as stored for whole lists, which may be long."""
    if query.filter == EVERYTHING and query.state != "open":
        stored: dict[str, Any] = {
            "completed": col(User.completed_count),
            "trash": col(User.trash_count),
            "all": col(User.open_count) + col(User.completed_count),
        }
        count: sa.ColumnElement[int] = stored[query.state]
        return count
    matches = (owner.scope(Todo), *query.conditions(dialect))
    return sa.select(sa.func.count()).where(*matches).scalar_subquery()
