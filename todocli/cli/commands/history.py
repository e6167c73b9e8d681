"""The commands of the panel History: trash, restore, undo, redo, log, purge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

from todocli import clock
from todocli.cli import bulk, following, verbs
from todocli.cli.bulk import DryRun, Selecting
from todocli.cli.command import ASKED, Bulk, Command, Itemised, Listing, Names, Reversing
from todocli.cli.commands.organise import Words, parse_filter
from todocli.cli.commands.todos import positive
from todocli.cli.context import Context
from todocli.cli.input import read_references
from todocli.cli.listing import show_list
from todocli.errors import UsageError

if TYPE_CHECKING:
    from todocli.schemas.changes import ChangeList
    from todocli.schemas.todos import TodoRead
    from todocli.services.history.purge import TrashPreview
    from todocli.services.history.undo import Verb

PANEL = "History"

LOG_LIMIT = 20
"""How many changes `log` shows at a terminal; a pipe gets all."""


class Purging(Reversing):
    """The command purge, which always asks."""

    def may_ask(self, ctx: Context) -> bool:
        """Whether the user may be asked."""
        return Command.may_ask(self, ctx)


class Logging(Itemised):
    """The command log, which asks before it compacts."""

    answers_with_changes = True
    takes: ClassVar[Names] = (*Itemised.takes, "yes")
    runs_in_daemon = True

    def is_for_daemon(self, ctx: Context) -> bool:
        """Whether this line may run in the daemon: one that never ends may not."""
        return not ctx.params["follow"] and super().is_for_daemon(ctx)

    def may_ask(self, ctx: Context) -> bool:
        """Whether the user may be asked."""
        return bool(ctx.params["compact"]) and super().may_ask(ctx)


Count = Annotated[int | None, typer.Argument(metavar="[N]", parser=positive, help="How many changes; 1 by default.")]
Force = Annotated[bool, typer.Option("--force", metavar="", help="Overwrite todos that have been changed since.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    for cls, body in (
        (Listing, trash),
        (Bulk, restore),
        (Reversing, undo),
        (Reversing, redo),
        (Logging, log),
        (Purging, purge),
    ):
        app.command(body.__name__, cls=cls, rich_help_panel=PANEL)(body)


def trash(
    context: Context,
    words: Words = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", metavar="N", parser=positive, help="Show at most N.")
    ] = None,
) -> None:
    """List the todos in the trash.

    todo trash project:home
    """
    show_list(context, "trash", parse_filter(words), limit=limit)


def restore(context: Context, words: Selecting = None, dry_run: DryRun = False) -> None:
    """Take todos out of the trash, by number or by filter.

    todo restore 3
    todo restore project:home
    """
    bulk.run(
        context,
        verbs.RESTORE,
        lambda todos, chosen, key: todos.restore(chosen, key),
        words,
        state="trash",
        dry_run=dry_run,
    )


def undo(
    context: Context,
    count: Count = None,
    only: Annotated[
        str | None,
        typer.Option("--only", metavar="ID", help="Undo this change alone; todo log shows the beginnings of ids."),
    ] = None,
    force: Force = False,
    dry_run: DryRun = False,
) -> None:
    """Undo your last change, or the last N, or one of them.

    todo undo
    todo undo 3 --dry-run
    todo undo --only 0199c0de

    Changes that were made since are not lost: if one of them touched the same fields, nothing is undone.
    """
    if only is not None and count is not None:
        raise UsageError("--only and a number cannot be combined.", hint="Use only one of them.")
    _reverse(context, "undo", count or 1, only=only, force=force, dry_run=dry_run)


def redo(context: Context, count: Count = None, force: Force = False, dry_run: DryRun = False) -> None:
    """Redo what you last undid, or the last N.

    todo redo
    """
    _reverse(context, "redo", count or 1, force=force, dry_run=dry_run)


def _reverse(context: Context, verb: Verb, count: int, *, only: str | None = None, force: bool, dry_run: bool) -> None:
    one = {"only": only} if only else {}
    key = context.change_key(verb, count=count, force=force, **one)
    if count > ASKED and not dry_run and context.interactive:
        context.confirm(f"{verb.capitalize()} your last {count} changes?")
    with context.workspace() as workspace:
        if verb == "undo":
            changes = workspace.undo(count, key, only=only, force=force, dry_run=dry_run)
        else:
            changes = workspace.redo(count, key, force=force, dry_run=dry_run)
    if not dry_run:
        context.remember(gone=[item.number for change in changes.items for item in change.items])
    context.output.reversed(changes, verb, dry_run=dry_run)


def log(
    context: Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REF | FILTER...]", help="Only the changes of one todo, or of those that match now."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="WHEN", help="Only since then: 3h, 2d, yesterday, 2026-11-27; or after a cursor."
        ),
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Only until then.")] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", metavar="N", parser=positive, help=f"Show at most N; {LOG_LIMIT} at a terminal."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", "-a", metavar="", help="Show every change.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", metavar="", help="Print each change as it is made, until Ctrl-C.")
    ] = False,
    every: Annotated[
        str | None,
        typer.Option(
            "--every", metavar="AGE", help="With --follow: ask that often (5s), and do not wait for a notice."
        ),
    ] = None,
    compact: Annotated[
        bool, typer.Option("--compact", metavar="", help="Drop what old changes did, to save space; see --older-than.")
    ] = False,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="With --compact: at least that old: 1y, 90d.")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Show your changes, newest first.

    todo log
    todo log 3 --since 2d
    todo log +bills
    todo log --follow --jsonl
    todo log --compact --older-than 1y --dry-run

    After compacting, the log and undo end there. It cannot be undone.
    """
    from todocli.domain.filters.ast import EVERYTHING
    from todocli.domain.filters.parser import parse_words
    from todocli.domain.references import is_reference
    from todocli.domain.timestamps import parse_timestamp

    if compact:
        if words or since or until or limit is not None or everything or follow or every:
            raise UsageError("--compact takes only --older-than and --dry-run.", hint="Leave the others out.")
        _compact(context, older_than, dry_run=dry_run)
        return
    if older_than is not None or dry_run:
        raise UsageError("--older-than and --dry-run belong to --compact.", hint="Show a part of the log with --until.")
    if everything and limit is not None:
        raise UsageError("--all and --limit cannot be combined.", hint="Use only one of them.")
    if every is not None and not follow:
        raise UsageError("--every belongs to --follow.", hint="Leave it out.")
    if follow or following.is_cursor(since):
        if words or until or everything:
            what = "--follow" if follow else "--since with a cursor"
            raise UsageError(f"{what} takes neither a todo, a filter, --until nor --all.", hint="Leave them out.")
        if follow:
            following.follow(context, since, limit, every)
        else:
            following.print_since(context, str(since), limit)
        return
    words = words or []
    named = read_references(words) if words and is_reference(words[0]) else None
    if named and not named.single:
        raise UsageError("log takes one todo, not several.", hint="Look at them one by one.")
    now = clock.now()
    more = ["todo", "log", *words]
    more += [word for name, value in (("--since", since), ("--until", until)) if value for word in (name, value)]
    nothing = "There are no changes in that time." if since or until else "There are no changes yet."
    nothing = nothing if named or not words else "There are no changes of such todos."
    with context.workspace() as workspace:
        from todocli.services.history.log import LogQuery

        query = LogQuery(
            todo=named.items[0] if named else None,
            filter=EVERYTHING if named else parse_words(words, today=clock.today()),
            since=None if since is None else following.since_time(since, now),
            until=None if until is None else parse_timestamp(until, "until", now=now, end=True),
            limit=limit or (LOG_LIMIT if context.output.is_for_person and not everything else None),
            per_change=context.output.todos_per_change,
        )
        context.output.log(workspace, query, nothing=nothing, more=[*more, "--all"])


