"""What one invocation has at hand: the options given anywhere on its line, the terminal, the profile, the database."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

from todocli.errors import ConfirmationRequired, UsageError

if TYPE_CHECKING:
    from uuid import UUID

    from pydantic import BaseModel
    from rich.console import RenderableType

    from todocli.database.store import Store
    from todocli.database.target import Target
    from todocli.profiles import Profile
    from todocli.schemas.todos import TodoRead
    from todocli.services.owner import Owner
    from todocli.services.todos import Todos

Colour = Literal["auto", "always", "never"]


@dataclass
class Invocation:
    """One run of the program."""

    json: bool = False
    jsonl: bool = False
    fields: tuple[str, ...] | None = None
    quiet: bool = False
    profile_name: str | None = None
    no_input: bool = False
    yes: bool = False
    colour: Colour = "auto"
    arguments: Sequence[str] = ()
    given: set[str] = field(default_factory=set)
    change: UUID | None = None
    _profile: Profile | None = field(default=None, repr=False)

    # What is printed, and where

    @property
    def machine(self) -> bool:
        """Whether a program reads the output as JSON."""
        return self.json or self.jsonl or self.fields is not None

    @property
    def table(self) -> bool:
        """Whether a person reads the output on a terminal."""
        return not self.machine and not self.quiet and (self.colour == "always" or sys.stdout.isatty())

    @property
    def width(self) -> int:
        """The width of the terminal, in columns."""
        return max(shutil.get_terminal_size().columns, 20)

    def check(self, taken: Collection[str]) -> None:
        """Raise `UsageError` if options were given that exclude each other, or that the command does not take."""
        if foreign := sorted(self.given - set(taken)):
            option = f"--{foreign[0].replace('_', '-')}"
            raise UsageError(f"This command does not take {option}.", hint=f"Leave {option} out.")
        if self.quiet and self.machine:
            raise UsageError("--quiet and JSON exclude each other.", hint="Give one of them.")
        if self.json and self.jsonl:
            raise UsageError("--json and --jsonl exclude each other.", hint="Give one of them.")

    def show(self, what: RenderableType) -> None:
        """Print a table, or another thing that Rich draws, for a person."""
        from todocli.render.tables import rendered

        unicode = (sys.stdout.encoding or "").lower().startswith("utf")
        text = rendered(what, width=self.width, colour=self._paints(sys.stdout), unicode=unicode)
        sys.stdout.write(text)

    def line(self, text: str, aside: str = "") -> None:
        """Print a line of the result; `aside` follows it dimly."""
        sys.stdout.write(text + (self._dim(f" · {self.advice(aside)}", sys.stdout) if aside else "") + "\n")

    def document(self, value: BaseModel) -> None:
        """Print the one JSON document of this command, or its items as lines under `--jsonl`."""
        from todocli.render.documents import document, json_lines

        items = getattr(value, "items", None) if self.jsonl else None
        lines = [document(value, self.fields)] if items is None else json_lines(items, self.fields)
        sys.stdout.writelines(f"{line}\n" for line in lines)

    def note(self, text: str) -> None:
        """Say something that is not the result, on stderr and dimly; silent where nobody asked for words."""
        if not self.quiet and not self.machine:
            sys.stdout.flush()
            print(self._dim(self.advice(text), sys.stderr), file=sys.stderr)

    def named_change(self) -> UUID:
        """Return the name of the step that this command makes."""
        if self.change is None:
            from todocli.clock import now
            from todocli.domain.ids import new_id

            self.change = new_id(now())
        return self.change

    def repeated(self) -> str:
        """Return this command line, with the name of its step: so it takes effect once, however often it is run."""
        name = () if "change" in self.given else ("--change", str(self.change))
        return shlex.join(["todo", *name, *self.arguments])

    def advice(self, text: str) -> str:
        """Return `text` with this line's --profile in the command that it offers, at its beginning or after a colon."""
        if self.profile_name is None:
            return text
        program = f"todo --profile {shlex.quote(self.profile_name)} "
        return re.sub(r"(^|: )todo (?!profile )(?=[a-z])", lambda found: found[1] + program, text)

    def _dim(self, text: str, stream: TextIO) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self._paints(stream) else text

    def _paints(self, stream: TextIO) -> bool:
        return paints(stream, ("--color", self.colour))

    def remember(self, todos: Sequence[TodoRead] = (), **known: Any) -> None:
        """Keep for completion what was shown of a database that it cannot ask; `known` is as in `cache.remember`."""
        if not self.profile.embedded:
            from todocli.completion import cache

            cache.remember(self.profile, todos, **known)

    def forget(self) -> None:
        """Forget what was kept for completion."""
        if not self.profile.embedded:
            from todocli.completion import cache

            cache.forget(self.profile)

    # What is asked

    @property
    def interactive(self) -> bool:
        """Whether there is a person who can answer."""
        return not self.no_input and sys.stdin is not None and sys.stdin.isatty()

    def confirm(self, question: str) -> None:
        """Return if the user agrees; raise `ConfirmationRequired` otherwise, also where nobody can be asked."""
        if self.yes:
            return
        if not self.interactive:
            detail = f"Nobody confirmed it; nothing was changed. {question}"
            raise ConfirmationRequired(detail, hint="Say yes with --yes.")
        import typer

        try:
            agreed = typer.confirm(question, err=True)
        except typer.Abort:
            print(file=sys.stderr)  # the prompt's line ends here
            raise
        if not agreed:
            raise ConfirmationRequired("Not confirmed; nothing was changed.")

    # Whose todos, and where

    @property
    def profile(self) -> Profile:
        """The profile in use; read once."""
        if self._profile is None:
            from todocli import profiles

            self._profile = profiles.resolve(self.profile_name)
        return self._profile

    @property
    def target(self) -> Target:
        """Where the profile's database is."""
        return resolve_target(self.profile)

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Give the profile's open database. The embedded one is created, or brought up to date, on the way."""
        target = self.target
        seconds, on_wait = self.profile.timeout, self.on_wait(target)
        ahead = None
        if not isinstance(target, Path):  # the network takes its time, and so does importing the rest: both at once
            from todocli.database.deadline import Deadline
            from todocli.database.postgres.connect import BackgroundConnection

            ahead = BackgroundConnection(target, Deadline(seconds, on_wait))
        from todocli.database import setup
        from todocli.database.store import open_store

        if isinstance(target, Path) and setup.ensure_schema(target):
            self.note(f"Your todos are in {target}")
        with open_store(target, seconds=seconds, on_wait=on_wait, ahead=ahead) as store:
            yield store

    @contextmanager
    def patience(self) -> Iterator[None]:
        """Give the body the time that the profile allows for connecting, and tell a person who waits."""
        from todocli.database.deadline import Deadline, deadline_scope

        with deadline_scope(Deadline(self.profile.timeout, self.on_wait(self.target))):
            yield

    def on_wait(self, target: Target) -> Callable[[], None] | None:
        """Return what tells a person that the database takes longer; None where nobody looks."""
        if isinstance(target, Path) or not sys.stderr.isatty():
            return None
        text = "Waking the database …" if target.is_neon else f"Waiting for {target.host} …"
        return lambda: self.note(text)

    @contextmanager
    def owned(self) -> Iterator[tuple[Store, Owner]]:
        """Give the profile's open database, and its user. The embedded one makes its user by itself."""
        with self.store() as store:
            from todocli.services.owner import Owner

            owner = Owner(self.profile.user, self.profile.user_id)
            if self.profile.embedded:
                from todocli.services.users import Users

                with store.session() as session:
                    owner = Owner(owner.name, Users(session).ensure(owner.name))
            yield store, owner

    @contextmanager
    def todos(self) -> Iterator[Todos]:
        """Give the todos of the profile's user."""
        with self.owned() as (store, owner), store.session() as session:
            from todocli.services.todos import Todos

            yield Todos(session, owner)


