"""When todos that repeat will be due."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from todocli.schemas.base import ItemList, Output
from todocli.schemas.todos import LocalTime


class OccurrenceRead(Output):
    """A date of a todo that repeats."""

    number: int = Field(description="The number of the open todo; later ones have none yet.")
    title: str
    on: date = Field(description="When it is due, or starts if it has a start date only.")
    at: LocalTime | None
    place: int = Field(description="Which of its series it is, from 1.")


class OccurrenceList(ItemList[OccurrenceRead]):
    """Dates of todos that repeat, in their order."""
