"""What a database holds, for an operator: sizes, privileges, connections, and whether its objects are as created.

What is expected is what the revisions create: on Postgres the SQL of `todo db upgrade --sql`, on SQLite a new file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlmodel import Session

from todocli.column_types import UtcDateTime
from todocli.database import migrations, probe, revisions, sqlite_file
from todocli.database.postgres import SCHEMA, privileges
from todocli.database.schema import HEAD
from todocli.database.store import Store
from todocli.schemas.operations import ConnectionsRead, DatabaseRead, GranteeRead, TableRead

TABLES = ("users", "todos", "notes", "changes", "history", "tokens")

Objects = Mapping[str, str]
"""Indexes, triggers and functions by kind and name, with the text that defines them where it can be compared."""

_SIZES = f"""
SELECT c.relname AS name, pg_catalog.pg_total_relation_size(c.oid) AS bytes, s.n_dead_tup AS dead_rows
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_user_tables AS s ON s.relid = c.oid
WHERE n.nspname = '{SCHEMA}' AND c.relkind = 'r'
"""  # noqa: S608 - a constant
_CONNECTIONS = """
SELECT count(*) AS used, pg_catalog.current_setting('max_connections')::int AS "limit"
FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend'
"""
_OBJECTS = f"""
SELECT 'index ' || c.relname AS name, '' AS text, NOT i.indisvalid AS is_invalid
FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = '{SCHEMA}'
UNION ALL
SELECT 'trigger ' || t.tgname, '', t.tgenabled = 'D'
FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = '{SCHEMA}' AND NOT t.tgisinternal
UNION ALL
SELECT 'function ' || p.proname, p.prosrc, false
FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace WHERE n.nspname = '{SCHEMA}'
"""  # noqa: S608 - a constant
_BODY = r"(?:(?:(?!^CREATE|^DROP)[\s\S])*?AS \$\$(?P<body>[\s\S]*?)\$\$)?"
_CREATED = re.compile(
    rf"^(?P<verb>CREATE|DROP) (?:UNIQUE )?(?P<kind>INDEX|TRIGGER|FUNCTION) (?P<name>\w+){_BODY}"
    r"|CONSTRAINT (?P<constraint>\w+) (?:PRIMARY KEY|UNIQUE)",
    re.MULTILINE,
)


class Comparison(NamedTuple):
    """How the objects of a database differ from those that the revisions create, each by kind and name.

    `invalid` are indexes that are not kept up to date, and triggers that are turned off.
    """

    missing: list[str]
    changed: list[str]
    invalid: list[str]


def inspect(store: Store) -> DatabaseRead:
    """Return what the database holds. Objects of a newer schema are not compared. Raises `todocli.errors.TodoError`."""
    server_version, revision = probe.version(store).answer, probe.revision(store).answer
    with store.session() as session:
        sizes = {} if store.is_embedded else {row.name: row for row in session.execute(sa.text(_SIZES))}
        prefix = "" if store.is_embedded else f"{SCHEMA}."
        tables = [
            TableRead(
                name=name,
                rows=session.scalar(sa.text(f"SELECT count(*) FROM {prefix}{name}")),  # noqa: S608 - constants
                bytes=sizes[name].bytes if sizes else None,
                dead_rows=sizes[name].dead_rows if sizes else None,
            )
            for name in TABLES
        ]
        oldest = sa.text(f"SELECT min(made_at) AS oldest FROM {prefix}changes").columns(oldest=UtcDateTime())  # noqa: S608
        comparison = compare(store, session) if revision.id == HEAD else Comparison([], [], [])
        return DatabaseRead(
            database="sqlite" if store.is_embedded else "postgresql",
            server_version=server_version,
            revision=revision.id,
            tables=tables,
            missing=comparison.missing,
            changed=comparison.changed,
            invalid=comparison.invalid,
            privileges=[] if store.is_embedded else _privileges(session),
            connections=None if store.is_embedded else ConnectionsRead(**_one(session, _CONNECTIONS)),
            oldest_change_at=session.scalar(oldest),
        )


def compare(store: Store, session: Session) -> Comparison:
    """Compare the objects of a database with those that the revisions create."""
    if isinstance(store.target, Path):
        found, invalid, expected = _sqlite_objects(store.target), [], _new_sqlite_objects()
    else:
        rows = session.execute(sa.text(_OBJECTS)).all()
        found, invalid = {row.name: row.text for row in rows}, [row.name for row in rows if row.is_invalid]
        expected = created_by(revisions.upgrade_sql())
    return Comparison(
        missing=sorted(expected.keys() - found.keys()),
        changed=sorted(name for name in expected.keys() & found.keys() if found[name] != expected[name]),
        invalid=sorted(invalid),
    )


def created_by(script: str) -> Objects:
    """Return the objects that exist after a script of Postgres; a function with its body."""
    objects: dict[str, str] = {}
    for match in _CREATED.finditer(script):
        name = f"index {match['constraint']}" if match["constraint"] else f"{match['kind'].lower()} {match['name']}"
        if match["verb"] == "DROP":
            objects.pop(name, None)
        else:
            objects[name] = match["body"] or ""
    return objects


def _sqlite_objects(path: Path) -> Objects:
    with closing(sqlite_file.connect(path)) as connection:
        rows = connection.execute("SELECT type || ' ' || name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        return dict(rows.fetchall())


def _new_sqlite_objects() -> Objects:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "new.db"
        migrations.upgrade(path)
        return _sqlite_objects(path)


def _privileges(session: Session) -> list[GranteeRead]:
    found = privileges.grantees(session.connection())
    return [GranteeRead(role=grantee.role, privileges=list(grantee.privileges)) for grantee in found]


def _one(session: Session, query: str) -> dict[str, Any]:
    return dict(session.execute(sa.text(query)).mappings().one())
