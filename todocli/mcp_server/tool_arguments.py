"""What each tool takes, and the JSON Schema that a client is shown of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from todocli import clock
from todocli.domain.idempotency import ChangeKey, fingerprint
from todocli.domain.ids import new_id
from todocli.domain.references import References, parse_references
from todocli.errors import UsageError, ValidationError
from todocli.schemas.base import Input, validated

MAX_FOUND = 200
"""The most todos or changes of one answer."""


@contextmanager
def numbered(i: int, count: int) -> Iterator[None]:
    """Say in every `ValidationError` about which of `count` new todos it is."""
    try:
        yield
    except ValidationError as error:
        if count > 1:
            error.detail = f"Todo {i}: {error.detail} Nothing was added."
        raise


def _change_id(value: object) -> object:
    try:
        return UUID(value) if isinstance(value, str) else value
    except ValueError:
        raise ValueError("must be a UUID") from None


def _reference(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be numbers, ranges such as 5-7, or UUIDs")
    return str(value)


def _new_todos(value: object) -> object:
    """Validate todos one by one: an error then names the field, and not only the list."""
    if not isinstance(value, list):
        return value
    found = []
    for i, each in enumerate(value, 1):
        with numbered(i, len(value)):
            if not isinstance(each, dict):
                raise ValidationError.of("todos", 'A todo must be an object, such as {"title": "Pay rent due:fri"}.')
            found.append(validated(NewTodo, each))
    return found


Reference = Annotated[str, BeforeValidator(_reference), WithJsonSchema({"type": ["integer", "string"]})]
References_ = Annotated[list[Reference], Field(description='Numbers, ranges such as "5-7", or UUIDs.')]
Limit = Annotated[int, Field(ge=1, le=MAX_FOUND)]
Text = str | SkipJsonSchema[None]
"""Text that may be left out."""


def references(given: list[str]) -> References:
    """Return the todos that a client names. Raises `UsageError` for none, and `ValidationError`."""
    if not given:
        raise UsageError("No todo was chosen.", hint="Give a number; find has them.")
    return parse_references(given, listed=True)


class Changing(Input):
    """The arguments of a tool that changes something."""

    change: Annotated[
        Annotated[UUID, BeforeValidator(_change_id)],
        WithJsonSchema({"type": "string", "format": "uuid", "description": "For safe retries."}),
    ] = Field(default_factory=lambda: new_id(clock.now()))
    dry_run: bool = Field(False, description="Change nothing, but show what would change.")

    def key(self, tool: str) -> ChangeKey:
        """Return the key of the change that a tool makes of these arguments."""
        given = self.model_dump(mode="json", exclude={"change", "dry_run"}, exclude_unset=True)
        return ChangeKey(self.change, fingerprint(f"mcp {tool}", **given))


class Find(Input):
    """The arguments of `find`."""

    filter: str = Field("", description="+home due:week milk, or +home and not (due:none or pri:low).")
    state: Literal["open", "completed", "all", "trash"] | SkipJsonSchema[None] = Field(
        None, description="Default: open. all leaves out the trash."
    )
    sort: str = Field("", description="due,-priority,project,title,created,completed,changed,number")
    limit: Limit = 50
    cursor: Text = Field(None, description="next_cursor of the previous page.")


class Show(Input):
    """The arguments of `show`."""

    todos: References_


class NewTodo(Input):
    """A todo to add."""

    title: str
    set: str = Field("", description="Fields that are not in the title.")
    description: Text = None


class Add(Changing):
    """The arguments of `add`."""

    todos: Annotated[list[NewTodo], BeforeValidator(_new_todos)]
    literal: bool = Field(False, description="Keep every word of the titles: for text that is not yours.")


class Change(Changing):
    """The arguments of `change`."""

    todos: References_
    set: str = Field("", description="due:fri pri:high project:home +bills; due:+1w moves a date, due:none clears it.")
    title: Text = Field(None, description="Taken literally. For one todo only.")
    description: Text = Field(None, description="Empty clears it.")
    remove_tags: list[str] = Field([])
    series: bool = Field(False, description="Change what follows in a series as well.")


class Complete(Changing):
    """The arguments of `complete`."""

    todos: References_
    reopen: bool = Field(False, description="Make them open again instead.")
    with_children: bool = Field(False, description="Their subtasks, too.")


class Remove(Changing):
    """The arguments of `remove`."""

    todos: References_
    series: bool = Field(False, description="End what repeats: nothing follows it.")


class Skip(Changing):
    """The arguments of `skip`."""

    todos: References_


class Upcoming(Input):
    """The arguments of `upcoming`."""

    until: str = Field("4w", description="A day, or 4w.")
    filter: str = ""
    limit: Limit = 50


class Claim(Changing):
    """The arguments of `claim`."""

    filter: str = Field("", description="Only todos that match; number:12 for one of them.")
    claimant: Text = Field(None, description="Whose claim it is; you by default.")
    minutes: int = Field(120, ge=1, le=525_600, description="When the claim ends by itself.")


class Release(Changing):
    """The arguments of `release`."""

    todos: References_


class Note(Changing):
    """The arguments of `note`."""

    todo: Reference
    text: str


class Undo(Changing):
    """The arguments of `undo`."""

    only: Text = Field(None, description="The id of the change to undo, as tools and log return it.")
    count: int = Field(1, ge=1, le=100, description="Without only: how many of the newest changes.")


class Log(Input):
    """The arguments of `log`."""

    todo: Reference | SkipJsonSchema[None] = Field(None, description="Only the changes of this todo.")
    filter: str = Field("", description="Only changes of todos that match now.")
    limit: Limit = 20


def schema_of(model: type[Input]) -> dict[str, Any]:
    """Return the JSON Schema of arguments, in one piece and without what a client does not need."""
    whole = model.model_json_schema()
    definitions = whole.pop("$defs", {})
    shown: dict[str, Any] = _lean(whole, definitions)
    shown.pop("description")
    return shown


def _lean(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_lean(each, definitions) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found = dict(definitions[part["$ref"].rpartition("/")[2]])
        found.pop("description", None)
        return _lean(found, definitions)
    lean = {}
    for name, value in part.items():
        if name == "properties":  # their names are data: one of them may be called title
            lean[name] = {key: _lean(each, definitions) for key, each in value.items()}
        elif name != "title" and (name, value) not in (
            ("default", None),
            ("default", ""),
            ("default", False),
            ("default", []),
        ):
            lean[name] = _lean(value, definitions)
    return lean
