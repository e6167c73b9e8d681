"""What reading and writing Markdown have in common: which lines are tasks, notes or code, and how others are marked."""

from __future__ import annotations

import re

BULLET = r"(?:[-*+]|\d{1,9}[.)])[ \t]+"
BOX = rf"{BULLET}\[(?:[ xX]|[^\w\s\]])\](?=[ \t]|$)"
FENCE = re.compile(r"(?P<backticks>`{3,})[^`]*|(?P<tildes>~{3,}).*", re.DOTALL)
NOTE_TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC:"

_MARKED = rf"{BOX}|> {NOTE_TIME}"
_BLOCK = r"`{3}|~{3}|<!--"
ESCAPED_LINE = re.compile(rf"^([ \t]*)\\(?=\\*(?:{_MARKED}|{_BLOCK}))")
ESCAPE_LINE = re.compile(rf"^([ \t]*)(?=\\*(?:{_MARKED})|\\+(?:{_BLOCK}))")
ESCAPED_SIGN = re.compile(r"(?<!\S)\\(?=\\*#)")
ESCAPE_SIGN = re.compile(r"(?<!\S)(?=\\*#)")
"""A line or a `#` that is only text has a backslash before it where it would be read as something else."""


def end_of(text: str) -> re.Pattern[str] | None:
    """Return what ends the code or the comment that a line begins."""
    if fence := FENCE.fullmatch(text):
        marks = fence["backticks"] or fence["tildes"]
        return re.compile(rf"^{marks[0]}{{{len(marks)},}}$")
    return re.compile("-->") if text.startswith("<!--") and "-->" not in text else None
