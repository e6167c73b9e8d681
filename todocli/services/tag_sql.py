"""Changes tags in SQL: an array on Postgres, JSON on SQLite."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from todocli.models import Names, Todo

_tags = sa.inspect(Todo).local_table.c.tags


def tags_after(added: Collection[str], removed: Collection[str], dialect: str) -> sa.ColumnElement[Any]:
    """Return the tags of a todo after adding and removing some, sorted by code point."""
    more = sa.literal(sorted(set(added) - set(removed)), Names)
    less = sa.literal(sorted(removed), Names)
    if dialect == "sqlite":
        kept, new, gone = (sa.func.json_each(names).table_valued("value") for names in (_tags, more, less))
        stays = sa.select(kept.c.value).where(kept.c.value.not_in(sa.select(gone.c.value)))
        names = sa.union(stays, sa.select(new.c.value)).order_by("value").subquery("names")
        listed = sa.select(sa.func.json_group_array(names.c.value)).scalar_subquery()
        return sa.type_coerce(sa.func.nullif(listed, "[]"), Names)
    catalog = sa.func.pg_catalog
    name = catalog.unnest(catalog.array_cat(_tags, more)).column_valued("name")
    left = (
        sa.select(name)
        .where(sa.func.coalesce(name != sa.func.all(less), sa.true()))
        .group_by(name)
        .order_by(sa.collate(name, "C"))
    )
    array = sa.func.array(left.scalar_subquery())
    return sa.type_coerce(sa.case((catalog.cardinality(array) > 0, array)), Names)


def tags_differ(value: object, dialect: str) -> sa.ColumnElement[bool]:
    """Return the condition that a todo's tags are not `value`."""
    if dialect == "sqlite":
        return _tags.is_distinct_from(value)
    new = value if isinstance(value, sa.ColumnElement) else sa.literal(value, Names)
    both = sa.and_(_tags.is_not(None), new.is_not(None))
    return sa.case(
        (both, _tags.op("OPERATOR(pg_catalog.<>)", is_comparison=True)(new)),
        else_=_tags.is_not(None) != new.is_not(None),
    )