def resolve_target(profile: Profile, *, direct: bool = True) -> Target:
    """Return where the database of `profile` is; not by way of Neon's pooler, if it goes `direct`.

    Raises `todocli.errors.ValidationError` for a URL that is not one.
    """
    url = profile.database_url()
    if url is None:
        from todocli import paths

        return paths.database_file()
    from todocli.database.postgres.url import PostgresURL

    parsed = PostgresURL.parse(url)
    return parsed.direct() if direct and not profile.pooled else parsed


def paints(stream: TextIO, arguments: Sequence[str]) -> bool:
    """Return whether `stream` gets colour, by the option in `arguments` and then by the conventions.

    These are NO_COLOR (no-color.org), FORCE_COLOR (force-color.org), CLICOLOR and CLICOLOR_FORCE
    (bixense.com/clicolors) and TERM=dumb, in this order; what is set and empty counts as not set.
    """
    choice = _chosen(arguments)
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("CLICOLOR") != "0" and os.environ.get("TERM") != "dumb"


def _chosen(arguments: Sequence[str]) -> str:
    """Return what the last --color says, as the parser reads a command line, even one that cannot be parsed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    chosen = "auto"
    for word, following in zip(options, (*options[1:], ""), strict=False):
        name, glued, value = word.partition("=")
        given = value if glued else following
        if name == "--color" and given in ("auto", "always", "never"):
            chosen = given
    return chosen
