"""The commands of the panel History: trash, restore, undo, redo, log, purge."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from todocli import clock
from todocli.cli.bulk import RESTORED, make_step
from todocli.cli.commands import todos
from todocli.cli.context import Invocation
from todocli.cli.input import read_references
from todocli.cli.output import SHOWN, show_list
from todocli.cli.shared_options import READING, WRITING, Command, takes
from todocli.errors import UsageError

if TYPE_CHECKING:
    from sqlmodel import Session

    from todocli.schemas.changes import ChangeList
    from todocli.schemas.todos import TodoRead

PANEL = "History"

STEPS = 20
"""How many steps `log` shows, unless told otherwise."""

PART = 3
"""How many todos `log` shows of one step to a person."""

TURNING = tuple(name for name in WRITING if name != "fields")
"""What commands that answer with steps take."""

HowMany = Annotated[int | None, typer.Argument(metavar="N", parser=todos.count, help="How many steps; 1 if not given.")]
Force = Annotated[bool, typer.Option("--force", metavar="", help="Also where a todo was changed since: write over it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", metavar="", help="Say what it would do, and do nothing.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    for body in (trash, restore, undo, redo, log, purge):
        app.command(body.__name__, cls=Command, rich_help_panel=PANEL)(body)


@takes(*READING)
def trash(invocation: Invocation) -> None:
    """List what is in the trash."""
    show_list(invocation, "trash")


@takes(*WRITING)
def restore(invocation: Invocation, references: todos.NumbersToTake) -> None:
    """Take todos out of the trash."""
    make_step(invocation, references, lambda mine, named: mine.restore(named, change=invocation.change), RESTORED)


@takes(*TURNING)
def undo(invocation: Invocation, count: HowMany = None, force: Force = False, dry_run: DryRun = False) -> None:
    """Take back your newest step, from wherever it was made; or your newest N."""
    _turn(invocation, "undo", count or 1, force=force, dry_run=dry_run)


@takes(*TURNING)
def redo(invocation: Invocation, count: HowMany = None, force: Force = False, dry_run: DryRun = False) -> None:
    """Make the step again that was undone last; or the last N. It is possible until the next other step."""
    _turn(invocation, "redo", count or 1, force=force, dry_run=dry_run)


def _turn(invocation: Invocation, verb: Literal["undo", "redo"], count: int, *, force: bool, dry_run: bool) -> None:
    with invocation.owned() as (store, owner):
        from todocli.services.history.undo import Undo

        def turn(session: Session) -> ChangeList:
            service = Undo(session, owner)
            turned = service.undo if verb == "undo" else service.redo
            return turned(count, change=invocation.named_change(), force=force, dry_run=dry_run)

        steps = store.atomically(turn)
    if not dry_run:
        invocation.remember(gone=[item.number for step in steps.items for item in step.items])
    if not steps.items:
        invocation.note("That was done before; what it changed was purged since.")
    in_words = invocation.table or (dry_run and not invocation.machine and not invocation.quiet)
    if not in_words:
        _print_plainly(invocation, steps)
        return
    from todocli.render.history import effect, summary

    done = {"undo": "Undone", "redo": "Redone"}[verb]
    way_back = "todo redo" if verb == "undo" else "todo undo"
    for step in steps.items:
        told = f"Would {verb}" if dry_run else done
        last = step is steps.items[-1] and not dry_run
        invocation.line(f"{told}: {summary(step, clock.now())}", _times(way_back, count) if last else "")
        for item in step.items[:SHOWN] if dry_run else ():
            invocation.line(f"  {effect(item, verb)}")
        if dry_run and step.count > SHOWN:
            invocation.line(f"  and {step.count - SHOWN} more")


def _times(command: str, count: int) -> str:
    return f"{command} {count}" if count > 1 else command


@takes("json", "jsonl", "profile", "no_input", "color")
def log(
    invocation: Invocation,
    reference: Annotated[str | None, typer.Argument(metavar="REF", help="A number or a UUID: only its steps.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Only since then: 3h, 2d, yesterday, 2026-11-27.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Only until then.")] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", "-n", metavar="N", parser=todos.count, help=f"Show at most N; {STEPS} if not given."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", "-a", metavar="", help="Show every step.")] = False,
) -> None:
    """Show your steps, newest first: what was changed, when, and what of it was undone."""
    from todocli.domain.timestamps import parse_timestamp

    if everything and limit is not None:
        raise UsageError("--all and --limit exclude each other.", hint="Give one of them.")
    named = None if reference is None else read_references([reference])
    if named and not named.single:
        raise UsageError("log takes one todo, not a range.", hint="Look at them one by one.")
    now = clock.now()
    with invocation.owned() as (store, owner), store.session() as session:
        from todocli.services.history.log import Log, LogQuery

        wanted = LogQuery(
            todo=named.items[0] if named else None,
            since=None if since is None else parse_timestamp(since, "since", now=now),
            until=None if until is None else parse_timestamp(until, "until", now=now, end=True),
            limit=None if everything else limit or STEPS,
            shown=PART if invocation.table else None,
            with_total=invocation.machine,
        )
        found = Log(session, owner).find(wanted)
    if not invocation.table:
        _print_plainly(invocation, found)
    if not found.items and not invocation.machine:
        invocation.note("There are no steps yet." if since is until is None else "There are no steps in that time.")
    elif invocation.table:
        from todocli.render.tables import step_table

        invocation.show(step_table(found.items, now=now, width=invocation.width))
        if found.total > found.count:
            line = ["log", *([reference] if reference else [])]
            line += [
                word for name, value in (("--since", since), ("--until", until)) if value for word in (name, value)
            ]
            invocation.note(f"There are more: todo {shlex.join([*line, '--all'])}")


@takes(*TURNING, "yes")
def purge(
    invocation: Invocation,
    references: Annotated[
        list[str] | None, typer.Argument(metavar="REF", help="Numbers, ranges or UUIDs; all of the trash, if none.")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="Only what is in the trash for so long: 30d, 2w.")
    ] = None,
) -> None:
    """Destroy what is in the trash, and its history, for good. Only its numbers stay taken."""
    from todocli.domain.timestamps import parse_duration

    named = read_references(references) if references else None
    until = clock.now() - parse_duration(older_than, "older-than") if older_than is not None else None
    change = invocation.named_change()
    with invocation.owned() as (store, owner):
        from todocli.schemas.changes import ChangeList
        from todocli.services.history.purge import Purge, Trash

        meant = Trash(named, until)
        with store.session() as session:
            service = Purge(session, owner)
            steps = service.made(meant, change) if "change" in invocation.given else None
            expected = [] if steps else service.meant(meant)
        if expected:
            invocation.confirm(_question(expected))
            steps = store.atomically(lambda session: Purge(session, owner).purge(meant, expected, change=change))
            invocation.forget()
    if not invocation.table:
        _print_plainly(invocation, steps or ChangeList(items=[], count=0, total=0))
    if not steps:
        invocation.note("Nothing in the trash is that old." if until else "The trash is empty.")
    elif invocation.table:
        from todocli.render.text import visible

        titles = {todo.number: visible(todo.title) for todo in expected}
        items = [item for step in steps.items for item in step.items]
        for item in items[:SHOWN]:
            invocation.line(f"Purged {item.number} {titles.get(item.number, '')}".rstrip())
        if len(items) > SHOWN:
            invocation.line(f"and {len(items) - SHOWN} more, to {items[-1].number}")


def _question(todos: list[TodoRead]) -> str:
    from todocli.render.text import visible

    names = ", ".join(f"{todo.number} {visible(todo.title)}" for todo in todos[:PART])
    more = f" and {len(todos) - PART} more" if len(todos) > PART else ""
    return f"Destroy {names}{more} for good, with {'its' if len(todos) == 1 else 'their'} history?"


def _print_plainly(invocation: Invocation, steps: ChangeList) -> None:
    """Print steps for a program: JSON, the numbers of what they touched, or tab-separated lines."""
    if invocation.machine:
        invocation.document(steps)
    elif invocation.quiet:
        numbers = dict.fromkeys(item.number for step in steps.items for item in step.items)
        sys.stdout.writelines(f"{number}\n" for number in numbers)
    else:
        from todocli.render.history import plain_step

        sys.stdout.writelines(f"{line}\n" for step in steps.items for line in plain_step(step))
