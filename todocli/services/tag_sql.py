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
    name = sa.func.unnest(sa.func.array_cat(_tags, more)).column_valued("name")
    left = (
        sa.select(name)
        .where(sa.func.coalesce(name != sa.func.all(less), sa.true()))
        .group_by(name)
        .order_by(sa.collate(name, "C"))
    )
    array = sa.func.array(left.scalar_subquery())
    return sa.type_coerce(sa.func.nullif(array, sa.text("'{}'::text[]")), Names)
