"""Connects to the first reachable address of a host (Happy Eyeballs, RFC 8305).

    address 1   ├── TCP ──────────────✗ given up, once address 2 is taken
    address 2        ├── TCP ─┤── TLS, login ──► connected
                0.25 s

libpq is driven step by step (https://www.postgresql.org/docs/current/libpq-connect.html). psycopg's own `connect`
gives each address the whole timeout in turn, even after a definite answer such as a wrong password, and has no timeout
for what follows the TCP connection.
"""

from __future__ import annotations

import selectors
import time
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from todocli.database.deadline import Deadline

NEXT_ADDRESS_AFTER = 0.25
"""How many seconds an address has to accept before the next one is tried as well (RFC 8305, section 5)."""


class NoResponse(psycopg.OperationalError):
    """The server did not answer before the deadline."""


class ConnectAttempt:
    """A connection attempt of libpq to one address."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.address = str(parameters.get("hostaddr") or parameters["host"])
        self.began = self.reached = time.monotonic()
        self.round_trips = 0 if self.address.startswith("/") else 1
        self.pgconn = pq.PGconn.connect_start(make_conninfo("", **parameters).encode())
        self.wants: int = pq.PollingStatus.WRITING
        self._direct = parameters.get("sslnegotiation") == "direct"
        self._encrypted = False

    @property
    def is_underway(self) -> bool:
        """Whether the TCP connection is still being opened."""
        return self.pgconn.status == pq.ConnStatus.STARTED

    def advance(self) -> None:
        """Continue, now that the socket is ready."""
        underway = self.is_underway
        if self.pgconn.status == pq.ConnStatus.AWAITING_RESPONSE and self.wants == pq.PollingStatus.READING:
            self.round_trips += 1
        self.wants = self.pgconn.connect_poll()
        if underway and not self.is_underway and self.wants != pq.PollingStatus.FAILED:
            self.reached = time.monotonic()
        if self.pgconn.ssl_in_use and not self._encrypted:
            self._encrypted = True
            self.round_trips += 1 if self._direct else 2

    def error(self) -> psycopg.OperationalError:
        """Return libpq's error."""
        return psycopg.OperationalError(self.pgconn.get_error_message("utf-8"))


class ConnectRace:
    """Attempts at all addresses of a host, each a little later than the one before; the first to get through wins."""

    def __init__(self, addresses: list[dict[str, Any]], deadline: Deadline) -> None:
        self._addresses = addresses
        self._deadline = deadline
        self._running: list[ConnectAttempt] = []

    def winner(self) -> ConnectAttempt:
        """Return the first attempt that connects; the others are closed. Raises `psycopg.OperationalError`."""
        won: ConnectAttempt | None = None
        try:
            while won is None:
                won = self._advance()
            return won
        finally:
            for attempt in self._running:
                if attempt is not won:
                    attempt.pgconn.finish()

    def _advance(self) -> ConnectAttempt | None:
        self._start_another()
        for attempt in self._wait():
            attempt.advance()
            if attempt.wants == pq.PollingStatus.OK:
                return attempt
            if attempt.wants == pq.PollingStatus.FAILED:
                self._lost(attempt)
            elif not attempt.is_underway:
                self._close_others(attempt)
        return None

    def _start_another(self) -> None:
        if not self._addresses:
            return
        is_waiting = bool(self._running) and (
            not self._running[-1].is_underway or time.monotonic() - self._running[-1].began < NEXT_ADDRESS_AFTER
        )
        if not is_waiting:
            self._running.append(ConnectAttempt(self._addresses.pop(0)))

    def _wait(self) -> list[ConnectAttempt]:
        """Wait until an attempt can continue, or the next one is due. Raises `NoResponse`."""
        if not self._deadline.left():
            raise NoResponse("no answer")
        timeout = self._deadline.next_wait()
        if self._addresses:
            timeout = min(timeout, NEXT_ADDRESS_AFTER)
        begun = self._deadline.clock.time()
        with selectors.DefaultSelector() as selector:
            for attempt in self._running:
                reading = attempt.wants == pq.PollingStatus.READING
                event = selectors.EVENT_READ if reading else selectors.EVENT_WRITE
                with suppress(psycopg.Error, ValueError, OSError):
                    selector.register(attempt.pgconn.socket, event, attempt)
            missing = len(self._running) - len(selector.get_map())
            ready: list[ConnectAttempt] = [key.data for key, _ in selector.select(0 if missing else timeout)]
            if missing:  # libpq failed before it had a socket; the next step has its error
                ready += [attempt for attempt in self._running if attempt not in ready and _is_bad(attempt)]
        self._deadline.waited(begun)
        return ready

    def _lost(self, attempt: ConnectAttempt) -> None:
        """Drop a failed attempt. Raises its error if the server answered, or if it was the last."""
        error = attempt.error()
        self._running.remove(attempt)
        attempt.pgconn.finish()
        if attempt.reached > attempt.began or not (self._running or self._addresses):
            raise error

    def _close_others(self, first: ConnectAttempt) -> None:
        for attempt in [other for other in self._running if other is not first and other.is_underway]:
            self._running.remove(attempt)
            attempt.pgconn.finish()


def _is_bad(attempt: ConnectAttempt) -> bool:
    return attempt.pgconn.status == pq.ConnStatus.BAD


def ready(descriptor: int, wants: int, deadline: Deadline) -> Any:
    """Wait until a socket is ready for what psycopg wants, and return that. Raises `NoResponse`."""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, wants)  # psycopg's waits are a selector's events
        while deadline.left():
            begun = deadline.clock.time()
            found = selector.select(deadline.next_wait())
            deadline.waited(begun)
            if found:
                return found[0][1]
    raise NoResponse("no answer")
