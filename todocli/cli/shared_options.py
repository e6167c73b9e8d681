"""The options that stand before or after the command, and how a command says which of them it takes."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Literal
from uuid import UUID

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from todocli.cli import exits
from todocli.cli.context import Invocation, paints
from todocli.errors import FieldError, OutcomeUnknown, TodoError, UsageError, ValidationError

_PANEL = "Everywhere"

_OPTIONS: dict[str, Any] = {
    "json": Annotated[
        bool, typer.Option("--json", metavar="", help="Print one JSON document.", rich_help_panel=_PANEL)
    ],
    "jsonl": Annotated[
        bool, typer.Option("--jsonl", metavar="", help="Print a JSON document a line.", rich_help_panel=_PANEL)
    ],
    "fields": Annotated[
        str | None,
        typer.Option("--fields", metavar="A,B", help="Print only these fields, as JSON.", rich_help_panel=_PANEL),
    ],
    "quiet": Annotated[
        bool, typer.Option("--quiet", "-q", metavar="", help="Print numbers only.", rich_help_panel=_PANEL)
    ],
    "change": Annotated[
        str | None,
        typer.Option("--change", metavar="UUID", help="Name this step: repeating it is safe.", rich_help_panel=_PANEL),
    ],
    "yes": Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask.", rich_help_panel=_PANEL)],
    "profile": Annotated[
        str | None, typer.Option("--profile", metavar="NAME", help="Use this profile.", rich_help_panel=_PANEL)
    ],
    "no_input": Annotated[
        bool, typer.Option("--no-input", metavar="", help="Never ask anything.", rich_help_panel=_PANEL)
    ],
    "color": Annotated[
        Literal["auto", "always", "never"] | None,
        typer.Option("--color", help="Use colour: auto, always or never.", rich_help_panel=_PANEL),
    ],
}

NARROW = 60
"""Terminals of fewer columns get help without tables."""

COMMON = ("json", "profile", "no_input", "color")
"""What every command takes."""

READING = ("json", "jsonl", "fields", "quiet", "profile", "no_input", "color")
"""What commands that show todos take."""

WRITING = ("json", "jsonl", "fields", "quiet", "change", "profile", "no_input", "color")
"""What commands that change todos take."""

EVERYTHING = tuple(_OPTIONS)

Body = Callable[..., None]


def takes(*names: str) -> Callable[[Body], Body]:
    """Make a function a command body: it gets the `Invocation` first, and its line takes the options `names` too."""

    def decorate(function: Body) -> Body:
        own = [p for p in inspect.signature(function, eval_str=True).parameters.values() if p.name != "invocation"]
        needs_context = any(p.name == "context" for p in own)

        @functools.wraps(function)
        def body(context: typer.Context, **values: Any) -> None:
            invocation = context.ensure_object(Invocation)
            _merge(invocation, {name: values.pop(name) for name in names})
            if not _leads_on(context):
                invocation.check(names if context.parent else READING)
            if "change" in names:
                invocation.named_change()
            if needs_context:
                values["context"] = context
            try:
                function(invocation, **values)
            except OutcomeUnknown as error:
                if "change" in names:
                    error.hint = f"To repeat it is safe: {invocation.repeated()}"
                raise
            except TodoError as error:
                error.hint = error.hint and invocation.advice(error.hint)
                raise

        keyword = inspect.Parameter.KEYWORD_ONLY
        parameters = [
            inspect.Parameter("context", keyword, annotation=typer.Context),
            *(p.replace(kind=keyword) for p in own if p.name != "context"),
            *(inspect.Parameter(n, keyword, annotation=_OPTIONS[n], default=_default(n)) for n in names),
        ]
        body.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        body.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return body

    return decorate


def _leads_on(context: typer.Context) -> bool:
    """Return whether another command follows on the line."""
    return getattr(context, "invoked_subcommand", None) is not None


def _default(name: str) -> bool | None:
    return False if name in ("json", "jsonl", "quiet", "yes", "no_input") else None


def _merge(invocation: Invocation, values: dict[str, Any]) -> None:
    """Add what was given here to what was given before the command."""
    invocation.given |= {name for name, value in values.items() if value not in (None, False)}
    for name in ("json", "jsonl", "quiet", "yes", "no_input"):
        if values.get(name):
            setattr(invocation, name, True)
    if values.get("profile") is not None:
        invocation.profile_name = values["profile"]
    if values.get("color") is not None:
        invocation.colour = values["color"]
    if values.get("fields") is not None:
        invocation.fields = _fields(values["fields"])
    if values.get("change") is not None:
        invocation.change = _change(values["change"])


def _fields(text: str) -> tuple[str, ...]:
    from todocli.schemas.todos import TodoRead

    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in TodoRead.model_fields]
    if unknown or not names:
        what = f"There is no field {unknown[0]!r}." if unknown else "--fields names no field."
        raise UsageError(what, hint=f"The fields are {', '.join(TodoRead.model_fields)}.")
    return names


def _change(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        detail = f"--change takes a UUID, not {text[:40]!r}."
        raise ValidationError(
            detail,
            hint="Make one: python3 -c 'import uuid; print(uuid.uuid4())'",
            field_errors=(FieldError("change", detail),),
        ) from None


class Command(TyperCommand):
    """A command that refuses an option's value glued to its letter: `add see -dashes` is prose, or a slip."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments. Raises `UsageError`."""
        _refuse_glued(self, args)
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            error.ctx = getattr(error, "ctx", None) or ctx  # type: ignore[attr-defined]
            raise

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        with _help_as_wanted(self, ctx):
            super().format_help(ctx, formatter)


