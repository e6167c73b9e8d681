"""Following the log: every change once and in its order, whatever happens to the connection."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from tests.support.client import Client
from tests.support.console import Console
from tests.support.following import ScriptedWaiter, Stopped
from todocli.clock import now
from todocli.database.store import Store, open_store
from todocli.database.target import Target
from todocli.database.watch import PollWatch, Watch
from todocli.domain.log_cursor import BEGINNING, LogCursor
from todocli.errors import CursorExpired, MissingUserContext, ServiceUnavailable
from todocli.schemas.todos import TodoCreate
from todocli.services.history.follow import Follow, Read, read_all
from todocli.services.history.sync import Place, Portion, Sync
from todocli.services.owner import Owner
from todocli.services.users import Users

AGO = timedelta(days=400)


@pytest.fixture
def store(database: Target) -> Iterator[Store]:
    with open_store(database) as store:
        with store.session() as session:
            Users(session).add("ada")
        yield store


def add(store: Store, *titles: str) -> None:
    """Add todos as one change."""
    with store.session() as session:
        Client(session, Owner("ada")).add([TodoCreate(title=title) for title in titles])


def place(store: Store, **where: object) -> LogCursor:
    with store.session() as session:
        return Sync(session, Owner("ada")).before(**where)  # type: ignore[arg-type]


def titles(places: list[Place]) -> list[list[str]]:
    return [sorted(item.title or "" for item in place.change.items) for place in places]


class Log:
    """A log that is read in portions of 2; each time it is opened, the next of `faults` happens."""

    def __init__(self, store: Store, *faults: Exception | None) -> None:
        self.store = store
        self.faults = list(faults)
        self.opened = 0

    @contextmanager
    def __call__(self) -> Iterator[Read]:
        self.opened += 1
        if self.faults and (fault := self.faults.pop(0)):
            raise fault
        yield self.read

    def read(self, cursor: LogCursor) -> Portion:
        with self.store.session() as session:
            return Sync(session, Owner("ada")).after(cursor, 2)


def follow(
    log: Log,
    waiter: ScriptedWaiter,
    watch: Watch | None = None,
    on_lost: Callable[[ServiceUnavailable], None] = lambda _: None,
) -> list[Place]:
    """Follow from the beginning until the script ends; return what came."""
    found = []
    with suppress(Stopped):
        for each in Follow(watch or PollWatch(60, waiter), log, waiter, on_lost).after(BEGINNING):
            found.append(each)
    return found


def lost() -> ServiceUnavailable:
    return ServiceUnavailable("The connection was lost.")


def test_changes_come_once_in_their_order(store: Store) -> None:
    add(store, "a")
    waiter = ScriptedWaiter(lambda: add(store, "b"), lambda: add(store, "c"), lambda: None)
    found = follow(Log(store), waiter)
    assert titles(found) == [["a"], ["b"], ["c"]]
    assert found[-1].cursor == place(store)


def test_large_change_comes_in_parts_that_can_be_continued(store: Store) -> None:
    add(store, *"abcde")
    add(store, "f")
    log = Log(store)
    found = list(read_all(log.read, BEGINNING))
    assert [len(each.change.items) for each in found] == [2, 2, 1, 1]
    assert [each.change.count for each in found] == [5, 5, 5, 1]
    assert len({each.change.id for each in found}) == 2
    for i, each in enumerate(found):
        assert titles(list(read_all(log.read, each.cursor))) == titles(found[i + 1 :])


def test_lost_connection_costs_longer_pauses_and_no_change(store: Store) -> None:
    add(store, "a")
    notes: list[ServiceUnavailable] = []
    waiter = ScriptedWaiter(*[lambda: None] * 7, lambda: add(store, "b"), lambda: None)
    log = Log(store, *[lost() for _ in range(8)])
    found = follow(log, waiter, on_lost=notes.append)
    assert titles(found) == [["a"], ["b"]]
    assert waiter.waits[:8] == [1, 4, 16, 64, 256, 900, 900, 900]
    assert len(notes) == 1


def test_change_ends_growth_of_pauses(store: Store) -> None:
    waiter = ScriptedWaiter(*[lambda: None] * 3)
    log = Log(store, lost(), lost(), None)
    read = log.read

    def once_then_lost(cursor: LogCursor) -> Portion:
        if log.opened == 3:
            add(store, "a")
            log.faults.append(lost())
        return read(cursor)

    log.read = once_then_lost  # type: ignore[method-assign]

    class Breaks(PollWatch):
        def wait(self, seconds: float | None) -> bool:
            raise lost()

    found = follow(log, waiter, Breaks(1, waiter))
    assert titles(found) == [["a"]]
    assert waiter.waits == [1, 4, 1, 4]


def test_connection_that_lasted_begins_with_the_first_pause(store: Store) -> None:
    waiter = ScriptedWaiter(*[lambda: None] * 5)

    class LastsAnHour(PollWatch):
        def wait(self, seconds: float | None) -> bool:
            waiter.now += 3600
            raise lost()

    follow(Log(store), waiter, LastsAnHour(1, waiter))
    assert set(waiter.waits) == {1}


def test_database_is_closed_while_nothing_changes(store: Store) -> None:
    log = Log(store)
    waiter = ScriptedWaiter(*[lambda: None] * 11)
    watch = PollWatch(600, waiter)
    follow(log, waiter, watch)
    assert waiter.waits[:4] == [5, 595, 5, 595]
    assert log.opened == 6


def test_error_that_waiting_does_not_mend_ends_it(store: Store) -> None:
    waiter = ScriptedWaiter()
    log = Log(store, MissingUserContext("Unknown."))
    with pytest.raises(MissingUserContext):
        next(Follow(PollWatch(1, waiter), log, waiter).after(BEGINNING))


# Where to begin


def test_start_is_before_the_newest_changes(store: Store) -> None:
    assert place(store) == place(store, count=3) == BEGINNING
    for title in "abc":
        add(store, title)
    log = Log(store)
    for count in range(5):
        found = list(read_all(log.read, place(store, count=count)))
        assert titles(found) == [["a"], ["b"], ["c"]][max(0, 3 - count) :]


def test_start_is_before_a_moment(store: Store) -> None:
    add(store, "a")
    console = Console(store.target)
    at = now() - AGO
    console.run("UPDATE changes SET made_at = :at", at=at.replace(tzinfo=None) if console.is_sqlite else at)
    console.close()
    add(store, "b")
    log = Log(store)
    since = {days: place(store, moment=now() - timedelta(days=days)) for days in (0, 10, 500)}
    found = {days: titles(list(read_all(log.read, cursor))) for days, cursor in since.items()}
    assert found == {0: [], 10: [["b"]], 500: [["a"], ["b"]]}


def test_start_is_after_what_was_compacted(store: Store) -> None:
    add(store, "a")
    add(store, "b")
    console = Console(store.target)
    console.run("UPDATE changes SET compacted_at = made_at WHERE seq = (SELECT min(seq) FROM changes)")
    console.close()
    log = Log(store)
    assert titles(list(read_all(log.read, place(store, count=9)))) == [["b"]]
    with pytest.raises(CursorExpired):
        log.read(BEGINNING)


def test_start_needs_a_user(store: Store) -> None:
    with store.session() as session, pytest.raises(MissingUserContext):
        Sync(session, Owner("nobody")).before()
