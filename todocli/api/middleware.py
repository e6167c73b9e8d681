"""What stands before every request: which host and origin it is for, how large it is; and the log of all of them."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todocli.api.errors import BadRequest, LimitExceeded, answer, fault, no_json
from todocli.api.settings import Settings
from todocli.errors import AccessDenied, TodoError

MAX_BODY = 65_536
"""How many bytes a body may have: a todo with everything in it has less than 20,000."""

BODY_SECONDS = 20
"""For how many seconds a body is waited for."""

_CLIENT_LEFT = 499
"""What is logged where nobody was there for an answer; nginx has the number."""

_LOGGED = 200
"""So many characters of a path are logged."""

_NO_SNIFF, _NO_STORE = (b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+?)\.?(?::\d*)?", re.ASCII)

access_log = logging.getLogger("todo.access")


class RequestGuard:
    """An ASGI middleware that refuses what may not be asked, and logs each request as a line of JSON.

    A page of another origin could make a browser ask for a name that it has bound to this machine (DNS rebinding), so
    the host must be one of ours, and an origin, if there is one, the same host or one that is allowed.
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
        begun = time.perf_counter()
        status = _CLIENT_LEFT

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                private = [_NO_STORE] if scope["path"].startswith("/api/") else []
                message["headers"] = [*message["headers"], _NO_SNIFF, *private]
            await send(message)

        try:
            await self._serve(scope, receive, note)
        except Exception as error:
            answered = fault(error)
            if status != _CLIENT_LEFT:
                raise  # the answer has begun
            await answered(scope, receive, note)
        finally:
            took = round((time.perf_counter() - begun) * 1000, 1)
            client = (scope.get("client") or [None])[0]
            line = {
                "method": scope["method"],
                "path": scope["path"][:_LOGGED],
                "status": status,
                "ms": took,
                "client": client,
            }
            access_log.info("%s", json.dumps(line))
        if afterwards := scope.get("state", {}).get("afterwards"):
            await run_in_threadpool(afterwards)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        try:
            self._check(headers)
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(receive)
        except TimeoutError:
            refusal = answer(BadRequest(f"The body did not come within {BODY_SECONDS} seconds."))
            refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
            return
        except TodoError as error:
            await answer(error)(scope, receive, send)
            return
        if body is None:
            return
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, again, send)

    def _check(self, headers: Headers) -> None:
        """Raise `TodoError` for what a request's head says already."""
        host = headers.get("host", "").lower()
        match = _HOST.fullmatch(host)
        if match is None or match[1] not in self._hosts:
            raise AccessDenied("Requests for that host are not answered here.")
        origin = headers.get("origin")
        if origin and origin not in self._origins and origin.lower().partition("://")[2] != host:
            raise AccessDenied("Pages of another origin may not ask here.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or ("content-length" in headers and "transfer-encoding" in headers):
            raise BadRequest("It is not clear how long the body is.")  # RFC 9112, section 6.3: perhaps smuggled
        if int(length) > MAX_BODY:
            raise _too_large()


async def _body(receive: Receive) -> bytes | None:
    """Return the body of a request, or None if the client left. Raises `TodoError` for what is no text."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise _too_large()
        if not message.get("more_body", False):
            break
    try:
        is_text = "\0" not in body.decode("utf-8")  # RFC 8259, section 8.1; with a NUL it would be read as UTF-16
    except UnicodeDecodeError:
        is_text = False
    if not is_text:
        raise no_json()
    return bytes(body)


def _too_large() -> LimitExceeded:
    return LimitExceeded(f"A body has at most {MAX_BODY:,} bytes.")
