"""The commands of the panel Todos: add, list, show, note, edit, done, reopen, rm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from todocli.cli import bulk, field_options, verbs
from todocli.cli.bulk import DryRun, References_, Selecting
from todocli.cli.command import Bulk, Filtering, Reading, Writing
from todocli.cli.commands import edit
from todocli.cli.context import Context
from todocli.cli.input import NothingOnStdin, read_references, read_stdin, read_text
from todocli.cli.listing import show_list
from todocli.cli.names import new_names
from todocli.cli.output import Group, Layout
from todocli.errors import UsageError, ValidationError

if TYPE_CHECKING:
    from todocli.domain.idempotency import ChangeKey
    from todocli.domain.quick_add import QuickAdd
    from todocli.schemas.todos import TodoCreate
    from todocli.services.resolve import Result
    from todocli.services.selection import Chosen
    from todocli.services.todos import Todos

PANEL = "Todos"

SHOWN_LINES = 10
"""How many lines that are not valid an error names."""


def positive(text: str) -> int:
    """Return a positive whole number, as it is typed."""
    if not (text.isascii() and text.isdecimal()) or not int(text):
        raise typer.BadParameter(f"{text[:40]!r} is not a positive whole number.")
    return int(text)


class Noting(Writing):
    """The command note, which opens an editor if the line has no text."""

    def may_ask(self, ctx: Context) -> bool:
        """Whether an editor opens."""
        return not ctx.params["words"]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    for name, cls, body in (
        ("add", Writing, add),
        ("list", Filtering, list_),
        ("show", Reading, show),
        ("note", Noting, note),
        ("edit", edit.Editing, edit.edit),
        ("done", Bulk, done),
        ("reopen", Bulk, reopen),
        ("rm", Bulk, rm),
    ):
        app.command(name, cls=cls, rich_help_panel=PANEL)(body)
    app.command("ls", cls=Filtering, hidden=True)(list_)


def add(
    context: Context,
    words: Annotated[
        list[str],
        typer.Argument(metavar="TITLE", help="The title, with quick-add words; - reads one per line from stdin."),
    ],
    description: Annotated[
        str | None, typer.Option("--description", "-d", metavar="TEXT", help="Details; - reads them from stdin.")
    ] = None,
    due: field_options.Due = None,
    start: field_options.Start = None,
    priority: field_options.Priority = None,
    project: field_options.Project = None,
    tag: field_options.Tag = None,
    needs: field_options.Needs = None,
    parent: field_options.Parent = None,
    every: field_options.Every = None,
    again: field_options.Again = None,
    ends: field_options.Ends = None,
    times: field_options.Times = None,
    literal: field_options.Literal = False,
    skip_invalid: Annotated[
        bool,
        typer.Option("--skip-invalid", metavar="", help="With -, add the other lines if some are not valid."),
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Add a todo. Words need no quotes.

    todo add Pay rent due:fri pri:high
    todo add Call the bank due:tomorrow 17:00 project:home +bills
    todo add - +garden < titles.txt
    """
    common = _for_every_line(words, literal=literal)
    options: dict[str, Any] = {"due": due, "start": start, "priority": priority, "project": project, "tag": tag}
    more = {"needs": needs, "parent": parent, "every": every, "again": again, "ends": ends, "times": times}
    options |= {name: values for name, values in more.items() if values}
    if common is None:
        if skip_invalid:
            raise UsageError("--skip-invalid needs the titles on stdin.", hint="Write todo add - --skip-invalid.")
        details = None if description is None else read_text(description)
        typed = field_options.read(words, literal=literal, is_typed=True, **options)
        lines, drafts = [words], [_draft(typed, details)]
        invalid: dict[int, ValidationError] = {}
    else:
        if description == "-":
            raise UsageError("Title and description cannot both come from stdin.", hint="Give one of them as words.")
        details = description
        lines = [[line, *common] for line in read_stdin().split("\n")]
        drafts, invalid = _drafts(lines, details, literal=literal, **options)
        lines = [line for line in lines if line[0].strip()]
        if not drafts and not invalid:
            raise NothingOnStdin
        if invalid and not (skip_invalid and drafts):
            raise _invalid_lines(invalid, "Nothing was added.")
    key = context.change_key(
        "add", lines=lines, description=details, literal=literal, **options, stdin=True if common is not None else None
    )
    with context.workspace() as workspace:
        result = workspace.rehearse_add(drafts, key) if dry_run else workspace.add(drafts, key)
        tags, projects = [tag for draft in drafts for tag in draft.tags], [draft.project for draft in drafts]
        news = [] if dry_run else context.output.for_person(lambda: new_names(workspace, result, tags, projects))
    if dry_run:
        context.output.preview(result, verbs.ADD)
    else:
        context.report(result, verbs.ADD, single=common is None)
    for note in news:
        context.output.note(note)
    if common is None:
        field_options.note_near_misses(context, typed)
    if invalid:
        raise _invalid_lines(invalid, "The others were added.")


def _for_every_line(words: list[str], *, literal: bool) -> list[str] | None:
    """Return the words beside `-` that apply to every line of stdin; None if the words are a title."""
    if "-" not in words:
        return None
    others = [word for word in words if word != "-"]
    title = " ".join(others) if literal else field_options.read(others).title
    if not title:
        return others
    if words[0] != "-":
        return None  # a dash in a title
    detail = f"With -, the titles come from stdin; {title[:40]!r} cannot apply to each of them."
    raise UsageError(detail, hint="After -, give words such as +bills or due:fri.")


