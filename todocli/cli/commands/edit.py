"""The command edit: by words, by options, or in an editor.

    todo edit REF... [set] CHANGES      the line begins with references
    todo edit FILTER... set CHANGES     it does not

A key has one meaning in each place. Before `set` it selects, as in every other command, and after `set` it changes:
without that word, `edit project:home due:fri` could mean two different things.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Annotated, Any

import typer

from todocli import clock
from todocli.cli import bulk, field_options, verbs
from todocli.cli.bulk import DryRun
from todocli.cli.command import Bulk
from todocli.cli.context import Context
from todocli.cli.input import read_references, read_text
from todocli.errors import UsageError

if TYPE_CHECKING:
    from todocli.domain.references import References
    from todocli.schemas.todos import TodoRead, TodoUpdate
    from todocli.services.resolve import Result

FIELD_OPTIONS = ("--tag", "--project", "--priority", "--due", "--start", "--needs", "--parent")
"""Options that select todos, but set fields if a todo is referenced."""

SET = "set"
"""The word between a filter and the changes."""


class Editing(Bulk):
    """The command edit, which opens an editor if the line has no change."""

    def may_ask(self, ctx: Context) -> bool:
        """Whether the user may be asked, or an editor opens."""
        given = ctx.params
        is_text_given = given["title"] is not None or given["description"] is not None
        is_text_given |= any(given[name] for name in ("every", "again", "ends", "times"))
        has_change = len(given["words"] or ()) > 1 or is_text_given or given["untag"] or ctx.filter_options.given
        return not has_change or super().may_ask(ctx)

    def option_of_minus(self, before: Sequence[str]) -> str | None:
        """Return what `-diy` stands for: it removes the tag after a number or `set`, and else excludes it."""
        changes = SET in before or any(_is_reference(word) or word == "-" for word in before[:1])
        return "--untag" if changes else "--no-tag"


def edit(
    context: Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[REF...] [FILTER... set] [WORDS...]", help="Todos; then a new title, due:fri, +bills."),
    ] = None,
    title: Annotated[str | None, typer.Option("--title", "-t", metavar="TEXT", help="The new title.")] = None,
    description: Annotated[
        str | None,
        typer.Option("--description", "-d", metavar="TEXT", help="New details; '' clears, - reads stdin."),
    ] = None,
    untag: Annotated[
        list[str] | None, typer.Option("--untag", metavar="NAME", help="Remove a tag; repeat the option for more.")
    ] = None,
    every: field_options.Every = None,
    again: field_options.Again = None,
    ends: field_options.Ends = None,
    times: field_options.Times = None,
    literal: field_options.Literal = False,
    series: Annotated[
        bool, typer.Option("--series", metavar="", help="Of what repeats, change all that follow as well.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Change todos by words or options, or one in your editor if you give neither.

    todo edit 3 Pay the rent due:fri
    todo edit 3 5-7 due:none --untag bills
    todo edit project:garden set due:sat
    todo edit due:overdue set due:+1w
    todo edit 3 Water the ferns --series

    After numbers, --due, --start, --priority, --project, --tag, --needs and --parent set fields. Without numbers they
    select todos, and the words after set say what to change in all of them. due:+1d moves the date that a todo has. Of
    what repeats, only this one changes, unless it is the series.
    """
    words = list(words or ())
    fields: dict[str, Any] = {"remove_tags": untag} if untag else {}
    if title is not None:
        fields["title"] = title
    if description is not None:
        if words[:1] == ["-"] and description == "-":
            raise UsageError("Numbers and description cannot both come from stdin.", hint="Give one of them as words.")
        fields["description"] = read_text(description)
    given = {"every": every, "again": again, "ends": ends, "times": times}
    repeat = {name: values for name, values in given.items() if values}
    named = list(takewhile(_is_reference, words)) if words[:1] != ["-"] else ["-"]
    if named:
        _edit_referenced(
            context, named, words[len(named) :], fields, repeat, literal=literal, series=series, dry_run=dry_run
        )
    elif repeat:
        raise UsageError("Only one todo at a time can be made to repeat.", hint="Give its number.")
    else:
        _edit_selected(context, words, fields, literal=literal, series=series, dry_run=dry_run)


def _edit_referenced(
    context: Context,
    named: list[str],
    words: list[str],
    fields: dict[str, Any],
    repeat: dict[str, list[str]],
    *,
    literal: bool,
    series: bool,
    dry_run: bool,
) -> None:
    options = context.filter_options
    if foreign := [option for option in options.given if option not in FIELD_OPTIONS]:
        raise UsageError(f"A number and {foreign[0]} cannot be combined.", hint="Give a number, or use a filter.")
    given = options.as_given() | repeat
    if words[:1] == [SET] and len(words) > 1 and not literal and not field_options.read(words[1:]).title:
        words = words[1:]  # as before a filter; otherwise it begins a title: set the table
    found = field_options.read(words, **given, literal=literal, is_typed=True, is_edit=True)
    if found.title and "title" in fields:
        hint = f"Give it as words, or in quotes: --title '{fields['title'][:30]} {found.title[:30]}'."
        raise UsageError("The title is given twice.", hint=hint)
    changes = fields | found.changes | ({"title": found.title} if found.title else {})
    references = read_references(named)
    if "title" in changes and not references.single:
        _refuse_title_of_several(named, words, found.title)
    if not changes and not found.shifts:
        if not references.single:
            raise _no_change("1-3")
        if dry_run:
            raise UsageError("--dry-run needs a change.", hint="Give one, such as due:fri.")
        _edit_in_editor(context, references, series=series)
        return
    update = _validated(changes)
    bulk.run_on_references(
        context,
        verbs.EDIT,
        lambda todos, chosen, key: todos.edit(chosen, update, key, shifts=found.shifts, series=series),
        references,
        dry_run=dry_run,
        changes=changes,
        words=words,
        remark=partial(_reach, update=update, series=series),
        literal=literal,
        series=series,
        **given,
        **fields,
    )
    field_options.note_near_misses(context, found)


