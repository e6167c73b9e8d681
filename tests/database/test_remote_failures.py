"""What goes wrong with a far database: which sentence, which exit status, what is tried again and for how long."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
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

from tests.support import postgres
from tests.support.neon_proxy import Front, tls
from tests.support.protocol import Faulty
from tests.support.relay import Relay
from tests.support.terminal import Ran, Terminal
from todocli import profiles
from todocli.database import deadline, migrations
from todocli.database.deadline import Deadline, deadline_scope
from todocli.database.postgres import connect
from todocli.database.postgres import errors as postgres_errors
from todocli.database.postgres.errors import NO_RETRY, RETRY_2S, RETRY_UNTIL_DEADLINE
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import Store
from todocli.errors import ServiceUnavailable, TodoError

DENIED, UNREACHABLE = 6, 7

CONNECTING = [
    # what Neon's proxy, Postgres and PgBouncer say while connecting; the exit status; for how long it is tried again
    ("password authentication failed for user 'ada'", DENIED, NO_RETRY, "refused the role"),
    ('password authentication failed for user "ada"', DENIED, NO_RETRY, "refused the role"),
    ('role "ada" does not exist', DENIED, NO_RETRY, "refused the role"),
    ("no such user", DENIED, NO_RETRY, "refused the role"),
    ('no pg_hba.conf entry for host "1.2.3.4", user "a", database "b", no encryption', DENIED, NO_RETRY, "unencrypted"),
    ('pg_hba.conf rejects connection for host "1.2.3.4", user "ada"', DENIED, NO_RETRY, "refused the role"),
    (
        "This IP address 1.2.3.4 is not allowed to connect to this endpoint. Please add it to the allowed list in the"
        " Neon console. Make sure to check for IPv4 or IPv6 addresses.",
        *(DENIED, NO_RETRY, "does not let this machine in"),
    ),
    ("This connection is trying to access this endpoint from a blocked network.", DENIED, NO_RETRY, "this machine in"),
    (
        "VPC endpoint ID is not specified. This endpoint requires a VPC endpoint ID to connect.",
        DENIED,
        NO_RETRY,
        "let this",
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
        *(UNREACHABLE, NO_RETRY, "is no endpoint"),
    ),
    ("Control plane request failed: endpoint cannot be found", UNREACHABLE, NO_RETRY, "is no endpoint"),
    (
        "Endpoint ID is not specified. Either please upgrade the postgres client",
        UNREACHABLE,
        NO_RETRY,
        "is no endpoint",
    ),
    ("unsupported startup parameter: extra_float_digits", UNREACHABLE, NO_RETRY, "refuses a setting"),
    ("unsupported startup parameter in options: geqo", UNREACHABLE, NO_RETRY, "refuses a setting"),
    ("Couldn't connect to compute node", UNREACHABLE, RETRY_UNTIL_DEADLINE, "does not wake up"),
    ("Control plane request failed", UNREACHABLE, RETRY_UNTIL_DEADLINE, "does not wake up"),
    (
        "Control plane request failed: endpoint is temporarily unavailable."
        " Check your quotas and/or contact our support.",
        *(UNREACHABLE, NO_RETRY, "limit of the plan"),
    ),
    ("the database system is starting up", UNREACHABLE, RETRY_UNTIL_DEADLINE, "does not wake up"),
    ("the database system is shutting down", UNREACHABLE, RETRY_UNTIL_DEADLINE, "does not wake up"),
    ("query_wait_timeout", UNREACHABLE, RETRY_UNTIL_DEADLINE, "does not wake up"),
    (
        "server login has been failing, try again later (server_login_retry)",
        UNREACHABLE,
        RETRY_UNTIL_DEADLINE,
        "does not wake",
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
    """Use the database by way of another port of this machine, with that much patience."""
    monkeypatch.setenv("LOGNAME", "ada")
    monkeypatch.setattr(deadline, "_LONGEST_PAUSE", 0.1)
    resolve = profiles.resolve

    def choose(port: int, *, seconds: float = 0.4, terminal: bool = False, **query: str) -> Terminal:
        query.setdefault("sslmode", "disable")
        url = replace(postgres_url, host="127.0.0.1", port=port, query=tuple(query.items()))
        monkeypatch.setenv("TODO_DATABASE_URL", url.text())
        monkeypatch.setattr(profiles, "resolve", lambda name=None: replace(resolve(name), timeout=seconds))
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
def test_what_is_said_while_connecting(
    use: Callable[..., Terminal], postgres_url: PostgresURL, text: str, code: int, retried: float, sentence: str
) -> None:
    with Front(server(postgres_url), refuse=lambda _: text) as front:
        ran = use(front.port)("list")
        tries = len(front.startups)
    assert (ran.code, is_clear(ran, postgres_url)) == (code, True), str(ran)
    assert sentence in ran.err
    assert tries == 1 if retried == NO_RETRY else tries > 1
    assert postgres_errors.connecting(text or "server closed the connection unexpectedly").retry == retried


def test_every_row_of_the_table_is_tried() -> None:
    said = [text or "server closed the connection unexpectedly" for text, *_ in CONNECTING]
    reached = {postgres_errors.connecting(text) for text in said}
    others = {row for row in postgres_errors.CONNECTING if row not in reached}
    by_libpq = r"invalid connection|certificate|does not support SSL|channel binding|the server is|no such host|look up"
    assert [row.pattern for row in others if not re.search(by_libpq + "|look up|refused|no answer", row.pattern)] == []


def test_what_passes_is_waited_for(use: Callable[..., Terminal], postgres_url: PostgresURL) -> None:
    with Front(server(postgres_url), refuse=lambda n: "Couldn't connect to compute node" if n < 3 else None) as front:
        ran = use(front.port, seconds=15)("user add ada")
        assert (ran.code, ran.err, len(front.startups)) == (0, "", 4)


@pytest.mark.parametrize(("terminal", "told"), [(True, True), (False, False)])
def test_a_person_is_told_while_a_database_wakes(
    use: Callable[..., Terminal], postgres_url: PostgresURL, terminal: bool, told: bool
) -> None:
    with Front(server(postgres_url), wake=1.0) as front:
        ran = use(front.port, seconds=15, terminal=terminal)("user list")
    assert ran.code == 0
    assert ran.err.count("Waiting for 127.0.0.1 …") == told


@pytest.mark.parametrize("state", ["57P03", "40001", "40P01", "53300", "08006"])
def test_what_passes_while_a_statement_runs_is_tried_again(postgres_url: PostgresURL, state: str) -> None:
    with postgres.connect(postgres_url) as console:
        console.execute("CREATE SEQUENCE tries")
    code = f"IF nextval('tries') < 3 THEN RAISE 'not now' USING ERRCODE = '{state}'; END IF;"
    store = Store(postgres_url)
    with store.session() as session:
        session.execute(sa.text(f"DO $$ BEGIN {code} END $$"))
        assert session.scalar(sa.text("SELECT last_value FROM tries")) == 3
    store.close()


@pytest.mark.parametrize(
    ("state", "code", "sentence"),
    [
        ("42501", "ACCESS_DENIED", "may not do this in"),
        ("28000", "ACCESS_DENIED", "refused the role"),
        ("53100", "SERVER_ERROR", "The disk of 127.0.0.1 is full"),
        ("25006", "SERVER_ERROR", "is read-only"),
        ("57014", "SERVICE_UNAVAILABLE", "stopped the statement"),
        ("55P03", "SERVICE_UNAVAILABLE", "is not available"),
        ("58030", "SERVICE_UNAVAILABLE", "is not available"),
        ("53200", "SERVICE_UNAVAILABLE", "is not available"),
        ("22012", "SERVER_ERROR", "failed: not so (SQLSTATE 22012)"),
    ],
)
def test_what_is_final_while_a_statement_runs(postgres_url: PostgresURL, state: str, code: str, sentence: str) -> None:
    with postgres.connect(postgres_url) as console:
        console.execute("CREATE SEQUENCE tries")
    statement = f"DO $$ BEGIN PERFORM nextval('tries'); RAISE 'not so' USING ERRCODE = '{state}'; END $$"
    store = Store(postgres_url)
    with pytest.raises(TodoError, match=re.escape(sentence)) as caught, store.session() as session:
        session.execute(sa.text(statement))
    store.close()
    assert (caught.value.code, bool(caught.value.hint)) == (code, True)
    with postgres.connect(postgres_url) as console:
        assert console.execute("SELECT last_value FROM tries").fetchone() == (1,)


# The network


@contextmanager
def silent_port() -> Iterator[int]:
    """Give a port that takes no connection and refuses none, as a machine behind a careless firewall."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield int(listener.getsockname()[1])


