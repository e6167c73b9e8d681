"""Checks a database as a command would find it: each check is ok, a warning or a problem, with a fix."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from todocli.database import backups, errors, probe, schema, sqlite_file
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import Store
from todocli.database.target import Target, display
from todocli.errors import AccessDenied, MissingUserContext, SchemaOutdated, TodoError

MAX_SKEW = 5.0
"""How many seconds the clocks of two machines may differ before changes seem to come in the wrong order."""

_PRIVATE = 0o077


_QUESTION = """
SELECT now() AS clock, current_user AS role, rolsuper OR rolbypassrls AS bypasses,
    current_setting('transaction_read_only')::boolean AS read_only,
    (SELECT bool_and(has_table_privilege(name, privilege))
     FROM pg_catalog.unnest(ARRAY['todo.users', 'todo.todos', 'todo.changes', 'todo.history', 'todo.tokens']) AS name,
          pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege
     WHERE privilege <> 'DELETE' OR name <> 'todo.users') AS allowed,
    EXISTS (
        SELECT 1 FROM todo.users WHERE id = CAST(:id AS uuid) OR (CAST(:id AS uuid) IS NULL AND name = :name)
    ) AS known
FROM pg_roles WHERE rolname = current_user
"""


class Check(NamedTuple):
    """What was checked and found, and how to fix it: `hint` and `command` as in `TodoError`.

    `error` is what a command would end with.
    """

    name: str
    status: Literal["ok", "warning", "problem"]
    detail: str
    hint: str | None = None
    command: tuple[str, ...] | None = None
    error: TodoError | None = None


def problem(name: str, error: TodoError) -> Check:
    """Return the check for an error that a command would end with."""
    return Check(name, "problem", error.detail, error.hint, error.command, error)


def checks(store: Store, *, user: str, user_id: UUID | None, named: Target) -> Iterator[Check]:
    """Check an open database until the first problem; `named` is its location as the profile has it."""
    target = store.target
    yield Check("database", "ok", display(target))
    looks: list[Callable[[], Iterator[Check]]]
    if isinstance(target, Path):
        looks = [lambda: _file(target), lambda: _schema(store, target), lambda: _integrity(target)]
    else:
        url = target
        looks = [
            lambda: _connection(store, url, named),
            lambda: _schema(store, target),
            lambda: _server(store, user, user_id),
        ]
    for look in looks:
        try:
            for check in look():
                yield check
                if check.status == "problem":
                    return
        except TodoError as error:
            yield problem("file" if store.is_embedded else "server", error)
            return


def _file(path: Path) -> Iterator[Check]:
    if fault := _why_not_writable(path):
        yield problem("writing", fault)
    if sqlite_file.is_blank(path):
        yield Check("file", "ok", "does not exist yet; the first command creates it")
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _PRIVATE:
        yield Check(
            "file", "warning", f"other users can read it (mode {mode:o})", "Restrict it", ("chmod", "600", str(path))
        )
    else:
        yield Check("file", "ok", f"{path.stat().st_size:,} bytes, readable by you only")


def _integrity(path: Path) -> Iterator[Check]:
    """Read the whole file: a wrong byte may otherwise stay unnoticed until there is no older backup."""
    if sqlite_file.is_blank(path):
        return
    try:
        with errors.translate_sqlite_errors(path), closing(sqlite_file.connect(path)) as connection:
            faults = backups.integrity_faults(connection)
        if faults:
            raise errors.damaged(path, faults[0])
    except TodoError as error:
        yield problem("integrity", error)
        return
    yield Check("integrity", "ok", "the whole file is readable, and its rows and indexes agree")


def _why_not_writable(path: Path) -> TodoError | None:
    """Return why a command could not store anything in the file at `path`; None if it could."""
    folder = next(parent for parent in path.parents if parent.exists())
    refused = [place for place in (path, folder) if place.exists() and not os.access(place, os.W_OK)]
    if refused:
        what = "file" if refused[0] == path else "folder"
        hint = "Make it writable, or set TODO_HOME to a folder that is."
        return TodoError(f"The {what} {refused[0]} is read-only.", hint=hint)
    if (free := shutil.disk_usage(folder).free) < errors.LEAST_FREE:
        return TodoError(f"The disk of {folder} is full: {free:,} bytes are free.", hint="Free some space.")
    return None


def _schema(store: Store, target: Target) -> Iterator[Check]:
    if isinstance(target, Path) and sqlite_file.is_blank(target):
        return
    revision = probe.revision(store).answer
    fault = schema.mismatch(target, revision)
    if fault is None:
        fits = "which this program needs" if revision.id == schema.HEAD else "newer, and this program may use it"
        yield Check("schema", "ok", f"{revision.id}, {fits}")
    elif isinstance(target, Path) and isinstance(fault, SchemaOutdated):
        yield Check("schema", "ok", "outdated; the next command upgrades it")
    else:
        yield problem("schema", fault)


def _connection(store: Store, url: PostgresURL, named: Target) -> Iterator[Check]:
    found = probe.version(store)
    handshake, pgconn = found.driver.handshake, found.driver.pgconn
    is_socket = handshake.address.startswith("/")
    family = "a local socket" if is_socket else "IPv6" if ":" in handshake.address else "IPv4"
    pooled = "through Neon's pooler" if url != url.direct() else "directly"
    if named != url:
        pooled += ", though the URL names the pooler"
    round_trip = "" if is_socket else f", a round trip takes {handshake.tcp * 1000:.1f} ms"
    yield Check("server", "ok", f"Postgres {found.answer} over {family}, {pooled}{round_trip}")
    waking = f", including {found.wake:.0f} ms to wake up" if found.wake >= 100 else ""
    yield Check("connecting", "ok", f"{found.connect:.0f} ms in {handshake.round_trips} round trips{waking}")
    encoding = found.driver.info.parameter_status("server_encoding")
    if encoding == "UTF8":
        yield Check("encoding", "ok", encoding)
    else:
        detail = f"{encoding}: the server does not check or convert text"
        yield Check("encoding", "warning", detail, "Move to a database with the encoding UTF8.")
    yield _encryption(url, encrypted=pgconn.ssl_in_use, is_local=is_socket or _is_loopback(handshake.address))


def _encryption(url: PostgresURL, *, encrypted: bool, is_local: bool) -> Check:
    query = dict(url.query)
    if not encrypted and is_local:
        return Check("encryption", "ok", "none, and none is needed: the server is on this machine")
    if not encrypted:
        return Check(
            "encryption", "warning", "none: anyone on the network can read it", "Add ?sslmode=require to the URL."
        )
    if query.get("sslmode") in ("verify-full", "verify-ca"):
        return Check("encryption", "ok", "TLS, with a verified certificate")
    if query.get("channel_binding") == "require":
        return Check("encryption", "ok", "TLS, with channel binding")
    if is_local:
        return Check("encryption", "ok", "TLS, to this machine")
    hint = "Use sslmode=verify-full, or channel_binding=require."
    return Check("encryption", "warning", "TLS, but the server is not verified", hint)


def _is_loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"


def _privileges(store: Store) -> Iterator[Check]:
    from todocli.database.postgres import privileges

    with store.session() as session:
        found = privileges.grantees(session.connection())
    for grantee in found:
        if grantee.warning:
            yield Check("privileges", "warning", grantee.warning, grantee.revoke)
    if not any(grantee.warning for grantee in found):
        others = ", ".join(grantee.role for grantee in found)
        yield Check("privileges", "ok", f"the owner, and {others}" if others else "the owner only")


def _server(store: Store, user: str, user_id: UUID | None) -> Iterator[Check]:
    with store.session() as session:
        asked = datetime.now(UTC)
        row: Any = session.execute(sa.text(_QUESTION), {"name": user, "id": str(user_id) if user_id else None}).one()
        answered = datetime.now(UTC)
    bypasses = "bypasses row-level security" if row.bypasses else "is subject to row-level security"
    if not row.allowed:
        yield Check(
            "role",
            "problem",
            f"{row.role} cannot read and write every table",
            "The owner of the schema can grant it",
            ("todo", "db", "grant", row.role),
            AccessDenied(f"The role {row.role!r} cannot read and write every table."),
        )
        return
    yield Check("role", "ok", f"{row.role}, which {bypasses}")
    yield from _privileges(store)
    if row.read_only:
        detail = "the server is read-only (a replica?)"
        yield Check("writing", "problem", detail, "Use the address of the primary.", None, TodoError(detail))
        return
    if row.known:
        yield Check("user", "ok", f"{user} is registered")
    else:
        detail = f"The database does not know the user {user!r}."
        yield problem("user", MissingUserContext(detail, command=("todo", "user", "add", user)))
    skew = (row.clock - (asked + (answered - asked) / 2)).total_seconds()
    if abs(skew) > MAX_SKEW:
        which = "ahead of" if skew > 0 else "behind"
        detail = f"the server's is {abs(skew):.1f} s {which} this machine's"
        yield Check("clock", "warning", detail, "Synchronise this machine's clock (NTP).")
    else:
        yield Check("clock", "ok", f"{abs(skew):.1f} s apart")
