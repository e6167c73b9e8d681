"""Profiles, saved views and aliases: who the user is, which database they use, and what the environment says.

    active = "work"
    columns = ["number", "title", "due"]

    [profiles.work]
    user = "ada"
    url_env = "DATABASE_URL"    # or url = "postgresql://…"; neither means the embedded database

    [views]
    week = "due:week --sort due"

    [aliases]
    inbox = "list project:none"

A profile may also have `user_id` (a UUID), `pooled` (true or false) and `timeout` (seconds).

Every edit keeps the keys that this version does not know. It raises what `load` raises, and `todocli.errors.TodoError`
if the file cannot be written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from todocli import config_file, paths
from todocli.config_rules import LOCAL as LOCAL
from todocli.config_rules import (
    USER_NAME_LENGTH,
    alias_fault,
    base_url_fault,
    line_fault,
    name_fault,
    profile_fault,
    user_fault,
)
from todocli.errors import Conflict, NotFound, ValidationError

_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Profile:
    """A user of a database: the one at `url`, the one that the variable `url_env` names, or the embedded one.

    `user_id` is the user's id there, once it is known. `url` may hold a password and is in no `repr`. `pooled` means
    to use Neon's pooler where the URL names it; `timeout` is how many seconds a command waits for the database.
    `copied_to` names the profile that its todos were copied to, where the user goes on.
    """

    name: str
    user: str
    user_id: UUID | None = None
    url: str | None = field(default=None, repr=False)
    url_env: str | None = None
    pooled: bool = False
    timeout: float = 15.0
    copied_to: str | None = None

    @property
    def embedded(self) -> bool:
        """Whether its todos are in the embedded database."""
        return self.url is None and self.url_env is None

    def database_url(self) -> str | None:
        """Return the URL as the user wrote it, or None for the embedded database.

        Raises `todocli.errors.ValidationError` if the variable `url_env` is not set.
        """
        if self.url_env is None:
            return self.url
        url = os.environ.get(self.url_env)
        if not url:
            raise ValidationError.of(
                "url_env",
                f"The profile {self.name} takes its database URL from the variable {self.url_env}, which is not set.",
                hint=f"Set {self.url_env}, or use another profile.",
            )
        return url


@dataclass(frozen=True)
class Profiles:
    """Every profile by its name, `local` among them, and the name of the active one.

    `views` has the saved views: each is what the user types after `todo list`. `written` has the names of the profiles
    in the file; `local` need not be there. `daemon` says whether commands may run in a daemon, and `columns` which
    columns lists have, unless None. `aliases` has the words that stand for what the user types after `todo`.
    `context` has the words of a filter that lists at a terminal have, too. `public_url` is the address of `todo serve`.
    """

    active: str
    profiles: Mapping[str, Profile]
    views: Mapping[str, str]
    written: frozenset[str]
    daemon: bool = True
    columns: tuple[str, ...] | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    context: str = ""
    public_url: str = ""


_KEYS = ("active", "columns", "context", "daemon", "profiles", "public_url", "views", "aliases")
_PROFILE_KEYS = tuple(field.name for field in fields(Profile) if field.name != "name")


def load(path: Path | None = None, *, warn: Callable[[str], object] | None = None) -> Profiles:
    """Return what the file says, the user's own unless `path` is another; without a file, only `local`.

    `warn` is called with a sentence about each key that means nothing. No value is in it.

    Raises `todocli.errors.ValidationError` for a file that is not valid, and `todocli.errors.AccessDenied` for one
    that others may write.
    """
    values = config_file.read(path or paths.config_file())
    if warn:
        for text in _oddities(values):
            warn(f"{paths.config_file().name}: {text}")
    known = _understand(values)
    if known.active not in known.profiles:
        raise ValidationError.of(
            "active",
            f'{paths.config_file()}: active = "{known.active}" names no profile in the file.',
            hint=f"Known profiles: {', '.join(sorted(known.profiles))}. Choose one",
            command=("todo", "profile", "use", "NAME"),
        )
    return known


def resolve(name: str | None = None, known: Profiles | None = None) -> Profile:
    """Return the profile `name`; else the one that `TODO_PROFILE` names; else the active one.

    `known` is what `load` returns, if that was called already. `TODO_DATABASE_URL` takes the place of the profile's
    database. Raises `todocli.errors.NotFound`, and what `load` raises.
    """
    known = known or load()
    variable = os.environ.get("TODO_PROFILE") if name is None else None
    wanted = variable or known.active if name is None else name
    profile = _find("profile", wanted, known.profiles, origin=" TODO_PROFILE names it." if variable else "")
    url = os.environ.get("TODO_DATABASE_URL")
    return replace(profile, url=url, url_env=None, user_id=None) if url else profile


def check_new(name: str, known: Profiles | None = None) -> None:
    """Raise unless a profile `name` can be added: `ValidationError` for its form, `Conflict` if the file has it."""
    _check_name("profile", name)
    if name in (known or load()).written:
        raise Conflict(
            f'There is already a profile "{name}".',
            hint="Choose another name, or remove that profile first",
            command=("todo", "profile", "rm", name),
        )


def check_removable(name: str, known: Profiles | None = None) -> Profile:
    """Return the profile `name` if the file has it. Raises `NotFound`, or `ValidationError` for `local`."""
    known = known or load()
    profile = _find("profile", name, known.profiles)
    if name not in known.written:
        raise ValidationError.of("name", f'The profile "{LOCAL}" always exists and cannot be removed.')
    return profile


def check_profile(profile: Profile) -> None:
    """Raise `todocli.errors.ValidationError` for a value that a profile may not have."""
    if fault := profile_fault(profile.name, _values(profile)):
        raise ValidationError.of(fault.field, f"The profile's {fault.field} {fault.message}.")


def check_user_name(name: str) -> str:
    """Return `name` if it is a user name: 1 to 64 printable characters, no white space around them.

    Raises `todocli.errors.ValidationError`.
    """
    if fault := user_fault(name):
        raise ValidationError.of("user", f"The user name {fault}.")
    return name


def login_name() -> str:
    """Return the login name of the current user, made a valid user name; `user` if there is none."""
    import getpass

    login = ""
    with suppress(OSError, KeyError, ImportError):
        login = getpass.getuser()
    printable = "".join(character for character in login if character.isprintable())
    name = printable.strip()[:USER_NAME_LENGTH].strip()
    return "user" if user_fault(name) else name


def add(profile: Profile) -> None:
    """Write a new profile into the file. Raises what `check_new` and `check_profile` raise."""
    check_profile(profile)
    with _edit() as (document, known):
        check_new(profile.name, known)
        document.setdefault("profiles", {})[profile.name] = _values(profile)


def remove(name: str) -> None:
    """Remove a profile from the file; `local` replaces it as the active one. Raises what `check_removable` raises."""
    with _edit() as (document, known):
        check_removable(name, known)
        del document["profiles"][name]
        if known.active == name:
            document["active"] = LOCAL


def use(name: str) -> None:
    """Make `name` the active profile. Raises `todocli.errors.NotFound`."""
    with _edit() as (document, known):
        _find("profile", name, known.profiles)
        if known.active != name:
            document["active"] = name


def set_user_id(profile: Profile, user_id: UUID) -> bool:
    """Keep the id that the database gave to the user of `profile`.

    Returns False and writes nothing if the file has another user or database in `profile`, so that the id in another
    database (`TODO_DATABASE_URL`) is never kept.
    """
    return _set(profile, "user_id", str(user_id))


def rename_user(profile: Profile, user: str) -> bool:
    """Write the new name of the user of `profile`; the id stays. Raises what `check_user_name` raises.

    Returns False and writes nothing if the file has another user or database in `profile`.
    """
    return _set(profile, "user", check_user_name(user))


def mark_copied(source: Profile, target: Profile) -> None:
    """Keep that the user goes on in `target`: commands in `source` say so, and those in `target` no longer do."""
    with _edit() as (document, known):
        tables = document.setdefault("profiles", {})
        if source.name in known.profiles:
            table = tables.setdefault(source.name, {})
            table.setdefault("user", source.user)
            table["copied_to"] = target.name
        tables.get(target.name, {}).pop("copied_to", None)


def named(name: str, known: Profiles) -> Profile:
    """Return the profile `name`, whatever the environment says. Raises `todocli.errors.NotFound`."""
    return _find("profile", name, known.profiles)


def save_view(name: str, line: str) -> str | None:
    """Keep under `name` what the user types after `todo list`; return what the view was before, or None.

    Raises `todocli.errors.ValidationError` for the name.
    """
    _check_name("view", name)
    with _edit() as (document, known):
        views = document.setdefault("views", {})
        if not isinstance(views, dict):
            raise _invalid("views", "must be a table")
        views[name] = line
    return known.views.get(name)


def set_context(words: str) -> None:
    """Keep the words of a filter for lists at a terminal; empty ones end it."""
    with _edit() as (document, _):
        if words:
            document["context"] = words
        else:
            document.pop("context", None)


def remove_view(name: str) -> None:
    """Remove a view. Raises `todocli.errors.NotFound`."""
    with _edit() as (document, known):
        view(name, known)
        del document["views"][name]


def view(name: str, known: Profiles) -> str:
    """Return the view `name`: what the user types after `todo list`. Raises `todocli.errors.NotFound`."""
    if not known.views:
        raise NotFound("There are no views yet.", hint="Save one", command=("todo", "view", "save", "NAME", "+home"))
    return _find("view", name, known.views)


def _edit() -> AbstractContextManager[tuple[dict[str, Any], Profiles]]:
    return config_file.edit(paths.config_file(), _understand)


def _set(old: Profile, key: str, value: str) -> bool:
    with _edit() as (document, known):
        now = known.profiles.get(old.name)
        if now is None or (now.user, now.url, now.url_env) != (old.user, old.url, old.url_env):
            return False
        table = document.setdefault("profiles", {}).setdefault(old.name, {})
        table.setdefault("user", old.user)  # the id is that of this user; `local` need not name one
        table[key] = value
    return True


def _understand(values: dict[str, Any]) -> Profiles:
    active, tables = values.get("active", LOCAL), values.get("profiles", {})
    if not isinstance(active, str) or name_fault(active):
        raise _invalid("active", "must be the name of a profile, in quotes")
    if not isinstance(tables, dict):
        raise _invalid("profiles", "must be a table")
    profiles = {name: _profile(name, table) for name, table in tables.items()}
    profiles.setdefault(LOCAL, Profile(LOCAL, login_name()))
    if values.get("daemon", "auto") not in ("auto", "off"):
        raise _invalid("daemon", 'must be "auto" or "off"')
    columns = values.get("columns")
    if columns is not None and not (isinstance(columns, list) and all(isinstance(name, str) for name in columns)):
        raise _invalid("columns", "must be a list of names, each in quotes")
    if not isinstance(context := values.get("context", ""), str):
        raise _invalid("context", "must be text, in quotes")
    public_url = values.get("public_url", "")
    if public_url and (fault := base_url_fault(public_url)):
        raise _invalid("public_url", fault)
    return Profiles(
        active,
        profiles,
        {name: line for name, line in config_file.table(values, "views").items() if isinstance(line, str)},
        frozenset(tables),
        daemon=values.get("daemon") != "off",
        context=context,
        public_url=public_url.rstrip("/"),
        columns=None if columns is None else tuple(columns),
        aliases={
            name: line for name, line in config_file.table(values, "aliases").items() if not alias_fault(name, line)
        },
    )


def _oddities(values: dict[str, Any]) -> Iterator[str]:
    yield from config_file.unknown(values, _KEYS)
    for name, table in config_file.table(values, "profiles").items():
        if isinstance(table, dict):
            yield from config_file.unknown(table, _PROFILE_KEYS, f"profiles.{name}.")
    for kind, fault_of in (("views", line_fault), ("aliases", alias_fault)):
        if not isinstance(values.get(kind, {}), dict):
            yield f'"{kind}" is ignored: it must be a table'
        for name, line in config_file.table(values, kind).items():
            if fault := fault_of(name, line):
                yield f'"{kind}.{name}" is ignored: {fault}'


def _profile(name: str, table: object) -> Profile:
    if fault := name_fault(name):
        raise _invalid("profiles", f"contains an invalid name: a name {fault}")
    if not isinstance(table, dict):
        raise _invalid(f"profiles.{name}", "must be a table")
    values = {"user": login_name(), **table} if name == LOCAL else table
    if found := profile_fault(name, values):
        raise _invalid(f"profiles.{name}.{found.field}", found.message)
    known = {key: values[key] for key in ("url", "url_env", "pooled", "timeout", "copied_to") if key in values}
    user_id = UUID(values["user_id"]) if "user_id" in values else None
    return Profile(name, values["user"], user_id, **known)


def _values(profile: Profile) -> dict[str, Any]:
    """Return what the file says of `profile`: no key has its default."""
    values = {key: value for key, value in vars(profile).items() if value != getattr(Profile, key, None)}
    del values["name"]
    return values | ({"user_id": str(profile.user_id)} if profile.user_id else {})


def _find(kind: str, name: str, known: Mapping[str, _Value], origin: str = "") -> _Value:
    if name in known:
        return known[name]
    # What is not a name may be a URL in the wrong place, with its password.
    which = "of that name" if name_fault(name) else f'"{name}"'
    raise NotFound(f"There is no {kind} {which}.{origin}", hint=f"Known {kind}s: {', '.join(sorted(known))}.")


def _check_name(kind: str, name: str) -> None:
    if fault := name_fault(name):
        raise ValidationError.of("name", f"The name of a {kind} {fault}.")


def _invalid(key: str, fault: str) -> ValidationError:
    return ValidationError.of(key, f"{paths.config_file()}: {key} {fault}.", hint="Correct the file.")
