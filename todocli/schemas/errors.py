"""Errors."""

from __future__ import annotations

from pydantic import Field

from todocli.schemas.base import Output


class FieldErrorRead(Output):
    """What is wrong with one field."""

    field: str
    message: str


class ErrorResponse(Output):
    """Every error, of the command line and of the HTTP API alike."""

    detail: str
    error_code: str
    field_errors: list[FieldErrorRead] | None = None
    hint: str | None = Field(default=None, description="What to do next, with the command, if there is one.")
    command: list[str] | None = Field(default=None, description="The command of the hint, as words.")
