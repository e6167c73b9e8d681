"""Hands a command line to the daemon, if there is one that can run it."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import os
import sys

from todocli.daemon import protocol

_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT")
"""Signals that the child gets as well. If it dies of one, so does the client."""


class Lost(Exception):
    """The child ended without an exit status. `change` is the id of the change that it began, if it began one."""

    def __init__(self, change: bytes | None) -> None:
        super().__init__()
        self.change = change


def run(arguments: list[str]) -> int | None:
    """Let the daemon run a command line. Returns the exit status; None if it is to be run in this process.

    Raises `Lost`.
    """
    installation = wanted()
    if installation is None or not _has_standard_files():
        return None
    connection = _connect()
    if connection is None:
        return None
    try:
        return _hand_over(connection, installation, arguments)
    finally:
        connection.close()


def _hand_over(connection: _socket.socket, installation: bytes, arguments: list[str]) -> int | None:
    token, full = os.pipe()
    os.write(full, b"1")
    os.close(full)
    opened = [token]
    try:
        try:
            opened.append(os.open(".", os.O_RDONLY | os.O_DIRECTORY))
        except OSError:  # the folder is gone
            return None
        _send(connection, _request(installation, arguments), [0, 1, 2, *opened])
        return _Run(connection, token).follow()
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _send(connection: _socket.socket, request: bytes, files: list[int]) -> None:
    """Send a request, unless the child has left.

    It may have left because it has run the command already. So a failure says nothing: only the token does.
    """
    try:
        protocol.send(connection, request, files)
    except OSError:  # contextlib is not loaded
        return


def _has_standard_files() -> bool:
    """Whether 0, 1 and 2 are open. Otherwise what is opened next would take their place."""
    try:
        for descriptor in (0, 1, 2):
            os.fstat(descriptor)
    except OSError:
        return False
    return True


def is_answered() -> bool:
    """Whether a daemon listens."""
    connection = _connect()
    if connection:
        connection.close()
    return connection is not None


def wanted() -> bytes | None:
    """Return this installation; None if it is not to use a daemon."""
    choice = os.environ.get("TODO_DAEMON")
    is_tried = sys.platform == "linux" or choice == "on"
    if choice == "off" or "CI" in os.environ or not is_tried or not hasattr(os, "fork"):
        return None
    installation = protocol.installation()
    return installation if installation or choice == "on" else None


def _connect() -> _socket.socket | None:
    """Return a connection to the daemon of this user; None if there is none."""
    if not protocol.is_private(protocol.folder()):
        return None
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    connection.settimeout(protocol.START_SECONDS)
    try:
        connection.connect(protocol.socket_path())
        if protocol.peer_uid(connection) == os.geteuid():
            return connection
    except OSError:  # there is no daemon, or it is busy
        pass
    connection.close()
    return None


def _request(installation: bytes, arguments: list[str]) -> bytes:
    umask = os.umask(0o077)
    os.umask(umask)
    parts = [installation, protocol.surroundings(), str(umask).encode(), str(len(arguments)).encode()]
    parts += map(os.fsencode, arguments)
    parts += (name + b"=" + value for name, value in os.environb.items())
    return protocol.pack(parts)


class _Run:
    """One command line in the daemon's child, seen from the client."""

    def __init__(self, connection: _socket.socket, token: int) -> None:
        self._connection = connection
        self._token = token
        self._child: int | None = None
        self._change: bytes | None = None
        self._received: list[int] = []
        self._buffer = b""

    def follow(self) -> int | None:
        """Wait for the child. Returns the exit status; None if this process has to run the command. Raises `Lost`."""
        handlers = dict.fromkeys(map(self._number, _FORWARDED), self._pass_on)
        handlers[self._number("SIGTSTP")] = self._stop
        before = {
            number: _signal.signal(number, handler)
            for number, handler in handlers.items()
            if _signal.getsignal(number) is not _signal.SIG_IGN
        }
        status = self._wait()
        for number, handler in before.items():
            _signal.signal(number, handler)
        if status is None:
            for number in self._received:
                os.kill(os.getpid(), number)
        return status

    def _wait(self) -> int | None:
        try:
            kind, content = self._answer()
        except OSError:  # it is too slow, or gone
            kind, content = b"", b""
        if kind in (b"", protocol.DECLINED) and os.read(self._token, 1):
            return None
        self._connection.settimeout(None)
        while kind != protocol.EXITED:
            try:
                kind, content = self._answer()
            except OSError:
                kind = b""
            if not kind:
                self._die_likewise()
                raise Lost(self._change)
        return content[0]

    def _answer(self) -> tuple[bytes, bytes]:
        """Return what the child answers next: its kind and its content. Both are empty if it has ended."""
        while not self._buffer or len(self._buffer) < 1 + protocol.LENGTHS[self._buffer[:1]]:
            more = self._connection.recv(64)
            if not more:
                return b"", b""
            self._buffer += more
        kind = self._buffer[:1]
        content = self._buffer[1 : 1 + protocol.LENGTHS[kind]]
        self._buffer = self._buffer[1 + len(content) :]
        if kind == protocol.RUNNING:
            self._child = int.from_bytes(content, "big")
            for number in self._received:
                self._kill(number)
        elif kind == protocol.CHANGE:
            self._change = content
        return kind, content

    def _die_likewise(self) -> None:
        """Die of the signal that was passed on, if one was: the child has died of it."""
        for number in self._received:
            if number != self._number("SIGINT"):
                _signal.signal(number, _signal.SIG_DFL)
                os.kill(os.getpid(), number)

    # Signals

    @staticmethod
    def _number(name: str) -> int:
        number: int = getattr(_signal, name)
        return number

    def _pass_on(self, number: int, _frame: object) -> None:
        self._received.append(number)
        self._kill(number)

    def _stop(self, number: int, _frame: object) -> None:
        """Stop the child and this process, until the shell continues them.

        The child has no shell, so it would ignore the signal itself.
        """
        self._kill(self._number("SIGSTOP"))
        _signal.signal(number, _signal.SIG_DFL)
        os.kill(os.getpid(), number)
        _signal.signal(number, self._stop)
        self._kill(self._number("SIGCONT"))

    def _kill(self, number: int) -> None:
        try:
            if self._child is not None:
                os.kill(self._child, number)
        except ProcessLookupError:  # contextlib is not loaded
            return
