"""What errors of a Postgres mean, and which are worth a retry: two tables.

While connecting, only the text of an error tells what it is: Neon's proxy gives every error the SQLSTATE XX000, and
psycopg passes none on. The texts are those of Neon's proxy (github.com/neondatabase/neon, proxy/src/auth/mod.rs and
proxy/src/control_plane), Postgres, libpq and PgBouncer. Afterwards the SQLSTATE tells (Postgres, appendix A).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from todocli.database.postgres.url import PostgresURL
from todocli.database.redact import redact
from todocli.errors import AccessDenied, ServiceUnavailable, TodoError, ValidationError

NO_RETRY, RETRY_2S, RETRY_UNTIL_DEADLINE = 0.0, 2.0, float("inf")
"""For how many seconds an operation is retried: not at all, briefly, until the deadline."""


class ErrorRule(NamedTuple):
    """One row of a table. In `sentence` and `hint`, {reason} is the server's message and {place} the database's URL."""

    pattern: str
    error: type[TodoError]
    sentence: str
    hint: str
    command: tuple[str, ...] | None = None
    retry: float = NO_RETRY


_LOGIN = "Check the role and the password in the profile's URL."
_LATER = "Try again in a moment."
_PING = ("todo", "db", "ping")
_CONSOLE = "in Neon's console (https://console.neon.tech)"
_UNREACHABLE = "{place} cannot be reached: {reason}."

CONNECT_RULES = (
    ErrorRule(
        r"invalid connection option|invalid \S+ value|invalid value for",
        ValidationError,
        "The URL has a parameter that libpq does not accept: {reason}.",
        "Correct what follows the ? in the profile's URL.",
    ),
    ErrorRule(
        r"channel binding",
        ServiceUnavailable,
        "{host} does not support channel binding, which the URL requires: {reason}.",
        "It may be a man-in-the-middle attack. If you can rule that out, remove channel_binding from the URL.",
    ),
    ErrorRule(
        r"(?s)\A(?!.*SSL encryption).*no pg_hba\.conf entry.*no encryption|connection is insecure",
        AccessDenied,
        "{host} does not accept unencrypted connections: {reason}.",
        "Add ?sslmode=require to the URL.",
    ),
    ErrorRule(
        r"password authentication failed|no password supplied|role \".*\" does not exist|pg_hba\.conf"
        r"|is not permitted to log in|permission denied for database|authentication method"
        r"|Malformed password|no such user|password is wrong",
        AccessDenied,
        "{host} refused the role {user!r}: {reason}.",
        _LOGIN,
    ),
    ErrorRule(
        r"not allowed to connect to this endpoint|blocked network|VPC endpoint ID",
        AccessDenied,
        "{host} does not accept connections from this machine: {reason}.",
        f"Allow this machine's address {_CONSOLE}: Settings, IP Allow.",
    ),
    ErrorRule(
        r"database \".*\" does not exist|no such database",
        ServiceUnavailable,
        "There is no database {database!r} on {host}.",
        "Create it first, or correct the profile's URL.",
    ),
    ErrorRule(
        r"endpoint (?:is|has been) disabled",
        ServiceUnavailable,
        "The endpoint {host} is disabled: {reason}.",
        f"Enable it {_CONSOLE}.",
    ),
    ErrorRule(
        r"quota|exceeded the limit|size limit|Upgrade your plan",
        ServiceUnavailable,
        "A limit of the plan has been exceeded at {host}: {reason}.",
        f"Check the usage {_CONSOLE}; it resets at the start of the next billing period.",
    ),
    ErrorRule(
        r"endpoint could not be found|endpoint cannot be found|Endpoint ID is not specified|Inconsistent project name"
        r"|project not found|branch not found",
        ServiceUnavailable,
        "{host} is not an endpoint: {reason}.",
        f"Copy the URL again {_CONSOLE}: Connect.",
    ),
    ErrorRule(
        r"certificate|does not match host name",
        ServiceUnavailable,
        "{host} has no valid certificate: {reason}.",
        "Check the host before you send it a password. Name your own CA with sslrootcert=FILE.",
    ),
    ErrorRule(
        r"does not support SSL|invalid response to SSL negotiation|unsupported protocol|wrong version number"
        r"|no application protocol",
        ServiceUnavailable,
        "{host} does not support the encryption that the URL requires: {reason}.",
        "Check the host and the port. On a trusted network, sslmode=disable turns encryption off.",
    ),
    ErrorRule(
        r"unsupported startup parameter",
        ServiceUnavailable,
        "The pooler at {host} refuses a parameter of the URL: {reason}.",
        "Remove options= from the URL, or use the host without -pooler.",
    ),
    ErrorRule(
        r"^the server is Postgres \d",
        ServiceUnavailable,
        "todo needs Postgres 14 or newer: {reason}, at {host}.",
        "Upgrade the server, or use another one.",
    ),
    ErrorRule(r"there is no such host", ServiceUnavailable, _UNREACHABLE, "Check the host in the profile's URL."),
    ErrorRule(
        r"Couldn't connect to compute node|Control plane request failed|temporarily unavailable|is starting up"
        r"|is shutting down|recovery mode|not yet accepting|query_wait_timeout|server_login_retry|has been failing"
        r"|pgbouncer cannot connect",
        ServiceUnavailable,
        "{place} is not responding: {reason}.",
        _LATER,
        retry=RETRY_UNTIL_DEADLINE,
    ),
    ErrorRule(
        r"[Tt]oo many (?:database )?(?:clients|connections?)|connection slots are reserved|no more connections"
        r"|max_client_conn|acquire permit|[Rr]ate limit",
        ServiceUnavailable,
        "{host} has too many connections: {reason}.",
        f"{_LATER} Neon's pooled host (with -pooler) accepts more; add the profile with --pooled.",
        retry=RETRY_UNTIL_DEADLINE,
    ),
    ErrorRule(
        r"closed the connection|connection (?:to server )?(?:was )?(?:closed|lost)|[Cc]onnection reset|[Bb]roken pipe"
        r"|EOF|has been closed|SSL SYSCALL|could not (?:send|receive)|terminating connection|timed out",
        ServiceUnavailable,
        _UNREACHABLE,
        "Check the network",
        _PING,
        RETRY_UNTIL_DEADLINE,
    ),
    ErrorRule(r"look up the host name", ServiceUnavailable, _UNREACHABLE, "Check the network", _PING, RETRY_2S),
    ErrorRule(
        r"refused|unreachable|No route",
        ServiceUnavailable,
        _UNREACHABLE,
        "Check the address and the network",
        _PING,
        RETRY_2S,
    ),
    ErrorRule(r"no answer", ServiceUnavailable, _UNREACHABLE, "Check the address and the network", _PING),
    ErrorRule(r"", ServiceUnavailable, _UNREACHABLE, "Check the address and the network", _PING, RETRY_2S),
)
"""Errors while connecting; the first row with a matching pattern applies."""

STATEMENT_RULES = (
    ErrorRule(
        r"42501 .*temporary",
        AccessDenied,
        "The role {user!r} may create no temporary tables, which this needs: {reason}.",
        "Ask the owner of the database: GRANT TEMPORARY ON DATABASE {database} TO {user}",
    ),
    ErrorRule(
        r"42501",
        AccessDenied,
        "The role {user!r} is not allowed to do this in {place}: {reason}.",
        "Ask the owner of the schema to type: todo db grant {user}",
    ),
    ErrorRule(r"28...", AccessDenied, "{host} refused the role {user!r}: {reason}.", _LOGIN),
    ErrorRule(r"53100", TodoError, "The disk of {host} is full: {reason}.", "Free some space, then repeat."),
    ErrorRule(r"25006", TodoError, "{place} is read-only: {reason}.", "Use the address of the primary."),
    ErrorRule(
        r"57014",
        ServiceUnavailable,
        "{place} cancelled the statement: {reason}.",
        "Try again. The server's statement_timeout may be too short.",
    ),
    ErrorRule(r"40001|40P01", ServiceUnavailable, "{place} is busy: {reason}.", _LATER, retry=RETRY_UNTIL_DEADLINE),
    ErrorRule(
        r"08...|25P03|53300|57P01|57P02|57P03|57P05|broken",
        ServiceUnavailable,
        "The connection to {place} was lost: {reason}.",
        _LATER,
        retry=RETRY_UNTIL_DEADLINE,
    ),
    ErrorRule(r"silent", ServiceUnavailable, "{place} does not answer.", "Check the network", _PING),
    ErrorRule(
        r"55P03",
        ServiceUnavailable,
        "Another session holds a lock in {place}: {reason}.",
        "Try again when it has finished.",
    ),
    ErrorRule(r"53...|58...", ServiceUnavailable, "{place} is not available: {reason}.", _LATER),
    ErrorRule(
        r"22P05",
        TodoError,
        "{place} cannot store one of the characters: {reason}.",
        "Use a database with the encoding UTF8, which can store all.",
    ),
    ErrorRule(
        r"",
        TodoError,
        "{place} failed: {reason} (SQLSTATE {state}).",
        "Please report it, and include the command.",
    ),
)
"""Errors of statements, by SQLSTATE, and by the reason after it.

