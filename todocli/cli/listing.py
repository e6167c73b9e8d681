"""Prints a list of todos, as every command that shows one does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from todocli.cli.context import Context
from todocli.cli.output import Layout, Note, TodoListing

if TYPE_CHECKING:
    from todocli.domain.filters.ast import Filter
    from todocli.services.queries import ListState

_EXAMPLE = ("todo", "add", "buy", "milk")
_EMPTY: dict[ListState, Note] = {
    "open": ("Nothing to do. Add something", _EXAMPLE),
    "completed": ("Nothing is completed yet.", ()),
    "all": ("There are no todos yet. Add one", _EXAMPLE),
    "trash": ("The trash is empty.", ()),
}
_GROUP_KEYS: dict[Layout, str] = {"project": "project", "tag": "urgency", "due": "due"}


def show_list(
    context: Context,
    state: ListState = "open",
    condition: Filter | None = None,
    *,
    sort: str | None = None,
    reverse: bool = False,
    limit: int | None = None,
    layout: Layout | None = None,
    nothing: Note | None = None,
) -> None:
    """Find todos and print them; `nothing` is the note for an empty list."""
    from todocli.domain.filters.ast import EVERYTHING, all_of
    from todocli.domain.sorting import parse_sort

    narrowing, words = context.narrowing
    condition = all_of(condition or EVERYTHING, narrowing)
    group_key = _GROUP_KEYS.get(layout) if layout else None
    keys = parse_sort(f"{group_key},{sort or 'urgency'}" if group_key else sort or "")
    is_filtered = condition != EVERYTHING

    with context.workspace() as workspace:
        from todocli.services.queries import TodoQuery

        def empty(among: int) -> Note:
            if nothing and words:
                return f"{nothing[0]} The context is {words}. To end it", ("todo", "context", "none")
            if nothing or not is_filtered:
                return nothing or _EMPTY[state]
            from todocli.cli.names import unknown_names

            unknown = context.output.for_person(lambda: unknown_names(workspace, condition))
            found = " ".join(unknown) or _no_matches(state, among)
            return (f"{found} The context is {words}. To end it", ("todo", "context", "none")) if words else (found, ())

        query = TodoQuery(state, condition, keys, reverse, limit)
        listing = TodoListing(query, empty, layout, context.columns, context.other_profile, words)
        shown = context.output.todo_list(workspace, listing)
    context.remember(shown.items, all_open=shown.is_whole and state == "open" and not is_filtered)


def _no_matches(state: ListState, among: int) -> str:
    if not among:
        return "No matches."
    kind = {"open": "open ", "completed": "completed "}.get(state, "")
    return f"No matches among {among} {kind}todo{'s' if among > 1 else ''}."
