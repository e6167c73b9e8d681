"""What goes wrong with a Postgres, and what of it is worth another try: the two tables.

Neon's proxy gives every error of connecting the SQLSTATE XX000, and psycopg passes none on while it connects: so the
first table reads texts. They are those of Neon's proxy (github.com/neondatabase/neon, proxy/src/auth/mod.rs and
proxy/src/control_plane), Postgres, libpq and PgBouncer. Afterwards the SQLSTATE tells (Postgres's appendix A).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from todocli.database.postgres.url import PostgresURL
from todocli.database.redact import redact
from todocli.errors import AccessDenied, ServiceUnavailable, TodoError, ValidationError

NO_RETRY, RETRY_2S, RETRY_UNTIL_DEADLINE = 0.0, 2.0, float("inf")
"""For how many seconds an operation is tried again: not at all, in case it was a moment's, as long as there is time."""


class Fault(NamedTuple):
    """One row of a table. In `sentence` and `hint`, {said} is what the server said, {place} the database's URL."""

    pattern: str
    error: type[TodoError]
    sentence: str
    hint: str
    retry: float = NO_RETRY


_LOGIN = "Check the role and the password in the profile's URL."
_LATER = "Try again in a moment."
_CONSOLE = "in Neon's console (https://console.neon.tech)"
_GONE = "{place} cannot be reached: {said}."

CONNECTING = (
    Fault(
        r"invalid connection option|invalid \S+ value|invalid value for",
        ValidationError,
        "The URL has a setting that libpq does not take: {said}.",
        "Correct what follows the ? in the profile's URL.",
    ),
    Fault(
        r"channel binding",
        ServiceUnavailable,
        "{host} does not bind the login to the encryption, as the URL asks: {said}.",
        "A man in the middle cannot do so either; if that is impossible, take channel_binding out of the URL.",
    ),
    Fault(
        r"(?s)\A(?!.*SSL encryption).*no pg_hba\.conf entry.*no encryption|connection is insecure",
        AccessDenied,
        "{host} takes no unencrypted connection: {said}.",
        "Add ?sslmode=require to the URL.",
    ),
    Fault(
        r"password authentication failed|no password supplied|role \".*\" does not exist|pg_hba\.conf"
        r"|is not permitted to log in|permission denied for database|authentication method"
        r"|Malformed password|no such user|password is wrong",
        AccessDenied,
        "{host} refused the role {user!r}: {said}.",
        _LOGIN,
    ),
    Fault(
        r"not allowed to connect to this endpoint|blocked network|VPC endpoint ID",
        AccessDenied,
        "{host} does not let this machine in: {said}.",
        f"Allow this machine's address {_CONSOLE}: Settings, IP Allow.",
    ),
    Fault(
        r"database \".*\" does not exist|no such database",
        ServiceUnavailable,
        "There is no database {database!r} on {host}.",
        "Create it first, or correct the profile's URL.",
    ),
    Fault(
        r"endpoint (?:is|has been) disabled",
        ServiceUnavailable,
        "The endpoint {host} is disabled: {said}.",
        f"Enable it {_CONSOLE}.",
    ),
    Fault(
        r"quota|exceeded the limit|size limit|Upgrade your plan",
        ServiceUnavailable,
        "A limit of the plan is reached at {host}: {said}.",
        f"Look at the usage {_CONSOLE}; it is counted anew with the next billing period.",
    ),
    Fault(
        r"endpoint could not be found|endpoint cannot be found|Endpoint ID is not specified|Inconsistent project name"
        r"|project not found|branch not found",
        ServiceUnavailable,
        "{host} is no endpoint: {said}.",
        f"Copy the URL again {_CONSOLE}: Connect.",
    ),
    Fault(
        r"certificate|does not match host name",
        ServiceUnavailable,
        "{host} did not prove who it is: {said}.",
        "Do not send a password there. Check the host; if its certificate is your own, name it with sslrootcert=FILE.",
    ),
    Fault(
        r"does not support SSL|invalid response to SSL negotiation|unsupported protocol|wrong version number"
        r"|no application protocol",
        ServiceUnavailable,
        "{host} does not encrypt as the URL asks: {said}.",
        "Check host and port; in a network that you trust, sslmode=disable does without.",
    ),
    Fault(
        r"unsupported startup parameter",
        ServiceUnavailable,
        "The pooler at {host} refuses a setting of the URL: {said}.",
        "Take options= out of the URL, or use the host without -pooler.",
    ),
    Fault(
        r"^the server is Postgres \d",
        ServiceUnavailable,
        "todo needs Postgres 14 or newer: {said}, at {host}.",
        "Upgrade the server, or use another one.",
    ),
    Fault(r"there is no such host", ServiceUnavailable, _GONE, "Check the host in the profile's URL."),
    Fault(
        r"Couldn't connect to compute node|Control plane request failed|temporarily unavailable|is starting up"
        r"|is shutting down|recovery mode|not yet accepting|query_wait_timeout|server_login_retry|has been failing"
        r"|pgbouncer cannot connect",
        ServiceUnavailable,
        "{place} does not wake up: {said}.",
        _LATER,
        RETRY_UNTIL_DEADLINE,
    ),
    Fault(
        r"[Tt]oo many (?:database )?(?:clients|connections?)|connection slots are reserved|no more connections"
        r"|max_client_conn|acquire permit|[Rr]ate limit",
        ServiceUnavailable,
        "{host} has too many connections: {said}.",
        f"{_LATER} Neon's pooled host (with -pooler) takes more, with a profile that is --pooled.",
        RETRY_UNTIL_DEADLINE,
    ),
    Fault(
        r"closed the connection|connection (?:to server )?(?:was )?(?:closed|lost)|[Cc]onnection reset|[Bb]roken pipe"
        r"|EOF|has been closed|SSL SYSCALL|could not (?:send|receive)|terminating connection|timed out",
        ServiceUnavailable,
        _GONE,
        "Check the network: todo db ping",
        RETRY_UNTIL_DEADLINE,
    ),
    Fault(r"look up the host name", ServiceUnavailable, _GONE, "Check the network: todo db ping", RETRY_2S),
    Fault(
        r"refused|unreachable|No route",
        ServiceUnavailable,
        _GONE,
        "Check the address and the network: todo db ping",
        RETRY_2S,
    ),
    Fault(r"no answer", ServiceUnavailable, _GONE, "Check the address and the network: todo db ping"),
    Fault(r"", ServiceUnavailable, _GONE, "Check the address and the network: todo db ping", RETRY_2S),
)
"""What is said while connecting; the first row whose pattern is found counts."""

