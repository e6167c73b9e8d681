"""Finds out which occurrences the todos of a file are, as no two may be one of the same series.

    known here, but its todo is done          it is the one of that series that is open now; a file with versions
                                              means the one that is done, which is not opened again
    its series has it here already            it is that one; if an undo removed it, it comes back
    others are that one                       it begins a series of its own

A file of ours names the series, and so does one of Taskwarrior. In others, a todo that repeats is the whole series.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from todocli.models import Change, Todo
from todocli.services.imports import known_copies
from todocli.services.owner import Owner

_todos = SQLModel.metadata.tables["todos"]


def match(session: Session, owner: Owner, incoming: sa.Table, links: sa.Table) -> None:
    """Match the todos of a file that repeat, and their subtasks. `links` has the parents, as the file has them.

    It is known which of all were imported or exported before.
    """
    repeating = sa.select(incoming.c.position).where(incoming.c.series_id.is_not(None))
    if session.execute(repeating.limit(1)).first() is None:
        return
    _move_on(session, incoming)
    known_copies.begin_series(session, incoming, links)
    _begin_series(session, incoming, _is_doubled(incoming))
    same = _same_place(incoming, _todos)
    other = incoming.alias("other")
    is_taken = sa.exists(sa.select(other.c.position).where(other.c.known_id == _todos.c.id).correlate(_todos))
    is_undone = sa.exists(
        sa.select(col(Change.id))
        .where(owner.owns(Change), col(Change.id) == _todos.c.change_id, col(Change.undoes).is_not(None))
        .correlate(_todos)
    )
    session.execute(
        sa.update(incoming)
        .values(
            known_id=_todos.c.id,
            todo_id=_todos.c.id,
            is_returning=sa.and_(_todos.c.deleted_at.is_not(None), is_undone),
        )
        .where(incoming.c.known_id.is_(None), incoming.c.has_series, owner.owns(Todo), same, ~is_taken)
    )
    known_copies.match(session, owner, incoming, links)
    is_here = sa.exists(sa.select(_todos.c.id).where(owner.owns(Todo), same).correlate(incoming))
    _begin_series(session, incoming, is_here)


def _move_on(session: Session, incoming: sa.Table) -> None:
    """Let what stands for a whole series be its open occurrence, where the one that is known is done."""
    known, following = _todos.alias("known"), _todos.alias("following")
    open_one = (
        sa.select(following.c.id)
        .where(following.c.user_id == known.c.user_id, following.c.series_id == known.c.series_id)
        .where(following.c.completed_at.is_(None), following.c.deleted_at.is_(None))
        .where(known.c.id == incoming.c.known_id, known.c.completed_at.is_not(None))
        .order_by(following.c.series_place)
        .limit(1)
        .correlate(incoming)
        .scalar_subquery()
    )
    found = sa.func.coalesce(open_one, incoming.c.known_id)
    is_whole = sa.and_(incoming.c.rrule.is_not(None), incoming.c.completed_at.is_(None), incoming.c.version.is_(None))
    is_known = incoming.c.known_id.is_not(None)
    session.execute(sa.update(incoming).values(known_id=found, todo_id=found).where(is_whole, is_known))


def goes_on(incoming: sa.Table) -> sa.ColumnElement[bool]:
    """Return the condition that a todo that is known is done, and followed by others of its series."""
    later = _todos.alias("later")
    follows = (later.c.user_id == _todos.c.user_id, later.c.series_id == _todos.c.series_id)
    is_later = (later.c.series_place > _todos.c.series_place, later.c.deleted_at.is_(None))
    found = sa.exists(sa.select(later.c.id).where(*follows, *is_later).correlate(_todos))
    return sa.and_(_todos.c.completed_at.is_not(None), incoming.c.completed_at.is_(None), found)


def _is_doubled(incoming: sa.Table) -> sa.ColumnElement[bool]:
    """Return the condition that an earlier todo of the file is the same occurrence."""
    earlier = incoming.alias("earlier")
    same = (_same_place(incoming, earlier), earlier.c.position < incoming.c.position)
    return sa.exists(sa.select(earlier.c.position).where(*same).correlate(incoming))


def _same_place(incoming: sa.Table, other: sa.FromClause) -> sa.ColumnElement[bool]:
    return sa.and_(other.c.series_id == incoming.c.series_id, other.c.series_place == incoming.c.series_place)


def _begin_series(session: Session, incoming: sa.Table, condition: sa.ColumnElement[bool]) -> None:
    """Let the new todos with a condition begin series of their own, if they repeat."""
    repeats = incoming.c.rrule.is_not(None)
    own: dict[str, Any] = {
        "series_id": sa.case((repeats, incoming.c.id), else_=None),
        "series_place": sa.case((repeats, incoming.c.series_place), else_=None),
        "has_series": sa.false(),
    }
    new = (incoming.c.known_id.is_(None), incoming.c.has_series)
    session.execute(sa.update(incoming).values(own).where(*new, condition))
