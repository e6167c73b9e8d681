"""What a command has at hand: the shared options of its line, the profile, the workspace, the output, the user."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

import typer

from todocli.cli import terminal
from todocli.cli.output import Output, QuietOutput
from todocli.cli.shared import Shared, wants_json
from todocli.errors import ConfirmationRequired

if TYPE_CHECKING:
    from pathlib import Path

    from todocli.cli.filter_options import FilterOptions
    from todocli.cli.verbs import Verb
    from todocli.database.target import Target
    from todocli.domain.filters.ast import Filter
    from todocli.domain.history import Origin
    from todocli.domain.idempotency import ChangeKey
    from todocli.profiles import Profile, Profiles
    from todocli.schemas.todos import TodoLine, TodoRead
    from todocli.services.owner import Owner
    from todocli.services.resolve import Result
    from todocli.services.workspace import Workspace


class Context(typer.Context):
    """The context of a running command. Its shared options belong to the whole line."""

    filter_options: FilterOptions
    """What the line selects by; set for commands that take a filter."""

    @property
    def shared(self) -> Shared:
        """The shared options."""
        return self.ensure_object(Shared)

    @cached_property
    def output(self) -> Output:
        """How this line is answered: JSON, plain lines, numbers or a table."""
        return select_output(self.shared)

    # The profile and its database

    @property
    def settings(self) -> Profiles:
        """What the configuration file says. It is read once for each line."""
        try:
            return self.read_settings()
        finally:  # also if the file is refused: what is odd may explain it
            self.shared.warnings += self.shared.unshown
            self.shared.unshown.clear()

    def read_settings(self) -> Profiles:
        """Return `settings` for a decision that is not the command's, so that nothing is shown of what is odd there."""
        if self.shared.settings is None:
            from todocli import profiles

            self.shared.settings = profiles.load(warn=self.shared.unshown.append)
            if self.shared.settings.aliases:
                from todocli.cli import aliases

                commands: Any = getattr(self.find_root().command, "commands", ())
                self.shared.unshown += aliases.ignored(self.shared.settings, commands)
        return self.shared.settings

    @cached_property
    def profile(self) -> Profile:
        """The profile in use."""
        from todocli import profiles

        return profiles.resolve(self.shared.profile, self.settings)

    @property
    def other_profile(self) -> str:
        """The name of the profile, for an answer that should show it; empty for the one that needs no setup."""
        from todocli.profiles import LOCAL

        return "" if self.profile.name == LOCAL else self.profile.name

    @property
    def actor(self) -> str | None:
        """Who the variable `TODO_ACTOR` says is at work: an agent, or a script. Raises `ValidationError`."""
        from todocli.domain.history import check_actor

        name = os.environ.get("TODO_ACTOR")
        return check_actor(name, "TODO_ACTOR") if name else None

    @cached_property
    def narrowing(self) -> tuple[Filter, str]:
        """The filter that lists have in the user's context, and its words: at a terminal only, where they are shown."""
        from todocli.domain.filters.ast import EVERYTHING

        words = self.settings.context if self.output.is_for_person and sys.stdout.isatty() else ""
        if not words:
            return EVERYTHING, ""
        from todocli import clock
        from todocli.domain.filters.parser import parse_words
        from todocli.errors import ValidationError

        try:
            return parse_words(shlex.split(words), today=clock.today()), words
        except (ValueError, ValidationError) as error:
            detail = f"The context {words[:60]!r} is not a filter: {getattr(error, 'detail', error)}"
            raise ValidationError(detail, hint="End it", command=("todo", "context", "none")) from None

    @property
    def columns(self) -> tuple[str, ...] | None:
        """The columns that a list was asked for, by this line or the configuration file. Raises `UsageError`."""
        shared = self.shared
        if shared.quiet or shared.json or shared.jsonl or shared.fields:
            return None
        given, configured = shared.columns, self.settings.columns
        if given is None and configured is None:
            return None
        from todocli import paths
        from todocli.render.columns import parse_columns

        if given is not None:
            return parse_columns(given.split(","), "--columns")
        return parse_columns(configured or (), f"{paths.config_file()}: columns")

    @cached_property
    def target(self) -> Target:
        """Where the profile's database is."""
        from todocli.database.target import resolve_target

        return resolve_target(self.profile)

    @contextmanager
    def workspace(self, profile: Profile | None = None, *, origin: Origin | None = None) -> Iterator[Workspace]:
        """Open the todos of the profile's user; see `todocli.services.opening`."""
        from todocli.domain.history import Origin
        from todocli.services.opening import open_workspace

        if profile is None and self.profile.copied_to in self.settings.profiles:
            there = str(self.profile.copied_to)
            self.output.note(f"These todos were copied to {there}. To go on there", ("todo", "profile", "use", there))
        profile = profile or self.profile

        def on_create(path: Path) -> None:
            self.output.note(f"Your todos are in {path}")

        def on_only_reads(reason: str) -> None:
            self.output.note(f"{reason} The todos can be read, but not changed.")

        with open_workspace(
            profile,
            origin=origin or Origin("cli", self.actor),
            on_create=on_create,
            on_only_reads=on_only_reads,
            on_wait=self.on_wait(profile),
        ) as workspace:
            try:
                yield workspace
            finally:
                self._prepare_next(profile, workspace.known_owner)

    def _prepare_next(self, profile: Profile, owner: Owner) -> None:
        """Let the daemon get ready for a command with the same todos."""
        if self.shared.handover:
            from todocli.cli.next_command import hint

            self.shared.handover.leave(hint(self.settings, profile, owner))

    def on_wait(self, profile: Profile | None = None) -> Callable[[], None] | None:
        """Return what tells the user that a database takes longer than usual; None if nobody reads it."""
        if not sys.stderr.isatty():
            return None

        def notify() -> None:
            from todocli.database.target import resolve_target

            target = resolve_target(profile or self.profile)
            is_neon = getattr(target, "is_neon", False)
            self.output.note("Waking the database …" if is_neon else f"Waiting for {getattr(target, 'host', target)} …")

        return notify

    # What is changed, and what is remembered of it

    def change_key(self, verb: str, **request: object) -> ChangeKey:
        """Return the key of the change that this line makes: `--change` or a new id, and the request's fingerprint.

        `request` has the arguments as they were given; see `todocli.domain.idempotency`.
        """
        from todocli.domain.idempotency import ChangeKey, fingerprint

        return ChangeKey(self.change_id(), fingerprint(verb, **request))

    def change_id(self) -> UUID:
        """Return the id of the change that this line makes."""
        if self.shared.change is None:
            from todocli.clock import now
            from todocli.domain.ids import new_id

            self.shared.change = new_id(now())
        if self.shared.handover:
            self.shared.handover.announce(self.shared.change)
        return self.shared.change

    def retry_command(self) -> tuple[str, ...]:
        """Return this line with the id of its change: so it takes effect once, however often it is run."""
        key = () if "change" in self.shared.given else ("--change", str(self.shared.change))
        return ("todo", *key, *self.shared.arguments)

    def report(self, result: Result, verb: Verb, *, single: bool) -> None:
        """Print the result of a change, and remember its todos for completion."""
        self.output.result(result, verb, single=single)
        self.remember(result.items)

    def remember(self, todos: Sequence[TodoLine | TodoRead] = (), **known: Any) -> None:
        """Cache what was shown of a remote database, which completion cannot ask; see `completion.cache.remember`."""
        if not self.profile.embedded:
            from todocli.completion import cache

            cache.remember(self.profile, todos, **known)

    def forget(self) -> None:
        """Empty the cache for completion."""
        if not self.profile.embedded:
            from todocli.completion import cache

            cache.forget(self.profile)

    # What is asked

    @property
    def interactive(self) -> bool:
        """Whether there is a user who can answer."""
        return not self.shared.no_input and sys.stdin is not None and sys.stdin.isatty()

    @property
    def reads_terminal(self) -> bool:
        """Whether the line says `-` for what the user will type: the shell decides which process may read that."""
        words = self.shared.arguments
        return (
            any(word == "-" or word.endswith("=-") for word in words) and sys.stdin is not None and sys.stdin.isatty()
        )

    @property
    def may_suggest(self) -> bool:
        """Whether the user may be asked for another command than the one that was typed: never in a pipe."""
        words = self.shared.arguments
        return self.interactive and sys.stdout.isatty() and "--no-input" not in words and not wants_json(words)

    def confirm(self, question: str, *, command: str = "", default: bool = False) -> None:
        """Return if the user agrees; Enter alone means the `default`. A `command` ends the question.

        Raises `ConfirmationRequired` if not, or if nobody can be asked.
        """
        if self.shared.yes:
            return
        if not self.interactive:
            detail = f"Confirmation required; nothing was changed: {question}"
            raise ConfirmationRequired(detail, hint="Pass --yes to confirm.")
        try:
            agreed = typer.confirm(terminal.fit(question, sys.stderr, command=command), default=default, err=True)
        except typer.Abort:
            print(file=sys.stderr)  # the prompt's line ends here
            raise
        if not agreed:
            raise ConfirmationRequired("Not confirmed; nothing was changed.")


def select_output(shared: Shared) -> Output:
    """Return the output that a line asks for."""
    if shared.json or shared.jsonl or shared.fields is not None:
        from todocli.cli.json_output import JsonOutput

        return JsonOutput(shared)
    if shared.quiet:
        return QuietOutput(shared)
    if shared.color == "always" or sys.stdout.isatty():
        from todocli.cli.table_output import TableOutput

        return TableOutput(shared)
    return Output(shared)
