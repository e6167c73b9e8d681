"""What client and child say to each other, and who runs the command in each case."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.waiting import TIMEOUT
from todocli.daemon import client, protocol

Ends = tuple[socket.socket, socket.socket]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A connection: the client's end and the child's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(TIMEOUT)
        yield ours, theirs


@pytest.fixture
def token() -> Iterator[int]:
    """The end for reading of a pipe that holds one byte."""
    reader, writer = os.pipe()
    os.write(writer, b"1")
    os.close(writer)
    yield reader
    os.close(reader)


def follow(ends: Ends, token: int, child: Callable[[socket.socket], None]) -> int | None:
    """Return what the client makes of what `child` does at its end, which is then closed."""

    def play() -> None:
        child(ends[1])
        ends[1].shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=play)
    thread.start()
    try:
        return client._Run(ends[0], token).follow()
    finally:
        thread.join(TIMEOUT)


RUNNING = protocol.RUNNING + (2**22 + 1).to_bytes(4, "big")
"""The process id is larger than any that exists."""


def test_exit_status_is_that_of_the_child(ends: Ends, token: int) -> None:
    def child(end: socket.socket) -> None:
        os.read(token, 1)
        for part in (RUNNING + protocol.CHANGE, uuid4().bytes, protocol.EXITED, b"\x83"):  # in pieces
            end.sendall(part)

    assert follow(ends, token, child) == 0x83


def test_declined_command_runs_here(ends: Ends, token: int) -> None:
    assert follow(ends, token, lambda end: end.sendall(protocol.DECLINED)) is None
    assert os.read(token, 1) == b""  # nobody else can take it now


def test_command_runs_here_if_the_child_ends_before_it_takes_it(ends: Ends, token: int) -> None:
    assert follow(ends, token, lambda end: None) is None
    assert os.read(token, 1) == b""


def test_command_runs_here_if_the_child_is_slow(ends: Ends, token: int) -> None:
    ends[0].settimeout(0)
    assert client._Run(ends[0], token).follow() is None
    assert os.read(token, 1) == b""


def test_slow_child_that_has_taken_the_command_is_waited_for(ends: Ends, token: int) -> None:
    os.read(token, 1)
    ends[0].settimeout(0)
    assert follow(ends, token, lambda end: end.sendall(RUNNING + protocol.EXITED + b"\x05")) == 5


@pytest.mark.parametrize("change", [None, uuid4()])
def test_child_that_ends_without_a_status_is_lost(ends: Ends, token: int, change: Any) -> None:
    def child(end: socket.socket) -> None:
        os.read(token, 1)
        end.sendall(RUNNING + (protocol.CHANGE + change.bytes if change else b""))

    with pytest.raises(client.Lost) as lost:
        follow(ends, token, child)
    assert lost.value.change == (change.bytes if change else None)


def test_child_that_is_faster_than_the_sender_runs_the_command_alone(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have ended before the client is done with sending, which is then a broken pipe."""
    ours, theirs = ends
    really_send = protocol.send

    def send(connection: Any, request: bytes, files: list[int]) -> None:
        really_send(connection, request, files)
        _, received = protocol.receive(theirs)
        assert os.read(received[3], 1) == b"1"
        theirs.sendall(protocol.RUNNING + bytes(4) + protocol.EXITED + bytes([7]))
        theirs.close()
        for descriptor in received:
            os.close(descriptor)
        connection.sendall(b"")

    monkeypatch.setattr(protocol, "send", send)
    assert client._hand_over(ours, b"", ["list"]) == 7


def test_request_arrives_with_its_files(ends: Ends, tmp_path: Path) -> None:
    parts = [b"", b"a b", b"\xff" * 300_000, "ä".encode()]
    here = os.open(tmp_path, os.O_RDONLY)
    sender = threading.Thread(target=protocol.send, args=(ends[0], protocol.pack(parts), [here] * protocol.FILES))
    sender.start()
    received, files = protocol.receive(ends[1])
    sender.join(TIMEOUT)
    assert (received, len(files)) == (parts, protocol.FILES)
    for file in files:
        assert os.path.samestat(os.fstat(file), tmp_path.stat())
        assert not os.get_inheritable(file)
        os.close(file)
    os.close(here)


