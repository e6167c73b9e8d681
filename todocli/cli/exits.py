"""How the program ends: the exit status of each error, and how an error is shown."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from typer.exceptions import Abort, TyperException

from todocli.cli.shared import Shared, color_option, options_of, wants_json, with_profile
from todocli.errors import FieldError, OutcomeUnknown, OutputLost, TodoError, UsageError, ValidationError

INTERRUPTED = 130
CLOSED_PIPE = 141


class Status(NamedTuple):
    """One row of the published table."""

    code: int
    meaning: str
    error_codes: tuple[str, ...]


TABLE = (
    Status(0, "success", ()),
    Status(1, "an unexpected error, in the program or on the machine", ("SERVER_ERROR",)),
    Status(2, "wrong usage, or an invalid value", ("USAGE", "VALIDATION_ERROR")),
    Status(3, "no such todo, profile or user", ("NOT_FOUND",)),
    Status(4, "changed in the meantime, or the name is taken", ("CONFLICT", "CURSOR_EXPIRED")),
    Status(5, "needs --yes", ("CONFIRMATION_REQUIRED",)),
    Status(6, "not authenticated: no profile, unknown user, wrong password", ("MISSING_USER_CONTEXT", "ACCESS_DENIED")),
    Status(7, "the database cannot be reached", ("SERVICE_UNAVAILABLE",)),
    Status(8, "the schema is older or newer than this program", ("SCHEMA_OUTDATED", "SCHEMA_TOO_NEW")),
    Status(9, "it is not known whether the change was made", ("OUTCOME_UNKNOWN",)),
    Status(INTERRUPTED, "interrupted", ()),
    Status(CLOSED_PIPE, "broken pipe (silent)", ()),
)
"""The exit statuses, and the error codes of the JSON that stand for each."""

_STATUS = {error_code: row.code for row in TABLE for error_code in row.error_codes}


def run(command: Callable[[], object], shared: Shared) -> int:
    """Run `command` and return the exit status; every error is shown on stderr.

    The arguments in `shared` tell whether errors are wanted as JSON.
    """
    prepare_output(shared)
    try:
        status = command()
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except (KeyboardInterrupt, Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return _closed_pipe()
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # this is how Rich exits
            return _closed_pipe()
        raise
    except TodoError as error:
        if isinstance(error, OutputLost):
            _discard_output()
        return _fail(error, shared)
    except TyperException as error:
        return _fail(_usage_error(error), shared)
    except OSError as error:
        _discard_output()
        return _fail(TodoError(f"Cannot access {error.filename or 'stdout'}: {error.strerror or error}."), shared)
    except Exception as error:
        from todocli.database.redact import redact

        detail = f"Internal error: {type(error).__name__}: {redact(str(error))}"
        hint = f"This is a bug in todo. Please report it, and include the command. {_origin(error)}"
        return _fail(TodoError(detail, hint=hint), shared)


def status_of(error: TodoError) -> int:
    """Return the exit status that stands for an error."""
    return _STATUS[error.code]


def lost_in_daemon(arguments: Sequence[str], change: bytes | None) -> int:
    """Return the exit status if the process of a command in the daemon is gone, and say what is known."""
    shared = Shared(arguments=arguments)
    detail = "The process that ran the command is gone."
    if change is None:
        return _fail(TodoError(f"{detail} Nothing was changed.", hint="Repeat the command."), shared)
    from uuid import UUID

    given = any(word.partition("=")[0] == "--change" for word in options_of(arguments))
    key = () if given else ("--change", str(UUID(bytes=change)))
    unknown = OutcomeUnknown(f"{detail} It is not known whether the change was made.")
    unknown.hint, unknown.command = "To repeat it safely", ("todo", *key, *arguments)
    return _fail(unknown, shared)


def warn(shared: Shared) -> None:
    """Show on stderr what is odd about the configuration file: once each, and only to a person."""
    if not shared.warnings or shared.quiet or wants_json(shared.arguments):
        return
    from todocli.cli.colour import wants_colour
    from todocli.database.redact import redact
    from todocli.render.text import visible

    yellow, off = ("\x1b[33m", "\x1b[0m") if wants_colour(sys.stderr, color_option(shared.arguments)) else ("", "")
    try:
        for text in dict.fromkeys(shared.warnings):
            print(f"{yellow}warning:{off} {visible(redact(text))}", file=sys.stderr)
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)


def unwritten(error: OSError) -> int:
    """Return the exit status if stdout could not be written; say why, unless its reader is gone."""
    _discard_output()
    if isinstance(error, BrokenPipeError):
        return CLOSED_PIPE
    return _fail(TodoError(f"The output could not be written: {error.strerror}."), Shared())


def _fail(error: TodoError, shared: Shared) -> int:
    """Show an error, and return its exit status."""
    from todocli.database.redact import redact

    error.detail, error.hint = redact(error.detail), error.hint and redact(error.hint)
    error.field_errors = tuple(FieldError(name, redact(message)) for name, message in error.field_errors)
    if isinstance(error, ValidationError):
        error.parts = tuple(map(redact, error.parts))
    error.command = error.command and tuple(map(redact, with_profile(error.command, shared.profile)))
    try:
        if wants_json(shared.arguments):
            from todocli.render.documents import error_document

            print(error_document(error), file=sys.stderr)
        else:
            from todocli.cli.colour import wants_colour

            _print_error(error, wants_colour(sys.stderr, color_option(shared.arguments)))
        sys.stderr.flush()
    except BrokenPipeError:
        return _closed_pipe()
    except OSError:
        _discard(sys.stderr)
    return status_of(error)


_LABEL = len("error: ")
"""The width of the word before a message."""


def _print_error(error: TodoError, colour: bool) -> None:
    import shlex

    from todocli.cli.terminal import fit
    from todocli.render.text import hint_line, pointed_at, visible

    red, dim, off = ("\x1b[1;31m", "\x1b[2m", "\x1b[0m") if colour else ("", "", "")
    print(f"{red}error:{off} {_detail(error)}", file=sys.stderr)
    if isinstance(error, ValidationError) and error.spot:
        for line in pointed_at(*_redacted(error.spot)):
            print(f"       {line}", file=sys.stderr)
    if hint := hint_line(error.hint, error.command):
        command = visible(shlex.join(error.command)) if error.command else ""
        words = visible(hint).removesuffix(command).rstrip()
        print(f"{dim} hint:{off} {fit(words, sys.stderr, command=command, beside=_LABEL)}", file=sys.stderr)


def _detail(error: TodoError) -> str:
    """Return what an error says, in lines that fit if stderr is a terminal."""
    from todocli.cli.terminal import fit
    from todocli.render.text import visible

    parts = error.parts if isinstance(error, ValidationError) and sys.stderr.isatty() else ()
    lines = [fit(visible(text), sys.stderr, beside=_LABEL) for text in parts or (error.detail,)]
    return f"\n{' ' * _LABEL}".join(lines)


def _redacted(spot: tuple[str, int, int]) -> tuple[str, int, int]:
    """Return a text and a spot in it without passwords; a password before the spot moves it."""
    from todocli.database.redact import redact

    text, start, end = spot
    return redact(text), len(redact(text[:start])), len(redact(text[:end]))


def _usage_error(error: TyperException) -> TodoError:
    """Return what Typer found wrong, in our own form."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "todo"
    message = error.format_message().strip().replace("Value error, ", "").replace("...'", "'")
    hint, command = "See the help", [*path.split(), "--help"]
    if message.startswith("No such option") and path == "todo add":
        hint = "Put -- before a title with words that begin with a dash, or see the options"
    return UsageError(
        message if message.endswith((".", "?", "!")) else f"{message}.", hint=hint, command=tuple(command)
    )


def prepare_output(shared: Shared) -> None:
    """Make both streams take any text: JSON is UTF-8 (RFC 8259, 8.1); what the locale cannot encode is escaped."""
    json = wants_json(shared.arguments)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the parent process
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - open until the process ends
        reconfigure = getattr(getattr(sys, name), "reconfigure", None)
        if reconfigure and json:
            reconfigure(encoding="utf-8", errors="backslashreplace")
        elif reconfigure:
            reconfigure(errors="backslashreplace")


def _closed_pipe() -> int:
    _discard_output()
    return CLOSED_PIPE


def _discard_output() -> None:
    _discard(sys.stdout)


def _discard(stream: TextIO) -> None:
    """Redirect `stream` to nothing, so that flushing its buffer at exit does not fail."""
    with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nothing:  # noqa: PTH123 - not a file
        os.dup2(nothing.fileno(), stream.fileno())


def _origin(error: BaseException) -> str:
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    return f"At {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}." if frame else ""
