"""Where configuration, data and cache are. Nothing here creates anything.

`TODO_HOME` moves all three below one folder; without it they are where the platform keeps such things.
"""

from __future__ import annotations

import os
from pathlib import Path

APP = "todo"


def config_file() -> Path:
    """Return the path of the profile file."""
    return _folder("config") / "config.toml"


def database_file() -> Path:
    """Return the path of the embedded database."""
    return _folder("data") / "todo.db"


def drafts_folder() -> Path:
    """Return the folder that keeps texts being edited until they are stored."""
    return _folder("data") / "drafts"


def cache_folder() -> Path:
    """Return the folder of what can be lost."""
    return _folder("cache")


def _folder(kind: str) -> Path:
    home = os.environ.get("TODO_HOME")
    if home:
        return Path(home).expanduser().absolute()
    if os.name == "posix" and not Path(os.environ.get("HOME", "")).is_absolute():
        given = f"HOME is {os.environ['HOME']!r}, not an absolute path" if "HOME" in os.environ else "HOME is not set"
        from todocli.errors import TodoError

        # The libraries would look elsewhere for a home: in another folder, or that of another user.
        raise TodoError(
            f"{given}, so there is no place for your todos.",
            hint="Set HOME, or TODO_HOME to a folder for everything.",
        )
    import platformdirs

    dirs = platformdirs.PlatformDirs(APP, appauthor=False)
    return {"config": dirs.user_config_path, "data": dirs.user_data_path, "cache": dirs.user_cache_path}[kind]
