"""The commands `todo view`: lists that are saved under a name."""

from __future__ import annotations

import shlex
from typing import Annotated, Any, ClassVar

import typer

from todocli.cli.command import Command, Family, Itemised, Names, Reading, Speaking
from todocli.cli.context import Context
from todocli.cli.filter_options import FilterOptions
from todocli.errors import UsageError, ValidationError

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a view.")]


class Saving(Command):
    """The command that saves a view: the view has its own options for the output."""

    takes: ClassVar[Names] = ("no_input", "color", "debug")


class Views(Family):
    """The family. Alone it lists the views, and a word that is not a command names one to show."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments."""
        is_bare = all(word.startswith("-") and word not in ("-h", "--help") for word in args)
        return super().parse_args(ctx, ["list", *args] if is_bare and not ctx.resilient_parsing else args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command, and the words that are left for it."""
        if args[0] not in self.commands and not args[0].startswith("-") and not ctx.resilient_parsing:
            args = ["show", *args]
        return super().resolve_command(ctx, args)


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    family = typer.Typer(cls=Views, help="Save lists under a name, and show them: todo view NAME")
    loose = {"ignore_unknown_options": True}
    family.command("save", cls=Saving, context_settings=loose)(save)
    family.command("show", cls=Reading, context_settings=loose)(show)
    family.command("list", cls=Itemised)(list_)
    family.command("rm", cls=Speaking)(rm)
    app.add_typer(family, name="view", rich_help_panel="Organise")


def save(
    context: Context,
    name: Name,
    words: Annotated[list[str], typer.Argument(metavar="FILTER...", help="What you would type after todo list.")],
) -> None:
    """Save a list under a name.

    todo view save week due:week --sort -priority

    todo week shows it. The name may not be that of a command or an alias.
    """
    from todocli import profiles

    root: Any = context.find_root().command
    for what, names in (("a command", (*VIEW_COMMANDS, *root.commands)), ("an alias", context.settings.aliases)):
        if name in names:
            raise UsageError(f"A view cannot be called {name}: that is {what}.", hint="Choose another name.")
    _check(context, words)
    before = profiles.save_view(name, shlex.join(words))
    was = f" (it was: {before})" if before else ""
    context.output.note(f"Saved{was}. Show it", ("todo", name))


def show(
    context: Context,
    name: Name,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[FILTER...]", help="More of what you would type after todo list.")
    ] = None,
) -> None:
    """Show a view. The word show may be left out.

    todo view week
    todo view week +home
    """
    from todocli import profiles

    line = profiles.view(name, context.settings)
    try:
        saved = shlex.split(line)
    except ValueError:
        detail = f"The view {name} cannot be parsed: {line[:60]!r}."
        raise ValidationError(detail, hint="Save it again, or correct config.toml.") from None
    listing = _list_context(context, [*saved, *_narrowing(words or [])])
    with listing:
        listing.command.invoke(listing)


def _narrowing(words: list[str]) -> list[str]:
    """Return words so that they narrow a view, even if it has the same key: of a key that is repeated, any would do."""
    from todocli import clock
    from todocli.domain.filters.ast import format_filter
    from todocli.domain.filters.parser import parse_words
    from todocli.domain.filters.words import is_key_word

    if not words or any(word.startswith("-") and not is_key_word(word) for word in words):
        return words
    return ["--where", format_filter(parse_words(words, today=clock.today()))]


def list_(context: Context) -> None:
    """List the saved views."""
    from todocli.schemas.views import ViewList, ViewRead

    views = sorted(context.settings.views.items())
    document = ViewList.of([ViewRead(name=name, line=line) for name, line in views])
    nothing = "There are no views yet. Save one", ("todo", "view", "save", "NAME", "+home")
    context.output.rows(document, ("View", "todo list …"), views, nothing=nothing)


def rm(context: Context, name: Name) -> None:
    """Delete a view. The todos stay."""
    from todocli import profiles

    line = profiles.view(name, context.settings)
    profiles.remove_view(name)
    context.output.note("Deleted. To save it again", ("todo", "view", "save", name, *_words(line)))


VIEW_COMMANDS = ("save", "show", "list", "rm")


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return [line]


def _list_context(context: Context, words: list[str]) -> Any:
    root: Any = context.find_root()
    return root.command.commands["list"].make_context("list", list(words), parent=root, obj=context.obj)


def _check(context: Context, words: list[str]) -> None:
    """Raise what `todo list` would raise for these words."""
    from todocli.domain.sorting import parse_sort

    with _list_context(context, words) as listing:
        values = listing.params
        options = FilterOptions(**{name: values[name] for name in FilterOptions.__dataclass_fields__})
        options.state(options.filter(values["words"]))
        parse_sort(values["sort"] or "")
