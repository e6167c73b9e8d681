"""The schema revision that this program needs, and the errors for any other.

A newer schema may still admit older programs. It says which ones, in the row that Alembic keeps its revision in:

    todo_revision   version_num   oldest_reader   oldest_writer
                    0105          0102            0104            a program of revision 0103 may read, but not write

Every statement tests it (`todocli.services.admission`). This module explains the outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from todocli.database.postgres import SCHEMA
from todocli.database.target import Target, display
from todocli.errors import SchemaOutdated, SchemaTooNew

HEAD = "0109"
"""The revision that this program needs: a constant, so that no command has to import Alembic."""

VERSION_TABLE = "todo_revision"
"""Alembic's table of the revision."""

UNRELEASED = ("0001", "0002", "0003", "0004", "0100", "0101")
"""Revisions of development versions, which no released program can upgrade."""

UNDEFINED_TABLE = "42P01"
"""SQLSTATE of a query on a missing table."""


@dataclass(frozen=True)
class CurrentRevision:
    """The revision of a schema, and the oldest programs that it lets read and write, by their `HEAD`."""

    id: str
    oldest_reader: str = ""
    oldest_writer: str = ""

    @classmethod
    def of(cls, rows: Sequence[Any]) -> Self | None:
        """Return what the rows of `VERSION_TABLE` say, each a mapping by column; None if there are none.

        With several, the schema is that of a program which keeps them differently.
        """
        if not rows:
            return None
        if len(rows) > 1:
            ids = " and ".join(sorted(row["version_num"] for row in rows))
            return cls(ids, ids, ids)
        [row] = rows
        oldest = (row.get(name) or "" for name in ("oldest_reader", "oldest_writer"))
        return cls(row["version_num"], *oldest)

    @property
    def admits_readers(self) -> bool:
        """Whether this program may read."""
        return self.oldest_reader <= HEAD

    @property
    def admits_writers(self) -> bool:
        """Whether this program may write, too."""
        return self.admits_readers and self.oldest_writer <= HEAD


def read_revision(target: Target) -> str:
    """Return the query for the rows of `CurrentRevision.of`."""
    table = VERSION_TABLE if isinstance(target, Path) else f"{SCHEMA}.{VERSION_TABLE}"
    return f"SELECT * FROM {table}"  # noqa: S608 - constants


def too_new(target: Target, revision: CurrentRevision) -> SchemaTooNew:
    """Return the error for a schema that a newer program wrote."""
    if revision.admits_writers:
        limit = ""
    else:
        limit = ", which may only read it" if revision.admits_readers else ", which may no longer use it"
    return SchemaTooNew(
        f"The schema of {display(target)} is {revision.id}, newer than this program ({HEAD}){limit}.",
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


def mismatch(target: Target, revision: CurrentRevision | None) -> SchemaOutdated | SchemaTooNew | None:
    """Return the error for a schema that this program cannot write to; None if it can."""
    if revision is None:
        return outdated(target, None)
    if revision.id in UNRELEASED:
        return unreleased(target, revision.id)
    if revision.id < HEAD:
        return outdated(target, revision.id)
    return None if revision.admits_writers else too_new(target, revision)
