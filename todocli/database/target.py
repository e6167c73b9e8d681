"""Where a database is: the embedded SQLite file, or a Postgres URL. Imports no database library."""

from __future__ import annotations

from pathlib import Path

from todocli import paths
from todocli.database.postgres.url import PostgresURL
from todocli.profiles import Profile

Target = Path | PostgresURL
"""The path of an embedded file, or the URL of a Postgres."""


def resolve_target(profile: Profile, *, direct: bool = True) -> Target:
    """Return where the database of `profile` is; with `direct`, bypass Neon's pooler unless the profile is pooled.

    Raises `todocli.errors.ValidationError` for an invalid URL or an unset variable.
    """
    url = profile.database_url()
    if url is None:
        return paths.database_file()
    parsed = PostgresURL.parse(url)
    return parsed.direct() if direct and not profile.pooled else parsed


def display(target: Target) -> str:
    """Return the location of a database, without its password."""
    return str(target) if isinstance(target, Path) else target.redacted()
