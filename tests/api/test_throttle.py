"""The limit for refused tokens."""

from __future__ import annotations

import pytest

from todocli.api import throttle
from todocli.api.errors import TooManyRequests
from todocli.api.throttle import Throttle


def blocked_for(found: Throttle, address: str) -> int:
    try:
        found.check(address)
    except TooManyRequests as error:
        return error.seconds
    return 0


def test_address_is_blocked_for_the_rest_of_the_minute() -> None:
    moment = 1000.0
    found = Throttle(2, lambda: moment)
    found.count("192.0.2.1")
    assert blocked_for(found, "192.0.2.1") == 0
    moment += 59.5
    found.count("192.0.2.1")
    assert blocked_for(found, "192.0.2.1") == 1
    assert blocked_for(found, "192.0.2.2") == 0
    moment += 0.5
    assert blocked_for(found, "192.0.2.1") == 0
    found.count("192.0.2.1")
    assert blocked_for(found, "192.0.2.1") == 0
    found.count("192.0.2.1")
    assert blocked_for(found, "192.0.2.1") == 60


@pytest.mark.parametrize(
    ("other", "is_blocked"),
    [("2001:db8:0:1:ffff::9", True), ("2001:db8:0:2::1", False), ("::ffff:192.0.2.1", False), ("testclient", False)],
)
def test_ipv6_network_counts_as_one_client(other: str, is_blocked: bool) -> None:
    found = Throttle(1)
    found.count("2001:db8:0:1::1")
    assert bool(blocked_for(found, other)) is is_blocked


def test_zero_allows_any_number() -> None:
    found = Throttle(0)
    found.count("192.0.2.1")
    assert blocked_for(found, "192.0.2.1") == 0


def test_number_of_addresses_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MAX_ADDRESSES", 3)
    found = Throttle(1)
    for i in range(5):
        found.count(f"192.0.2.{i}")
    assert [bool(blocked_for(found, f"192.0.2.{i}")) for i in range(5)] == [False, False, True, True, True]
