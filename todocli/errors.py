"""Every error that a user can meet: a stable code, what happened and why, and what to do next.

    TodoError                  SERVER_ERROR
    ├── OutputLost
    ├── UsageError             USAGE
    ├── ValidationError        VALIDATION_ERROR
    ├── NotFound               NOT_FOUND
    ├── Conflict               CONFLICT
    ├── CursorExpired          CURSOR_EXPIRED
    ├── ConfirmationRequired   CONFIRMATION_REQUIRED
    ├── MissingUserContext     MISSING_USER_CONTEXT
    ├── AccessDenied           ACCESS_DENIED
    ├── ServiceUnavailable     SERVICE_UNAVAILABLE
    ├── OutcomeUnknown         OUTCOME_UNKNOWN
    ├── SchemaOutdated         SCHEMA_OUTDATED
    └── SchemaTooNew           SCHEMA_TOO_NEW

Codes are part of the contract of the command line's JSON and of the HTTP API; they are never renamed.
`todocli.cli.exits` maps a code to an exit status, `todocli.api.errors` to an HTTP status.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple, Self


class FieldError(NamedTuple):
    """What is wrong with one field of the input. A fault of two begins its message with `and` and the other one."""

    field: str
    message: str

    @property
    def sentence(self) -> str:
        """The fault in words. A message that is a sentence already has only the place of its item added."""
        if self.message.endswith("."):
            return f"{self.field}: {self.message}" if "." in self.field else self.message
        subject = self.field.capitalize() if self.message.startswith("and ") else f"The {self.field}"
        return f"{subject} {self.message}."


class Hint(str):
    """What to do next, as a command line says it: it names an option, or leads in to a command.

    `anywhere` is the part of it that is true for every client; None if there is no such part.
    """

    __slots__ = ("anywhere",)
    anywhere: str | None

    def __new__(cls, anywhere: str | None, text: str) -> Self:
        """Return the hint `text` of the command line."""
        hint = super().__new__(cls, text)
        hint.anywhere = anywhere
        return hint

    @classmethod
    def leading(cls, anywhere: str, lead: str) -> Self:
        """Return a hint that goes on, after what is true for every client, with words that lead in to a command."""
        return cls(anywhere, f"{anywhere} {lead}")


class TodoError(Exception):
    """The root of the tree: an internal error, or one of the machine.

    `detail` says in one sentence what went wrong and why. `hint` says what to do next, and `command` what to type, as
    words; the printer joins them and adds the profile. None of them ever holds a password.
    """

    code: ClassVar[str] = "SERVER_ERROR"
    numbers: tuple[int, ...] = ()
    """Of an error about links: the todo that each of the `field_errors` is about, in the same order."""

    def __init__(
        self,
        detail: str,
        *,
        hint: str | None = None,
        command: tuple[str, ...] | None = None,
        field_errors: tuple[FieldError, ...] = (),
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.command = command
        self.field_errors = field_errors

    @property
    def hint_anywhere(self) -> str | None:
        """The hint for a client that has no command line."""
        if isinstance(self.hint, Hint):
            return self.hint.anywhere
        return None if self.command else self.hint

    @classmethod
    def of(cls, field: str, detail: str, *, hint: str | None = None, command: tuple[str, ...] | None = None) -> Self:
        """Return an error about one field; `detail` is its field error, too."""
        return cls(detail, hint=hint, command=command, field_errors=(FieldError(field, detail),))


class OutputLost(TodoError):
    """The change was saved, but stdout could not be written."""


class UsageError(TodoError):
    """The command line itself is wrong: an unknown option, or two that exclude each other."""

    code = "USAGE"


class ValidationError(TodoError):
    """A value is not valid; `field_errors` names the fields.

    `spot` is the text that could not be parsed, and the start and end of the fault in it; or None. `parts` are those of
    `detail` that read better on a line each.
    """

    code = "VALIDATION_ERROR"
    spot: tuple[str, int, int] | None = None
    parts: tuple[str, ...] = ()

    @classmethod
    def of_parts(
        cls,
        parts: Sequence[str],
        *,
        hint: str | None = None,
        command: tuple[str, ...] | None = None,
        field_errors: tuple[FieldError, ...] = (),
    ) -> Self:
        """Return an error about several things; `detail` has all `parts`."""
        error = cls(" ".join(parts), hint=hint, command=command, field_errors=field_errors)
        error.parts = tuple(parts)
        return error


class NotFound(TodoError):
    """No such todo, profile or user. What belongs to another user is not found either."""

    code = "NOT_FOUND"


class Conflict(TodoError):
    """Somebody else changed it in the meantime, or the name is taken."""

    code = "CONFLICT"


class CursorExpired(TodoError):
    """The log no longer has what followed a cursor, or never had that place."""

    code = "CURSOR_EXPIRED"


class ConfirmationRequired(TodoError):
    """A destructive command was given neither `--yes` nor a terminal to ask on."""

    code = "CONFIRMATION_REQUIRED"


class MissingUserContext(TodoError):
    """The user is not known: no profile, or a user that the database does not have."""

    code = "MISSING_USER_CONTEXT"


class AccessDenied(TodoError):
    """The database refused the role or its password, or a file cannot be trusted."""

    code = "ACCESS_DENIED"


class ServiceUnavailable(TodoError):
    """The database cannot be reached, or did not answer in time."""

    code = "SERVICE_UNAVAILABLE"


class OutcomeUnknown(TodoError):
    """Something failed after a write was sent. It took effect as a whole or not at all, and may safely be repeated."""

    code = "OUTCOME_UNKNOWN"


class SchemaOutdated(TodoError):
    """The database's schema is older than this program needs, or missing."""

    code = "SCHEMA_OUTDATED"


class SchemaTooNew(TodoError):
    """The database's schema is newer than this program can use."""

    code = "SCHEMA_TOO_NEW"
