"""The server of `todo serve`: uvicorn, which ends only after the requests that clients have sent."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from socket import socket
from typing import Any, cast

from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.supervisors import Multiprocess, multiprocess

SHUTDOWN_SECONDS = 30
"""How long requests in flight may take after SIGTERM; longer than a request waits for the database."""

LINGER_SECONDS = 1.0
"""How long a connection without a request stays open after SIGTERM: a request may be on its way."""


class Connection(H11Protocol):
    """A connection of a client, which is closed after the request that is on its way."""

    _is_closing = False

    def handle_events(self) -> None:
        """Serve what has arrived."""
        super().handle_events()
        if self._is_closing and (cycle := self._unanswered()):
            cycle.keep_alive = False

    def shutdown(self) -> None:
        """Close the connection when its request is answered, or if none arrives soon."""
        self._is_closing = True
        if cycle := self._unanswered():
            cycle.keep_alive = False
        else:
            self.loop.call_later(LINGER_SECONDS, self._close_if_idle)

    def _close_if_idle(self) -> None:
        has_begun = self._unanswered() or self.conn.trailing_data[0]
        if not has_begun and not self.transport.is_closing():
            super().shutdown()

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
        app, factory=True, workers=workers, http=Connection, timeout_graceful_shutdown=SHUTDOWN_SECONDS, **options
    )
    if workers > 1:
        _Supervisor(config, [config.bind_socket()]).run()
        return
    server = GracefulServer(config)
    with suppress(KeyboardInterrupt):
        server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)
