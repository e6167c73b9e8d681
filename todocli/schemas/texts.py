"""The texts of todos: what they may have, as JSON Schema says it as well."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from todocli.domain.fields import UNSEEN, looks_blank

TITLE_LENGTH = 255
DESCRIPTION_LENGTH = 2_000
NOTE_LENGTH = 65_536


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain a NUL character")
    return text


def _seen(text: str) -> str:
    if looks_blank(text):
        raise ValueError("must have something that can be seen")
    return text


def _without_end(text: str) -> str | None:
    return text.rstrip() or None


Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=TITLE_LENGTH),
    AfterValidator(_without_nul),
    AfterValidator(_seen),
    Field(json_schema_extra={"pattern": rf"^[^\u0000]*[^\u0000\s{UNSEEN}][^\u0000]*$"}),
]
Description = Annotated[
    str,
    StringConstraints(max_length=DESCRIPTION_LENGTH),
    AfterValidator(_without_nul),
    AfterValidator(_without_end),
    Field(json_schema_extra={"pattern": r"^[^\u0000]*$"}),
]


NoteText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=NOTE_LENGTH),
    AfterValidator(_without_nul),
    AfterValidator(_seen),
    Field(json_schema_extra={"pattern": rf"^[^\u0000]*[^\u0000\s{UNSEEN}][^\u0000]*$"}),
]
