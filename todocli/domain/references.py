"""References to todos: `12`, a range `5-7`, or a full UUID."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from todocli.errors import ValidationError

MAX_NUMBER = 2**63 - 1
"""The largest number that the databases can store."""

MAX_REFERENCES = 5_000
"""The most references of a command: one statement has them, and its parameters are limited."""

MAX_RANGES = 100
"""The most ranges of a command: each is a condition, and SQLite limits the depth of expressions to 1,000."""

_RANGE = re.compile(r"(\d+)-(\d+)", re.ASCII)
_SEVERAL = re.compile(r"[\d-]+(?:,+[\d-]+)+", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)
_PLAIN_NUMBER = re.compile(r"[1-9]\d{0,14}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class NumberRange:
    """The numbers from `first` to `last`, inclusive. It stands for the existing ones, at least one."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


Reference = int | UUID | NumberRange


class ReferenceKinds(NamedTuple):
    """Whether there are numbers, whether there are UUIDs, and how many ranges: what a statement is built from."""

    has_numbers: bool
    has_ids: bool
    ranges: int


@dataclass(frozen=True)
class References:
    """The references of a command, without repetitions, in the order given.

    `single`: it was one number or UUID, so the answer is one todo and not a list.
    """

    items: tuple[Reference, ...]
    single: bool = False

    @property
    def numbers(self) -> list[int]:
        """The single numbers."""
        return [item for item in self.items if isinstance(item, int)]

    @property
    def ids(self) -> list[UUID]:
        """The UUIDs."""
        return [item for item in self.items if isinstance(item, UUID)]

    @property
    def ranges(self) -> list[NumberRange]:
        """The ranges of numbers."""
        return [item for item in self.items if isinstance(item, NumberRange)]

    @property
    def kinds(self) -> ReferenceKinds:
        """The kinds of these references."""
        return ReferenceKinds(bool(self.numbers), bool(self.ids), len(self.ranges))


def parse_references(words: Sequence[str], *, listed: bool = False) -> References:
    """Parse references; `listed` ones stand for a list, even if there is only one.

    Raises `ValidationError` naming the invalid word.
    """
    each = [part for word in words for part in [part for part in word.split(",") if part] or [word]]
    items = tuple(dict.fromkeys(map(_parse, each)))
    if len(items) > MAX_REFERENCES:
        raise _error(f"{len(items)} references are too many for one command (limit {MAX_REFERENCES}).", "Use a range.")
    ranges = sum(isinstance(item, NumberRange) for item in items)
    if ranges > MAX_RANGES:
        raise _error(f"{ranges} ranges are too many for one command (limit {MAX_RANGES}).", "Use fewer, longer ranges.")
    return References(items, single=len(each) == 1 and not listed and not isinstance(items[0], NumberRange))


def is_plain_number(text: str) -> bool:
    """Whether a text is the number of a todo without a sign or leading zeros, and of at most 15 digits."""
    return _PLAIN_NUMBER.fullmatch(text) is not None


def is_reference(word: str) -> bool:
    """Whether a word has the form of a reference, or of several with commas between them."""
    return any(pattern.fullmatch(word.strip(",")) for pattern in (_NUMBER, _RANGE, _UUID, _SEVERAL))


def _parse(word: str) -> Reference:
    if _NUMBER.fullmatch(word):
        return _number(word, word)
    if match := _RANGE.fullmatch(word):
        first, last = (_number(part, word) for part in match.groups())
        if first > last:
            raise _error(f"The range {_shown(word)} runs backwards.", f"Write {last}-{first}.")
        return NumberRange(first, last)
    if _UUID.fullmatch(word):
        return UUID(word)
    raise _error(f"{_shown(word)} is not a todo number.", "Write a number, a range such as 5-7, or a full UUID.")


def _number(digits: str, word: str) -> int:
    digits = digits.lstrip("0") or "0"
    number = int(digits) if len(digits) < 20 else MAX_NUMBER + 1
    if number == 0:
        raise _error(f"{_shown(word)} is not a todo number: numbers start at 1.", "See your todos", ("todo", "list"))
    if number > MAX_NUMBER:
        raise _error(f"{_shown(word)} is larger than any todo number.", "See your todos", ("todo", "list"))
    return number


def _shown(word: str) -> str:
    return repr(word if len(word) <= 40 else word[:40] + "…")


def _error(detail: str, hint: str, command: tuple[str, ...] | None = None) -> ValidationError:
    return ValidationError.of("reference", detail, hint=hint, command=command)
