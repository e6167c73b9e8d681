"""The commands that copy a user's todos to another database: profile copy, share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from todocli.cli.command import Confirming
from todocli.cli.context import Context
from todocli.cli.progress import progress
from todocli.errors import UsageError, ValidationError

if TYPE_CHECKING:
    from todocli.profiles import Profile
    from todocli.services.copies.outcome import Copied

DEFAULT_NAME = "shared"

_SHOWN = 8

Merge = Annotated[
    bool,
    typer.Option("--merge", metavar="", help="Copy although there are other todos; these get new numbers there."),
]


def register(app: typer.Typer) -> None:
    """Add the command share."""
    app.command("share", cls=Confirming, rich_help_panel="You")(share)


def copy(
    context: Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help="The profile whose todos are copied.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="The profile that they are copied to.")],
    merge: Merge = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar="", help="Show what would be copied, and change nothing.")
    ] = False,
) -> None:
    """Copy the todos, notes, history and trash of one profile to another.

    todo profile copy local work

    They stay where they are, too. Run again, it copies what has changed since; what was deleted for good there is
    deleted here as well.
    """
    from todocli import profiles

    there = profiles.named(target, context.settings)
    here = profiles.named(source, context.settings)
    _copy_and_print(context, here, there, merge=merge, dry_run=dry_run)
    if not dry_run and context.settings.active != there.name:
        context.output.note("To use it", ("todo", "profile", "use", there.name))


def share(
    context: Context,
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The name of the new profile.")] = DEFAULT_NAME,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="NAME", help="Your user name there; that of this profile by default."),
    ] = None,
    url_env: Annotated[
        str | None, typer.Option("--url-env", metavar="VAR", help="The environment variable that holds the URL.")
    ] = None,
    url_stdin: Annotated[bool, typer.Option("--url-stdin", metavar="", help="Read the URL from stdin.")] = False,
    merge: Merge = False,
) -> None:
    """Move on to Neon: copy your todos there, and use them from there.

    todo share
    todo share work --url-env NEON_URL

    It adds a profile, creates or upgrades the schema, registers you, copies your todos and switches to the profile.
    After an interruption, run it again.
    """
    from todocli import profiles
    from todocli.database import migrations
    from todocli.database.deadline import Deadline, deadline_scope
    from todocli.database.target import display, resolve_target
    from todocli.profiles import Profile

    here = profiles.named(context.shared.profile or context.settings.active, context.settings)
    known = context.settings.profiles.get(name) if name in context.settings.written else None
    if known is None:
        if url_env is not None and url_stdin:
            raise UsageError("--url-env and --url-stdin cannot be combined.", hint="Use only one.")
        profiles.check_new(name, context.settings)
        url = None if url_env is not None else read_url(context, from_stdin=url_stdin)
        there = Profile(name, profiles.check_user_name(user or here.user), url=url, url_env=url_env)
        profiles.check_profile(there)
    elif known.embedded or url_stdin or url_env not in (None, known.url_env) or user not in (None, known.user):
        command = ("todo", "profile", "copy", here.name, name)
        raise UsageError(f'There is already another profile "{name}".', hint="To copy there", command=command)
    else:
        there = known
    target = resolve_target(there)
    _check_different(here, there)
    parts = [
        *([f"add the profile {name}"] if known is None else []),
        "create or upgrade the schema",
        f"register {there.user}",
        f"copy the todos of {here.name}",
        f"use {name} from now on",
    ]
    context.output.note(f"To share your todos at {display(target)}:")
    for i, part in enumerate(parts, 1):
        context.output.note(f"  {i}. {part}")
    context.confirm(f"Share the todos of {here.name} there?")

    def announce(done: str) -> None:
        context.output.note(f"✓ {done}")

    with deadline_scope(Deadline(there.timeout, context.on_wait())):
        migrations.upgrade(target, on_revision=lambda new: announce(f"Schema {new.revision}: {new.message}"))
    there = registered(context, there)
    announce(f"Registered {there.user}")
    if known is None:
        profiles.add(there)
        announce(f"Added the profile {name}")
    _copy_and_print(context, here, there, merge=merge, dry_run=False)
    profiles.use(name)
    announce(f"Now in use: {name}")


def read_url(context: Context, *, from_stdin: bool) -> str:
    """Return the URL of a Postgres, from stdin or as the user types it. Raises `UsageError` and `ValidationError`."""
    from todocli.database.postgres.url import PostgresURL

    if from_stdin:
        from todocli.cli.input import read_stdin

        text = read_stdin()
    elif context.interactive:
        text = typer.prompt("Postgres URL (hidden)", hide_input=True, err=True)
    else:
        raise UsageError("No database was given.", hint="Give --url-env VAR or --url-stdin.")
    return PostgresURL.parse(text).text()


def registered(context: Context, profile: Profile) -> Profile:
    """Return `profile` with the id of its user, who is added if missing. Raises `TodoError`."""
    if profile.embedded:
        return profile
    with context.workspace(profile) as workspace:
        user, _ = workspace.users.add(profile.user)
        return replace(profile, user_id=user.id)


def _check_different(here: Profile, there: Profile) -> None:
    from todocli.database.target import resolve_target

    if (resolve_target(here), here.user) == (resolve_target(there), there.user):
        alike = f"{here.name} and {there.name} are the same user of the same database."
        detail = f"The todos of {here.name} are there already." if here.name == there.name else alike
        raise ValidationError.of("target", detail, hint="See the profiles", command=("todo", "profile", "list"))


def _copy_and_print(context: Context, here: Profile, there: Profile, *, merge: bool, dry_run: bool) -> None:
    """Copy everything of a user, mark the profile that it was copied from, and print what was done."""
    from todocli import profiles
    from todocli.services.copies.snapshot import Snapshot

    _check_different(here, there)
    with Snapshot() as snapshot:
        with (
            context.workspace(here) as workspace,
            progress(f"Reading {here.name}", None, unit="rows") as tick,
        ):
            workspace.read_snapshot(snapshot, tick)
        total = snapshot.count
        with (
            context.workspace(there) as workspace,
            progress(f"Copying to {there.name}", total, unit="rows") as tick,
        ):
            copied = workspace.write_snapshot(snapshot, merge=merge, dry_run=dry_run, advance=tick)
    if not dry_run:
        profiles.mark_copied(here, there)
    print_copied(context, copied, here.name, there.name, dry_run=dry_run)


def print_copied(context: Context, copied: Copied, source: str, target: str, *, dry_run: bool) -> None:
    """Print what a copy did, from a profile or a file to a profile."""
    from todocli.schemas.accounts import CopyRead, NumberChange

    numbers = [NumberChange(old=old, new=new) for old, new in copied.numbers.items()]
    values = vars(copied) | {"numbers": numbers, "kept_numbers": list(copied.kept_numbers)}
    read = CopyRead(source=source, target=target, dry_run=dry_run, **values)
    parts = {
        "new": copied.added,
        "changed": copied.updated,
        "deleted": copied.deleted,
    }
    todos = ", ".join(f"{count:,} {kind}" for kind, count in parts.items() if count)
    verb = "Would copy" if read.dry_run else "Copied"
    if todos or copied.changes:
        rest = f"{copied.changes:,} change{'s' if copied.changes != 1 else ''} and {copied.notes:,} note"
        rest += "s" if copied.notes != 1 else ""
        line = f"{verb} from {read.source} to {read.target}: todos {todos or 'unchanged'}; {rest}"
    elif copied.unchanged or copied.kept:
        line = f"Nothing new in {read.source} since the last copy to {read.target}"
    else:
        line = f"{read.source} has no todos to copy"
    context.output.lines(read, [line])
    if read.numbers:
        shown = ", ".join(f"{number.old} → {number.new}" for number in read.numbers[:_SHOWN])
        more = f" and {len(read.numbers) - _SHOWN:,} more" if len(read.numbers) > _SHOWN else ""
        context.output.note(f"New numbers: {shown}{more}")
    if copied.kept:
        shown = ", ".join(map(str, read.kept_numbers[:_SHOWN]))
        more = f" and {copied.kept - _SHOWN:,} more" if copied.kept > _SHOWN else ""
        context.output.note(f"Changed on both sides, and kept as in {read.target}: {shown}{more}")