class Family(TyperGroup):
    """Commands below one word."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        with _help_as_wanted(self, ctx):
            super().format_help(ctx, formatter)


class Root(Family):
    """The program. Every error of every command passes through `main`, under a test runner too."""

    def main(self, args: Sequence[str] | None = None, *_: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run a command line and exit; without `standalone_mode`, return the exit status."""
        arguments = list(sys.argv[1:] if args is None else args)
        run = super().main
        extra.setdefault("obj", Invocation(arguments=arguments))
        try:
            status = exits.run(lambda: run(arguments, "todo", standalone_mode=False, **extra), arguments)
        finally:
            if "--install-completion" in arguments:  # Typer ends the program when it has done so
                from todocli.completion import zsh

                zsh.put_first()
        if standalone_mode:
            sys.exit(status)
        return status

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Read the root's own options. Raises `todocli.errors.TodoError` where a pipe is closed on the way."""
        with _pipes():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _pipes():
            return super().invoke(ctx)


@contextmanager
def _pipes() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise typer.Exit(exits.CLOSED_PIPE) from None


@contextmanager
def _help_as_wanted(command: TyperCommand | TyperGroup, context: Any) -> Iterator[None]:
    """Have Typer draw help by our rules: its own hear neither --color nor CLICOLOR, and Rich takes NO_COLOR halfway.

    Where its tables would cut the names of options, there are none.
    """
    from rich.console import Console
    from typer import rich_utils

    invocation = context.ensure_object(Invocation)
    colour = paints(sys.stdout, invocation.arguments)
    vars(rich_utils).update(
        COLOR_SYSTEM="standard" if colour else None,
        FORCE_TERMINAL=colour,
        MAX_WIDTH=invocation.width,
        Console=functools.partial(Console, no_color=not colour),
    )
    for parameter in command.get_params(context):
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    mode = command.rich_markup_mode
    command.rich_markup_mode = mode if invocation.width >= NARROW else None
    try:
        yield
    finally:
        command.rich_markup_mode = mode


def _refuse_glued(command: TyperCommand, args: Sequence[str]) -> None:
    takes_value = {
        name: not getattr(parameter, "is_flag", False)
        for parameter in command.params
        for name in parameter.opts
        if name.startswith("-")
    }
    words = iter(args)
    for word in words:
        if word == "--":
            return
        if takes_value.get(word):
            next(words, None)
        elif len(word) > 2 and word[0] == "-" and word[1] != "-":
            for i, letter in enumerate(word[1:], 1):
                if takes_value.get(f"-{letter}") and i < len(word) - 1:
                    raise UsageError(
                        f"The value of -{letter} is glued to it in {word[:40]!r}.",
                        hint=f"Write -{letter} {word[i + 1 :][:40]}; or put -- before words that begin with a dash.",
                    )
