"""What the client and the daemon agree on: where they meet, whether they are alike, and how a line is handed over.

The client imports this before anything else, so it imports nothing that Python has not loaded already.
"""

from __future__ import annotations

import _socket
import os
import sys

RUNNING, CHANGE, EXITED, DECLINED = b"R", b"C", b"X", b"D"
"""What the child answers; after it comes the process id, the id of the change, or the exit status."""

LENGTHS = {RUNNING: 4, CHANGE: 16, EXITED: 1, DECLINED: 0}
"""How many bytes follow."""

START_SECONDS = 1.0
"""How long the client waits for the child to begin, and the child for the request."""

FILES = 5
"""Descriptors of a request: standard input, output and error, the token, and the working directory."""

_LOCAL_PEERCRED = 1
_SIZE = 4
_MAX_SIZE = 1 << 28

_AT_STARTUP = ("LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "LD_PRELOAD", "PSYCOPG_IMPL")
"""Variables that are read once, by Python, the system or a library; and all that begin with PYTHON."""

_RIGHTS = ("Cap", "NoNewPrivs", "Seccomp:")
_NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


def folder() -> str:
    """Return the folder of the socket. It may be missing, or not private; see `is_private`.

    The runtime directory must be absolute and the user's own (https://specifications.freedesktop.org/basedir-spec).
    """
    base = os.environ.get("XDG_RUNTIME_DIR", "")
    if base.startswith("/") and is_private(base):
        return f"{base}/todo"
    return f"/tmp/todo-{os.geteuid()}"  # noqa: S108 - it must be private to be used


def is_private(path: str) -> bool:
    """Whether `path` is a folder of this user that nobody else can enter, and no symbolic link."""
    try:
        state = os.lstat(path)
    except OSError:
        return False
    return state.st_mode & 0o170077 == 0o040000 and state.st_uid == os.geteuid()


def socket_path() -> str:
    """Return the path of the socket."""
    return f"{folder()}/daemon.sock"


def peer_uid(connection: _socket.socket) -> int:
    """Return the user at the other end of a connection.

    Both structures have the user id at the same place: `ucred` of Linux (unix(7)) and `xucred` of macOS (unix(4)).
    """
    level, option = (_socket.SOL_SOCKET, _socket.SO_PEERCRED) if sys.platform == "linux" else (0, _LOCAL_PEERCRED)
    credentials: bytes = connection.getsockopt(level, option, 12)
    return int.from_bytes(credentials[4:8], sys.byteorder)


def installation() -> bytes:
    """Identify the installed program; empty for a checkout, in which files change without notice."""
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is not loaded
    package = os.path.dirname(here)  # noqa: PTH120
    from todocli import __version__

    record = f"{os.path.dirname(package)}/todo_neon-{__version__}.dist-info/RECORD"  # noqa: PTH120
    try:
        state = os.stat(record)  # noqa: PTH116
    except OSError:
        return b""
    return os.fsencode(f"{package} {sys.executable} {sys.hexversion:x} {state.st_mtime_ns} {state.st_ino}")


def surroundings() -> bytes:
    """Describe what a running process cannot take over from another: what matters at startup, rights and limits."""
    given = [f"{name}={os.environ[name]}" for name in startup_variables()]
    options = (sys.flags.utf8_mode, sys.warnoptions)
    ids = (os.getuid(), os.geteuid(), os.getgid(), os.getegid(), sorted(os.getgroups()))
    rights = [line for line in _text("/proc/self/status").splitlines() if line.startswith(_RIGHTS)]
    spaces = [_link(f"/proc/self/ns/{name}") for name in _NAMESPACES]
    root = os.stat("/")  # noqa: PTH116
    limits = (root.st_dev, root.st_ino, os.getpriority(os.PRIO_PROCESS, 0), _text("/proc/self/limits"))
    return os.fsencode(f"{given} {options} {ids} {rights} {spaces} {limits}")


def startup_variables() -> list[str]:
    """Return the names of the variables that only matter when a process starts, as far as they are set."""
    return sorted(name for name in os.environ if name in _AT_STARTUP or name.startswith("PYTHON"))


def _link(path: str) -> str:
    try:
        return os.readlink(path)  # noqa: PTH115
    except OSError:
        return ""


def _text(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return ""


def pack(parts: list[bytes]) -> bytes:
    """Return a request as bytes. None of its parts contains a zero."""
    body = b"\0".join(parts)
    return len(body).to_bytes(_SIZE, "big") + body


def receive(connection: _socket.socket) -> tuple[list[bytes], list[int]]:
    """Return the parts of a request, and the descriptors that came with it. Raises `OSError`."""
    room = _socket.CMSG_SPACE(FILES * _SIZE)
    data, ancillary, _, _ = connection.recvmsg(1 << 16, room, getattr(_socket, "MSG_CMSG_CLOEXEC", 0))
    passed = b"".join(
        found for level, kind, found in ancillary if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS)
    )
    files = [int.from_bytes(passed[i : i + _SIZE], sys.byteorder) for i in range(0, len(passed), _SIZE)]
    while len(data) < _SIZE or len(data) < _SIZE + int.from_bytes(data[:_SIZE], "big"):
        more = connection.recv(1 << 20)
        if not more or len(data) > _MAX_SIZE:
            raise OSError("The request is incomplete.")
        data += more
    return data[_SIZE:].split(b"\0"), files


def send(connection: _socket.socket, request: bytes, files: list[int]) -> None:
    """Send a request with its descriptors. Raises `OSError`."""
    passed = b"".join(file.to_bytes(_SIZE, sys.byteorder) for file in files)
    sent = connection.sendmsg([request], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, passed)])
    connection.sendall(request[sent:])
