"""The profile file: who the user is, and on which database. Also what the environment says about either.

    active = "work"

    [profiles.work]
    user = "ada"
    url_env = "DATABASE_URL"    # or url = "postgresql://…"; neither means the embedded database

`user_id` (a UUID), `pooled` (true or false) and `timeout` (seconds) may stand there too.
Keys that this version does not know are kept. `[views]` has the saved views: `week = "due:week --sort due"`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from todocli import paths
from todocli.errors import Conflict, FieldError, NotFound, ValidationError
from todocli.profiles import document, storage
from todocli.profiles.profile import (
    LOCAL,
    Profile,
    Profiles,
    check_user_name,
    login_name,
    profile_fault,
    profile_name_fault,
)

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

__all__ = [
    "LOCAL",
    "Profile",
    "Profiles",
    "add",
    "check_new",
    "check_profile",
    "check_removable",
    "check_user_name",
    "load",
    "login_name",
    "remove",
    "remove_view",
    "rename_user",
    "resolve",
    "save_view",
    "set_user_id",
    "use",
    "view",
]


def load() -> Profiles:
    """Return what the file says; without a file, only `local`.

    Raises `todocli.errors.ValidationError` for a file that cannot be understood, and `todocli.errors.AccessDenied`
    for one that others may change.
    """
    path = paths.config_file()
    known = document.parsed(path, storage.read(path))
    if known.active not in known.profiles:
        raise ValidationError(
            f'{path}: active = "{known.active}" is not the name of a profile there.',
            hint=f"Choose one: todo profile use NAME, where NAME is {_listed(known)}",
            field_errors=(FieldError("active", "There is no such profile."),),
        )
    return known


def resolve(name: str | None = None) -> Profile:
    """Return the profile `name`; else the one that `TODO_PROFILE` names; else the active one.

    `TODO_DATABASE_URL` takes the place of its database. Raises `todocli.errors.NotFound`, and whatever `load` raises.
    """
    known = load()
    variable = os.environ.get("TODO_PROFILE") or None
    wanted = name if name is not None else variable or known.active
    profile = known.profiles.get(wanted)
    if profile is None:
        raise _unknown(wanted, known, said_by=" TODO_PROFILE names it." if name is None else "")
    url = os.environ.get("TODO_DATABASE_URL")
    return replace(profile, url=url, url_env=None, user_id=None) if url else profile


def check_new(name: str) -> None:
    """Raise unless a profile `name` can be added: `ValidationError` for its form, `Conflict` if it is there."""
    _check_profile_name(name)
    if name in load().written:
        raise _taken(name)


def check_removable(name: str) -> Profile:
    """Return the profile `name` if it can be removed. Raises `NotFound`, or `ValidationError` for `local`."""
    known = load()
    if name not in known.profiles:
        raise _unknown(name, known)
    if name not in known.written:
        raise _not_removable()
    return known.profiles[name]


def check_profile(profile: Profile) -> None:
    """Raise `todocli.errors.ValidationError` for a value that may not be in a profile."""
    fault = profile_fault(profile)
    if fault:
        raise ValidationError(f"The profile's {fault.field} {fault.message}.", field_errors=(fault,))


def add(profile: Profile, *, make_active: bool = False) -> None:
    """Write a new profile into the file.

    Raises `todocli.errors.Conflict` if the name is taken, `todocli.errors.ValidationError` for a value that may not
    be there, and `todocli.errors.TodoError` if the file cannot be written.
    """
    check_profile(profile)

    def edit(file: TOMLDocument, known: Profiles) -> Profiles:
        if profile.name in known.written:
            raise _taken(profile.name)
        document.put(file, profile)
        if make_active:
            file["active"] = profile.name
        active = profile.name if make_active else known.active
        return replace(known, active=active, profiles={**known.profiles, profile.name: profile})

    document.change(paths.config_file(), edit)


def remove(name: str) -> None:
    """Take a profile out of the file; `local` is then the active one if this one was.

    Raises `todocli.errors.NotFound`; `ValidationError` for `local` where the file does not define it; `TodoError` if
    the file cannot be written.
    """

    def edit(file: TOMLDocument, known: Profiles) -> Profiles:
        if name not in known.profiles:
            raise _unknown(name, known)
        if name not in known.written:
            raise _not_removable()
        document.drop(file, name)
        rest = {key: value for key, value in known.profiles.items() if key != name}
        if known.active == name != LOCAL:
            file["active"] = LOCAL
        active = LOCAL if known.active == name else known.active
        return replace(known, active=active, profiles=document.with_local(rest))

    document.change(paths.config_file(), edit)


def use(name: str) -> None:
    """Make `name` the active profile.

    Raises `todocli.errors.NotFound`, and `todocli.errors.TodoError` if the file cannot be written.
    """

    def edit(file: TOMLDocument, known: Profiles) -> Profiles:
        if name not in known.profiles:
            raise _unknown(name, known)
        if known.active != name:
            file["active"] = name
        return replace(known, active=name)

    document.change(paths.config_file(), edit)


def set_user_id(profile: Profile, user_id: UUID) -> bool:
    """Keep the id that the database gave to the user of `profile`.

    Returns False and writes nothing if the file no longer says the same user and database as `profile` does; so the
    id of another database (`TODO_DATABASE_URL`) is never kept. Raises `TodoError` if the file cannot be written.
    """
    return _replace(profile, user_id=user_id)


def rename_user(profile: Profile, user: str) -> bool:
    """Write the new name of the user of `profile`; the id stays.

    Returns False and writes nothing if the file no longer says the same user and database as `profile` does.
    Raises `todocli.errors.ValidationError` for the name, and `TodoError` if the file cannot be written.
    """
    return _replace(profile, user=check_user_name(user))


def save_view(name: str, line: str) -> str | None:
    """Keep under `name` what is typed after `todo list`; return what was kept there before, if anything was.

    Raises `todocli.errors.ValidationError` for the name, and `todocli.errors.TodoError` if the file cannot be written.
    """
    if fault := profile_name_fault(name):
        raise ValidationError(f"The name of a view {fault}.", field_errors=(FieldError("name", fault),))
    before: list[str | None] = []

    def edit(file: TOMLDocument, known: Profiles) -> Profiles:
        before.append(known.views.get(name))
        if not isinstance(file.get("views", {}), dict):
            fault = FieldError("views", "must be a table")
            raise ValidationError(f"{paths.config_file()}: views must be a table.", field_errors=(fault,))
        file.setdefault("views", {})[name] = line
        return replace(known, views={**known.views, name: line})

    document.change(paths.config_file(), edit)
    return before[0]


def remove_view(name: str) -> None:
    """Forget a view. Raises `todocli.errors.NotFound`, and `TodoError` if the file cannot be written."""

    def edit(file: TOMLDocument, known: Profiles) -> Profiles:
        view(name, known)
        views: Any = file["views"]
        del views[name]
        return replace(known, views={key: line for key, line in known.views.items() if key != name})

    document.change(paths.config_file(), edit)


def view(name: str, known: Profiles) -> str:
    """Return what is kept under `name`. Raises `todocli.errors.NotFound`."""
    if name not in known.views:
        which = "of that name" if profile_name_fault(name) else f'"{name}"'
        there = (
            f"The views are {', '.join(sorted(known.views))}." if known.views else "Save one: todo view save NAME +home"
        )
        raise NotFound(f"There is no view {which}.", hint=there)
    return known.views[name]


def _replace(old: Profile, **values: Any) -> bool:
    def edit(file: TOMLDocument, known: Profiles) -> Profiles:
        present = known.profiles.get(old.name)
        if present is None or (present.user, present.url, present.url_env) != (old.user, old.url, old.url_env):
            raise _ChangedMeanwhile
        changed = replace(present, **values)
        document.put(file, changed)
        return replace(known, profiles={**known.profiles, old.name: changed})

    try:
        document.change(paths.config_file(), edit)
    except _ChangedMeanwhile:
        return False
    return True


class _ChangedMeanwhile(Exception):
    """The file says something else about a profile by now."""


def _check_profile_name(name: str) -> None:
    fault = profile_name_fault(name)
    if fault:
        raise ValidationError(f"The name of a profile {fault}.", field_errors=(FieldError("name", fault),))


def _taken(name: str) -> Conflict:
    return Conflict(
        f'There is a profile "{name}" already.', hint=f"Take another name, or remove it first: todo profile rm {name}"
    )


def _unknown(name: str, known: Profiles, said_by: str = "") -> NotFound:
    # What is no name at all may be a URL in the wrong place, with its password.
    which = "of that name" if profile_name_fault(name) else f'"{name}"'
    return NotFound(f"There is no profile {which}.{said_by}", hint=f"The profiles are {_listed(known)}.")


def _not_removable() -> ValidationError:
    fault = "is always there and cannot be removed"
    return ValidationError(f'The profile "{LOCAL}" {fault}.', field_errors=(FieldError("name", fault),))


def _listed(known: Profiles) -> str:
    return ", ".join(sorted(known.profiles))
