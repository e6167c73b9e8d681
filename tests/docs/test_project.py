"""The project is in order: where things live, how they are named, and what may not be committed."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 400
GENERATED = re.compile(r'\A"""[^\n]* Written by scripts/(write_\w+\.py)\."""\n')

READS_THE_ENVIRONMENT = {
    "todocli/__main__.py": "completion",
    "todocli/paths.py": "TODO_HOME",
    "todocli/profiles.py": "TODO_PROFILE, TODO_DATABASE_URL, and the variable that a profile names",
    "todocli/database/postgres/connect.py": "PGSSLMODE, PGSSLROOTCERT, and the variables that must not reach libpq",
    "todocli/daemon/protocol.py": "XDG_RUNTIME_DIR, and what matters when a process starts",
    "todocli/daemon/client.py": "TODO_DAEMON, and all that is handed over",
    "todocli/daemon/child.py": "takes it over",
    "todocli/daemon/control.py": "TODO_DAEMON",
    "todocli/cli/next_command.py": "HOME, where libpq finds files",
    "todocli/database/postgres/ahead.py": "HOME, and whether libpq has variables",
    "todocli/cli/context.py": "TODO_ACTOR",
    "todocli/cli/colour.py": "NO_COLOR and its relatives",
    "todocli/cli/editor.py": "VISUAL, EDITOR",
    "todocli/cli/commands/config.py": "shows which of them are set",
    "todocli/cli/commands/serve.py": "sets the settings of the workers",
    "todocli/api/settings.py": "reads them",
    "alembic/env.py": "TODO_DATABASE_URL, for the alembic command",
}

TOP_LEVEL = {
    *("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", "Makefile"),
    *("alembic", "todocli", "tests", "docs", "scripts"),
}
BUILT = {"build", "dist", "PKG-INFO"}
"""What tools leave behind, beside their dot files."""

SAME_NOUN = {
    *("errors", "todos", "changes", "history", "dates", "fields", "tokens", "summaries"),
    *("app", "claims", "idempotency"),
}
"""Names that modules in different layers share, because they are about the same noun."""

RETIRED = {
    *("step", "steps", "turn", "turns", "told", "said", "tell", "tells", "whose", "whoever", "somebody", "shall"),
    *("patience", "insist", "door", "picking", "picked", "goal", "chooses", "choosing", "meant"),
}
"""Words of an older vocabulary: docs/architecture.md has the glossary."""
OF_LIBRARIES = {"MigrationStep", "stateful_step_count"}

FORBIDDEN = (
    re.compile(r"\b(?:[\w-]+\.)*(?:py" + r"pi\.org|python" + r"hosted\.org|npm" + r"js\.(?:org|com))\b", re.IGNORECASE),
    re.compile(r"(?<![\w.~$}/-])/(?:ro" + r"ot|ho" + r"me/\w+|Us" + r"ers/\w+)(?=[/\s\"'`:)]|$)", re.MULTILINE),
)
"""Hosts of package registries, and home folders."""


def modules(*folders: str) -> list[Path]:
    """Return the modules below some folders of the project."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def committed() -> list[Path]:
    """Return the files that git has, or would take; without git, all."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        command = [git, "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, capture_output=True, text=True, check=False)
        if listed.returncode == 0 and listed.stdout:
            return [path for name in listed.stdout.split("\0")[:-1] if (path := ROOT / name).is_file()]
    return [
        path for top in ROOT.iterdir() if top.name not in BUILT and not top.name.startswith(".") for path in _in(top)
    ]


def _in(top: Path) -> Iterator[Path]:
    for path in [top, *top.rglob("*")]:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


def test_migrations_folder_does_not_shadow_alembic() -> None:
    assert not list((ROOT / "alembic").rglob("__init__.py"))
    assert (ROOT / "alembic/env.py").is_file()


def test_modules_have_at_most_400_lines() -> None:
    texts = {path: path.read_text("utf-8") for path in modules("todocli", "alembic", "scripts")}
    lengths = {name_of(path): len(text.splitlines()) for path, text in texts.items() if not is_generated(text)}
    assert len(lengths) > 20
    assert {name: lines for name, lines in lengths.items() if lines > MAX_LINES} == {}


def is_generated(text: str) -> bool:
    """Whether an existing script writes this module."""
    found = GENERATED.match(text)
    return found is not None and (ROOT / "scripts" / found[1]).is_file()


@pytest.mark.slow
def test_top_level_holds_only_what_it_should() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in committed()}
    assert {name for name in top if not name.startswith(".")} == TOP_LEVEL


def test_modules_share_a_name_only_for_the_same_noun() -> None:
    places = defaultdict(list)
    for path in modules("todocli"):
        if path.stem not in ("__init__", "__main__"):
            places[path.stem].append(name_of(path))
    shared = {name: found for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in shared.items() if name not in SAME_NOUN} == {}


def identifiers(text: str) -> Iterator[str]:
    """Yield the names of a module: of functions, classes, parameters, variables and attributes."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name) | ast.Attribute(attr=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name