RUNNING = (
    Fault(
        r"42501",
        AccessDenied,
        "The role {user!r} may not do this in {place}: {said}.",
        "Ask the database's owner to grant it.",
    ),
    Fault(r"28...", AccessDenied, "{host} refused the role {user!r}: {said}.", _LOGIN),
    Fault(r"53100", TodoError, "The disk of {host} is full: {said}.", "Free some space; then repeat."),
    Fault(r"25006", TodoError, "{place} is read-only: {said}.", "Use the primary's address, not a replica's."),
    Fault(
        r"57014",
        ServiceUnavailable,
        "{place} stopped the statement: {said}.",
        "Try again; the server's statement_timeout may be too short.",
    ),
    Fault(r"40001|40P01", ServiceUnavailable, "{place} is busy: {said}.", _LATER, RETRY_UNTIL_DEADLINE),
    Fault(
        r"08...|53300|57P01|57P02|57P03|57P05|broken",
        ServiceUnavailable,
        "The connection to {place} was lost: {said}.",
        _LATER,
        RETRY_UNTIL_DEADLINE,
    ),
    Fault(r"silent", ServiceUnavailable, "{place} does not answer.", "Check the network: todo db ping"),
    Fault(r"53...|55P03|58...", ServiceUnavailable, "{place} is not available: {said}.", _LATER),
    Fault(r"", TodoError, "{place} failed: {said} (SQLSTATE {state}).", "Please report it, with the command."),
)
"""What the SQLSTATE of a statement says. `broken`: the connection ended without one; `silent`: no answer in time."""


_PREAMBLE = r'^connection to server (?:at|on socket) "[^"]*"(?: \([^)]*\))?(?:, port \d+)? failed: '
"""What libpq puts before each line; the host's name, which may hold any word, is in it."""


def connecting(text: str) -> Fault:
    """Return the row for an error of connecting."""
    said = re.sub(_PREAMBLE, "", re.sub(r'host name "[^"]*"', "host name", text), flags=re.MULTILINE)
    return next(row for row in CONNECTING if re.search(row.pattern, said))


def running(state: str) -> Fault:
    """Return the row for an error of a statement."""
    return next(row for row in RUNNING if re.match(row.pattern, state))


def explained(row: Fault, url: PostgresURL, said: str, state: str = "") -> TodoError:
    """Return what a row says of one case."""
    words = {"place": url.redacted(), "host": url.host, "user": url.user, "database": url.database}
    filled = [text.format(**words, said=said, state=state) for text in (row.sentence, row.hint)]
    return row.error(filled[0], hint=filled[1])


def gist(text: str) -> str:
    """Return what a driver's message says, without a password and without libpq's preamble, in one line."""
    line = next((part for part in redact(text.strip()).splitlines() if part.strip()), "no reason given")
    line = re.sub(_PREAMBLE, "", line)
    return re.sub(r"\b(?:FATAL|ERROR|PANIC):\s+", "", line).strip().rstrip(".")
