"""The commands `todo db`: the schema of the profile's database, and whether it responds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from todocli.cli.command import Command, Confirming, Family
from todocli.cli.context import Context

if TYPE_CHECKING:
    from todocli.database.probe import Probe
    from todocli.database.revisions import Revision


LockTimeout = Annotated[
    float,
    typer.Option("--lock-timeout", metavar="SECONDS", min=0.001, max=3600, help="The longest wait for a lock."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    family = typer.Typer(cls=Family, help="Manage the database schema.")
    for name, cls, body in (
        ("upgrade", Command, upgrade),
        ("downgrade", Confirming, downgrade),
        ("current", Command, current),
        ("grant", Command, grant),
        ("history", Command, history),
        ("check", Command, check),
        ("ping", Command, ping),
    ):
        family.command(name, cls=cls)(body)
    app.add_typer(family, name="db", rich_help_panel="Operators")


def upgrade(
    context: Context,
    revision: Annotated[str, typer.Argument(metavar="[REVISION]", help="The target; the newest by default.")] = "head",
    sql: Annotated[
        bool, typer.Option("--sql", metavar="", help="Print the SQL for a Postgres, and change nothing.")
    ] = False,
    lock_timeout: LockTimeout = 30,
) -> None:
    """Create the schema, or bring it up to date.

    With --sql, the revision may be a range, as in 0102:head.

    todo db upgrade
    todo --profile work db upgrade
    todo db upgrade --sql
    """
    from todocli.database import migrations

    if sql:
        from todocli.database import revisions
        from todocli.schemas.operations import SqlRead

        text = revisions.upgrade_sql(revision, lock_seconds=lock_timeout).strip()
        context.output.lines(SqlRead(sql=text), text.splitlines())
        return
    with _deadline(context):
        applied = migrations.upgrade(
            context.target,
            revision,
            lambda revision: _announce(context, "Upgrading to", revision),
            lambda c: _copied(context, c),
            lock_seconds=lock_timeout,
        )
        for warning in migrations.warnings(context.target):
            context.output.note(f"Warning: {warning}")
    _print_current(context, applied)


def downgrade(
    context: Context,
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="The target; base for no schema at all.")],
    lock_timeout: LockTimeout = 30,
) -> None:
    """Take the schema back to an older revision. Data that it cannot hold is lost."""
    from todocli.database import migrations
    from todocli.database.target import display

    with _deadline(context):
        lost = migrations.losses(context.target, revision)
    rows = ", ".join(f"{count:,} {table if count != 1 else table.removesuffix('s')}" for table, count in lost.items())
    where = f"the schema of {display(context.target)} back to {revision}"
    context.confirm(f"Take {where}, and lose {rows}?" if rows else f"Take {where}?")
    if rows:
        context.output.note(f"Losing {rows}")
    with _deadline(context):
        applied = migrations.downgrade(
            context.target,
            revision,
            lambda revision: _announce(context, "Downgrading from", revision),
            lambda c: _copied(context, c),
            lock_seconds=lock_timeout,
        )
    _print_current(context, applied)


def current(context: Context) -> None:
    """Show the revision of the schema."""
    probe = _probe(context)
    _print(context, [], _id(probe), probe)
    if probe and probe.round_trips:
        context.output.note(_timings(probe))


def history(context: Context) -> None:
    """List the revisions of the schema, newest first, without asking a database."""
    from todocli.database import revisions
    from todocli.schemas.operations import RevisionList, RevisionRead

    items = [
        RevisionRead(revision=revision.revision, down_revision=revision.down_revision, message=revision.message)
        for revision in revisions.history()
    ]
    rows = [(item.revision, item.message) for item in items]
    context.output.rows(RevisionList.of(items), ("Revision", "What it adds"), rows)


def check(context: Context) -> None:
    """Exit with 8 if this program cannot use the schema: it is older or newer."""
    from todocli.database import schema

    probe = _probe(context)
    if error := schema.mismatch(context.target, probe.answer if probe else None):
        raise error
    _print(context, [], _id(probe), probe)


def grant(context: Context, role: Annotated[str, typer.Argument(metavar="ROLE", help="A role of the server.")]) -> None:
    """Let a teammate's role use the todos of this Postgres.

    todo --profile work db grant bob
    """
    from todocli.database import migrations
    from todocli.database.target import display
    from todocli.errors import UsageError
    from todocli.schemas.operations import GrantRead

    target = context.target
    if isinstance(target, Path):
        raise UsageError(
            "The embedded database has no roles.", hint="Choose a profile with a Postgres: --profile NAME."
        )
    with _deadline(context):
        migrations.grant(target, role)
    location = display(target)
    context.output.lines(GrantRead(location=location, role=role), [f"The role {role} may use the todos of {location}"])


def ping(context: Context) -> None:
    """Measure the time to connect, to wake up and to query."""
    from todocli.database import probe
    from todocli.database.target import display
    from todocli.schemas.operations import PingRead

    with context.workspace() as workspace:
        store = workspace.store
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
    kind = "SQLite" if store.is_embedded else "Postgres"
    context.output.lines(read, [f"{kind} {read.server_version} at {read.location}", _timings(found)])


@contextmanager
def _deadline(context: Context) -> Iterator[None]:
    """Give connecting the time of the profile, and tell a user who waits."""
    from todocli.database.deadline import Deadline, deadline_scope

    with deadline_scope(Deadline(context.profile.timeout, context.on_wait())):
        yield


def _announce(context: Context, verb: str, revision: Revision) -> None:
    context.output.note(f"{verb} {revision.revision}: {revision.message}")


def _copied(context: Context, copy: Path) -> None:
    context.output.note(f"A copy of the previous database is in {copy}")


def _probe(context: Context) -> Probe | None:
    """Read the revision of the schema; None if there is no file yet, which is not created."""
    from todocli.database import probe, sqlite_file
    from todocli.database.store import open_store

    target = context.target
    if isinstance(target, Path) and sqlite_file.is_blank(target):
        return None
    only_reads = isinstance(target, Path) and not sqlite_file.is_readable(target)
    with open_store(target, seconds=context.profile.timeout, on_wait=context.on_wait(), only_reads=only_reads) as store:
        return probe.revision(store)


def _id(probe: Probe | None) -> str | None:
    return probe.answer.id if probe and probe.answer else None


def _timings(probe: Probe) -> str:
    if not probe.round_trips:
        return f"connect {probe.connect} ms, query {probe.query} ms"
    times = f"connect {probe.connect} ms (including {probe.wake} ms to wake up), query {probe.query} ms"
    return f"{times}, {probe.round_trips} round trips"


def _print_current(context: Context, applied: list[Revision]) -> None:
    from todocli.database import migrations

    with _deadline(context):
        revision = migrations.current(context.target)
    _print(context, [revision.revision for revision in applied], revision)


def _print(context: Context, applied: list[str], revision: str | None, probe: Probe | None = None) -> None:
    from todocli.database.schema import HEAD
    from todocli.database.target import display
    from todocli.schemas.operations import SchemaRead

    location = display(context.target)
    read = SchemaRead(
        database="sqlite" if isinstance(context.target, Path) else "postgresql",
        location=location,
        revision=revision,
        head=HEAD,
        is_current=revision == HEAD,
        applied=applied,
        connect_ms=probe.connect if probe else None,
        wake_ms=probe.wake if probe else None,
        query_ms=probe.query if probe else None,
        round_trips=probe.round_trips if probe else None,
    )
    upgrade_command = ("todo", "db", "upgrade")
    if revision is None:
        context.output.lines(read, [f"There is no todo schema in {location}"], upgrade_command)
    elif read.is_current:
        context.output.lines(read, [f"The schema of {location} is current ({revision})"])
    elif revision < HEAD:
        line = f"The schema of {location} is {revision}; this program needs {HEAD}"
        context.output.lines(read, [line], upgrade_command)
    else:
        context.output.lines(read, [f"The schema of {location} is {revision}, newer than this program ({HEAD})"])
