"""Finds out which todos those of a file need: a file refers to them by its own ids or numbers.

    in the file             the number that it has here, or gets as a new todo
    imported before         `sources` has its id
    needed here already     a file of ours may have fewer todos than there are: what one needs beside them stays

What else a file refers to is left out, and counted. So are needs by which a todo would wait for itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from todocli.column_types import Numbers
from todocli.models import Source, Todo, User
from todocli.services import dependencies, staging
from todocli.services.dependency_sql import is_among
from todocli.services.owner import Owner

_todos, _sources = (SQLModel.metadata.tables[name] for name in ("todos", "sources"))

UNKNOWN = "needs of todos that are not in the file"
CYCLIC = "needs by which a todo would wait for itself"


def resolve(
    session: Session, owner: Owner, format_name: str, incoming: sa.Table, needs: sa.Table, *, update: bool
) -> dict[str, int]:
    """Set what the todos of a file need, and return what is left out, counted.

    It is known which todos they are. With `update`, the needs of those that are here already are written as well.
    """
    if session.execute(sa.select(needs.c.position).limit(1)).first() is None:
        return {}
    _number(session, owner, incoming)
    _resolve(session, owner, format_name, incoming, needs)
    query = sa.select(incoming.c.number, incoming.c.position, needs.c.number.label("needed"))
    rows = session.execute(query.where(needs.c.position == incoming.c.position)).all()
    wanted: dict[int, set[int]] = {}
    for row in rows:
        if row.needed is not None:
            wanted.setdefault(row.number, set()).add(row.needed)
    is_written = sa.true() if update else incoming.c.known_id.is_(None)
    cyclic = _leave_out_cycles(session, owner, wanted, sa.select(incoming.c.number).where(is_written))
    position_of = {row.number: row.position for row in rows}
    kinds = [sa.Column("position", sa.BigInteger(), primary_key=True, autoincrement=False)]
    found = staging.create(session, "found_needs", [*kinds, sa.Column("needs", Numbers())])
    staging.load(session, found, [[(position_of[number], sorted(each)) for number, each in wanted.items() if each]])
    session.execute(sa.update(incoming).values(needs=found.c.needs).where(found.c.position == incoming.c.position))
    counts = {UNKNOWN: sum(row.needed is None for row in rows), CYCLIC: cyclic}
    return {name: count for name, count in counts.items() if count}


def _number(session: Session, owner: Owner, incoming: sa.Table) -> None:
    """Give the todos of a file their numbers: new ones get the next of the user, in the order of the file."""
    known = (owner.owns(Todo), _todos.c.id == incoming.c.known_id)
    session.execute(sa.update(incoming).values(number=_todos.c.number).where(*known))
    last_number = sa.select(col(User.last_number)).where(owner.is_user()).scalar_subquery()
    place = sa.func.row_number().over(order_by=incoming.c.position).label("place")
    new = sa.select(incoming.c.position, place).where(incoming.c.known_id.is_(None)).cte("new")
    session.execute(
        sa.update(incoming).values(number=last_number + new.c.place).where(incoming.c.position == new.c.position)
    )


def _resolve(session: Session, owner: Owner, format_name: str, incoming: sa.Table, needs: sa.Table) -> None:
    """Set the numbers of what is needed, as far as it is known."""
    dialect = session.get_bind().dialect.name
    unknown = needs.c.number.is_(None)
    in_file = sa.update(needs).values(number=incoming.c.number)
    session.execute(in_file.where(incoming.c.reference == needs.c.reference))
    imported = sa.update(needs).values(number=_todos.c.number)
    source = (owner.scope(Source), _sources.c.format == format_name, _sources.c.source_id == needs.c.reference)
    session.execute(imported.where(unknown, *source, _todos.c.id == _sources.c.todo_id))
    needed_here = sa.update(needs).values(number=needs.c.own_number)
    its_todo = (incoming.c.position == needs.c.position, owner.owns(Todo), _todos.c.id == incoming.c.known_id)
    needs_it = is_among(needs.c.own_number, _todos.c.needs, dialect)
    session.execute(needed_here.where(unknown, *its_todo, needs_it))


def _leave_out_cycles(session: Session, owner: Owner, wanted: Mapping[int, set[int]], writing: sa.Select[Any]) -> int:
    """Take needs out of `wanted` by which todos would wait for themselves; return how many.

    `writing` selects the numbers of the todos that get what they want; the others keep what they need.
    """
    mentioned = {*wanted, *(number for numbers in wanted.values() for number in numbers)}
    graph = dependencies.needs_from(session, owner, mentioned)
    written = set(session.scalars(writing)) & (graph.keys() | mentioned)
    graph |= {number: sorted(wanted.get(number, ())) for number in written}
    left_out = 0
    while cycle := dependencies.find_cycle(graph):
        for number, needed in pairwise(cycle):
            graph[number] = [each for each in graph[number] if each != needed]
            if number in written and needed in wanted.get(number, ()):
                wanted[number].remove(needed)
                left_out += 1
    return left_out
