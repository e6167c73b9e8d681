"""Every document together, as one JSON Schema.

Keys are only ever added. `tests/snapshots/contract.json` is the JSON Schema of these classes, and a test compares it.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from todocli.schemas.accounts import CopyRead, ProfileList, ProfileRead, UserList, UserRead
from todocli.schemas.changes import ChangeList, CompactionRead, LogLine
from todocli.schemas.configuration import SettingList
from todocli.schemas.errors import ErrorResponse
from todocli.schemas.exports import ExportDocument, HistoryDocument, HistoryHeader, HistoryLine
from todocli.schemas.imports import ExportRead, ImportRead
from todocli.schemas.occurrences import OccurrenceList
from todocli.schemas.operations import (
    BackupRead,
    DaemonRead,
    GrantRead,
    HealthRead,
    PingRead,
    RestoreRead,
    RevisionList,
    SchemaRead,
    SqlRead,
)
from todocli.schemas.summaries import CountRead, SummaryList
from todocli.schemas.todos import TodoItems, TodoList, TodoRead
from todocli.schemas.tokens import TokenCreated, TokenLink, TokenList, TokenRead
from todocli.schemas.views import ViewList

DOCUMENTS: tuple[type[BaseModel], ...] = (
    TodoRead,
    TodoItems,
    TodoList,
    ChangeList,
    LogLine,
    CompactionRead,
    SummaryList,
    CountRead,
    OccurrenceList,
    ViewList,
    ImportRead,
    ExportRead,
    ExportDocument,
    HistoryDocument,
    HistoryHeader,
    HistoryLine,
    CopyRead,
    UserRead,
    UserList,
    TokenCreated,
    TokenLink,
    TokenRead,
    TokenList,
    ProfileRead,
    ProfileList,
    SettingList,
    RevisionList,
    SchemaRead,
    PingRead,
    SqlRead,
    GrantRead,
    HealthRead,
    BackupRead,
    RestoreRead,
    DaemonRead,
    ErrorResponse,
)
"""Every document that a command prints under `--json`, and the files of `todo export`."""


def contract() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of every document, under `$defs`."""
    from pydantic.json_schema import models_json_schema

    _, schema = models_json_schema([(model, "serialization") for model in DOCUMENTS], title="todo")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