def words(identifier: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", identifier)}


def test_identifiers_use_the_current_vocabulary() -> None:
    found = {
        (name_of(path), name)
        for path in modules("todocli", "alembic", "scripts", "tests")
        for name in set(identifiers(path.read_text("utf-8")))
        if name not in OF_LIBRARIES and words(name) & RETIRED
    }
    assert found == set()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("def take_step(): pass", {"step"}),
        ("class UndoTurn: pass", {"turn"}),
        ("x.told", {"told"}),
        ("f(patience=1)", {"patience"}),
        ("def returns(): pass", set()),
        ("'a step'", set()),
    ],
)
def test_retired_words_are_found_in_identifiers(text: str, found: set[str]) -> None:
    assert {word for name in identifiers(text) for word in words(name)} & RETIRED == found


def test_modules_that_start_processes_are_marked() -> None:
    for path in modules("tests"):
        text = path.read_text("utf-8")
        if path.name.startswith("test_") and re.search(r"^import subprocess$", text, re.MULTILINE):
            assert re.search(r"pytest\.mark\.(slow|external)", text), name_of(path)


def test_environment_is_read_only_at_the_edges() -> None:
    readers = {name_of(path) for path in modules("todocli", "alembic") if reads_environment(path.read_text("utf-8"))}
    assert readers == set(READS_THE_ENVIRONMENT)


def reads_environment(text: str) -> bool:
    """Whether a module accesses the environment, under whatever name."""
    names = {"environ", "environb", "getenv", "getenvb"}
    if not any(name in text for name in names):
        return False
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module in ("os", "posix"):
            if names & {alias.name for alias in node.names}:
                return True
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in names:
            return True
    return False


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("import os\nos.environ['A']", True),
        ("import os as system\nsystem.getenv('A')", True),
        ("def f():\n    from os import environ as e", True),
        ("import os\nos.path.expanduser('~')", False),
        ("def answer(environ): return environ.get('A')", False),
        ("'os.environ'", False),
    ],
)
def test_environment_access_is_recognised(text: str, reads: bool) -> None:
    assert reads_environment(text) is reads


@pytest.mark.slow
def test_no_file_names_a_registry_or_a_home() -> None:
    found = []
    for path in committed():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name_of(path)}: {match[0]}" for pattern in FORBIDDEN for match in pattern.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("text", "is_forbidden"),
    [
        ("https://py" + "pi.org/simple", True),
        ("files.python" + "hosted.org", True),
        ("/ro" + "ot/project", True),
        ("see '/ho" + "me/ada/x'", True),
        ("#!/Us" + "ers/ada/.venv/bin/python", True),
        ("{folder}/ho" + "me/todo.db", False),
        ("~/ro" + "ot/x", False),
        ("mypi.org", False),
        ("/rooted", False),
    ],
)
def test_registries_and_homes_are_recognised(text: str, is_forbidden: bool) -> None:
    assert any(pattern.search(text) for pattern in FORBIDDEN) is is_forbidden
