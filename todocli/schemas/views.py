"""Saved views."""

from __future__ import annotations

from pydantic import Field

from todocli.schemas.base import ItemList, Output


class ViewRead(Output):
    """A saved view."""

    name: str
    line: str = Field(description="What is typed after `todo list`, as a shell reads it.")


class ViewList(ItemList[ViewRead]):
    """All saved views, by name."""