def _compact(context: Context, older_than: str | None, *, dry_run: bool) -> None:
    from todocli.domain.timestamps import parse_duration
    from todocli.schemas.changes import CompactionRead

    if older_than is None:
        raise UsageError("--compact needs --older-than.", hint="For example: todo log --compact --older-than 1y")
    until = clock.now() - parse_duration(older_than, "older-than")

    def what(found: CompactionRead) -> str:
        changes = f"{found.changes:,} change{'' if found.changes == 1 else 's'}"
        rows = f"{found.rows:,} row{'' if found.rows == 1 else 's'} of history"
        return f"what {changes} did ({rows}, {found.bytes:,} bytes)"

    with context.workspace() as workspace:
        found = workspace.compact(until, dry_run=True)
        workspace.release()
        if not dry_run and found.changes:
            context.confirm(f"Drop for good {what(found)}? The log and undo will end there.")
            found = workspace.compact(until)
    verb = "Would drop" if dry_run else "Dropped"
    context.output.lines(found, [f"{verb} {what(found)}" if found.changes else "No change is that old."])


def purge(
    context: Context,
    references: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REF...]", help="Numbers, ranges or UUIDs; everything in the trash by default."),
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help="Only todos removed at least that long ago: 30d, 2w."),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Delete todos in the trash for good, with their history.

    todo purge 3
    todo purge --older-than 30d

    It cannot be undone. Their numbers are not used again.
    """
    from todocli.domain.timestamps import parse_duration
    from todocli.schemas.changes import ChangeList

    named = read_references(references) if references else None
    until = clock.now() - parse_duration(older_than, "older-than") if older_than is not None else None
    given = sorted(map(str, named.items)) if named else None
    key = context.change_key("purge", references=given, older_than=older_than)
    changes: ChangeList | None = None
    first: list[TodoRead] = []
    with context.workspace() as workspace:
        from todocli.services.history.purge import TrashQuery

        trash = TrashQuery(named, until)
        per_change = context.output.todos_per_purge
        if "change" in context.shared.given:
            changes = workspace.trash.find(key, per_change=per_change)
        if changes is None and (preview := workspace.trash.preview(trash)).count:
            first = preview.first
            if dry_run:
                context.output.would_purge(preview)
                return
            workspace.release()
            context.confirm(_question(preview))
            changes = workspace.purge(trash, preview, key, per_change=per_change)
            context.forget()
    nothing = "Nothing in the trash is that old." if until else "The trash is empty."
    context.output.purged(changes or ChangeList.of([]), first, nothing=nothing)


def _question(preview: TrashPreview) -> str:
    todos = bulk.sample(preview.first, preview.count)
    return f"Delete {todos} for good, with {'its' if preview.count == 1 else 'their'} history?"
