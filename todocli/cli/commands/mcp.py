"""The command mcp: the todos as tools for an agent, until it leaves."""

from __future__ import annotations

import sys

import typer

from todocli.cli.command import Lasting
from todocli.cli.context import Context
from todocli.cli.installer import install_extra
from todocli.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("mcp", cls=Lasting, rich_help_panel="You")(mcp)


def mcp(context: Context) -> None:
    """Give an agent your todos as tools, over MCP on stdin and stdout.

    todo mcp
    todo --profile work mcp

    An agent's program starts it: todo help agents shows how to configure that. todo log shows what an agent changed,
    and todo undo takes it back.
    """
    try:
        import mcp_types  # noqa: F401 - which version 1 of the SDK does not have
    except ImportError:
        raise UsageError("MCP is not installed.", hint="Install it", command=install_extra("mcp")) from None
    from todocli.mcp_server import stdio

    _ = context.target  # report a profile that is not valid now, not to the agent
    if sys.stdin.isatty():
        context.output.note("Waiting for an agent's program on stdin. To configure one", ("todo", "help", "agents"))
    stdio.serve(lambda origin: context.workspace(origin=origin))
