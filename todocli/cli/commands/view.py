"""The commands `todo view`: lists that are saved under a name."""

from __future__ import annotations

import shlex
import sys
from typing import Annotated, Any

import typer

from todocli.cli.context import Invocation
from todocli.cli.filter_options import Choice
from todocli.cli.shared_options import COMMON, READING, Command, Family, takes
from todocli.errors import UsageError, ValidationError
from todocli.render.text import visible

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a view.")]


class Views(Family):
    """The family, in which a word that is no command is the name of a view; alone it lists them."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments."""
        is_bare = all(word.startswith("-") and word not in ("-h", "--help") for word in args)
        return super().parse_args(ctx, ["list", *args] if is_bare and not ctx.resilient_parsing else args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command, and the words that are left for it."""
        if args[0] not in self.commands and not args[0].startswith("-") and not ctx.resilient_parsing:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    family = typer.Typer(
        cls=Views, help="Save a list under a name, and show it: todo view NAME", rich_markup_mode="rich"
    )
    loose = {"ignore_unknown_options": True}
    family.command("save", cls=Command, context_settings=loose)(save)
    family.command("show", cls=Command, context_settings=loose)(show)
    family.command("list", cls=Command)(list_)
    family.command("rm", cls=Command)(rm)
    app.add_typer(family, name="view", rich_help_panel="Organise")


@takes("no_input", "color")
def save(
    invocation: Invocation,
    context: typer.Context,
    name: Name,
    words: Annotated[list[str], typer.Argument(metavar="FILTER", help="What is typed after todo list.")],
) -> None:
    """Save what is typed after todo list: todo view save week due:week --sort -priority"""
    from todocli import profiles

    if name in VIEWS:
        raise UsageError(f"No view can be called {name}: it is a command.", hint="Take another name.")
    _check(context, words)
    before = profiles.save_view(name, shlex.join(words))
    invocation.note(f"Saved. Show it: todo view {name}" + (f" (it was: {visible(before)})" if before else ""))


@takes(*READING)
def show(
    invocation: Invocation,
    context: typer.Context,
    name: Name,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="FILTER", help="More of what is typed after todo list.")
    ] = None,
) -> None:
    """Show a view; show itself may be left out."""
    from todocli import profiles

    line = profiles.view(name, profiles.load())
    try:
        saved = shlex.split(line)
    except ValueError:
        detail = f"The view {name} cannot be read: {line[:60]!r}."
        raise ValidationError(detail, hint="Save it again, or correct config.toml.") from None
    listing = _list_context(context, [*saved, *(words or ())])
    with listing:
        listing.command.invoke(listing)


@takes(*COMMON, "jsonl")
def list_(invocation: Invocation) -> None:
    """List the saved views."""
    from todocli import profiles

    views = sorted(profiles.load().views.items())
    if invocation.machine:
        from todocli.schemas.views import ViewList, ViewRead

        items = [ViewRead(name=name, line=line) for name, line in views]
        invocation.document(ViewList(items=items, count=len(items), total=len(items)))
    elif not views:
        invocation.note("There are no views yet. Save one: todo view save NAME +home")
    elif invocation.table:
        from todocli.render.tables import plain_table

        invocation.show(plain_table(("View", "todo list …"), views))
    else:
        sys.stdout.writelines(f"{name}\t{visible(line)}\n" for name, line in views)


@takes("profile", "no_input", "color")
def rm(invocation: Invocation, name: Name) -> None:
    """Forget a view; the todos stay."""
    from todocli import profiles

    line = profiles.view(name, profiles.load())
    profiles.remove_view(name)
    invocation.note(f"Forgotten. It was: todo view save {name} {visible(line)}")


VIEWS = ("save", "show", "list", "rm")


def _list_context(context: typer.Context, words: list[str]) -> Any:
    root: Any = context.find_root()
    return root.command.commands["list"].make_context("list", list(words), parent=root, obj=context.obj)


def _check(context: typer.Context, words: list[str]) -> None:
    """Raise what `todo list` would for these words."""
    from todocli.domain.sorting import parse_sort

    with _list_context(context, words) as listing:
        values = listing.params
        choice = Choice(**{name: values[name] for name in Choice.__dataclass_fields__})
        choice.state()
        choice.filter(values["words"])
        parse_sort(values["sort"] or "")
