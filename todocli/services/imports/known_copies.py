"""Finds out which subtasks of what repeats a file has, as no copy may be added twice either.

What repeats has copies of its subtasks each time, in series of their own (`todocli.domain.ids.series_of_copies`). Such
a series follows from the id of the subtask that was copied first, which is in none itself. Imported, it has another id:

    here     Bath 1 (place 1)   Tiles 2, id t, no series       done: Tiles 4, series of t, place 2
    there    Bath 1 (place 1)   Tiles 2, series of t, place 1  done: Tiles 4, series of t, place 2

So an import lets a subtask begin the series that its copies have where the file was written. A file from there has the
series, and so its first todo is found here.
"""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, SQLModel

from todocli.domain.ids import series_of_copies
from todocli.models import Todo
from todocli.services.imports.staged import set_columns
from todocli.services.owner import Owner

_todos = SQLModel.metadata.tables["todos"]

_SERIES = ("series_id", "series_place")
_KNOWN = ("known_id", "todo_id")


def begin_series(session: Session, incoming: sa.Table, links: sa.Table) -> None:
    """Let the new subtasks of a file that are in no series begin that which their copies have there."""
    top = _below_repeating(incoming, links)
    query = sa.select(incoming.c.position, incoming.c.own_id, top.c.series_id, top.c.series_place)
    new = query.where(incoming.c.position == top.c.position, *_are_new(incoming), incoming.c.series_id.is_(None))
    begun = [
        (row.position, series_of_copies(row.series_id, row.own_id, None), row.series_place)
        for row in session.execute(new.where(incoming.c.own_id.is_not(None)))
    ]
    set_columns(session, incoming, _SERIES, begun, has_series=sa.true())


def match(session: Session, owner: Owner, incoming: sa.Table, links: sa.Table) -> None:
    """Match the new subtasks of a file with those here that are in no series, but begin one.

    It is known which of the todos that repeat are here.
    """
    top = _below_repeating(incoming, links)
    query = sa.select(incoming.c.position, incoming.c.series_id, incoming.c.series_place)
    new = session.execute(
        query.where(incoming.c.position == top.c.position, *_are_new(incoming), incoming.c.has_series)
    ).all()
    here = _first_ones(session, owner, incoming) if new else {}
    places = ((row.position, here.get((row.series_id, row.series_place))) for row in new)
    found = [(position, todo_id, todo_id) for position, todo_id in places if todo_id]
    set_columns(session, incoming, _KNOWN, found)


def _are_new(incoming: sa.Table) -> tuple[sa.ColumnElement[bool], ...]:
    return incoming.c.known_id.is_(None), incoming.c.rrule.is_(None)


def _below_repeating(incoming: sa.Table, links: sa.Table) -> sa.CTE:
    """Return the todos of a file that repeat, and their subtasks that do not, each with the series at its top."""
    first, parent, child = (incoming.alias(name) for name in ("first", "parent", "child"))
    columns = (first.c.position, first.c.series_id, first.c.series_place)
    repeating = sa.select(*columns).where(first.c.rrule.is_not(None), first.c.has_series)
    found = repeating.cte("repeating", recursive=True)
    below = sa.select(child.c.position, found.c.series_id, found.c.series_place).where(
        parent.c.position == found.c.position,
        links.c.kind == "parent",
        links.c.reference == parent.c.reference,
        child.c.position == links.c.position,
        child.c.rrule.is_(None),
    )
    return found.union(below)  # which ends for cycles, too


def _first_ones(session: Session, owner: Owner, incoming: sa.Table) -> dict[tuple[UUID, int], UUID]:
    """Return the subtasks here that are in no series, by that of their copies and their place in it.

    They are below those todos that repeat which the file has as well, and are not in it themselves.
    """
    known = sa.select(incoming.c.known_id).where(incoming.c.rrule.is_not(None), incoming.c.known_id.is_not(None))
    columns = (_todos.c.number, _todos.c.series_id, _todos.c.series_place)
    repeating = sa.select(*columns).where(owner.owns(Todo), _todos.c.id.in_(known), _todos.c.rrule.is_not(None))
    found = repeating.cte("repeating_here", recursive=True)
    child = _todos.alias("child")
    below = sa.select(child.c.number, found.c.series_id, found.c.series_place).where(
        child.c.user_id == owner.user_id(), child.c.parent == found.c.number, child.c.rrule.is_(None)
    )
    found = found.union(below)
    is_taken = sa.exists(sa.select(incoming.c.position).where(incoming.c.known_id == _todos.c.id).correlate(_todos))
    query = sa.select(_todos.c.id, found.c.series_id, found.c.series_place).where(
        owner.owns(Todo), _todos.c.number == found.c.number, _todos.c.series_id.is_(None), ~is_taken
    )
    return {(series_of_copies(row.series_id, row.id, None), row.series_place): row.id for row in session.execute(query)}
