"""What is refused of the dependencies between todos: what could never begin."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli.column_types import Numbers
from todocli.errors import ValidationError
from todocli.models import Todo
from todocli.services import dependency_sql
from todocli.services.array_sql import collected, is_among
from todocli.services.owner import Owner


def refuse_cycle(session: Session, owner: Owner, numbers: Collection[int], more: Collection[int] = ()) -> None:
    """Raise `ValidationError` if one of these todos waits for itself, or would if all of them needed `more`."""
    needs = needs_from(session, owner, {*numbers, *more})
    for number in sorted(numbers):
        needs[number] = [*needs.get(number, []), *more]
    if cycle := find_cycle(needs):
        raise cycle_error(cycle)


def needs_from(session: Session, owner: Owner, numbers: Collection[int]) -> dict[int, list[int]]:
    """Return what these todos need, what those need, and so on, by number."""
    dialect = session.get_bind().dialect.name
    reachable = dependency_sql.reachable(owner, dialect, sa.literal(sorted(numbers), Numbers()))
    found = is_among(col(Todo.number), collected(sa.select(reachable.c.number), dialect), dialect)
    query = sa.select(col(Todo.number), col(Todo.needs)).where(owner.scope(Todo), found)
    query = query.order_by(col(Todo.number))  # so that both engines name the same cycle
    return {row.number: row.needs for row in session.execute(query)}


def find_cycle(needs: Mapping[int, Sequence[int]]) -> list[int]:
    """Return a cycle: each todo needs the next one, and the last is the first again. Empty: there is none."""
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        cycle: list[int] = error.args[1]
        return cycle[::-1]
    return []


def cycle_error(cycle: Sequence[int]) -> ValidationError:
    """Return the error that names a cycle; with one number only, the todo that would wait for itself."""
    if len(set(cycle)) == 1:
        detail = f"{cycle[0]} would wait for itself; nothing was changed."
    else:
        first, *others = cycle
        chain = ", which needs ".join(map(str, others))
        detail = f"{first} would need {chain}: none of them could ever begin. Nothing was changed."
    numbers = map(str, dict.fromkeys(cycle))
    return ValidationError.of("needs", detail, hint="Look at what they need", command=("todo", "show", *numbers))
