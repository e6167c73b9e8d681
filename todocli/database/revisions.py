"""The revisions of the schema, in order, and which of them a migration runs. No database is needed here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationStep
from alembic.script import Script, ScriptDirectory

from todocli.database import schema
from todocli.database.postgres import SCHEMA
from todocli.database.schema import CurrentRevision
from todocli.database.target import Target
from todocli.errors import NotFound, TodoError, UsageError

LOCK_SECONDS = 30.0
"""How long a migration waits for each lock of another session before it gives up."""

KEEP_WRITERS_OUT = f"LOCK TABLE {SCHEMA}.users IN EXCLUSIVE MODE"
"""Every command that writes locks its user first. So one that began before a migration has ended when this is granted,
and one that waits for it finds out afterwards whether the new schema still admits its program.
"""

_ADVISORY_LOCK = 0x746F646F

_HISTORY = ("todo", "db", "history")


@dataclass(frozen=True)
class Revision:
    """A revision of the schema; `down_revision` is the one before (None: no schema)."""

    revision: str
    down_revision: str | None
    message: str


def lock_statements(lock_seconds: float) -> tuple[str, str]:
    """Return what keeps other migrations out, and limits each wait for a lock afterwards."""
    milliseconds = max(1, int(lock_seconds * 1000))
    return f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})", f"SET LOCAL lock_timeout = '{milliseconds}ms'"


def script_folder() -> Path:
    """Return the folder of the revisions: beside the package in a checkout, inside it when installed.

    Raises `TodoError` if there is neither.
    """
    package = Path(__file__).resolve().parents[1]
    for folder in (package.parent / "alembic", package / "_alembic"):
        if (folder / "env.py").is_file() and (folder / "versions").is_dir():
            return folder
    raise TodoError("This installation of todo lacks its migrations.", hint="Reinstall it.")


def history() -> list[Revision]:
    """Return all known revisions, newest first, without a database."""
    return [described(script) for script in reversed(_chain(_scripts()))]


def upgrade_sql(span: str = "head", *, lock_seconds: float = LOCK_SECONDS) -> str:
    """Return the SQL that upgrades a Postgres, as one transaction, without a database.

    Comments at the top say which locks it takes.
    `span` is the revision to upgrade to, from no schema; or both, as `FROM:TO`. Raises `NotFound` for an unknown
    revision, and `UsageError` if there is nothing in between.
    """
    start, _, end = span.rpartition(":")
    start = start or "base"
    scripts = _scripts()
    chain = _chain(scripts)
    places = _places(chain)
    for name in (start, end):
        if name not in places:
            raise _unknown(name)
    first, last = places[start], places[end]
    if first >= last:
        detail = f"There is nothing to upgrade from {start} to {end}."
        raise UsageError(detail, hint="See the revisions", command=_HISTORY)
    config, text = new_config(), StringIO()
    config.attributes["preamble"] = [
        *lock_statements(lock_seconds),
        *([] if first else [f"CREATE SCHEMA {SCHEMA}"]),
        f"SET LOCAL search_path = {SCHEMA}, pg_temp",
        *([KEEP_WRITERS_OUT] if first else []),
    ]

    def begin(_heads: object, _context: object) -> Iterator[MigrationStep]:
        for script in chain[first:last]:
            yield MigrationStep.upgrade_from_script(scripts.revision_map, script)

    with EnvironmentContext(
        config,
        scripts,
        fn=begin,
        as_sql=True,
        starting_rev=chain[first - 1].revision if first else None,
        destination_rev=chain[last - 1].revision,
        output_buffer=text,
    ):
        scripts.run_env()
    locks = (f"-- {script.revision} ({script.doc}) locks {script.module.LOCKS}.\n" for script in chain[first:last])
    return "".join(locks) + text.getvalue()


class Plan:
    """The target of a migration, and the revisions on the way. Raises `NotFound` for an unknown target."""

    def __init__(self, target: Target, wanted: str, *, up: bool) -> None:
        self.scripts = _scripts()
        self._chain = _chain(self.scripts)
        self._places = _places(self._chain)
        self._target = target
        self._wanted = wanted
        self._up = up
        self._by = int(wanted) if wanted[:1] == "+-"[not up] and wanted[1:].isdecimal() else None
        self._to = self._places.get(wanted)
        if self._to is None and self._by is None:
            raise _unknown(wanted)

    def revisions(self, found: CurrentRevision | None) -> list[Script]:
        """Return the revisions to run from the one that was found, in order."""
        revision = found.id if found else None
        if found and found.id not in [script.revision for script in self._chain]:
            raise schema.mismatch(self._target, found) or schema.too_new(self._target, found)
        here = self._places[found.id if found else "base"]
        there = here + self._by if self._by is not None else self._to
        if there is None or not 0 <= there <= len(self._chain):
            raise UsageError(
                f"There is no revision {self._wanted} from {revision or 'base'}.",
                hint="See the revisions",
                command=_HISTORY,
            )
        if self._up and there < here:
            raise UsageError(
                f"The schema is {revision}, newer than {self._wanted}.",
                hint="To go back",
                command=("todo", "db", "downgrade", self._wanted),
            )
        if not self._up and there > here:
            raise UsageError(
                f"The schema is {revision or 'base'}, older than {self._wanted}.",
                hint="To go forward",
                command=("todo", "db", "upgrade", self._wanted),
            )
        return self._chain[here:there] if self._up else self._chain[there:here][::-1]

    def end(self, revision: str | None, scripts: list[Script]) -> str | None:
        """Return the revision after `scripts`, from `revision`."""
        if not scripts:
            return revision
        return scripts[-1].revision if self._up else described(scripts[-1]).down_revision

    def as_alembic(self, script: Script) -> MigrationStep:
        """Return `script` as Alembic runs it."""
        revisions = self.scripts.revision_map
        if self._up:
            return MigrationStep.upgrade_from_script(revisions, script)
        return MigrationStep.downgrade_from_script(revisions, script)


def new_config() -> Config:
    """Return a configuration of Alembic that names the folder of the revisions."""
    config = Config()
    config.set_main_option("script_location", str(script_folder()).replace("%", "%%"))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(new_config())


def _chain(scripts: ScriptDirectory) -> list[Script]:
    """Return the revisions, oldest first; there are no branches."""
    return list(scripts.walk_revisions())[::-1]


def _places(chain: list[Script]) -> dict[str, int]:
    """Return how many revisions have been run at each, by id or by name; `head` is the newest."""
    return {"base": 0, "head": len(chain)} | {script.revision: place for place, script in enumerate(chain, 1)}


def _unknown(revision: str) -> NotFound:
    return NotFound(f"There is no revision {revision!r}.", hint="See the revisions", command=_HISTORY)


def described(script: Script) -> Revision:
    """Return what is shown of a revision."""
    down = script.down_revision
    return Revision(script.revision, str(down) if down else None, script.doc)
