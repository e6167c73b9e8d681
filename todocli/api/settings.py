"""How the API is served. Worker processes receive it as JSON, in one environment variable."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

VARIABLE = "TODO_SERVE"
"""The variable that worker processes read."""

REFUSED_TOKENS = 30
"""The default of `todo serve --max-refused`."""

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Settings:
    """`hosts` are the host names that requests may name, `origins` the other origins that may send them (CORS).

    `trust_header` is the header in which a gateway names the user; None: clients authenticate with bearer tokens.
    `connections` is how many to the database each process has at most.
    `refused_tokens` is how many tokens from one address may be refused each minute; 0: any number.
    `root_path` is the prefix of the path under which a proxy serves the API; the proxy strips it.
    `metrics` is whether `GET /metrics` is answered.
    """

    profile: str | None = None
    hosts: tuple[str, ...] = LOOPBACK
    origins: tuple[str, ...] = ()
    trust_header: str | None = None
    connections: int = 5
    refused_tokens: int = 0
    metrics: bool = False
    root_path: str = ""

    def text(self) -> str:
        """Return the settings as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_environment(cls) -> Settings:
        """Return what `todo serve` set for its workers."""
        values = json.loads(os.environ[VARIABLE])
        return cls(**values | {"hosts": tuple(values["hosts"]), "origins": tuple(values["origins"])})
