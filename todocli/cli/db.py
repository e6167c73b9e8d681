"""The commands `todo db`: the schema of the profile's database, and whether it answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from todocli.cli.context import Invocation
from todocli.cli.options import COMMON, Command, Family, takes

if TYPE_CHECKING:
    from todocli.database.engine import Target
    from todocli.database.migrations import Revision
    from todocli.schemas import SchemaRead


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
    steps = migrations.upgrade(target, revision, on_step=announce, on_copy=_tell_of_copy(invocation))
    _answer(invocation, target, steps)


@takes(*COMMON, "yes")
def downgrade(
    invocation: Invocation,
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="Where to go back to, or base for nothing.")],
) -> None:
    """Take the schema back to an older revision. What only newer ones can hold is lost."""
    from todocli.database import migrations
    from todocli.database.url import place

    target = invocation.target
    invocation.confirm(
        f"Take the schema of {place(target)} back to {revision}, and lose what only newer ones can hold?"
    )
    announce = _announce(invocation, "undo")
    steps = migrations.downgrade(target, revision, on_step=announce, on_copy=_tell_of_copy(invocation))
    _answer(invocation, target, steps)


@takes(*COMMON)
def current(invocation: Invocation) -> None:
    """Show at which revision the schema is."""
    _answer(invocation, invocation.target, [])


@takes(*COMMON)
def history(invocation: Invocation) -> None:
    """List the revisions of the schema, newest first. No database is asked."""
    from todocli.database import migrations
    from todocli.schemas import RevisionList, RevisionRead

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
    """Exit with 0 if the schema is the one that this program needs, and with 8 if not."""
    from todocli.database import engine, faults, migrations

    target = invocation.target
    found = migrations.current(target)
    if found is None or found < engine.HEAD:
        raise faults.outdated(target, found, engine.HEAD)
    if found != engine.HEAD:
        raise faults.too_new(target, found, engine.HEAD)
    _answer(invocation, target, [])


@takes(*COMMON)
def ping(invocation: Invocation) -> None:
    """Connect, ask one thing, and tell how long both took."""
    import sqlalchemy as sa

    from todocli.database.url import place
    from todocli.schemas import PingRead

    target = invocation.target
    embedded = isinstance(target, Path)
    version = "SELECT sqlite_version()" if embedded else "SHOW server_version"
    with invocation.store() as store, store.session() as session:
        started = time.perf_counter()
        session.connection()
        connected = time.perf_counter()
        answer = str(session.scalar(sa.text(version)))
        answered = time.perf_counter()
    read = PingRead(
        database="sqlite" if embedded else "postgresql",
        location=place(target),
        server_version=answer,
        connect_ms=round((connected - started) * 1000, 1),
        query_ms=round((answered - connected) * 1000, 1),
    )
    if invocation.machine:
        invocation.document(read)
    else:
        kind = "SQLite" if embedded else "Postgres"
        invocation.line(f"{kind} {answer} at {read.location}")
        invocation.line(f"connect {read.connect_ms} ms, query {read.query_ms} ms")


def _announce(invocation: Invocation, verb: str) -> Callable[[Revision], None]:
    def on_step(step: Revision) -> None:
        invocation.note(f"{verb} {step.revision}: {step.message} …")

    return on_step


def _tell_of_copy(invocation: Invocation) -> Callable[[Path], None]:
    return lambda copy: invocation.note(f"A copy of what was there is in {copy}")


def _answer(invocation: Invocation, target: Target, steps: list[Revision]) -> None:
    from todocli.database import migrations

    read = _schema(target, migrations.current(target), [step.revision for step in steps])
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


def _schema(target: Target, revision: str | None, steps: list[str]) -> SchemaRead:
    from todocli.database.engine import HEAD
    from todocli.database.url import place
    from todocli.schemas import SchemaRead

    return SchemaRead(
        database="sqlite" if isinstance(target, Path) else "postgresql",
        location=place(target),
        revision=revision,
        head=HEAD,
        is_current=revision == HEAD,
        steps=steps,
    )
