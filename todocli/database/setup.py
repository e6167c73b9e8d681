"""Creates the embedded database, and upgrades its schema, on the way to the first statement."""

from __future__ import annotations

from pathlib import Path

from todocli.database import errors, schema, sqlite_file


def ensure_schema(path: Path) -> bool:
    """Create the embedded database at `path`, or bring its schema up to date. Return whether it was created.

    Raises `todocli.errors.SchemaTooNew` for a file of a newer program, and `todocli.errors.TodoError` for a file that
    cannot be used.
    """
    with errors.translate_sqlite_errors(path):
        created = sqlite_file.create_file(path)
        number = sqlite_file.schema_number(path)
        if number and not sqlite_file.is_ours(path):
            raise errors.foreign(path)
    if number == int(schema.HEAD):
        return created
    revision = f"{number:04}"
    if number > int(schema.HEAD):
        raise schema.too_new(path, revision)
    if revision in schema.UNRELEASED:
        raise schema.unreleased(path, revision)
    from todocli.database import migrations

    migrations.upgrade(path)
    return created
