"""Failures of a remote database: the message, the exit status, and what is retried for how long."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
import trustme
from sqlmodel import Session

from tests.support import postgres
from tests.support.client import Client
from tests.support.console import LOCK_WAITS
from tests.support.neon_proxy import NeonProxy, tls
from tests.support.protocol import Faulty
from tests.support.relay import Relay
from tests.support.terminal import Ran, Terminal
from tests.support.waiting import TIMEOUT, FakeClock, wait_until
from todocli import profiles
from todocli.database import deadline, migrations
from todocli.database.deadline import Clock, Deadline, deadline_scope
from todocli.database.engine import postgres_engine
from todocli.database.postgres import connect
from todocli.database.postgres import errors as postgres_errors
from todocli.database.postgres.errors import NO_RETRY, RETRY_2S, RETRY_UNTIL_DEADLINE
from todocli.database.postgres.locks import LockHolder, find_lock_holders
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import Store, open_store
from todocli.errors import ServiceUnavailable, TodoError
from todocli.schemas.todos import TodoCreate
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.users import Users

DENIED, UNREACHABLE = 6, 7

CONNECTING = [
    # a message of Neon's proxy, Postgres or PgBouncer; the exit status; for how long it is retried; our message
    ("password authentication failed for user 'ada'", DENIED, NO_RETRY, "refused the role"),
    ('password authentication failed for user "ada"', DENIED, NO_RETRY, "refused the role"),
    ('role "ada" does not exist', DENIED, NO_RETRY, "refused the role"),
    ("no such user", DENIED, NO_RETRY, "refused the role"),
    ('no pg_hba.conf entry for host "1.2.3.4", user "a", database "b", no encryption', DENIED, NO_RETRY, "unencrypted"),
    ('pg_hba.conf rejects connection for host "1.2.3.4", user "ada"', DENIED, NO_RETRY, "refused the role"),
    (
        "This IP address 1.2.3.4 is not allowed to connect to this endpoint. Please add it to the allowed list in the"
        " Neon console. Make sure to check for IPv4 or IPv6 addresses.",
        *(DENIED, NO_RETRY, "does not accept connections from this machine"),
    ),
    (
        "This connection is trying to access this endpoint from a blocked network.",
        DENIED,
        NO_RETRY,
        "from this machine",
    ),
    (
        "VPC endpoint ID is not specified. This endpoint requires a VPC endpoint ID to connect.",
        DENIED,
        NO_RETRY,
        "from this machine",
    ),
    ('database "neondb" does not exist', UNREACHABLE, NO_RETRY, "There is no database"),
    ("no such database: neondb", UNREACHABLE, NO_RETRY, "There is no database"),
    ("The endpoint has been disabled. Enable it using Neon API and retry.", UNREACHABLE, NO_RETRY, "is disabled"),
    ("Control plane request failed: endpoint is disabled", UNREACHABLE, NO_RETRY, "is disabled"),
    (
        "Your account or project has exceeded the compute time quota. Upgrade your plan.",
        UNREACHABLE,
        NO_RETRY,
        "limit of",
    ),
    (
        "Your project has exceeded the data transfer quota. Upgrade your plan.",
        UNREACHABLE,
        NO_RETRY,
        "limit",
    ),
    (
        "The requested endpoint could not be found, or you don't have access to it. Please check the provided ID.",
        *(UNREACHABLE, NO_RETRY, "is not an endpoint"),
    ),
    ("Control plane request failed: endpoint cannot be found", UNREACHABLE, NO_RETRY, "is not an endpoint"),
    (
        "Endpoint ID is not specified. Either please upgrade the postgres client",
        UNREACHABLE,
        NO_RETRY,
        "is not an endpoint",
    ),
    ("unsupported startup parameter: extra_float_digits", UNREACHABLE, NO_RETRY, "refuses a parameter"),
    ("unsupported startup parameter in options: geqo", UNREACHABLE, NO_RETRY, "refuses a parameter"),
    ("Couldn't connect to compute node", UNREACHABLE, RETRY_UNTIL_DEADLINE, "is not responding"),
    ("Control plane request failed", UNREACHABLE, RETRY_UNTIL_DEADLINE, "is not responding"),
    (
        "Control plane request failed: endpoint is temporarily unavailable."
        " Check your quotas and/or contact our support.",
        *(UNREACHABLE, NO_RETRY, "limit of the plan"),
    ),
    ("the database system is starting up", UNREACHABLE, RETRY_UNTIL_DEADLINE, "is not responding"),
    ("the database system is shutting down", UNREACHABLE, RETRY_UNTIL_DEADLINE, "is not responding"),
    ("query_wait_timeout", UNREACHABLE, RETRY_UNTIL_DEADLINE, "is not responding"),
    (
        "server login has been failing, try again later (server_login_retry)",
        UNREACHABLE,
        RETRY_UNTIL_DEADLINE,
        "is not responding",
    ),
    (
        "Too many connections to this endpoint. Please try again later.",
        UNREACHABLE,
        RETRY_UNTIL_DEADLINE,
        "too many connections",
    ),
    ("Too many connections attempts", UNREACHABLE, RETRY_UNTIL_DEADLINE, "too many connections"),
    (
        "Failed to acquire permit to connect to the database."
        " Too many database connection attempts are currently ongoing.",
        *(UNREACHABLE, RETRY_UNTIL_DEADLINE, "too many connections"),
    ),
    ("sorry, too many clients already", UNREACHABLE, RETRY_UNTIL_DEADLINE, "too many connections"),
    (
        "remaining connection slots are reserved for roles with the SUPERUSER attribute",
        UNREACHABLE,
        RETRY_UNTIL_DEADLINE,
        "too many",
    ),
    ("no more connections allowed (max_client_conn)", UNREACHABLE, RETRY_UNTIL_DEADLINE, "too many connections"),
    ("terminating connection due to administrator command", UNREACHABLE, RETRY_UNTIL_DEADLINE, "cannot be reached"),
    ("", UNREACHABLE, RETRY_UNTIL_DEADLINE, "server closed the connection unexpectedly"),
    ("something that nobody has heard of", UNREACHABLE, RETRY_2S, "something that nobody has heard of"),
]


@pytest.fixture
def use(postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Terminal]:
    """Use the database through another port of this machine.

    Retries take no real time: the deadline passes by their pauses alone.
    """
    monkeypatch.setenv("LOGNAME", "ada")
    resolve = profiles.resolve

    def choose(
        port: int, *, seconds: float = 15, clock: Clock | None = None, terminal: bool = False, **query: str
    ) -> Terminal:
        monkeypatch.setattr(deadline, "SYSTEM_CLOCK", clock or FakeClock())
        query.setdefault("sslmode", "disable")
        url = replace(postgres_url, host="127.0.0.1", port=port, query=tuple(query.items()))
        monkeypatch.setenv("TODO_DATABASE_URL", url.text())
        monkeypatch.setattr(profiles, "resolve", lambda *given: replace(resolve(*given), timeout=seconds))
        return Terminal(monkeypatch, terminal=terminal)

    return choose


def server(url: PostgresURL) -> tuple[str, int]:
    return url.host, url.port or 5432


def is_clear(ran: Ran, url: PostgresURL) -> bool:
    assert url.password
    assert ran.out == ""
    assert re.fullmatch(r"error: [^\n]+\n hint: [^\n]+\n", ran.err), ran.err
    return "Traceback" not in ran.err and url.password not in ran.err


@pytest.mark.parametrize(("text", "code", "retried", "sentence"), CONNECTING, ids=lambda v: str(v)[:40])
def test_connect_error_has_message_status_and_retries(
    use: Callable[..., Terminal], postgres_url: PostgresURL, text: str, code: int, retried: float, sentence: str
) -> None:
    with NeonProxy(server(postgres_url), refuse=lambda _: text) as front:
        ran = use(front.port)("list")
        attempts = len(front.startups)
    assert (ran.code, is_clear(ran, postgres_url)) == (code, True), str(ran)
    assert sentence in ran.err
    assert attempts == 1 if retried == NO_RETRY else attempts > 1
    assert postgres_errors.connect_rule(text or "server closed the connection unexpectedly").retry == retried


def test_every_connect_rule_has_a_case() -> None:
    messages = [text or "server closed the connection unexpectedly" for text, *_ in CONNECTING]
    reached = {postgres_errors.connect_rule(text) for text in messages}
    others = {row for row in postgres_errors.CONNECT_RULES if row not in reached}
    by_libpq = r"invalid connection|certificate|does not support SSL|channel binding|the server is|no such host|look up"
    assert [row.pattern for row in others if not re.search(by_libpq + "|look up|refused|no answer", row.pattern)] == []


def test_waking_database_is_retried(use: Callable[..., Terminal], postgres_url: PostgresURL) -> None:
    with NeonProxy(
        server(postgres_url), refuse=lambda n: "Couldn't connect to compute node" if n < 3 else None
    ) as front:
        ran = use(front.port)("user add ada")
        assert (ran.code, ran.err, len(front.startups)) == (0, "", 4)


@pytest.mark.parametrize(("terminal", "notified"), [(True, True), (False, False)])
def test_terminal_is_notified_of_a_long_wait(
    use: Callable[..., Terminal], postgres_url: PostgresURL, terminal: bool, notified: bool
) -> None:
    refusals = 8  # whose pauses add up to more than NOTIFY_AFTER
    with NeonProxy(
        server(postgres_url), refuse=lambda n: "Couldn't connect to compute node" if n < refusals else None
    ) as front:
        ran = use(front.port, terminal=terminal)("user list")
    assert ran.code == 0
    assert ran.err.count("Waiting for 127.0.0.1 …") == notified


@pytest.mark.parametrize("state", ["57P03", "40001", "40P01", "53300", "08006", "25P03"])
def test_transient_statement_error_is_retried(postgres_url: PostgresURL, state: str) -> None:
    with postgres.connect(postgres_url) as console:
        console.execute("CREATE SEQUENCE todo.tries")
    code = f"IF nextval('todo.tries') < 3 THEN RAISE 'not now' USING ERRCODE = '{state}'; END IF;"
    store = Store(postgres_url)
    with store.session() as session:
        session.execute(sa.text(f"DO $$ BEGIN {code} END $$"))
        assert session.scalar(sa.text("SELECT last_value FROM todo.tries")) == 3
    store.close()


@pytest.mark.parametrize(
    ("state", "code", "sentence"),
    [
        ("42501", "ACCESS_DENIED", "is not allowed to do this in"),
        ("28000", "ACCESS_DENIED", "refused the role"),
        ("53100", "SERVER_ERROR", "The disk of 127.0.0.1 is full"),
        ("25006", "SERVER_ERROR", "is read-only"),
        ("57014", "SERVICE_UNAVAILABLE", "cancelled the statement"),
        ("55P03", "SERVICE_UNAVAILABLE", "Another session holds a lock in"),
        ("22P05", "SERVER_ERROR", "cannot store one of the characters"),
        ("58030", "SERVICE_UNAVAILABLE", "is not available"),
        ("53200", "SERVICE_UNAVAILABLE", "is not available"),
        ("22012", "SERVER_ERROR", "failed: not so (SQLSTATE 22012)"),
    ],
)
def test_final_statement_error_is_not_retried(postgres_url: PostgresURL, state: str, code: str, sentence: str) -> None:
    with postgres.connect(postgres_url) as console:
        console.execute("CREATE SEQUENCE todo.tries")
    statement = f"DO $$ BEGIN PERFORM nextval('todo.tries'); RAISE 'not so' USING ERRCODE = '{state}'; END $$"
    store = Store(postgres_url)
    with pytest.raises(TodoError, match=re.escape(sentence)) as caught, store.session() as session:
        session.execute(sa.text(statement))
    store.close()
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)
    with postgres.connect(postgres_url) as console:
        assert console.execute("SELECT last_value FROM todo.tries").fetchone() == (1,)


# The network


@contextmanager
def silent_port() -> Iterator[int]:
    """Yield a port that neither accepts nor refuses, as behind a firewall that drops packets."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])