def _drafts(
    lines: list[list[str]], details: str | None, **options: Any
) -> tuple[list[TodoCreate], dict[int, ValidationError]]:
    """Return the todos of lines that are not blank, and the errors of those that are not valid, by their number."""
    drafts, invalid = [], {}
    for number, line in enumerate(lines, 1):
        if line[0].strip():
            try:
                drafts.append(_draft(field_options.read(line, **options), details))
            except ValidationError as error:
                invalid[number] = error
    return drafts, invalid


def _invalid_lines(errors: dict[int, ValidationError], outcome: str) -> ValidationError:
    """Return one error for all lines that are not valid; `outcome` says what became of the others."""
    shown = [f"Line {number} of stdin: {error.detail}" for number, error in list(errors.items())[:SHOWN_LINES]]
    more = [f"And {len(errors) - SHOWN_LINES} more lines are not valid."] if len(errors) > SHOWN_LINES else []
    faults = tuple(fault for error in errors.values() for fault in error.field_errors)
    parts = [*shown, *more, outcome]
    if len(errors) > 1:
        return ValidationError.of_parts(parts, hint="To add the other lines, pass --skip-invalid.", field_errors=faults)
    (only,) = errors.values()
    return ValidationError.of_parts(parts, hint=only.hint, command=only.command, field_errors=faults)


def _draft(found: QuickAdd, description: str | None) -> TodoCreate:
    from todocli.schemas.base import validated
    from todocli.schemas.todos import TodoCreate

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
    tree: Annotated[
        bool, typer.Option("--tree", metavar="", help="Show subtasks below parents, at a terminal.")
    ] = False,
) -> None:
    """List todos, most urgent first.

    todo list +home due:week
    todo list --completed --limit 20
    todo list --where '+bills and not due:none' --sort due
    """
    options = context.filter_options
    condition = options.filter(words)
    if tree and group:
        raise UsageError("--tree and --group cannot be combined.", hint="Use only one of them.")
    layout: Layout | None = "tree" if tree else group
    show_list(context, options.state(condition), condition, sort=sort, reverse=reverse, limit=limit, layout=layout)


def show(context: Context, references: References_) -> None:
    """Show everything about todos, including those in the trash.

    todo show 3
    """
    named = read_references(references)
    with context.workspace() as workspace:
        context.output.show(workspace, named)


def note(
    context: Context,
    reference: Annotated[str, typer.Argument(metavar="REF", help="A number or UUID.", show_default=False)],
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT...]", help="The note; - reads it from stdin.")
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Add a note to a todo, with its date. Without a text, your editor opens.

    todo note 3 called the bank, answer by Friday
    todo note 3 - < answer.txt

    Notes are never overwritten. todo show prints them, and searches find them.
    """
    named = read_references([reference])
    if not named.single:
        raise UsageError("note takes one todo, not several.", hint="Add it to them one by one.")

    def add_note(text: str) -> Result:
        from todocli.schemas.base import validated
        from todocli.schemas.todos import NoteCreate

        text = validated(NoteCreate, {"text": text}).text
        key = context.change_key("note", references=[str(named.items[0])], text=text)
        with context.workspace() as workspace:
            from todocli.services.selection import Preview

            return workspace.note(Preview(named) if dry_run else named, text, key)

    if words:
        text = read_text(words[0]) if words == ["-"] else " ".join(words)
        if words == ["-"] and not text.strip():
            raise NothingOnStdin
        result = add_note(text)
    else:
        from todocli.cli.editor import write_note

        result = write_note(context, named, add_note)
    if dry_run:
        context.output.preview(result, verbs.NOTE)
    else:
        context.report(result, verbs.NOTE, single=True)


def done(
    context: Context,
    words: Selecting = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", metavar="", help="Refuse if what one of them needs, or a subtask, stays open."),
    ] = False,
    with_children: Annotated[
        bool, typer.Option("--with-children", metavar="", help="Complete their subtasks as well, on every level.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Mark todos done, by number or by filter.

    todo done 3 5-7
    todo done +errand
    todo done 12 --with-children
    """

    def complete(todos: Todos, chosen: Chosen, key: ChangeKey) -> Result:
        return todos.complete(chosen, key, strict=strict, with_children=with_children)

    bulk.run(context, verbs.DONE, complete, words, dry_run=dry_run, with_children=with_children)


def reopen(context: Context, words: Selecting = None, dry_run: DryRun = False) -> None:
    """Make completed todos open again, by number or by filter.

    todo reopen 3
    """
    bulk.run(
        context,
        verbs.REOPEN,
        lambda todos, chosen, key: todos.reopen(chosen, key),
        words,
        state="completed",
        dry_run=dry_run,
    )


def rm(
    context: Context,
    words: Selecting = None,
    series: Annotated[bool, typer.Option("--series", metavar="", help="End what repeats: nothing follows it.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Move todos to the trash, with their subtasks. todo restore brings them back.

    todo rm 3
    todo rm project:old --all
    todo rm 3 --series

    A todo that repeats is followed by the next one, unless its series is to end.
    """

    def remove(todos: Todos, chosen: Chosen, key: ChangeKey) -> Result:
        return todos.remove(chosen, key, series=series)

    bulk.run(context, verbs.REMOVE, remove, words, dry_run=dry_run, series=series)
