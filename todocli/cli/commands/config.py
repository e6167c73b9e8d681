"""The command config: every setting, its value, and where that comes from."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import typer

from todocli.cli.command import Itemised
from todocli.cli.context import Context
from todocli.errors import TodoError

if TYPE_CHECKING:
    from todocli.schemas.configuration import SettingRead

Value = str | bool | float | None


class Place(NamedTuple):
    """A place that a setting may come from.

    `means` returns the setting for what is found there: an option, a variable that is not empty, or a key of the file.
    None: it says nothing about the setting. An empty text: the setting is not valid, or not known.
    """

    source: Literal["flag", "variable", "file", "default"]
    key: str
    means: Callable[[Any], Value] = lambda found: found


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("config", cls=Itemised, rich_help_panel="You")(config)


def config(context: Context) -> None:
    """Show every setting, and where it comes from.

    todo config
    todo config --json

    A setting comes from an option, a variable, config.toml or its default. No database is opened, and no password is
    shown. todo help config explains the settings.
    """
    from todocli.schemas.configuration import SettingList

    find = _finder(context)
    items = [_read(name, places, find) for name, places in settings(context).items()]
    rows = [(item.name, _text(item.value) or "–", _place(item)) for item in items]
    plain = [(item.name, _text(item.value), item.source, *([item.key] if item.key else [])) for item in items]
    context.output.rows(SettingList.of(items), ("Setting", "Value", "From"), rows, plain=plain)
    _, fault = _location(context)
    if fault:
        context.output.note(fault)


def settings(context: Context) -> dict[str, tuple[Place, ...]]:
    """Return every setting with the places that it may come from: the first that says something is taken.

    Without any, there is no value.
    """
    from todocli import paths
    from todocli.daemon import protocol
    from todocli.profiles import LOCAL, Profile, login_name

    profile, written = context.profile, context.settings
    own = f"profiles.{profile.name}"
    location, _ = _location(context)
    config_file, data_folder = str(paths.config_file()), str(paths.database_file().parent)
    cache_folder, runtime_folder = str(paths.cache_folder()), protocol.folder()
    return {
        "config_file": _folder(config_file, "TODO_HOME", "XDG_CONFIG_HOME"),
        "data_folder": _folder(data_folder, "TODO_HOME", "XDG_DATA_HOME"),
        "cache_folder": _folder(cache_folder, "TODO_HOME", "XDG_CACHE_HOME"),
        "runtime_folder": _folder(runtime_folder, "XDG_RUNTIME_DIR"),
        "profile": (
            Place("flag", "profile"),
            Place("variable", "TODO_PROFILE"),
            Place("file", "active"),
            _default(LOCAL),
        ),
        "user": (Place("file", f"{own}.user"), _default(login_name())),
        "database": (
            Place("variable", "TODO_DATABASE_URL", lambda _: location),
            Place("file", f"{own}.url", lambda _: location),
            Place("variable", profile.url_env or "", lambda _: location),
            Place("file", f"{own}.url_env", lambda _: location),
            _default(location),
        ),
        "pooled": (Place("file", f"{own}.pooled"), _default(Profile.pooled)),
        "timeout": (Place("file", f"{own}.timeout"), _default(Profile.timeout)),
        **{name: (Place("variable", name),) for name in ("PGSSLMODE", "PGSSLROOTCERT")},  # a URL may say otherwise
        "daemon": (
            Place("variable", "TODO_DAEMON", {"off": "off"}.get),
            Place("variable", "CI", lambda _: "off"),
            Place("file", "daemon", {"off": "off"}.get),
            Place("variable", "TODO_DAEMON", {"on": "on"}.get),
            Place("file", "daemon"),
            _default("auto"),
        ),
        "columns": (Place("file", "columns", ",".join),),
        "context": (Place("file", "context"),),
        "public_url": (Place("file", "public_url"),),
        "actor": (Place("variable", "TODO_ACTOR"),),
        "color": (
            Place("flag", "color"),
            Place("variable", "NO_COLOR", lambda _: "never"),
            Place("variable", "FORCE_COLOR", lambda _: "always"),
            Place("variable", "CLICOLOR_FORCE", lambda text: None if text == "0" else "always"),
            Place("variable", "CLICOLOR", {"0": "never"}.get),
            Place("variable", "TERM", {"dumb": "never"}.get),
            _default("auto"),
        ),
        "editor": (Place("variable", "VISUAL"), Place("variable", "EDITOR")),
        **{name: (Place("file", name),) for name in (f"views.{view}" for view in sorted(written.views))},
        **{name: (Place("file", name),) for name in (f"aliases.{alias}" for alias in sorted(written.aliases))},
    }


def _folder(path: str, *variables: str) -> tuple[Place, ...]:
    """Return the places of a path: a variable counts if the path is below the folder that it names."""
    from pathlib import Path

    def is_below(folder: str) -> str | None:
        return path if Path(path).is_relative_to(Path(folder).expanduser().absolute()) else None

    return (*(Place("variable", name, is_below) for name in variables), _default(path))


def _default(value: Value) -> Place:
    return Place("default", "", lambda _: value)


def _location(context: Context) -> tuple[str, str | None]:
    """Return where the database is, without its password; or an empty text, and what is wrong with its URL."""
    from todocli.database.redact import redact
    from todocli.database.target import display

    try:
        return display(context.target), None
    except TodoError as error:
        return "", redact(error.detail)


def _finder(context: Context) -> Callable[[Place], Any]:
    """Return a function that returns what is found at a place, or None."""
    from todocli import config_file, paths

    shared, file = context.shared, dict(_flat(config_file.read(paths.config_file())))
    found_in: dict[str, Callable[[str], Any]] = {
        "flag": lambda key: getattr(shared, key) if key in shared.given else None,
        "variable": lambda key: os.environ.get(key) or None,
        "file": file.get,
        "default": lambda key: key,
    }
    return lambda place: found_in[place.source](place.key)


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _read(name: str, places: tuple[Place, ...], find: Callable[[Place], Any]) -> SettingRead:
    from todocli.database.redact import redact
    from todocli.schemas.configuration import SettingRead

    for place in places:
        found = find(place)
        value = None if found is None else place.means(found)
        if value is not None:
            key = f"--{place.key}" if place.source == "flag" else place.key
            safe = redact(value) or None if isinstance(value, str) else value
            return SettingRead(name=name, value=safe, source=place.source, key=key or None)
    return SettingRead(name=name, value=None, source="default", key=None)


def _text(value: Value) -> str:
    """Return a value as config.toml has it, but without quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else f"{value:g}" if isinstance(value, float) else value


def _place(item: SettingRead) -> str:
    return {"file": "config.toml", "default": "default"}.get(item.source, str(item.key))
