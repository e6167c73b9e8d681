"""The forked process that waits for one client, and runs its command."""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol, cast
from uuid import UUID

from todocli.daemon import protocol

CONNECTED_SECONDS = 60
"""How long the process that waits keeps a connection."""


class Declined(BaseException):
    """The command needs a process of its own. No handler of errors may take this for one."""


class Handover(Protocol):
    """What a command does if it was handed over by a client."""

    def accept(self) -> None:
        """Take the command for good. Raises `Declined` if the client runs it by now."""

    def announce(self, change: UUID) -> None:
        """Tell the client the id of the change that is about to be made."""

    def leave(self, hint: bytes) -> None:
        """Leave a hint for the next command. It has one line."""


@dataclass(frozen=True)
class Program:
    """The program that the daemon runs.

    `main` runs a command line and returns its exit status. `warm_up` does much of the same without any todos, in steps,
    while nobody waits: the first use of a page of memory after a fork copies the page, and that takes longer than the
    command itself. It has the hint of the last command, if there was one.
    """

    main: Callable[[list[str], Handover], int]
    warm_up: Callable[[bytes | None], Iterator[None]]
    connect: Callable[[bytes], None]
    """Opens a connection for a command like the one that left this hint."""
    disconnect: Callable[[], None]
    """Closes it."""


@dataclass(frozen=True)
class Kin:
    """What a client must have in common with this process."""

    installation: bytes
    surroundings: bytes

    @classmethod
    def of_this_process(cls) -> Kin:
        """Return that of this process."""
        return cls(protocol.installation(), protocol.surroundings())

    def digest(self) -> str:
        """Return a text by which another process can tell whether it is alike."""
        return hashlib.sha256(self.installation + b"\0" + self.surroundings).hexdigest()


@dataclass(frozen=True)
class Pipes:
    """Descriptors of a child.

    `life` closes when the parent ends. `accepted` tells the parent that a client has come. What a command leaves for
    the next is written to `hints`, and read by whichever child waits.
    """

    life: int
    accepted: int
    hints: tuple[int, int]


def wait_and_run(listener: socket.socket, pipes: Pipes, kin: Kin, program: Program) -> NoReturn:
    """Wait for a client, run its command, and end."""
    status = 1
    try:
        os.setsid()  # what the terminal of the daemon sends is not meant for it
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        connection = _accept(listener, pipes, program)
        if connection:
            with suppress(BrokenPipeError):  # the daemon has just ended, and this client is its last
                os.write(pipes.accepted, b"1")
            os.close(pipes.accepted)
            listener.close()
            with connection:
                _serve(connection, pipes.hints[1], kin, program)
        status = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(status)


def _accept(listener: socket.socket, pipes: Pipes, program: Program) -> socket.socket | None:
    """Return a connection; None if the parent has ended. Until then, get ready for a command."""
    waiting = select.poll()
    for source in (listener.fileno(), pipes.life, pipes.hints[0]):
        waiting.register(source, select.POLLIN)
    pauses = _get_ready(program, None)
    while True:
        pause = next(pauses, None)
        ready = {descriptor for descriptor, _ in waiting.poll(pause and pause * 1000)}
        if listener.fileno() in ready:
            try:
                return listener.accept()[0]
            except BlockingIOError:  # the client has left
                continue
        if pipes.life in ready:
            return None
        if ready:
            pauses = _get_ready(program, os.read(pipes.hints[0], _MAX_HINT).splitlines()[-1])


def _get_ready(program: Program, hint: bytes | None) -> Iterator[float]:
    """Do what a command would have to do, with pauses of so many seconds, in which a client may come."""
    if hint is None:
        yield _UNHINTED_SECONDS
    else:
        program.connect(hint)
    for _ in program.warm_up(hint):
        yield 0
    if hint is not None:
        yield CONNECTED_SECONDS
        program.disconnect()


_MAX_HINT = 1 << 16
_UNHINTED_SECONDS = 0.25
"""After how long a process stops waiting for the command before it: a warm-up beside that would slow it down."""


