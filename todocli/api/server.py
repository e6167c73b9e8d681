"""The server of `todo serve`: uvicorn, with limits for slow clients, and an end that cuts no request."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from socket import socket
from typing import Any, cast

import h11
from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.supervisors import Multiprocess, multiprocess

from todocli.api import middleware

HEADER_SECONDS = 10.0
"""How long the header of a request may take, from the connection or from its first byte."""

BODY_SECONDS = middleware.BODY_SECONDS + 5.0
"""How long the body may take. The app answers sooner. This limit is for a body that the app does not wait for."""

SHUTDOWN_SECONDS = 30
"""How long requests in flight may take after SIGTERM; longer than a request waits for the database."""

LINGER_SECONDS = 1.0
"""How long a connection without a request stays open after SIGTERM: a request may be on its way."""


class Connection(H11Protocol):
    """A connection of a client, which may be neither slow nor cut off from the request that is on its way."""

    _is_closing = False
    _limit: asyncio.TimerHandle | None = None
    _limited: tuple[Any, Any] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._set_limit(HEADER_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what was begun for the client."""
        self._set_limit(None)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Serve what has arrived, and limit how long the rest of the request may take."""
        super().handle_events()
        if self._is_closing and (cycle := self._unanswered()):
            cycle.keep_alive = False
        part = self.conn.their_state if self._is_receiving() else h11.DONE
        if (part, self.cycle) != self._limited:  # another part is awaited, or one of another request
            self._limited = part, self.cycle
            self._set_limit({h11.IDLE: HEADER_SECONDS, h11.SEND_BODY: BODY_SECONDS}.get(part))

    def _set_limit(self, seconds: float | None) -> None:
        if self._limit:
            self._limit.cancel()
        self._limit = self.loop.call_later(seconds, self.transport.abort) if seconds is not None else None

    def shutdown(self) -> None:
        """Close the connection when its request is answered, or if none arrives soon."""
        self._is_closing = True
        if cycle := self._unanswered():
            cycle.keep_alive = False
        else:
            self.loop.call_later(LINGER_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        if not self._unanswered() and not self._is_receiving() and not self.transport.is_closing():
            super().shutdown()

    def _is_receiving(self) -> bool:
        """Whether a part of a request has arrived, and the rest has not."""
        return self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])

    def _unanswered(self) -> RequestResponseCycle | None:
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle if cycle and not cycle.response_complete else None


class GracefulServer(Server):
    """A server that also serves the connections that the system has accepted for it before it stops."""

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Stop listening, answer every request, and end."""
        pending = [connection for server in self.servers for connection in _stop_listening(server)]
        for connection in pending:
            with suppress(OSError):  # the client has left
                await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        arguments: dict[str, Any] = {"server_state": self.server_state, "app_state": self.lifespan.state}
        return Connection(self.config, **arguments)


def _stop_listening(server: asyncio.Server) -> list[socket]:
    """Return the connections that wait to be accepted, and close the listening sockets, which would reset them."""
    pending: list[socket] = []
    for place in server.sockets:
        with place.dup() as listener, suppress(BlockingIOError):
            while True:
                pending.append(listener.accept()[0])
    server.close()
    return pending


class _Worker(multiprocess.Process):
    """A worker process with our server."""

    @property
    def server(self) -> Server:
        if self._server is None:
            self._server = GracefulServer(self.config)
        return self._server


multiprocess.Process = _Worker  # type: ignore[misc]  # the supervisor takes no class


class _Supervisor(Multiprocess):
    def terminate_all(self) -> None:
        for listener in self.sockets:  # it would take connections that no worker serves any more
            listener.close()
        super().terminate_all()


def run(app: str, *, workers: int, **options: Any) -> None:
    """Serve the app that the factory `app` returns until a signal ends it. `options` are those of `uvicorn.Config`."""
    config = Config(
        app,
        factory=True,
        workers=workers,
        http=Connection,
        ws="none",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        **options,
    )
    if workers > 1:
        _Supervisor(config, [config.bind_socket()]).run()
        return
    server = GracefulServer(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
