"""The hint that a command in the daemon leaves for the next: its user, and the profile to connect to.

A hint holds no secret. One child writes it, the next reads it, and the parent does not.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from uuid import UUID

from todocli import paths, profiles
from todocli.errors import TodoError
from todocli.profiles import Profile, Profiles
from todocli.services.owner import Owner


def hint(settings: Profiles, profile: Profile, owner: Owner) -> bytes:
    """Return the hint of a command. It names the profile only if its URL is in the configuration file."""
    written = settings.profiles[profile.name].url
    found = profile.name if written is not None and written == profile.url else None
    user = owner.name, str(owner.id) if owner.id else None
    return json.dumps([*user, str(paths.config_file()), os.environ.get("HOME"), found]).encode()


def owner_of(hint: bytes) -> Owner:
    """Return the user in a hint."""
    name, number, *_ = json.loads(hint)
    return Owner(name, UUID(number) if number else None)


def connect(hint: bytes) -> None:
    """Open a connection to the profile in a hint, unless the configuration file says something else by now."""
    from todocli.database.postgres.ahead import open_ahead
    from todocli.database.postgres.url import PostgresURL
    from todocli.database.target import resolve_target

    *_, file, home, name = json.loads(hint)
    try:
        profile = profiles.load(Path(file)).profiles[name]
        target = resolve_target(profile) if profile.url else None
    except (TodoError, KeyError):
        return
    if isinstance(target, PostgresURL):
        open_ahead(target, home)
