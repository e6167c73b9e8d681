"""The process that has everything imported. It runs no command, opens no database, and has one thread when it forks."""

from __future__ import annotations

import fcntl
import gc
import os
import select
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES
from pathlib import Path

from todocli.daemon import child, protocol

IDLE_SECONDS = 600
"""How long the daemon waits for a command before it ends."""

_MAX_FAILURES = 3


class AlreadyRunning(Exception):
    """There is a daemon for this user."""


def lock_path() -> Path:
    """Return the path of the file that the daemon keeps locked. It holds the daemon's process id and kin."""
    return Path(protocol.folder()) / "daemon.lock"


def run(program: child.Program) -> None:
    """Serve clients until the daemon is idle, or a signal ends it.

    Raises `AlreadyRunning`, and `OSError` if there is no private folder for the socket.
    """
    kin = child.Kin.of_this_process()
    with _locked(kin) as lock, _listening() as listener:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # so that nobody has to wait for children
        gc.collect()
        gc.freeze()  # a collection in a child would copy the pages of everything that was imported
        stopped, stop = os.pipe()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, lambda *_: os.write(stop, b"1"))
        _fork_one_after_another(listener, stopped, [stop, lock], kin, program)


def make_folder() -> Path:
    """Create the folder of the socket. Raises `OSError` if it is not, or cannot be, private."""
    path = Path(protocol.folder())
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    if not protocol.is_private(str(path)):
        raise PermissionError(EACCES, "Others can enter this folder, or it is not yours", str(path))
    return path


@contextmanager
def _locked(kin: child.Kin) -> Iterator[int]:
    """Hold the lock. A child closes the descriptor, or it would hold it as well."""
    make_folder()
    descriptor = os.open(lock_path(), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyRunning from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()} {kin.digest()}".encode())
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _listening() -> Iterator[socket.socket]:
    path = Path(protocol.socket_path())
    path.unlink(missing_ok=True)  # a killed daemon left it; the lock says that there is no other
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.setblocking(False)
        listener.listen(64)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _fork_one_after_another(
    listener: socket.socket, stopped: int, closed_in_child: list[int], kin: child.Kin, program: child.Program
) -> None:
    """Keep one child ready until nobody comes any more, or `stopped` can be read."""
    life, alive = os.pipe()
    hints = os.pipe()
    os.set_blocking(hints[1], False)
    failures = 0
    while failures < _MAX_FAILURES:
        reader, accepted = os.pipe()
        if not os.fork():
            for descriptor in (alive, reader, stopped, *closed_in_child):
                os.close(descriptor)
            child.wait_and_run(listener, child.Pipes(life, accepted, hints), kin, program)
        os.close(accepted)
        with os.fdopen(reader, "rb", buffering=0) as report:
            waiting = select.poll()
            for descriptor in (report.fileno(), stopped):
                waiting.register(descriptor, select.POLLIN)
            ready = [descriptor for descriptor, _ in waiting.poll(IDLE_SECONDS * 1000)]
            if not ready or stopped in ready:
                return
            failures = 0 if report.read(1) else failures + 1
