"""The text that HTML shows."""

from __future__ import annotations

import re
from contextlib import suppress
from html.parser import HTMLParser


def shown_text(html: str) -> str | None:
    """Return the text, one line for each paragraph that has any; None if there is none."""
    text = _Text()
    with suppress(AssertionError):  # some versions of the parser raise it for a declaration that is none
        text.feed(html)
        text.close()
    lines = map(str.strip, "".join(text.parts).split("\n"))
    return "\n".join(filter(None, lines)) or None


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._is_hidden = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Begin a line, or what is not shown."""
        self._is_hidden = tag in ("script", "style", "title")
        if tag in ("br", "div", "li", "p", "tr"):
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End what is not shown."""
        self._is_hidden = False

    def handle_data(self, data: str) -> None:
        """Take the text between tags, whose line breaks are spaces in HTML."""
        if not self._is_hidden:
            self.parts.append(re.sub(r"\s+", " ", data))
