"""What stands before every request: which host and origin it is for, how large it is; and the log of all of them."""

from __future__ import annotations

import json
import logging
import time
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from todocli.api.errors import BadRequest, LimitExceeded, answer
from todocli.api.settings import Settings
from todocli.errors import AccessDenied, TodoError

MAX_BODY = 65_536
"""How many bytes a body may have: a todo with everything in it has less than 20,000."""

access_log = logging.getLogger("todo.access")


class Guards:
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
        status = 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            await send(message)

        try:
            await self._serve(scope, receive, note)
        finally:
            took = round((time.perf_counter() - begun) * 1000, 1)
            client = (scope.get("client") or [None])[0]
            line = {"method": scope["method"], "path": scope["path"], "status": status, "ms": took, "client": client}
            access_log.info("%s", json.dumps(line))

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if fault := self._fault(headers):
            await answer(fault)(scope, receive, send)
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            if len(body) > MAX_BODY:
                await answer(_too_large())(scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self._app(scope, again, send)

    def _fault(self, headers: Headers) -> TodoError | None:
        host = headers.get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if name.lower() not in self._hosts:
            return AccessDenied("Requests for that host are not answered here.")
        origin = headers.get("origin")
        if origin and origin not in self._origins and urlsplit(origin).netloc.lower() != host.lower():
            return AccessDenied("Pages of another origin may not ask here.")
        length = headers.get("content-length", "0")
        if not length.isdecimal():
            return BadRequest("The Content-Length is not a number.")
        return _too_large() if int(length) > MAX_BODY else None


def _too_large() -> LimitExceeded:
    return LimitExceeded(f"A body has at most {MAX_BODY:,} bytes.")
