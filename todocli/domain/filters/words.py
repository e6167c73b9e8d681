"""Which words of a line select todos, before any of them is parsed."""

from __future__ import annotations

import re

KEYED = re.compile(r"([A-Za-z]+):(.*)", re.DOTALL)
"""A key and its value, whether or not there is such a key."""


def is_key_word(text: str) -> bool:
    """Whether a word is a tag or has a key, and so is no text to search for."""
    return (text[:1] in ("+", "-") and text[1:2].isalpha()) or KEYED.fullmatch(text) is not None
