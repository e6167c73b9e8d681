"""Who may use the schema, besides its owner."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from todocli.database.postgres import SCHEMA
from todocli.errors import AccessDenied, NotFound, ValidationError

EVERYBODY = ("PUBLIC", "anonymous", "authenticated")
"""Anyone who may connect; and the roles of Neon's Data API (https://neon.com/docs/data-api/get-started)."""

_GRANTED = f"""
SELECT CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE pg_catalog.pg_get_userbyid(grantee)::text END AS role,
    array_agg(DISTINCT privilege_type ORDER BY privilege_type) AS privileges
FROM (
    SELECT (pg_catalog.aclexplode(nspacl)).*, nspowner AS owner
    FROM pg_catalog.pg_namespace WHERE nspname = '{SCHEMA}'
    UNION ALL
    SELECT (pg_catalog.aclexplode(c.relacl)).*, c.relowner
    FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = '{SCHEMA}') AS granted
WHERE grantee <> owner
GROUP BY grantee ORDER BY role
"""  # noqa: S608 - a constant

_OWNER = f"""
SELECT pg_catalog.pg_get_userbyid(nspowner)::text, pg_catalog.pg_has_role(nspowner, 'USAGE')
FROM pg_catalog.pg_namespace WHERE nspname = '{SCHEMA}'
"""  # noqa: S608 - a constant
_UNDEFINED_OBJECT = "42704"
_READS_AND_WRITES = "SELECT, INSERT, UPDATE, DELETE"


class Grantee(NamedTuple):
    """A role, and its privileges on the schema or on any of its tables."""

    role: str
    privileges: tuple[str, ...]

    @property
    def warning(self) -> str | None:
        """What is wrong if this role is everybody; None otherwise."""
        if self.role not in EVERYBODY:
            return None
        who = "anyone who may connect" if self.role == "PUBLIC" else "anyone on the Data API"
        return f"{self.role}, that is {who}, has {', '.join(self.privileges)} on the schema {SCHEMA}"

    @property
    def revoke(self) -> str:
        """The SQL that takes the privileges away."""
        objects = (f"ALL TABLES IN SCHEMA {SCHEMA}", f"SCHEMA {SCHEMA}")
        return "; ".join(f"REVOKE ALL ON {each} FROM {self.role}" for each in objects)


def grantees(connection: sa.Connection) -> list[Grantee]:
    """Return every role that has privileges besides the owner, by name."""
    rows = connection.execute(sa.text(_GRANTED))
    return [Grantee(row.role, tuple(row.privileges)) for row in rows]


def grant(connection: sa.Connection, role: str) -> None:
    """Give a role what the program needs: to read and write the tables, and those of later upgrades.

    Raises `NotFound` for an unknown role, `ValidationError` for one that is everybody, and `AccessDenied` if the
    schema belongs to another role: Postgres would only warn.
    """
    if role in EVERYBODY or role.lower() == "public":
        detail = f"{role} is everybody: the todos would no longer be private."
        raise ValidationError.of("role", detail, hint="Give each person a role of their own.")
    if not role:
        raise ValidationError.of("role", "The name of the role is empty.", hint="See the roles in psql with \\du.")
    owner, is_ours = connection.execute(sa.text(_OWNER)).one()
    if not is_ours:
        raise AccessDenied(f"The schema {SCHEMA} belongs to the role {owner}.", hint="Grant as this role.")
    name, by = _quoted(role), _quoted(owner)
    statements = (
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {name}",
        f"GRANT {_READS_AND_WRITES} ON ALL TABLES IN SCHEMA {SCHEMA} TO {name}",
        f"REVOKE INSERT, UPDATE, DELETE ON {SCHEMA}.todo_revision FROM {name}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO {name}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {by} IN SCHEMA {SCHEMA} GRANT {_READS_AND_WRITES} ON TABLES TO {name}",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {by} IN SCHEMA {SCHEMA} GRANT EXECUTE ON FUNCTIONS TO {name}",
    )
    try:
        for statement in statements:
            connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
    except sa.exc.DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _UNDEFINED_OBJECT:
            raise
        hint = f"Create it first: CREATE ROLE {name} LOGIN PASSWORD '…'"
        raise NotFound.of("role", f"There is no role {role!r}.", hint=hint) from None


def _quoted(name: str) -> str:
    """Return an identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'