`broken`: the connection ended without a state; `silent`: no answer in time.
"""


_PREFIX = r'^connection to server (?:at|on socket) "[^"]*"(?: \([^)]*\))?(?:, port \d+)? failed: '
"""libpq's prefix of each line. It has the host name, which may contain any word."""


def connect_rule(text: str) -> ErrorRule:
    """Return the row for an error while connecting."""
    text = re.sub(_PREFIX, "", re.sub(r'host name "[^"]*"', "host name", text), flags=re.MULTILINE)
    return next(row for row in CONNECT_RULES if re.search(row.pattern, text))


def statement_rule(state: str, reason: str = "") -> ErrorRule:
    """Return the row for an error of a statement."""
    return next(row for row in STATEMENT_RULES if re.match(row.pattern, f"{state} {reason}"))


def explain(row: ErrorRule, url: PostgresURL, reason: str, state: str = "") -> TodoError:
    """Return the error of a row, filled in for one case."""
    words = {"place": url.redacted(), "host": url.host, "user": url.user, "database": url.database}
    filled = [text.format(**words, reason=reason, state=state) for text in (row.sentence, row.hint)]
    return row.error(filled[0], hint=filled[1], command=row.command)


def reason_of(text: str) -> str:
    """Return the first line of a driver's message, without passwords and without libpq's prefix."""
    line = next((part for part in redact(text.strip()).splitlines() if part.strip()), "no reason given")
    line = re.sub(_PREFIX, "", line)
    return re.sub(r"\b(?:FATAL|ERROR|PANIC):\s+", "", line).strip().rstrip(".")