def expire(session: Session, after: float = 0.2) -> None:
    """Let the deadline of a connected session end in a moment."""
    limit: Deadline = vars(session)["_deadline"]
    limit.seconds = limit.spent() + after


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops what does not fit into the backlog")
def test_silent_network_ends_at_the_deadline(use: Callable[..., Terminal], postgres_url: PostgresURL) -> None:
    with silent_port() as port:
        ran = use(port, seconds=0.5, clock=Clock())("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (UNREACHABLE, True)
    assert "no answer" in ran.err


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops what does not fit into the backlog")
def test_second_address_is_used_if_first_is_silent_or_refuses(
    use: Callable[..., Terminal], postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silent_port() as port:
        places = [{"hostaddr": "127.0.0.1", "port": port}, {"hostaddr": postgres_url.host, "port": postgres_url.port}]
        monkeypatch.setattr(connect, "_addresses", lambda *_: places)
        assert use(1, seconds=TIMEOUT, clock=Clock())("user list").code == 0
    for unreachable in ("100::1", "127.0.0.1"):
        places = [{"hostaddr": unreachable, "port": 1}, {"hostaddr": postgres_url.host, "port": postgres_url.port}]
        monkeypatch.setattr(connect, "_addresses", lambda *_, known=places: known)
        assert use(1, seconds=TIMEOUT, clock=Clock())("user list").code == 0


def test_definite_answer_ends_the_race(
    use: Callable[..., Terminal], postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with NeonProxy(server(postgres_url), refuse=lambda _: 'role "ada" does not exist') as front:
        places = [{"hostaddr": "127.0.0.1", "port": front.port}, {"hostaddr": "127.0.0.1", "port": front.port}]
        monkeypatch.setattr(connect, "_addresses", lambda *_: places)
        assert use(1, seconds=TIMEOUT, clock=Clock())("user list").code == DENIED
        assert len(front.startups) == 1


def test_silent_name_server_ends_at_the_deadline(
    use: Callable[..., Terminal], postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(TIMEOUT))
    ran = use(1, seconds=0.3, clock=Clock())("list")
    answered.set()
    assert (ran.code, is_clear(ran, postgres_url)) == (UNREACHABLE, True)
    assert "no answer" in ran.err


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "there is no such host"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "Temporary failure in name"),
    ],
)
def test_unknown_host_is_reported(
    use: Callable[..., Terminal],
    postgres_url: PostgresURL,
    monkeypatch: pytest.MonkeyPatch,
    fault: OSError,
    sentence: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise fault

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    ran = use(1)("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (UNREACHABLE, True)
    assert sentence in ran.err


@pytest.mark.parametrize("host", ["ep..neon.tech", f"{'x' * 64}.example"])
def test_impossible_host_name_is_reported(
    use: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    todo = use(1)
    monkeypatch.setenv("TODO_DATABASE_URL", f"postgresql://ada:S3CRET@{host}/x")
    ran = todo("list")
    assert (ran.code, "there is no such host" in ran.err, "S3CRET" in ran.err) == (UNREACHABLE, True, False), str(ran)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{at "quota.example.org" (1.2.3.4), port 5432} Connection refused', "cannot be reached"),
        ('could not look up the host name "certificate.example": Temporary failure', "cannot be reached"),
        (
            '{at "h" (::1), port 1} FATAL:  no pg_hba.conf entry for host "::1", SSL encryption\n'
            '{at "h" (::1), port 1} FATAL:  no pg_hba.conf entry for host "::1", no encryption',
            "refused the role",
        ),
    ],
)
def test_host_names_do_not_match_rules(text: str, sentence: str) -> None:
    text = text.replace("{", "connection to server ").replace("}", " failed:")
    assert sentence in postgres_errors.connect_rule(text).sentence


def test_brief_retries_count_from_connecting(postgres_url: PostgresURL) -> None:
    """An operation that has run for a while meets a server that is being restarted."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    url = replace(postgres_url, port=port, query=(("sslmode", "disable"),))
    clock = FakeClock()
    limit = Deadline(15, clock=clock)
    clock.now = begun = RETRY_2S + 1
    with deadline_scope(limit), pytest.raises(connect.NotConnected):
        connect.connect(url)
    assert clock.now - begun >= RETRY_2S


def test_background_connection_reraises_its_error(monkeypatch: pytest.MonkeyPatch, postgres_url: PostgresURL) -> None:
    monkeypatch.setattr(connect, "_connect_once", lambda *_: 1 / 0)
    ahead = connect.BackgroundConnection(postgres_url, Deadline(1))
    with pytest.raises(ZeroDivisionError):
        ahead.connection()


def test_hostaddr_in_url_skips_lookup(monkeypatch: pytest.MonkeyPatch, postgres_url: PostgresURL) -> None:
    monkeypatch.setenv("PGHOSTADDR", "100::1")
    monkeypatch.setenv("PGSERVICE", "nope")
    query = (("sslmode", "disable"), ("hostaddr", postgres_url.host))
    store = Store(replace(postgres_url, host="no.such.example", query=query))
    with store.session() as session:
        assert session.scalar(sa.text("SELECT 1")) == 1
    store.close()


# TLS


def test_server_without_tls_is_reported(use: Callable[..., Terminal], postgres_url: PostgresURL) -> None:
    with NeonProxy(server(postgres_url)) as front:
        ran = use(front.port, sslmode="require")("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (UNREACHABLE, True)
    assert "does not support the encryption that the URL requires" in ran.err


@pytest.mark.parametrize("fault", ["foreign", "expired", "other host"])
def test_invalid_certificate_is_refused(
    use: Callable[..., Terminal], postgres_url: PostgresURL, tmp_path: Any, fault: str
) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    past = datetime.now(UTC) - timedelta(days=1)
    issued = (theirs if fault == "foreign" else ours).issue_cert(
        "example.org" if fault == "other host" else "127.0.0.1",
        not_before=past - timedelta(days=1) if fault == "expired" else None,
        not_after=past if fault == "expired" else None,
    )
    root = tmp_path / "root.pem"
    ours.cert_pem.write_to_path(root)
    with NeonProxy(server(postgres_url), tls(issued.configure_cert)) as front:
        ran = use(front.port, sslmode="verify-full", sslrootcert=str(root))("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (UNREACHABLE, True)
    assert "has no valid certificate" in ran.err
    assert front.startups == []


def test_valid_certificate_is_accepted(use: Callable[..., Terminal], postgres_url: PostgresURL, tmp_path: Any) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "root.pem")
    with NeonProxy(server(postgres_url), tls(authority.issue_cert("127.0.0.1").configure_cert)) as front:
        todo = use(front.port, sslmode="verify-full", sslrootcert=str(tmp_path / "root.pem"))
        assert todo("user list").code == 0


def test_system_certificates_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    url = PostgresURL.parse("postgresql://a:b@h/d?sslmode=verify-full&sslrootcert=system")
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    monkeypatch.setattr(connect, "_CERTIFICATES", ("/no/such/file", str(bundle)))
    assert connect._parameters(url)["sslrootcert"] == str(bundle)


@pytest.mark.parametrize("host", ["h", "ep-a-1.eu.aws.neon.tech"])
def test_system_certificates_require_verify_full(host: str) -> None:
    url = PostgresURL.parse(f"postgresql://a:b@{host}/d?sslrootcert=system")
    assert connect._parameters(url)["sslmode"] == "verify-full"
    with pytest.raises(psycopg.OperationalError, match="invalid sslmode value"):
        connect._parameters(replace(url, query=(*url.query, ("sslmode", "require"))))


@pytest.mark.parametrize(("environment", "mode"), [("verify-full", None), ("prefer", "require"), (None, "require")])
def test_pgsslmode_can_tighten_neon_default(
    monkeypatch: pytest.MonkeyPatch, environment: str | None, mode: str | None
) -> None:
    if environment:
        monkeypatch.setenv("PGSSLMODE", environment)
    parameters = connect._parameters(PostgresURL.parse("postgresql://a:b@ep-a-1.eu.aws.neon.tech/d"))
    assert (parameters.get("sslmode"), parameters["sslnegotiation"]) == (mode, "direct")


def test_required_channel_binding_is_enforced(use: Callable[..., Terminal], postgres_url: PostgresURL) -> None:
    """The front ends TLS, so the server behind it cannot bind to it: a man in the middle would look the same."""
    context: ssl.SSLContext = tls(trustme.CA().issue_cert("127.0.0.1").configure_cert)
    with NeonProxy(server(postgres_url), context) as front:
        ran = use(front.port, sslmode="require", channel_binding="require")("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (UNREACHABLE, True)
    assert "channel binding" in ran.err


@pytest.mark.parametrize("query", [{"frob": "1"}, {"sslmode": "bogus"}, {"channel_binding": "maybe"}])
def test_unknown_url_parameter_is_reported(
    use: Callable[..., Terminal], postgres_url: PostgresURL, query: dict[str, str]
) -> None:
    ran = use(1, **query)("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (2, True), str(ran)


def test_old_server_is_refused(
    use: Callable[..., Terminal], postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "OLDEST_SERVER", 990_000)
    ran = use(postgres_url.port or 5432)("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (UNREACHABLE, True)
    assert ran.err.startswith("error: todo needs Postgres 14 or newer: the server is Postgres ")


# Interrupts, pools and locks


def sessions(url: PostgresURL) -> int:
    with postgres.connect(url) as console:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = 'todo'"
        row = console.execute(query, [url.database]).fetchone()
    assert row
    return int(row[0])


INTERRUPTED = """
import os, sys
from todocli.__main__ import main
from todocli.database.postgres.connect import BackgroundConnection

ready = int(sys.argv[1])

def connection(self, *, original=BackgroundConnection.connection):
    os.write(ready, b"connecting")
    return original(self)

BackgroundConnection.connection = connection
sys.argv = ["todo", *sys.argv[2:]]
main()
"""
"""Runs the program, and writes to the descriptor in its first argument when it begins to wait for the connection."""


def waits_for_lock(url: PostgresURL) -> bool:
    with postgres.connect(url) as console:
        row = console.execute(LOCK_WAITS).fetchone()
    assert row
    return bool(row[0])


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["connecting", "waking", "querying"])
def test_ctrl_c_is_silent_and_leaves_no_session(postgres_url: PostgresURL, moment: str) -> None:
    with ExitStack() as stack:
        wake = 30.0 if moment == "waking" else 0.0
        front = stack.enter_context(NeonProxy(server(postgres_url), wake=wake))
        port = stack.enter_context(silent_port()) if moment == "connecting" else front.port
        holder = stack.enter_context(psycopg.connect(postgres.conninfo(postgres_url)))
        holder.execute("LOCK TABLE todo.users")
        url = replace(postgres_url, port=port, query=(("sslmode", "disable"),))
        read, write = os.pipe()
        process = subprocess.Popen(
            [sys.executable, "-c", INTERRUPTED, str(write), "user", "add", "eve"],
            env={**os.environ, "TODO_DATABASE_URL": url.text()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(write,),
        )
        os.close(write)
        with os.fdopen(read, "rb", buffering=0) as ready:
            assert ready.read(10) == b"connecting"
            if moment == "waking":
                wait_until(lambda: front.startups, "the startup message")
            elif moment == "querying":
                wait_until(lambda: waits_for_lock(postgres_url), "the locked query")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=TIMEOUT)
        assert (process.returncode, out, err) == (130, b"", b"")
        wait_until(lambda: sessions(postgres_url) == 0, "the end of the session")


def test_pool_survives_suspended_database(postgres_url: PostgresURL) -> None:
    with Relay(server(postgres_url)) as relay:
        store = Store(replace(postgres_url, port=relay.port, query=(("sslmode", "disable"),)), connections=3)

        def ask() -> object:
            with store.session() as session:
                return session.scalar(sa.text("SELECT 1"))

        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(store.session()).connection()
        for suspend in (relay.drop, lambda: _terminate(postgres_url)):
            suspend()
            assert [ask() for _ in range(4)] == [1, 1, 1, 1]
        store.close()


def test_session_may_end_in_another_context(postgres_url: PostgresURL) -> None:
    """Web frameworks run each part of a request in its own copy of the context."""
    store = Store(postgres_url, seconds=TIMEOUT)
    giver = store.session()
    session = copy_context().run(giver.__enter__)
    copy_context().run(session.connection)
    expire(session, after=0.05)
    with pytest.raises(sa.exc.DBAPIError) as caught:
        copy_context().run(session.execute, sa.text("SELECT pg_sleep(600)"))
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        copy_context().run(giver.__exit__, caught.type, caught.value, caught.tb)
    store.close()


def test_full_pool_is_waited_for_until_the_deadline(postgres_url: PostgresURL) -> None:
    store = Store(postgres_url, seconds=TIMEOUT)
    with store.session() as session:
        session.connection()
        vars(store)["_engine"].pool._timeout = 0.1
        with pytest.raises(ServiceUnavailable, match="in use"), store.session() as other:
            other.connection()
    store.close()


@pytest.mark.slow
def test_migration_of_silent_server_ends(empty_postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "SECONDS", 0.1)
    fault = Faulty(at=22, before=True, stall=True)
    with Relay(server(empty_postgres_url), new_line=fault.line) as relay:
        monkeypatch.setenv(
            "TODO_DATABASE_URL",
            replace(empty_postgres_url, port=relay.port, query=(("sslmode", "disable"),)).text(),
        )
        ran = Terminal(monkeypatch)("db upgrade")
    assert (ran.code, "does not answer" in ran.err) == (UNREACHABLE, True), str(ran)


def _terminate(url: PostgresURL) -> None:
    with postgres.connect(url) as console:
        mine = "application_name = 'todo' AND datname = current_database()"  # the server has those of other tests, too
        console.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {mine}")


@pytest.mark.slow
def test_locked_statement_ends_at_the_deadline(postgres_url: PostgresURL) -> None:
    with psycopg.connect(postgres.conninfo(postgres_url)) as holder:
        holder.execute("LOCK TABLE todo.users")
        store = Store(postgres_url, seconds=TIMEOUT)

        def read_users() -> None:
            with store.session() as session:
                session.connection()
                expire(session)
                session.execute(sa.text("SELECT * FROM todo.users"))

        with pytest.raises(ServiceUnavailable, match=rf"holds a lock .*\(pid {holder.info.backend_pid}, "):
            read_users()
        store.close()
        wait_until(lambda: sessions(postgres_url) == 0, "the end of the session")


@pytest.mark.parametrize(("schema_changes", "found"), [(False, 0), (True, 1)])
def test_vacuum_holds_up_only_changes_of_the_schema(
    postgres_url: PostgresURL, schema_changes: bool, found: int
) -> None:
    engine = postgres_engine(postgres_url, sa.NullPool)
    with psycopg.connect(postgres.conninfo(postgres_url)) as vacuum:
        vacuum.execute("LOCK TABLE todo.todos IN SHARE UPDATE EXCLUSIVE MODE")  # as VACUUM and ANALYZE do
        assert len(find_lock_holders(engine, schema_changes=schema_changes)) == found
    engine.dispose()


@pytest.mark.slow
def test_wait_for_locked_user_ends_before_the_deadline(postgres_url: PostgresURL) -> None:
    """So it is certain that nothing was changed."""
    add = [TodoCreate(title="x")]
    with open_store(postgres_url) as store, store.session() as session:
        Client(session, Owner("ada", Users(session).add("ada")[0].id)).add(add)
        assert session.scalar(sa.text("SHOW lock_timeout")) == "0"
    with psycopg.connect(postgres.conninfo(postgres_url)) as holder, open_store(postgres_url, seconds=TIMEOUT) as store:
        holder.execute("SELECT FROM todo.users FOR UPDATE")

        def add_todo() -> None:
            with store.session() as session:
                session.connection()
                expire(session, 1)
                Client(session, Owner("ada")).add(add)

        with pytest.raises(ServiceUnavailable, match=rf"\(pid {holder.info.backend_pid}, for ") as caught:
            add_todo()
        assert str(holder.info.backend_pid) in str(caught.value.hint)
    with open_store(postgres_url) as store, store.session() as session:
        assert len(Client(session, Owner("ada")).find(TodoQuery()).items) == 1


@pytest.mark.slow
def test_several_sessions_with_locks_are_all_named(postgres_url: PostgresURL) -> None:
    """There is no way to tell which of them the statement waited for."""
    with open_store(postgres_url) as store, store.session() as session:
        for name in ("ada", "bob"):
            Users(session).add(name)
    with (
        psycopg.connect(postgres.conninfo(postgres_url)) as bystander,
        psycopg.connect(postgres.conninfo(postgres_url)) as holder,
        open_store(postgres_url, seconds=TIMEOUT) as store,
    ):
        bystander.execute("SELECT FROM todo.users WHERE name = 'bob' FOR UPDATE")
        holder.execute("SELECT FROM todo.users WHERE name = 'ada' FOR UPDATE")

        def add_todo() -> None:
            with store.session() as session:
                session.connection()
                expire(session, 1)
                Client(session, Owner("ada")).add([TodoCreate(title="x")])

        with pytest.raises(ServiceUnavailable, match="Other sessions hold locks") as caught:
            add_todo()
        for other in (bystander, holder):
            assert f"pid {other.info.backend_pid}, for" in caught.value.detail
        assert "terminate" not in str(caught.value.hint)


def test_holder_of_a_lock_that_may_not_be_seen_has_no_age() -> None:
    assert str(LockHolder(42, None)) == "pid 42"
    assert str(LockHolder(42, 0.4)) == "pid 42, for 0 seconds"
    assert str(LockHolder(42, 60)) == "pid 42, for 1 minute"
    assert str(LockHolder(42, 200_000)) == "pid 42, for 2 days"


def test_what_psycopg_ignores_is_not_shown() -> None:
    """It logs a COPY that was cut off, and Python prints what no handler takes."""
    code = "import logging, todocli.database.postgres.connect; logging.getLogger('psycopg').warning('ignored')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
