"""The command doctor: would a command work here and now, and if not, why not."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import version
from typing import TYPE_CHECKING

import typer

from todocli import __version__, paths
from todocli.cli import exits
from todocli.cli.context import Invocation
from todocli.cli.shared_options import COMMON, Command, takes
from todocli.errors import TodoError

if TYPE_CHECKING:
    from todocli.database.health import Check

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor", cls=Command, rich_help_panel="Operators")(doctor)


@takes(*COMMON)
def doctor(invocation: Invocation) -> None:
    """Look whether everything works, and say what to do if not."""
    from todocli.schemas.operations import CheckRead, HealthRead

    found = list(_checks(invocation))
    errors = [check.error for check in found if check.error]
    items = [CheckRead(name=c.name, status=c.status, detail=c.detail, hint=_advice(invocation, c)) for c in found]
    if invocation.machine:
        invocation.document(HealthRead(healthy=not errors, checks=items))
    elif invocation.table:
        from rich.table import Column, Table
        from rich.text import Text

        from todocli.render.text import visible

        table = Table.grid(Column(), Column(), Column(overflow="fold"), padding=(0, 2))
        for item in items:
            table.add_row(Text(item.status, _COLOURS[item.status]), item.name, Text(visible(item.detail)))
            if item.hint:
                table.add_row("", "", Text(visible(item.hint), "dim"))
        invocation.show(table)
    else:
        from todocli.render.text import visible

        for item in items:
            invocation.line("\t".join(visible(part or "") for part in (item.status, item.name, item.detail, item.hint)))
    if errors:
        raise typer.Exit(exits.status_of(errors[0]))


def _advice(invocation: Invocation, check: Check) -> str | None:
    return check.hint and invocation.advice(check.hint)


def _checks(invocation: Invocation) -> Iterator[Check]:
    from todocli.database import health
    from todocli.database.health import Check
    from todocli.database.store import Store
    from todocli.database.target import resolve_target

    yield Check("todo", "ok", f"{__version__}, {platform.python_implementation()} {platform.python_version()}")
    libraries = ", ".join(f"{name} {version(name)}" for name in ("typer", "sqlmodel", "SQLAlchemy", "psycopg"))
    yield Check("libraries", "ok", libraries)
    config = paths.config_file()
    yield Check("configuration", "ok", str(config) if config.exists() else f"none; it would be {config}")
    try:
        profile = invocation.profile
        target = invocation.target
    except TodoError as error:
        yield health.problem("profile", error)
        return
    yield Check("profile", "ok", f"{profile.name}: {profile.user} {_by(invocation)}")
    store = Store(target, seconds=profile.timeout, on_wait=invocation.on_wait(target))
    try:
        yield from health.checks(
            store, user=profile.user, user_id=profile.user_id, named=resolve_target(profile, direct=False)
        )
    finally:
        store.close()


def _by(invocation: Invocation) -> str:
    profile = invocation.profile
    if profile.embedded:
        return "on the embedded file"
    return f"on the database that {profile.url_env} names" if profile.url_env else "on the database of its URL"
