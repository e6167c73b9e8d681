"""The commands of the panel Todos: add, list, show, edit, done, reopen, rm."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from todocli import clock
from todocli.cli.context import Invocation
from todocli.cli.options import READING, WRITING, Command, takes
from todocli.errors import FieldError, UsageError, ValidationError

if TYPE_CHECKING:
    from todocli.domain.references import References
    from todocli.schemas import TodoRead
    from todocli.services.listing import ListState, SortKey
    from todocli.services.todos import Outcome, Todos

PANEL = "Todos"

NumbersToTake = Annotated[
    list[str], typer.Argument(metavar="REF", help="Numbers, ranges like 5-7, UUIDs, or - for those on stdin.")
]

SHOWN = 20
"""How many todos a step names on a terminal; the rest are counted."""


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    for name, body in (
        ("add", add),
        ("list", list_),
        ("show", show),
        ("edit", edit),
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
) -> None:
    """Add a todo. Words need no quotes: todo add buy milk"""
    from todocli.schemas import TodoCreate, validated

    from_stdin = words == ["-"]
    if from_stdin and description == "-":
        raise UsageError("Title and description cannot both come from stdin.", hint="Give one of them as words.")
    described = {} if description is None else {"description": _text(description)}
    titles = _lines() if from_stdin else [" ".join(words)]
    drafts = []
    for position, title in enumerate(titles, 1):
        try:
            drafts.append(validated(TodoCreate, {"title": title, **described}))
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


@takes(*READING)
def list_(
    invocation: Invocation,
    everything: Annotated[bool, typer.Option("--all", "-a", metavar="", help="Show completed ones too.")] = False,
    completed: Annotated[bool, typer.Option("--completed", "-c", metavar="", help="Show completed ones only.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="Show at most so many.")] = None,
    sort: Annotated[Literal["number", "title", "created"], typer.Option("--sort", help="The order.")] = "number",
    reverse: Annotated[bool, typer.Option("--reverse", "-r", metavar="", help="Turn the order round.")] = False,
) -> None:
    """List todos: the open ones, unless told otherwise."""
    if everything and completed:
        raise UsageError("--all and --completed exclude each other.", hint="Give one of them.")
    state: ListState = "all" if everything else "completed" if completed else "open"
    show_list(invocation, state, sort=sort, reverse=reverse, limit=limit)


@takes(*READING)
def show(invocation: Invocation, references: NumbersToTake) -> None:
    """Show everything about todos, those in the trash too."""
    named = read_references(references)
    with invocation.todos() as todos:
        outcome = todos.get(named)
    if invocation.table:
        from todocli.render.tables import todo_detail

        for todo in outcome.items:
            invocation.show(todo_detail(todo, now=clock.now()))
    else:
        print_plainly(invocation, outcome.items, single=named.single, description=True)


@takes(*WRITING)
def edit(
    invocation: Invocation,
    reference: Annotated[str, typer.Argument(metavar="REF", help="A number or a UUID.")],
    title: Annotated[str | None, typer.Option("--title", "-t", help="The new title.")] = None,
    description: Annotated[
        str | None, typer.Option("--description", "-d", help="The new description; '' clears it, - reads stdin.")
    ] = None,
) -> None:
    """Change a todo's title or description; with neither option, in your editor."""
    from todocli.schemas import TodoUpdate, validated

    named = read_references([reference])
    if not named.single:
        raise UsageError("edit takes one todo, not a range.", hint="Edit them one by one.")
    if title is None and description is None:
        from todocli.cli.editor import edit_todo

        outcome = edit_todo(invocation, named)
    else:
        given = {"title": title, "description": None if description is None else _text(description)}
        update = validated(TodoUpdate, {name: value for name, value in given.items() if value is not None})
        with invocation.todos() as todos:
            outcome = todos.edit(named, update, change=invocation.change)
    tell(invocation, outcome, "Changed", single=True, unchanged="is so already")


@takes(*WRITING)
def done(invocation: Invocation, references: NumbersToTake) -> None:
    """Complete todos."""
    step(invocation, references, lambda todos, named: todos.complete(named, change=invocation.change), "Done", "reopen")


@takes(*WRITING)
def reopen(invocation: Invocation, references: NumbersToTake) -> None:
    """Make completed todos open again."""
    step(invocation, references, lambda todos, named: todos.reopen(named, change=invocation.change), "Reopened", "done")


@takes(*WRITING)
def rm(invocation: Invocation, references: NumbersToTake) -> None:
    """Move todos to the trash; todo restore brings them back."""
    step(
        invocation, references, lambda todos, named: todos.remove(named, change=invocation.change), "Removed", "restore"
    )


