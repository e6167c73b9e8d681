"""The base of every schema: strict input, frozen output, instants, and one sentence for each invalid field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Self, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from todocli.errors import FieldError, Hint, ValidationError


def instant(value: datetime) -> str:
    """Return an aware instant in UTC with six decimals and `Z`, as RFC 3339 writes it."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


Instant = Annotated[
    datetime, PlainSerializer(instant), WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization")
]


class Input(BaseModel):
    """A request: unknown fields and values of another type are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Output(BaseModel):
    """A response."""

    model_config = ConfigDict(frozen=True)


Item = TypeVar("Item")


class ItemList(Output, Generic[Item]):
    """Several items; `total` is how many match, `count` how many of them are here."""

    items: list[Item]
    count: int
    total: int

    @classmethod
    def of(cls, items: Sequence[Item]) -> Self:
        """Return all `items` that there are."""
        return cls(items=list(items), count=len(items), total=len(items))


Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], values: Mapping[str, object]) -> Model:
    """Return `values` as a valid `model`.

    Raises `todocli.errors.ValidationError` with one sentence for each field that is wrong; the values are not in it.
    """
    try:
        return model.model_validate(dict(values))
    except pydantic.ValidationError as error:
        found = tuple(field_error(dict(e)) for e in error.errors(include_url=False))
        detail = " ".join(fault.sentence for fault in found)
        raise ValidationError(detail, hint=_hint(found), field_errors=found) from None


def field_error(error: dict[str, Any]) -> FieldError:
    """Return what Pydantic says of one fault, in a sentence that follows the name of its field."""
    message = _sentence(error)
    if error["loc"]:
        return FieldError(str(error["loc"][0]), message)
    return FieldError(*message.split(" ", 1))  # a rule about several fields; its message begins with one of them


def _sentence(error: dict[str, Any]) -> str:
    given = error.get("input")
    length = len(given) if isinstance(given, str) else 0
    match error["type"]:
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"has {length} characters; at most {error['ctx']['max_length']} are allowed"
        case "too_short":
            return f"must have at least {_items(error['ctx']['min_length'])}"
        case "too_long":
            return f"must have at most {_items(error['ctx']['max_length'])}"
        case "string_unicode":
            return "is not valid UTF-8"
        case "value_error":
            return str(error["ctx"]["error"])
        case "literal_error":
            return f"must be {str(error['ctx']['expected']).replace(chr(39), '')}"
        case "greater_than_equal":
            return f"must be at least {error['ctx']['ge']:,}"
        case "less_than_equal":
            return f"must be at most {error['ctx']['le']:,}"
        case "extra_forbidden":
            return "is not a known field"
        case "missing":
            return "is missing"
        case "json_invalid":
            return "is not valid JSON"
        case kind:
            return _KINDS.get(kind.partition("_")[0], "is not valid")


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


_KINDS = {
    "bool": "must be true or false",
    "date": "must be a date, such as 2026-11-27",
    "dict": "must be an object",
    "float": "must be a number",
    "int": "must be a whole number",
    "list": "must be a list",
    "model": "must be an object",
    "string": "must be text",
    "time": "must be a time, such as 17:00",
    "uuid": "must be a UUID",
}
"""What a value must be, by the first word of the type of Pydantic's error."""


def _hint(found: tuple[FieldError, ...]) -> str | None:
    if any(field == "title" and "characters" in message for field, message in found):
        short = "Keep the title short; put the rest into"
        return Hint(f"{short} the description.", f"{short} --description.")
    if any(message.endswith("exclude each other") for _, message in found):
        return "Use only one of them."
    return None
