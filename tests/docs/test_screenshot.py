"""The picture in the README."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from scripts.write_screenshot import PATH, picture, svg


@pytest.mark.slow
def test_screenshot_is_current(home: Path) -> None:
    """If not: `python -m scripts.write_screenshot`, and look at it."""
    assert PATH.read_text("utf-8") == picture(str(home))


def test_screenshot_loads_nothing() -> None:
    text = PATH.read_text("utf-8")
    assert ET.fromstring(text).tag == "{http://www.w3.org/2000/svg}svg"
    assert text.count("://") == 1  # the namespace
    assert "url(" not in text


def test_text_of_screenshot_is_escaped() -> None:
    found = ET.fromstring(svg("\x1b[1ma <b> & c\x1b[0m  d"))
    texts = [(node.text, node.get("font-weight")) for node in found.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [("a <b> & c", "bold"), ("d", None)]
