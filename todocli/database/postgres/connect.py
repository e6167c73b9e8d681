"""Opens Postgres connections within a deadline, retrying transient failures.

    look up the host ─► race its addresses ─► TLS and login ─► connection
           │                    │                   │
           └────────── transient? backoff, try again ┘        until the deadline

What is transient is decided by `todocli.database.postgres.errors`. The connection then waits for each answer only as
long as the deadline of the operation allows, which psycopg cannot do by itself.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import pq

from todocli.database.deadline import Deadline, current_deadline, deadline_scope
from todocli.database.postgres import errors as postgres_errors
from todocli.database.postgres.happy_eyeballs import ConnectRace, NoResponse, ready
from todocli.database.postgres.url import PostgresURL

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # or it warns on stderr of a COPY that was cut off

CANCEL_SECONDS = 0.7
"""How long a cancel request may take, when its result no longer matters."""

OLDEST_SERVER = 140_000
_LIBPQ_17 = 170_000
_CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
)
"""Where systems keep the certificates of public CAs: Debian, Fedora, SUSE, macOS and BSD, Homebrew."""

_IGNORED_ENV = ("PGTZ", "PGDATESTYLE", "PGGEQO", "PGHOSTADDR", "PGSERVICE")
"""Variables by which libpq changes the session or the server, and which no parameter overrides.

They are removed from the environment for good, because threads may connect at the same time.
"""


class NotConnected(psycopg.OperationalError):
    """Connecting failed, and there is no point in retrying, or no time."""


@dataclass(frozen=True)
class Handshake:
    """The cost of connecting, in seconds.

    `wake` is the time of failed attempts, and of the last one beyond its round trips, each as long as TCP's: the
    database had to wake up.
    """

    address: str
    tcp: float
    total: float
    wake: float
    round_trips: int


class Connection(psycopg.Connection[Any]):
    """A connection that waits for an answer only until the deadline of the operation."""

    handshake: Handshake
    answers_in_binary = True
    """Whether results come in binary, which does not depend on the role's `DateStyle`."""

    def cursor(self, *arguments: Any, **options: Any) -> Any:
        """Return a cursor."""
        return super().cursor(*arguments, **{"binary": self.answers_in_binary} | options)

    def wait(self, gen: Any, interval: float = 0.0, timeout: float | None = None) -> Any:
        """Run a psycopg generator, which talks to the server. Raises `NoResponse`."""
        deadline = current_deadline()
        try:
            wants = next(gen)
            while True:
                wants = gen.send(ready(self.pgconn.socket, wants, deadline))
        except StopIteration as stop:
            return stop.value
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt | NoResponse):
                self._leave()
            with suppress(psycopg.Error):
                gen.close()  # or the garbage collector would, and print what goes wrong then
            raise

    def _leave(self) -> None:
        """Close at once, and cancel the running statement if the server takes the request quickly."""
        if self.pgconn.transaction_status == pq.TransactionStatus.ACTIVE and pq.version() >= _LIBPQ_17:
            with suppress(psycopg.Error):
                _cancel(self.pgconn, Deadline(CANCEL_SECONDS))
        self.pgconn.finish()


def connect(url: PostgresURL) -> Connection:
    """Return an open connection in autocommit, before the deadline of the running operation.

    Transient failures are retried: a database that wakes up, a connection that is reset. Raises `NotConnected`.
    """
    deadline = current_deadline()
    began, spent = deadline.clock.time(), deadline.spent()
    attempt = 0
    reason = ""
    while True:
        try:
            return _connect_once(url, deadline, began)
        except psycopg.Error as error:
            if not isinstance(error, NoResponse):
                reason = str(error)
            if deadline.spent() - spent >= postgres_errors.connect_rule(str(error)).retry or not deadline.left():
                raise NotConnected(reason or str(error)) from None
        deadline.backoff(attempt)
        attempt += 1


class BackgroundConnection:
    """A connection that is being opened in a thread, while the program is still importing SQLAlchemy."""

    def __init__(self, url: PostgresURL, deadline: Deadline) -> None:
        self.deadline = deadline
        self._url = url
        self._result: list[Connection | BaseException] = []
        self._thread = threading.Thread(target=self._connect, daemon=True)
        self._thread.start()

    def _connect(self) -> None:
        try:
            with deadline_scope(self.deadline):
                self._result.append(connect(self._url))
        except BaseException as error:
            self._result.append(error)

    def connection(self) -> Connection:
        """Wait for the connection and return it. Raises `NotConnected`."""
        self._thread.join()
        [result] = self._result
        if isinstance(result, BaseException):
            raise result
        return result

    def discard(self) -> None:
        """Close the connection if it is open; nobody asked for it."""
        if not self._thread.is_alive() and isinstance(self._result[0], Connection):
            self._result[0].close()


