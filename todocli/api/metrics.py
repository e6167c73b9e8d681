"""What one process has served, in the text format of Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate

from todocli.database.store import Store

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.01, 0.05, 0.25, 1.0, 5.0)
"""The upper bounds of the latency histogram, in seconds; a last bucket has no bound."""

_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")

Sample = tuple[str, dict[str, object], float]
"""The suffix of a name, the labels, and the value."""


class Metrics:
    """Counts requests and errors. `connections` is the size of the pool of `store`."""

    def __init__(self, store: Store, connections: int) -> None:
        self._store = store
        self._connections = connections
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._errors: Counter[str] = Counter()
        self._seconds: dict[tuple[str, str], float] = {}
        self._buckets: dict[tuple[str, str], list[int]] = {}

    def record(self, method: str, route: str, status: int, seconds: float, error_code: str | None) -> None:
        """Count a request. `route` is the template of its path, empty if there is none; `seconds` is its latency."""
        endpoint = method if method in _METHODS else "other", route  # a client may invent any method
        self._requests[*endpoint, status] += 1
        self._seconds[endpoint] = self._seconds.get(endpoint, 0) + seconds
        self._buckets.setdefault(endpoint, [0] * (len(BUCKETS) + 1))[bisect_left(BUCKETS, seconds)] += 1
        if error_code:
            self._errors[error_code] += 1

    def text(self) -> str:
        """Return the numbers in the text format of Prometheus."""
        requests: list[Sample] = [
            ("", {"method": method, "route": route, "status": status}, count)
            for (method, route, status), count in self._requests.items()
        ]
        errors: list[Sample] = [("", {"code": code}, count) for code, count in self._errors.items()]
        in_use = self._store.connections_in_use
        families = (
            _family("todo_http_requests_total", "counter", "Requests.", requests),
            _family("todo_http_request_duration_seconds", "histogram", "Their latency.", self._latencies()),
            _family("todo_errors_total", "counter", "Errors, by error code.", errors),
            _family("todo_database_connections", "gauge", "The size of the pool.", [("", {}, self._connections)]),
            _family("todo_database_connections_in_use", "gauge", "Those in use.", [("", {}, in_use)]),
        )
        return "".join(f"{line}\n" for family in families for line in family)

    def _latencies(self) -> Iterator[Sample]:
        for (method, route), counts in self._buckets.items():
            labels: dict[str, object] = {"method": method, "route": route}
            for bound, count in zip((*BUCKETS, "+Inf"), accumulate(counts), strict=True):
                yield "_bucket", labels | {"le": bound}, count
            yield "_sum", labels, self._seconds[method, route]
            yield "_count", labels, sum(counts)


def _family(name: str, kind: str, meaning: str, samples: Iterable[Sample]) -> Iterator[str]:
    """Yield the lines of a metric. No label has a character that must be escaped."""
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
    for suffix, labels, value in samples:
        named = ",".join(f'{label}="{of}"' for label, of in labels.items())
        yield f"{name}{suffix}{f'{{{named}}}' if named else ''} {value}"
