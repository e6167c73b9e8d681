"""The commands of the panel Todos: add, list, show, edit, done, reopen, rm."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from todocli import clock
from todocli.cli import bulk, field_options
from todocli.cli.bulk import DryRun, Named, make_step
from todocli.cli.commands import edit
from todocli.cli.context import Invocation
from todocli.cli.filter_options import Choice, chooses
from todocli.cli.input import read_references, read_stdin, read_text
from todocli.cli.output import Group, print_plainly, show_list, tell
from todocli.cli.shared_options import READING, WRITING, Command, takes
from todocli.errors import FieldError, UsageError, ValidationError

if TYPE_CHECKING:
    from todocli.services.resolve import Result
    from todocli.services.selection import Chosen
    from todocli.services.todos import Todos

PANEL = "Todos"

LAST_STEPS = 5
"""How many of a todo's steps `show` has; `log` has them all."""


def count(text: str) -> int:
    """Return a number from 1 up, as a person types it."""
    if not (text.isascii() and text.isdecimal()) or not int(text):
        raise typer.BadParameter(f"{text[:40]!r} is not a number from 1 up.")
    return int(text)


NumbersToTake = Annotated[
    list[str], typer.Argument(metavar="REF", help="Numbers, ranges like 5-7, UUIDs, or - for those on stdin.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    for name, body in (
        ("add", add),
        ("list", list_),
        ("show", show),
        ("edit", edit.edit),
        ("done", done),
        ("reopen", reopen),
        ("rm", rm),
    ):
        app.command(name, cls=Command, rich_help_panel=PANEL)(body)
    app.command("ls", cls=Command, hidden=True)(list_)


@takes(*WRITING)
def add(
    invocation: Invocation,
    words: Annotated[list[str], typer.Argument(metavar="TITLE", help="The title; - reads one a line from stdin.")],
    description: Annotated[
        str | None, typer.Option("--description", "-d", help="More about it; - reads it from stdin.")
    ] = None,
    due: field_options.Due = None,
    start: field_options.Start = None,
    priority: field_options.Priority = None,
    project: field_options.Project = None,
    tag: field_options.Tag = None,
    literal: field_options.Literal = False,
) -> None:
    """Add a todo. QuickAdd need no quotes: todo add pay rent due:fri pri:high project:home +bills"""
    from todocli.schemas.base import validated
    from todocli.schemas.todos import TodoCreate

    from_stdin = words == ["-"]
    if from_stdin and description == "-":
        raise UsageError("Title and description cannot both come from stdin.", hint="Give one of them as words.")
    described = {} if description is None else {"description": read_text(description)}
    titles = read_stdin().split("\n") if from_stdin else [" ".join(words)]
    drafts = []
    for position, title in enumerate(titles, 1):
        if from_stdin and not title.strip():
            continue
        try:
            said = field_options.read(
                [title] if from_stdin else words,
                due=due,
                start=start,
                priority=priority,
                project=project,
                tag=tag,
                literal=literal,
            )
            drafts.append(validated(TodoCreate, {"title": said.title, **said.new, **described}))
        except ValidationError as error:
            if not from_stdin:
                raise
            detail = f"Line {position} of stdin: {error.detail} Nothing was added."
            raise ValidationError(detail, hint=error.hint, field_errors=error.field_errors) from None
    if not drafts:
        raise ValidationError(
            "There is no title on stdin.",
            hint="Write one a line.",
            field_errors=(FieldError("title", "must not be empty"),),
        )
    with invocation.todos() as todos:
        outcome = todos.add(drafts, change=invocation.change)
    tell(invocation, outcome, "Added", single=not from_stdin)
    if not from_stdin and not literal:
        field_options.note_stray_time(invocation, words, outcome.items[0].number)


@takes(*READING)
@chooses
def list_(
    invocation: Invocation,
    choice: Choice,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="FILTER", help="+home, project:work, due:week, pri:high, or a text.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", metavar="N", parser=count, help="Show at most so many.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option("--sort", metavar="KEYS", help="The order: due,-priority,project,title,created.")
    ] = None,
    reverse: Annotated[bool, typer.Option("--reverse", "-r", metavar="", help="Turn the order round.")] = False,
    group: Annotated[Group | None, typer.Option("--group", help="Under headings, for a person.")] = None,
) -> None:
    """List todos: those to be done first come first, unless told otherwise."""
    show_list(invocation, choice.state(), choice.filter(words), sort=sort, reverse=reverse, limit=limit, group=group)


@takes(*READING)
def show(invocation: Invocation, references: NumbersToTake) -> None:
    """Show everything about todos, those in the trash too."""
    named = read_references(references)
    if invocation.table:
        with invocation.owned() as (store, owner), store.session() as session:
            from todocli.services.history.log import Log

            found = Log(session, owner).of_todos(named, LAST_STEPS)
        from todocli.render.tables import todo_detail

        for todo, steps in found:
            invocation.show(todo_detail(todo, steps, now=clock.now()))
        return
    with invocation.todos() as todos:
        outcome = todos.get(named)
    print_plainly(invocation, outcome.items, single=named.single, description=True)


@takes(*WRITING, "yes")
@chooses
def done(invocation: Invocation, choice: Choice, references: Named = None, dry_run: DryRun = False) -> None:
    """Complete todos: those named, or those chosen by what they are."""
    make = partial(_made, "complete", invocation)
    make_step(invocation, references, make, bulk.DONE, choice, dry_run=dry_run)


@takes(*WRITING, "yes")
@chooses
def reopen(invocation: Invocation, choice: Choice, references: Named = None, dry_run: DryRun = False) -> None:
    """Make completed todos open again: those named, or those chosen by what they are."""
    make = partial(_made, "reopen", invocation)
    make_step(invocation, references, make, bulk.REOPENED, choice, "completed", dry_run=dry_run)


@takes(*WRITING, "yes")
@chooses
def rm(invocation: Invocation, choice: Choice, references: Named = None, dry_run: DryRun = False) -> None:
    """Move todos to the trash; todo undo or todo restore brings them back."""
    make = partial(_made, "remove", invocation)
    make_step(invocation, references, make, bulk.REMOVED, choice, dry_run=dry_run)


def _made(
    verb: Literal["complete", "reopen", "remove"], invocation: Invocation, todos: Todos, chosen: Chosen
) -> Result:
    outcome: Result = getattr(todos, verb)(chosen, change=invocation.change)
    return outcome
