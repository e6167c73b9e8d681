"""The command backup: copies of the embedded database, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from todocli.cli.command import Confirming
from todocli.cli.commands.import_files import PANEL, counted
from todocli.cli.context import Context
from todocli.errors import TodoError, UsageError

if TYPE_CHECKING:
    from todocli.database.backups import Content
    from todocli.database.postgres.url import PostgresURL
    from todocli.schemas.operations import BackupRead


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backup", cls=Confirming, rich_help_panel=PANEL)(backup)


def backup(
    context: Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The backup.", show_default=False)],
    check: Annotated[bool, typer.Option("--check", metavar="", help="Check a backup, and change nothing.")] = False,
    restore: Annotated[
        bool, typer.Option("--restore", metavar="", help="Replace the todos of this machine by those of a backup.")
    ] = False,
) -> None:
    """Copy the embedded database to a new file, while other commands use it.

    todo backup todos.db
    todo backup --check todos.db
    todo backup --restore todos.db

    A restore asks first, and keeps the previous database beside the new one. A Postgres has backups of its own.
    """
    if check and restore:
        raise UsageError("--check and --restore exclude each other.", hint="A restore checks the backup first.")
    if file == "-":
        raise UsageError("A backup is a file, not a stream.", hint="Give a file.")
    path = Path(file)
    if check:
        _check(context, path)
        return
    target = context.target
    if not isinstance(target, Path):
        raise _not_embedded(target, restore=restore)
    if restore:
        _restore(context, path, target)
    else:
        _back_up(context, path, target)


def _back_up(context: Context, path: Path, target: Path) -> None:
    from todocli.database import backups

    content = backups.back_up(target, path)
    context.output.lines(_read(path, content), [f"Backed up {_described(content)} to {path}"])


def _check(context: Context, path: Path) -> None:
    from todocli.database import backups

    content = backups.check(path)
    lines = [f"{path} is whole: {_described(content)}"]
    if content.is_outdated:
        lines.append(f"Its schema is {content.revision}; after a restore, the next command upgrades it")
    context.output.lines(_read(path, content), lines)


def _restore(context: Context, path: Path, target: Path) -> None:
    from todocli.database import backups
    from todocli.render.text import visible
    from todocli.schemas.operations import RestoreRead

    backups.refuse_itself(path, target)
    content = backups.check(path)
    if here := _here(target):
        context.confirm(visible(f"Replace the {here} by the {_described(content, f' of {path}')}?"))
    kept = backups.restore(path, target)
    read = RestoreRead(
        **_read(path, content).model_dump(), location=str(target), kept=str(kept) if kept is not None else None
    )
    lines = [f"Restored {_described(content)} from {path}"]
    if content.is_outdated:
        lines.append(f"Its schema is {content.revision}; the next command upgrades it")
    if kept:
        lines.append(f"The previous database is in {kept}")
    context.output.lines(read, lines)


def _here(target: Path) -> str:
    """Return what a restore replaces, in words; empty if there is nothing."""
    from todocli.database import backups

    try:
        content = backups.current(target)
    except TodoError as error:
        if not backups.is_damage(error):
            raise
        return f"damaged database {target}"
    return _described(content, " of this machine") if content else ""


def _described(content: Content, place: str = "") -> str:
    from todocli.render.dates import local

    newest = f"newest change {local(content.newest_change_at)}" if content.newest_change_at else "no changes"
    users = f" of {content.users:,} users" if content.users > 1 else ""
    return f"{counted(content.todos)}{users}{place} ({newest})"


def _read(path: Path, content: Content) -> BackupRead:
    from todocli.schemas.operations import BackupRead

    return BackupRead(
        file=str(path),
        bytes=content.bytes,
        revision=content.revision,
        users=content.users,
        todos=content.todos,
        changes=content.changes,
        newest_change_at=content.newest_change_at,
    )


def _not_embedded(url: PostgresURL, *, restore: bool) -> UsageError:
    """Return what to do instead on a Postgres."""
    if url.is_neon:
        own = "In its console, Neon makes branches, which are copies, and restores any moment of its history window."
    else:
        own = "Its server has backups of its own, such as pg_dump."
    command = ("todo", "import", "--restore", "FILE.json") if restore else ("todo", "export", "--history", "FILE.json")
    what = "To take back an export with its history" if restore else "To export everything, with its history"
    return UsageError(f"A backup is of the embedded database, and not of a Postgres. {own}", hint=what, command=command)
