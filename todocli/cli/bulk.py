"""How a command makes a step: on the todos that are named, or on those that are chosen by what they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from todocli.cli.context import Invocation
from todocli.cli.filter_options import Choice
from todocli.cli.input import read_references
from todocli.cli.output import SHOWN, print_plainly, tell
from todocli.errors import ConfirmationRequired, UsageError

if TYPE_CHECKING:
    from todocli.schemas.todos import TodoRead
    from todocli.services.queries import ListState
    from todocli.services.resolve import Result
    from todocli.services.selection import Chosen
    from todocli.services.todos import Todos

MAX_ASKED = 5_000
"""How many todos somebody is asked about: they are named in one statement, whose parameters are limited."""

SAMPLE = 3
"""How many of them the question names."""

Make = Callable[["Todos", "Chosen"], "Result"]

Named = Annotated[
    list[str] | None, typer.Argument(metavar="REF", help="Numbers, ranges like 5-7, UUIDs, or - for those on stdin.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", metavar="", help="Say which would be changed, and change none.")]


class Verb(NamedTuple):
    """What a step does, in words: when it is asked for, when it is done, and when it was so already."""

    asked: str
    done: str
    unchanged: str


DONE = Verb("Complete", "Done", "was done already")
REOPENED = Verb("Reopen", "Reopened", "is open already")
REMOVED = Verb("Move to the trash", "Removed", "")
RESTORED = Verb("Restore", "Restored", "is not in the trash")
CHANGED = Verb("Change", "Changed", "is unchanged")


def make_step(
    invocation: Invocation,
    references: Sequence[str] | None,
    make: Make,
    verb: Verb,
    choice: Choice = Choice(),  # noqa: B008 - frozen
    otherwise: ListState = "open",
    *,
    dry_run: bool = False,
) -> None:
    """Make one step on the todos that `references` name, or those of `choice`, and say what it did."""
    if references and choice.given:
        raise UsageError(
            f"Numbers and {choice.given[0]} exclude each other.", hint="Name todos, or choose them by what they are."
        )
    if choice.given:
        step_on_chosen(invocation, choice, make, verb, otherwise, dry_run=dry_run)
        return
    if not references:
        raise UsageError("There is no todo to change.", hint="Give its number, or choose by --tag, --project, --where.")
    if dry_run:
        raise UsageError("--dry-run goes with a choice, as --tag makes it.", hint="Look at them: todo show NUMBER")
    named = read_references(references)
    with invocation.todos() as todos:
        outcome = make(todos, named)
    tell(invocation, outcome, verb.done, single=named.single, unchanged=verb.unchanged)


def step_on_chosen(
    invocation: Invocation, choice: Choice, make: Make, verb: Verb, otherwise: ListState, *, dry_run: bool
) -> None:
    """Make one step on the todos that `choice` means. If they are several, somebody has to say yes."""
    state, condition = choice.state(otherwise), choice.filter()
    with invocation.todos() as todos:
        from todocli.services.queries import TodoQuery
        from todocli.services.selection import ConfirmationNeeded, Selection

        listing = TodoQuery(state, condition)
        try:
            outcome = make(todos, Selection(listing, several=invocation.yes, dry_run=dry_run))
        except ConfirmationNeeded as several:
            if len(several.todos) > MAX_ASKED:
                detail = f"{verb.asked} {len(several.todos)} todos? That are too many to look at; nothing was changed."
                raise ConfirmationRequired(detail, hint="Choose fewer, or say yes with --yes.") from None
            invocation.confirm(_question(verb, several.todos))
            known = tuple(todo.id for todo in several.todos)
            outcome = make(todos, Selection(listing, known, several=True))
    if dry_run:
        _tell_dry_run(invocation, outcome.items, verb)
    elif outcome.items or invocation.machine:
        tell(invocation, outcome, verb.done, single=False)
    else:
        invocation.note("None fit; nothing was changed.")


def _question(verb: Verb, todos: Sequence[TodoRead]) -> str:
    from todocli.render.text import visible

    names = ", ".join(f"{todo.number} {visible(todo.title)}" for todo in todos[:SAMPLE])
    more = f" and {len(todos) - SAMPLE} more" if len(todos) > SAMPLE else ""
    return f"{verb.asked} {len(todos)} todos: {names}{more}?"


def _tell_dry_run(invocation: Invocation, todos: Sequence[TodoRead], verb: Verb) -> None:
    if not todos and not invocation.machine:
        invocation.note("None fit; nothing would be changed.")
    if not invocation.table:
        print_plainly(invocation, todos, single=False)
        return
    from todocli.render.text import visible

    for todo in todos[:SHOWN]:
        invocation.line(f"Would {verb.asked[0].lower()}{verb.asked[1:]}: {todo.number} {visible(todo.title)}")
    if len(todos) > SHOWN:
        invocation.line(f"and {len(todos) - SHOWN} more")
