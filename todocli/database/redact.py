"""Hides passwords in messages of any kind. Standard library only."""

from __future__ import annotations

import re

HIDDEN = "***"

_QUOTED_LOGIN = re.compile(r"""(?P<start>["'][\w+.-]+://[^\s:"']*:)[^"'\n]*@""")
_LOGIN = re.compile(r"(?P<start>://[^\s:]*:)\S*@")
_SECRET_VALUE = re.compile(
    r"""(?P<start>\w*(?:password|passphrase|passwd|pwd|secret|token)["']?\s*(?:=\s*|:\s*(?=["'])))"""
    r"""(?:'(?:\\.|''|[^'\\])*'?|"(?:\\.|[^"\\])*"?|(?:\\.|[^\s&\\])+)""",
    re.IGNORECASE | re.DOTALL,
)


def redact(text: str) -> str:
    """Return `text` with every recognisable password replaced by `***`.

    It finds `scheme://user:secret@` and `password=secret`, quoted or not. In doubt it hides too much.
    """
    for pattern, end in ((_QUOTED_LOGIN, "@"), (_LOGIN, "@"), (_SECRET_VALUE, "")):
        text = pattern.sub(rf"\g<start>{HIDDEN}{end}", text)
    return text
