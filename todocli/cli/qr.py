"""QR codes at a terminal, for a phone to scan."""

from __future__ import annotations

from io import StringIO

_WHITE_ON_BLACK, _RESET = "\x1b[97;40m", "\x1b[0m"


def draw(text: str, *, colour: bool) -> str | None:
    """Return the QR code of a text, two rows of it in a line; None if the library is not installed.

    With `colour`, it is dark on light whatever the colours of the terminal are.
    """
    try:
        import segno
    except ImportError:
        return None
    drawn = StringIO()
    segno.make(text, error="l", micro=False).terminal(drawn, border=2, compact=True)
    lines = drawn.getvalue().splitlines()
    return "\n".join(f"{_WHITE_ON_BLACK}{line}{_RESET}" if colour else line for line in lines)
