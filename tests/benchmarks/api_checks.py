"""What Schemathesis checks besides, when `tests.benchmarks.api_contract` runs it: nobody gets what is another's."""

from __future__ import annotations

import json
import os
from typing import Any

import schemathesis

_USERS = json.loads(os.environ["TODO_FUZZ_USERS"])


@schemathesis.check  # type: ignore[untyped-decorator]
def nobody_elses(_context: Any, response: Any, _case: Any) -> None:
    """Whatever is answered belongs to whoever asks."""
    token = response.request.headers.get("Authorization", "").removeprefix("Bearer ")
    others = {user for known, user in _USERS.items() if known != token}
    assert not any(user in response.text for user in others)
