"""Starts, finds and stops the daemon."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from todocli.daemon import client, parent, protocol
from todocli.daemon.child import Kin
from todocli.errors import TodoError

_WAIT_SECONDS = 20.0
"""How long a daemon may take to start or to stop."""

_FREQUENT_SECONDS = 600.0
"""Two commands within this time are worth a daemon."""


@dataclass(frozen=True)
class Daemon:
    """A running daemon: its process, since when it runs (seconds of the Unix epoch), and its memory in bytes.

    The memory is the proportional set size of the daemon and its newest child; None where that cannot be read.
    """

    pid: int
    since: float
    memory: int | None


def unavailable() -> str | None:
    """Return why commands of this process do not use a daemon; None if they do."""
    if os.environ.get("TODO_DAEMON") == "off":
        return "TODO_DAEMON is off"
    if "CI" in os.environ:
        return "this is a CI job"
    if client.wanted() is None:
        return "this is a checkout" if sys.platform == "linux" else f"it is not tried on {sys.platform} yet"
    folder = protocol.folder()
    if os.path.lexists(folder) and not protocol.is_private(folder):
        return f"others can enter {folder}, or it is not yours"
    holder = _lock_holder()
    if holder and holder[1] != Kin.of_this_process().digest():
        return "it was started with other rights, limits or variables, or by another installation"
    return None


def find() -> Daemon | None:
    """Return the daemon of this user; None if there is none."""
    holder = _lock_holder()
    return Daemon(holder[0], parent.lock_path().stat().st_mtime, _memory(holder[0])) if holder else None


def start() -> Daemon:
    """Return the running daemon; start one if there is none. Raises `TodoError` if it does not start."""
    if found := find():
        return found
    started = _spawn()
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until and started.poll() is None:
        if client.is_answered() and (found := find()):
            _leave_alone(started)
            return found
        time.sleep(0.02)
    command = ("todo", "daemon", "run")
    raise TodoError("The daemon did not start.", hint="Run it in the foreground to see why", command=command)


def stop() -> bool:
    """End the daemon; return whether there was one. Raises `TodoError` if it does not end."""
    with suppress(OSError):
        _latest().unlink(missing_ok=True)  # so that the next command does not start it again
    found = find()
    if not found:
        return False
    with suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGTERM)
        os.kill(found.pid, signal.SIGCONT)
    until = time.monotonic() + _WAIT_SECONDS
    while (holder := _lock_holder()) and holder[0] == found.pid:
        if time.monotonic() > until:
            raise TodoError(f"The daemon (process {found.pid}) did not end.", hint="End it with kill -9.")
        time.sleep(0.02)
    return True


def start_if_frequent() -> bool:
    """Start a daemon if this is the second command within ten minutes, and do not wait for it.

    One that does not start is not started again for as long.
    """
    parent.make_folder()
    latest, now = _latest(), time.time()
    age = now - latest.stat().st_mtime if latest.exists() else _FREQUENT_SECONDS
    if age < 0:
        return False
    is_frequent = age < _FREQUENT_SECONDS and not find()
    latest.touch(mode=0o600)
    if is_frequent:
        later = now + _FREQUENT_SECONDS
        os.utime(latest, (later, later))
        _leave_alone(_spawn())
    return is_frequent


def _latest() -> Path:
    """Return the path of the file that shows when the latest command ran without a daemon."""
    return Path(protocol.folder()) / "latest"


def _spawn() -> subprocess.Popen[bytes]:
    """Start a daemon that keeps nothing of this process: no descriptor, terminal or folder, and few variables."""
    kept = {"XDG_RUNTIME_DIR", *protocol.startup_variables()}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "todocli", "daemon", "run"],
        cwd="/",
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _leave_alone(process: subprocess.Popen[bytes]) -> None:
    """Do not warn that a process goes on after this one: it is meant to."""
    process.returncode = 0


def _lock_holder() -> tuple[int, str] | None:
    """Return the process that holds the lock, and the digest of its kin."""
    if not protocol.is_private(protocol.folder()):
        return None
    try:
        descriptor = os.open(parent.lock_path(), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        pid, _, digest = os.read(descriptor, 100).decode().partition(" ")
        return (int(pid), digest) if digest else None  # it is about to write it
    finally:
        os.close(descriptor)
    return None


def _memory(pid: int) -> int | None:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return _proportional_set_size(str(pid)) + sum(map(_proportional_set_size, children[-1:]))
    except (OSError, ValueError, StopIteration):  # it has ended meanwhile
        return None


def _proportional_set_size(pid: str) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
