"""The command edit: by words, by options, or in an editor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from todocli.cli import bulk, field_options, verbs
from todocli.cli.bulk import DryRun
from todocli.cli.command import Bulk
from todocli.cli.context import Context
from todocli.cli.input import read_references, read_text
from todocli.errors import UsageError, ValidationError

if TYPE_CHECKING:
    from todocli.domain.references import References
    from todocli.schemas.todos import TodoUpdate

FIELD_OPTIONS = ("--tag", "--project", "--priority", "--due", "--start")
"""Options that select todos, but set fields if a todo is referenced."""


class Editing(Bulk):
    """The command edit, which opens an editor if the line has no change."""

    def may_ask(self, ctx: Context) -> bool:
        """Whether the user may be asked, or an editor opens."""
        given = ctx.params
        is_text_given = given["title"] is not None or given["description"] is not None
        has_change = len(given["words"] or ()) > 1 or is_text_given or given["untag"] or ctx.filter_options.given
        return not has_change or super().may_ask(ctx)


def edit(
    context: Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REF] [WORDS...]", help="A number or UUID; then a new title, due:fri, +bills."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", "-t", metavar="TEXT", help="The new title.")] = None,
    description: Annotated[
        str | None,
        typer.Option("--description", "-d", metavar="TEXT", help="New details; '' clears, - reads stdin."),
    ] = None,
    untag: Annotated[
        list[str] | None, typer.Option("--untag", metavar="NAME", help="Remove a tag; repeat the option for more.")
    ] = None,
    literal: field_options.Literal = False,
    dry_run: DryRun = False,
) -> None:
    """Change a todo by words or options, or in your editor if you give neither.

    todo edit 3 Pay the rent due:fri
    todo edit 3 due:none --untag bills
    todo edit --project garden due:sat

    After a number, --due, --start, --priority, --project and --tag set fields. Without a number they select todos,
    and the words say what to change in all of them.
    """
    words = list(words or ())
    fields: dict[str, Any] = {"remove_tags": untag} if untag else {}
    if title is not None:
        fields["title"] = title
    if description is not None:
        fields["description"] = read_text(description)
    if (words and _is_reference(words[0])) or not context.filter_options.given:
        if dry_run:
            raise UsageError("--dry-run needs a filter, such as --tag.", hint="Leave it out.")
        _edit_one(context, words, fields, literal=literal)
    else:
        if literal:
            raise UsageError("--literal only works when editing one todo by number.", hint="Leave it out.")
        _edit_selected(context, words, fields, dry_run=dry_run)


def _edit_one(context: Context, words: list[str], fields: dict[str, Any], *, literal: bool) -> None:
    options = context.filter_options
    if foreign := [option for option in options.given if option not in FIELD_OPTIONS]:
        raise UsageError(f"A number and {foreign[0]} cannot be combined.", hint="Give a number, or use a filter.")
    if not words:
        raise UsageError("No todo was chosen.", hint="Give a number, or a filter: --tag, --project or --where.")
    reference = read_references(words[:1])
    if not reference.single:
        raise UsageError("edit takes one todo, not a range.", hint="Edit them one by one, or use a filter.")
    given = options.as_given()
    found = field_options.read(words[1:], **given, literal=literal)
    if found.title and not literal and all(map(_is_reference, found.title.split())):
        detail = f"edit takes one todo, but was also given {', '.join(found.title.split())}."
        raise UsageError(detail, hint="Edit them one by one. To make numbers the title, pass --title or --literal.")
    if found.title and "title" in fields:
        raise UsageError("The title is given twice.", hint="Give it as words, or with --title.")
    update_fields = fields | found.changes | ({"title": found.title} if found.title else {})
    if not update_fields:
        _edit_in_editor(context, reference)
        return
    update = _validated(update_fields)
    bulk.run_on_references(
        context,
        verbs.EDIT,
        lambda todos, chosen, key: todos.edit(chosen, update, key),
        reference,
        words=words[1:],
        literal=literal,
        **given,
        **fields,
    )


def _edit_in_editor(context: Context, reference: References) -> None:
    from todocli.cli.editor import edit_todo

    context.report(edit_todo(context, reference), verbs.EDIT, single=True)


def _edit_selected(context: Context, words: list[str], fields: dict[str, Any], *, dry_run: bool) -> None:
    found = field_options.read(words)
    if found.title:
        detail = f"{found.title.split()[0][:40]!r} is not a change."
        raise UsageError(detail, hint="With a filter, give changes such as due:fri, pri:high or +bills.")
    if "title" in fields:
        raise UsageError("Only one todo's title can be edited at a time.", hint="Give its number.")
    if not (update_fields := fields | found.changes):
        raise UsageError(
            "No change was given.",
            hint="Give it as words, for example",
            command=("todo", "edit", "--project", "garden", "due:sat"),
        )
    update = _validated(update_fields)
    bulk.run_on_filter(
        context,
        verbs.EDIT,
        lambda todos, chosen, key: todos.edit(chosen, update, key),
        dry_run=dry_run,
        words=words,
        **fields,
    )


def _validated(fields: dict[str, Any]) -> TodoUpdate:
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
