"""The server under the API: what happens to connections, without the app."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from uvicorn import Config

from todocli.api import middleware, server
from todocli.api.server import Connection, GracefulServer
from todocli.api.settings import Settings

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

Client = Callable[[], socket.socket]


async def _app(scope: Any, receive: Any, send: Any) -> None:
    """Answer without waiting for the whole body."""
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"done"})


def run(use: Callable[[GracefulServer, Client], Coroutine[Any, Any, None]]) -> None:
    """Run `use` with a server, and with a function that connects to it."""

    async def main() -> None:
        config = Config(_app, port=0, http=Connection, lifespan="off", log_config=None, timeout_keep_alive=600)
        config.load()
        running = GracefulServer(config)
        running.lifespan = config.lifespan_class(config)
        await running.startup()
        place = running.servers[0].sockets[0].getsockname()
        try:
            await use(running, lambda: socket.create_connection(place))
        finally:
            running.servers[0].close()

    asyncio.run(main())


async def shut_down(running: GracefulServer, *clients: socket.socket) -> list[bytes]:
    """Return what clients receive until a server that ends has closed their connections."""
    ending = asyncio.create_task(running.shutdown())
    answers = await asyncio.gather(*map(answer, clients))
    await ending
    return answers


async def answer(client: socket.socket) -> bytes:
    """Return what the server sends until it closes the connection."""
    reader, writer = await asyncio.open_connection(sock=client)
    found = await reader.read()
    writer.close()
    return found


def test_shutdown_answers_requests_that_wait_to_be_accepted() -> None:
    async def use(running: GracefulServer, connect: Client) -> None:
        clients = [connect() for _ in range(100)]  # the event loop, which accepts them, has not run since
        for client in clients:
            client.sendall(REQUEST)
        answers = await shut_down(running, *clients)
        assert all(each.endswith(b"\r\n\r\ndone") for each in answers)

    run(use)


def test_shutdown_answers_request_on_its_way() -> None:
    async def use(running: GracefulServer, connect: Client) -> None:
        new, begun, kept = (connect() for _ in range(3))
        begun.sendall(REQUEST[:9])
        kept.sendall(REQUEST)
        await asyncio.get_running_loop().run_in_executor(None, kept.recv, 1000)
        ending = asyncio.create_task(running.shutdown())
        while running.servers[0].is_serving():
            await asyncio.sleep(0)
        for client, rest in ((new, REQUEST), (begun, REQUEST[9:]), (kept, REQUEST)):
            client.sendall(rest)
        answers = await asyncio.gather(answer(new), answer(begun), answer(kept))
        await ending
        assert all(each.endswith(b"\r\n\r\ndone") for each in answers)

    run(use)


def test_shutdown_closes_connections_without_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "LINGER_SECONDS", 0)

    async def use(running: GracefulServer, connect: Client) -> None:
        assert await shut_down(running, connect()) == [b""]

    run(use)


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (b"", b""),
        (REQUEST[:9], b""),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", b""),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\na", b"done"),
        (REQUEST + REQUEST[:9], b"done"),
    ],
    ids=["nothing", "half a header", "no body", "half a body that is not waited for", "half a second header"],
)
def test_slow_client_is_cut_off(monkeypatch: pytest.MonkeyPatch, sent: bytes, received: bytes) -> None:
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.2)
    monkeypatch.setattr(server, "BODY_SECONDS", 0.2)

    async def use(_: GracefulServer, connect: Client) -> None:
        client = connect()
        client.sendall(sent)
        assert (await answer(client))[-4:] == received

    run(use)


def test_slow_connections_leave_idle_ones_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(_: GracefulServer, connect: Client) -> None:
        kept = connect()
        reader, writer = await asyncio.open_connection(sock=kept)
        for _round in range(2):
            writer.write(REQUEST)
            assert (await reader.readuntil(b"done")).startswith(b"HTTP/1.1 200")
            monkeypatch.setattr(server, "HEADER_SECONDS", 0.05)
            slow = [connect() for _ in range(200)]
            assert await asyncio.gather(*map(answer, slow)) == [b""] * 200
        writer.close()

    run(use)


def test_slow_body_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "BODY_SECONDS", 0)
    sent: list[Any] = []

    async def never() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")]}
    asyncio.run(middleware.RequestGuard(_app, Settings())(scope, never, send))
    assert (sent[0]["status"], (b"connection", b"close") in sent[0]["headers"]) == (400, True)
    assert b"did not arrive" in sent[1]["body"]
