"""Rows that may be there already: an insert that is sent again finds its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlmodel import Session, SQLModel

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert


def insert_into(session: Session, table: type[SQLModel]) -> Insert:
    """Return the session's engine's own insert, which takes `on_conflict_do_nothing`; naming it loads its dialect."""
    insert: Any
    if session.get_bind().dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert
    made: Insert = insert(table)
    return made
