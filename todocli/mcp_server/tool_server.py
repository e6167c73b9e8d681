"""The tools as a server of the official SDK, whatever the transport.

It is the SDK's low-level server: that one shows a client exactly our schemas, and leaves errors to us.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as ShownTool

from todocli import __version__
from todocli.database.redact import redact
from todocli.errors import Conflict, FieldError, NotFound, TodoError, UsageError, ValidationError
from todocli.mcp_server.tool_arguments import schema_of
from todocli.mcp_server.tools import INSTRUCTIONS, TOOLS, Open, Tool
from todocli.render.documents import compact_json, error_body
from todocli.render.text import hint_line, visible

Request = ServerRequestContext[Any, Any]
Opener = Callable[[Request, Tool], Open]
"""Returns how the todos of the client that sent a request are opened, for a tool."""


_OF_ARGUMENTS = (UsageError, ValidationError, NotFound, Conflict)


def create_server(opener: Opener) -> Server[Any]:
    """Return a server of the tools."""

    async def list_tools(_request: Request, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_shown(tool) for tool in TOOLS.values()])

    async def call_tool(request: Request, params: CallToolRequestParams) -> CallToolResult:
        if (tool := TOOLS.get(params.name)) is None:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name[:40]!r}.")
        # The services wait for the database, and other requests must not wait with them.
        return await asyncio.to_thread(answer, tool, opener(request, tool), params.arguments or {})

    return Server(
        "todo", version=__version__, instructions=INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool
    )


def client_name(request: Request) -> str | None:
    """Return the name of the client as history records it: at most 64 printable characters."""
    client = request.session.client_params
    name = client.client_info.name if client else ""
    return "".join(filter(str.isprintable, name)).strip()[:64] or None


def _shown(tool: Tool) -> ShownTool:
    hints = ToolAnnotations(title=tool.title, read_only_hint=not tool.writes, open_world_hint=False)
    if tool.writes:
        hints.destructive_hint, hints.idempotent_hint = tool.destroys, tool.is_idempotent
    return ShownTool(
        name=tool.name, description=tool.description, input_schema=schema_of(tool.arguments), annotations=hints
    )


def answer(tool: Tool, open_workspace: Open, values: Mapping[str, object]) -> CallToolResult:
    """Return what a tool answers to the arguments `values`; every error is an answer as well."""
    try:
        found = tool.call(open_workspace, values)
    except TodoError as error:
        return _refusal(error)
    except Exception as error:
        return _refusal(TodoError(f"Internal error: {type(error).__name__}: {error}", hint="This is a bug in todo."))
    return CallToolResult(content=[TextContent(text=compact_json(found))], structured_content=found)


def _refusal(error: TodoError) -> CallToolResult:
    """Return an error as the command line shows it, without passwords.

    What is wrong with the arguments has no hint that only a command line can follow. What is wrong with the machine
    has, for the person who runs it.
    """
    if isinstance(error, _OF_ARGUMENTS):
        error.hint, error.command = error.hint_anywhere, None
    error.detail, error.hint = redact(error.detail), error.hint and redact(error.hint)
    error.command = error.command and tuple(map(redact, error.command))
    error.field_errors = tuple(FieldError(name, redact(message)) for name, message in error.field_errors)
    hint = hint_line(error.hint, error.command)
    text = "\n".join([visible(error.detail), *([f"Hint: {visible(hint)}"] if hint else [])])
    body = error_body(error).model_dump(mode="json", exclude_none=True)
    return CallToolResult(content=[TextContent(text=text)], structured_content=body, is_error=True)
