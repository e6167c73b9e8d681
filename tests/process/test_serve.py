"""`todo serve` as a process: what a client and an operator see of it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.served import TODO, serving
from tests.support.terminal import Terminal
from todocli.cli.installer import install_extra

pytestmark = pytest.mark.slow


def fetch(url: str, token: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.parametrize("workers", [1, 2])
def test_serve_answers_until_stopped(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    todo = Terminal(monkeypatch)
    todo.ok("add Pay rent")
    token = todo.ok("token create phone").strip()
    with serving("--workers", str(workers), "--metrics", "--pool", "3") as (process, address):
        status, text = fetch(f"{address}/metrics")
        assert (status, "\ntodo_database_connections 3\n" in text) == (200, True)
        assert fetch(f"{address}/api/v1/todos") == (401, fetch(f"{address}/api/v1/todos")[1])
        status, text = fetch(f"{address}/api/v1/todos?search=rent", token)
        assert (status, json.loads(text)["items"][0]["title"]) == (200, "Pay rent")
        process.send_signal(signal.SIGTERM)
        text = process.communicate(timeout=30)[1]
    first, *lines = text.splitlines()
    assert first == f"Serving on {address} (a page for the browser; API: /api/v1, try it: /docs)"
    requests = [json.loads(line) for line in lines if line.startswith("{")]
    assert {"method": "GET", "path": "/api/v1/todos", "status": 200, "client": "127.0.0.1"} in [
        {name: value for name, value in request.items() if name != "ms"} for request in requests
    ]
    assert token not in text
    assert "search" not in text
    assert "Traceback" not in text


@pytest.mark.parametrize("options", [("--pool", "1"), ("--workers", "2")], ids=" ".join)
def test_requests_in_flight_are_answered_before_the_end(
    monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    todo = Terminal(monkeypatch)
    todo.ok("add Pay rent")
    head = f"GET /api/v1/todos HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {todo.ok('token create t').strip()}"
    with serving(*options, log=subprocess.DEVNULL) as (process, address), ExitStack() as stack:
        place = ("127.0.0.1", int(address.rpartition(":")[2]))
        clients = [stack.enter_context(socket.create_connection(place)) for _ in range(200)]
        for client in clients:
            client.sendall(f"{head}\r\n\r\n".encode())
        process.send_signal(signal.SIGTERM)
        for client in clients:
            assert '"title":"Pay rent"' in client.makefile(encoding="utf-8", newline="").read()
        process.wait(30)


def test_taken_port_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    Terminal(monkeypatch)("list")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = subprocess.run(
            [*TODO, "serve", "--port", str(taken.getsockname()[1])], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "in use" in done.stderr


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("serve --host 0.0.0.0 --trust-header X-User-ID", 2, "Any client that reaches 0.0.0.0 could name any user in"),
        ("serve --cors app.example", 2, "--cors takes an origin, not 'app.example'."),
        ("serve --proxy proxy.example", 2, "--proxy takes an IP address or a network, not 'proxy.example'."),
        ("serve --root-path todo/", 2, "--root-path takes a path, not 'todo/'."),
        ("serve --allow-host http://x", 2, "--allow-host takes a host name, not 'http://x'."),
        ("serve --allow-host todo.example:80", 2, "--allow-host takes a host name, not 'todo.example:80'."),
        (
            "serve --behind-proxy --max-refused 9",
            2,
            "Behind a gateway, --max-refused would block every client at once.",
        ),
        ("serve --trust-header=", 2, "'' is not a header name."),
        ("serve --pool 0", 2, "Invalid value for '--pool'"),
        ("serve --port 70000", 2, "Invalid value for '--port'"),
        ("--profile nope serve", 3, 'There is no profile "nope".'),
    ],
)
def test_invalid_option_is_reported(monkeypatch: pytest.MonkeyPatch, line: str, code: int, message: str) -> None:
    ran = Terminal(monkeypatch)(line)
    assert (ran.code, ran.out) == (code, "")
    assert ran.err.startswith(f"error: {message}")


def test_missing_extra_suggests_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    ran = Terminal(monkeypatch)("serve")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        f"error: The HTTP API is not installed.\n hint: Install it: {sys.executable} -m pip install 'todo-neon[api]'\n"
    )


@pytest.mark.parametrize(
    ("marker", "command"),
    [
        ("pipx_metadata.json", ("pipx", "install", "--force", "todo-neon[api]")),
        ("uv-receipt.toml", ("uv", "tool", "install", "--force", "todo-neon[api]")),
    ],
)
def test_install_hint_matches_the_installer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, marker: str, command: tuple[str, ...]
) -> None:
    (tmp_path / marker).touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert install_extra("api") == command


def test_openapi_needs_no_database(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    text = Terminal(monkeypatch).ok("serve --openapi")
    assert text == Path(__file__).resolve().parents[1].joinpath("snapshots/openapi.json").read_text(encoding="utf-8")
    assert not (home / "todo.db").exists()
