"""What an import takes, and what came of it."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from todocli.domain.fields import DateOrder
from todocli.schemas.base import Input, Instant, Output
from todocli.schemas.texts import NoteText
from todocli.schemas.todos import TodoCreate


class NoteImport(Input):
    """A note with the time that it was made at, if the file says when."""

    text: NoteText
    made_at: AwareDatetime | None = None


class TodoImport(TodoCreate):
    """A todo of a file: what `add` takes, and what had happened to it before."""

    is_completed: bool = False
    completed_at: AwareDatetime | None = None
    created_at: AwareDatetime | None = None
    notes: tuple[NoteImport, ...] = ()


class ImportFault(Output):
    """A part of a file that is not valid."""

    place: str = Field(description="Where in the file: a line, or an item.")
    field: str
    message: str


class ImportedTodo(Output):
    """A todo of a file, as it would be stored."""

    action: Literal["add", "update"] = Field(description="What the import does with it; update needs --update.")
    place: str
    title: str
    state: str
    due: str
    priority: str
    project: str
    tags: list[str]


class ImportRead(Output):
    """What an import did, or would do."""

    format: str
    dry_run: bool
    change_id: UUID | None = Field(description="The change that it made; null if there was nothing to change.")
    added: int
    first_number: int | None = Field(description="The numbers of the added todos are consecutive.")
    last_number: int | None
    updated: int = Field(description="Imported before, with another content now, which was taken over.")
    changed: int = Field(description="Imported before, with another content now, which only --update takes over.")
    unchanged: int = Field(description="Imported before, with the same content.")
    kept: int = Field(description="Changed here after the file was written, and not updated for that reason.")
    returned: int = Field(description="Occurrences that an undo had removed, and that are back from the trash.")
    invalid: int
    faults: list[ImportFault] = Field(description="The first of what is not valid.")
    left_out: dict[str, int] = Field(description="What a file has that is not imported, counted.")
    not_held: dict[str, int] = Field(description="Fields of the file that a todo has no place for, counted.")
    columns: dict[str, str | None] = Field(
        description="Of a table: which field each column was read as; null: a todo has no place for it."
    )
    dates: dict[str, DateOrder] = Field(
        description="Of a table: the order of day, month and year, by the columns whose dates showed it."
    )
    names: dict[str, str | None] = Field(
        description="Tags and projects of the file that have another name here; null: none."
    )
    items: list[ImportedTodo] = Field(description="With dry_run, the first todos that are new or changed.")


class ExportRead(Output):
    """What was exported."""

    format: str
    file: str | None = Field(description="Null for stdout.")
    count: int
    at: Instant
    not_held: dict[str, int] = Field(description="Fields that the format has no place for, counted.")
    other_titles: int = Field(description="Titles that would not be read again as they are, such as +home in todo.txt.")