# What these commands share with those of the panel History


def read_references(words: Sequence[str]) -> References:
    """Read the references on a command line; `-` stands for those on stdin."""
    from todocli.domain.references import parse_references

    if list(words) == ["-"]:
        words = " ".join(_lines()).split()
        if not words:
            detail = "There is no reference on stdin."
            raise ValidationError(detail, hint="todo list --quiet prints some.")
    return parse_references(words)


def show_list(
    invocation: Invocation,
    state: ListState = "open",
    *,
    sort: SortKey = "number",
    reverse: bool = False,
    limit: int | None = None,
) -> None:
    """List todos as the options ask."""
    from todocli.services.listing import Listing

    with invocation.todos() as todos:
        found = todos.find(Listing(state, sort, reverse, limit))
    if invocation.machine:
        invocation.document(found)
        return
    if not found.items:
        invocation.note(_NOTHING[state])
    elif invocation.table:
        from todocli.render.tables import todo_table

        dated = {"trash": "deleted_at", "completed": "completed_at"}.get(state, "created_at")
        invocation.show(todo_table(found.items, now=clock.now(), width=invocation.width, dated=dated))
        invocation.note(_count(found.count, found.total, state))
    else:
        print_plainly(invocation, found.items, single=False)


_NOTHING: dict[ListState, str] = {
    "open": "Nothing to do. Add something: todo add buy milk",
    "completed": "Nothing is completed yet.",
    "all": "There are no todos yet. Add one: todo add buy milk",
    "trash": "The trash is empty.",
}


def _count(count: int, total: int, state: ListState) -> str:
    kind = {"open": "open", "completed": "completed", "all": "in all", "trash": "in the trash"}[state]
    return f"{total} {kind}" if count == total else f"{count} of {total} {kind}"


def step(
    invocation: Invocation,
    references: Sequence[str],
    make: Callable[[Todos, References], Outcome],
    verb: str,
    way_back: str,
) -> None:
    """Make one step on the todos that `references` name, and say what it did."""
    named = read_references(references)
    with invocation.todos() as todos:
        outcome = make(todos, named)
    unchanged = {"Done": "was done already", "Reopened": "is open already", "Restored": "is not in the trash"}
    tell(invocation, outcome, verb, single=named.single, way_back=way_back, unchanged=unchanged.get(verb, ""))


def tell(
    invocation: Invocation, outcome: Outcome, verb: str, *, single: bool, way_back: str = "", unchanged: str = ""
) -> None:
    """Print what a step did: for a person in words, otherwise the todos as they are now."""
    if not invocation.table:
        print_plainly(invocation, outcome.items, single=single)
        return
    from todocli.render.text import first_line, visible

    for todo in outcome.items[:SHOWN]:
        name = f"{todo.number} {visible(todo.title)}"
        if todo.number not in outcome.changed:
            invocation.line(f"{name} {unchanged}")
            continue
        invocation.line(
            f"{verb} {name}", f"todo {way_back} {todo.number}" if way_back and len(outcome.items) == 1 else ""
        )
        if verb in ("Added", "Changed") and todo.description:
            invocation.line(" " * (len(verb) + len(str(todo.number)) + 2) + first_line(todo.description))
    more = outcome.items[SHOWN:]
    if more:
        invocation.line(f"and {len(more)} more, to {more[-1].number}")


def print_plainly(
    invocation: Invocation, items: Sequence[TodoRead], *, single: bool, description: bool = False
) -> None:
    """Print todos for a program: JSON, numbers, or tab-separated lines."""
    if invocation.machine:
        from todocli.schemas import TodoList

        many = TodoList(items=list(items), count=len(items), total=len(items))
        invocation.document(items[0] if single else many)
        return
    if invocation.quiet:
        sys.stdout.writelines(f"{todo.number}\n" for todo in items)
        return
    from todocli.render.documents import plain

    sys.stdout.writelines(f"{plain(todo, description=description)}\n" for todo in items)


def _text(given: str) -> str:
    return read_stdin() if given == "-" else given


def _lines() -> list[str]:
    return [line for line in read_stdin().split("\n") if line.strip()]


def read_stdin() -> str:
    """Return what is on stdin. Raises `ValidationError` if it is not UTF-8."""
    stream = getattr(sys.stdin, "buffer", None)
    if stream is None:
        return sys.stdin.read() if sys.stdin else ""
    data: bytes = stream.read()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        detail = f"Line {line} of stdin is not valid UTF-8. Nothing was changed."
        raise ValidationError(detail, hint="Convert it first: iconv -f latin1 -t utf-8") from None
