"""Which characters are the same letter, whatever its case: for searches that give the same on every database.

Neither engine's lower() would do. SQLite's knows ASCII only, and that of Postgres depends on the server's collation. So
a search for text becomes a pattern in which each letter is listed in all its forms, and which needs no function.

The rule is simple case folding (https://www.unicode.org/reports/tr21/tr21-5.html#Caseless_Matching), which replaces
one character by one: `ÄPFEL` finds `äpfel`, and `ΟΔΟΣ` finds `οδός` without its accent, with either sigma. What would
take more characters is left as it is: `STRASSE` does not find `Straße`, and `İ` is found by itself only.
"""

from __future__ import annotations

_FURTHER = {
    "k": "\u212a",  # the sign of the kelvin
    "s": "\u017f",  # long s
    "\u00df": "\u1e9e",  # sharp s
    "\u00e5": "\u212b",  # the sign of the angstrom
    "\u0432": "\u1c80",  # historic forms of Cyrillic letters: ve, de, o, es, te, hard sign, yat, uk
    "\u0434": "\u1c81",
    "\u043e": "\u1c82",
    "\u0441": "\u1c83",
    "\u0442": "\u1c84\u1c85",
    "\u044a": "\u1c86",
    "\u0463": "\u1c87",
    "\ua64b": "\u1c88",
    "\u03b2": "\u03d0",  # Greek letters as symbols, and final sigma
    "\u03b5": "\u03f5",
    "\u03b8": "\u03d1\u03f4",
    "\u03b9": "\u0345\u1fbe",
    "\u03ba": "\u03f0",
    "\u03bc": "\u00b5",
    "\u03c0": "\u03d6",
    "\u03c1": "\u03f1",
    "\u03c3": "\u03c2",
    "\u03c6": "\u03d5",
    "\u03c9": "\u2126",
    "\u1e61": "\u1e9b",  # long s with dot
}
"""The forms of a letter that are neither its upper, lower nor title case."""


def fold(character: str) -> str:
    """Return the one character that stands for all forms of a letter; other characters stand for themselves."""
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1:
            return folded
    return character


def forms(character: str) -> str:
    """Return all characters that are the same letter as `character`, each once; itself if it has no case."""
    folded = fold(character)
    known = dict.fromkeys((folded, folded.upper(), folded.lower(), folded.title(), *_FURTHER.get(folded, "")))
    return "".join(form for form in known if len(form) == 1 and fold(form) == folded)
