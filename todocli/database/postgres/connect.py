"""Opens a connection to a Postgres, as quickly as the network allows and no longer than there is patience."""

from __future__ import annotations

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

CANCEL_SECONDS = 0.7
"""How long telling the server to stop may take, when nobody waits for its answer any more."""

OLDEST_SERVER = 140_000
_LIBPQ_17 = 170_000
_CERTIFICATES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
)
"""Where systems keep the certificates of public authorities: Debian, Fedora, SUSE, macOS and BSD, Homebrew."""

_IGNORED_ENV = ("PGTZ", "PGDATESTYLE", "PGGEQO", "PGHOSTADDR", "PGSERVICE")
"""Variables with which libpq changes the session, or goes elsewhere, and no parameter overrules them.

They are dropped for good, since threads may connect at once.
"""


class NotConnected(psycopg.OperationalError):
    """There is no connection, and another try would not help, or there is no time for one."""


@dataclass(frozen=True)
class Handshake:
    """What connecting took. Times are in seconds.

    `wake` is what earlier tries took, and the last one beyond its round trips, each as long as TCP's: a database had
    to wake up.
    """

    address: str
    tcp: float
    total: float
    wake: float
    round_trips: int


class Connection(psycopg.Connection[Any]):
    """A connection that waits for an answer only as long as the operation that asked has patience."""

    handshake: Handshake

    def wait(self, gen: Any, interval: float = 0.0, timeout: float | None = None) -> Any:
        """Run a generator of psycopg that talks to the server. Raises `NoResponse`."""
        limit = current_deadline()
        try:
            wants = next(gen)
            while True:
                wants = gen.send(ready(self.pgconn.socket, wants, limit))
        except StopIteration as stop:
            return stop.value
        except (KeyboardInterrupt, NoResponse):
            self._leave()
            raise

    def _leave(self) -> None:
        """Close at once; what the server still does is cancelled, if that can be said quickly."""
        if self.pgconn.transaction_status == pq.TransactionStatus.ACTIVE and pq.version() >= _LIBPQ_17:
            with suppress(psycopg.Error):
                _cancel(self.pgconn, Deadline(CANCEL_SECONDS))
        self.pgconn.finish()


def connect(url: PostgresURL) -> Connection:
    """Return an open connection in autocommit, within the patience of the operation that runs.

    What may pass (a database that wakes up, a connection that is reset) is tried again. Raises `NotConnected`.
    """
    limit = current_deadline()
    began, spent = time.monotonic(), limit.spent()
    attempt = 0
    said = ""
    while True:
        try:
            return _connect_once(url, limit, began)
        except psycopg.Error as error:
            if not isinstance(error, NoResponse):
                said = str(error)
            if limit.spent() - spent >= postgres_errors.connecting(str(error)).retry or not limit.left():
                raise NotConnected(said or str(error)) from None
        limit.backoff(attempt)
        attempt += 1


class BackgroundConnection:
    """A connection that is being opened while the program still loads what it will send."""

    def __init__(self, url: PostgresURL, deadline: Deadline) -> None:
        self.deadline = deadline
        self._url = url
        self._made: list[Connection | BaseException] = []
        self._thread = threading.Thread(target=self._connect, daemon=True)
        self._thread.start()

    def _connect(self) -> None:
        try:
            with deadline_scope(self.deadline):
                self._made.append(connect(self._url))
        except BaseException as error:
            self._made.append(error)

    def connection(self) -> Connection:
        """Wait for the connection and return it. Raises `NotConnected`."""
        self._thread.join()
        [made] = self._made
        if isinstance(made, BaseException):
            raise made
        return made

    def discard(self) -> None:
        """Close the connection that nobody asked for, as soon as it is there."""
        if not self._thread.is_alive() and isinstance(self._made[0], Connection):
            self._made[0].close()


