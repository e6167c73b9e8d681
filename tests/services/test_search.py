"""Search: which text is found, whatever the engine and the collation of the server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.support import postgres
from tests.support.client import Client
from todocli.database import migrations
from todocli.database.postgres.url import PostgresURL
from todocli.database.store import open_store
from todocli.database.target import Target
from todocli.domain.case_folding import fold, forms
from todocli.domain.filters.ast import Contains
from todocli.schemas.todos import TodoCreate
from todocli.services.owner import Owner
from todocli.services.queries import TodoQuery
from todocli.services.users import Users

LETTERS = sorted(
    {
        fold(letter)
        for block in (
            *(range(0x41, 0x250), range(0x1E00, 0x1F00), range(0x2C60, 0x2C80), range(0xA720, 0xA800)),  # Latin
            *(range(0x370, 0x400), range(0x1F00, 0x2000)),  # Greek
            *(range(0x400, 0x530), range(0x1C80, 0x1C90), range(0xA640, 0xA6A0)),  # Cyrillic
        )
        for letter in map(chr, block)
        if len(forms(letter)) > 1
    }
)
"""Every letter of these alphabets that has several forms, in one of them."""

LOCALES = {
    "C": "LOCALE_PROVIDER libc LOCALE 'C'",
    "C.UTF-8": "LOCALE_PROVIDER libc LOCALE 'C.UTF-8'",
    "ICU": "LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'tr-TR'",
}


@pytest.fixture(params=["sqlite", *(pytest.param(name, marks=pytest.mark.postgres) for name in LOCALES)])
def anywhere(request: pytest.FixtureRequest) -> Iterator[Target]:
    """A migrated database: SQLite, and a Postgres with each kind of collation."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_path")
        return
    server: PostgresURL = request.getfixturevalue("postgres_server")
    url = replace(server, database=f"todo_{uuid.uuid4().hex}")
    create = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' "
    postgres.execute(server, create + LOCALES[request.param], url.database)
    try:
        migrations.upgrade(url)
        yield url
    finally:
        postgres.execute(server, "DROP DATABASE {} WITH (FORCE)", url.database)


@contextmanager
def client(target: Target) -> Iterator[Client]:
    with open_store(target) as store, store.session() as session:
        yield Client(session, Owner("ada", Users(session).ensure("ada")))


def found(ada: Client, text: str) -> list[int]:
    return [todo.number for todo in ada.find(TodoQuery("all", Contains(text))).items]


@pytest.mark.slow
def test_every_letter_is_found_in_every_form(anywhere: Target) -> None:
    assert len(LETTERS) > 650
    titles = ["".join(LETTERS[i : i + 10]) for i in range(0, len(LETTERS), 10)]
    with client(anywhere) as ada:
        ada.add([TodoCreate(title=title) for title in titles])
        for number, title in enumerate(titles, 1):
            for which in range(max(len(forms(letter)) for letter in title)):
                text = "".join(forms(letter)[which % len(forms(letter))] for letter in title)
                assert found(ada, text) == [number], text


@pytest.mark.parametrize(
    ("title", "finds", "finds_not"),
    [
        ("Äpfel", ["äpfel", "ÄPFEL"], ["apfel", "a\u0308pfel"]),
        ("ΟΔΟΣ", ["οδος", "οδοσ", "Οδος"], ["οδός"]),
        ("Straße", ["STRAẞE", "straße"], ["STRASSE"]),
        ("İstanbul", ["STANBUL", "İst"], ["istanbul", "ıstanbul"]),
        ("100 % [x] *?. ^$ (a|b) \\d {2}", ["[X]", "*?.", "^$ (A|B)", "\\D", "{2}", "% ["], [".*", "[y]", "\\\\d"]),
        ("***=a", ["***=A", "***"], ["a***"]),
        ("5 µm", ["μM", "ΜM"], ["um"]),
    ],
)
def test_search_is_for_text(database: Target, title: str, finds: list[str], finds_not: list[str]) -> None:
    with client(database) as ada:
        ada.add([TodoCreate(title="Other", description=f"a\nb {title} c"), TodoCreate(title=title)])
        for text in finds:
            assert found(ada, text) == [1, 2], text
        for text in finds_not:
            assert found(ada, text) == [], text


def test_longest_text_can_be_searched_for(database: Target) -> None:
    text = "äK" * 1000
    with client(database) as ada:
        ada.add([TodoCreate(title="Long", description=text)])
        assert found(ada, text.swapcase()) == [1]
        assert found(ada, text + "x") == []
