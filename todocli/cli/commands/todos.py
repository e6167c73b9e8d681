"""The commands of the panel Todos: add, list, show, edit, done, reopen, rm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from todocli.cli import bulk, field_options, verbs
from todocli.cli.bulk import DryRun, OptionalReferences, References_
from todocli.cli.command import Bulk, Listing, Reading, Writing
from todocli.cli.commands import edit
from todocli.cli.context import Context
from todocli.cli.input import read_references, read_stdin, read_text
from todocli.cli.listing import show_list
from todocli.cli.output import Group
from todocli.errors import UsageError, ValidationError

if TYPE_CHECKING:
    from todocli.schemas.todos import TodoCreate

PANEL = "Todos"


def positive(text: str) -> int:
    """Return a positive whole number, as it is typed."""
    if not (text.isascii() and text.isdecimal()) or not int(text):
        raise typer.BadParameter(f"{text[:40]!r} is not a positive whole number.")
    return int(text)


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    for name, cls, body in (
        ("add", Writing, add),
        ("list", Listing, list_),
        ("show", Reading, show),
        ("edit", edit.Editing, edit.edit),
        ("done", Bulk, done),
        ("reopen", Bulk, reopen),
        ("rm", Bulk, rm),
    ):
        app.command(name, cls=cls, rich_help_panel=PANEL)(body)
    app.command("ls", cls=Listing, hidden=True)(list_)


def add(
    context: Context,
    words: Annotated[
        list[str], typer.Argument(metavar="TITLE", help="The title, with quick-add words; - reads one per line.")
    ],
    description: Annotated[
        str | None, typer.Option("--description", "-d", metavar="TEXT", help="Details; - reads them from stdin.")
    ] = None,
    due: field_options.Due = None,
    start: field_options.Start = None,
    priority: field_options.Priority = None,
    project: field_options.Project = None,
    tag: field_options.Tag = None,
    literal: field_options.Literal = False,
) -> None:
    """Add a todo. Words need no quotes.

    todo add Pay rent due:fri pri:high
    todo add Call the bank due:tomorrow-17:00 project:home +bills
    todo add - < titles.txt
    """
    from_stdin = words == ["-"]
    if from_stdin and description == "-":
        raise UsageError("Title and description cannot both come from stdin.", hint="Give one of them as words.")
    details = None if description is None else read_text(description)
    if from_stdin:
        lines = {number: [line] for number, line in enumerate(read_stdin().split("\n"), 1) if line.strip()}
    else:
        lines = {1: words}
    options: dict[str, Any] = {"due": due, "start": start, "priority": priority, "project": project, "tag": tag}
    drafts = []
    for number, line in lines.items():
        try:
            drafts.append(_draft(line, details, literal=literal, **options))
        except ValidationError as error:
            if not from_stdin:
                raise
            detail = f"Line {number} of stdin: {error.detail} Nothing was added."
            raise ValidationError(detail, hint=error.hint, field_errors=error.field_errors) from None
    if not drafts:
        raise ValidationError.of("title", "There is no title on stdin.", hint="Write one per line.")
    key = context.change_key(
        "add", lines=list(lines.values()), description=details, literal=literal, **options, stdin=from_stdin or None
    )
    with context.workspace() as workspace:
        result = workspace.todos.add(drafts, key)
    context.report(result, verbs.ADD, single=not from_stdin)


def _draft(words: list[str], description: str | None, *, literal: bool, **options: Any) -> TodoCreate:
    from todocli.schemas.base import validated
    from todocli.schemas.todos import TodoCreate

    found = field_options.read(words, literal=literal, **options)
    details = {} if description is None else {"description": description}
    return validated(TodoCreate, {"title": found.title, **found.new, **details})


def list_(
    context: Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILTER...]", help="+home, project:work, due:week, pri:high, or text."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", metavar="N", parser=positive, help="Show at most N.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", metavar="KEYS", help="Sort by due,-priority,project,title,created.")
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", "-r", metavar="", help="Reverse the order.")] = False,
    group: Annotated[Group | None, typer.Option("--group", metavar="BY", help="Group by project, tag or due.")] = None,
) -> None:
    """List todos, most urgent first.

    todo list +home due:week
    todo list --completed --limit 20
    todo list --where '+bills and not due:none' --sort due
    """
    options = context.filter_options
    show_list(context, options.state(), options.filter(words), sort=sort, reverse=reverse, limit=limit, group=group)


def show(context: Context, references: References_) -> None:
    """Show everything about todos, including those in the trash.

    todo show 3
    """
    named = read_references(references)
    with context.workspace() as workspace:
        context.output.show(workspace, named)


def done(context: Context, references: OptionalReferences = None, dry_run: DryRun = False) -> None:
    """Mark todos done, by number or by filter.

    todo done 3 5-7
    todo done --tag errand
    """
    bulk.run(context, verbs.DONE, lambda todos, chosen, key: todos.complete(chosen, key), references, dry_run=dry_run)


def reopen(context: Context, references: OptionalReferences = None, dry_run: DryRun = False) -> None:
    """Make completed todos open again, by number or by filter.

    todo reopen 3
    """
    bulk.run(
        context,
        verbs.REOPEN,
        lambda todos, chosen, key: todos.reopen(chosen, key),
        references,
        state="completed",
        dry_run=dry_run,
    )


def rm(context: Context, references: OptionalReferences = None, dry_run: DryRun = False) -> None:
    """Move todos to the trash. todo restore brings them back.

    todo rm 3
    todo rm --project old --all
    """
    bulk.run(context, verbs.REMOVE, lambda todos, chosen, key: todos.remove(chosen, key), references, dry_run=dry_run)
