"""The command edit: by words, by options, or in an editor."""

from __future__ import annotations

from typing import Annotated

import typer

from todocli.cli import planning
from todocli.cli.answers import tell
from todocli.cli.context import Invocation
from todocli.cli.input import read_references, read_text
from todocli.cli.options import WRITING, takes
from todocli.errors import UsageError, ValidationError


@takes(*WRITING)
def edit(
    invocation: Invocation,
    words: Annotated[
        list[str], typer.Argument(metavar="REF WORDS", help="A number or a UUID; then a new title, due:fri, +bills.")
    ],
    title: Annotated[str | None, typer.Option("--title", "-t", help="The new title.")] = None,
    description: Annotated[
        str | None,
        typer.Option("--description", "-d", help="The new description; an empty one clears it, - reads stdin."),
    ] = None,
    due: planning.Due = None,
    start: planning.Start = None,
    priority: planning.Priority = None,
    project: planning.Project = None,
    tag: planning.Tag = None,
    untag: Annotated[
        list[str] | None,
        typer.Option("--untag", metavar="NAME", help="Take a tag away.", rich_help_panel=planning.PANEL),
    ] = None,
    literal: planning.Literal = False,
) -> None:
    """Change a todo: by words, of which due:fri or +bills are not part of the title; with none, in your editor."""
    from todocli.schemas.base import validated
    from todocli.schemas.todos import TodoUpdate

    named = read_references(words[:1])
    if not named.single:
        raise UsageError("edit takes one todo, not a range.", hint="Edit them one by one.")
    said = planning.read(words[1:], due=due, start=start, priority=priority, project=project, tag=tag, literal=literal)
    if said.title and not literal and all(map(_is_reference, said.title.split())):
        detail = f"edit takes one todo; {', '.join(said.title.split())} look like more."
        raise UsageError(detail, hint="Edit them one by one; a title of numbers goes to --title, or after --literal.")
    if said.title and title is not None:
        raise UsageError("The title is given twice.", hint="Give it as words, or with --title.")
    fields = dict(said.changes)
    if said.title or title is not None:
        fields["title"] = said.title or title
    if description is not None:
        fields["description"] = read_text(description)
    if untag:
        fields["remove_tags"] = untag
    if fields:
        update = validated(TodoUpdate, fields)
        with invocation.todos() as todos:
            outcome = todos.edit(named, update, change=invocation.change)
    else:
        from todocli.cli.editor import edit_todo

        outcome = edit_todo(invocation, named)
    tell(invocation, outcome, "Changed", single=True, unchanged="is unchanged")


def _is_reference(word: str) -> bool:
    from todocli.domain.references import parse_references

    try:
        parse_references([word])
    except ValidationError:
        return False
    return True
