"""Takes the best open todo for one of several workers, so that no two get the same.

    WITH owner AS (                          1. lock the user, as every command does: claims queue up
        SELECT id FROM users
        WHERE name = :user
          AND last_claim_id <> :change       2. a retry that waited for the first attempt sees here that it is recorded:
        FOR NO KEY UPDATE),                     a locked row is read as it is now, not as of the snapshot
    best AS (
        SELECT id FROM todos WHERE <open, matching, not claimed>
        ORDER BY urgency LIMIT 1
        FOR UPDATE SKIP LOCKED),             3. what was claimed meanwhile no longer matches, and the next one is taken
    claimed AS (
        UPDATE todos SET claimed_by, claimed_until
        WHERE id IN (SELECT id FROM best)
          AND NOT EXISTS (                   4. a retry after the commit finds its change recorded
            SELECT FROM changes WHERE id = :change)
        RETURNING …),
    UPDATE users SET last_claim_id = :change

A claim ends by the database's clock: those of the workers may differ. It is a change like others, with an entry in the
log; `todo undo` skips it (`todocli.services.history.undo`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, SQLModel, col

from todocli.clock import now
from todocli.column_types import DatabaseNow
from todocli.database.store import WRITES
from todocli.domain.filters.ast import names_todos
from todocli.domain.history import Origin
from todocli.domain.idempotency import ChangeKey
from todocli.errors import NotFound
from todocli.models import Todo, User
from todocli.schemas.todos import TodoRead
from todocli.services import parameters
from todocli.services.admission import may_write
from todocli.services.dependency_sql import is_blocked
from todocli.services.filter_sql import is_claimed
from todocli.services.idempotency import not_recorded, recorded_todos
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.resolve import COLUMNS, read
from todocli.services.update_sql import STAMP
from todocli.services.updates import stamp

_todos, _users = (SQLModel.metadata.tables[name] for name in ("todos", "users"))


class Claims:
    """The claims on the todos of one user."""

    def __init__(self, session: Session, owner: Owner, origin: Origin) -> None:
        self._session = session
        self._owner = owner
        self._origin = origin

    def claim(
        self, query: TodoQuery, claimant: str, lease: timedelta, key: ChangeKey, *, renew: bool = False
    ) -> TodoRead | None:
        """Claim the first todo that `query` finds and that nobody has claimed; None if there is none.

        One that waits for another is left out, unless the filter names todos.
        With `renew`, also one that the claimant has already. Repeated under the same key, the same todo is returned, as
        it is now. Raises `Conflict` if `key` was used for another request, `NotFound` if that todo was purged since,
        and `MissingUserContext`.
        """
        stamped = stamp(self._origin, now(), key.id, key.request)
        values = parameters.values_of({**stamped, "claimed_by": claimant}) | {"lease": lease.total_seconds()}
        row = self._session.execute(self._statement(query, renew=renew), values).mappings().one_or_none()
        if row is not None:
            return read(row)
        touched = recorded_todos(self._session, self._owner, key)
        if touched is None:
            self._owner.require(self._session)
            return None
        found = sa.select(*COLUMNS).where(self._owner.scope(Todo), col(Todo.id).in_(touched))
        again = self._session.execute(found).mappings().one_or_none()
        if again is None:
            raise NotFound("Already applied; the todo has since been purged.")
        return read(again)

    def _statement(self, query: TodoQuery, *, renew: bool) -> Any:
        dialect = self._session.get_bind().dialect.name
        change = parameters.new("change_id")
        is_first = _users.c.last_claim_id.is_distinct_from(change)
        user = self._owner.locked().where(is_first).cte("owner")
        free = sa.not_(is_claimed())
        if not names_todos(query.filter):
            free = sa.and_(free, sa.not_(is_blocked(dialect)))
        if renew:
            free = sa.or_(free, _todos.c.claimed_by == parameters.new("claimed_by"))
        best = (
            sa.select(col(Todo.id))
            .where(col(Todo.user_id) == sa.select(user.c.id).scalar_subquery(), free, *query.conditions(dialect))
            .order_by(*query.ordered(query.keys(self._owner, dialect)))
            .limit(1)
            .with_for_update(skip_locked=True)
            .cte("best")
        )
        claimed = (
            _todos.update()
            .where(self._owner.owns(Todo), _todos.c.id.in_(sa.select(best.c.id)))
            .where(not_recorded(self._owner, change), may_write())
            .values(
                claimed_by=parameters.new("claimed_by"),
                claimed_until=DatabaseNow(sa.bindparam("lease", type_=sa.Float())),
                **{name: parameters.new(name) for name in STAMP},
                version=_todos.c.version + 1,
            )
            .returning(*COLUMNS)
            .execution_options(synchronize_session=False)
        )
        if dialect == "sqlite":  # which writes one statement at a time
            return claimed
        found = claimed.cte("claimed")
        noted = (
            _users.update()
            .where(col(User.id).in_(sa.select(found.c.user_id)))
            .values(last_claim_id=change)
            .returning(_users.c.id)
            .cte("noted")
        )
        return sa.select(*found.c).add_cte(noted).execution_options(**WRITES)
