"""The command doctor: would a command work here and now, and if not, why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from todocli import __version__, paths
from todocli.cli import exits
from todocli.cli.command import Command
from todocli.cli.context import Context
from todocli.cli.shared import with_profile
from todocli.errors import TodoError

if TYPE_CHECKING:
    from todocli.database.health import Check
    from todocli.schemas.operations import DatabaseRead


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", cls=Command, rich_help_panel="Operators")(doctor)


def doctor(context: Context) -> None:
    """Check the setup and suggest fixes."""
    from todocli.render.text import hint_line
    from todocli.schemas.operations import CheckRead, HealthRead

    found = list(_checks_of_machine(context))
    database = None
    if not any(check.error for check in found):
        checks, database = _look_at_database(context)
        found += checks
    errors = [check.error for check in found if check.error]
    items = []
    for check in found:
        command = with_profile(check.command, context.shared.profile) if check.command else None
        hint = hint_line(check.hint, command)
        items.append(CheckRead(name=check.name, status=check.status, detail=check.detail, hint=hint))
    context.output.checks(HealthRead(healthy=not errors, checks=items, database=database))
    if errors:
        raise typer.Exit(exits.status_of(errors[0]))


def _checks_of_machine(context: Context) -> Iterator[Check]:
    import platform
    from importlib.metadata import version

    from todocli.database import health
    from todocli.database.health import Check

    yield Check("todo", "ok", f"{__version__}, {platform.python_implementation()} {platform.python_version()}")
    libraries = ", ".join(f"{name} {version(name)}" for name in ("typer", "sqlmodel", "SQLAlchemy", "psycopg"))
    yield Check("libraries", "ok", libraries)
    config = paths.config_file()
    yield Check("configuration", "ok", str(config) if config.exists() else f"none; it would be at {config}")
    if _shows_password(config):
        detail = f"{config} holds a password, and other users can read it"
        yield Check("configuration", "warning", detail, "Restrict it", ("chmod", "600", str(config)))
    try:
        profile = context.profile
        context.target  # noqa: B018 - raises if it is not known
    except TodoError as error:
        yield health.problem("profile", error)
        return
    yield Check("profile", "ok", f"{profile.name}: {profile.user} {_location(context)}")
    from todocli.cli.commands.daemon import describe

    yield Check("daemon", "ok", describe(context))


def _look_at_database(context: Context) -> tuple[list[Check], DatabaseRead | None]:
    """Return the checks of the database, and what it holds if they found no problem."""
    from todocli.database import health, inspection, sqlite_file
    from todocli.database.health import Check
    from todocli.database.store import open_store
    from todocli.database.target import resolve_target

    profile, target = context.profile, context.target
    named = resolve_target(profile, direct=False)
    with open_store(target, seconds=profile.timeout, on_wait=context.on_wait()) as store:
        found = list(health.checks(store, user=profile.user, user_id=profile.user_id, named=named))
        is_missing = isinstance(target, Path) and sqlite_file.is_blank(target)
        if is_missing or any(check.error for check in found):
            return found, None
        try:
            database = inspection.inspect(store)
        except TodoError as error:
            return [*found, Check("objects", "warning", error.detail, error.hint, error.command)], None
        return [*found, _objects(database)], database


def _shows_password(config: Path) -> bool:
    """Whether the file has a URL with a password, and others may read it. What is wrong in it is found later."""
    if not config.exists() or not config.stat().st_mode & 0o044:
        return False
    from todocli import profiles
    from todocli.database.postgres.url import PostgresURL

    try:
        urls = [profile.url for profile in profiles.load().profiles.values() if profile.url]
        return any(PostgresURL.parse(url).password for url in urls)
    except TodoError:
        return False


def _objects(database: DatabaseRead) -> Check:
    from todocli.database.health import Check
    from todocli.database.schema import HEAD

    faults = {"missing": database.missing, "changed": database.changed, "invalid": database.invalid}
    found = "; ".join(f"{what}: {', '.join(names)}" for what, names in faults.items() if names)
    if database.revision != HEAD:
        return Check("objects", "ok", f"not compared, as this program knows only the schema {HEAD}")
    if not found:
        return Check("objects", "ok", "all indexes, triggers and functions are there, the functions unchanged")
    return Check("objects", "warning", found, "Compare them with todo db upgrade --sql, or restore a backup.")


def _location(context: Context) -> str:
    profile = context.profile
    if profile.embedded:
        return "on the embedded database"
    return f"on the database in {profile.url_env}" if profile.url_env else "on the database at its URL"
