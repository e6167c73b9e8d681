r"""The syntax of iCalendar: lines that are folded, components that nest, and texts that are escaped
(https://www.rfc-editor.org/rfc/rfc5545#section-3.1).

The library `icalendar` has this too, but for a whole calendar in memory, and not without loss: it takes the `\N` of a
Windows path for the end of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from todocli.errors import ValidationError
from todocli.formats import reading

_LINE = re.compile(r'([\w-]+)((?:;[^=;:"]+=(?:"[^"]*"|[^";:])*)*):(.*)', re.ASCII | re.DOTALL)
_PARAMETER = re.compile(r';([^=;:"]+)=((?:"[^"]*"|[^";:])*)')
_BREAKS = re.compile(r"\r\n?")
_ESCAPED = re.compile(r"\\([\\;,nN])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_COMMA = re.compile(r"(?<!\\)((?:\\\\)*),")
MAX_LENGTH = 10 * reading.MAX_LINE
"""The most characters of a VTODO, as attachments may be inside."""


@dataclass(frozen=True, slots=True)
class Property:
    """A property of a component: its value as the file has it, and its parameters by name."""

    parameters: Mapping[str, str]
    value: str

    @property
    def text(self) -> str:
        """The value as a text."""
        return unescaped(self.value).rstrip()


@dataclass(slots=True)
class Block:
    """A component: its properties by name, and how many alarms are inside; of a `VTIMEZONE`, only its lines."""

    name: str
    place: str
    lines: list[str] = field(default_factory=list)
    properties: dict[str, list[Property]] = field(default_factory=dict)
    length: int = 0
    alarms: int = 0

    def first(self, name: str) -> Property | None:
        """Return the first property of a name that has a value."""
        return next((each for each in self.properties.get(name, ()) if each.value.strip()), None)

    def text(self, name: str) -> str | None:
        """Return the text of a property, without the spaces around it."""
        found = self.first(name)
        return found.text.strip() or None if found else None


def blocks(file: BinaryIO, names: Iterable[str]) -> Iterator[Block]:
    """Return the components with one of the names. Raises `ValidationError` where components do not nest."""
    wanted = set(names)
    open_ones: list[tuple[str, int]] = []
    block: Block | None = None
    number = 0
    for number, line in _unfolded(file):
        name, _, value = line.partition(":")
        name, value = name.strip().upper(), value.strip().upper()
        if not open_ones and line.strip() and (name, value) != ("BEGIN", "VCALENDAR"):
            what = "does not begin with" if number == 1 else f"has in line {number} something outside of"
            raise ValidationError(
                f"The file {what} BEGIN:VCALENDAR.", hint="Check that it is an iCalendar file, or pass --format."
            )
        if name == "BEGIN":
            open_ones.append((value, number))
            if len(open_ones) == 2 and value in wanted:
                block = Block(value, f"line {number}")
            elif block and value == "VALARM":
                block.alarms += 1
        if block:
            _add(block, number, line, is_own=len(open_ones) == 2 and name not in ("BEGIN", "END"))
        if name == "END":
            begun, at = open_ones.pop()
            if begun != value:
                raise ValidationError(
                    f"Line {number} of the file ends a {value[:40]}, but line {at} began a {begun[:40]}.",
                    hint="Export it again.",
                )
            if block and len(open_ones) == 1:
                yield block
                block = None
    if open_ones:
        begun, at = open_ones[-1]
        raise ValidationError(
            f"The file ends too early, at line {number}: the {begun[:40]} of line {at} has no end.",
            hint="Export it again.",
        )


def _unfolded(file: BinaryIO) -> Iterator[tuple[int, str]]:
    """Return the lines, each with those that continue it (RFC 5545, 3.1), up to `MAX_LINE` bytes.

    A program may fold within a character, so only whole lines are decoded.
    """
    parts: list[bytes] = []
    first = length = 0
    for number, data in reading.byte_lines(file):
        line = data.rstrip(b"\r\n")
        if line[:1] in (b" ", b"\t") and parts:
            length += len(line)
            parts += [line[1:]] if length <= reading.MAX_LINE else []
            continue
        if parts:
            yield first, _joined(parts, first, is_cut=length > reading.MAX_LINE)
        parts, first, length = [line], number, len(line)
    if parts:
        yield first, _joined(parts, first, is_cut=length > reading.MAX_LINE)


def _joined(parts: Sequence[bytes], number: int, *, is_cut: bool) -> str:
    """Return the text of the parts of a line; where its end is cut off, that may be within a character."""
    return reading.decoded(b"".join(parts), number, "ignore" if is_cut else "strict")


def _add(block: Block, number: int, line: str, *, is_own: bool) -> None:
    block.length += len(line)
    if block.length > MAX_LENGTH:
        return
    if block.name == "VTIMEZONE":
        block.lines.append(line)
    elif is_own and line.strip():
        found = _LINE.fullmatch(line)
        name = found[1].upper() if found else f"line {number}"
        parameters = {key.upper(): value.strip('"') for key, value in _PARAMETER.findall(found[2])} if found else {}
        block.properties.setdefault(name, []).append(Property(parameters, found[3] if found else line))


def texts(value: str) -> list[str]:
    """Return the texts of a value that has several, but for empty ones."""
    found = (unescaped(text).strip() for text in _COMMA.sub("\\1\n", value).split("\n"))
    return [text for text in found if text]


def unescaped(text: str) -> str:
    """Return the text of a value (RFC 5545, 3.3.11)."""
    return _ESCAPED.sub(lambda found: "\n" if found[1] in "nN" else found[1], text)


def escaped(text: str) -> str:
    """Return a text as a value has it, without the control characters that it must not have (RFC 5545, 3.1)."""
    text = _CONTROL.sub("", text)
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = (_BREAKS.sub("\n", text) if plain == "\n" else text).replace(plain, escaped)
    return text


def folded(line: str) -> str:
    """Return a line with its end, in pieces of at most 75 bytes (RFC 5545, 3.1)."""
    if len(line) <= 75 and line.isascii():
        return f"{line}\r\n"
    pieces: list[str] = []
    start = size = 0
    for place, letter in enumerate(line):
        size += len(letter.encode())
        if size > 75:
            pieces.append(line[start:place])
            start, size = place, 1 + len(letter.encode())  # 1 for the space before it
    return "\r\n ".join([*pieces, line[start:]]) + "\r\n"
