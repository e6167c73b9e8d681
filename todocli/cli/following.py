"""`todo log --follow` and `todo log --since CURSOR`: changes in their order, each with the cursor after it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from todocli import clock
from todocli.cli.context import Context
from todocli.cli.output import Output
from todocli.errors import CursorExpired, UsageError, ValidationError

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from todocli.database.waiter import Waiter
    from todocli.database.watch import Watch
    from todocli.domain.log_cursor import LogCursor
    from todocli.services.history.sync import Place
    from todocli.services.workspace import Workspace

POOLED_SECONDS = 30.0
"""How often a database is asked that cannot notify, unless `--every` says otherwise."""

_CURSOR = re.compile(r"[\w-]{54}", re.ASCII)


def is_cursor(since: str | None) -> bool:
    """Whether `--since` has a cursor, and not a time."""
    return since is not None and _CURSOR.fullmatch(since) is not None


def since_time(since: str, now: datetime) -> datetime:
    """Parse the time given to `--since`. Raises `ValidationError`, whose hint also mentions cursors."""
    from todocli.domain.timestamps import parse_timestamp

    try:
        return parse_timestamp(since, "since", now=now)
    except ValidationError as error:
        error.hint = f"{error.hint} Or give a whole cursor, as --jsonl prints it."
        raise


def print_since(context: Context, cursor: str, limit: int | None) -> None:
    """Print what came after a cursor. Raises `CursorExpired`."""
    from todocli.domain.log_cursor import LogCursor
    from todocli.services.history.follow import read_all
    from todocli.services.opening import open_log

    _refuse_json(context)
    start = LogCursor.parse(cursor)
    with _explained(), open_log(context.profile) as read:
        for place in islice(read_all(read, start), limit):
            _print(context, place)


def follow(context: Context, since: str | None, limit: int | None, every: str | None) -> None:
    """Print what came `since` then, or the newest changes, and then each change as it is made. Never returns.

    Raises `CursorExpired`, and errors that waiting does not mend.
    """
    from todocli.database import probe
    from todocli.database.waiter import Waiter
    from todocli.services.history.follow import Follow
    from todocli.services.opening import open_log

    _refuse_json(context)
    if since is not None and limit is not None:
        raise UsageError("--since and --limit cannot be combined with --follow.", hint="Use only one of them.")
    seconds = None if every is None else _seconds(every)
    with context.workspace() as workspace:
        probe.check(workspace.store)
        start = _start(workspace, since, limit)
        user_id = workspace.users.counts(workspace.owner)["user_id"]
    waiter = Waiter(_descriptor())
    watch = _watch(context, user_id, seconds, waiter)

    def on_lost(error: Exception) -> None:
        context.output.note(f"{error} Waiting for it.")

    with _explained():
        for place in Follow(watch, lambda: open_log(context.profile), waiter, on_lost).after(start):
            _print(context, place)


def _start(workspace: Workspace, since: str | None, limit: int | None) -> LogCursor:
    """Return where to begin: at a cursor or a time, before the newest `limit` changes, or now."""
    from todocli.domain.log_cursor import LogCursor

    if since is None:
        return workspace.sync.before(count=limit or 0)
    if is_cursor(since):
        return LogCursor.parse(since)
    return workspace.sync.before(moment=since_time(since, clock.now()))


def _watch(context: Context, user_id: UUID, every: float | None, waiter: Waiter) -> Watch:
    """Return what waits for changes; a Postgres is connected then."""
    from todocli.database.watch import FileWatch, PollWatch

    target = context.target
    if every is not None:
        return PollWatch(every, waiter)
    if isinstance(target, Path):
        return FileWatch(target, waiter)
    from todocli.database.postgres.listening import Listening, Pooled

    direct = target.direct()
    if not context.profile.pooled or direct != target:
        watch = Listening(direct, user_id, context.profile.timeout, waiter)
        try:
            watch.start()
        except Pooled:
            pass
        else:
            return watch
    Output(context.shared).note(  # with --jsonl as well: it costs something
        f"{target.host} is a pooler, which passes on no notifications: asking every {POOLED_SECONDS:.0f} s instead."
        " Name the direct host in the profile, or how often to ask: --every 60s"
    )
    return PollWatch(POOLED_SECONDS, waiter)


def _seconds(every: str) -> float:
    from todocli.domain.timestamps import parse_duration

    seconds = parse_duration(every, "every").total_seconds()
    if not seconds:
        raise ValidationError.of("every", "--every takes a second at least.", hint="For example: --every 5s")
    return seconds


def _refuse_json(context: Context) -> None:
    if context.shared.json:
        raise UsageError("--json prints one document, and this prints one for each change.", hint="Use --jsonl.")


def _print(context: Context, place: Place) -> None:
    from todocli.schemas.changes import LogLine

    context.output.log_line(LogLine(change=place.change, cursor=place.cursor.text()))


def _descriptor() -> int | None:
    try:
        return sys.stdout.fileno()
    except OSError:
        return None


@contextmanager
def _explained() -> Iterator[None]:
    """Add to `CursorExpired` what to type."""
    try:
        yield
    except CursorExpired as error:
        error.hint, error.command = "To follow from now on", ("todo", "log", "--follow", "--jsonl")
        raise
