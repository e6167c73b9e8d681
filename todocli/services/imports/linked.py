"""Finds out what the todos of a file need, and whose subtasks they are: it refers to todos by its own ids or numbers.

    in the file             the number that it has here, or gets as a new todo
    imported before         `sources` has its id
    exported before         its id is that of the user's own todo
    linked here already     a file of ours may have fewer todos than there are: what one needs beside them stays

What else a file refers to is left out, and counted. So are needs by which a todo would wait for itself, and parents by
which it would be under itself, or too far down.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Set
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from todocli.domain.fields import MAX_LEVELS
from todocli.models import Source, Todo, User
from todocli.services import dependencies, subtasks
from todocli.services.array_sql import is_among
from todocli.services.imports.staged import set_columns
from todocli.services.owner import Owner

_todos, _sources = (SQLModel.metadata.tables[name] for name in ("todos", "sources"))

KINDS = frozenset(("needs", "parent"))
"""The fields of a todo that refer to others."""

_UNKNOWN = {
    "needs": "needs of todos that are not in the file",
    "parent": "parents that are not in the file, or in the trash",
}
_WAITING = "needs by which a todo would wait for itself"
_UNDER_ITSELF = "parents by which a todo would be under itself"
_TOO_DEEP = f"parents by which a todo would be below level {MAX_LEVELS}"


def resolve(
    session: Session, owner: Owner, format_name: str, incoming: sa.Table, links: sa.Table, *, updated: Set[str]
) -> dict[str, int]:
    """Set what the todos of a file refer to, and return what is left out, counted.

    It is known which todos they are. Links of the kinds that are `updated` are written to those here already as well.
    """
    if session.execute(sa.select(links.c.position).limit(1)).first() is None:
        return {}
    _number(session, owner, incoming)
    _resolve(session, owner, format_name, incoming, links)
    _leave_out_trash(session, owner, incoming, links)
    query = sa.select(incoming.c.number, incoming.c.position, links.c.kind, links.c.number.label("linked"))
    rows = session.execute(query.where(links.c.position == incoming.c.position)).all()
    left_out = Counter(_UNKNOWN[row.kind] for row in rows if row.linked is None)
    needs: dict[int, set[int]] = {}
    parents: dict[int, int] = {}
    for row in rows:
        if row.linked is not None and row.kind == "needs":
            needs.setdefault(row.number, set()).add(row.linked)
        elif row.linked is not None:
            parents[row.number] = row.linked
    is_new, numbers = incoming.c.known_id.is_(None), sa.select(incoming.c.number)
    writing = {kind: numbers if kind in updated else numbers.where(is_new) for kind in KINDS}
    left_out += _leave_out_cycles(session, owner, needs, writing["needs"])
    left_out += _leave_out_levels(session, owner, parents, writing["parent"])
    positions = {row.number: row.position for row in rows}
    linked = ((positions[number], sorted(needs.get(number, ())) or None, parents.get(number)) for number in positions)
    set_columns(session, incoming, ("needs", "parent"), [each for each in linked if any(each[1:])])
    return dict(left_out)


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


def _resolve(session: Session, owner: Owner, format_name: str, incoming: sa.Table, links: sa.Table) -> None:
    """Set the numbers of what is referred to, as far as it is known."""
    dialect = session.get_bind().dialect.name
    unknown = links.c.number.is_(None)
    in_file = sa.update(links).values(number=incoming.c.number)
    session.execute(in_file.where(incoming.c.reference == links.c.reference))
    found = sa.update(links).values(number=_todos.c.number)
    source = (owner.scope(Source), _sources.c.format == format_name, _sources.c.source_id == links.c.reference)
    session.execute(found.where(unknown, *source, _todos.c.id == _sources.c.todo_id))
    session.execute(found.where(unknown, owner.owns(Todo), _todos.c.id == links.c.own_id))
    linked_here = sa.update(links).values(number=links.c.own_number)
    its_todo = (incoming.c.position == links.c.position, owner.owns(Todo), _todos.c.id == incoming.c.known_id)
    has_it = sa.case(
        (links.c.kind == "needs", is_among(links.c.own_number, _todos.c.needs, dialect)),
        else_=links.c.own_number == _todos.c.parent,
    )
    session.execute(linked_here.where(unknown, *its_todo, has_it))


def _leave_out_trash(session: Session, owner: Owner, incoming: sa.Table, links: sa.Table) -> None:
    """Take away parents in the trash, unless they come back, or have their subtasks there already."""
    parent, child, back = _todos.alias("parent"), _todos.alias("child"), incoming.alias("back")
    comes_back = sa.exists(sa.select(back.c.position).where(back.c.known_id == parent.c.id, back.c.is_returning))
    in_trash = (
        parent.c.user_id == owner.user_id(),
        parent.c.number == links.c.number,
        parent.c.deleted_at.is_not(None),
        ~comes_back.correlate(parent),
    )
    its_child = (
        incoming.c.position == links.c.position,
        child.c.id == incoming.c.known_id,
        child.c.parent == links.c.number,
    )
    is_gone = sa.exists(sa.select(parent.c.id).where(*in_trash).correlate(links))
    has_it = sa.exists(sa.select(child.c.id).where(*its_child).correlate(links))
    session.execute(sa.update(links).values(number=None).where(links.c.kind == "parent", is_gone, ~has_it))


def _leave_out_cycles(
    session: Session, owner: Owner, wanted: Mapping[int, set[int]], writing: sa.Select[Any]
) -> Counter[str]:
    """Take needs out of `wanted` by which todos would wait for themselves; return how many.

    `writing` selects the numbers of the todos that get what they want; the others keep what they need.
    """
    left_out: Counter[str] = Counter()
    if not wanted:
        return left_out
    mentioned = {*wanted, *(number for numbers in wanted.values() for number in numbers)}
    graph = dependencies.needs_from(session, owner, mentioned)
    written = set(session.scalars(writing)) & (graph.keys() | mentioned)
    graph |= {number: sorted(wanted.get(number, ())) for number in written}
    while cycle := dependencies.find_cycle(graph):
        for number, needed in pairwise(cycle):
            graph[number] = [each for each in graph[number] if each != needed]
            if number in written and needed in wanted.get(number, ()):
                wanted[number].remove(needed)
                left_out[_WAITING] += 1
    return left_out


def _leave_out_levels(session: Session, owner: Owner, wanted: dict[int, int], writing: sa.Select[Any]) -> Counter[str]:
    """Take parents out of `wanted` by which todos would be under themselves or too far down; return how many.

    `writing` is as in `_leave_out_cycles`.
    """
    left_out: Counter[str] = Counter()
    if not wanted:
        return left_out
    mentioned = {*wanted, *wanted.values()}
    parents = subtasks.related(session, owner, mentioned, wanted.keys())
    written = set(session.scalars(writing)) & (parents.keys() | mentioned)
    parents |= {number: wanted.get(number) for number in written}
    heights = _heights(parents, written)

    def lose(number: int, why: str) -> bool:
        """Take the parent of a todo away, if it is one that the file gives it."""
        if number not in written or wanted.pop(number, None) is None:
            return False
        parents[number] = None
        left_out[why] += 1
        return True

    levels: dict[int, int] = {}
    for first in sorted(parents):
        path, top = _path(first, parents, levels)
        if top in path:
            for number in path[path.index(top) :]:
                lose(number, _UNDER_ITSELF)
            path, top = _path(first, parents, levels)
        level = levels.get(top, 0) if top is not None else 0
        for number in reversed(path):
            is_deep = level + heights.get(number, 1) > MAX_LEVELS
            level = 1 if is_deep and lose(number, _TOO_DEEP) else level + 1
            levels[number] = level
    return left_out


def _path(first: int, parents: Mapping[int, int | None], known: Mapping[int, int]) -> tuple[list[int], int | None]:
    """Return a todo, its parent, and so on, and the one above them that is `known` or among them, if there is one."""
    path: dict[int, None] = {}
    number: int | None = first
    while number is not None and number in parents and number not in known and number not in path:
        path[number] = None
        number = parents[number]
    return list(path), number if number in parents else None


def _heights(parents: Mapping[int, int | None], written: Collection[int]) -> dict[int, int]:
    """Return how many levels todos take with them, themselves included, if it is more than one.

    A todo takes those subtasks with it that are not `written`.
    """
    heights: dict[int, int] = {}
    for number in parents:
        height, top = 1, number
        while top not in written and (above := parents[top]) and above in parents and height <= MAX_LEVELS:
            height, top = height + 1, above
        heights[top] = max(height, heights.get(top, 1))
    return heights
