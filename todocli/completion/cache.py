"""A cache of what earlier commands showed, so that completion need not ask a remote database.

There is one file per user and database in the cache folder, with mode 0600. It can be deleted at any time.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from todocli import paths

TYPE_CHECKING = False  # importing `typing` takes longer than the answer
if TYPE_CHECKING:
    from collections.abc import Iterable

    from todocli.profiles import Profile
    from todocli.schemas.todos import TodoLine, TodoRead

MAX_TODOS = 1_000
"""How many todos the cache keeps: those with the highest numbers."""

MAX_CHANGES = 50
"""How many changes are offered."""

MAX_NAMES = 500
"""How many tags, and how many projects, the cache keeps."""


class CompletionCache:
    """Todos as (number, title, state), sorted by number, and names of tags and projects, sorted.

    A state is `open`, `done` or `trash`.
    """

    __slots__ = ("projects", "tags", "todos")

    def __init__(
        self, todos: Iterable[tuple[int, str, str]] = (), tags: Iterable[str] = (), projects: Iterable[str] = ()
    ) -> None:
        self.todos = sorted(todos)[-MAX_TODOS:]
        self.tags = sorted(set(tags))[:MAX_NAMES]
        self.projects = sorted(set(projects))[:MAX_NAMES]


def of_embedded(user: str) -> CompletionCache:
    """Read the todos of `user` from the embedded database. Raises `OSError` or `sqlite3.Error`."""
    import sqlite3
    from contextlib import closing

    path = paths.database_file()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0.2)) as database:
        rows = database.execute(
            "SELECT number, title, CASE WHEN deleted_at IS NOT NULL THEN 'trash' WHEN completed_at IS NOT NULL"
            " THEN 'done' ELSE 'open' END, project, tags"
            " FROM todos WHERE user_id = (SELECT id FROM users WHERE name = ?) ORDER BY number DESC LIMIT ?",
            (user, 10 * MAX_TODOS),
        ).fetchall()
    live = [row for row in rows if row[2] != "trash"]
    tags = [tag for row in live for tag in (json.loads(row[4]) if row[4] else ())]
    return CompletionCache(
        [(row[0], row[1], row[2]) for row in rows], tags, _with_parents(row[3] for row in live if row[3])
    )


def changes_of_embedded(user: str) -> list[tuple[str, str]]:
    """Read the newest changes of `user`, not undos, from the embedded database: the id, and the title of a todo.

    Raises `OSError` or `sqlite3.Error`.
    """
    import sqlite3
    from contextlib import closing

    path = paths.database_file()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0.2)) as database:
        return database.execute(
            "SELECT id, (SELECT json_extract(coalesce(after, before), '$.title') FROM history"
            " WHERE change_id = changes.id AND user_id = changes.user_id LIMIT 1)"
            " FROM changes WHERE user_id = (SELECT id FROM users WHERE name = ?) AND undoes IS NULL"
            " ORDER BY seq DESC LIMIT ?",
            (user, MAX_CHANGES),
        ).fetchall()


def recalled(profile: Profile) -> CompletionCache:
    """Read the cache. Raises `OSError` if there is none, and various exceptions if its content is broken."""
    data = json.loads(_file(profile).read_text(encoding="utf-8"))
    todos = [(int(number), str(title), str(state)) for number, title, state in data["todos"]]
    return CompletionCache(todos, map(str, data["tags"]), map(str, data["projects"]))


def remember(
    profile: Profile,
    todos: Iterable[TodoLine | TodoRead] = (),
    *,
    all_open: bool = False,
    tags: Iterable[str] | None = None,
    projects: Iterable[str] | None = None,
    gone: Iterable[int] = (),
) -> None:
    """Add the `todos` that a command showed. With `all_open`, they are all that are open.

    `tags` and `projects`, if given, replace the known ones. `gone` are numbers to drop. Never raises: a failure only
    leaves the cache as it is.
    """
    with suppress(Exception):
        try:
            known = recalled(profile)
        except Exception:
            known = CompletionCache()
        kept = {row[0]: row for row in known.todos if not (all_open and row[2] == "open") and row[0] not in set(gone)}
        all_tags = set(known.tags if tags is None else tags)
        all_projects = set(known.projects if projects is None else projects)
        for todo in todos:
            kept[todo.number] = (todo.number, todo.title, todo.state)
            all_tags |= {*todo.tags}
            all_projects |= _with_parents([todo.project] if todo.project else [])
        new = CompletionCache(kept.values(), all_tags, all_projects)
        if (new.todos, new.tags, new.projects) != (known.todos, known.tags, known.projects):
            _write(_file(profile), {"todos": new.todos, "tags": new.tags, "projects": new.projects})


def forget(profile: Profile) -> None:
    """Delete the cache. A purge does this, so that no destroyed title stays behind. Never raises."""
    with suppress(Exception):
        _file(profile).unlink()


def _with_parents(projects: Iterable[str]) -> set[str]:
    found = set()
    for project in projects:
        parts = project.split("/")
        found |= {"/".join(parts[: i + 1]) for i in range(len(parts))}
    return found


def _file(profile: Profile) -> Path:
    place = re.sub(r"//[^/@]*@", "//", profile.database_url() or "")  # without the role's name and password
    name = sha256(f"{profile.user}\n{place}".encode()).hexdigest()[:32]
    return paths.cache_folder() / f"known-{name}.json"


def _write(path: Path, data: object) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(data, ensure_ascii=False)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)
