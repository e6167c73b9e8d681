"""The todos of one user in an open database, and everything that can be done with them.

    with open_workspace(profile) as workspace:        (`todocli.services.opening`)
        workspace.add(drafts, key)

This module imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from todocli.domain.history import COMMAND_LINE, Origin

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from sqlmodel import Session

    from todocli.database.store import Store
    from todocli.domain.filters.ast import Filter
    from todocli.domain.idempotency import ChangeKey
    from todocli.domain.references import References
    from todocli.schemas.changes import ChangeList, ChangeRead, CompactionRead
    from todocli.schemas.occurrences import OccurrenceRead
    from todocli.schemas.todos import TodoCreate, TodoLine, TodoRead
    from todocli.services.claims import Claims
    from todocli.services.copies.outcome import Copied
    from todocli.services.copies.snapshot import Snapshot
    from todocli.services.edits import Edit
    from todocli.services.history.log import Log, LogQuery
    from todocli.services.history.purge import Purge, TrashPreview, TrashQuery
    from todocli.services.history.sync import Sync
    from todocli.services.history.undo import Verb
    from todocli.services.imports.importing import Outcome
    from todocli.services.imports.spool import Spool
    from todocli.services.owner import Owner
    from todocli.services.queries import TodoQuery
    from todocli.services.resolve import Result, Shape
    from todocli.services.selection import Preview
    from todocli.services.summaries import Summaries
    from todocli.services.todos import Todos
    from todocli.services.tokens import Tokens
    from todocli.services.users import Users

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_FIRST_CHANGES = 20
"""How many changes are read first; how many todos they touched decides how many are read then."""

MANY = 5_000
"""More todos take longer to add than the usual deadline allows."""

SECONDS_PER_ROW = 0.01
"""How much longer than other work an import may take for each row."""

LONG = 60.0
"""How much longer a copy may take, however few rows it has."""

PORTION = 1_000
"""How many todos or changes are read at once when a list has no limit."""


class Workspace:
    """The todos of one user in an open database.

    The session is opened when it is first needed, and closed with the workspace. Every statement is a transaction of
    its own, but for `undo`, `redo` and `purge`, which are one each. With `register`, a user that is missing is added:
    so the embedded database needs no setup. `origin` is what history records of each change.

    Raises `todocli.errors.TodoError` for every error of the database.
    """

    def __init__(self, store: Store, owner: Owner, *, register: bool = False, origin: Origin = COMMAND_LINE) -> None:
        self.store = store
        self._owner = owner
        self._register = register
        self.origin = origin
        self._stack = ExitStack()

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *exc_info: object) -> bool | None:
        return self._stack.__exit__(*exc_info)  # type: ignore[arg-type]

    @cached_property
    def session(self) -> Session:
        """The session of this workspace."""
        return self._stack.enter_context(self.store.session())

    def release(self) -> None:
        """Close the session: it must hold neither the connection nor a deadline while something else goes on.

        The next use opens another one.
        """
        self.__dict__.pop("session", None)
        self._stack.close()

    @cached_property
    def owner(self) -> Owner:
        """The user, with the id if it had to be looked up."""
        if not self._register or self._owner.id:
            return self._owner
        from todocli.services.owner import Owner

        return Owner(self._owner.name, self.users.ensure(self._owner.name))

    @property
    def known_owner(self) -> Owner:
        """The user, with the id if it is known by now: nothing is sent for it."""
        known: Owner = self.__dict__.get("owner", self._owner)
        return known

    @property
    def todos(self) -> Todos:
        """The todos."""
        from todocli.services.todos import Todos

        return Todos(self.session, self.owner, origin=self.origin)

    def walk_todos(self, query: TodoQuery) -> Iterator[TodoRead]:
        """Walk a list of any length; see `_walk`."""
        from todocli.services.resolve import WHOLE

        return self._walk(query, WHOLE)

    def walk_lines(self, query: TodoQuery) -> Iterator[TodoLine]:
        """Walk a list of any length as `walk_todos` does, reading only what a plain line has: at half the cost."""
        from todocli.services.resolve import LINE

        return self._walk(query, LINE)

    def _walk(self, query: TodoQuery, shape: Shape[Item]) -> Iterator[Item]:
        """Walk a list of any length, in portions: so that neither it nor the connection has to be held.

        The order is read once, and the todos of each portion when it is due: one that has left the list meanwhile is
        left out, and one that has come in is not in it. The first portion is read at once, so that errors come at once.
        """
        first, after = self.todos.beginning(replace(query, limit=PORTION), shape)
        numbers = self.todos.numbers(query, after) if after else []

        def walk() -> Iterator[Item]:
            self.release()
            yield from first
            for i in range(0, len(numbers), PORTION):
                todos = self.todos.numbered(query, numbers[i : i + PORTION], shape)
                self.release()
                yield from todos

        return walk()

    def walk_log(self, query: LogQuery) -> Iterator[ChangeRead]:
        """Walk a log of any length, in portions, as `_walk`; those of large changes are of few changes."""
        first = self.log.find(replace(query, limit=_FIRST_CHANGES))

        def walk() -> Iterator[ChangeRead]:
            found, count = first, _FIRST_CHANGES
            while True:
                self.release()
                yield from found.items
                if not found.has_more:
                    return
                todos = sum(len(change.items) for change in found.items)
                count = max(min(10 * count, PORTION, count * PORTION // max(todos, 1)), 1)
                found = self.log.find(replace(query, limit=count, before=found.items[-1].id))

        return walk()

    @property
    def log(self) -> Log:
        """The changes that were made."""
        from todocli.services.history.log import Log

        return Log(self.session, self.owner)

    @property
    def sync(self) -> Sync:
        """What has changed since a client last asked."""
        from todocli.services.history.sync import Sync

        return Sync(self.session, self.owner)

    @property
    def summaries(self) -> Summaries:
        """What the tags and projects hold."""
        from todocli.services.summaries import Summaries

        return Summaries(self.session, self.owner)

    @property
    def trash(self) -> Purge:
        """What a purge would destroy."""
        from todocli.services.history.purge import Purge

        return Purge(self.session, self.owner, origin=self.origin)

    @property
    def tokens(self) -> Tokens:
        """The user's tokens for the HTTP API."""
        from todocli.services.tokens import Tokens

        return Tokens(self.session, self.owner)

    @property
    def users(self) -> Users:
        """All users of the database."""
        from todocli.services.users import Users

        return Users(self.session)

    def undo(
        self, count: int, key: ChangeKey, *, only: str | None = None, force: bool = False, dry_run: bool = False
    ) -> ChangeList:
        """Undo the newest changes, or one; see `todocli.services.history.undo.Undo.reverse`."""
        return self._reverse("undo", count, key, only=only, force=force, dry_run=dry_run)

    def redo(self, count: int, key: ChangeKey, *, force: bool = False, dry_run: bool = False) -> ChangeList:
        """Redo what was undone last; see `todocli.services.history.undo.Undo.reverse`."""
        return self._reverse("redo", count, key, force=force, dry_run=dry_run)

    def compact(self, until: datetime, *, dry_run: bool = False) -> CompactionRead:
        """Drop what the log keeps of changes made before `until`; see `todocli.services.history.compaction`."""
        from todocli.services.history.compaction import Compaction

        owner = self.owner
        if dry_run:
            return Compaction(self.session, owner, until).preview()
        return self._atomically(lambda session: Compaction(session, owner, until).compact())

    def note(self, chosen: References | Preview, text: str, key: ChangeKey, *, expected: UUID | None = None) -> Result:
        """Add a note to a todo; see `Todos.note`."""
        if not self.store.is_embedded:
            return self.todos.note(chosen, text, key, expected=expected)
        return self._with_todos(lambda todos: todos.note(chosen, text, key, expected=expected))

    @property
    def claims(self) -> Claims:
        """Who works on what."""
        from todocli.services.claims import Claims

        return Claims(self.session, self.owner, self.origin)

    def edit_each(self, edits: Sequence[Edit], key: ChangeKey) -> Result:
        """Change several todos, each in its own way; see `todocli.services.edits.Edits.apply`."""
        from todocli.services.edits import Edits

        owner, origin = self.owner, self.origin
        return self._atomically(lambda session: Edits(session, owner, origin).apply(edits, key))

    def skip(
        self, references: References, key: ChangeKey, *, expected: UUID | None = None, dry_run: bool = False
    ) -> Result:
        """Move todos that repeat on to their next date; see `todocli.services.edits.Edits.skip`."""
        from todocli.services.edits import Edits

        owner, origin = self.owner, self.origin

        def run(session: Session) -> Result:
            return Edits(session, owner, origin).skip(references, key, expected=expected, dry_run=dry_run)

        return self._atomically(run)

    def upcoming(
        self, condition: Filter, until: date, here: datetime, limit: int | None = None
    ) -> list[OccurrenceRead]:
        """Return the dates of open todos that repeat, up to a day; see `todocli.services.upcoming`."""
        from todocli.services.upcoming import occurrences

        return occurrences(self.todos, condition, until, here, limit)

    def add(self, drafts: Sequence[TodoCreate], key: ChangeKey) -> Result:
        """Add todos; see `Todos.add`."""
        if len(drafts) <= MANY:
            return self.todos.add(drafts, key)
        return self._with_todos(lambda todos: todos.add(drafts, key), more_seconds=len(drafts) * SECONDS_PER_ROW)

    def rehearse_add(self, drafts: Sequence[TodoCreate], key: ChangeKey) -> Result:
        """Return what `Todos.add` would, and add nothing."""
        return self._with_todos(lambda todos: todos.add(drafts, key), is_rehearsal=True)

    def import_todos(
        self, todos: Spool, format_name: str, fields: Set[str], key: ChangeKey, *, update: bool, dry_run: bool
    ) -> Outcome:
        """Import the todos of a file; see `todocli.services.imports.importing.Import.run`."""
        from todocli.clock import now
        from todocli.services.imports.importing import Import

        owner, origin, moment = self.owner, self.origin, now()

        def run(session: Session) -> Outcome:
            work = Import(session, owner, format_name, fields, origin=origin)
            outcome = work.run(todos, key, moment, update=update, dry_run=dry_run)
            if dry_run:
                session.rollback()
            return outcome

        return self._atomically(run, more_seconds=todos.count * SECONDS_PER_ROW, locks_later=True)

    def read_snapshot(self, snapshot: Snapshot, advance: Callable[[int], None] = lambda done: None) -> None:
        """Read everything of the user; see `todocli.services.copies.snapshot`."""
        owner = self.owner
        self.release()
        self.store.at_one_moment(lambda session: snapshot.read(session, owner, advance), more_seconds=LONG)

    def write_snapshot(
        self, snapshot: Snapshot, *, merge: bool, dry_run: bool, advance: Callable[[int], None] = lambda done: None
    ) -> Copied:
        """Write everything of a user; see `todocli.services.copies.copying.Copy.run`."""
        from todocli.services.copies.copying import Copy

        owner = self.owner

        def run(session: Session) -> Copied:
            copied = Copy(session, owner).run(snapshot, merge=merge, advance=advance)
            if dry_run:
                session.rollback()
            return copied

        return self._atomically(run, more_seconds=LONG + snapshot.count * SECONDS_PER_ROW, locks_later=True)

    def _with_todos(
        self, work: Callable[[Todos], Result], *, more_seconds: float = 0, is_rehearsal: bool = False
    ) -> Result:
        """Return what `work` on the todos returns, in one transaction. A rehearsal is rolled back."""
        from todocli.services.todos import Todos

        owner, origin = self.owner, self.origin

        def run(session: Session) -> Result:
            result = work(Todos(session, owner, origin=origin))
            if is_rehearsal:
                session.rollback()
            return result

        return self._atomically(run, more_seconds=more_seconds)

    def _atomically(
        self, work: Callable[[Session], Answer], *, more_seconds: float = 0, locks_later: bool = False
    ) -> Answer:
        self.release()
        return self.store.atomically(work, more_seconds=more_seconds, locks_later=locks_later)

    def _reverse(
        self, verb: Verb, count: int, key: ChangeKey, *, only: str | None = None, force: bool, dry_run: bool
    ) -> ChangeList:
        from todocli.services.history.undo import Undo

        owner, origin = self.owner, self.origin
        return self._atomically(
            lambda session: Undo(session, owner, origin=origin).reverse(
                verb, count, key, only=only, force=force, dry_run=dry_run
            )
        )

    def purge_one(self, todo: UUID | int, key: ChangeKey, *, expected: UUID | None = None) -> ChangeList:
        """Delete a todo for good; see `todocli.services.history.purge.Purge.purge_one`."""
        from todocli.services.history.purge import Purge

        owner, origin = self.owner, self.origin
        return self._atomically(
            lambda session: Purge(session, owner, origin=origin).purge_one(todo, key, expected=expected)
        )

    def purge(
        self, trash: TrashQuery, expected: TrashPreview, key: ChangeKey, *, per_change: int | None = None
    ) -> ChangeList:
        """Delete todos in the trash for good; see `todocli.services.history.purge.Purge.purge`."""
        from todocli.services.history.purge import Purge

        owner, origin = self.owner, self.origin
        return self._atomically(
            lambda session: Purge(session, owner, origin=origin).purge(trash, expected, key, per_change=per_change)
        )