def _connect_once(url: PostgresURL, limit: Deadline, began: float) -> Connection:
    earlier = time.monotonic() - began
    addresses = _addresses(url, limit)
    for name in _IGNORED_ENV:
        os.environ.pop(name, None)
    attempt = ConnectRace([_parameters(url) | address for address in addresses], limit).winner()
    connected = time.monotonic()
    tcp = attempt.reached - attempt.began
    pgconn = attempt.pgconn
    pgconn.nonblocking = 1
    connection = Connection(pgconn)
    connection.prepare_threshold = None  # so that it works behind a pooler
    connection.autocommit = True
    connection.handshake = Handshake(
        address=attempt.address,
        tcp=tcp,
        total=connected - began,
        wake=max(0.0, earlier + connected - attempt.began - tcp * attempt.round_trips),
        round_trips=attempt.round_trips,
    )
    if (version := pgconn.server_version) < OLDEST_SERVER:
        connection.close()
        raise psycopg.OperationalError(f"the server is Postgres {version // 10_000}")
    return connection


def _parameters(url: PostgresURL) -> dict[str, Any]:
    given = dict(url.query)
    public = given.get("sslrootcert") == "system"
    if public and given.setdefault("sslmode", "verify-full") != "verify-full":  # as libpq has it
        raise psycopg.OperationalError(f'invalid sslmode value: "{given["sslmode"]}" with sslrootcert=system')
    if url.is_neon and os.environ.get("PGSSLMODE") not in ("verify-ca", "verify-full"):
        given.setdefault("sslmode", "require")
    encrypted = given.get("sslmode", os.environ.get("PGSSLMODE")) in ("require", "verify-ca", "verify-full")
    if url.is_neon and encrypted and pq.version() >= _LIBPQ_17:
        given.setdefault("sslnegotiation", "direct")
    if public or (
        given.get("sslmode") in ("verify-ca", "verify-full") and "sslrootcert" not in given and not _own_certificates()
    ):
        given["sslrootcert"] = next((path for path in _CERTIFICATES if Path(path).is_file()), "system")
    given.setdefault("gssencmode", "disable")
    given.setdefault("application_name", "todo")
    given.setdefault("keepalives_idle", "30")  # seconds, and then three times ten: so a lost network is noticed
    given.setdefault("keepalives_interval", "10")
    given.setdefault("keepalives_count", "3")
    given.setdefault("options", "")  # or PGOPTIONS would count, which a pooler refuses
    return given | {
        "host": url.host,
        "port": url.port or 5432,
        "user": url.user,
        "password": url.password,
        "dbname": url.database,
        "client_encoding": "UTF8",
    }


def _own_certificates() -> bool:
    return bool(os.environ.get("PGSSLROOTCERT")) or Path(os.path.expanduser("~/.postgresql/root.crt")).is_file()  # noqa: PTH111 - Path's own raises without a home


def _addresses(url: PostgresURL, limit: Deadline) -> list[dict[str, str]]:
    """Return the addresses of the host, the two families in turn, as parameters. Raises `psycopg.OperationalError`."""
    if url.host.startswith("/") or "hostaddr" in dict(url.query):
        return [{}]
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(url.host, url.port or 5432, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:  # a name that cannot be one is a UnicodeError
            found.append(error)

    thread = threading.Thread(target=look_up, daemon=True)  # nothing else bounds a name server that is silent
    thread.start()
    while thread.is_alive() and limit.left():
        begun = time.monotonic()
        thread.join(limit.next_wait())
        limit.waited(begun)
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


def _cancel(pgconn: pq.abc.PGconn, limit: Deadline) -> None:
    cancel = pgconn.cancel_conn()
    try:
        cancel.start()
        while (wants := cancel.poll()) in (pq.PollingStatus.READING, pq.PollingStatus.WRITING):
            reading = wants == pq.PollingStatus.READING
            ready(cancel.socket, selectors.EVENT_READ if reading else selectors.EVENT_WRITE, limit)
    finally:
        cancel.finish()
