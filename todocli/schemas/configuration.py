"""The settings in effect."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from todocli.schemas.base import ItemList, Output


class SettingRead(Output):
    """A setting in effect, and where it comes from. It holds no password."""

    name: str
    value: str | bool | float | None = Field(description="Null if it is not set, or not valid.")
    source: Literal["flag", "variable", "file", "default"]
    key: str | None = Field(description="The option, the variable, or the key of the file; null for a default.")


class SettingList(ItemList[SettingRead]):
    """All settings; `config_file` is the first."""
