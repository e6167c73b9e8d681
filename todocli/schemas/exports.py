"""The files that `todo export` writes as JSON."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from todocli.schemas.base import Instant, Output
from todocli.schemas.todos import LocalTime, NoteRead, Priority, TodoRead


class TodoLeaving(TodoRead):
    """A todo that is exported in a format that it came from: `source_id` is its id there, or None.

    `needed_ids` are the ids with which those leave that it needs, and `parent_id` is that of its parent.
    """

    source_id: str | None = None
    needed_ids: list[str] = Field(default=[])
    parent_id: str | None = None


class ExportDocument(Output):
    """A file of todos."""

    format: Literal["todo"]
    version: int = Field(description="Changes when a program could misread the file.")
    todos: list[TodoRead]


class ExportedTodo(Output):
    """A todo in a file with history, in the trash or not."""

    id: UUID
    number: int
    title: str
    description: str | None
    is_completed: bool
    completed_at: Instant | None
    created_at: Instant
    updated_at: Instant
    deleted_at: Instant | None
    version: int
    change_id: UUID
    change_source: str
    change_actor: str | None
    change_request: str | None
    due_on: date | None
    due_time: LocalTime | None
    starts_on: date | None
    priority: Priority | None
    project: str | None
    tags: list[str]
    is_someday: bool
    note_count: int
    claimed_by: str | None
    claimed_until: Instant | None
    needs: list[int]
    series_id: UUID | None
    series_place: int | None
    rrule: str | None
    repeat_from: str | None
    repeat_on: date | None
    ends_on: date | None
    times: int | None
    parent: int | None
    series_values: dict[str, Any] | None
    notes: list[NoteRead]


class ExportedChange(Output):
    """A change in a file with history; `request` is the fingerprint of what was asked for."""

    id: UUID
    seq: int
    made_at: Instant
    source: str
    actor: str | None
    request: str | None
    undoes: UUID | None
    compacted_at: Instant | None


class ExportedRow(Output):
    """What a change did to a todo in a file with history; null before: it was added, null after: it was deleted."""

    change_id: UUID
    todo_id: UUID
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class ExportedNote(Output):
    """A note in a file with history; `hidden_at` is when it was taken back, or null."""

    id: UUID
    todo_id: UUID
    change_id: UUID
    made_at: Instant
    hidden_at: Instant | None
    text: str


class ExportedSource(Output):
    """Where an imported todo came from: its id in a file of this format."""

    format: str
    source_id: str
    todo_id: UUID
    change_id: UUID
    digest: str


class HistoryDocument(Output):
    """A file with everything of a user, which `todo import --restore` takes back."""

    format: Literal["todo"]
    version: int
    last_number: int = Field(description="The highest number that any todo ever had.")
    todos: list[ExportedTodo]
    changes: list[ExportedChange]
    history: list[ExportedRow]
    notes: list[ExportedNote]
    sources: list[ExportedSource]


class HistoryHeader(Output):
    """The first of the lines with everything of a user."""

    format: Literal["todo"]
    version: int
    last_number: int = Field(description="The highest number that any todo ever had.")
    rows: int = Field(description="How many lines follow.")


class HistoryLine(Output):
    """One of the lines that follow: a row of a table."""

    table: Literal["todos", "changes", "history", "notes", "sources"]
    row: ExportedTodo | ExportedChange | ExportedRow | ExportedNote | ExportedSource
