"""A limit for refused tokens, which spares the database the clients that keep sending them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock

from todocli.api.errors import TooManyRequests

WINDOW_SECONDS = 60
MAX_ADDRESSES = 10_000
"""How many addresses are remembered. The least recently refused one is forgotten first."""


class Throttle:
    """Counts refused tokens by address, and blocks an address with `allowed` of them until their minute is over.

    0 allows any number. Each process counts on its own. `clock` gives seconds.
    """

    def __init__(self, allowed: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._allowed = allowed
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}
        self._lock = Lock()

    def check(self, address: str) -> None:
        """Raise `TooManyRequests` if the address is blocked."""
        begun, count = self._windows.get(_client(address), (0.0, 0))
        left = begun + WINDOW_SECONDS - self._clock()
        if self._allowed and count >= self._allowed and left > 0:
            raise TooManyRequests(math.ceil(left))

    def count(self, address: str) -> None:
        """Count a refused token."""
        client, moment = _client(address), self._clock()
        with self._lock:
            begun, count = self._windows.pop(client, (moment, 0))
            if begun + WINDOW_SECONDS <= moment:
                begun, count = moment, 0
            self._windows[client] = begun, count + 1
            if len(self._windows) > MAX_ADDRESSES:
                del self._windows[next(iter(self._windows))]


def _client(address: str) -> str:
    """Return what stands for a client: its address; of IPv6 the first half, as a client has all of the second."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return known.exploded[:19] if isinstance(known, IPv6Address) and not known.ipv4_mapped else address
