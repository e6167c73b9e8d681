"""The users of a database. Authentication is the database's own."""

from __future__ import annotations

from functools import cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli.clock import now
from todocli.database.engine import insert_for
from todocli.domain.ids import new_id
from todocli.errors import Conflict, NotFound
from todocli.models import User
from todocli.schemas.accounts import UserList, UserRead
from todocli.services.admission import may_read, may_write
from todocli.services.owner import Owner

_table = sa.inspect(User).local_table
_columns = (col(User.id), col(User.name), col(User.created_at))


class Users:
    """The users of one database. `todocli.profiles` validates their names."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def all(self) -> UserList:
        """Return every user, by name in the order of code points."""
        rows = self._session.execute(sa.select(*_columns).where(may_read())).mappings()
        items = sorted((UserRead(**row) for row in rows), key=lambda user: user.name)
        return UserList.of(items)

    def find(self, name: str) -> UserRead | None:
        """Return the user of that name, or None."""
        row = self._session.execute(_by_name(), {"name": name}).mappings().one_or_none()
        return UserRead(**row) if row else None

    def counts(self, owner: Owner) -> dict[str, Any]:
        """Return a user's id and name, how many todos they have in each state, and their last number.

        Raises `MissingUserContext`.
        """
        query: Any = sa.select(
            col(User.id).label("user_id"),
            col(User.name),
            col(User.open_count).label("open"),
            col(User.completed_count).label("completed"),
            col(User.trash_count).label("trash"),
            col(User.last_number),
        )
        row = self._session.execute(query.where(owner.is_user(), may_read())).mappings().one_or_none()
        if row is None:
            raise owner.unknown()
        return dict(row)

    def add(self, name: str) -> tuple[UserRead, bool]:
        """Return the user of that name, and whether it was added: an existing name is the same user."""
        moment = now()
        values: dict[str, Any] = {"id": new_id(moment), "name": name, "last_number": 0, "created_at": moment}
        added = self._session.execute(self._insert(values)).mappings().one_or_none()
        if added:
            return UserRead(**added), True
        known = self.find(name)
        if known is None:
            raise Conflict(
                f"The user {name!r} was renamed in the meantime.",
                hint="See the users",
                command=("todo", "user", "list"),
            )
        return known, known.id == values["id"]  # by this statement, whose first answer was lost

    def rename(self, name: str, new_name: str) -> UserRead:
        """Give the user `name` another name; the todos stay theirs. Raises `NotFound`, or `Conflict` if it is taken."""
        known = self.find(name)
        if known is None:
            raise NotFound(f"There is no user {name!r}.", hint="See the users", command=("todo", "user", "list"))
        taken = sa.exists(sa.select(col(User.id)).where(col(User.name) == new_name).correlate(None))
        statement = (
            sa.update(User)
            .where(col(User.id) == known.id, ~taken, may_write())
            .values(name=new_name)
            .returning(*_columns)
            .execution_options(synchronize_session=False)
        )
        try:
            row = self._session.execute(statement).mappings().one_or_none()
        except sa.exc.IntegrityError:  # somebody else took the name while this statement ran
            raise _taken(new_name) from None
        if row:
            return UserRead(**row)
        renamed = self.find(new_name)
        if renamed and renamed.id == known.id:  # by this statement, whose first answer was lost
            return renamed
        raise _taken(new_name)

    def ensure(self, name: str) -> UUID:
        """Return the id of the user of that name; add the user if there is none."""
        known = self.find(name)
        return known.id if known else self.add(name)[0].id

    def _insert(self, values: dict[str, Any]) -> Any:
        literals = [sa.literal(value, _table.c[name].type) for name, value in values.items()]
        dialect = self._session.get_bind().dialect.name
        new = insert_for(dialect, User).from_select(list(values), sa.select(*literals).where(may_write()))
        return new.on_conflict_do_nothing(index_elements=["name"]).returning(*_columns)


@cache
def _by_name() -> Any:
    return sa.select(*_columns).where(col(User.name) == sa.bindparam("name"), may_read())


def _taken(name: str) -> Conflict:
    return Conflict(f"The name {name!r} is taken.", hint="Choose another name.")
