"""A TCP relay in front of a server: counts round trips, adds delay, cuts or stalls a connection at a message.

It looks at bytes only; what a connection may do to them is described by its `Line`.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

CHUNK = 65_536
_END = 16


class Cut(Exception):
    """The connection ends; `passed` still goes on."""

    def __init__(self, passed: bytes) -> None:
        super().__init__()
        self.passed = passed


@dataclass
class Line:
    """One connection through a relay, and what was counted on it."""

    round_trips: int = 1
    """TCP's own handshake, and each time that the server answered something that the client had described."""

    on_client: Callable[[bytes], bytes] | None = None
    on_server: Callable[[bytes], bytes] | None = None
    """Called with what was described; what they return goes on. They raise `Cut` to end the connection."""

    ended_with: bytes = field(default=b"", repr=False)
    """The last bytes that the server sent."""

    _client_spoke: bool = field(default=False, repr=False)

    def described(self, data: bytes, *, by_client: bool) -> bytes:
        """Return what goes on of `data`. Raises `Cut`."""
        if by_client:
            self._client_spoke = True
        elif self._client_spoke:
            self.round_trips += 1
            self._client_spoke = False
        if not by_client:
            self.ended_with = data[-_END:]
        change = self.on_client if by_client else self.on_server
        return change(data) if change else data


class Relay:
    """Listens on a port of 127.0.0.1 and passes everything on to `target`.

    `round_trip` is the delay, in seconds, that a client sees; half of it in each direction. `new_line` makes the line
    of each connection. Lines stay in `lines`, oldest first.
    """

    def __init__(
        self,
        target: tuple[str, int],
        *,
        round_trip: float = 0.0,
        new_line: Callable[[int], Line] = lambda _: Line(),
    ) -> None:
        self.lines: list[Line] = []
        self._target = target
        self._delay = round_trip / 2
        self._new_line = new_line
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        self.drop()

    def drop(self) -> None:
        """Cut every connection that is open."""
        for one in list(self._open):
            _shut(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            line = self._new_line(len(self.lines))
            self.lines.append(line)
            threading.Thread(target=self._serve, args=(client, line), daemon=True).start()

    def _serve(self, client: socket.socket, line: Line) -> None:
        try:
            server = socket.create_connection(self._target)
        except OSError:
            client.close()
            return
        self._open |= {client, server}
        with client, server:
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with suppress(OSError):
                self._pass_on(client, server, line)
        self._open -= {client, server}

    def _pass_on(self, client: socket.socket, server: socket.socket, line: Line) -> None:
        ready_at = time.monotonic() + 2 * self._delay  # the kernel answered the client's SYN at once
        waiting: deque[tuple[float, socket.socket, bytes]] = deque()
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, (server, True))
            selector.register(server, selectors.EVENT_READ, (client, False))
            while True:
                timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
                for key, _ in selector.select(timeout):
                    other, by_client = key.data
                    data = key.fileobj.recv(CHUNK)  # type: ignore[union-attr]
                    if not data:
                        for _, to, rest in waiting:
                            to.sendall(rest)
                        return
                    try:
                        passed = line.described(data, by_client=by_client)
                    except Cut as cut:
                        other.sendall(cut.passed)
                        if by_client and cut.passed:  # the server takes it, and its answer finds nobody
                            server.settimeout(0.05)
                            server.recv(CHUNK)
                        _reset(client)
                        return
                    waiting.append((max(time.monotonic(), ready_at) + self._delay, other, passed))
                while waiting and waiting[0][0] <= time.monotonic():
                    _, to, passed = waiting.popleft()
                    to.sendall(passed)


def _reset(one: socket.socket) -> None:
    """Close as a machine does that vanished: with a reset, not with a farewell."""
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    one.close()


def _shut(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
