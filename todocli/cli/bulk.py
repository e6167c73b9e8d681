"""How a command changes todos: those that its line references, or those that its filter selects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from todocli.cli.context import Context
from todocli.cli.input import read_references
from todocli.cli.verbs import Verb
from todocli.errors import ConfirmationRequired, UsageError

if TYPE_CHECKING:
    from todocli.domain.idempotency import ChangeKey
    from todocli.domain.references import References
    from todocli.schemas.todos import TodoRead
    from todocli.services.queries import ListState
    from todocli.services.resolve import Result
    from todocli.services.selection import Chosen
    from todocli.services.todos import Todos

MAX_CONFIRMED = 5_000
"""The most todos that a user confirms at once: one statement names them, and its parameters are limited."""

SAMPLE = 3
"""How many of them a question names."""

Action = Callable[["Todos", "Chosen", "ChangeKey"], "Result"]

REFERENCES_HELP = "Numbers, ranges like 5-7, UUIDs, or - to read them from stdin."
References_ = Annotated[list[str], typer.Argument(metavar="REF...", help=REFERENCES_HELP, show_default=False)]
OptionalReferences = Annotated[
    list[str] | None, typer.Argument(metavar="[REF...]", help=REFERENCES_HELP, show_default=False)
]
DryRun = Annotated[bool, typer.Option("--dry-run", metavar="", help="Show what would change, and change nothing.")]


def run(
    context: Context,
    verb: Verb,
    action: Action,
    references: Sequence[str] | None,
    *,
    state: ListState = "open",
    dry_run: bool = False,
) -> None:
    """Change the todos that `references` or the filter options choose, and print the result.

    `state` is the list that a filter selects from, unless the line says otherwise.
    """
    options = context.filter_options
    if references and options.given:
        raise UsageError(f"Numbers and {options.given[0]} cannot be combined.", hint="Give numbers, or use a filter.")
    if options.given:
        run_on_filter(context, verb, action, state=state, dry_run=dry_run)
        return
    if not references:
        raise UsageError("No todo was chosen.", hint="Give a number, or a filter: --tag, --project or --where.")
    if dry_run:
        raise UsageError("--dry-run needs a filter, such as --tag.", hint="Leave it out, or look at the todo first.")
    run_on_references(context, verb, action, read_references(references))


def run_on_references(
    context: Context, verb: Verb, action: Action, references: References, **request: object
) -> Result:
    """Change the referenced todos, and print the result."""
    key = context.change_key(verb.name, references=sorted(map(str, references.items)), **request)
    with context.workspace() as workspace:
        result = action(workspace.todos, references, key)
    context.report(result, verb, single=references.single)
    return result


def run_on_filter(
    context: Context,
    verb: Verb,
    action: Action,
    *,
    state: ListState = "open",
    dry_run: bool = False,
    **request: object,
) -> None:
    """Change the todos that the filter options select. If there are several, the user has to confirm."""
    options = context.filter_options
    key = context.change_key(verb.name, filter=options.as_given(), **request)
    chosen_state, condition = options.state(state), options.filter()
    with context.workspace() as workspace:
        from todocli.services.queries import TodoQuery
        from todocli.services.selection import ConfirmationNeeded, Selection

        query = TodoQuery(chosen_state, condition)
        try:
            result = action(workspace.todos, Selection(query, several=context.shared.yes, dry_run=dry_run), key)
        except ConfirmationNeeded as needed:
            if len(needed.todos) > MAX_CONFIRMED:
                detail = (
                    f"{len(needed.todos):,} todos match, too many to confirm at once (limit {MAX_CONFIRMED:,})."
                    " Nothing was changed."
                )
                raise ConfirmationRequired(detail, hint="Narrow the filter, or pass --yes.") from None
            workspace.release()
            context.confirm(_question(verb, needed.todos))
            confirmed = tuple(todo.id for todo in needed.todos)
            result = action(workspace.todos, Selection(query, confirmed, several=True), key)
    if dry_run:
        context.output.preview(result.items, verb)
    elif result.items or result.is_repeat:
        context.report(result, verb, single=False)
    else:
        context.output.nothing_matched()


def _question(verb: Verb, todos: Sequence[TodoRead]) -> str:
    return f"{verb.imperative.format(f'{len(todos)} todos')}: {sample(todos, len(todos))}?"


def sample(todos: Sequence[TodoRead], count: int) -> str:
    """Return the first of `count` todos by number and title, and how many more there are."""
    from todocli.render.text import visible

    names = ", ".join(f"{todo.number} {visible(todo.title)}" for todo in todos[:SAMPLE])
    more = f" and {count - SAMPLE} more" if count > SAMPLE else ""
    return f"{names}{more}"
