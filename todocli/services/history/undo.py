"""Taking steps back, and making them again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col

from todocli.clock import now
from todocli.domain.history import door
from todocli.domain.ids import derived_id
from todocli.errors import Conflict, FieldError, NotFound, ValidationError
from todocli.models import Change, History, Todo, User
from todocli.schemas.changes import ChangeList
from todocli.services.history.log import Log, LogQuery, Step, is_undone_clause
from todocli.services.history.reversal import Columns, Turn
from todocli.services.history.rows import another_step
from todocli.services.owner import Owner

MAX_STEPS = 1_000
"""How many steps are taken back at once."""

_MOST_IDS = 10_000
"""How many todos one statement names: its parameters are limited."""

_todos, _changes = (SQLModel.metadata.tables[name] for name in ("todos", "changes"))


class Undo:
    """The steps of one user, to be taken back and made again. The session's statements are one transaction."""

    def __init__(self, session: Session, owner: Owner, *, source: str = "cli") -> None:
        self._session = session
        self._owner = owner
        self._source = source
        self._log = Log(session, owner)

    def undo(self, count: int, *, change: UUID, force: bool = False, dry_run: bool = False) -> ChangeList:
        """Take back the newest `count` steps that were not, all or none, and return them, newest first.

        Each becomes a step of its own, the first of them `change`; made before, they are not made again. With
        `dry_run` nothing is changed. Raises `NotFound` if there are fewer, `ValidationError` for more than
        `MAX_STEPS`, and `Conflict` if todos are not as those steps left them, unless by `force`.
        """
        return self._turn("undo", count, change, force=force, dry_run=dry_run)

    def redo(self, count: int, *, change: UUID, force: bool = False, dry_run: bool = False) -> ChangeList:
        """Make those `count` steps again that were taken back last, and return them; see `undo`."""
        return self._turn("redo", count, change, force=force, dry_run=dry_run)

    def _turn(self, verb: str, count: int, change: UUID, *, force: bool, dry_run: bool) -> ChangeList:
        if count > MAX_STEPS:
            detail = f"{count} steps are more than one command takes ({MAX_STEPS})."
            hint = f"{verb.capitalize()} them in several parts."
            raise ValidationError(detail, hint=hint, field_errors=(FieldError("count", detail),))
        self._owner.require(self._session, lock=True)  # of two commands at once the second sees what the first did
        ids = [change, *(derived_id(change, self._owner.name, i) for i in range(1, count + 1))]
        steps = self._made(verb, ids)
        if steps is None:
            query = self._undoable() if verb == "undo" else self._redoable()
            pairs = self._session.execute(query.limit(count)).all()
            if len(pairs) < count:
                raise _too_few(len(pairs), verb)
            steps = self._whole([step for step, _ in pairs])
            self._turn_each(verb, steps, ids, force=force, dry_run=dry_run)
            if not dry_run:
                self._link([{"step": step, "target": target} for step, (_, target) in zip(ids, pairs, strict=False)])
        undone = verb == "undo" and not dry_run
        items = [step.read().model_copy(update={"is_undone": undone or (dry_run and verb == "redo")}) for step in steps]
        return ChangeList(items=items, count=len(items), total=len(items))

    def _turn_each(self, verb: str, steps: Sequence[Step], ids: Sequence[UUID], *, force: bool, dry_run: bool) -> None:
        """Write every step's turn, one after the other; all are looked at before the first is written."""
        moment = now()
        stored = self._locked(steps)
        rows: dict[UUID, Columns] = {**stored}
        writes: list[list[tuple[UUID, Columns, bool]]] = []
        unlike: dict[UUID, Step] = {}
        for step in steps:
            writes.append([])
            for touched in step.touched:
                row = rows.get(touched.todo_id)
                turn = Turn.of(touched, back=verb == "undo")
                if not turn.fits(row):
                    unlike.setdefault(touched.todo_id, step)
                columns = turn.columns(row, moment)
                writes[-1].append((touched.todo_id, columns, row is None))
                rows[touched.todo_id] = {**(row or {}), **columns}
        if unlike and not force:
            raise self._conflict(
                {todo_id: (step, stored.get(todo_id)) for todo_id, step in unlike.items()}, verb, steps
            )
        if not dry_run:
            for step_id, write in zip(ids, writes, strict=False):
                self._write(write, step_id, moment)

    # What is read

    def _undoable(self) -> sa.Select[Any]:
        """Select the user's own steps that were not taken back, newest first, each with what its undo points at."""
        columns: list[sa.ColumnElement[Any]] = [_changes.c.id, _changes.c.id.label("target")]
        return (
            sa.select(*columns)
            .where(self._is_step(Change), ~is_undone_clause(self._owner, Change))
            .order_by(col(Change.seq).desc())
        )

    def _redoable(self) -> sa.Select[Any]:
        """Select the steps taken back since the last other step, latest first, each with what its redo points at."""
        undoing, newer = aliased(Change, name="undoing"), aliased(Change, name="newer")
        stepped_on = sa.exists(sa.select(col(newer.id)).where(self._is_step(newer), col(newer.seq) > col(undoing.seq)))
        columns: list[sa.ColumnElement[Any]] = [_changes.c.id, sa.type_coerce(undoing.id, sa.Uuid).label("target")]
        return (
            sa.select(*columns)
            .join(undoing, sa.and_(self._owner.scope(undoing), col(undoing.undoes) == col(Change.id)))
            .where(self._is_step(Change), ~is_undone_clause(self._owner, undoing), ~stepped_on)
            .order_by(col(undoing.seq).desc())
        )

    def _is_step(self, change: type[Change]) -> sa.ColumnElement[bool]:
        """Return the condition that a change is no undo, no redo, and that a purge left something of it."""
        kept = aliased(History, name="kept")
        is_purge = sa.and_(col(kept.after).is_(None), col(kept.before)["title"].as_string().is_(None))
        rows = sa.select(col(kept.todo_id)).where(
            self._owner.scope(kept), col(kept.change_id) == col(change.id), ~is_purge
        )
        return sa.and_(self._owner.scope(change), col(change.undoes).is_(None), sa.exists(rows))

    def _made(self, verb: str, ids: Sequence[UUID]) -> list[Step] | None:
        """Return what was taken back, or made again, if it was before and was not purged since; None if it was not.

        `ids` are those of the steps, and one more, which one step more would have had.
        """
        target = aliased(Change, name="target")
        query = (
            sa.select(col(Change.id), col(Change.undoes), col(target.undoes))
            .outerjoin(target, sa.and_(self._owner.scope(target), col(target.id) == col(Change.undoes)))
            .where(self._owner.scope(Change), col(Change.id).in_(ids))
        )
        made = {step: (first, second) for step, first, second in self._session.execute(query)}
        if not made:
            return None
        if made.keys() != set(ids[:-1]) or any(
            first is None or (second is None) != (verb == "undo") for first, second in made.values()
        ):
            raise another_step(ids[0])
        return self._whole([made[step][verb == "redo"] for step in ids[:-1]])

    def _whole(self, ids: Sequence[UUID]) -> list[Step]:
        steps = {step.id: step for step in self._log.steps(ids)}
        return [steps[step] for step in ids if step in steps]

    def _locked(self, steps: Sequence[Step]) -> dict[UUID, Columns]:
        """Return the todos that `steps` touched, as far as they are there. Nobody changes them any more."""
        touched = sa.select(col(History.todo_id)).where(
            self._owner.scope(History), col(History.change_id).in_([step.id for step in steps])
        )
        query = (
            sa.select(*_todos.c)
            .where(self._owner.scope(Todo), col(Todo.id).in_(touched))
            .order_by(col(Todo.id))
            .with_for_update()
        )
        return {row["id"]: dict(row) for row in self._session.execute(query).mappings()}

    # What is written

    def _write(self, write: Sequence[tuple[UUID, Columns, bool]], step: UUID, moment: datetime) -> None:
        """Write a step's turns: those that set the same in one statement, however many they are."""
        stamp = {"updated_at": moment, "change_id": step, "change_source": self._source}
        alike: dict[str, tuple[Columns, list[UUID]]] = {}
        for todo_id, columns, is_new in write:
            if is_new:
                self._insert({"id": todo_id, **columns, **stamp})
            else:
                alike.setdefault(repr(columns), (columns, []))[1].append(todo_id)
        single: dict[tuple[str, ...], list[Columns]] = defaultdict(list)
        mine = self._owner.scope(Todo)
        for columns, ids in alike.values():
            if len(ids) == 1:
                single[tuple(columns)].append({"todo": ids[0], **{f"new_{name}": columns[name] for name in columns}})
                continue
            for i in range(0, len(ids), _MOST_IDS):
                statement = _todos.update().where(mine, _todos.c.id.in_(ids[i : i + _MOST_IDS]))
                self._session.execute(statement.values(**columns, **stamp, version=_todos.c.version + 1))
        for names, rows in single.items():
            new: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
            statement = _todos.update().where(mine, _todos.c.id == sa.bindparam("todo"))
            self._session.execute(statement.values(**new, **stamp, version=_todos.c.version + 1), rows)

    def _insert(self, columns: Columns) -> None:
        """Add a todo again that somebody deleted; its version goes on where history ends."""
        so_far = sa.select(sa.func.count() + 1).where(self._owner.scope(History), col(History.todo_id) == columns["id"])
        values: Columns = {name: sa.literal(value, _todos.c[name].type) for name, value in columns.items()}
        values |= {"version": so_far.scalar_subquery(), "user_id": col(User.id)}
        row = sa.select(*values.values()).select_from(User).where(self._owner.is_user())
        self._session.execute(_todos.insert().from_select(list(values), row))

    def _link(self, pairs: list[dict[str, UUID]]) -> None:
        """Note of each step which one it took back; the triggers made the steps."""
        statement = (
            _changes.update()
            .where(self._owner.scope(Change), _changes.c.id == sa.bindparam("step"))
            .values(undoes=sa.bindparam("target"))
        )
        self._session.execute(statement, pairs)

    def _conflict(
        self, unlike: Mapping[UUID, tuple[Step, Columns | None]], verb: str, steps: Sequence[Step]
    ) -> Conflict:
        """Return the error that names the todos that are not as history says, and what changed each.

        `unlike` has, of each such todo, the step that does not fit and what is stored.
        """
        sentences, fields = [], []
        for todo_id, (step, row) in list(unlike.items())[:10]:
            newest = self._log.find(LogQuery(todo=todo_id, limit=1, with_total=False)).items[0]
            if row is not None and row["change_id"] != newest.id:  # what was begun first was committed last
                newest = next((known.read() for known in self._log.steps([row["change_id"]])), newest)
            item = next(item for item in newest.items if item.todo_id == todo_id)
            name = f"{item.number} {(row or {}).get('title') or item.title or ''}".rstrip()
            when = f"{newest.made_at:%Y-%m-%d %H:%M} UTC"
            if newest.id in {known.id for known in steps}:
                said = f"{name} is not as the step of {step.made_at:%Y-%m-%d %H:%M} UTC left it, and no step says why."
            else:
                said = f"{name} was {item.action} since, {door(newest.source)} at {when}."
            sentences.append(said)
            fields.append(FieldError("reference", said))
        more = f" And so are {len(unlike) - 10} more." if len(unlike) > 10 else ""
        again = f"todo {verb}{f' {len(steps)}' if len(steps) > 1 else ''} --force"
        return Conflict(
            f"{' '.join(sentences)}{more} Nothing was changed.",
            hint=f"To {verb} it all the same, over what was done since: {again}",
            field_errors=tuple(fields),
        )


def _too_few(count: int, verb: str) -> NotFound:
    if count:
        there = "is only 1 step" if count == 1 else f"are only {count} steps"
        return NotFound(f"There {there} to {verb}; nothing was changed.", hint=f"todo {verb} {count}")
    if verb == "undo":
        return NotFound("There is nothing to undo.", hint="todo log shows your steps.")
    return NotFound("There is nothing to redo: only what was undone last.", hint="todo log shows your steps.")
