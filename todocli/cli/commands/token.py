"""The commands `todo token`: access for programs, through the HTTP API."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from todocli import clock
from todocli.cli import qr as qr_code
from todocli.cli.colour import wants_colour
from todocli.cli.command import Command, Family, Itemised
from todocli.cli.context import Context
from todocli.cli.installer import install_extra
from todocli.domain.scopes import FEED, Scope
from todocli.errors import UsageError, ValidationError

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
        Scope | None,
        typer.Option(
            "--scope", metavar="SCOPE", help="read, write (default), or destroy, which may also delete for good."
        ),
    ] = None,
    feed: Annotated[
        bool, typer.Option("--feed", metavar="", help="For a calendar: print the address of a feed that only reads.")
    ] = False,
    qr: Annotated[
        bool,
        typer.Option("--qr", metavar="", help="For a phone: print a link that signs in on the page."),
    ] = False,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="Where the server is reached; public_url by default."),
    ] = None,
) -> None:
    """Create a token. It is shown once; only its hash is stored.

    todo token create phone --expires 90d
    todo token create phone --qr --base-url https://todo.example
    todo token create calendar --feed
    """
    from todocli.config_rules import base_url_fault
    from todocli.domain.timestamps import parse_duration

    if feed and (qr or scope):
        other = "--qr" if qr else "--scope"
        raise UsageError(f"--feed and {other} cannot be combined.", hint="A feed only reads, in a calendar program.")
    if base_url is not None and (fault := base_url_fault(base_url)):
        raise ValidationError.of("base-url", f"--base-url {fault}.")
    base = (base_url or context.settings.public_url).rstrip("/")
    if qr and not base:
        raise UsageError("--qr needs the address of the server.", hint="Add --base-url https://todo.example")
    until = clock.now() + parse_duration(expires, "expires") if expires is not None else None
    with context.workspace() as workspace:
        token = workspace.tokens.create(name, expires_at=until, scope=FEED if feed else scope or "write")
    if not feed and not qr:
        context.output.lines(token, [token.token])
        context.output.note("Copy it now; it won't be shown again. Clients send it as Authorization: Bearer todo_…")
        return
    from todocli.schemas.tokens import TokenLink

    url = f"{base}/feed/{token.token}.ics" if feed else f"{base}/#token={token.token}"
    context.output.lines(TokenLink(url=url, **token.model_dump()), [url])
    _explain(context, url, base, token.scope)


def _explain(context: Context, url: str, base: str, scope: str) -> None:
    """Print what to do with the link of a token with this scope, and at a terminal its QR code."""
    what = "Subscribe to it in a calendar program" if scope == FEED else "Open it on the phone"
    rights = "read your todos" if scope in (FEED, "read") else "read and change your todos"
    context.output.note(f"{what}. Whoever has it can {rights}.")
    if not base:
        context.output.note("It follows your server's address: pass --base-url, or set public_url.")
    elif base.startswith("http://") and not re.match(r"http://(localhost|127\.|\[::1\])", base):
        context.output.note("WARNING: without TLS (https), anyone on the way can read the token.")
    if base and context.output.is_for_person and sys.stdout.isatty():
        drawn = qr_code.draw(url, colour=wants_colour(sys.stdout, context.shared.color))
        if drawn is None:
            context.output.note("To see it as a QR code", install_extra("api"))
        else:
            print(drawn)


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
