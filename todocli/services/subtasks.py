"""What is refused of subtasks: a todo under itself, and too many levels."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlmodel import Session, col

from todocli.column_types import Numbers
from todocli.domain.fields import MAX_LEVELS
from todocli.errors import ValidationError
from todocli.models import Todo
from todocli.services import subtask_sql
from todocli.services.array_sql import collected, is_among
from todocli.services.owner import Owner

_number = sa.inspect(Todo).local_table.c.number


def refuse_levels(session: Session, owner: Owner, numbers: Collection[int], parent: int | None = None) -> None:
    """Raise `ValidationError` if one of these todos is under itself, or a subtask of theirs on too low a level.

    With `parent`, if it would be with that.
    """
    parents = related(session, owner, {*numbers, *(() if parent is None else (parent,))}, numbers)
    if parent is not None:
        parents |= dict.fromkeys(numbers, parent)
    for number in sorted(parents):
        path = _path(number, parents)
        if path[-1] in path[:-1]:
            raise cycle_error(path[path.index(path[-1]) :])
        if len(path) > MAX_LEVELS:
            raise level_error(number, len(path))


def refuse_new(session: Session, owner: Owner, parent: int) -> None:
    """Raise `ValidationError` if a new subtask of `parent` would be on too low a level."""
    path = _path(parent, related(session, owner, [parent], []))
    if len(path) >= MAX_LEVELS:
        error = ValidationError.of("parent", f"{parent} is on level {len(path)} already; {_LIMIT}", hint=_HINT)
        error.numbers = (parent,)
        raise error


def related(
    session: Session, owner: Owner, numbers: Collection[int], with_subtasks: Collection[int]
) -> dict[int, int | None]:
    """Return the parents, by number, of todos, of those above them, and of the subtasks of some of them."""
    dialect = session.get_bind().dialect.name
    chosen, moving = (  # there may be more of them than a statement takes parameters
        is_among(_number, sa.literal(sorted(each), Numbers()), dialect) for each in (numbers, with_subtasks)
    )
    above = subtask_sql.ancestry(owner, chosen)
    below = subtask_sql.family(owner, dialect, moving, everywhere=True)
    both = collected(sa.union(sa.select(above.c.number), sa.select(below.c.number)), dialect)
    query = sa.select(col(Todo.number), col(Todo.parent)).where(owner.scope(Todo), is_among(_number, both, dialect))
    return {row.number: row.parent for row in session.execute(query)}


def _path(number: int, parents: Mapping[int, int | None]) -> list[int]:
    """Return a todo, its parent, and so on, as far as they are known; its end is in it twice if it is a cycle."""
    path = [number]
    while (above := parents.get(path[-1])) is not None and (above in parents):
        path.append(above)
        if above in path[:-1]:
            break
    return path


_LIMIT = f"there are at most {MAX_LEVELS} levels. Nothing was changed."
_HINT = "Choose a parent higher up."


def level_error(number: int, level: int) -> ValidationError:
    """Return the error for a todo on too low a level."""
    return ValidationError.of("parent", f"{number} would be on level {level}; {_LIMIT}", hint=_HINT)


def cycle_error(path: list[int]) -> ValidationError:
    """Return the error for a todo under itself; `path` goes from it up to it."""
    chain = " under ".join(map(str, path))
    detail = f"{path[0]} would be a subtask of itself: {chain}. Nothing was changed."
    return ValidationError.of("parent", detail, hint="Look at them", command=("todo", "show", *map(str, path[:-1])))
