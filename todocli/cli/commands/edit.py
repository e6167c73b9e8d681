"""The command edit: by words, by options, or in an editor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from todocli.cli import field_options
from todocli.cli.bulk import CHANGED, DryRun, step_on_chosen
from todocli.cli.context import Invocation
from todocli.cli.filter_options import Choice, chooses
from todocli.cli.input import read_references, read_text
from todocli.cli.output import tell
from todocli.cli.shared_options import WRITING, takes
from todocli.errors import UsageError, ValidationError

if TYPE_CHECKING:
    from todocli.schemas.todos import TodoUpdate


CHANGING = ("--tag", "--project", "--priority", "--due", "--start")
"""Options that choose todos, but say what is to be changed where a todo is named."""


@takes(*WRITING, "yes")
@chooses
def edit(
    invocation: Invocation,
    choice: Choice,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="REF WORDS", help="A number or a UUID; then a new title, due:fri, +bills."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", "-t", help="The new title.")] = None,
    description: Annotated[
        str | None,
        typer.Option("--description", "-d", help="The new description; an empty one clears it, - reads stdin."),
    ] = None,
    untag: Annotated[
        list[str] | None, typer.Option("--untag", metavar="NAME", help="Take a tag away; several times, several.")
    ] = None,
    literal: field_options.Literal = False,
    dry_run: DryRun = False,
) -> None:
    """Change a todo by words: a new title, due:fri, +bills; with nothing to change, in your editor.

    After a number, --due, --start, --priority, --project and --tag say what to change, too.
    Without one they choose todos, and the words say what to change of them all:
    todo edit --project garden due:sat
    """
    words = list(words or ())
    fields: dict[str, Any] = {"remove_tags": untag} if untag else {}
    if title is not None:
        fields["title"] = title
    if description is not None:
        fields["description"] = read_text(description)
    if (words and _is_reference(words[0])) or not choice.given:
        if dry_run:
            raise UsageError("--dry-run goes with a choice, as --tag makes it.", hint="Leave it out.")
        _edit_named(invocation, words, choice, fields, literal=literal)
    else:
        if literal:
            raise UsageError("--literal goes with a number: a title is one todo's own.", hint="Leave it out.")
        _edit_chosen(invocation, words, choice, fields, dry_run=dry_run)


def _edit_named(
    invocation: Invocation, words: list[str], choice: Choice, fields: dict[str, Any], *, literal: bool
) -> None:
    if foreign := [option for option in choice.given if option not in CHANGING]:
        raise UsageError(f"A number and {foreign[0]} exclude each other.", hint="Name a todo, or choose some.")
    if not words:
        raise UsageError("There is no todo to change.", hint="Give its number, or choose by --tag, --project, --where.")
    named = read_references(words[:1])
    if not named.single:
        raise UsageError("edit takes one todo, not a range.", hint="Edit them one by one.")
    options = {"due": choice.due, "start": choice.start, "priority": choice.priority, "project": choice.project}
    said = field_options.read(words[1:], **options, tag=choice.tag, literal=literal)
    if said.title and not literal and all(map(_is_reference, said.title.split())):
        detail = f"edit takes one todo; {', '.join(said.title.split())} look like more."
        raise UsageError(detail, hint="Edit them one by one; a title of numbers goes to --title, or after --literal.")
    if said.title and "title" in fields:
        raise UsageError("The title is given twice.", hint="Give it as words, or with --title.")
    fields = fields | said.changes | ({"title": said.title} if said.title else {})
    if fields:
        update = _valid(fields)
        with invocation.todos() as todos:
            outcome = todos.edit(named, update, change=invocation.change)
    else:
        from todocli.cli.editor import edit_todo

        outcome = edit_todo(invocation, named)
    tell(invocation, outcome, CHANGED.done, single=True, unchanged=CHANGED.unchanged)
    if not literal:
        field_options.note_stray_time(invocation, words[1:], outcome.items[0].number)


def _edit_chosen(
    invocation: Invocation, words: list[str], choice: Choice, fields: dict[str, Any], *, dry_run: bool
) -> None:
    said = field_options.read(words)
    if said.title or "title" in fields:
        detail = f"{said.title.split()[0][:40]!r} is no change." if said.title else "A title is one todo's own."
        raise UsageError(detail, hint="Beside a choice give changes as due:fri, pri:high, +bills; or a number.")
    if not (fields := fields | said.changes):
        raise UsageError("There is nothing to change.", hint="Give it as words: todo edit --project garden due:sat")
    update = _valid(fields)
    step_on_chosen(
        invocation,
        choice,
        lambda todos, chosen: todos.edit(chosen, update, change=invocation.change),
        CHANGED,
        "open",
        dry_run=dry_run,
    )


def _valid(fields: dict[str, Any]) -> TodoUpdate:
    from todocli.schemas.base import validated
    from todocli.schemas.todos import TodoUpdate

    return validated(TodoUpdate, fields)


def _is_reference(word: str) -> bool:
    from todocli.domain.references import parse_references

    try:
        parse_references([word])
    except ValidationError:
        return False
    return True
