"""The commands `todo user`: the users of the profile's database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from todocli import clock
from todocli.cli.command import Command, Family
from todocli.cli.context import Context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from todocli.schemas.accounts import UserRead

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    family = typer.Typer(cls=Family, help="Register and rename the users of a database.")
    for name, body in (("list", list_), ("add", add), ("rename", rename)):
        family.command(name, cls=Command)(body)
    app.add_typer(family, name="user", rich_help_panel="Operators")


def list_(context: Context) -> None:
    """List the users of the database."""
    with context.workspace() as workspace:
        users = workspace.users.all()
    _print(context, users, users.items)


def add(context: Context, name: Name) -> None:
    """Register a user. If the name exists already, nothing changes."""
    from todocli import profiles

    profiles.check_user_name(name)
    with context.workspace() as workspace:
        user, added = workspace.users.add(name)
    if context.profile.user == name and context.profile.name in profiles.load().written:
        profiles.set_user_id(context.profile, user.id)
    _print(context, user, [user])
    if not added:
        context.output.note("The user already exists.")


def rename(
    context: Context, name: Name, new_name: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")]
) -> None:
    """Rename a user. Their todos stay."""
    from todocli import profiles

    profiles.check_user_name(new_name)
    with context.workspace() as workspace:
        user = workspace.users.rename(name, new_name)
    _print(context, user, [user])
    if context.profile.user == name and not profiles.rename_user(context.profile, new_name):
        context.output.note(f"Your profile still says {name!r}.")


def _print(context: Context, document: BaseModel, users: Sequence[UserRead]) -> None:
    from todocli.render.dates import ago

    rows = [(user.name, ago(user.created_at, clock.now()), str(user.id)) for user in users]
    plain = [(user.name, str(user.id)) for user in users]
    context.output.rows(document, ("User", "Added", "Id"), rows, plain=plain)
