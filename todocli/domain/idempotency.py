"""Idempotency keys: the same request under the same key takes effect once.

The id of a change is its key. Beside it stands a fingerprint of the request that made the change, as HTTP APIs do it
(https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/). When a key recurs, the fingerprints
decide: equal means a retry, which is answered with the todos of that change; different means that the key was reused
for something else, which is a conflict.

The fingerprint covers the request as it was given: `due:tomorrow` and not the day it means, so that a retry after
midnight is still the same request. Options that only shape the output are left out.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from uuid import UUID

FINGERPRINT_LENGTH = 16
"""Hexadecimal digits of the SHA-256 that are stored: 64 bits, to tell apart the few requests under one key."""


@dataclass(frozen=True)
class ChangeKey:
    """The id of a change, and the fingerprint of the request that makes it."""

    id: UUID
    request: str


def fingerprint(verb: str, **parts: object) -> str:
    """Return the fingerprint of a request: a verb and its arguments, as they were given.

    The order of `parts` does not matter. Parts that are None, False or empty lists do not count, so that an option
    that is added later leaves older fingerprints as they are.
    """
    given = {name: part for name, part in parts.items() if part is not None and part is not False and part != []}
    text = json.dumps([verb, given], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:FINGERPRINT_LENGTH]
