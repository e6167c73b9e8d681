"""What a token of the HTTP API allows."""

from __future__ import annotations

from typing import Literal

Scope = Literal["read", "write", "destroy"]
SCOPES: tuple[Scope, ...] = ("read", "write", "destroy")
"""Each scope includes those before it: who may delete for good may also change and read."""
