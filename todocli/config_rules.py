"""Checks what the configuration file may hold. No message quotes a value, which may be a password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from todocli.errors import FieldError

LOCAL = "local"
"""The profile that always exists: the embedded database."""

USER_NAME_LENGTH = 64

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_BASE_URL = re.compile(r"https?://(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/[\w.~-]+)*/?", re.ASCII)
_TEXTS = {
    "user_id": (re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), "a UUID"),
    "url": (re.compile(r"\s*\S.*", re.DOTALL), "text that is not empty"),
    "url_env": (re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), "the name of an environment variable"),
    "copied_to": (_NAME, "the name of a profile"),
}


def profile_fault(name: str, values: Mapping[str, Any]) -> FieldError | None:
    """Return what is wrong with a profile that has these values in the file, or None. No value is in the fault."""
    if fault := name_fault(name):
        return FieldError("name", fault)
    if fault := user_fault(values["user"]) if "user" in values else "is missing":
        return FieldError("user", fault)
    for key, (pattern, message) in _TEXTS.items():
        if key in values and not (isinstance(values[key], str) and pattern.fullmatch(values[key])):
            return FieldError(key, f"must be {message}, in quotes")
    if not isinstance(values.get("pooled", False), bool):
        return FieldError("pooled", "must be true or false")
    timeout = values.get("timeout", 15)
    if type(timeout) not in (int, float) or not 1 <= timeout <= 3600:
        return FieldError("timeout", "must be a number from 1 to 3600 seconds")
    if "url" in values and "url_env" in values:
        return FieldError("url_env", "cannot be combined with url")
    if name == LOCAL and (given := {"url", "url_env"} & values.keys()):
        return FieldError(min(given), "is not allowed: local is the embedded database; choose another profile name")
    return None


def name_fault(name: str) -> str | None:
    """Return what is wrong with the name of a profile, a view or an alias, or None."""
    if _NAME.fullmatch(name):
        return None
    return "must have 1 to 64 characters (A-Z, a-z, 0-9, dot, underscore, dash) and begin with a letter or digit"


def base_url_fault(url: object) -> str | None:
    """Return what is wrong with the address that a server is reached at, or None."""
    if isinstance(url, str) and _BASE_URL.fullmatch(url):
        return None
    return "must be an address such as https://todo.example, without a query or a password"


def line_fault(_name: str, line: object) -> str | None:
    """Return what is wrong with the text of a view, or None."""
    return None if isinstance(line, str) else "it must be text, in quotes"


def alias_fault(name: str, line: object) -> str | None:
    """Return what is wrong with an alias, or None."""
    return line_fault(name, line) or (f"its name {fault}" if (fault := name_fault(name)) else None)


def user_fault(name: object) -> str | None:
    """Return what is wrong with the name of a user, or None."""
    if not isinstance(name, str):
        return "must be text, in quotes"
    faults = {
        "must not be empty": not name.strip(),
        f"has {len(name)} characters; at most {USER_NAME_LENGTH} are allowed": len(name) > USER_NAME_LENGTH,
        "must not contain control or invisible characters": not name.isprintable(),
        "must not be a URL": "://" in name,
        "must not begin or end with white space": name != name.strip(),
    }
    return next((fault for fault, found in faults.items() if found), None)
