"""The commands `todo token`: who may use the HTTP API in your name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from todocli import clock
from todocli.cli.context import Invocation
from todocli.cli.shared_options import COMMON, Command, Family, takes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todocli.schemas.tokens import TokenRead

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a token, as phone.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    family = typer.Typer(cls=Family, help="Give programs access to your todos, by todo serve.", rich_markup_mode="rich")
    for name, body in (("create", create), ("list", list_), ("revoke", revoke)):
        family.command(name, cls=Command)(body)
    app.add_typer(family, name="token", rich_help_panel="Operators")


@takes(*COMMON)
def create(
    invocation: Invocation,
    name: Name,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="AGE", help="After how long: 90d, 12w; never, if not given.")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", metavar="", help="It may change nothing.")] = False,
) -> None:
    """Make a token. It is shown once; of what is stored, it cannot be found out."""
    from todocli.domain.timestamps import parse_duration

    until = clock.now() + parse_duration(expires, "expires") if expires is not None else None
    with invocation.owned() as (store, owner), store.session() as session:
        from todocli.services.tokens import Tokens

        made = Tokens(session, owner).create(name, expires_at=until, read_only=read_only)
    if invocation.machine:
        invocation.document(made)
        return
    invocation.line(made.token)
    invocation.note("Keep it: it is shown this once. Send it as: Authorization: Bearer todo_…")


@takes(*COMMON, "jsonl")
def list_(invocation: Invocation) -> None:
    """List your tokens, without the tokens themselves."""
    with invocation.owned() as (store, owner), store.session() as session:
        from todocli.services.tokens import Tokens

        found = Tokens(session, owner).all()
    if invocation.machine:
        invocation.document(found)
    elif not found.items:
        invocation.note("There are no tokens. Make one: todo token create NAME")
    else:
        _print(invocation, found.items)


@takes(*COMMON)
def revoke(invocation: Invocation, name: Name) -> None:
    """Make a token worthless, at once."""
    with invocation.owned() as (store, owner), store.session() as session:
        from todocli.services.tokens import Tokens

        token = Tokens(session, owner).revoke(name)
    if invocation.machine:
        invocation.document(token)
    else:
        _print(invocation, [token])
        invocation.note("Revoked: it opens nothing any more.")


def _print(invocation: Invocation, tokens: Sequence[TokenRead]) -> None:
    from todocli.render.dates import ago, local
    from todocli.render.text import visible

    now = clock.now()
    rows = [
        (
            visible(token.name),
            "read" if token.is_read_only else "all",
            ago(token.created_at, now),
            local(token.expires_at) if token.expires_at else "never",
            ago(token.last_used_at, now) if token.last_used_at else "never",
        )
        for token in tokens
    ]
    if invocation.table:
        from todocli.render.tables import plain_table

        invocation.show(plain_table(("Token", "May", "Made", "Expires", "Used"), rows))
    else:
        sys.stdout.writelines("\t".join(row) + "\n" for row in rows)
