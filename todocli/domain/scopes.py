"""What a token of the HTTP API allows."""

from __future__ import annotations

from typing import Literal

Scope = Literal["read", "write", "destroy"]
SCOPES: tuple[Scope, ...] = ("read", "write", "destroy")
"""Each scope includes those before it: who may delete for good may also change and read."""

TokenScope = Literal["read", "write", "destroy", "feed"]
FEED: Literal["feed"] = "feed"
"""What a token for the calendar feed has instead: it opens the feed, and nothing else."""
