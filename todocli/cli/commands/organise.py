"""The commands of the panel Organise: today, next, ready, blocked, skip, upcoming, count, context, tags, projects."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from todocli import clock
from todocli.cli import verbs
from todocli.cli.bulk import DryRun, References_
from todocli.cli.command import Counting, Listing, Speaking, Summary, Writing
from todocli.cli.commands.todos import positive
from todocli.cli.context import Context
from todocli.cli.input import read_references
from todocli.cli.listing import show_list
from todocli.errors import UsageError

if TYPE_CHECKING:
    from todocli.cli.output import Note
    from todocli.domain.filters.ast import Filter
    from todocli.schemas.summaries import SummaryList

PANEL = "Organise"


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    for name, cls, body in (
        ("today", Listing, today),
        ("next", Listing, next_),
        ("ready", Listing, ready),
        ("blocked", Listing, blocked),
        ("skip", Writing, skip),
        ("upcoming", Summary, upcoming),
        ("count", Counting, count),
        ("context", Speaking, context_),
        ("tags", Summary, tags),
        ("projects", Summary, projects),
    ):
        app.command(name, cls=cls, rich_help_panel=PANEL)(body)


Words = Annotated[
    list[str] | None, typer.Argument(metavar="[FILTER...]", help="Only these: +home, project:work, pri:high, or text.")
]


def today(context: Context, words: Words = None) -> None:
    """List what is overdue, due today or starting today.

    todo today project:work
    """
    from todocli.domain.filters.ast import Between, all_of, any_of

    day = clock.today()
    condition = any_of(Between("due", None, day), Between("start", day, day))
    show_list(context, "open", all_of(condition, parse_filter(words)), nothing=("Nothing for today.", ()))


def parse_filter(words: list[str] | None) -> Filter:
    """Return the filter that the words of a line mean."""
    from todocli.domain.filters.parser import parse_words

    return parse_words(words or [], today=clock.today())


def next_(
    context: Context,
    words: Words = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", metavar="N", parser=positive, help="Show N; 1 by default.")
    ] = None,
) -> None:
    """Show the most urgent todo, or the N most urgent, of those that are ready.

    todo next -n 3
    todo next +ops
    """
    from todocli.domain.filters.ast import READY, all_of

    if words and words[0].isdecimal() and limit is None:
        limit, words = positive(words[0]), words[1:]
    show_list(context, "open", all_of(parse_filter(words), READY), limit=limit or 1)


def ready(context: Context, words: Words = None) -> None:
    """List what can be done now: open todos that have started, and need none that is open.

    todo ready project:work
    """
    from todocli.domain.filters.ast import READY, all_of

    show_list(context, "open", all_of(parse_filter(words), READY), nothing=("Nothing is ready.", ()))


def blocked(context: Context, words: Words = None) -> None:
    """List what has to wait: open todos that need others which are open.

    todo blocked project:work
    """
    from todocli.domain.filters.ast import Blocked, all_of

    show_list(context, "open", all_of(parse_filter(words), Blocked()), nothing=("Nothing is blocked.", ()))


def skip(context: Context, references: References_, dry_run: DryRun = False) -> None:
    """Move todos that repeat on to their next date, without completing them.

    todo skip 12
    """
    named = read_references(references)
    key = context.change_key("skip", references=sorted(map(str, named.items)))
    with context.workspace() as workspace:
        result = workspace.skip(named, key, dry_run=dry_run)
    if dry_run:
        context.output.preview(result, verbs.SKIP)
    else:
        context.report(result, verbs.SKIP, single=named.single)


def upcoming(
    context: Context,
    words: Words = None,
    until: Annotated[str, typer.Option("--until", metavar="WHEN", help="How far to look ahead: 4w, or a day.")] = "4w",
) -> None:
    """List when todos that repeat will be due.

    todo upcoming --until 3m
    todo upcoming project:home
    """
    from todocli.domain.dates import parse_day
    from todocli.domain.filters.ast import Repeats, all_of
    from todocli.render.dates import clock_time, day
    from todocli.schemas.occurrences import OccurrenceList

    here = clock.here()
    last = parse_day(until, "until", here=here).on
    condition = parse_filter(words)
    with context.workspace() as workspace:
        from todocli.services.queries import TodoQuery

        found = workspace.upcoming(condition, last, here)
        later = 0 if found else workspace.todos.count(TodoQuery(filter=all_of(condition, Repeats())))
    rows = [(f"{day(each.on, here.date())}{clock_time(each.at)}", str(each.number), each.title) for each in found]
    plain = [(f"{each.on}{clock_time(each.at)}", str(each.number), each.title) for each in found]
    nothing: Note
    if later:
        nothing = (f"Nothing repeats until {day(last, here.date())}. To see what does", ("todo", "list", "every:any"))
    else:
        nothing = ("Nothing repeats. To make a todo repeat", ("todo", "edit", "12", "every:week"))
    context.output.rows(OccurrenceList.of(found), ("Due", "#", "Title"), rows, plain=plain, nothing=nothing)


def count(context: Context, words: Words = None) -> None:
    """Count todos: the open ones, or those of a filter.

    todo count
    todo count +bills due:week
    todo count done:week
    """
    from todocli.schemas.summaries import CountRead

    condition = context.filter_options.filter(words)
    state = context.filter_options.state(condition)
    with context.workspace() as workspace:
        from todocli.services.queries import TodoQuery

        found = workspace.todos.count(TodoQuery(state, condition))
    context.output.lines(CountRead(count=found), [str(found)])


def context_(
    context: Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[FILTER...]", help="+work, project:work; a view; or none.")
    ] = None,
) -> None:
    """Narrow the lists at a terminal to what matters now.

    todo context project:work
    todo context none

    Lists and changes by filter then leave out everything else. Numbers, add, undo, log and pipes are not affected.
    """
    from todocli import profiles

    before = context.settings.context
    if not words:
        context.output.note(f"The context is {before}." if before else "There is no context.")
        return
    if words in (["none"], ["off"], ["clear"]):
        profiles.set_context("")
        context.output.note(f"The context {before} ended." if before else "There is no context.")
        return
    text = _context_words(context, words)
    profiles.set_context(text)
    context.output.note(f"The context is {text}. To end it", ("todo", "context", "none"))


def _context_words(context: Context, words: list[str]) -> str:
    """Return the words of a filter. Raises `UsageError` for text, unless it is the name of a view."""
    from todocli.domain.filters.ast import may_be_done
    from todocli.domain.filters.words import is_key_word
    from todocli.domain.quick_add import join_dates

    given = words[0]
    view = context.settings.views.get(given) if len(words) == 1 else None
    words = words if view is None else shlex.split(view)
    if any(word.startswith("--") for word in words):
        detail = f"The view {given} has options, but a context takes the words of a filter only."
        raise UsageError(detail, hint="Write it like project:work.")
    if text := next((word for word in join_dates(words) if not is_key_word(word)), ""):
        detail = f"{text[:40]!r} is neither a filter nor a view."
        raise UsageError(detail, hint="Write it like +work or project:work, or end it with none.")
    if may_be_done(parse_filter(words)):
        raise UsageError("A context is for open todos, but done: finds completed ones.", hint="Save a view instead.")
    return shlex.join(words)


def tags(context: Context) -> None:
    """List your tags, with their open and completed todos."""
    with context.workspace() as workspace:
        found = workspace.summaries.tags()
    context.remember(tags=[summary.name for summary in found.items])
    nothing = "There are no tags yet. Add one to a todo", ("todo", "add", "Pay", "rent", "+bills")
    _print(context, "Tag", found, nothing)


def projects(context: Context) -> None:
    """List your projects, with their open and completed todos."""
    with context.workspace() as workspace:
        found = workspace.summaries.projects()
    context.remember(projects=[summary.name for summary in found.items])
    nothing = "There are no projects yet. Add a todo to one", ("todo", "add", "Pay", "rent", "project:home")
    _print(context, "Project", found, nothing)


def _print(context: Context, head: str, found: SummaryList, nothing: tuple[str, tuple[str, ...]]) -> None:
    rows = [(s.name, str(s.open), str(s.completed), f"{s.done_share:.0%}") for s in found.items]
    context.output.rows(found, (head, "Open", "Done", "% done"), rows, nothing=nothing)