def _connect_once(url: PostgresURL, deadline: Deadline, began: float) -> Connection:
    earlier = deadline.clock.time() - began
    started = time.monotonic()
    addresses = _addresses(url, deadline)
    for name in _IGNORED_ENV:
        os.environ.pop(name, None)
    attempt = ConnectRace([_parameters(url) | address for address in addresses], deadline).winner()
    connected = time.monotonic()
    tcp = attempt.reached - attempt.began
    pgconn = attempt.pgconn
    pgconn.nonblocking = 1
    connection = Connection(pgconn)
    connection.prepare_threshold = None  # prepared statements fail behind a pooler
    connection.autocommit = True
    connection.handshake = Handshake(
        address=attempt.address,
        tcp=tcp,
        total=earlier + connected - started,
        wake=max(0.0, earlier + connected - attempt.began - tcp * attempt.round_trips),
        round_trips=attempt.round_trips,
    )
    if (version := pgconn.server_version) < OLDEST_SERVER:
        connection.close()
        raise psycopg.OperationalError(f"the server is Postgres {version // 10_000}")
    return connection


def _parameters(url: PostgresURL) -> dict[str, Any]:
    given = dict(url.query)
    from_system = given.get("sslrootcert") == "system"
    if from_system and given.setdefault("sslmode", "verify-full") != "verify-full":  # as in libpq
        raise psycopg.OperationalError(f'invalid sslmode value: "{given["sslmode"]}" with sslrootcert=system')
    if url.is_neon and os.environ.get("PGSSLMODE") not in ("verify-ca", "verify-full"):
        given.setdefault("sslmode", "require")
    encrypted = given.get("sslmode", os.environ.get("PGSSLMODE")) in ("require", "verify-ca", "verify-full")
    if url.is_neon and encrypted and pq.version() >= _LIBPQ_17:
        given.setdefault("sslnegotiation", "direct")
    if from_system or (
        given.get("sslmode") in ("verify-ca", "verify-full")
        and "sslrootcert" not in given
        and not _has_own_certificates()
    ):
        given["sslrootcert"] = next((path for path in _CERTIFICATES if Path(path).is_file()), "system")
    given.setdefault("gssencmode", "disable")
    given.setdefault("application_name", "todo")
    given.setdefault("keepalives_idle", "30")  # seconds, then three times ten: a lost network is noticed
    given.setdefault("keepalives_interval", "10")
    given.setdefault("keepalives_count", "3")
    given.setdefault("options", "")  # or libpq would take PGOPTIONS, which a pooler refuses
    return given | {
        "host": url.host,
        "port": url.port or 5432,
        "user": url.user,
        "password": url.password,
        "dbname": url.database,
        "client_encoding": "UTF8",
    }


def _has_own_certificates() -> bool:
    return bool(os.environ.get("PGSSLROOTCERT")) or Path(os.path.expanduser("~/.postgresql/root.crt")).is_file()  # noqa: PTH111 - Path's own raises without a home


def _addresses(url: PostgresURL, deadline: Deadline) -> list[dict[str, str]]:
    """Return the host's addresses as parameters, alternating between families. Raises `psycopg.OperationalError`."""
    if url.host.startswith("/") or "hostaddr" in dict(url.query):
        return [{}]
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(url.host, url.port or 5432, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:  # an impossible name is a UnicodeError
            found.append(error)

    thread = threading.Thread(target=look_up, daemon=True)  # nothing else bounds a silent name server
    thread.start()
    while thread.is_alive() and deadline.left():
        begun = deadline.clock.time()
        thread.join(deadline.next_wait())
        deadline.waited(begun)
    if not found:
        raise NoResponse(f'could not look up the host name "{url.host}": no answer')
    if isinstance(error := found[0], OSError | UnicodeError):
        unknown = isinstance(error, UnicodeError) or error.errno in (socket.EAI_NONAME, _NO_DATA)
        why = "there is no such host" if unknown else (getattr(error, "strerror", None) or str(error))
        raise psycopg.OperationalError(f'could not look up the host name "{url.host}": {why}')
    families: dict[int, list[str]] = {}
    for family, _, _, _, place in found[0]:
        families.setdefault(family, []).append(str(place[0]))
    rows = list(families.values())
    mixed = [row[i] for i in range(max(map(len, rows))) for row in rows if i < len(row)]
    return [{"hostaddr": address} for address in dict.fromkeys(mixed)]


_NO_DATA = getattr(socket, "EAI_NODATA", socket.EAI_NONAME)


def _cancel(pgconn: pq.abc.PGconn, deadline: Deadline) -> None:
    cancel = pgconn.cancel_conn()
    try:
        cancel.start()
        while (wants := cancel.poll()) in (pq.PollingStatus.READING, pq.PollingStatus.WRITING):
            reading = wants == pq.PollingStatus.READING
            ready(cancel.socket, selectors.EVENT_READ if reading else selectors.EVENT_WRITE, deadline)
    finally:
        cancel.finish()
