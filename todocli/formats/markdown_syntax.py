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
DATE_NAMES = {
    "📅": "due",
    "📆": "due",
    "🗓": "due",
    "🛫": "start",
    "⏳": "scheduled",
    "⌛": "scheduled",
    "✅": "completion",
    "➕": "created",
    "❌": "cancelled",
}
LEVELS = {"🔺": "highest", "⏫": "high", "🔼": "medium", "🔽": "low", "⏬": "lowest"}
SIGNS = {
    "⏰": ("time", r"\d{1,2}:\d\d\b"),
    "🔁": ("repeat", r"[a-zA-Z0-9, !]+"),
    "🆔": ("id", r"[\w-]+"),
    "⛔": ("dependsOn", r"[\w-]+(?: *, *[\w-]+)*"),
    "🏁": ("onCompletion", r"\w+"),
}
"""The signs of the plugin Tasks: what Dataview calls the same, and how its value looks."""

NAMES = (*dict.fromkeys(DATE_NAMES.values()), "priority", "someday", *(name for name, _ in SIGNS.values()))
"""The names of fields in brackets, but for that of the project."""

_SIGN = rf"[{''.join((*DATE_NAMES, *LEVELS, *SIGNS))}]|[\[(](?:project|{'|'.join(NAMES)})::"
ESCAPED_SIGN = re.compile(rf"(?<!\S)\\(?=\\*#)|(?<!\\)\\(?=\\*(?:{_SIGN}))")
ESCAPE_SIGN = re.compile(rf"(?<!\S)(?=\\*#)|(?<!\\)(?=\\*(?:{_SIGN}))")
"""A line, a `#` or a sign that is only text has a backslash before it where it would be read as something else."""


def end_of(text: str) -> re.Pattern[str] | None:
    """Return what ends the code or the comment that a line begins."""
    if fence := FENCE.fullmatch(text):
        marks = fence["backticks"] or fence["tildes"]
        return re.compile(rf"^{marks[0]}{{{len(marks)},}}$")
    return re.compile("-->") if text.startswith("<!--") and "-->" not in text else None
