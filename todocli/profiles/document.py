"""The TOML of the profile file: read into profiles, and edited without touching a person's comments."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from uuid import UUID

from todocli.errors import FieldError, TodoError, ValidationError
from todocli.profiles import storage
from todocli.profiles.profile import (
    LOCAL,
    Profile,
    Profiles,
    login_name,
    profile_fault,
    profile_name_fault,
)

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

Edit = Callable[["TOMLDocument", Profiles], Profiles]
"""Changes the document, which says the given profiles, and returns what it says then."""


def parsed(path: Path, text: str | None) -> Profiles:
    """Return the profiles that `text` defines; the active one may be missing among them.

    Raises `todocli.errors.ValidationError`, which names the place in the file but none of its values.
    """
    content = _loaded(path, text) if text else {}
    active = content.get("active", LOCAL)
    if not isinstance(active, str) or profile_name_fault(active):
        _refuse(path, "active", "must be the name of a profile, in quotes")
    tables = content.get("profiles", {})
    if not isinstance(tables, dict):
        _refuse(path, "profiles", "must be a table")
    views = content.get("views", {})
    return Profiles(
        active,
        with_local({name: _profile(path, name, values) for name, values in tables.items()}),
        {name: line for name, line in views.items() if isinstance(line, str)} if isinstance(views, dict) else {},
        frozenset(tables),
    )


def with_local(profiles: dict[str, Profile]) -> dict[str, Profile]:
    """Return `profiles`, and `local` with the login name if it is not among them."""
    return profiles if LOCAL in profiles else {LOCAL: Profile(LOCAL, login_name()), **profiles}


def _profile(path: Path, name: str, values: object) -> Profile:
    if profile_name_fault(name):
        _refuse(path, "profiles", f"has a name in it that is none: it {profile_name_fault(name)}")
    if not isinstance(values, dict):
        _refuse(path, f"profiles.{name}", "must be a table")

    def text(key: str) -> str | None:
        value = values.get(key)
        if not isinstance(value, str | None):
            _refuse(path, f"profiles.{name}.{key}", "must be text, in quotes")
        return value

    user, user_id, pooled = text("user"), _uuid(text("user_id")), values.get("pooled", False)
    timeout = values.get("timeout", Profile.timeout)
    if user is None and name != LOCAL:
        _refuse(path, f"profiles.{name}.user", "is missing")
    if user_id is None and "user_id" in values:
        _refuse(path, f"profiles.{name}.user_id", "must be a UUID")
    if not isinstance(pooled, bool):
        _refuse(path, f"profiles.{name}.pooled", "must be true or false")
    if isinstance(timeout, bool) or not isinstance(timeout, int | float):
        _refuse(path, f"profiles.{name}.timeout", "must be a number of seconds")
    user = login_name() if user is None else user
    profile = Profile(name, user, user_id, text("url"), text("url_env"), pooled, timeout)
    fault = profile_fault(profile)
    if fault:
        _refuse(path, f"profiles.{name}.{fault.field}", fault.message)
    return profile


def change(path: Path, edit: Edit) -> None:
    """Change the file: read it, let `edit` change the document, check that it says what it should, write it.

    Raises what `edit` raises, `todocli.errors.ValidationError` for a file that cannot be understood, and
    `todocli.errors.TodoError` if it cannot be written; the file is then as it was.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    with storage.locked(path):
        text = storage.read(path) or ""
        known = parsed(path, text)
        written = None
        with suppress(TOMLKitError):
            document = tomlkit.parse(text)
            expected = edit(document, known)
            written = tomlkit.dumps(document).rstrip("\n") + "\n"
        if written is None or (written.strip() != text.strip() and _said(path, written) != expected):
            raise TodoError(
                f"{path} was not written: its form is one that todo cannot edit safely. Nothing was changed.",
                hint="Edit it by hand; give each profile a table of its own, such as [profiles.work].",
            )
        if written.strip() != text.strip():
            storage.write(path, written)


def put(document: TOMLDocument, entry: Profile) -> None:
    """Write what `entry` says into its table, which is made if it is missing; the table's other keys stay."""
    import tomlkit
    from tomlkit.items import InlineTable, SingleKey, Table

    tables: Any = document.get("profiles")
    if tables is None:
        tables = document["profiles"] = tomlkit.table(is_super_table=True)
    table = tables.get(entry.name)
    if table is None:
        table = tomlkit.inline_table() if isinstance(tables, InlineTable) else tomlkit.table()
        table.update(_values(entry))
        if isinstance(table, Table):
            table.add(tomlkit.nl())
        tables[entry.name] = table
        return
    changed = {key: value for key, value in _values(entry).items() if table.get(key) != value}
    for key in changed.keys() & table.keys():
        table[key] = changed.pop(key)
    if isinstance(table, InlineTable):
        table.update(changed)
        return
    # Appended, they would stand below the comment that heads the next table.
    body = table.value.body
    last = max((i for i, (key, item) in enumerate(body) if key and not isinstance(item, Table)), default=-1)
    body[last + 1 : last + 1] = [(SingleKey(key), tomlkit.item(value)) for key, value in changed.items()]


def drop(document: TOMLDocument, name: str) -> None:
    """Take the table of a profile out."""
    tables: Any = document["profiles"]
    del tables[name]


def _values(entry: Profile) -> dict[str, Any]:
    values = {
        "user": entry.user,
        "user_id": str(entry.user_id) if entry.user_id else None,
        "url": entry.url,
        "url_env": entry.url_env,
        "pooled": entry.pooled or None,
        "timeout": entry.timeout if entry.timeout != Profile.timeout else None,
    }
    return {key: value for key, value in values.items() if value is not None}


def _said(path: Path, text: str) -> Profiles | None:
    try:
        return parsed(path, text)
    except ValidationError:
        return None


def _loaded(path: Path, text: str) -> dict[str, Any]:
    # In some versions the error holds the whole text: ours is raised outside, so that it is not chained to it.
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = str(error).rpartition("(at ")[2].rstrip(")")
    except RecursionError:
        place = "the brackets, which are nested too deeply"
    raise ValidationError(
        f"{path} is not valid TOML: look at {place}.",
        hint='Text stands in double quotes: user = "ada". Correct the file; todo does not write a file that it '
        "cannot read.",
    )


def _refuse(path: Path, key: str, fault: str) -> NoReturn:
    raise ValidationError(f"{path}: {key} {fault}.", hint="Correct the file.", field_errors=(FieldError(key, fault),))


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text)
    except (TypeError, ValueError):
        return None
