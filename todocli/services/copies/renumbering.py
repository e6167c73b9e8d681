"""Other numbers for todos of a copy, where others need them or are under them, and in rows of history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session

from todocli.services import dependency_sql, staging
from todocli.services.imports.spool import Row


class Numbers(NamedTuple):
    """New numbers: of the todos that got another one `by_id`, and by the old number of all that one can refer to."""

    by_id: Mapping[UUID, int]
    linked: Mapping[int, int]


@cache
def _new_numbers(dialect: str) -> sa.Table:
    kinds = [sa.Column(name, sa.BigInteger(), autoincrement=False) for name in ("old", "new")]
    return staging.define(dialect, "copied_numbers", kinds)


def change_links(session: Session, todos: sa.Table, numbers: Numbers) -> Numbers:
    """Give the todos of a table the new numbers of what they need and are under, and return all numbers."""
    dialect = session.get_bind().dialect.name
    table = staging.create(session, _new_numbers(dialect))
    staging.load(session, table, [list(numbers.linked.items())])
    needs = dependency_sql.replaced(todos.c.needs, table, dialect)
    session.execute(sa.update(todos).values(needs=needs).where(todos.c.needs.is_not(None)))
    parent = sa.select(table.c.new).where(table.c.old == todos.c.parent).scalar_subquery()
    session.execute(sa.update(todos).values(parent=parent).where(todos.c.parent.is_not(None)))
    return numbers


def renumbered(row: Row, numbers: Numbers) -> Row:
    """Return a row of history with the new numbers of its todo, and of those that it refers to."""
    change_id, todo_id, *images = row
    return (change_id, todo_id, *(image and _image_renumbered(image, todo_id, numbers) for image in images))


def _image_renumbered(image: str, todo_id: UUID, numbers: Numbers) -> str:
    values = json.loads(image)
    if todo_id in numbers.by_id:
        values["number"] = numbers.by_id[todo_id]
    if values.get("needs"):
        values["needs"] = sorted(numbers.linked[each] for each in values["needs"] if each in numbers.linked) or None
    if values.get("parent"):
        values["parent"] = numbers.linked.get(values["parent"])
    return json.dumps(values, ensure_ascii=False)
