"""The saved views as queries of the HTTP API: the command line knows what their words mean."""

from __future__ import annotations

import shlex
from urllib.parse import urlencode

from typer.exceptions import TyperException

from todocli.cli.command import Root
from todocli.cli.filter_options import FilterOptions
from todocli.domain.filters.ast import EVERYTHING, format_filter
from todocli.errors import TodoError
from todocli.schemas.views import QueryList, QueryRead


def read_views(program: Root) -> QueryList:
    """Return the views of this machine, each with its query for the days of now."""
    from todocli import profiles

    views = sorted(profiles.load().views.items())
    return QueryList.of([QueryRead(name=name, line=line, query=_query(program, line)) for name, line in views])


def _query(program: Root, line: str) -> str | None:
    """Return the query that lists what `todo list` lists for a line; None if the line is not valid."""
    try:
        words = shlex.split(line)
        with program.make_context("todo", ["list"]) as root:
            listing = program.commands["list"].make_context("list", words, parent=root)
        values = listing.params
        options = FilterOptions(**{name: values[name] for name in FilterOptions.__dataclass_fields__})
        condition = options.filter(values["words"])
        state = options.state(condition)
    except (TodoError, TyperException, ValueError):
        return None
    query = {
        "state": state,
        "where": format_filter(condition) if condition != EVERYTHING else "",
        "sort": values["sort"] or "",
        "reverse": "true" if values["reverse"] else "",
        "limit": values["limit"] or "",
    }
    return urlencode({name: value for name, value in query.items() if value})
