"""How the API is served. It goes to the worker processes as JSON, in one variable of the environment."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass

VARIABLE = "TODO_SERVE"
"""The variable that worker processes take their settings from."""

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True)
class Settings:
    """`hosts` are the names that requests may be for, `origins` the foreign pages that may ask (CORS).

    `trust_header` names the header in which a gateway says whose todos are meant; None: bearer tokens say it.
    """

    profile: str | None = None
    hosts: tuple[str, ...] = LOOPBACK
    origins: tuple[str, ...] = ()
    trust_header: str | None = None
    connections: int = 5

    def text(self) -> str:
        """Return them as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_environment(cls) -> Settings:
        """Return what `todo serve` left for its workers."""
        values = json.loads(os.environ[VARIABLE])
        return cls(**values | {"hosts": tuple(values["hosts"]), "origins": tuple(values["origins"])})
