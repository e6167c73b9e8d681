"""Which todos wait for which others, in SQL.

`todos.needs` has the numbers of the todos that one needs: a number never changes, is never reused, and is what people
type. A todo is blocked while one of those is open, so nobody has to take it off the list when that is done.

    14 Paint   needs {12, 13}      12 open, 13 done    blocked by 12
                                   12 and 13 done      ready
                                   12 in the trash     ready: what was dropped holds nothing up
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from todocli.column_types import Numbers
from todocli.models import Todo
from todocli.services import parameters
from todocli.services.array_sql import collected, each_number, is_among, outer_columns
from todocli.services.owner import Owner

_table = sa.inspect(Todo).local_table

Statement = sa.Select[Any]


class OpenNeeds(sa.sql.functions.FunctionElement[list[int]]):
    """The numbers of the open todos among those that a todo needs, given its `user_id` and `needs`."""

    name = "open_needs"
    type = Numbers()
    inherit_cache = True


@compiles(OpenNeeds)
def _open_needs(element: OpenNeeds, compiler: Any, **_options: Any) -> str:
    user_id, needs = outer_columns(element, compiler)
    dialect = compiler.dialect.name
    return str(
        compiler.process(sa.case((needs.is_not(None), collected(open_needed(user_id, needs, dialect), dialect))))
    )


def open_needed(user_id: Any, needs: Any, dialect: str, done: Statement | None = None) -> Statement:
    """Select the numbers of the todos that are open of those in `needs`, and are not among the numbers `done`.

    Each is looked up by a scalar subquery, which no planner rewrites: without statistics, Postgres would join, and
    read all the todos of the user for each list of needs.
    """
    number = each_number(needs, dialect).c.value
    needed = _table.alias("needed")
    found = sa.select(_is_open(needed)).where(needed.c.user_id == user_id, needed.c.number == number)
    query = sa.select(number.label("number")).where(found.correlate_except(needed).scalar_subquery()).order_by(number)
    return query if done is None else query.where(number.not_in(done))


def is_blocked(dialect: str) -> sa.ColumnElement[bool]:
    """Return the condition that a todo needs one that is open."""
    todo = _table.c
    return sa.and_(todo.needs.is_not(None), sa.exists(open_needed(todo.user_id, todo.needs, dialect)))


def is_blocking(owner: Owner, dialect: str) -> sa.ColumnElement[bool]:
    """Return the condition that an open todo of the owner needs this one. Engines read what is needed once."""
    waiting = _table.alias("waiting")
    each = each_number(waiting.c.needs, dialect)
    needed = sa.select(each.c.value).select_from(waiting.join(each, sa.true()))
    return _table.c.number.in_(needed.where(_is_waiting(owner.user_id(), waiting)).correlate(None))


def _is_waiting(user_id: Any, todo: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that an open todo of the user needs any, as the index `ix_todos_waiting` has it."""
    return sa.and_(todo.c.user_id == user_id, todo.c.needs.is_not(None), _is_open(todo))


def _is_open(todo: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(todo.c.completed_at.is_(None), todo.c.deleted_at.is_(None))


def was_open(updated: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that a row which is done or in the trash now was open until this update.

    In RETURNING, `completed_at IS NULL` is false on SQLite 3.40 where it is NULL.
    """
    moment = parameters.new("updated_at")
    return sa.func.coalesce(updated.c.completed_at, moment) == moment


class FreedOnSqlite(sa.sql.functions.FunctionElement[list[int]]):
    """The numbers of the todos that need this one and are ready, given its `user_id` and `number`.

    SQLite finds them row by row as it updates, so that the last of several sees that the others are done.
    """

    name = "freed"
    type = Numbers()
    inherit_cache = True


@compiles(FreedOnSqlite, "sqlite")
def _freed_on_sqlite(element: FreedOnSqlite, compiler: Any, **_options: Any) -> str:
    user_id, number = outer_columns(element, compiler)
    waiting = _table.alias("waiting")
    each = each_number(waiting.c.needs, "sqlite")
    query = (
        sa.select(sa.func.json_group_array(waiting.c.number))
        .where(_is_waiting(user_id, waiting), number.in_(sa.select(each.c.value)))
        .where(sa.not_(sa.exists(open_needed(waiting.c.user_id, waiting.c.needs, "sqlite"))))
    )
    return str(compiler.process(query.scalar_subquery()))


def freed_on_postgres(owner: Owner, updated: sa.CTE) -> sa.ColumnElement[list[int]]:
    """Return the numbers of the todos that are ready, and were not before: what they needed is in `updated`.

    The statement does not see its own updates, so these count as done whatever the rows say.
    """
    numbers = sa.select(updated.c.number).where(was_open(updated))
    waiting = _table.alias("waiting")
    needs_one = waiting.c.needs.op("OPERATOR(pg_catalog.&&)", is_comparison=True)
    query = (
        sa.select(waiting.c.number)
        .where(_is_waiting(owner.user_id(), waiting), needs_one(sa.func.array(numbers.scalar_subquery())))
        .where(sa.not_(sa.exists(open_needed(waiting.c.user_id, waiting.c.needs, "postgresql", numbers))))
    )
    return sa.func.array(query.scalar_subquery()).label("freed")


def need_none_of(owner: Owner, dialect: str, numbers: Collection[int], others: Statement) -> sa.ColumnElement[bool]:
    """Return the condition that none of these todos, nor any that they need, is among `others`: or it would be a cycle.

    `others` selects numbers.
    """
    found = reachable(owner, dialect, sa.literal(sorted(numbers), Numbers()))
    return sa.not_(sa.exists(sa.select(found.c.number).where(found.c.number.in_(others))))


def reachable(owner: Owner, dialect: str, numbers: sa.ColumnElement[Any]) -> sa.CTE:
    """Return the numbers of a list, of what those todos need, of what that needs, and so on."""
    first, todo = _table.alias("first").c, _table.alias("next")
    begun = sa.select(first.number).where(first.user_id == owner.user_id(), is_among(first.number, numbers, dialect))
    reached = begun.cte("reachable", recursive=True)
    each = each_number(todo.c.needs, dialect)
    known = sa.and_(todo.c.user_id == owner.user_id(), todo.c.number == reached.c.number)
    return reached.union(sa.select(each.c.value).select_from(reached.join(todo, known).join(each, sa.true())))


def replaced(needs: sa.Column[Any], numbers: sa.Table, dialect: str) -> sa.ColumnElement[Any]:
    """Return `needs` with other numbers: the `new` of each `old` one of a table. Without one, a number is left out."""
    each = each_number(needs, dialect)
    found = sa.select(numbers.c.new).select_from(each.join(numbers, numbers.c.old == each.c.value))
    found = found.distinct().order_by(numbers.c.new)
    if dialect == "sqlite":
        new = found.subquery("replaced")
        listed = sa.select(sa.func.json_group_array(new.c.new)).scalar_subquery()
        return sa.type_coerce(sa.func.nullif(listed, "[]"), needs.type)
    array = sa.func.array(found.scalar_subquery())
    return sa.type_coerce(sa.case((sa.func.pg_catalog.cardinality(array) > 0, array)), needs.type)
