"""Creates the embedded database, and upgrades its schema, on the way to the first statement."""

from __future__ import annotations

from pathlib import Path

from todocli.database import errors, schema, sqlite_file


def ensure_schema(path: Path) -> bool:
    """Create the embedded database at `path`, or bring its schema up to date. Return whether it was created.

    A newer schema stays as it is: each statement tests whether it admits this program. Raises
    `todocli.errors.TodoError` for a file that cannot be used.
    """
    with errors.translate_sqlite_errors(path):
        created = sqlite_file.create_file(path)
        number = sqlite_file.schema_number(path)
        if number and not sqlite_file.is_ours(path):
            raise errors.foreign(path)
    if number >= int(schema.HEAD):
        return created
    revision = f"{number:04}"
    if revision in schema.UNRELEASED:
        raise schema.unreleased(path, revision)
    from todocli.database import migrations

    migrations.upgrade(path)
    return created