def _serve(connection: socket.socket, hints: int, kin: Kin, program: Program) -> None:
    parent = os.getppid()
    connection.settimeout(protocol.START_SECONDS)
    raw = cast("Any", connection)
    try:
        if protocol.peer_uid(raw) != os.geteuid():
            return
        parts, files = protocol.receive(raw)
    except OSError:
        return
    connection.settimeout(None)
    installation, surroundings, umask, count = parts[:4]
    if Kin(installation, surroundings) != kin or len(files) != protocol.FILES:
        connection.sendall(protocol.DECLINED)
        if installation != kin.installation and os.getppid() == parent:
            os.kill(parent, signal.SIGTERM)  # another version was installed, and will want a daemon of its own
        return
    arguments, environment = parts[4 : 4 + int(count)], parts[4 + int(count) :]
    *standard, token, here = files
    _adopt(standard, here, int(umask, 10), environment)
    handed = _Handed(connection, token)
    sys.argv = [sys.argv[0], *map(os.fsdecode, arguments)]
    try:
        status = _status_of(lambda: program.main(sys.argv[1:], handed))
    except Declined:
        connection.sendall(protocol.DECLINED)
        return
    for number in (signal.SIGINT, signal.SIGIO):  # the command has ended
        signal.signal(number, signal.SIG_IGN)
    _flush()
    with suppress(OSError):  # the client has left, or the next command does without
        connection.sendall(protocol.EXITED + bytes([status & 0xFF]))
        os.write(hints, handed.hint)


def _adopt(standard: list[int], here: int, umask: int, environment: list[bytes]) -> None:
    """Take over what a process gets when it starts."""
    os.fchdir(here)
    os.close(here)
    os.umask(umask)
    os.environb.clear()
    os.environb.update(pair.partition(b"=")[::2] for pair in environment)
    time.tzset()
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
        os.close(descriptor)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdin, sys.stdout, sys.stderr = (cast("Any", _Unopened(number)) for number in range(3))


class _Unopened:
    """A stream of a command that was not taken yet: whatever uses it declines."""

    def __init__(self, number: int) -> None:
        self._number = number

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self._number)

    def reconfigure(self, **_: Any) -> None:
        """Do nothing; it is repeated when the streams are opened."""

    def __getattr__(self, name: str) -> Any:
        raise Declined


class _Handed:
    """A command that a client has handed over."""

    def __init__(self, connection: socket.socket, token: int) -> None:
        self._connection = connection
        self._token = token
        self._is_taken = False
        self.hint = b""

    def accept(self) -> None:
        """Take the command for good, and open its streams. One command may call another, as `view` does."""
        if self._is_taken:
            return
        streams = _open_streams()
        if not os.read(self._token, 1):
            os._exit(0)  # the client would not wait, and runs it itself
        self._is_taken = True
        sys.stdin, sys.stdout, sys.stderr = streams
        self._end_with_client()
        self._connection.sendall(protocol.RUNNING + os.getpid().to_bytes(4, "big"))

    def _end_with_client(self) -> None:
        """End when the client is gone, by a signal that it could not pass on: it would have been this process."""

        def look(_number: int, _frame: object) -> None:
            with suppress(BlockingIOError):
                if not self._connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT):
                    os._exit(1)

        signal.signal(signal.SIGIO, look)
        fcntl.fcntl(self._connection, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(self._connection, fcntl.F_SETFL, fcntl.fcntl(self._connection, fcntl.F_GETFL) | os.O_ASYNC)
        look(signal.SIGIO, None)

    def announce(self, change: UUID) -> None:
        """Tell the client the id of the change that is about to be made."""
        self._connection.sendall(protocol.CHANGE + change.bytes)

    def leave(self, hint: bytes) -> None:
        """Leave a hint for the next command. It has one line."""
        self.hint = hint + b"\n"


def _open_streams() -> list[io.TextIOWrapper]:
    """Open the standard streams as Python does when it starts, and has done for this process."""
    return [_open_stream(number, own) for number, own in enumerate((sys.__stdin__, sys.__stdout__, sys.__stderr__))]


def _open_stream(number: int, own: Any) -> io.TextIOWrapper:
    is_read = number == 0
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED")) and not is_read
    raw: Any = io.FileIO(number, "r" if is_read else "w", closefd=False)
    buffer: Any = raw if unbuffered else io.BufferedReader(raw) if is_read else io.BufferedWriter(raw)
    line_buffering = number == 2 or raw.isatty()
    return io.TextIOWrapper(buffer, own.encoding, own.errors, "\n", line_buffering, unbuffered)


def _status_of(command: Callable[[], int]) -> int:
    """Run a command and return its exit status, as Python does for a program."""
    try:
        return command()
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
