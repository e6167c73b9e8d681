"""A client of the tools for agents: the official SDK's, in this process."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from typing import Any

from mcp import Client
from mcp.server import Server
from mcp_types import CallToolResult, Implementation, TextContent

from todocli import profiles
from todocli.domain.history import Origin
from todocli.mcp_server.tool_server import Request, client_name, create_server
from todocli.mcp_server.tools import Open, Tool
from todocli.services.opening import open_workspace

ERAS = ("legacy", "auto")
"""With the handshake that clients used until 2025, and without it."""


def server_here() -> Server[Any]:
    """Return the server that `todo mcp` runs, on the profile of the isolated machine."""

    def opener(request: Request, _tool: Tool) -> Open:
        origin = Origin("mcp", client_name(request))
        return partial(open_workspace, profiles.resolve(None), origin=origin)

    return create_server(opener)


def text_of(result: CallToolResult) -> str:
    """Return the text of an answer, which has one."""
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


@dataclass
class Agent:
    """Calls tools, each in a session of its own."""

    name: str = "robot"
    era: str = "legacy"

    def client(self, server: Any = None) -> Client:
        """Return a client that is not connected yet."""
        info = Implementation(name=self.name, version="1")
        return Client(server or server_here(), client_info=info, mode=self.era)

    def result(self, tool: str, **arguments: Any) -> CallToolResult:
        """Return the whole answer of a tool."""

        async def call() -> CallToolResult:
            async with self.client() as client:
                return await client.call_tool(tool, arguments)

        return asyncio.run(call())

    def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer of a tool, which must succeed."""
        result = self.result(tool, **arguments)
        assert not result.is_error, text_of(result)
        answer: dict[str, Any] = result.structured_content
        assert json.loads(text_of(result)) == answer
        return answer

    def refused(self, tool: str, **arguments: Any) -> str:
        """Return the text of a tool's error."""
        result = self.result(tool, **arguments)
        assert result.is_error, text_of(result)
        return text_of(result)
