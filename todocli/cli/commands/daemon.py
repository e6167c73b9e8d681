"""The commands `todo daemon`: the process that has everything imported."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

import typer

import todocli
from todocli.cli.command import Command, Family, Lasting, Speaking
from todocli.cli.context import Context
from todocli.errors import Conflict, TodoError

if TYPE_CHECKING:
    from todocli.daemon.child import Handover
    from todocli.daemon.control import Daemon

_NOT_PRELOADED = (
    "todocli.__main__",
    "todocli._alembic",
    "todocli.api",
    "todocli.cli.worker",
    "todocli.database.inspection",
    "todocli.database.migrations",
    "todocli.database.revisions",
    "todocli.mcp_server",
)
"""What no command in the daemon imports, or only the first one ever."""

_PRELOADED = ("encodings.utf_8_sig", "getpass", "platformdirs.unix", "pwd", "sqlalchemy.dialects.sqlite", "termios")
"""What libraries import late."""


_FREQUENT = ("list", "add", "done")


def register(app: typer.Typer) -> None:
    """Add the commands of this family."""
    family = typer.Typer(cls=Family, help="Keep a process ready that answers at once.")
    for cls, body in ((Command, status), (Speaking, start), (Speaking, stop), (Lasting, run)):
        family.command(body.__name__, cls=cls)(body)
    app.add_typer(family, name="daemon", rich_help_panel="Operators")


def status(context: Context) -> None:
    """Show whether a daemon runs, and whether your commands use it."""
    from todocli.daemon import control
    from todocli.schemas.operations import DaemonRead

    found, reason = control.find(), _reason(context)
    document = DaemonRead(
        running=found is not None,
        pid=found.pid if found else None,
        since=datetime.fromtimestamp(found.since, UTC) if found else None,
        memory=found.memory if found else None,
        unused_because=reason,
    )
    context.output.lines(document, [_sentence(found, reason)])


def start(context: Context) -> None:
    """Start the daemon now. It also starts by itself, from the second command on a terminal within ten minutes."""
    from todocli.daemon import control

    if reason := _reason(context):
        raise TodoError(f"A daemon would not be used: {reason}.", hint="See", command=("todo", "help", "daemon"))
    context.output.note(_sentence(control.start()))


def stop(context: Context) -> None:
    """End the daemon. Commands that run in it come to their end."""
    from todocli.daemon import control

    context.output.note("The daemon has ended." if control.stop() else _sentence(None))


def run(context: Context) -> None:
    """Be the daemon, in the foreground, until it has been idle for ten minutes."""
    from todocli.cli import next_command
    from todocli.daemon import child, parent
    from todocli.database.postgres.ahead import close_ahead
    from todocli.services.rehearsal import rehearse, rehearse_others

    root: Any = context.find_root().command
    _import_all()

    def main(arguments: list[str], handover: Handover) -> int:
        status: int = root.main(arguments, standalone_mode=False, handover=handover)
        return status

    def warm_up(hint: bytes | None) -> Iterator[None]:
        for name in _FREQUENT:
            root.commands[name].make_context(name, [], resilient_parsing=True)
            yield
        yield from rehearse(next_command.owner_of(hint) if hint else None)

    for name, command in root.commands.items():
        command.make_context(name, [], resilient_parsing=True)
    for _ in rehearse():
        pass
    rehearse_others()
    try:
        parent.run(child.Program(main, warm_up, next_command.connect, close_ahead))
    except parent.AlreadyRunning:
        raise Conflict.of("daemon", "A daemon is running already.") from None


def _import_all() -> None:
    """Import everything that a command in the daemon needs."""
    _import_below(todocli)
    for name in _PRELOADED:
        with suppress(ImportError):  # it is of another system
            importlib.import_module(name)


def _import_below(package: ModuleType) -> None:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if found.name in _NOT_PRELOADED:
            continue
        with suppress(ImportError):  # a command that needs it says so
            module = importlib.import_module(found.name)
            if found.ispkg:
                _import_below(module)


def describe(context: Context) -> str:
    """Return whether a daemon runs, and why commands do not use it if they do not, in a sentence."""
    from todocli.daemon import control

    return _sentence(control.find(), _reason(context))


def _reason(context: Context) -> str | None:
    from todocli.daemon import control

    return control.unavailable() if context.settings.daemon else "the configuration says daemon = off"


def _sentence(found: Daemon | None, reason: str | None = None) -> str:
    memory = f", {found.memory / 1_000_000:.0f} MB" if found and found.memory else ""
    state = f"The daemon is running (process {found.pid}{memory})." if found else "No daemon is running."
    return f"{state} Commands do not use one: {reason}." if reason else state
