"""The classes of commands. A class says which of the shared options its commands take.

Shared options may stand anywhere on a line: `todo --json list` and `todo list --json` mean the same. Typer makes
their parameters once (`todocli.cli.shared_options`). Each command appends those that it takes, and takes
their values out again before its function is called. So the functions declare only what is their own.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from todocli.cli import exits, help_page
from todocli.cli.arguments import prepared, released
from todocli.cli.context import Context
from todocli.cli.filter_options import FilterOptions
from todocli.cli.input import NothingOnStdin
from todocli.cli.shared import Shared, wants_debug
from todocli.cli.shared_options import SHARED, parameters_of
from todocli.cli.unchecked_values import leave_unchecked
from todocli.errors import OutcomeUnknown, UsageError, ValidationError

if TYPE_CHECKING:
    from todocli.daemon.child import Handover

FILTER = parameters_of(FilterOptions)

Names = tuple[str, ...]

ASKED = 9
"""The most changes that are undone or redone without a question. More may be the number of a todo."""

SPEAKING: Names = ("profile", "no_input", "color", "debug")
COMMON: Names = ("json", *SPEAKING)
READING: Names = ("json", "jsonl", "fields", "quiet", *SPEAKING)
LISTING: Names = (*READING, "columns", "all_rows")
WRITING: Names = ("json", "jsonl", "fields", "quiet", "change", *SPEAKING)


class Command(TyperCommand):
    """A command that takes the options of every command."""

    context_class = Context
    takes: ClassVar[Names] = COMMON
    takes_filter: ClassVar[bool] = False
    runs_in_daemon: ClassVar[bool] = False
    answers_with_changes: ClassVar[bool] = False

    def __init__(self, *args: Any, params: list[Any] | None = None, **options: Any) -> None:
        more = [*(FILTER.values() if self.takes_filter else ()), *(SHARED[name] for name in self.takes)]
        super().__init__(*args, params=[*(params or []), *more], **options)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters."""
        return leave_unchecked(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments. Raises `UsageError`."""
        args = prepared(args, self.params, self.option_of_minus, is_change="change" in self.takes)
        try:
            rest = super().parse_args(ctx, args)
            released(ctx.params)
            return rest
        except TyperException as error:
            error.ctx = getattr(error, "ctx", None) or ctx  # type: ignore[attr-defined]
            raise

    def option_of_minus(self, before: Sequence[str]) -> str | None:
        """Return the option that `-diy` stands for after the words `before`, to exclude or remove a tag; or None."""
        return "--no-tag" if self.takes_filter else None

    def invoke(self, ctx: Any) -> Any:
        """Take the shared options and the filter out of the parameters, and call the command's function."""
        _merge_shared(ctx, self.takes)
        ctx.obj.check(self.takes)
        ctx.filter_options = FilterOptions(**{name: ctx.params.pop(name) for name in FILTER if self.takes_filter})
        enter(ctx, is_for_daemon=self.is_for_daemon(ctx))
        try:
            return super().invoke(ctx)
        except NothingOnStdin:
            ctx.output.nothing_on_stdin(changes=self.answers_with_changes)
        except OutcomeUnknown as error:
            if ctx.shared.change:
                error.hint, error.command = "To repeat it safely", ctx.retry_command()
            raise

    def is_for_daemon(self, ctx: Context) -> bool:
        """Whether this line may run in the daemon."""
        return self.runs_in_daemon and not self.may_ask(ctx) and not ctx.reads_terminal

    def may_ask(self, ctx: Context) -> bool:
        """Whether this line may lead to a question, or open an editor."""
        return "yes" in self.takes and not ctx.shared.yes and ctx.interactive

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        help_page.print_command(self, ctx, SHARED.values())


def enter(ctx: Context, *, is_for_daemon: bool) -> None:
    """Begin a command after its line was parsed. In the daemon, take it from the client, or raise `Declined`.

    What is for the daemon needs no terminal that controls its process.
    """
    ctx.shared.is_for_daemon = is_for_daemon
    if not ctx.shared.handover:
        return
    if not is_for_daemon or not ctx.read_settings().daemon or ctx.shared.debug:
        from todocli.daemon.child import Declined

        raise Declined
    ctx.shared.handover.accept()
    exits.prepare_output(ctx.shared)


class Reading(Command):
    """A command that shows todos."""

    takes: ClassVar[Names] = READING
    runs_in_daemon = True


class Listing(Reading):
    """A command that shows a list of todos."""

    takes: ClassVar[Names] = LISTING


class Filtering(Listing):
    """A command that shows the todos of a filter."""

    takes_filter = True


class Writing(Command):
    """A command that changes todos."""

    takes: ClassVar[Names] = WRITING
    runs_in_daemon = True


class Bulk(Writing):
    """A command that changes the todos of a filter, after a question."""

    takes: ClassVar[Names] = (*WRITING, "yes")
    takes_filter = True

    def may_ask(self, ctx: Context) -> bool:
        """Whether the user may be asked: about the todos of a filter."""
        from todocli.domain.filters.words import is_key_word

        words = ctx.params.get("words") or ()
        return (bool(ctx.filter_options.given) or any(map(is_key_word, words))) and super().may_ask(ctx)


class Reversing(Command):
    """A command that answers with changes."""

    answers_with_changes = True

    takes: ClassVar[Names] = ("json", "jsonl", "quiet", "change", "yes", *SPEAKING)
    runs_in_daemon = True

    def may_ask(self, ctx: Context) -> bool:
        """Whether the user may be asked: about many changes."""
        return (ctx.params.get("count") or 1) > ASKED and super().may_ask(ctx)


class Confirming(Command):
    """A command that asks before it destroys something."""

    takes: ClassVar[Names] = (*COMMON, "yes")


class Itemised(Command):
    """A command that answers with a list of something other than todos."""

    takes: ClassVar[Names] = ("json", "jsonl", *SPEAKING)


class Summary(Command):
    """A command that answers with names and numbers."""

    takes: ClassVar[Names] = ("json", "jsonl", "quiet", *SPEAKING)
    runs_in_daemon = True


class Counting(Summary):
    """A command that counts the todos of a filter."""

    takes_filter = True


class Importing(Command):
    """A command that changes todos as one change, and answers with numbers."""

    takes: ClassVar[Names] = ("json", "quiet", "change", *SPEAKING)


class Selecting(Confirming):
    """A command that asks before it overwrites something, and selects todos by a filter."""

    takes_filter = True


class Speaking(Command):
    """A command that answers in words."""

    takes: ClassVar[Names] = SPEAKING


class Lasting(Command):
    """A command that runs until it is ended."""

    takes: ClassVar[Names] = ("profile", "no_input", "color")


class Family(TyperGroup):
    """Commands grouped under one word."""

    context_class = Context

    def get_params(self, ctx: Any) -> list[Any]:
        """Return the parameters."""
        return leave_unchecked(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        help_page.print_group(self, ctx)


class Root(Family):
    """The program. Every error of every command passes through `main`, under a test runner too."""

    def __init__(self, *args: Any, params: list[Any] | None = None, **options: Any) -> None:
        super().__init__(*args, params=[*(params or []), *SHARED.values()], **options)

    def main(
        self,
        args: Sequence[str] | None = None,
        *_: Any,
        standalone_mode: bool = True,
        handover: Handover | None = None,
        **extra: Any,
    ) -> Any:
        """Run a command line and exit; without `standalone_mode`, return the exit status."""
        arguments = list(sys.argv[1:] if args is None else args)
        shared = Shared(arguments=arguments, handover=handover)
        run = super().main
        if not {"--install-completion", "--show-completion"}.isdisjoint(arguments):
            from todocli.completion import shell_scripts

            shell_scripts.replace_scripts()
        _record(shared)
        try:
            status = exits.run(lambda: run(arguments, "todo", standalone_mode=False, obj=shared, **extra), shared)
            exits.warn(shared)
            if wants_debug(shared.arguments):
                from todocli.cli import debug

                debug.report(shared)
        finally:
            if "--install-completion" in arguments:  # Typer exits after it
                from todocli.completion import zsh

                zsh.put_first()
        if standalone_mode:
            if shared.is_for_daemon:
                from todocli.cli.autostart import start_daemon

                start_daemon()
            sys.exit(status)
        return status

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Parse the options before the command."""
        with _broken_pipe_as_exit():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        _merge_shared(ctx, SHARED)
        with _broken_pipe_as_exit():
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command, and the words that are left for it; the first word may stand for more, or be a slip."""
        if args[0] not in self.commands and not args[0].startswith("-") and not ctx.resilient_parsing:
            args = _corrected(ctx, args, self.commands)
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        help_page.print_root(self, ctx, SHARED.values())


def _corrected(ctx: Context, words: list[str], commands: Collection[str]) -> list[str]:
    """Return what is intended by a line that begins with no command.

    Raises `UsageError` with the command to type, and `ValidationError` for an alias that is no line.
    """
    from todocli.cli import aliases, near_commands

    before = list(ctx.shared.arguments[: len(ctx.shared.arguments) - len(words)])
    intended = near_commands.numbers_first(words) or aliases.line_of(words, ctx.settings, commands)
    if intended is None:
        names = {**dict.fromkeys(commands), **ctx.settings.aliases, **ctx.settings.views}
        intended = near_commands.nearest(words, names)
        if intended is None:
            if several := near_commands.beginning_with(words[0], names):
                detail = f"No such command {words[0][:40]!r}."
                raise UsageError(detail, hint=f"It could be {', '.join(several[:-1])} or {several[-1]}.")
            return words
        line = ("todo", *before, *intended)
        if not ctx.may_suggest:
            raise UsageError(f"No such command {words[0][:40]!r}.", hint="Did you mean", command=line)
        if ctx.shared.handover:
            from todocli.daemon.child import Declined

            raise Declined
        from todocli.render.text import visible

        ctx.confirm(
            visible(f"No such command {words[0][:40]!r}. Run"), command=visible(f"{shlex.join(line)}?"), default=True
        )
        intended = aliases.line_of(intended, ctx.settings, commands) or intended
    ctx.shared.arguments = [*before, *intended]
    exits.prepare_output(ctx.shared)  # an alias may ask for JSON
    _record(ctx.shared)
    return intended


def _record(shared: Shared) -> None:
    """Begin to record for `--debug` if the line has it, and if no client waits: a child of the daemon declines it."""
    if wants_debug(shared.arguments) and not shared.handover:
        from todocli.cli import debug

        debug.begin()


@contextmanager
def _broken_pipe_as_exit() -> Iterator[None]:
    """Exit where Typer would raise: it turns a broken pipe into status 1."""
    try:
        yield
    except BrokenPipeError:
        raise typer.Exit(exits.CLOSED_PIPE) from None


def _merge_shared(ctx: Any, names: Iterable[str]) -> None:
    values = {name: ctx.params.pop(name) for name in names}
    if values.get("fields") is not None:
        values["fields"] = _parse_fields(values["fields"])
    if values.get("change") is not None:
        values["change"] = _parse_change(values["change"])
    ctx.obj.merge(values)


def _parse_fields(text: str) -> tuple[str, ...]:
    from todocli.schemas.todos import TodoRead

    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in TodoRead.model_fields]
    if unknown or not names:
        what = f"There is no field {unknown[0]!r}." if unknown else "--fields names no field."
        raise UsageError(what, hint=f"The fields are {', '.join(TodoRead.model_fields)}.")
    return names


def _parse_change(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        detail = f"--change takes a UUID, not {text[:40]!r}."
        command = ("python3", "-c", "import uuid; print(uuid.uuid4())")
        raise ValidationError.of("change", detail, hint="Generate one", command=command) from None
