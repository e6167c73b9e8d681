"""Runs one query, and measures connecting and the query."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from todocli.database import schema
from todocli.database.schema import UNDEFINED_TABLE, CurrentRevision, read_revision
from todocli.database.store import Store


@dataclass(frozen=True)
class Probe:
    """An answer and its cost. Times are in milliseconds; `wake` is the time of connecting beyond its round trips."""

    answer: Any
    connect: float
    wake: float
    query: float
    round_trips: int
    driver: Any
    """The driver's connection; on Postgres it has the server's parameters and a `handshake`."""


def version(store: Store) -> Probe:
    """Read the version of the server, or of SQLite. Raises `todocli.errors.TodoError`."""
    query = "SELECT sqlite_version() AS version" if store.is_embedded else "SHOW server_version"
    return _run(store, query, lambda rows: next(iter(rows[0].values())))


def revision(store: Store) -> Probe:
    """Read the `CurrentRevision` of the schema; None if there is none. Raises `todocli.errors.TodoError`."""
    return _run(store, read_revision(store.target), CurrentRevision.of)


def check(store: Store) -> None:
    """Raise `todocli.errors.TodoError` unless the database responds, with a schema that this program can use."""
    if fault := schema.mismatch(store.target, revision(store).answer):
        raise fault


def _run(store: Store, query: str, read: Callable[[Sequence[sa.RowMapping]], Any]) -> Probe:
    with store.session() as session:
        begun = time.perf_counter()
        driver = session.connection().connection.driver_connection
        connected = time.perf_counter()
        try:
            rows = session.execute(sa.text(query)).mappings().all()
        except sa.exc.DBAPIError as error:
            if "no such table" not in str(error.orig) and getattr(error.orig, "sqlstate", "") != UNDEFINED_TABLE:
                raise
            rows = []
        answered = time.perf_counter()
        handshake = getattr(driver, "handshake", None)
        return Probe(
            answer=read(rows),
            connect=_milliseconds(handshake.total if handshake else connected - begun),
            wake=_milliseconds(handshake.wake) if handshake else 0.0,
            query=_milliseconds(answered - connected),
            round_trips=handshake.round_trips + 1 if handshake else 0,
            driver=driver,
        )


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
