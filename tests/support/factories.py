"""Todos as a test needs them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from todocli.schemas.todos import TodoRead

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def a_todo(
    number: int = 1, title: str = "Pay rent", *, state: str = "open", at: datetime = NOON, **more: Any
) -> TodoRead:
    """Return a todo that was added, and whatever else happened to it, at `at`; `more` are fields by name."""
    fields: dict[str, Any] = {
        "id": UUID(int=number),
        "number": number,
        "title": title,
        "description": None,
        "is_completed": state == "done",
        "completed_at": at if state == "done" else None,
        "created_at": at,
        "updated_at": at,
        "deleted_at": at if state == "trash" else None,
        "version": 1,
        "change_id": UUID(int=2),
        "user_id": UUID(int=3),
        "due_on": None,
        "due_time": None,
        "starts_on": None,
        "priority": None,
        "project": None,
        "tags": [],
        "is_someday": False,
        "note_count": 0,
        "claimed_by": None,
        "claimed_until": None,
        "needs": [],
        "blocked_by": [],
        "parent": None,
        "subtasks": [],
        "open_subtasks": [],
        **dict.fromkeys(
            (
                "every",
                "again",
                "series_id",
                "series_place",
                "rrule",
                "repeat_from",
                "repeat_on",
                "ends_on",
                "times",
                "series_values",
            )
        ),
        "notes": [],
    }
    return TodoRead(**fields | more)
