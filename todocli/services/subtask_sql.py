"""Which todos are subtasks of others, in SQL.

`todos.parent` has the number of the todo that one belongs to. What belongs together is where it is together: out of
the trash, or in it since the same moment. So a todo takes its subtasks along into the trash, and `restore` brings
those back that went with it, but none that had been removed before.

    12 Renovate bath            parent NULL     subtasks {13, -14, 15}: a minus for what is done
    ├─ 13 Buy tiles             parent 12
    ├─ 14 Ask Ada (done)        parent 12
    └─ 15 Lay tiles             parent 12       subtasks {16}
       └─ 16 Mix the grout      parent 15
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles

from todocli.column_types import Numbers
from todocli.domain.fields import MAX_LEVELS
from todocli.models import Todo
from todocli.services.array_sql import collected, each_number, outer_columns
from todocli.services.owner import Owner

_table = sa.inspect(Todo).local_table


class Subtasks(sa.sql.functions.FunctionElement[list[int]]):
    """The numbers of a todo's subtasks outside the trash, negative if done, given its `user_id` and `number`."""

    name = "subtasks"
    type = Numbers()
    inherit_cache = True


@compiles(Subtasks)
def _subtasks(element: Subtasks, compiler: Any, **_options: Any) -> str:
    user_id, number = outer_columns(element, compiler)
    subtask = _table.alias("subtask")
    mark = sa.case((subtask.c.completed_at.is_(None), subtask.c.number), else_=-subtask.c.number)
    query = sa.select(mark.label("number")).where(
        subtask.c.user_id == user_id, subtask.c.parent == number, subtask.c.deleted_at.is_(None)
    )
    return str(compiler.process(collected(query.order_by(subtask.c.number), compiler.dialect.name)))


def family(owner: Owner, dialect: str, chosen: sa.ColumnElement[bool], *, everywhere: bool = False) -> sa.CTE:
    """Return the numbers of the todos that are `chosen`, of their subtasks, of the subtasks of those, and so on.

    `level` is 1 for those that are chosen. Unless it is `everywhere`, only what is where its parent is belongs to it.
    """
    columns = [_table.c[name] for name in ("number", "deleted_at")]
    first = sa.select(*columns, sa.literal(1, sa.BigInteger).label("level")).where(owner.scope(Todo), chosen)
    found = first.cte("family", recursive=True)
    child = _table.alias("child").c
    children = sa.select(child.number).where(child.user_id == owner.user_id(), child.parent == found.c.number)
    if not everywhere:
        children = children.where(child.deleted_at.is_not_distinct_from(found.c.deleted_at))
    each = each_number(collected(children.correlate(found), dialect), dialect)
    below = sa.select(each.c.value, found.c.deleted_at, found.c.level + 1).select_from(found.join(each, sa.true()))
    return found.union_all(below.where(found.c.level <= MAX_LEVELS))


def is_under(number: int, todo: sa.FromClause = _table, levels: int = MAX_LEVELS - 1) -> sa.ColumnElement[bool]:
    """Return the condition that a todo is a subtask of that with a number, or of a subtask of it, and so on.

    Scalar subqueries look one parent up after the other, whatever a planner believes.
    """
    above = _table.alias()
    is_child = todo.c.parent == number
    if levels > 1:
        higher = sa.select(is_under(number, above, levels - 1)).where(
            above.c.user_id == todo.c.user_id, above.c.number == todo.c.parent
        )
        is_child = sa.or_(is_child, higher.correlate_except(above).scalar_subquery())
    return sa.func.coalesce(is_child, sa.false())


def has_parent() -> sa.ColumnElement[bool]:
    """Return the condition that a todo is a subtask.

    Written otherwise, SQLite would read all subtasks of the user from their index, however few of them are open.
    """
    return sa.func.coalesce(_table.c.parent, 0) > 0


def ancestry(owner: Owner, chosen: sa.ColumnElement[bool]) -> sa.CTE:
    """Return the numbers of the todos that are `chosen`, of their parents, and so on; `level` counts from 1.

    The last number may be NULL: that of a parent which is no longer there.
    """
    first = sa.select(_table.c.number, _table.c.parent, sa.literal(1, sa.BigInteger).label("level"))
    found = first.where(owner.scope(Todo), chosen).cte("ancestry", recursive=True)
    parent = _table.alias("parent").c
    its_parent = (parent.user_id == owner.user_id(), parent.number == found.c.parent)
    columns = (sa.select(column).where(*its_parent).scalar_subquery() for column in (parent.number, parent.parent))
    above = sa.select(*columns, found.c.level + 1).select_from(found)
    return found.union_all(above.where(found.c.parent.is_not(None), found.c.level <= MAX_LEVELS))


def takes_new(owner: Owner, parents: Collection[int]) -> sa.ColumnElement[bool]:
    """Return the condition that each of these parents may have another subtask, on a level that there is."""
    return _levels(ancestry(owner, _table.c.number.in_(parents))) < MAX_LEVELS


def takes(
    owner: Owner, dialect: str, parents: Collection[int], numbers: sa.Select[tuple[int]]
) -> sa.ColumnElement[bool]:
    """Return the condition that todos may become subtasks of `parents`. `numbers` selects theirs."""
    above = ancestry(owner, _table.c.number.in_(parents))
    below = family(owner, dialect, _table.c.number.in_(numbers), everywhere=True)
    is_cycle = sa.exists(sa.select(above.c.number).where(above.c.number.in_(numbers)))
    return sa.and_(sa.not_(is_cycle), _levels(above) + _levels(below) <= MAX_LEVELS)


def _levels(todos: sa.CTE) -> sa.ColumnElement[int]:
    return sa.select(sa.func.max(todos.c.level)).where(todos.c.number.is_not(None)).scalar_subquery()


def have_no_open(owner: Owner, todos: sa.FromClause, numbers: sa.Select[tuple[int]]) -> sa.ColumnElement[bool]:
    """Return the condition that none of `todos` has a subtask that is open, and not among `numbers`."""
    child = _table.alias("child").c
    is_open = sa.and_(child.completed_at.is_(None), child.deleted_at.is_(None))
    found = sa.select(child.number).where(child.user_id == owner.user_id(), child.parent.in_(sa.select(todos.c.number)))
    return sa.not_(sa.exists(found.where(is_open, child.number.not_in(numbers))))
