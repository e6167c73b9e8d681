"""The commands `todo token`: access for programs, through the HTTP API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from todocli import clock
from todocli.cli.command import Command, Family, Itemised
from todocli.cli.context import Context
from todocli.domain.scopes import Scope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from todocli.cli.output import Note
    from todocli.schemas.tokens import TokenRead

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a token, such as phone.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    family = typer.Typer(cls=Family, help="Give programs access to your todos, through todo serve.")
    for name, cls, body in (("create", Command, create), ("list", Itemised, list_), ("revoke", Command, revoke)):
        family.command(name, cls=cls)(body)
    app.add_typer(family, name="token", rich_help_panel="Operators")


def create(
    context: Context,
    name: Name,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="DURATION", help="Valid for this long: 90d, 12w; forever by default."),
    ] = None,
    scope: Annotated[
        Scope,
        typer.Option(
            "--scope", metavar="SCOPE", help="read, write (default), or destroy, which may also delete for good."
        ),
    ] = "write",
) -> None:
    """Create a token. It is shown once; only its hash is stored.

    todo token create phone --expires 90d
    """
    from todocli.domain.timestamps import parse_duration

    until = clock.now() + parse_duration(expires, "expires") if expires is not None else None
    with context.workspace() as workspace:
        token = workspace.tokens.create(name, expires_at=until, scope=scope)
    context.output.lines(token, [token.token])
    context.output.note("Copy it now; it won't be shown again. Clients send it as Authorization: Bearer todo_…")


def list_(context: Context) -> None:
    """List your tokens, without their secrets."""
    with context.workspace() as workspace:
        found = workspace.tokens.all()
    _print(context, found, found.items, ("There are no tokens. Create one", ("todo", "token", "create", "NAME")))


def revoke(context: Context, name: Name) -> None:
    """Revoke a token. It stops working at once."""
    with context.workspace() as workspace:
        token = workspace.tokens.revoke(name)
    _print(context, token, [token])
    context.output.note("Revoked; the token no longer works.")


def _print(context: Context, document: BaseModel, tokens: Sequence[TokenRead], nothing: Note | None = None) -> None:
    from todocli.render.dates import ago, local

    now = clock.now()
    rows = [
        (
            token.name,
            token.scope,
            ago(token.created_at, now),
            local(token.expires_at) if token.expires_at else "never",
            ago(token.last_used_at, now) if token.last_used_at else "never",
        )
        for token in tokens
    ]
    context.output.rows(document, ("Token", "Scope", "Created", "Expires", "Used"), rows, nothing=nothing)