def test_incomplete_request_is_an_error(ends: Ends) -> None:
    ends[0].sendall(protocol.pack([b"a", b"b"])[:-1])
    ends[0].shutdown(socket.SHUT_WR)
    with pytest.raises(OSError, match="incomplete"):
        protocol.receive(ends[1])


def test_peer_is_this_user(ends: Ends) -> None:
    assert protocol.peer_uid(ends[0]) == os.geteuid()


def test_peer_on_macos_is_read_from_its_own_structure(monkeypatch: pytest.MonkeyPatch) -> None:
    class Connection:
        """A connection that answers as macOS does: `xucred` begins with its version and the user."""

        def getsockopt(self, level: int, option: int, size: int) -> bytes:
            assert (level, option) == (0, 1)  # SOL_LOCAL, LOCAL_PEERCRED in <sys/un.h>
            return (b"\0\0\0\0" + (501).to_bytes(4, sys.byteorder) + b"\0" * 68)[:size]

    monkeypatch.setattr(sys, "platform", "darwin")
    assert protocol.peer_uid(Connection()) == 501  # type: ignore[arg-type]


# The folder


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o701, 0o777])
def test_folder_that_others_can_enter_is_not_private(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "todo"
    folder.mkdir(mode=0o700)
    assert protocol.is_private(str(folder))
    folder.chmod(mode)
    assert not protocol.is_private(str(folder))


def test_symbolic_link_and_file_are_no_private_folder(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").touch(mode=0o700)
    for name in ("link", "file", "missing"):
        assert not protocol.is_private(str(tmp_path / name))


def test_folder_of_another_user_is_not_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "todo"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    assert not protocol.is_private(str(folder))


@pytest.mark.parametrize("given", [None, "", ".", "/missing", "open"])
def test_folder_without_own_runtime_directory_is_that_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str | None
) -> None:
    """The runtime directory of another user is there after `sudo -E`."""
    (tmp_path / "open").mkdir(mode=0o755)
    if given is None:
        monkeypatch.delenv("XDG_RUNTIME_DIR")
    else:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / given) if given == "open" else given)
    assert protocol.folder() == f"/tmp/todo-{os.geteuid()}"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert protocol.folder() == f"{tmp_path}/todo"


# Who uses a daemon


def use(monkeypatch: pytest.MonkeyPatch, installation: bytes, **variables: str) -> bytes | None:
    monkeypatch.setattr(protocol, "installation", lambda: installation)
    monkeypatch.delenv("TODO_DAEMON", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return client.wanted()


@pytest.mark.parametrize(
    ("installation", "variables", "expected"),
    [
        (b"installed", {}, b"installed"),
        (b"installed", {"TODO_DAEMON": "off"}, None),
        (b"installed", {"CI": "true"}, None),
        (b"", {}, None),
        (b"", {"TODO_DAEMON": "on"}, b""),
    ],
)
def test_daemon_is_used_where_it_can_notice_an_upgrade(
    monkeypatch: pytest.MonkeyPatch, installation: bytes, variables: dict[str, str], expected: bytes | None
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert use(monkeypatch, installation, **variables) == expected


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_daemon_is_not_used_where_it_was_not_tried(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert use(monkeypatch, b"installed") is None
    if platform == "win32":
        monkeypatch.delattr(os, "fork", raising=False)
        assert use(monkeypatch, b"installed", TODO_DAEMON="on") is None


@pytest.mark.parametrize("name", ["PYTHONPATH", "LC_ALL", "LD_PRELOAD"])
def test_variable_that_matters_at_startup_makes_a_difference(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = protocol.surroundings()
    monkeypatch.setenv("PAGER", "less")
    assert protocol.surroundings() == before
    monkeypatch.setenv(name, "other")
    assert protocol.surroundings() != before
