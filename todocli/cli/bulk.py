"""How a command changes todos: those that its line references, or those that its filter selects.

A tag, a key with a value, and an option select todos wherever todos are selected: `done +errand`, `rm --project old`.
A plain word does not, in a command that changes something: `rm milk` might be a slip. What a filter selects is changed
after a question, even if it is one todo.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todocli.cli.context import Context
from todocli.cli.input import read_references
from todocli.cli.names import new_names, unknown_names
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
Effect = Callable[[Sequence["TodoRead"]], str]
"""What will become of todos, in words."""

Remark = Callable[["Result"], list[str]]
"""What a person should know of a result."""

REFERENCES_HELP = "Numbers, ranges like 5-7, UUIDs, or - to read them from stdin."
References_ = Annotated[list[str], typer.Argument(metavar="REF...", help=REFERENCES_HELP, show_default=False)]
Selecting = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[REF...] [FILTER...]",
        help="Numbers, ranges like 5-7, UUIDs, or - to read them from stdin; or +home, project:work, due:week.",
        show_default=False,
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", metavar="", help="Show what would change, and change nothing.")]


def run(
    context: Context,
    verb: Verb,
    action: Action,
    words: Sequence[str] | None,
    *,
    state: ListState = "open",
    dry_run: bool = False,
    **request: Any,
) -> None:
    """Change the todos that `words` reference, or that they and the filter options select, and print the result.

    `state` is the list that a filter selects from, unless the line says otherwise. `request` has the options that make
    it another request under the same key.
    """
    from todocli.domain.references import is_reference

    words = list(words or ())
    if is_filter(context, words):
        run_on_filter(context, verb, action, words, state=state, dry_run=dry_run, **request)
    elif words:
        if any(word[:1].isalpha() for word in words if not is_reference(word)):
            refuse_text(words)
        run_on_references(context, verb, action, read_references(words), dry_run=dry_run, **request)
    else:
        raise nothing_chosen()


def nothing_chosen() -> UsageError:
    """Return the error for a line that chooses no todo."""
    return UsageError("No todo was chosen.", hint="Give a number, or a filter such as +bills or project:home.")


def is_filter(context: Context, words: Sequence[str]) -> bool:
    """Whether a line selects todos by a filter. Raises `UsageError` if it also references some."""
    from todocli.domain.filters.words import is_key_word
    from todocli.domain.references import is_reference

    selecting = [*context.filter_options.given, *filter(is_key_word, words)]
    if selecting and any(word == "-" or is_reference(word) for word in words):
        raise UsageError(f"Numbers and {selecting[0]} cannot be combined.", hint="Give numbers, or use a filter.")
    return bool(selecting)


def run_on_references(
    context: Context,
    verb: Verb,
    action: Action,
    references: References,
    *,
    dry_run: bool = False,
    changes: Mapping[str, Any] | None = None,
    remark: Remark | None = None,
    **request: object,
) -> None:
    """Change the referenced todos, and print the result and a remark; `changes` are the fields that are set, if any."""
    key = context.change_key(verb.name, references=sorted(map(str, references.items)), **request)
    with context.workspace() as workspace:
        from todocli.services.selection import Preview

        result = action(workspace.todos, Preview(references) if dry_run else references, key)
        names = context.output.for_person(lambda: new_names(workspace, result, *_named(changes or {})))
    if dry_run:
        context.output.preview(result, verb)
    else:
        context.report(result, verb, single=references.single)
        note(context, [*names, *_remarks(context, result, remark)])


def note(context: Context, notes: Sequence[str]) -> None:
    """Print notes."""
    for each in notes:
        context.output.note(each)


def _remarks(context: Context, result: Result, remark: Remark | None) -> list[str]:
    return context.output.for_person(lambda: remark(result)) if remark else []


def _named(changes: Mapping[str, Any]) -> tuple[list[str], list[str | None]]:
    """Return the tags and the project that todos are given."""
    return [*changes.get("tags", ()), *changes.get("add_tags", ())], [changes.get("project")]


def run_on_filter(
    context: Context,
    verb: Verb,
    action: Action,
    words: Sequence[str],
    *,
    state: ListState = "open",
    dry_run: bool = False,
    effect: Effect | None = None,
    remark: Remark | None = None,
    **request: object,
) -> None:
    """Change the todos that words and options select, after a question that names some of them, and the `effect`.

    A `remark` follows the result.
    """
    from todocli.domain.filters.ast import all_of

    options = context.filter_options
    refuse_text(words)
    given: dict[str, Any] = {"words": list(words)} if words else {}
    key = context.change_key(verb.name, filter=options.as_given() | given, **request)
    narrowing, context_words = context.narrowing
    condition = all_of(options.filter(list(words)), narrowing)
    if state == "trash" and options.completed:
        raise UsageError("The trash has no list of completed todos.", hint="Leave --completed out, or write done:any.")
    chosen_state = "trash" if state == "trash" else options.state(condition, state)
    with context.workspace() as workspace:
        from todocli.services.queries import TodoQuery
        from todocli.services.selection import ConfirmationNeeded, Selection

        query = TodoQuery(chosen_state, condition)
        try:
            result = action(workspace.todos, Selection(query, unasked=context.shared.yes, dry_run=dry_run), key)
        except ConfirmationNeeded as needed:
            if len(needed.todos) > MAX_CONFIRMED:
                detail = (
                    f"{len(needed.todos):,} todos match, too many to confirm at once (limit {MAX_CONFIRMED:,})."
                    " Nothing was changed."
                )
                raise ConfirmationRequired(detail, hint="Narrow the filter, or pass --yes.") from None
            workspace.release()
            where = [f"profile {context.other_profile}"] if context.other_profile else []
            where += [f"context {context_words}"] if context_words else []
            context.confirm(_question(verb, needed.todos, effect(needed.todos) if effect else "", ", ".join(where)))
            confirmed = tuple(todo.id for todo in needed.todos)
            result = action(workspace.todos, Selection(query, confirmed), key)
        unknown = [] if result.items else context.output.for_person(lambda: unknown_names(workspace, condition))
    if dry_run:
        context.output.preview(result, verb)
    elif result.items or result.is_repeat:
        context.report(result, verb, single=False)
        note(context, _remarks(context, result, remark))
    elif unknown:
        context.output.note(" ".join([*unknown, "Nothing was changed."]))
    else:
        context.output.nothing_matched(context_words)


def refuse_text(words: Sequence[str]) -> None:
    """Raise `UsageError` for a word that is neither a tag, nor a key with a value, nor part of an expression."""
    from todocli.domain.filters.parser import is_part_of_expression
    from todocli.domain.filters.words import is_key_word
    from todocli.domain.quick_add import join_dates
    from todocli.domain.references import is_reference

    given = join_dates(word for word in words if not is_reference(word))
    if text := [word for word in given if not is_key_word(word) and not is_part_of_expression(word)]:
        detail = f"{text[0][:40]!r} selects nothing: a change needs a tag, a key with a value, or an option."
        raise UsageError(detail, hint=f"To select by text, use --search {' '.join(text)[:60]!r}.")


def _question(verb: Verb, todos: Sequence[TodoRead], effect: str, where: str) -> str:
    """Return what to ask about todos; `where` names what is not seen on the line: the profile, and the context."""
    from todocli.render.text import visible

    place = f" ({visible(where)})" if where else ""
    if len(todos) == 1:
        about = f" ({effect})" if effect else ""
        return f"{verb.imperative.format(sample(todos, 1))}{about}{place}?"
    about = f"{effect}; " if effect else ""
    return f"{verb.imperative.format(f'{len(todos)} todos')}{place}: {about}{sample(todos, len(todos))}?"


def sample(todos: Sequence[TodoRead], count: int) -> str:
    """Return the first of `count` todos by number and title, and how many more there are."""
    from todocli.render.text import visible

    names = ", ".join(f"{todo.number} {visible(todo.title)}" for todo in todos[:SAMPLE])
    more = f" and {count - SAMPLE} more" if count > SAMPLE else ""
    return f"{names}{more}"
