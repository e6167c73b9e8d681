"""The schema revision that this program needs, and the errors for any other."""

from __future__ import annotations

from pathlib import Path

from todocli.database.postgres import SCHEMA
from todocli.database.target import Target, display
from todocli.errors import SchemaOutdated, SchemaTooNew

HEAD = "0101"
"""The revision that this program needs: a constant, so that no command has to import Alembic."""

VERSION_TABLE = "todo_revision"
"""Alembic's table of the revision."""

UNRELEASED = ("0001", "0002", "0003", "0004", "0100")
"""Revisions of development versions, which no released program can upgrade."""

UNDEFINED_TABLE = "42P01"
"""SQLSTATE of a query on a missing table."""


def read_revision(target: Target) -> str:
    """Return the query for the revision."""
    table = VERSION_TABLE if isinstance(target, Path) else f"{SCHEMA}.{VERSION_TABLE}"
    return f"SELECT version_num FROM {table}"  # noqa: S608 - constants


def too_new(target: Target, revision: str) -> SchemaTooNew:
    """Return the error for a schema that a newer program wrote."""
    return SchemaTooNew(
        f"The schema of {display(target)} is {revision}, newer than this program can use ({HEAD}).",
        hint="Upgrade todo on this machine.",
    )


def outdated(target: Target, revision: str | None) -> SchemaOutdated:
    """Return the error for a schema that is older than this program needs, or missing."""
    if revision is None:
        return SchemaOutdated(
            f"There is no todo schema in {display(target)}.", hint="Create it", command=("todo", "db", "upgrade")
        )
    return SchemaOutdated(
        f"The schema of {display(target)} is {revision}; this program needs {HEAD}.",
        hint="Bring it up to date",
        command=("todo", "db", "upgrade"),
    )


def unreleased(target: Target, revision: str) -> SchemaOutdated:
    """Return the error for a schema that a development version created."""
    move = f"move {target} elsewhere" if isinstance(target, Path) else "use an empty database"
    return SchemaOutdated(
        f"{display(target)} was created by a version of todo from before the first release (schema {revision})."
        " It cannot be upgraded.",
        hint=f"Save the todos with that version (todo list --all --json), then {move}.",
    )


def mismatch(target: Target, revision: str | None) -> SchemaOutdated | SchemaTooNew | None:
    """Return the error for a schema at another revision than `HEAD`; None if it matches."""
    if revision in UNRELEASED:
        return unreleased(target, revision)
    if revision is None or revision < HEAD:
        return outdated(target, revision)
    return too_new(target, revision) if revision > HEAD else None
