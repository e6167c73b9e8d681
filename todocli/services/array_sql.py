"""Reads and changes lists of names or numbers in SQL: an array on Postgres, JSON on SQLite."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from todocli.column_types import Names


def members_after(
    column: sa.ColumnElement[Any], added: Collection[Any], removed: Collection[Any], dialect: str
) -> sa.ColumnElement[Any]:
    """Return the list of a column after adding and removing members, sorted: names by code point."""
    more = sa.literal(sorted(set(added) - set(removed)), column.type)
    less = sa.literal(sorted(removed), column.type)
    if dialect == "sqlite":
        kept, new, gone = (sa.func.json_each(members).table_valued("value") for members in (column, more, less))
        stays = sa.select(kept.c.value).where(kept.c.value.not_in(sa.select(gone.c.value)))
        members = sa.union(stays, sa.select(new.c.value)).order_by("value").subquery("members")
        listed = sa.select(sa.func.json_group_array(members.c.value)).scalar_subquery()
        return sa.type_coerce(sa.func.nullif(listed, "[]"), column.type)
    catalog = sa.func.pg_catalog
    member = catalog.unnest(catalog.array_cat(column, more)).column_valued("member")
    left = (
        sa.select(member)
        .where(sa.func.coalesce(member != sa.func.all(less), sa.true()))
        .group_by(member)
        .order_by(sa.collate(member, "C") if isinstance(column.type, Names) else member)
    )
    array = sa.func.array(left.scalar_subquery())
    return sa.type_coerce(sa.case((catalog.cardinality(array) > 0, array)), column.type)


def lists_differ(column: sa.Column[Any], value: object, dialect: str) -> sa.ColumnElement[bool]:
    """Return the condition that the list of a column is not `value`."""
    if dialect == "sqlite":
        return column.is_distinct_from(value)
    new = value if isinstance(value, sa.ColumnElement) else sa.literal(value, column.type)
    both = sa.and_(column.is_not(None), new.is_not(None))
    return sa.case(
        (both, column.op("OPERATOR(pg_catalog.<>)", is_comparison=True)(new)),
        else_=column.is_not(None) != new.is_not(None),
    )


def each_number(numbers: sa.ColumnElement[Any], dialect: str) -> sa.TableValuedAlias:
    """Return the numbers of a list as rows of a column `value`."""
    if dialect == "sqlite":
        return sa.func.json_each(numbers).table_valued("value", name="each_number")
    value = sa.column("value", sa.BigInteger())
    return sa.func.pg_catalog.unnest(numbers).table_valued(value, name="each_number").render_derived()


def is_among(
    number: sa.SQLColumnExpression[int], numbers: sa.ColumnElement[Any], dialect: str
) -> sa.ColumnElement[bool]:
    """Return the condition that a number is in a list of them.

    With a list that is `collected`, each of its numbers is looked up in an index. With a subquery in place of the list,
    engines without statistics would rather read all todos.
    """
    if dialect == "sqlite":
        each = sa.func.json_each(numbers).table_valued("value")
        return number.in_(sa.select(each.c.value))
    return number == sa.func.any(numbers)


def collected(query: sa.Select[Any] | sa.CompoundSelect[Any], dialect: str) -> sa.ColumnElement[Any]:
    """Return the list of what a query for one column, `number`, finds, in its order. It may be empty, but is not NULL.

    It is evaluated for each row outside of it, whatever a planner believes.
    """
    if dialect == "sqlite":
        return sa.select(sa.func.json_group_array(query.subquery("collected").c.number)).scalar_subquery()
    return sa.func.array(query.scalar_subquery())


def outer_columns(element: sa.sql.functions.FunctionElement[Any], compiler: Any) -> tuple[sa.ColumnClause[Any], ...]:
    """Return the columns that an element is given, for a subquery in it: with their table, and not as another row.

    In RETURNING, SQLAlchemy leaves out the table on SQLite, and does not correlate that of an INSERT.
    """
    return tuple(sa.literal_column(compiler.process(column, include_table=True)) for column in element.clauses)
