"""`POST /mcp`: the tools for agents, for clients with a token (MCP's streamable HTTP).

Each request stands on its own, as those of the API do: there is no session, so any worker may answer, and an answer is
one JSON document. What guards the API guards this path as well.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from todocli.api.auth import require, require_read
from todocli.api.errors import public, status_of
from todocli.api.middleware import MAX_BODY
from todocli.database.store import Store
from todocli.domain.history import Origin
from todocli.errors import TodoError
from todocli.mcp_server import tool_server
from todocli.mcp_server.tools import Open, Tool
from todocli.services.tokens import Principal
from todocli.services.workspace import Workspace

log = logging.getLogger("todo.api")


class McpEndpoint:
    """An ASGI app that answers while it is `running`."""

    path = "/mcp"

    def __init__(self, store: Store) -> None:
        self._store = store
        self._server = tool_server.create_server(self._opener)
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve requests meanwhile."""
        self._manager = StreamableHTTPSessionManager(
            self._server, json_response=True, stateless=True, max_request_body_size=MAX_BODY
        )
        async with self._manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request. Raises `TodoError` for a client that is not authenticated."""
        scope["route"] = self  # the metrics count by the path of this
        request = Request(scope)
        request.state.principal = await run_in_threadpool(require_read, request)
        if self._manager is None:
            raise RuntimeError("The endpoint is not running.")
        await self._manager.handle_request(scope, receive, send)

    def _opener(self, request: tool_server.Request, tool: Tool) -> Open:
        received: Any = request.request
        principal: Principal = received.state.principal
        name = principal.token_name or tool_server.client_name(request)
        return partial(self._open, principal, Origin("mcp", name), writes=tool.writes)

    @contextmanager
    def _open(self, principal: Principal, origin: Origin, *, writes: bool) -> Iterator[Workspace]:
        """Open the client's todos for one call. Nothing internal is in an error."""
        try:
            require(principal, "write" if writes else "read")
            with Workspace(self._store, principal.owner, origin=origin) as workspace:
                yield workspace
        except TodoError as error:
            if status_of(error) >= 500:
                log.error("%s: %s", type(error).__name__, error.detail)
            raise public(error) from None
        except Exception as error:
            log.error("Internal error: %s", type(error).__name__, exc_info=error)
            raise public(TodoError("")) from None
