"""The commands `todo user`: who may have todos in the profile's database."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from todocli import clock
from todocli.cli.context import Invocation
from todocli.cli.shared_options import COMMON, Command, Family, takes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from todocli.schemas.accounts import UserRead

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    family = typer.Typer(cls=Family, help="Register and rename the users of a database.", rich_markup_mode="rich")
    for name, body in (("list", list_), ("add", add), ("rename", rename)):
        family.command(name, cls=Command)(body)
    app.add_typer(family, name="user", rich_help_panel="Operators")


@takes(*COMMON)
def list_(invocation: Invocation) -> None:
    """List the users of the database."""
    from todocli.services.users import Users

    with invocation.store() as store, store.session() as session:
        users = Users(session).all()
    if invocation.machine:
        invocation.document(users)
    else:
        _print(invocation, users.items)


@takes(*COMMON)
def add(invocation: Invocation, name: Name) -> None:
    """Register a user. A name that is there already is the same user."""
    from todocli import profiles
    from todocli.services.users import Users

    profiles.check_user_name(name)
    with invocation.store() as store, store.session() as session:
        user, added = Users(session).add(name)
    if invocation.profile.user == name and invocation.profile.name in profiles.load().written:
        profiles.set_user_id(invocation.profile, user.id)
    _answer(invocation, user)
    if not added:
        invocation.note("That user was there already.")


@takes(*COMMON)
def rename(
    invocation: Invocation, name: Name, new_name: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")]
) -> None:
    """Give a user another name; the todos stay theirs."""
    from todocli import profiles
    from todocli.services.users import Users

    profiles.check_user_name(new_name)
    with invocation.store() as store, store.session() as session:
        user = Users(session).rename(name, new_name)
    _answer(invocation, user)
    if invocation.profile.user == name and not profiles.rename_user(invocation.profile, new_name):
        invocation.note(f"Your profile still says {name!r}.")


def _answer(invocation: Invocation, user: UserRead) -> None:
    if invocation.machine:
        invocation.document(user)
    else:
        _print(invocation, [user])


def _print(invocation: Invocation, users: Sequence[UserRead]) -> None:
    if invocation.table:
        from todocli.render.dates import ago
        from todocli.render.tables import plain_table

        rows = [(user.name, ago(user.created_at, clock.now()), str(user.id)) for user in users]
        invocation.show(plain_table(("User", "Added", "Id"), rows))
        return
    from todocli.render.text import visible

    sys.stdout.writelines(f"{visible(user.name)}\t{user.id}\n" for user in users)
