"""The commands of the panel You: which profiles there are, and which one is in use."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from todocli.cli.context import Invocation
from todocli.cli.shared_options import COMMON, Command, Family, takes
from todocli.database.store import open_store
from todocli.database.target import resolve_target
from todocli.errors import SchemaOutdated, TodoError, UsageError

if TYPE_CHECKING:
    from todocli.profiles import Profile
    from todocli.schemas.accounts import ProfileRead

Name = Annotated[str, typer.Argument(metavar="NAME", help="The profile's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    family = typer.Typer(cls=Family, help="Choose who you are, and on which database.", rich_markup_mode="rich")
    for name, body in (("list", list_), ("show", show), ("add", add), ("use", use), ("rm", rm)):
        family.command(name, cls=Command)(body)
    app.add_typer(family, name="profile", rich_help_panel="You")


@takes(*COMMON)
def list_(invocation: Invocation) -> None:
    """List the profiles of this machine."""
    from todocli import profiles
    from todocli.schemas.accounts import ProfileList

    known = profiles.load()
    items = [_read(profile, active=name == known.active) for name, profile in sorted(known.profiles.items())]
    if invocation.machine:
        invocation.document(ProfileList(items=items, count=len(items), total=len(items)))
        return
    _print(invocation, items)


@takes(*COMMON)
def show(
    invocation: Invocation,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Default: the one in use.")] = None,
) -> None:
    """Show one profile: the one in use, unless another is named."""
    from todocli import profiles

    profile = profiles.resolve(name or invocation.profile_name)
    _answer(invocation, profile, active=profile.name == profiles.load().active)


@takes(*COMMON)
def add(
    invocation: Invocation,
    name: Name,
    user: Annotated[str | None, typer.Option("--user", help="Your name there; default: your login name.")] = None,
    url_env: Annotated[
        str | None, typer.Option("--url-env", metavar="VAR", help="The environment variable that holds the URL.")
    ] = None,
    url_stdin: Annotated[bool, typer.Option("--url-stdin", metavar="", help="Read the URL from stdin.")] = False,
    embedded: Annotated[
        bool, typer.Option("--embedded", metavar="", help="On the embedded database of this machine.")
    ] = False,
    pooled: Annotated[
        bool, typer.Option("--pooled", metavar="", help="Go by way of the pooler that the URL of Neon names.")
    ] = False,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", metavar="SECONDS", help="How long a command waits for the database; default: 15."),
    ] = None,
) -> None:
    """Add a profile, and register its user where the database is ready. The URL is asked for, hidden, if not given."""
    from todocli import profiles
    from todocli.profiles import Profile

    if (url_env is not None) + url_stdin + embedded > 1:
        raise UsageError("--url-env, --url-stdin and --embedded exclude each other.", hint="Give one of them.")
    profiles.check_new(name)
    url = None if embedded or url_env is not None else _url(invocation, from_stdin=url_stdin)
    who = profiles.check_user_name(user) if user is not None else profiles.login_name()
    seconds = Profile.timeout if timeout is None else timeout
    profile = Profile(name, who, url=url, url_env=url_env, pooled=pooled, timeout=seconds)
    profiles.check_profile(profile)
    try:
        profile = _registered(invocation, profile)
        ready = True
    except SchemaOutdated:
        ready = False
    profiles.add(profile)
    _answer(invocation, profile, active=False)
    if ready:
        invocation.note(f"Use it: todo profile use {name}, or todo --profile {name} …")
    else:
        invocation.note(
            f"Its database has no schema yet: todo --profile {name} db upgrade, "
            f"then todo --profile {name} user add {who}"
        )


@takes(*COMMON)
def use(invocation: Invocation, name: Name) -> None:
    """Make a profile the one in use."""
    from todocli import profiles

    profiles.use(name)
    _answer(invocation, profiles.load().profiles[name], active=True)


@takes(*COMMON, "yes")
def rm(invocation: Invocation, name: Name) -> None:
    """Forget a profile. Its todos stay where they are."""
    from todocli import profiles

    profile = profiles.check_removable(name)
    was_active = profiles.load().active == name
    invocation.confirm(f"Forget the profile {name}, with its URL?")
    profiles.remove(name)
    _answer(invocation, profile, active=False)
    if was_active:
        invocation.note(f"In use now: {profiles.load().active}")


def _url(invocation: Invocation, *, from_stdin: bool) -> str:
    from todocli.database.postgres.url import PostgresURL

    if from_stdin:
        from todocli.cli.input import read_stdin

        text = read_stdin()
    elif invocation.interactive:
        text = typer.prompt("Postgres URL (hidden)", hide_input=True, err=True)
    else:
        raise UsageError(
            "It is not said which database the profile is on.",
            hint="Give --url-env VAR, --url-stdin or --embedded.",
        )
    return PostgresURL.parse(text).text()


def _registered(invocation: Invocation, profile: Profile) -> Profile:
    """Return `profile` with the id of its user, who is added if there is none. Raises `TodoError`."""
    from todocli.services.users import Users

    target = resolve_target(profile)
    if profile.embedded:
        return profile
    opened = open_store(target, seconds=profile.timeout, on_wait=invocation.on_wait(target))
    with opened as store, store.session() as session:
        user, _ = Users(session).add(profile.user)
        return replace(profile, user_id=user.id)


def _answer(invocation: Invocation, profile: Profile, *, active: bool) -> None:
    read = _read(profile, active=active)
    if invocation.machine:
        invocation.document(read)
    else:
        _print(invocation, [read])


def _print(invocation: Invocation, items: list[ProfileRead]) -> None:
    if invocation.table:
        from todocli.render.tables import plain_table

        rows = [(p.name, "in use" if p.active else "", p.user, p.location or f"${p.url_env} (not set)") for p in items]
        invocation.show(plain_table(("Profile", "", "User", "Database"), rows))
        return
    from todocli.render.text import visible

    for p in items:
        columns = (p.name, "active" if p.active else "", p.user, p.location or "")
        sys.stdout.write("\t".join(visible(column) for column in columns) + "\n")


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
