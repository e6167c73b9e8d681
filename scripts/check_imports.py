"""Checks the layers and the absence of import cycles (`[tool.importlinter]` in pyproject.toml)."""

from __future__ import annotations

import sys

from importlinter.cli import lint_imports

sys.exit(lint_imports(no_cache=True))
