"""A stand-in for Neon's proxy: it takes TLS as libpq 17 begins it and as older ones do, wakes slowly, and refuses."""

from __future__ import annotations

import selectors
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from tests.support.protocol import CANCEL_REQUEST, SSL_REQUEST, error
from tests.support.relay import CHUNK

TLS_HANDSHAKE = b"\x16"


class NeonProxy:
    """Listens on a port of 127.0.0.1; ends TLS, if it has a `context`, and passes on to the Postgres at `target`.

    `wake` is how many seconds the database sleeps on when somebody comes. `refuse` gives the words, and may give the
    SQLSTATE, with which connection number n (from 0) is refused; or None to let it in.
    """

    def __init__(
        self,
        target: tuple[str, int],
        context: ssl.SSLContext | None = None,
        *,
        wake: float = 0.0,
        refuse: Callable[[int], str | None] = lambda _: None,
        state: str = "XX000",
    ) -> None:
        self.startups: list[dict[str, str]] = []
        """What each connection asked for: user, database, application_name, options."""
        self._target = target
        self._context = context
        self._wake = wake
        self._refuse = refuse
        self._state = state
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> NeonProxy:
        self._thread.start()
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), plain, self._encrypted(plain) as client:
            startup = _message(client)
            if struct.unpack("!I", startup[4:8])[0] == CANCEL_REQUEST:
                with socket.create_connection(self._target) as server:
                    server.sendall(startup)
                    server.recv(1)
                return
            parameters = startup[8:-2].decode().split("\0")
            number = len(self.startups)
            self.startups.append(dict(zip(parameters[::2], parameters[1::2], strict=True)))
            time.sleep(self._wake)
            refusal = self._refuse(number)
            if refusal is not None:
                client.sendall(error(refusal, self._state) if refusal else b"")
                return
            with socket.create_connection(self._target) as server:
                server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                server.sendall(startup)
                _pass_on(client, server)

    def _encrypted(self, plain: socket.socket) -> socket.socket:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (begin := plain.recv(8, socket.MSG_PEEK))[:1] != TLS_HANDSHAKE:
            if begin[4:] != struct.pack("!I", SSL_REQUEST):
                return plain
            plain.recv(8)
            plain.sendall(b"S" if self._context else b"N")
            if not self._context:
                return plain
        assert self._context
        return self._context.wrap_socket(plain, server_side=True)


def tls(certificate: Callable[[ssl.SSLContext], None]) -> ssl.SSLContext:
    """Return what a server speaks TLS with; `certificate` puts its certificate in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["postgresql"])  # without it libpq takes no TLS that is begun directly
    context.num_tickets = 0
    certificate(context)
    return context


def _message(client: socket.socket) -> bytes:
    """Read the first message: length, version, parameters."""
    data = b""
    while len(data) < 4 or len(data) < struct.unpack("!I", data[:4])[0]:
        part = client.recv(CHUNK)
        if not part:
            raise ConnectionError
        data += part
    return data


def _pass_on(client: socket.socket, server: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(client, selectors.EVENT_READ, server)
        selector.register(server, selectors.EVENT_READ, client)
        while True:
            for key, _ in selector.select():
                one = key.fileobj
                assert isinstance(one, socket.socket)
                data = one.recv(CHUNK)
                while isinstance(one, ssl.SSLSocket) and one.pending():
                    data += one.recv(CHUNK)
                if not data:
                    return
                key.data.sendall(data)
