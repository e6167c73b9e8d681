"""Which command installs an extra, or a newer version, into the place where this program runs."""

from __future__ import annotations

import sys
from pathlib import Path

DISTRIBUTION = "todo-neon"
"""The name on the package index; `todocli` there is another program."""


def install_extra(extra: str) -> tuple[str, ...]:
    """Return the command that adds an extra to this installation, made by pipx, uv or pip."""
    requirement = f"{DISTRIBUTION}[{extra}]"
    match _installer(Path(sys.prefix)):
        case "pipx":
            return ("pipx", "install", "--force", requirement)
        case "uv":
            return ("uv", "tool", "install", "--force", requirement)
        case _:
            return (sys.executable, "-m", "pip", "install", requirement)


def _installer(prefix: Path) -> str:
    """Return which tool made the environment at `prefix`: both of them leave a file of their own there."""
    if (prefix / "pipx_metadata.json").is_file():
        return "pipx"
    return "uv" if (prefix / "uv-receipt.toml").is_file() else "pip"
