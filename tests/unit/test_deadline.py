"""How long an operation waits, and who hears of it."""

from __future__ import annotations

import time

from todocli.database.deadline import TELL_AFTER, Deadline, current_deadline, deadline_scope


def test_only_waiting_is_told_and_only_once() -> None:
    told: list[str] = []
    limit = Deadline(60, lambda: told.append("waiting"), _began=time.monotonic() - 30)
    limit.waited(time.monotonic())
    assert (told, round(limit.spent())) == ([], 30), "what the program itself took is no wait"
    for _ in range(3):
        limit.waited(time.monotonic() - TELL_AFTER / 2)
    assert told == ["waiting"]


def test_nobody_waits_longer_than_there_is_time() -> None:
    limit = Deadline(0.05)
    begun = time.monotonic()
    for attempt in range(10):
        limit.backoff(attempt)
    assert limit.left() == limit.next_wait() == 0
    assert time.monotonic() - begun < 1


def test_an_operation_keeps_its_patience() -> None:
    with deadline_scope(Deadline(7)) as limit:
        assert current_deadline() is limit
    assert current_deadline() is not limit
