"""Every command prints the same on Postgres as on the embedded database, apart from ids and times."""

from __future__ import annotations

import re

import pytest

from tests.support.terminal import Terminal
from todocli.database.postgres.url import PostgresURL

pytestmark = pytest.mark.slow

CHANGE = "6f1c1e0e-6f0b-4d6e-9a52-0d1f3a4b5c6d"
SESSION: list[tuple[str, str]] = [
    ("list", ""),
    ("", ""),
    ("list --json", ""),
    ("add buy milk", ""),
    ("add Pay rent -d 'by transfer' --json", ""),
    ("add - --json", "Äpfel\nzebra\nApfel\n漢字\n_under\n"),
    (f"add once --change {CHANGE}", ""),
    (f"add once --change {CHANGE} --json", ""),
    (f"add twice --change {CHANGE}", ""),
    (f"done 1 --change {CHANGE} --json", ""),
    ("list", ""),
    ("list --sort title", ""),
    ("list --sort title --reverse --json", ""),
    ("list --sort created -r -n 2 --jsonl", ""),
    ("list -n 3 --json", ""),
    ("show 1", ""),
    ("show 2 --json", ""),
    ("show 2 1 9-3 --json", ""),
    ("show 1 3-4 --fields number,title", ""),
    ("edit 1 -t 'buy oat milk'", ""),
    ("edit 1 -t 'buy oat milk' --json", ""),
    ("edit 2 -d '' --json", ""),
    ("done 1 3-4", ""),
    ("done 1 --json", ""),
    ("done 1 2 --json", ""),
    ("done 1 99 98", ""),
    ("done 60-70 --json", ""),
    ("reopen 1 --json", ""),
    ("reopen 1 -q", ""),
    ("rm 4 3", ""),
    ("rm 4", ""),
    ("rm 4 --json", ""),
    ("done 3-4", ""),
    ("trash", ""),
    ("trash --json", ""),
    ("restore 4 --json", ""),
    ("restore 4", ""),
    ("restore 77", ""),
    ("list --all", ""),
    ("list --completed --json", ""),
    ("add Pay rent due:2030-11-27-17:00 start:2020-01-01 p:1 project:home/garden +bills +über --json", ""),
    ("add Call due:2020-01-01 p:3 project:home +bills", ""),
    ("list", ""),
    ("list +bills project:home --sort -priority,due --json", ""),
    ("list --where 'not (due:any or ÜBER) or +über' --group tag", ""),
    ("list --group project", ""),
    ("edit --project home +x --untag bills due:none --yes --json", ""),
    ("done --tag x --yes", ""),
    ("undo 2 --json", ""),
    ("log -n 4 --json", ""),
    ("tags", ""),
    ("projects --json", ""),
    ("today", ""),
    ("next -n 2", ""),
    ("list --where '+a or'", ""),
    ("rm --all", ""),
    ("rm --search call --dry-run --json", ""),
    ("done -", "5\n6-8\n"),
    ("add ''", ""),
    ("done 0 --json", ""),
    ("db check", ""),
    ("db current --json", ""),
    ("db history --json", ""),
    ("user list", ""),
    ("user list --json", ""),
    ("user add bob", ""),
    ("user add bob --json", ""),
    ("user rename bob eve", ""),
    ("user rename bob eve --json", ""),
    ("profile show", ""),
    ("purge --yes", ""),
    ("purge --json", ""),
    ("help exit-codes", ""),
]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d\.\d{6}Z)?")


def masked(text: str, places: dict[str, str]) -> str:
    for place, name in places.items():
        text = text.replace(place, name)
    text = re.sub(r'"((?:connect|wake|query)_ms|round_trips)":[\d.]+', r'"\1":TOOK', text)
    return INSTANT.sub("TIME", UUID.sub("ID", text))


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
def test_engines_answer_alike(
    monkeypatch: pytest.MonkeyPatch, postgres_url: PostgresURL, sqlite_path: str, terminal: bool
) -> None:
    monkeypatch.setenv("TERM", "dumb")
    todo = Terminal(monkeypatch, width=400)
    todo.ok("profile add here --embedded --user ada")
    todo.ok("profile add neon --user ada --url-stdin", stdin=postgres_url.text())
    todo("list", profile="here")
    todo.terminal = terminal
    file = re.search(r"\S+todo\.db", todo.ok("db current --json", profile="here").replace('"', " "))
    assert file
    places = {
        postgres_url.redacted(): "PLACE",
        file[0]: "PLACE",
        '"postgresql"': '"KIND"',
        '"sqlite"': '"KIND"',
        "here": "PROFILE",
        "neon": "PROFILE",
    }
    for line, stdin in SESSION:
        if terminal and line == "profile show":
            continue  # where the two wrap depends on how long their places are
        here, neon = (todo(line, stdin=stdin, profile=name) for name in ("here", "neon"))
        assert masked(str(neon), places) == masked(str(here), places), line