def within(seconds: float, begun: float) -> bool:
    """Return whether no more than a second was spent beyond the limit."""
    return time.monotonic() - begun < seconds + 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops what does not fit into the backlog")
def test_a_network_that_swallows_everything(use: Callable[..., Terminal], postgres_url: PostgresURL) -> None:
    with silent_port() as port:
        begun = time.monotonic()
        ran = use(port, seconds=0.5)("list")
    assert (ran.code, is_clear(ran, postgres_url), within(0.5, begun)) == (UNREACHABLE, True, True)
    assert "no answer" in ran.err


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops what does not fit into the backlog")
def test_an_address_that_leads_nowhere_beside_one_that_works(
    use: Callable[..., Terminal], postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with silent_port() as port:
        places = [{"hostaddr": "127.0.0.1", "port": port}, {"hostaddr": postgres_url.host, "port": postgres_url.port}]
        monkeypatch.setattr(connect, "_addresses", lambda *_: places)
        assert use(1, seconds=10)("user list").code == 0
    for unreachable in ("100::1", "127.0.0.1"):
        places = [{"hostaddr": unreachable, "port": 1}, {"hostaddr": postgres_url.host, "port": postgres_url.port}]
        monkeypatch.setattr(connect, "_addresses", lambda *_, known=places: known)
        assert use(1, seconds=10)("user list").code == 0


def test_a_definite_answer_of_one_address_ends_the_search(
    use: Callable[..., Terminal], postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Front(server(postgres_url), refuse=lambda _: 'role "ada" does not exist') as front:
        places = [{"hostaddr": "127.0.0.1", "port": front.port}, {"hostaddr": "127.0.0.1", "port": front.port}]
        monkeypatch.setattr(connect, "_addresses", lambda *_: places)
        assert use(1, seconds=10)("user list").code == DENIED
        assert len(front.startups) == 1


def test_a_name_server_that_is_silent(
    use: Callable[..., Terminal], postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(30))
    begun = time.monotonic()
    ran = use(1, seconds=0.3)("list")
    answered.set()
    assert (ran.code, is_clear(ran, postgres_url), within(0.3, begun)) == (UNREACHABLE, True, True)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "there is no such host"),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), "Temporary failure in name"),
    ],
)
def test_a_name_that_leads_nowhere(
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
def test_a_name_that_cannot_be_one(use: Callable[..., Terminal], monkeypatch: pytest.MonkeyPatch, host: str) -> None:
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
def test_words_that_mean_something_else(text: str, sentence: str) -> None:
    text = text.replace("{", "connection to server ").replace("}", " failed:")
    assert sentence in postgres_errors.connecting(text).sentence


def test_what_is_tried_briefly_is_so_from_when_connecting_began(postgres_url: PostgresURL) -> None:
    """An operation that ran for a while meets a server that is just being started again."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    url = replace(postgres_url, port=port, query=(("sslmode", "disable"),))
    limit = Deadline(15)
    limit._began -= RETRY_2S + 1
    begun = time.monotonic()
    with deadline_scope(limit), pytest.raises(connect.NotConnected):
        connect.connect(url)
    assert time.monotonic() - begun > RETRY_2S / 2


def test_what_goes_wrong_ahead_reaches_who_asks(monkeypatch: pytest.MonkeyPatch, postgres_url: PostgresURL) -> None:
    monkeypatch.setattr(connect, "_connect_once", lambda *_: 1 / 0)
    ahead = connect.BackgroundConnection(postgres_url, Deadline(1))
    with pytest.raises(ZeroDivisionError):
        ahead.connection()


def test_an_address_in_the_url_needs_no_look_up(monkeypatch: pytest.MonkeyPatch, postgres_url: PostgresURL) -> None:
    monkeypatch.setenv("PGHOSTADDR", "100::1")
    monkeypatch.setenv("PGSERVICE", "nope")
    query = (("sslmode", "disable"), ("hostaddr", postgres_url.host))
    store = Store(replace(postgres_url, host="no.such.example", query=query))
    with store.session() as session:
        assert session.scalar(sa.text("SELECT 1")) == 1
    store.close()


# TLS


def test_a_server_without_tls(use: Callable[..., Terminal], postgres_url: PostgresURL) -> None:
    with Front(server(postgres_url)) as front:
        ran = use(front.port, sslmode="require")("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (UNREACHABLE, True)
    assert "does not encrypt as the URL asks" in ran.err


@pytest.mark.parametrize("fault", ["foreign", "expired", "other host"])
def test_a_certificate_that_proves_nothing(
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
    with Front(server(postgres_url), tls(issued.configure_cert)) as front:
        ran = use(front.port, sslmode="verify-full", sslrootcert=str(root))("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (UNREACHABLE, True)
    assert "did not prove who it is" in ran.err
    assert front.startups == []


def test_a_certificate_that_proves_it(use: Callable[..., Terminal], postgres_url: PostgresURL, tmp_path: Any) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "root.pem")
    with Front(server(postgres_url), tls(authority.issue_cert("127.0.0.1").configure_cert)) as front:
        todo = use(front.port, sslmode="verify-full", sslrootcert=str(tmp_path / "root.pem"), seconds=10)
        assert todo("user list").code == 0


def test_the_systems_certificates_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    url = PostgresURL.parse("postgresql://a:b@h/d?sslmode=verify-full&sslrootcert=system")
    bundle = tmp_path / "bundle.pem"
    bundle.touch()
    monkeypatch.setattr(connect, "_CERTIFICATES", ("/no/such/file", str(bundle)))
    assert connect._parameters(url)["sslrootcert"] == str(bundle)


@pytest.mark.parametrize("host", ["h", "ep-a-1.eu.aws.neon.tech"])
def test_the_systems_certificates_are_for_checking_all(host: str) -> None:
    url = PostgresURL.parse(f"postgresql://a:b@{host}/d?sslrootcert=system")
    assert connect._parameters(url)["sslmode"] == "verify-full"
    with pytest.raises(psycopg.OperationalError, match="invalid sslmode value"):
        connect._parameters(replace(url, query=(*url.query, ("sslmode", "require"))))


@pytest.mark.parametrize(("environment", "mode"), [("verify-full", None), ("prefer", "require"), (None, "require")])
def test_the_environment_may_ask_neon_for_more(
    monkeypatch: pytest.MonkeyPatch, environment: str | None, mode: str | None
) -> None:
    if environment:
        monkeypatch.setenv("PGSSLMODE", environment)
    parameters = connect._parameters(PostgresURL.parse("postgresql://a:b@ep-a-1.eu.aws.neon.tech/d"))
    assert (parameters.get("sslmode"), parameters["sslnegotiation"]) == (mode, "direct")


def test_channel_binding_is_as_the_url_says(use: Callable[..., Terminal], postgres_url: PostgresURL) -> None:
    """The front ends TLS, so the server behind it cannot bind to it: a man in the middle would look the same."""
    context: ssl.SSLContext = tls(trustme.CA().issue_cert("127.0.0.1").configure_cert)
    with Front(server(postgres_url), context) as front:
        ran = use(front.port, sslmode="require", channel_binding="require")("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (UNREACHABLE, True)
    assert "channel binding" in ran.err


@pytest.mark.parametrize("query", [{"frob": "1"}, {"sslmode": "bogus"}, {"channel_binding": "maybe"}])
def test_a_setting_that_libpq_does_not_know(
    use: Callable[..., Terminal], postgres_url: PostgresURL, query: dict[str, str]
) -> None:
    ran = use(1, **query)("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (2, True), str(ran)


def test_a_server_that_is_too_old(
    use: Callable[..., Terminal], postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "OLDEST_SERVER", 990_000)
    ran = use(postgres_url.port or 5432)("list")
    assert (ran.code, is_clear(ran, postgres_url)) == (UNREACHABLE, True)
    assert ran.err.startswith("error: todo needs Postgres 14 or newer: the server is Postgres ")


# What a user does, and what a long life brings


def sessions(url: PostgresURL) -> int:
    with postgres.connect(url) as console:
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND application_name = 'todo'"
        row = console.execute(query, [url.database]).fetchone()
    assert row
    return int(row[0])


def _is_there(moment: str, front: Front, url: PostgresURL) -> bool:
    return {"waking": bool(front.startups), "querying": bool(sessions(url))}.get(moment, True)


@pytest.mark.parametrize("moment", ["connecting", "waking", "querying"])
def test_ctrl_c_is_silent_and_leaves_no_session(postgres_url: PostgresURL, moment: str) -> None:
    with ExitStack() as stack:
        wake = 30.0 if moment == "waking" else 0.0
        front = stack.enter_context(Front(server(postgres_url), wake=wake))
        port = stack.enter_context(silent_port()) if moment == "connecting" else front.port
        holder = stack.enter_context(psycopg.connect(postgres.conninfo(postgres_url)))
        holder.execute("LOCK TABLE users")
        url = replace(postgres_url, port=port, query=(("sslmode", "disable"),))
        process = subprocess.Popen(
            [sys.executable, "-m", "todocli", "user", "add", "eve"],
            env={**os.environ, "TODO_DATABASE_URL": url.text()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not _is_there(moment, front, postgres_url):
            time.sleep(0.02)
        time.sleep(1.0 if moment == "connecting" else 0.2)
        begun = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (130, b"", b"")
        assert within(0, begun)
        while sessions(postgres_url) and time.monotonic() < begun + 5:
            time.sleep(0.02)
        assert sessions(postgres_url) == 0


def test_a_pool_survives_a_database_that_was_suspended(postgres_url: PostgresURL) -> None:
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


def test_a_session_may_end_in_another_context(postgres_url: PostgresURL) -> None:
    """As a web framework's may, which runs each part of a request in a copy of its own."""
    store = Store(postgres_url, seconds=0.3)
    giver = store.session()
    session = copy_context().run(giver.__enter__)
    begun = time.monotonic()
    with pytest.raises(sa.exc.DBAPIError) as caught:
        copy_context().run(session.execute, sa.text("SELECT pg_sleep(5)"))
    assert within(0.3, begun)
    with pytest.raises(ServiceUnavailable, match="does not answer"):
        copy_context().run(giver.__exit__, caught.type, caught.value, caught.tb)
    store.close()


def test_a_full_pool_is_waited_for_as_long_as_there_is_patience(postgres_url: PostgresURL) -> None:
    store = Store(postgres_url, seconds=0.3)
    begun = time.monotonic()
    with store.session() as session:
        session.connection()
        with pytest.raises(ServiceUnavailable, match="in use"), store.session() as other:
            other.connection()
    assert within(0.3, begun)
    store.close()


def test_a_migration_of_a_silent_server_comes_to_an_end(
    empty_postgres_url: PostgresURL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "SECONDS", 0.5)
    fault = Faulty(at=22, before=True, stall=True)
    with Relay(server(empty_postgres_url), new_line=fault.line) as relay:
        monkeypatch.setenv(
            "TODO_DATABASE_URL",
            replace(empty_postgres_url, port=relay.port, query=(("sslmode", "disable"),)).text(),
        )
        begun = time.monotonic()
        ran = Terminal(monkeypatch)("db upgrade")
    assert (ran.code, "does not answer" in ran.err, within(0.5, begun)) == (UNREACHABLE, True, True), str(ran)


def _terminate(url: PostgresURL) -> None:
    with postgres.connect(url) as console:
        console.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'todo'")


def test_a_statement_that_waits_for_a_lock_ends_in_time(postgres_url: PostgresURL) -> None:
    with psycopg.connect(postgres.conninfo(postgres_url)) as holder:
        holder.execute("LOCK TABLE users")
        store = Store(postgres_url, seconds=0.4)
        begun = time.monotonic()
        with pytest.raises(ServiceUnavailable, match="does not answer"), store.session() as session:
            session.execute(sa.text("SELECT * FROM users"))
        assert within(0.4, begun)
        store.close()
        assert sessions(postgres_url) == 0
