"""What `--debug` prints after the answer: versions, the profile, timings and SQL. Loaded only for that.

It records from `begin` to `report`. SQL is kept without its parameters, so that no value of a todo is printed.
"""

from __future__ import annotations

import builtins
import sys
from contextlib import ExitStack, suppress
from threading import get_ident
from time import perf_counter
from typing import TYPE_CHECKING, Any

from todocli import __version__
from todocli.cli.shared import Shared, color_option
from todocli.errors import TodoError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIBRARIES = {"SQLAlchemy": "sqlalchemy", "SQLModel": "sqlmodel", "psycopg": "psycopg"}
_INDENT = " " * 7

_recorders: list[Recorder] = []
"""The recorder of the line, if it has one."""


def begin() -> None:
    """Begin to record, unless that has begun."""
    if not _recorders:
        _recorders.append(Recorder())


def report(shared: Shared) -> None:
    """End the record, and print it on stderr."""
    begin()
    recorder = _recorders.pop()
    recorder.end()
    from todocli.cli.colour import wants_colour
    from todocli.database.redact import redact
    from todocli.render.text import visible

    dim, off = ("\x1b[2m", "\x1b[0m") if wants_colour(sys.stderr, color_option(shared.arguments)) else ("", "")
    with suppress(OSError):
        for line in (recorder.versions(), _profile(shared), recorder.timings(), *recorder.statements()):
            print(f"{dim}{_wrapped(f'debug: {visible(redact(line))}')}{off}", file=sys.stderr)
        sys.stderr.flush()


class Recorder:
    """Measures imports, connections and statements, in the thread that made it."""

    def __init__(self) -> None:
        self._began = perf_counter()
        self._total = self._imports = self._connections = 0.0
        self._statements: list[tuple[float, str]] = []
        self._server = ""
        self._sent = 0.0
        self._is_importing = self._is_listening = False
        self._undo = ExitStack()
        self._time_imports()

    def end(self) -> None:
        """Stop recording."""
        self._undo.close()
        self._total = perf_counter() - self._began

    def versions(self) -> str:
        """Return the versions of the program, and of what it has loaded."""
        found = {"todo": __version__, "Python": ".".join(map(str, sys.version_info[:3]))}
        found |= {name: sys.modules[module].__version__ for name, module in _LIBRARIES.items() if module in sys.modules}
        if "sqlite3" in sys.modules and not self._server:
            found["SQLite"] = sys.modules["sqlite3"].sqlite_version
        if self._server:
            found["PostgreSQL"] = self._server
        return ", ".join(f"{name} {version}" for name, version in found.items())

    def timings(self) -> str:
        """Return how long each part took."""
        count = len(self._statements)
        statements = f"{count} statement{'' if count == 1 else 's'} {_ms(sum(took for took, _ in self._statements))}"
        parts = (f"imports {_ms(self._imports)}", f"connecting {_ms(self._connections)}", statements)
        return f"{', '.join(parts)}, total {_ms(self._total)}"

    def statements(self) -> Iterator[str]:
        """Yield each statement, without its parameters, and how long it took."""
        for took, statement in self._statements:
            yield f"{_ms(took)}: {' '.join(statement.split())}"

    def _time_imports(self) -> None:
        """Measure each import with those that it leads to. SQLAlchemy is listened to once it is there."""
        really_import, thread = builtins.__import__, get_ident()

        def timed(*arguments: Any, **options: Any) -> Any:
            if self._is_importing or get_ident() != thread:
                return really_import(*arguments, **options)
            self._is_importing = True
            began = perf_counter()
            try:
                return really_import(*arguments, **options)
            finally:
                self._imports += perf_counter() - began
                self._is_importing = False
                if "sqlalchemy" in sys.modules and not self._is_listening:
                    self._is_listening = True
                    self._listen()

        self._undo.callback(setattr, builtins, "__import__", really_import)
        builtins.__import__ = timed

    def _listen(self) -> None:
        import sqlalchemy as sa

        def connected(driver: Any, _record: object) -> None:
            if hasattr(driver, "info"):  # psycopg's
                self._server = driver.info.parameter_status("server_version") or ""

        def before(*_: object) -> None:
            self._sent = perf_counter()

        def after(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            self._statements.append((perf_counter() - self._sent, statement))

        def failed(context: Any) -> None:
            if context.statement is not None:
                self._statements.append((perf_counter() - self._sent, f"(failed) {context.statement}"))

        for target, event, listener in (
            (sa.pool.Pool, "connect", connected),
            (sa.Engine, "before_cursor_execute", before),
            (sa.Engine, "after_cursor_execute", after),
            (sa.Engine, "handle_error", failed),
        ):
            sa.event.listen(target, event, listener)
            self._undo.callback(sa.event.remove, target, event, listener)
        self._time_connections(sa.Engine)

    def _time_connections(self, engine: Any) -> None:
        """Measure how long a command waits for its connection: no event comes before one."""
        really_connect = engine.raw_connection

        def timed(self_: Any) -> Any:
            began = perf_counter()
            try:
                return really_connect(self_)
            finally:
                self._connections += perf_counter() - began

        self._undo.callback(setattr, engine, "raw_connection", really_connect)
        engine.raw_connection = timed


def _profile(shared: Shared) -> str:
    from todocli import profiles
    from todocli.database.target import display, resolve_target

    try:
        profile = profiles.resolve(shared.profile, shared.settings)
        return f"profile {profile.name}, user {profile.user}, database {display(resolve_target(profile))}"
    except TodoError as error:
        return f"no profile: {error.detail}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _wrapped(line: str) -> str:
    """Return a line as a terminal of any width shows it best; a pipe gets it in one piece."""
    if not sys.stderr.isatty():
        return line
    import shutil
    import textwrap

    width = shutil.get_terminal_size().columns
    return textwrap.fill(line, max(width, 40), subsequent_indent=_INDENT, break_on_hyphens=False)
