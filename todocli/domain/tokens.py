"""Tokens by which programs authenticate. Only their SHA-256 is stored.

A token is `todo_`, 40 random characters (238 bits), and a checksum of 6 (CRC-32, base 62). So a truncated or mistyped
token is recognised without a database, and secret scanners recognise a leaked one.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
import zlib

PREFIX = "todo_"

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_TOKEN = re.compile(rf"{PREFIX}[0-9A-Za-z]{{46}}")


def new_token() -> str:
    """Return a new token."""
    body = PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(40))
    return body + _checksum(body)


def is_token(text: str) -> bool:
    """Whether a text has the form of a token, with the right checksum."""
    return bool(_TOKEN.fullmatch(text)) and _checksum(text[:-6]) == text[-6:]


def digest(token: str) -> str:
    """Return the SHA-256 of a token in hexadecimal, which is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def _checksum(text: str) -> str:
    rest = zlib.crc32(text.encode())
    digits = ""
    for _ in range(6):
        rest, digit = divmod(rest, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
