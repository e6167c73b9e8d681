"""Deadlines: when the user is notified, and when waiting ends."""

from __future__ import annotations

import time

from todocli.database.deadline import TELL_AFTER, Deadline, current_deadline, deadline_scope


def test_long_wait_is_notified_once() -> None:
    notified: list[str] = []
    limit = Deadline(60, lambda: notified.append("waiting"), _began=time.monotonic() - 30)
    limit.waited(time.monotonic())
    assert (notified, round(limit.spent())) == ([], 30), "the program's own time is not a wait"
    for _ in range(3):
        limit.waited(time.monotonic() - TELL_AFTER / 2)
    assert notified == ["waiting"]


def test_backoff_ends_at_deadline() -> None:
    limit = Deadline(0.05)
    begun = time.monotonic()
    for attempt in range(10):
        limit.backoff(attempt)
    assert limit.left() == limit.next_wait() == 0
    assert time.monotonic() - begun < 1


def test_scope_sets_current_deadline() -> None:
    with deadline_scope(Deadline(7)) as limit:
        assert current_deadline() is limit
    assert current_deadline() is not limit