def _refuse_title_of_several(named: list[str], words: list[str], title: str) -> None:
    detail = "Only one todo's title can be edited at a time."
    if len(named) > 1 and title:
        text = " ".join([*named[1:], *words])
        raise UsageError(
            detail,
            hint="If the numbers belong to the title, write",
            command=("todo", "edit", named[0], "--title", text),
        )
    raise UsageError(detail, hint="Give its number.")


def _edit_in_editor(context: Context, reference: References, *, series: bool) -> None:
    from todocli.cli.editor import edit_todo

    result, update = edit_todo(context, reference, series=series)
    context.report(result, verbs.EDIT, single=True)
    bulk.note(context, context.output.for_person(lambda: _reach(result, update, series=series)))


def _reach(result: Result, update: TodoUpdate, *, series: bool) -> list[str]:
    """Return a note if an update left the next ones of a todo as they were, or was to reach next ones and has none."""
    from todocli.services.following_sql import COPIED

    if series and result.items and not any(todo.rrule for todo in result.items):
        which = f"{result.items[0].number} does not repeat" if len(result.items) == 1 else "None of these repeats"
        return [f"{which}, so --series made no difference."]
    changed = update.columns().keys() | ({"tags"} if update.add_tags or update.remove_tags else set())
    kept = [(todo.series_values or {}).keys() & changed & {*COPIED} for todo in result.items]
    if not result.changed or not any(kept):
        return []
    which = "this one" if len(result.items) == 1 else "these"
    return [f"Only {which} changed, not what follows. To change that as well, add --series."]


def _edit_selected(
    context: Context, words: list[str], fields: dict[str, Any], *, literal: bool, series: bool, dry_run: bool
) -> None:
    if SET not in words:
        _refuse_without_set(context, words, fields)
    place = words.index(SET) if SET in words else len(words)
    selecting, changing = words[:place], words[place + 1 :]
    if not bulk.is_filter(context, selecting):
        bulk.refuse_text(selecting)
        raise bulk.nothing_chosen()
    if literal:
        raise UsageError("--literal only works when editing todos by number.", hint="Leave it out.")
    found = field_options.read(changing, is_edit=True)
    if found.title:
        detail = f"{found.title.split()[0][:40]!r} is not a change."
        raise UsageError(detail, hint=f"After {SET}, give changes such as due:fri, pri:high or +bills.")
    if "title" in fields:
        raise UsageError("Only one todo's title can be edited at a time.", hint="Give its number.")
    changes = fields | found.changes
    if not changes and not found.shifts:
        raise _no_change("project:garden", SET)
    update = _validated(changes)

    def effect(todos: Sequence[TodoRead]) -> str:
        from todocli.render.todos import describe_update

        return describe_update(todos, update, found.shifts, clock.today())

    bulk.run_on_filter(
        context,
        verbs.EDIT,
        lambda todos, chosen, key: todos.edit(chosen, update, key, shifts=found.shifts, series=series),
        selecting,
        dry_run=dry_run,
        effect=effect,
        remark=partial(_reach, update=update, series=series),
        changes=changing,
        series=series,
        **fields,
    )


def _refuse_without_set(context: Context, words: list[str], fields: dict[str, Any]) -> None:
    """Raise `UsageError` if a line without `set` does not say which words select todos, and which change them."""
    from todocli.domain.filters.words import is_key_word

    given = context.filter_options.as_given()
    if fields and (given or all(map(is_key_word, words))) and (given or words):
        return  # what changes is in options that only change
    if not given and not any(map(is_key_word, words)):
        bulk.refuse_text(words)
        raise bulk.nothing_chosen()
    first, rest = ([], words) if given else (words[:1], words[1:])
    selecting = [part for name, value in given.items() for part in _as_option(name, value)]
    raise UsageError(
        "It is not clear which words select todos, and which change them.",
        hint=f"Put {SET} between them",
        command=("todo", "edit", *selecting, *first, SET, *(rest or ("due:sat",))),
    )


def _as_option(name: str, value: Any) -> list[str]:
    option = f"--{'all' if name == 'everything' else name.replace('_', '-')}"
    if value is True:
        return [option]
    return [part for each in (value if isinstance(value, list | tuple) else [value]) for part in (option, each)]


def _no_change(*chosen: str) -> UsageError:
    return UsageError(
        "No change was given.", hint="Give it as words, for example", command=("todo", "edit", *chosen, "due:sat")
    )


def _validated(fields: dict[str, Any]) -> TodoUpdate:
    from todocli.schemas.base import validated
    from todocli.schemas.todos import TodoUpdate

    return validated(TodoUpdate, fields)


def _is_reference(word: str) -> bool:
    from todocli.domain.references import is_reference

    return is_reference(word)
