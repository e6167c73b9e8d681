"""How the program ends: the exit status of each error, and how an error is shown."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TextIO

from typer.exceptions import Abort, TyperException

from todocli.errors import FieldError, OutputLost, TodoError, UsageError, ValidationError

INTERRUPTED = 130
CLOSED_PIPE = 141


class Status(NamedTuple):
    """One row of the published table."""

    code: int
    meaning: str
    error_codes: tuple[str, ...]


TABLE = (
    Status(0, "done", ()),
    Status(1, "a fault of the program or of the machine", ("SERVER_ERROR",)),
    Status(2, "wrong usage, or a value that does not validate", ("USAGE", "VALIDATION_ERROR")),
    Status(3, "no such todo, profile or user", ("NOT_FOUND",)),
    Status(4, "changed by someone else meanwhile, or a name is taken", ("CONFLICT",)),
    Status(5, "needs --yes", ("CONFIRMATION_REQUIRED",)),
    Status(6, "who are you: no profile, unknown user, refused password", ("MISSING_USER_CONTEXT", "ACCESS_DENIED")),
    Status(7, "the database cannot be reached", ("SERVICE_UNAVAILABLE",)),
    Status(8, "the schema is older or newer than this program", ("SCHEMA_OUTDATED", "SCHEMA_TOO_NEW")),
    Status(INTERRUPTED, "interrupted (silent)", ()),
    Status(CLOSED_PIPE, "whoever read the output went away (silent)", ()),
)
"""The exit statuses, and the error codes of the JSON that stand for each."""

_STATUS = {error_code: row.code for row in TABLE for error_code in row.error_codes}


def run(command: Callable[[], object], arguments: Sequence[str]) -> int:
    """Run `command` and return the exit status; whatever goes wrong is shown on stderr.

    `arguments` are the command line's: they tell whether errors are wanted as JSON.
    """
    _prepare_output(arguments)
    try:
        status = command()
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except (KeyboardInterrupt, Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return _closed_pipe()
    except SystemExit as stop:
        if isinstance(stop.__context__, BrokenPipeError):  # so Rich ends the program
            return _closed_pipe()
        raise
    except TodoError as error:
        if isinstance(error, OutputLost):
            _discard_output()
        return _failed(error, arguments)
    except TyperException as error:
        return _failed(_usage(error), arguments)
    except OSError as error:
        _discard_output()
        where = f"{error.filename}: " if error.filename else ""
        return _failed(TodoError(f"The machine refused: {where}{error.strerror or error}."), arguments)
    except Exception as error:
        from todocli.database.redact import redact

        detail = f"todo met a fault of its own: {type(error).__name__}: {redact(str(error))}"
        return _failed(TodoError(detail, hint=f"Please report it, with the command. {_place(error)}"), arguments)


def status_of(error: TodoError) -> int:
    """Return the exit status that stands for an error."""
    return _STATUS[error.code]


def unwritten(error: OSError) -> int:
    """Return the exit status where stdout could not be written; say why, unless whoever read it went away."""
    _discard_output()
    if isinstance(error, BrokenPipeError):
        return CLOSED_PIPE
    return _failed(TodoError(f"The output could not be written: {error.strerror}."), ())


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether a command line asks for JSON, even one that cannot be parsed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return any(word in ("--json", "--jsonl") or word.split("=")[0] == "--fields" for word in options)


def _failed(error: TodoError, arguments: Sequence[str]) -> int:
    from todocli.database.redact import redact
    from todocli.render.text import visible

    error.detail, error.hint = redact(error.detail), error.hint and redact(error.hint)
    error.field_errors = tuple(FieldError(name, redact(message)) for name, message in error.field_errors)
    try:
        if wants_json(arguments):
            from todocli.render.documents import error_document

            print(error_document(error), file=sys.stderr)
        else:
            from todocli.cli.context import paints

            red, dim, off = ("\x1b[1;31m", "\x1b[2m", "\x1b[0m") if paints(sys.stderr, arguments) else ("", "", "")
            print(f"{red}error:{off} {visible(error.detail)}", file=sys.stderr)
            if isinstance(error, ValidationError) and error.spot:
                from todocli.render.text import pointed_at

                for line in pointed_at(*_redacted(error.spot)):
                    print(f"       {line}", file=sys.stderr)
            if error.hint:
                print(f"{dim} hint:{off} {visible(error.hint)}", file=sys.stderr)
        sys.stderr.flush()
    except BrokenPipeError:
        return _closed_pipe()
    except OSError:
        _discard(sys.stderr)
    return status_of(error)


def _redacted(spot: tuple[str, int, int]) -> tuple[str, int, int]:
    """Return a text and a spot in it without passwords; a password before the spot moves it."""
    from todocli.database.redact import redact

    text, start, end = spot
    return redact(text), len(redact(text[:start])), len(redact(text[:end]))


def _usage(error: TyperException) -> TodoError:
    """Say what Typer found wrong in our own form."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "todo"
    message = error.format_message().strip().replace("Value error, ", "")
    hint = f"{path} --help shows what can be given."
    if found := re.match(r"No such command '(\d+)'", message):
        hint = f"todo show {found[1]} shows it; {hint}"
    if message.startswith("No such option") and path == "todo add":
        hint = f"Put -- before a title with words that begin with a dash; {path} --help shows the options."
    return UsageError(message if message.endswith((".", "?", "!")) else f"{message}.", hint=hint)


def _prepare_output(arguments: Sequence[str]) -> None:
    """Make both streams take any text: JSON is UTF-8 (RFC 8259, 8.1); words that the locale cannot say are escaped."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - for as long as we run
        reconfigure = getattr(getattr(sys, name), "reconfigure", None)
        if reconfigure and wants_json(arguments):
            reconfigure(encoding="utf-8", errors="backslashreplace")
        elif reconfigure:
            reconfigure(errors="backslashreplace")


def _closed_pipe() -> int:
    _discard_output()
    return CLOSED_PIPE


def _discard_output() -> None:
    _discard(sys.stdout)


def _discard(stream: TextIO) -> None:
    """Point `stream` at nothing, so that what is still buffered fails nobody when the interpreter ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _place(error: BaseException) -> str:
    frame = error.__traceback__
    while frame and frame.tb_next:
        frame = frame.tb_next
    return f"At {Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}." if frame else ""
