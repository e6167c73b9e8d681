"""Runs the revisions on the connection that `todocli.database.migrations` hands over, in its transaction.

The `alembic` command of a developer hands over none: then TODO_DATABASE_URL says where to go.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import sqlalchemy as sa
from alembic import context
from alembic.util import CommandError

from todocli.database.schema import VERSION_TABLE


def migrate(connection: sa.Connection, **options: Any) -> None:
    """Run what was asked for; the transaction around it belongs to the caller."""
    context.configure(
        connection=connection,
        transactional_ddl=True,
        version_table=VERSION_TABLE,
        render_as_batch=connection.dialect.name == "sqlite",
        **options,
    )
    with nullcontext() if connection.in_transaction() else context.begin_transaction():
        context.run_migrations()


def migrate_as_developer() -> None:
    """Serve the `alembic` command: take the database from the environment and the tables from the models."""
    from todocli.database.migrations import create_schema, locked_postgres
    from todocli.database.postgres.url import PostgresURL
    from todocli.models import complete_metadata

    url = os.environ.get("TODO_DATABASE_URL")
    if not url:
        raise CommandError("Set TODO_DATABASE_URL to the Postgres that alembic shall work on.")
    target = PostgresURL.parse(url)
    with locked_postgres(target) as connection:
        create_schema(connection, target)
        driver: Any = connection.connection.driver_connection
        driver.answers_in_binary = False  # SQLAlchemy parses some columns of the catalogue as text
        migrate(connection, target_metadata=complete_metadata(), compare_server_default=True)


def write_sql(preamble: Sequence[str]) -> None:
    """Write the statements for a Postgres instead of running them, in one transaction; `preamble` comes first."""
    context.configure(
        dialect_name="postgresql",
        dialect_opts={"paramstyle": "named"},  # others double each %
        transactional_ddl=True,
        version_table=VERSION_TABLE,
    )
    with context.begin_transaction():
        for statement in preamble:
            context.execute(statement)
        context.run_migrations()


if context.is_offline_mode():
    write_sql(context.config.attributes.get("preamble", ()))
elif (handed_over := context.config.attributes.get("connection")) is not None:
    migrate(handed_over)
else:
    migrate_as_developer()
