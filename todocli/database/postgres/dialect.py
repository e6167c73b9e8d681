"""SQLAlchemy's dialect for psycopg, without the queries that it runs on its first connection."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from todocli.database.compiled import Interchangeable
from todocli.database.postgres import SCHEMA


class _Text(sa.Text):
    """Parameters are `text`, as the columns are.

    An operator that matches the argument types exactly takes precedence, whatever its schema. PostgreSQL has none for
    `varchar`, so anyone who may create objects in `public` could define one (https://www.postgresql.org/docs/current/typeconv-oper.html).
    """

    render_bind_cast = True


class Dialect(Interchangeable, PGDialect_psycopg):
    """The psycopg dialect with constants in place of probes.

    SQLAlchemy asks for the version, the schema, the isolation level, the string syntax and hstore, each in a round
    trip, and all in a transaction. The answers have been constant since Postgres 14, or are known after connecting.
    """

    supports_statement_cache = True
    colspecs = PGDialect_psycopg.colspecs | {sa.String: _Text}

    def initialize(self, connection: Any) -> None:
        """Take what the connection knows; send no query."""
        info = connection.connection.driver_connection.info
        self.server_version_info = divmod(info.server_version, 10_000)
        self.default_schema_name = SCHEMA
        self.default_isolation_level = "READ COMMITTED"
        self.supports_smallserial = True
        self.supports_identity_columns = True
        self.supports_virtual_generated_columns = self.server_version_info >= (18,)
        self._backslash_escapes = False
        self._supports_drop_index_concurrently = True
        self._supports_jsonb_subscripting = True
