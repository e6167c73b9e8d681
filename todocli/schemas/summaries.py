"""How much there is to do, and how much is done, under each tag or in each project."""

from __future__ import annotations

from pydantic import Field

from todocli.schemas.base import ItemList, Output


class CountRead(Output):
    """How many todos match."""

    count: int


class SummaryRead(Output):
    """The todos of one tag, or of one project with all its sub-projects; not those in the trash."""

    name: str
    open: int
    completed: int
    done_share: float = Field(description="What fraction of them is completed, from 0 to 1.")


class SummaryList(ItemList[SummaryRead]):
    """All tags, or all projects, by name."""
