"""Writes `tests/snapshots/contract.json`, the contract as it is published: `python -m scripts.write_contract`.

The contract is frozen: what would break a script that reads the documents today is not written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from todocli.schemas.contract import contract

PATH = Path(__file__).resolve().parents[1] / "tests/snapshots/contract.json"

Schema = dict[str, Any]


def text_of(schema: Schema) -> str:
    """Return a contract as the file holds it."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def broken(old: Schema, new: Schema) -> list[str]:
    """Return, in words, how `new` breaks the contract `old`.

    Allowed: new documents, keys and values of an enumeration. Not allowed: a document or key that is gone, a key of
    another type (null is a type), a required key that became optional, a changed format.
    """
    found: list[str] = []
    for name, document in old["$defs"].items():
        if name not in new["$defs"]:
            found.append(f"{name}: is gone")
        else:
            found += _broken(name, document, new["$defs"][name], old, new)
    return found


def _broken(place: str, old: Schema, new: Schema, old_root: Schema, new_root: Schema) -> Iterator[str]:
    if "$ref" in old and old["$ref"] == new.get("$ref"):
        return  # a document of its own
    was, now = _kinds(old, old_root), _kinds(new, new_root)
    if set(was) != set(now):
        yield f"{place}: was {_listed(was)}, is {_listed(now)}"
        return
    for kind, before in was.items():
        after = now[kind]
        for key in before.get("properties", {}):
            if key not in after.get("properties", {}):
                yield f"{place}.{key}: is gone"
            else:
                inner = (before["properties"][key], after["properties"][key])
                yield from _broken(f"{place}.{key}", *inner, old_root, new_root)
        for key in sorted(set(before.get("required", [])) - set(after.get("required", []))):
            if key in after.get("properties", {}):
                yield f"{place}.{key}: is not always there any more"
        if "items" in before:
            yield from _broken(f"{place}[]", before["items"], after.get("items", {}), old_root, new_root)
        if before.get("format") != after.get("format"):
            yield f"{place}: the form was {before.get('format')}, is {after.get('format')}"
        if bool(_values(before)) != bool(_values(after)) or set(_values(before)) - set(_values(after)):
            yield f"{place}: the values were {_listed(_values(before))}, are {_listed(_values(after))}"


def _kinds(schema: Schema, root: Schema) -> dict[str, Schema]:
    """Return the types that a schema allows, each with the part that describes it."""
    if "$ref" in schema:
        return _kinds(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if "anyOf" in schema:
        return {kind: part for one in schema["anyOf"] for kind, part in _kinds(one, root).items()}
    kinds = schema.get("type", "any")
    return dict.fromkeys([kinds] if isinstance(kinds, str) else kinds, schema)


def _values(schema: Schema) -> list[str]:
    return [schema["const"]] if "const" in schema else list(schema.get("enum", []))


def _listed(names: Iterable[str]) -> str:
    return " or ".join(sorted(map(str, names))) or "anything"


def main() -> None:
    """Write the file."""
    schema = contract()
    faults = broken(json.loads(PATH.read_text("utf-8")), schema) if PATH.exists() else []
    if faults:
        sys.exit("\n".join(["The contract would be broken.", *faults]))
    PATH.write_text(text_of(schema), "utf-8")


if __name__ == "__main__":
    main()
