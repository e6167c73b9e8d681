"""The deadline of an operation, by a clock that only sleeping moves."""

from __future__ import annotations

from tests.support.waiting import FakeClock
from todocli.database.deadline import NOTIFY_AFTER, Deadline, current_deadline, deadline_scope


def test_waits_add_up_and_notify_once() -> None:
    notified: list[str] = []
    clock = FakeClock()
    deadline = Deadline(60, lambda: notified.append("waiting"), clock)
    clock.now = 30
    deadline.waited(since=30)
    assert (notified, deadline.spent()) == ([], 30), "the program's own work is not a wait"
    for _ in range(3):
        clock.now += NOTIFY_AFTER / 2
        deadline.waited(since=clock.now - NOTIFY_AFTER / 2)
    assert notified == ["waiting"]


def test_backoff_never_passes_the_deadline() -> None:
    clock = FakeClock()
    deadline = Deadline(1, clock=clock)
    for attempt in range(10):
        deadline.backoff(attempt)
    assert (deadline.left(), deadline.next_wait()) == (0, 0)
    assert round(clock.now, 6) == 1


def test_backoff_grows_up_to_a_limit() -> None:
    clock = FakeClock()
    deadline = Deadline(1_000, clock=clock)
    pauses = []
    for attempt in range(12):
        before = clock.now
        deadline.backoff(attempt)
        pauses.append(clock.now - before)
    assert 0.05 <= pauses[0] <= 0.1
    assert all(1 <= pause <= 2 for pause in pauses[5:])


def test_scope_sets_the_current_deadline() -> None:
    with deadline_scope(Deadline(7)) as deadline:
        assert current_deadline() is deadline
    assert current_deadline() is not deadline
