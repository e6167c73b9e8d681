"""`todo mcp`: the tools on stdin and stdout, for a client that starts this program."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from mcp.server.stdio import stdio_server

from todocli.domain.history import Origin
from todocli.mcp_server.tool_server import Request, client_name, create_server
from todocli.mcp_server.tools import Open, Tool
from todocli.services.workspace import Workspace

OpenProfile = Callable[[Origin], AbstractContextManager[Workspace]]
"""Opens the user's todos for one call: between calls no connection is held, so that Neon can suspend."""


def serve(open_profile: OpenProfile) -> None:
    """Serve the todos that `open_profile` opens, until stdin ends. Meanwhile, prints go to stderr."""
    # A thread waits for stdin, which Python cannot interrupt. A change that is cut off is complete, or was not made.
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        asyncio.run(_serve(open_profile))
    finally:
        signal.signal(signal.SIGINT, before)


async def _serve(open_profile: OpenProfile) -> None:
    def opener(request: Request, _tool: Tool) -> Open:
        return partial(open_profile, Origin("mcp", client_name(request)))

    server = create_server(opener)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
