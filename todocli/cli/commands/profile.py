"""The commands of the panel You: the profiles of this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from todocli.cli.command import Command, Confirming, Family
from todocli.cli.commands import copies
from todocli.cli.context import Context
from todocli.errors import SchemaOutdated, TodoError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from todocli.profiles import Profile
    from todocli.schemas.accounts import ProfileRead

Name = Annotated[str, typer.Argument(metavar="NAME", help="The profile's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    family = typer.Typer(cls=Family, help="Choose who you are, and which database you use.")
    for name, cls, body in (
        ("list", Command, list_),
        ("show", Command, show),
        ("add", Command, add),
        ("use", Command, use),
        ("rm", Confirming, rm),
        ("copy", Command, copies.copy),
    ):
        family.command(name, cls=cls)(body)
    app.add_typer(family, name="profile", rich_help_panel="You")


def list_(context: Context) -> None:
    """List the profiles of this machine."""
    from todocli.schemas.accounts import ProfileList

    known = context.settings
    items = [_read(profile, active=name == known.active) for name, profile in sorted(known.profiles.items())]
    _print(context, ProfileList.of(items), items)


def show(
    context: Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The profile to show; without a name, the one in use.")
    ] = None,
) -> None:
    """Show one profile."""
    from todocli import profiles

    profile = profiles.resolve(name or context.shared.profile, context.settings)
    _print_one(context, profile, active=profile.name == context.settings.active)


def add(
    context: Context,
    name: Name,
    user: Annotated[
        str | None, typer.Option("--user", metavar="NAME", help="Your user name there; your login name by default.")
    ] = None,
    url_env: Annotated[
        str | None, typer.Option("--url-env", metavar="VAR", help="The environment variable that holds the URL.")
    ] = None,
    url_stdin: Annotated[bool, typer.Option("--url-stdin", metavar="", help="Read the URL from stdin.")] = False,
    embedded: Annotated[
        bool, typer.Option("--embedded", metavar="", help="Use the embedded database of this machine.")
    ] = False,
    pooled: Annotated[
        bool, typer.Option("--pooled", metavar="", help="Use Neon's pooler, if the URL names it.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="SECONDS", help="How long commands wait for the database; 15 by default."),
    ] = None,
    no_check: Annotated[
        bool, typer.Option("--no-check", metavar="", help="Add it without connecting to the database.")
    ] = False,
) -> None:
    """Add a profile, and register its user if the database is ready.

    todo profile add work --url-env NEON_URL --user ada

    Without --url-env, --url-stdin or --embedded it asks for the URL, which stays hidden.
    """
    from todocli import profiles
    from todocli.profiles import Profile

    if (url_env is not None) + url_stdin + embedded > 1:
        raise UsageError("--url-env, --url-stdin and --embedded cannot be combined.", hint="Use only one.")
    profiles.check_new(name, context.settings)
    url = None if embedded or url_env is not None else copies.read_url(context, from_stdin=url_stdin)
    user = profiles.check_user_name(user) if user is not None else profiles.login_name()
    seconds = Profile.timeout if timeout is None else timeout
    profile = Profile(name, user, url=url, url_env=url_env, pooled=pooled, timeout=seconds)
    profiles.check_profile(profile)
    try:
        profile = profile if no_check else copies.registered(context, profile)
        is_ready = True
    except SchemaOutdated:
        is_ready = False
    profiles.add(profile)
    _print_one(context, profile, active=False)
    if no_check and not embedded:
        context.output.note("Its database was not checked. Do that later", ("todo", "--profile", name, "doctor"))
    elif is_ready:
        context.output.note("To use it", ("todo", "profile", "use", name))
    else:
        context.output.note("Its database has no schema yet. Create one", ("todo", "--profile", name, "db", "upgrade"))
        context.output.note("Then register the user", ("todo", "--profile", name, "user", "add", user))


def use(context: Context, name: Name) -> None:
    """Switch to a profile."""
    from todocli import profiles

    profiles.use(name)
    _print_one(context, context.settings.profiles[name], active=True)


def rm(context: Context, name: Name) -> None:
    """Delete a profile. Its todos stay where they are."""
    from todocli import profiles

    profile = profiles.check_removable(name, context.settings)
    was_active = context.settings.active == name
    context.confirm(f"Delete the profile {name}, with its URL?")
    profiles.remove(name)
    _print_one(context, profile, active=False)
    if was_active:
        context.output.note(f"Now in use: {profiles.load().active}")


def _print_one(context: Context, profile: Profile, *, active: bool) -> None:
    read = _read(profile, active=active)
    _print(context, read, [read])


def _print(context: Context, document: BaseModel, items: Sequence[ProfileRead]) -> None:
    rows = [(p.name, "in use" if p.active else "", p.user, p.location or f"${p.url_env} (not set)") for p in items]
    plain = [(p.name, "active" if p.active else "", p.user, p.location or "") for p in items]
    context.output.rows(document, ("Profile", "", "User", "Database"), rows, plain=plain)


def _read(profile: Profile, *, active: bool) -> ProfileRead:
    from todocli.database.target import display, resolve_target
    from todocli.schemas.accounts import ProfileRead

    try:
        location: str | None = display(resolve_target(profile))
    except TodoError:
        location = None
    return ProfileRead(
        name=profile.name,
        active=active,
        user=profile.user,
        user_id=profile.user_id,
        database="sqlite" if profile.embedded else "postgresql",
        location=location,
        url_env=profile.url_env,
        pooled=profile.pooled,
        timeout=profile.timeout,
    )
