"""The commands claim and release: who works on what, where several work on one list."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer

from todocli import clock
from todocli.cli import bulk, verbs
from todocli.cli.bulk import References_
from todocli.cli.command import Names, Writing
from todocli.cli.context import Context
from todocli.cli.input import read_references
from todocli.domain.history import check_actor
from todocli.errors import Conflict, NotFound, ValidationError

if TYPE_CHECKING:
    from todocli.services.workspace import Workspace

MAX_LEASE = timedelta(days=365)


class Claiming(Writing):
    """The command that claims a todo of a filter."""

    takes: ClassVar[Names] = Writing.takes
    takes_filter = True


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    app.command("claim", cls=Claiming, rich_help_panel="Organise")(claim)
    app.command("release", cls=Writing, rich_help_panel="Organise")(release)


def claim(
    context: Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[N | FILTER...]", help="A number; or only these: +home, project:work, or text."),
    ] = None,
    claimant: Annotated[
        str | None,
        typer.Option("--as", metavar="NAME", help="Who claims it; the variable TODO_ACTOR or your user by default."),
    ] = None,
    lease: Annotated[
        str, typer.Option("--for", metavar="DURATION", help="When the claim ends by itself: 30min, 2h, 1d.")
    ] = "2h",
) -> None:
    """Take the most urgent todo that nobody works on, so that no other gets it.

    todo claim
    todo claim +ops --as agent-1 --for 30min
    todo claim 12

    A claim ends by itself, or with todo release. Under the same name, todo claim 12 again makes it last longer. todo
    undo leaves claims alone; todo list is:claimed shows them.
    """
    from todocli.domain.filters.ast import all_of
    from todocli.domain.references import is_reference
    from todocli.domain.timestamps import parse_duration

    name = check_actor(claimant, "--as") if claimant is not None else context.actor or context.profile.user
    until = parse_duration(lease, "for")
    if not timedelta() < until <= MAX_LEASE:
        raise ValidationError.of("for", "A claim lasts from a second to a year.", hint="Write it like 30min, 2h or 1d.")
    options = context.filter_options
    numbers = [word for word in words or () if is_reference(word)]
    terms = [f"number:{word}" if word in numbers else word for word in words or ()]
    given: dict[str, Any] = options.as_given() | ({"words": list(words)} if words else {})
    key = context.change_key("claim", filter=given, claimant=name, lease=lease)
    narrowing, _ = context.narrowing
    with context.workspace() as workspace:
        from todocli.services.queries import TodoQuery

        condition = options.filter(terms) if numbers else all_of(options.filter(terms), narrowing)
        query = TodoQuery(options.state(condition), condition)
        is_named = claimant is not None or context.actor is not None  # others may have the name of the user
        todo = workspace.claims.claim(query, name, until, key, renew=bool(numbers) and is_named)
        if todo is None:
            raise _nothing(workspace, numbers)
        from todocli.services.resolve import Result

        result = Result([todo], frozenset([todo.number]))
    context.report(result, verbs.CLAIM, single=True)
    if context.output.is_for_person:
        from todocli.render.todos import claim as describe

        context.output.note(f"For {describe(todo, clock.now())}. To end that", ("todo", "release", str(todo.number)))


def release(context: Context, references: References_) -> None:
    """End claims, so that others can take the todos.

    todo release 12
    """
    bulk.run_on_references(
        context, verbs.RELEASE, lambda todos, chosen, key: todos.release(chosen, key), read_references(references)
    )


def _nothing(workspace: Workspace, numbers: list[str]) -> NotFound | Conflict:
    """Return the error for a claim that found no todo; for a number, the reason."""
    if not numbers:
        return NotFound(
            "There is nothing to claim.", hint="See what is claimed", command=("todo", "list", "--where", "is:claimed")
        )
    from todocli.domain.references import parse_references
    from todocli.render.dates import local

    [todo, *_] = workspace.todos.get(parse_references(numbers)).items
    if todo.state != "open":
        return NotFound(f"{todo.number} is not open.", hint="See it", command=("todo", "show", str(todo.number)))
    if todo.claimed_by is None or todo.claimed_until is None:
        return NotFound(
            f"{todo.number} cannot be claimed: it starts later, or other words of the line exclude it.",
            hint="See it",
            command=("todo", "show", str(todo.number)),
        )
    until = local(todo.claimed_until)
    return Conflict(
        f"{todo.number} is claimed by {todo.claimed_by!r} until {until}.",
        hint="To end that claim",
        command=("todo", "release", str(todo.number)),
    )
