"""What commands about todos answer: a list, or what a step did."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from todocli import clock
from todocli.errors import OutputLost

if TYPE_CHECKING:
    from todocli.cli.context import Invocation
    from todocli.domain.filters.ast import Filter
    from todocli.schemas.todos import TodoRead
    from todocli.services.queries import ListState
    from todocli.services.resolve import Result

SHOWN = 20
"""How many todos a step names on a terminal; the rest are counted."""


Group = Literal["project", "tag", "due"]


def show_list(
    invocation: Invocation,
    state: ListState = "open",
    condition: Filter | None = None,
    *,
    sort: str | None = None,
    reverse: bool = False,
    limit: int | None = None,
    group: Group | None = None,
    nothing: str | None = None,
) -> None:
    """List todos as the options ask; `nothing` is said of an empty list."""
    from todocli.domain.filters.ast import EVERYTHING
    from todocli.domain.sorting import parse_sort

    condition = condition or EVERYTHING
    keys = parse_sort(f"{_GROUPED[group]},{sort or 'plan'}" if group else sort or "")
    with invocation.todos() as todos:
        from todocli.services.queries import TodoQuery

        listing = TodoQuery(state, condition, keys, reverse, limit)
        found, among = todos.overview(listing) if invocation.table else (todos.find(listing), 0)
    whole = state == "open" and condition == EVERYTHING and limit is None
    invocation.remember(found.items, all_open=whole)
    if invocation.machine:
        invocation.document(found)
    elif not invocation.table:
        if not found.items:
            invocation.note(nothing or _nothing(state, condition != EVERYTHING, among))
        print_plainly(invocation, found.items, single=False)
    elif not found.items:
        invocation.note(nothing or _nothing(state, condition != EVERYTHING, among))
    else:
        from todocli.render.lists import footer, todo_table

        dated = {"trash": "deleted_at", "completed": "completed_at"}.get(state, "created_at")
        invocation.show(todo_table(found.items, now=clock.now(), width=invocation.width, dated=dated, group=group))
        invocation.note(footer(found, among, state, clock.here()))


_GROUPED: dict[Group, str] = {"project": "project", "tag": "plan", "due": "due"}
_NOTHING: dict[ListState, str] = {
    "open": "Nothing to do. Add something: todo add buy milk",
    "completed": "Nothing is completed yet.",
    "all": "There are no todos yet. Add one: todo add buy milk",
    "trash": "The trash is empty.",
}


def _nothing(state: ListState, is_filtered: bool, among: int) -> str:
    return f"None of {among} fit." if is_filtered and among else "None fit." if is_filtered else _NOTHING[state]


def tell(invocation: Invocation, outcome: Result, verb: str, *, single: bool, unchanged: str = "") -> None:
    """Print what a step did: for a person in words, otherwise the todos as they are now."""
    try:
        _tell(invocation, outcome, verb, single=single, unchanged=unchanged)
        sys.stdout.flush()
        invocation.remember(outcome.items)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputLost(f"It is done, but the output could not be written: {error.strerror}.") from None


def _tell(invocation: Invocation, outcome: Result, verb: str, *, single: bool, unchanged: str) -> None:
    if not invocation.table:
        print_plainly(invocation, outcome.items, single=single)
        return
    if not outcome.items:
        invocation.note("Nothing to do: that is so already.")
    from todocli.render.text import first_line, visible
    from todocli.render.todos import plan

    shown, more = outcome.items[:SHOWN], outcome.items[SHOWN:]
    way_back = "todo undo" if outcome.changed and verb != "Added" else ""
    last = next((todo for todo in reversed(outcome.items) if todo.number in outcome.changed), None)
    for todo in shown:
        name = f"{todo.number} {visible(todo.title)}"
        if todo.number not in outcome.changed:
            invocation.line(f"{name} {unchanged}")
            continue
        told = verb in ("Added", "Changed")
        said = [f"{verb} {name}", *(plan(todo, clock.today()) if told else ())]
        invocation.line(" · ".join(said), way_back if todo is last else "")
        if told and todo.description:
            invocation.line(" " * (len(verb) + len(str(todo.number)) + 2) + first_line(todo.description))
    if more:
        invocation.line(f"and {len(more)} more, to {more[-1].number}", way_back)


def print_plainly(
    invocation: Invocation, items: Sequence[TodoRead], *, single: bool, description: bool = False
) -> None:
    """Print todos for a program: JSON, numbers, or tab-separated lines."""
    if invocation.machine:
        from todocli.schemas.todos import TodoList

        many = TodoList(items=list(items), count=len(items), total=len(items))
        invocation.document(items[0] if single else many)
        return
    if invocation.quiet:
        sys.stdout.writelines(f"{todo.number}\n" for todo in items)
        return
    from todocli.render.documents import plain

    sys.stdout.writelines(f"{plain(todo, description=description)}\n" for todo in items)
