"""The commands `todo db`: the schema of the profile's database, and whether it answers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from todocli.cli.context import Invocation
from todocli.cli.shared_options import COMMON, Command, Family, takes
from todocli.database import schema
from todocli.database.store import open_store

if TYPE_CHECKING:
    from todocli.database.migrations import Revision
    from todocli.database.probe import Probe
    from todocli.schemas.operations import SchemaRead


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    family = typer.Typer(cls=Family, help="Look after the schema of the database.", rich_markup_mode="rich")
    for name, body in (
        ("upgrade", upgrade),
        ("downgrade", downgrade),
        ("current", current),
        ("history", history),
        ("check", check),
        ("ping", ping),
    ):
        family.command(name, cls=Command)(body)
    app.add_typer(family, name="db", rich_help_panel="Operators")


@takes(*COMMON)
def upgrade(
    invocation: Invocation,
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="Where to go; default: the newest.")] = "head",
) -> None:
    """Create the schema, or bring it up to date."""
    from todocli.database import migrations

    target = invocation.target
    announce = _announce(invocation, "upgrade to")
    with invocation.patience():
        steps = migrations.upgrade(target, revision, on_step=announce, on_copy=_tell_of_copy(invocation))
    _answer(invocation, steps)


@takes(*COMMON, "yes")
def downgrade(
    invocation: Invocation,
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="Where to go back to, or base for nothing.")],
) -> None:
    """Take the schema back to an older revision. What only newer ones can hold is lost."""
    from todocli.database import migrations
    from todocli.database.target import display

    target = invocation.target
    invocation.confirm(
        f"Take the schema of {display(target)} back to {revision}, and lose what only newer ones can hold?"
    )
    announce = _announce(invocation, "undo")
    with invocation.patience():
        steps = migrations.downgrade(target, revision, on_step=announce, on_copy=_tell_of_copy(invocation))
    _answer(invocation, steps)


@takes(*COMMON)
def current(invocation: Invocation) -> None:
    """Show at which revision the schema is."""
    found = _revision(invocation)
    _show(invocation, _schema(invocation, [], found))
    if found and found.round_trips:
        invocation.note(_took(found))


@takes(*COMMON)
def history(invocation: Invocation) -> None:
    """List the revisions of the schema, newest first. No database is asked."""
    from todocli.database import migrations
    from todocli.schemas.operations import RevisionList, RevisionRead

    items = [
        RevisionRead(revision=step.revision, down_revision=step.down_revision, message=step.message)
        for step in migrations.history()
    ]
    if invocation.machine:
        invocation.document(RevisionList(items=items, count=len(items), total=len(items)))
        return
    for item in items:
        sys.stdout.write(f"{item.revision}\t{item.message}\n")


@takes(*COMMON)
def check(invocation: Invocation) -> None:
    """Exit with 8 if the schema is older or newer than this program needs."""
    found = _revision(invocation)
    if fault := schema.mismatch(invocation.target, found.answer if found else None):
        raise fault
    _show(invocation, _schema(invocation, [], found))


@takes(*COMMON)
def ping(invocation: Invocation) -> None:
    """Connect, ask one thing, and tell how long it took."""
    from todocli.database import probe
    from todocli.database.target import display
    from todocli.schemas.operations import PingRead

    with invocation.store() as store:
        found = probe.version(store)
    read = PingRead(
        database="sqlite" if store.is_embedded else "postgresql",
        location=display(store.target),
        server_version=str(found.answer),
        connect_ms=found.connect,
        wake_ms=found.wake,
        query_ms=found.query,
        round_trips=found.round_trips,
    )
    if invocation.machine:
        invocation.document(read)
    else:
        kind = "SQLite" if store.is_embedded else "Postgres"
        invocation.line(f"{kind} {read.server_version} at {read.location}")
        invocation.line(_took(found))


def _announce(invocation: Invocation, verb: str) -> Callable[[Revision], None]:
    def on_step(step: Revision) -> None:
        invocation.note(f"{verb} {step.revision}: {step.message} …")

    return on_step


def _tell_of_copy(invocation: Invocation) -> Callable[[Path], None]:
    return lambda copy: invocation.note(f"A copy of what was there is in {copy}")


def _answer(invocation: Invocation, steps: list[Revision]) -> None:
    from todocli.database import migrations

    with invocation.patience():
        revision = migrations.current(invocation.target)
    _show(invocation, _schema(invocation, [step.revision for step in steps], None, revision))


def _revision(invocation: Invocation) -> Probe | None:
    """Ask where the schema stands; nothing is asked, and no file made, where there is none yet."""
    from todocli.database import probe, sqlite_file

    target = invocation.target
    if isinstance(target, Path) and sqlite_file.is_blank(target):
        return None
    with open_store(target, seconds=invocation.profile.timeout, on_wait=invocation.on_wait(target)) as store:
        return probe.revision(store)


def _took(found: Probe) -> str:
    if not found.round_trips:
        return f"connect {found.connect} ms, query {found.query} ms"
    times = f"connect {found.connect} ms (of which waking {found.wake} ms), query {found.query} ms"
    return f"{times}, {found.round_trips} round trips"


def _show(invocation: Invocation, read: SchemaRead) -> None:
    if invocation.machine:
        invocation.document(read)
        return
    place = f"the schema of {read.location}"
    if read.revision is None:
        invocation.line(f"There is no todo schema in {read.location}", "todo db upgrade")
    elif read.is_current:
        invocation.line(f"{read.revision} (current): {place}")
    else:
        advice = "todo db upgrade" if read.revision < read.head else "pip install --upgrade todocli"
        invocation.line(f"{read.revision} (this program needs {read.head}): {place}", advice)


def _schema(invocation: Invocation, steps: list[str], found: Probe | None, revision: str | None = None) -> SchemaRead:
    from todocli.database.schema import HEAD
    from todocli.database.target import display
    from todocli.schemas.operations import SchemaRead

    target = invocation.target
    revision = found.answer if found else revision
    return SchemaRead(
        database="sqlite" if isinstance(target, Path) else "postgresql",
        location=display(target),
        revision=revision,
        head=HEAD,
        is_current=revision == HEAD,
        steps=steps,
        connect_ms=found.connect if found else None,
        wake_ms=found.wake if found else None,
        query_ms=found.query if found else None,
        round_trips=found.round_trips if found else None,
    )
