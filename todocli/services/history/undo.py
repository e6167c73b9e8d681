"""Undo and redo. Both append to the log; nothing in it is rewritten.

An undo is a change of its own, and `undoes` names the change that it took back. A redo is the undo of an undo. So no
chain is longer than two, and whether a change is undone is one lookup. Three changes to a todo, then undo, undo, redo:

    seq   kind     what              undoes   undone now?
    1     change   add 1             –        no
    2     change   done 1            –        yes, by 5
    3     change   edit 1            –        no: 4 is undone by 6
    4     undo     edit taken back   3        (by 6)
    5     undo     done taken back   2        no
    6     redo     edit made again   4        –

`undo` takes the newest changes (not undos) that are not undone. `redo` takes the changes whose undo is newest, as long
as no ordinary change came after that undo: redo after new work would overwrite it.

Several at once are all or none: every row is locked and compared before the first is written. Of a large change, rows
are read in portions, and wait in a temporary table until all of them were compared. `undo 3` is recorded as
three changes. The first has the key of the request, and the ids of the others are derived from it, so that a retry
finds all of them.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Literal, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import aliased
from sqlmodel import Session, SQLModel, col

from todocli.clock import now
from todocli.database.deadline import current_deadline
from todocli.domain.history import COMMAND_LINE, Origin
from todocli.domain.idempotency import ChangeKey
from todocli.domain.ids import derived_id
from todocli.errors import Conflict, FieldError, NotFound, ValidationError
from todocli.models import Change, History, Note, Todo
from todocli.schemas.changes import ChangeList
from todocli.services import links, staging
from todocli.services.edit_specs import list_limits
from todocli.services.history.log import Log, LogQuery, RecordedChange, TodoChange, is_ordinary, is_undone
from todocli.services.history.patches import PORTION, Patch
from todocli.services.history.reversal import Columns, RowReversal
from todocli.services.idempotency import recorded_todos
from todocli.services.owner import Owner
from todocli.services.updates import stamp

MAX_CHANGES = 1_000
"""The most changes that one command undoes."""

MANY = 1_000
"""From more todos on, those that a change added are moved by one statement, and not read."""

_PER_ROW = 0.01
"""How many more seconds each todo of such a change may take."""

_FIRST_PORTION = 20

_SHOWN_CONFLICTS = 10

_todos, _changes, _notes = (SQLModel.metadata.tables[name] for name in ("todos", "changes", "notes"))

Verb = Literal["undo", "redo"]


class _Conflict(NamedTuple):
    """A todo that was changed since, and the place of the change that cannot be reversed for that reason."""

    place: int
    number: int
    title: str | None
    todo_id: UUID


class Undo:
    """Undo and redo for one user. The session's statements are one transaction."""

    def __init__(self, session: Session, owner: Owner, *, origin: Origin = COMMAND_LINE) -> None:
        self._session = session
        self._owner = owner
        self._origin = origin
        self._log = Log(session, owner)

    def reverse(
        self,
        verb: Verb,
        count: int,
        key: ChangeKey,
        *,
        only: str | None = None,
        force: bool = False,
        dry_run: bool = False,
    ) -> ChangeList:
        """Undo the newest `count` changes, or redo what was undone last, all or none; return them in that order.

        With `only`, undo the one change whose id begins with it. With `force`, todos that were
        changed since are overwritten. With `dry_run`, nothing is changed. Repeated under the same key, nothing is
        changed either, and the same changes are returned. Raises `NotFound` if there are fewer changes,
        `ValidationError` for more than `MAX_CHANGES`, and `Conflict` if todos were changed since, or if `key` was used
        for another request.
        """
        if count > MAX_CHANGES:
            detail = f"{count} changes are too many to {verb} in one command (limit {MAX_CHANGES})."
            raise ValidationError.of("count", detail, hint=f"{verb.capitalize()} them in several parts.")
        self._owner.require(self._session, lock=True)  # the second of two concurrent commands sees what the first did
        ids = [key.id, *(derived_id(key.id, self._owner.name, i) for i in range(1, count))]
        if recorded_todos(self._session, self._owner, key) is not None:
            changes = self._reversed_before(verb, ids)
        else:
            if only is None:
                pairs = list(islice(self._undoable() if verb == "undo" else self._redoable(), count))
            else:
                pairs = [self._undoable_change(only)]
            if len(pairs) < count:
                raise _too_few(len(pairs), verb)
            changes = self._whole([change_id for change_id, _ in pairs])
            try:
                self._reverse_all(verb, changes, ids, key.request, force=force, dry_run=dry_run)
            except Conflict as error:
                if only is not None:
                    error.command = ("todo", "undo", "--only", only, "--force")
                raise
            if not dry_run:
                self._link(zip(ids, (target for _, target in pairs), strict=True))
        is_undone_now = (verb == "undo") != dry_run
        items = [change.read().model_copy(update={"is_undone": is_undone_now}) for change in changes]
        return ChangeList.of(items)

    def _reverse_all(
        self,
        verb: Verb,
        changes: Sequence[RecordedChange],
        ids: Sequence[UUID],
        request: str,
        *,
        force: bool,
        dry_run: bool,
    ) -> None:
        """Reverse one change after the other; compare all of them before the first is written."""
        moment = now()
        patches = [Patch(self._session, self._owner, i) for i in range(len(changes))]
        conflicts: dict[UUID, _Conflict] = {}
        todos = self._touched(changes, verb)
        while portion := list(islice(todos, PORTION)):
            stored = self._lock([todo_id for todo_id, _ in portion])
            for todo_id, touched in portion:
                row = stored.get(todo_id)
                for i, todo in touched:
                    reversal = RowReversal.undo(todo) if verb == "undo" else RowReversal.redo(todo)
                    if not reversal.applies_to(row):
                        known = stored.get(todo_id) or todo.after or todo.before or {}
                        conflicts.setdefault(todo_id, _Conflict(i, known["number"], known.get("title"), todo_id))
                    columns = reversal.patch(row, moment)
                    patches[i].add(todo_id, columns, row)
                    row = {"id": todo_id, **(row or {}), **columns}
        if conflicts and not force:
            raise self._conflict(verb, changes, sorted(conflicts.values()))
        if not dry_run:
            for i, (change_id, change, patch) in enumerate(zip(ids, changes, patches, strict=True)):
                stamped = stamp(self._origin, moment, change_id, request if i == 0 else None)
                if change.count > MANY:
                    deleted_at = moment if verb == "undo" else None
                    self._move_added(change, verb, changes, {"deleted_at": deleted_at, **stamped})
                with list_limits():
                    patch.write(stamped)
            links.refuse_circles(self._session, self._owner, set[int]().union(*(patch.linked for patch in patches)))
            if any(patch.has_notes for patch in patches):
                self._hide_notes([change.id for change in changes], moment if verb == "undo" else None)

    # What is read

    def _undoable(self) -> Iterator[tuple[UUID, UUID]]:
        """Return the changes that are not undone, newest first, each with the change that an undo of it points at."""
        for change in self._newest():
            if change.compacted_at:
                return
            if change.is_ordinary and not change.is_undone:
                yield change.id, change.id

    def _undoable_change(self, only: str) -> tuple[UUID, UUID]:
        """Return a change as `_undoable` does. Raises `NotFound`, and `Conflict` if it cannot be undone."""
        change_id = self._log.resolve(only)
        columns = (_changes.c.undoes, _changes.c.compacted_at, is_ordinary(self._owner, Change).label("is_ordinary"))
        query = sa.select(*columns, is_undone(self._owner, Change).label("is_undone"))
        change = self._session.execute(query.where(self._owner.owns(Change), _changes.c.id == change_id)).one()
        reasons = {
            "is undone already": change.is_undone,
            "is an undo itself; todo redo takes back the last one": change.undoes is not None,
            "was compacted: the log does not say any more what it did": change.compacted_at is not None,
            "is a purge or a claim, or its todos were purged": not change.is_ordinary,
        }
        if reason := next((reason for reason, holds in reasons.items() if holds), ""):
            raise Conflict(f"The change {only} {reason}.", hint="See your changes", command=("todo", "log"))
        return change_id, change_id

    def _redoable(self) -> Iterator[tuple[UUID, UUID]]:
        """Return the changes undone since the last ordinary one, latest first, each with its undo."""
        for change in self._newest():
            if change.is_ordinary or change.compacted_at:
                return
            if change.undoes_ordinary and not change.is_undone:
                yield change.undoes, change.id

    def _newest(self) -> Iterator[Any]:
        """Walk the changes, newest first, with what decides whether they can be undone or redone.

        They are read in portions that grow. A query for the first match would leave it to the planner whether to read
        from the newest on, or all.
        """
        target = aliased(Change, name="target")
        is_target = sa.and_(self._owner.owns(target), col(target.id) == col(Change.undoes))
        # not EXISTS, for which Postgres would read all changes once
        undoes_ordinary = sa.select(is_ordinary(self._owner, target)).where(is_target).scalar_subquery()
        columns: list[sa.ColumnElement[Any]] = [
            *(_changes.c[name] for name in ("id", "seq", "undoes", "compacted_at")),
            is_ordinary(self._owner, Change).label("is_ordinary"),
            undoes_ordinary.label("undoes_ordinary"),
            is_undone(self._owner, Change).label("is_undone"),
        ]
        query = sa.select(*columns).where(self._owner.scope(Change)).order_by(col(Change.seq).desc())
        older = sa.true()
        size = _FIRST_PORTION
        while portion := self._session.execute(query.where(older).limit(size)).all():
            yield from portion
            older = col(Change.seq) < portion[-1].seq
            size = min(2 * size, MAX_CHANGES)

    def _reversed_before(self, verb: Verb, ids: Sequence[UUID]) -> list[RecordedChange]:
        """Return what the recorded changes `ids` reversed, as far as it was not purged since."""
        target = aliased(Change, name="target")
        query = (
            sa.select(col(Change.id), col(Change.undoes), col(target.undoes))
            .outerjoin(target, sa.and_(self._owner.owns(target), col(target.id) == col(Change.undoes)))
            .where(self._owner.owns(Change), col(Change.id).in_(ids))
        )
        reversed_by = {change_id: (first, second) for change_id, first, second in self._session.execute(query)}
        return self._whole([reversed_by[change_id][verb == "redo"] for change_id in ids if change_id in reversed_by])

    def _whole(self, ids: Sequence[UUID]) -> list[RecordedChange]:
        """Return changes with their todos; of large ones with the first, and take more time for them."""
        changes = {change.id: change for change in self._log.changes(ids, per_change=MANY)}
        current_deadline().extend(sum(change.count for change in changes.values() if change.count > MANY) * _PER_ROW)
        return [changes[change_id] for change_id in ids if change_id in changes]

    def _touched(
        self, changes: Sequence[RecordedChange], verb: Verb
    ) -> Iterator[tuple[UUID, list[tuple[int, TodoChange]]]]:
        """Return the todos that changes touched, by id, each with what it was: the place of the change, and its row.

        Of a large change, the rows are not kept in memory.
        """

        def of(i: int, change: RecordedChange) -> Iterator[tuple[UUID, int, TodoChange]]:
            is_large = change.count > MANY
            rows = (
                self._not_only_added(change, verb, changes)
                if is_large
                else iter(sorted(change.todos, key=itemgetter(0)))
            )
            return ((row.todo_id, i, row) for row in rows)

        merged = heapq.merge(*(of(i, change) for i, change in enumerate(changes)), key=itemgetter(0, 1))
        for todo_id, touched in groupby(merged, key=itemgetter(0)):
            yield todo_id, [(i, row) for _, i, row in touched]

    def _not_only_added(
        self, change: RecordedChange, verb: Verb, changes: Sequence[RecordedChange]
    ) -> Iterator[TodoChange]:
        """Return what a large change did to those of its todos that it did not only add; see `_is_untouched`."""
        columns = (col(History.todo_id), col(History.before), col(History.after))
        query = (
            sa.select(*columns)
            .outerjoin(Todo, sa.and_(self._owner.owns(Todo), col(Todo.id) == col(History.todo_id)))
            .where(self._owner.owns(History), col(History.change_id) == change.id)
            .where(
                sa.or_(
                    col(History.before).is_not(None),
                    col(Todo.id).is_(None),
                    ~self._is_untouched(change, verb, changes),
                )
            )
            .order_by(col(History.todo_id))
            .execution_options(yield_per=PORTION)
        )
        return (TodoChange(*row) for row in self._session.execute(query))

    def _lock(self, ids: Sequence[UUID]) -> dict[UUID, Columns]:
        """Lock todos, and return those that exist."""
        mine = (self._owner.owns(Todo), col(Todo.id).in_(ids))
        query = sa.select(*_todos.c).where(*mine).order_by(col(Todo.id)).with_for_update()
        return {row["id"]: dict(row) for row in self._session.execute(query).mappings()}

    # What is written

    def _move_added(
        self, change: RecordedChange, verb: Verb, changes: Sequence[RecordedChange], columns: Columns
    ) -> None:
        """Move the todos that a large change added to the trash, or back, unless somebody touched them since."""
        added = sa.select(col(History.todo_id)).where(
            self._owner.owns(History), col(History.change_id) == change.id, col(History.before).is_(None)
        )
        untouched = (self._owner.owns(Todo), _todos.c.id.in_(added), self._is_untouched(change, verb, changes))
        staging.plan_for_many(self._session)
        self._session.execute(_todos.update().where(*untouched).values(**columns, version=_todos.c.version + 1))

    def _is_untouched(
        self, change: RecordedChange, verb: Verb, changes: Sequence[RecordedChange]
    ) -> sa.ColumnElement[bool]:
        """Return the condition that a todo is as a change left it: it, or a redo of it, wrote the todo last.

        To redo it, as an undo of it left the todo. None of the other `changes` may have touched it, as they are
        reversed with this one.
        """
        undo, redo = aliased(Change, name="undo_of_it"), aliased(Change, name="redo_of_it")
        undos = sa.select(col(undo.id)).where(self._owner.owns(undo), col(undo.undoes) == change.id)
        redos = sa.select(col(redo.id)).where(self._owner.owns(redo), col(redo.undoes).in_(undos))
        wrote = _todos.c.change_id
        wrote_last = wrote.in_(undos) if verb == "redo" else sa.or_(wrote == change.id, wrote.in_(redos))
        if len(changes) == 1:
            return wrote_last
        other = aliased(History, name="other")
        touched = sa.select(col(other.todo_id)).where(
            self._owner.owns(other), col(other.change_id).in_([each.id for each in changes if each is not change])
        )
        return sa.and_(wrote_last, _todos.c.id.not_in(touched))

    def _hide_notes(self, changes: Sequence[UUID], at: datetime | None) -> None:
        """Hide the notes that some changes added; show them again if `at` is None."""
        theirs = sa.and_(self._owner.owns(Note), _notes.c.change_id.in_(changes))
        self._session.execute(_notes.update().where(theirs).values(hidden_at=at))

    def _link(self, pairs: Any) -> None:
        """Record what each undo took back; the triggers have inserted the changes themselves."""
        statement = (
            _changes.update()
            .where(self._owner.owns(Change), _changes.c.id == sa.bindparam("change"))
            .values(undoes=sa.bindparam("target"))
        )
        self._session.execute(statement, [{"change": change, "target": target} for change, target in pairs])

    def _conflict(self, verb: Verb, changes: Sequence[RecordedChange], conflicts: Sequence[_Conflict]) -> Conflict:
        """Return the error that names the todos that were changed since, and what changed each."""
        sentences, fields = [], []
        for place, number, title, todo_id in conflicts[:_SHOWN_CONFLICTS]:
            newest = self._log.find(LogQuery(todo=todo_id, limit=1)).items[0]
            item = next(item for item in newest.items if item.todo_id == todo_id)
            name = f"{number} {title or item.title or ''}".rstrip()
            if newest.id in {other.id for other in changes}:
                made = f"{changes[place].made_at:%Y-%m-%d %H:%M} UTC"
                sentence = f"{name} is not as the change of {made} left it, and the log does not say why."
            else:
                made = f"{newest.made_at:%Y-%m-%d %H:%M} UTC"
                sentence = f"{name} has been {item.action} since, {newest.origin.label()} at {made}."
            sentences.append(sentence)
            fields.append(FieldError("reference", sentence))
        more = len(conflicts) - _SHOWN_CONFLICTS
        rest = f" So have {more} more." if more > 0 else ""
        return Conflict(
            f"{' '.join(sentences)}{rest} Nothing was changed.",
            hint=f"To {verb} anyway, and overwrite what was done since",
            command=("todo", verb, *([str(len(changes))] if len(changes) > 1 else []), "--force"),
            field_errors=tuple(fields),
        )


def _too_few(count: int, verb: Verb) -> NotFound:
    if count:
        there = "is only 1 change" if count == 1 else f"are only {count} changes"
        return NotFound(
            f"There {there} to {verb}; nothing was changed.",
            hint=f"To {verb} {'that one' if count == 1 else 'those'}",
            command=("todo", verb, str(count)),
        )
    if verb == "undo":
        return NotFound("There is nothing to undo.", hint="See your changes", command=("todo", "log"))
    detail = "There is nothing to redo: only what was undone last can be redone."
    return NotFound(detail, hint="See your changes", command=("todo", "log"))
