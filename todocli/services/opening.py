"""Opens the workspace of a profile: resolves where its todos are, and opens that database.

This module imports nothing heavy. On Postgres the connection is opened in the background while SQLAlchemy is still
being imported, which hides most of the five round trips of connecting.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from todocli.database.target import Target, resolve_target
from todocli.domain.history import COMMAND_LINE, Origin
from todocli.profiles import Profile
from todocli.services.workspace import PORTION, Workspace

if TYPE_CHECKING:
    from todocli.database.postgres.ahead import AheadConnection
    from todocli.database.postgres.connect import BackgroundConnection
    from todocli.database.store import Store
    from todocli.domain.log_cursor import LogCursor
    from todocli.services.history.follow import Read
    from todocli.services.history.sync import Portion


@contextmanager
def open_workspace(
    profile: Profile,
    *,
    origin: Origin = COMMAND_LINE,
    on_create: Callable[[Path], None] = lambda path: None,
    on_only_reads: Callable[[str], None] = lambda reason: None,
    on_wait: Callable[[], None] | None = None,
) -> Iterator[Workspace]:
    """Open the database of `profile` for its user, and close it afterwards.

    The embedded database is created or upgraded on the way; `on_create` is called with its path when it was created.
    If it cannot be written to, it is read all the same, and `on_only_reads` is called with the reason at the end.
    `origin` is what history records of each change. `on_wait` is called once if a Postgres takes longer than usual.
    """
    target = resolve_target(profile)
    with _open(target, profile.timeout, on_create, on_only_reads, on_wait) as store:
        from todocli.services.owner import Owner

        owner = Owner(profile.user, profile.user_id)
        with Workspace(store, owner, register=profile.embedded, origin=origin) as workspace:
            yield workspace


@contextmanager
def open_log(profile: Profile) -> Iterator[Read]:
    """Open the log of a profile's user for reading in portions; see `todocli.services.history.follow`."""
    with open_workspace(profile) as workspace:

        def read(cursor: LogCursor) -> Portion:
            portion = workspace.sync.after(cursor, PORTION)
            workspace.release()
            return portion

        yield read


@contextmanager
def _open(
    target: Target,
    seconds: float,
    on_create: Callable[[Path], None],
    on_only_reads: Callable[[str], None],
    on_wait: Callable[[], None] | None,
) -> Iterator[Store]:
    ahead: AheadConnection | BackgroundConnection | None = None
    if not isinstance(target, Path):
        from todocli.database.deadline import Deadline
        from todocli.database.postgres.ahead import take_ahead
        from todocli.database.postgres.connect import BackgroundConnection

        deadline = Deadline(seconds, on_wait)
        ahead = take_ahead(target, deadline) or BackgroundConnection(target, deadline)
    from todocli.database.setup import Setup, prepare
    from todocli.database.store import open_store

    setup = prepare(target) if isinstance(target, Path) else Setup()
    if setup.created and isinstance(target, Path):
        on_create(target)
    only_reads = setup.only_reads is not None
    with open_store(target, seconds=seconds, on_wait=on_wait, ahead=ahead, only_reads=only_reads) as store:
        yield store
    if setup.only_reads:
        on_only_reads(setup.only_reads)
