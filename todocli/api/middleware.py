"""ASGI middleware: the log of requests, and the checks before the first handler."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todocli.api.errors import (
    BadRequest,
    LimitExceeded,
    UnsupportedMediaType,
    internal_error,
    invalid_json,
    response_for,
)
from todocli.api.metrics import Metrics
from todocli.api.settings import Settings
from todocli.errors import AccessDenied, TodoError

MAX_BODY = 65_536
"""The largest body in bytes: a todo with every field at its limit has less than 20,000."""

MAX_BULK_BODY = 2_097_152
"""The largest body in bytes that has several todos."""

PROBES = ("/health", "/healthz", "/readyz")
"""Paths that answer under any host name: probes connect by address. They say nothing of anybody's todos."""

BODY_SECONDS = 20
"""How long a body is waited for."""

_CLIENT_CLOSED_REQUEST = 499
"""Logged if the client left before the response; the number is nginx's."""

_MAX_LOGGED_PATH = 200
_NO_SNIFF, _NO_STORE = (b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")
_SECRET = re.compile(r"(?<=/feed/).*|todo_[0-9A-Za-z]{20,}", re.DOTALL | re.IGNORECASE)
"""The token of a calendar feed, or what may be meant as one."""

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(?::\d*)?", re.ASCII)

access_log = logging.getLogger("todo.access")


class RequestLog:
    """Logs each request as a line of JSON, answers unexpected errors, and runs what is left for afterwards.

    It records each request in `metrics` too, if there are any.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics | None = None) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = _CLIENT_CLOSED_REQUEST

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                private = [_NO_STORE] if _route_path(scope).startswith(("/api/", "/mcp")) else []
                message["headers"] = [*message["headers"], _NO_SNIFF, *private]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            response = internal_error(error)
            if status != _CLIENT_CLOSED_REQUEST:
                raise  # the response has begun
            await response(scope, receive, send_and_note)
        finally:
            seconds = time.perf_counter() - begun
            line = {
                "method": scope["method"],
                "path": _SECRET.sub("***", scope["path"])[:_MAX_LOGGED_PATH],
                "status": status,
                "ms": round(seconds * 1000, 1),
                "client": (scope.get("client") or [None])[0],
            }
            access_log.info("%s", json.dumps(line))
            if self._metrics:
                route = getattr(scope.get("route"), "path", "")
                error_code = scope.get("state", {}).get("error_code")
                self._metrics.record(scope["method"], route, status, seconds, error_code)
        if afterwards := scope.get("state", {}).get("afterwards"):
            await run_in_threadpool(afterwards)


class RequestGuard:
    """Refuses requests for other hosts or from other origins, and bodies that are too long, slow or not text.

    A page of another origin could reach this server under a name that it has bound to this machine (DNS rebinding).
    So the host must be one of ours, and an origin the same host or an allowed one.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._hosts = {host.lower() for host in settings.hosts}
        self._origins = set(settings.origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            self._check_head(_route_path(scope), headers)
            async with asyncio.timeout(BODY_SECONDS):
                body = await _read_body(receive, _limit(_route_path(scope)))
            if body and not _is_json(headers):
                raise UnsupportedMediaType
        except TimeoutError:
            refusal = response_for(BadRequest(f"The body did not arrive within {BODY_SECONDS} seconds."))
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
            return
        except TodoError as error:
            refusal = response_for(error)
            if _has_two_lengths(headers):  # what follows on this connection may be part of the body
                refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
            return
        if body is None:
            return
        is_read = False

        async def receive_again() -> Message:
            nonlocal is_read
            if is_read:
                return await receive()
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        if scope["method"] == "HEAD":  # answered as GET, without the body (RFC 9110, section 9.3.2)
            as_get = {**scope, "method": "GET"}
            await self._app(as_get, receive_again, _without_body(send))
            scope["route"] = as_get.get("route")
        else:
            await self._app(scope, receive_again, send)

    def _check_head(self, path: str, headers: Headers) -> None:
        """Raise `TodoError` for a request that its headers rule out."""
        host = headers.get("host", "").lower()
        match = _HOST.fullmatch(host)
        if path not in PROBES and (match is None or match[1] not in self._hosts):
            raise AccessDenied("Requests for that host are not answered here.")
        origin = headers.get("origin")
        if origin and origin not in self._origins and origin.lower().partition("://")[2] != host:
            raise AccessDenied("Requests from pages of another origin are not answered here.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or _has_two_lengths(headers):
            raise BadRequest("The length of the body is ambiguous.")  # RFC 9112, section 6.3: possibly smuggled
        if int(length) > (limit := _limit(path)):
            raise _too_large(limit)
        if len(headers.getlist("authorization")) > 1:
            raise BadRequest("There is more than one Authorization header.")


def _route_path(scope: Scope) -> str:
    """Return the path without the prefix under which a proxy serves it."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _is_json(headers: Headers) -> bool:
    return headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def _has_two_lengths(headers: Headers) -> bool:
    return "content-length" in headers and "transfer-encoding" in headers


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_head


def _limit(path: str) -> int:
    """Return how many bytes the body of a request may have."""
    return MAX_BULK_BODY if path.endswith("/api/v1/bulk") else MAX_BODY


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """Return the body of a request, or None if the client left. Raises `TodoError` if it is not text."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            break
    try:
        is_text = "\0" not in body.decode("utf-8")  # RFC 8259, section 8.1; with a NUL it would be read as UTF-16
    except UnicodeDecodeError:
        is_text = False
    if not is_text:
        raise invalid_json()
    return bytes(body)


def _too_large(limit: int) -> LimitExceeded:
    return LimitExceeded(f"A body can have at most {limit:,} bytes.")
