"""What a command in the daemon leaves for the next one: whose todos they were, and where its connection can be opened.

Nothing secret is in it. It goes from child to child, and the parent does not read it.
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
    """Return what the next command can know. The profile is part of it only if its URL is in the file."""
    written = settings.profiles[profile.name].url
    found = profile.name if written is not None and written == profile.url else None
    user = owner.name, str(owner.id) if owner.id else None
    return json.dumps([*user, str(paths.config_file()), os.environ.get("HOME"), found]).encode()


def owner_of(hint: bytes) -> Owner:
    """Return whose todos they were."""
    name, number, *_ = json.loads(hint)
    return Owner(name, UUID(number) if number else None)


def connect(hint: bytes) -> None:
    """Open a connection to the profile that `hint` names, unless the file says something else by now."""
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
