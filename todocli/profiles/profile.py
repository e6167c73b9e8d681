"""A profile, and the rules for its names."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from todocli.errors import FieldError, ValidationError

LOCAL = "local"
"""The profile that is always there: the embedded database."""

USER_NAME_LENGTH = 64

_PROFILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Profile:
    """A user of a database: the one at `url`, the one that the variable `url_env` names, or the embedded one.

    `user_id` is the user's id there, once it is known. `url` may hold a password and is in no `repr`. `pooled` says
    to go through Neon's pooler where the URL names it; `timeout` is how many seconds a command waits for the database.
    """

    name: str
    user: str
    user_id: UUID | None = None
    url: str | None = field(default=None, repr=False)
    url_env: str | None = None
    pooled: bool = False
    timeout: float = 15.0

    @property
    def embedded(self) -> bool:
        """Whether its todos are in the embedded database."""
        return self.url is None and self.url_env is None

    def database_url(self) -> str | None:
        """Return the URL as it was written, or None for the embedded database.

        Raises `todocli.errors.ValidationError` if the variable that should hold it is not set.
        """
        if self.url_env is None:
            return self.url
        url = os.environ.get(self.url_env)
        if not url:
            raise ValidationError(
                f"The profile {self.name} takes its database URL from the variable {self.url_env}, which is not set.",
                hint=f"Set it: export {self.url_env}='postgresql://…'; or take another profile: --profile {LOCAL}",
                field_errors=(FieldError("url_env", f"The variable {self.url_env} is not set."),),
            )
        return url


@dataclass(frozen=True)
class Profiles:
    """Every profile by its name, `local` among them, and the name of the one in use.

    `written` has the names of those that stand in the file; `local` need not. `views` has the saved views: each is
    what is typed after `todo list`.
    """

    active: str
    profiles: Mapping[str, Profile]
    views: Mapping[str, str] = field(default_factory=dict)
    written: frozenset[str] = field(default=frozenset(), compare=False)


def check_user_name(name: str) -> str:
    """Return `name` if a user may be called so: 1 to 64 printable characters, no white space around them.

    Raises `todocli.errors.ValidationError`.
    """
    fault = user_name_fault(name)
    if fault:
        raise ValidationError(f"The user name {fault}.", field_errors=(FieldError("user", fault),))
    return name


def login_name() -> str:
    """Return the login name of whoever runs the program, made a valid user name; `user` where there is none."""
    import getpass

    try:
        login = getpass.getuser()
    except (OSError, KeyError, ImportError):
        login = ""
    printable = "".join(character for character in login if character.isprintable())
    return printable.strip()[:USER_NAME_LENGTH].strip() or "user"


def user_name_fault(name: str) -> str | None:
    if not name or name.isspace():
        return "must not be empty"
    if len(name) > USER_NAME_LENGTH:
        return f"has {len(name)} characters; at most {USER_NAME_LENGTH} are allowed"
    if not name.isprintable():
        return "must not contain control or invisible characters"
    if "://" in name:
        return "must not be a URL"
    if name != name.strip():
        return "must not begin or end with white space"
    return None


def profile_name_fault(name: str) -> str | None:
    """Return what is wrong with the name of a profile, or None."""
    if _PROFILE_NAME.fullmatch(name):
        return None
    return "must have 1 to 64 of A-Z, a-z, 0-9, dot, underscore and dash, and begin with a letter or digit"


def profile_fault(profile: Profile) -> FieldError | None:
    """Return what is wrong with the values of a profile, or None. No value is in it."""
    name_fault, user_fault = profile_name_fault(profile.name), user_name_fault(profile.user)
    if name_fault:
        return FieldError("name", name_fault)
    if user_fault:
        return FieldError("user", user_fault)
    if profile.url is not None and not profile.url.strip():
        return FieldError("url", "must not be empty")
    if profile.url_env is not None and not _VARIABLE_NAME.fullmatch(profile.url_env):
        return FieldError("url_env", "must be the name of an environment variable")
    if not 1 <= profile.timeout <= 3600:
        return FieldError("timeout", "must be from 1 to 3600 seconds")
    if profile.url is not None and profile.url_env is not None:
        return FieldError("url_env", "must not be there beside url")
    if profile.name == LOCAL and not profile.embedded:
        field = "url" if profile.url_env is None else "url_env"
        return FieldError(field, "must not be there: local is the embedded database; name the profile otherwise")
    return None
