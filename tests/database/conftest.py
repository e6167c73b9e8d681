"""The migrations themselves are what these tests are about."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def copied_schema() -> None:
    """Let every file be migrated."""
