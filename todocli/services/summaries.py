"""The tags and projects in use, with the open and completed todos of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli import clock
from todocli.domain.filters.ast import InProject, Tagged
from todocli.models import Todo, User
from todocli.schemas.summaries import SummaryList, SummaryRead
from todocli.services.admission import may_read
from todocli.services.filter_sql import compile_filter
from todocli.services.owner import Owner

_table = sa.inspect(Todo).local_table


class Summaries:
    """The tags and projects of one user."""

    def __init__(self, session: Session, owner: Owner) -> None:
        self._session = session
        self._owner = owner

    def tags(self) -> SummaryList:
        """Return all tags. Raises `MissingUserContext` if the database does not have the user."""
        if self._session.get_bind().dialect.name == "sqlite":
            names = sa.func.json_each(_table.c.tags).table_valued("value", name="names")
            return self._summarised(self._counted(names.c.value, names))
        each = sa.func.pg_catalog.unnest(_table.c.tags).table_valued("value", name="names").render_derived()
        return self._summarised(self._counted(each.c.value, each))

    def projects(self) -> SummaryList:
        """Return all projects, each with its sub-projects. Raises as `tags`."""
        whole: list[tuple[str, int, int]] = []
        for name, still_open, completed in self._counted(_table.c.project):
            parts = name.split("/")
            whole += [("/".join(parts[: i + 1]), still_open, completed) for i in range(len(parts))]
        return self._summarised(whole)

    def unused(self, terms: Sequence[Tagged | InProject], *, but: UUID | None = None) -> list[Tagged | InProject]:
        """Return those of `terms` that match none of the user's todos, except those that the change `but` wrote."""
        if not terms:
            return []
        others = sa.and_(self._owner.scope(Todo), col(Todo.deleted_at).is_(None))
        others = others if but is None else sa.and_(others, col(Todo.change_id) != but)
        dialect, here = self._session.get_bind().dialect.name, clock.here()
        found = [sa.exists().where(others, compile_filter(term, here, dialect)) for term in terms]
        row = self._session.execute(sa.select(*found)).one()
        return [term for term, is_used in zip(terms, row, strict=True) if not is_used]

    def _counted(self, name: sa.ColumnElement[Any], names: sa.FromClause | None = None) -> list[tuple[str, int, int]]:
        """Return each name with its numbers of open and completed todos; `names` is a table of the names of a todo."""
        done = sa.func.count(col(Todo.completed_at))
        counted = (
            sa.select(name.label("name"), (sa.func.count() - done).label("open"), done.label("completed"))
            .select_from(Todo if names is None else sa.join(Todo, names, sa.true()))
            .where(self._owner.scope(Todo), col(Todo.deleted_at).is_(None), name.is_not(None))
            .group_by(name)
            .subquery("counted")
        )
        # The outer join returns one row without a name if the user exists but has none: no second query is needed. And
        # the schema is tested for that row, whether or not the engine comes to the user's todos.
        joined = sa.outerjoin(User, counted, sa.true())
        query = sa.select(counted).select_from(joined).where(self._owner.is_user(), may_read())
        rows = self._session.execute(query).all()
        if not rows:
            raise self._owner.unknown()
        return [(name, still_open, completed) for name, still_open, completed in rows if name is not None]

    def _summarised(self, counted: Iterable[tuple[str, int, int]]) -> SummaryList:
        open_ones: Counter[str] = Counter()
        completed_ones: Counter[str] = Counter()
        for name, still_open, completed in counted:
            open_ones[name] += still_open
            completed_ones[name] += completed
        items = [
            SummaryRead(
                name=name,
                open=open_ones[name],
                completed=completed_ones[name],
                done_share=round(completed_ones[name] / (open_ones[name] + completed_ones[name]), 4),
            )
            for name in sorted(open_ones)
        ]
        return SummaryList.of(items)
