"""The man pages, and the converter that writes them."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from scripts import roff
from scripts.write_man_pages import FOLDER, pages
from todocli.cli.commands.help import TOPICS

PAGES = pages()

MARKDOWN = r"""
.Dots lead `--where` and **a \ backslash**, see
[Neon](https://neon.com).

## Lists

- one
  line
- 'quoted'

1. first

| Option | What |
|--------|------|
| `-n`   | how  |

```console
$ todo add 'a' # ─
.x
```
"""

ROFF = r"""
.PP
\&.Dots lead \fB\-\-where\fR and \fBa \e backslash\fR, see Neon (https://neon.com).
.SH LISTS
.IP \(bu 2
one line
.IP \(bu 2
\(aqquoted\(aq
.IP 1. 4
first
.PP
.EX
Option  What
\[u2500]\[u2500]\[u2500]\[u2500]\[u2500]\[u2500]\[u2500]\[u2500]\[u2500]\[u2500]\[u2500]\[u2500]
\-n      how
.EE
.PP
.EX
$ todo add \(aqa\(aq # \[u2500]
\&.x
.EE
"""


def test_man_pages_are_current() -> None:
    """If not: `python -m scripts.write_man_pages`."""
    assert {str(path.relative_to(FOLDER)): path.read_text("ascii") for path in FOLDER.glob("*/*")} == PAGES


def test_each_topic_has_a_man_page() -> None:
    assert set(PAGES) == {"man1/todo.1", *(f"man7/todo-{name}.7" for name in TOPICS if name != "commands")}


def test_markdown_becomes_roff() -> None:
    assert list(roff.convert(MARKDOWN)) == ROFF.strip().splitlines()


def test_long_lines_and_cells_wrap() -> None:
    lines = [*roff.verbatim(["word " * 30]), *roff.table(["| a | b |", "|---|---|", f"| a | {'word ' * 30}|"])]
    assert max(len(line.replace(r"\[u2500]", "-")) for line in lines) <= roff.WIDTH


@pytest.mark.external
@pytest.mark.parametrize("name", PAGES)
def test_groff_has_no_warning(name: str) -> None:
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", "-P-cbou", FOLDER / name],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr == ""
    assert "SEE ALSO" in done.stdout
