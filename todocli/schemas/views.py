"""Saved views."""

from __future__ import annotations

from pydantic import Field

from todocli.schemas.base import ItemList, Output


class ViewRead(Output):
    """A saved view."""

    name: str
    line: str = Field(description="What is typed after `todo list`, as a shell reads it.")


class QueryRead(ViewRead):
    """A saved view, with the query of the HTTP API that lists the same."""

    query: str | None = Field(description="What follows `/todos?`; days are those of now. Null: the view is not valid.")


class QueryList(ItemList[QueryRead]):
    """All saved views, by name, with their queries."""


class ViewList(ItemList[ViewRead]):
    """All saved views, by name."""
