"""Every error that a user can meet: a stable code, a sentence, and what to do next.

The codes are part of the contract of the command line's JSON and of the HTTP API; they are never renamed.
How a code becomes an exit status is the command line's business (`todocli.cli.exits`).
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class FieldError(NamedTuple):
    """What is wrong with one field of the input."""

    field: str
    message: str


class TodoError(Exception):
    """The root of the tree: a fault of the program or of the machine.

    `detail` says in one sentence what went wrong and why; `hint` says what to type next, or None. A command stands at
    the hint's beginning, or after a colon. Neither ever holds a password.
    """

    code: ClassVar[str] = "SERVER_ERROR"

    def __init__(self, detail: str, *, hint: str | None = None, field_errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.field_errors = field_errors


class OutputLost(TodoError):
    """What was asked for is done, but nobody can be told."""


class UsageError(TodoError):
    """The command line itself is wrong: an unknown option, two that exclude each other."""

    code = "USAGE"


class ValidationError(TodoError):
    """A value does not validate; `field_errors` names the fields.

    `spot` is the text that could not be read, and from where to where in it the fault is; or None.
    """

    code = "VALIDATION_ERROR"
    spot: tuple[str, int, int] | None = None


class NotFound(TodoError):
    """No such todo, profile or user; also whatever belongs to somebody else."""

    code = "NOT_FOUND"


class Conflict(TodoError):
    """Somebody else changed it meanwhile, or the name is taken."""

    code = "CONFLICT"


class ConfirmationRequired(TodoError):
    """A destructive command was given neither `--yes` nor a person to ask."""

    code = "CONFIRMATION_REQUIRED"


class MissingUserContext(TodoError):
    """It is not clear who is asking: no profile, or a user whom the database does not know."""

    code = "MISSING_USER_CONTEXT"


class AccessDenied(TodoError):
    """The database refused the role or its password, or a file cannot be trusted."""

    code = "ACCESS_DENIED"


class ServiceUnavailable(TodoError):
    """The database cannot be reached, or did not answer in time."""

    code = "SERVICE_UNAVAILABLE"


class OutcomeUnknown(ServiceUnavailable):
    """The connection was lost while a step was made: it was made as a whole, or not at all."""


class SchemaOutdated(TodoError):
    """The database's schema is older than this program needs, or is not there at all."""

    code = "SCHEMA_OUTDATED"


class SchemaTooNew(TodoError):
    """The database's schema is newer than this program can use."""

    code = "SCHEMA_TOO_NEW"
