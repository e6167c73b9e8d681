"""Which characters are the same letter."""

from __future__ import annotations

import sys
from collections import defaultdict

import pytest

from todocli.domain.case_folding import fold, forms


@pytest.mark.slow
def test_forms_are_all_characters_with_the_same_folding() -> None:
    alike: dict[str, set[str]] = defaultdict(set)
    for character in map(chr, range(sys.maxunicode + 1)):
        alike[fold(character)].add(character)
    several = {folded: same for folded, same in alike.items() if len(same) > 1}
    assert {folded: set(forms(folded)) for folded in several} == several


@pytest.mark.parametrize(
    ("character", "expected"),
    [("a", "aA"), ("Ä", "äÄ"), ("σ", "σΣς"), ("K", "kK\u212a"), ("ß", "ßẞ"), ("İ", "İ"), ("1", "1"), ("日", "日")],
)
def test_forms_of_a_character(character: str, expected: str) -> None:
    assert forms(character) == expected
    assert {fold(form) for form in forms(character)} == {fold(character)}
