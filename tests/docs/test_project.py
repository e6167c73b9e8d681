"""The house is in order: types, style and layers hold, and everything is where it belongs."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 400
WRITTEN_BY_A_PROGRAM = re.compile(r'\A"""[^\n]* Written by scripts/(write_\w+\.py)\."""\n')

LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command as main; sys.exit(main())"
TOOLS = {
    "mypy": ["-m", "mypy"],
    "ruff": ["-m", "ruff", "check"],
    "format": ["-m", "ruff", "format", "--check", "--diff"],
    "imports": ["-c", LINT_IMPORTS, "--no-cache"],
}

READS_THE_ENVIRONMENT = {
    "todocli/__main__.py": "the fast exits",
    "todocli/paths.py": "TODO_HOME",
    "todocli/profiles.py": "TODO_PROFILE, TODO_DATABASE_URL, the variable that a profile names",
    "todocli/database/postgres/connect.py": "PGSSLROOTCERT; the variables that must not reach libpq",
    "todocli/cli/context.py": "what the terminal can do",
    "todocli/cli/editor.py": "VISUAL, EDITOR",
    "todocli/cli/commands/serve.py": "leaves the settings for the workers",
    "todocli/api/settings.py": "takes them",
    "alembic/env.py": "TODO_DATABASE_URL, for who runs the alembic command",
}

AT_THE_TOP = {
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "alembic",
    "docs",
    "todocli",
    "tests",
    "scripts",
}
BUILT = {"build", "dist", "PKG-INFO"}
"""What tools leave behind, beside their dot files; no part of the house."""

ELSEWHERE = (
    re.compile(r"\b(?:[\w-]+\.)*(?:py" + r"pi\.org|python" + r"hosted\.org|npm" + r"js\.(?:org|com))\b", re.IGNORECASE),
    re.compile(r"(?<![\w.~$}/-])/(?:ro" + r"ot|ho" + r"me/\w+|Us" + r"ers/\w+)(?=[/\s\"'`:)]|$)", re.MULTILINE),
)
"""Names of package registries, and of somebody's home."""


def source() -> list[Path]:
    """Return the modules of the program and of its migrations."""
    return sorted(path for folder in ("todocli", "alembic") for path in (ROOT / folder).rglob("*.py"))


def kept() -> list[Path]:
    """Return the files that belong to the project: git's, and those it would take; all, where there is no git."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        names = [git, "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(names, capture_output=True, text=True, check=False)
        if listed.returncode == 0 and listed.stdout:
            return [path for name in listed.stdout.split("\0")[:-1] if (path := ROOT / name).is_file()]
    return [
        path for top in ROOT.iterdir() if top.name not in BUILT and not top.name.startswith(".") for path in _in(top)
    ]


def _in(top: Path) -> Iterator[Path]:
    for path in [top, *top.rglob("*")]:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_is_content(tool: str) -> None:
    done = subprocess.run(
        [sys.executable, *TOOLS[tool]],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{tool} says:\n{done.stdout}", pytrace=False)


def test_the_folder_of_the_migrations_does_not_shadow_the_library() -> None:
    assert not list((ROOT / "alembic").rglob("__init__.py"))
    assert (ROOT / "alembic/env.py").is_file()


def test_modules_are_short() -> None:
    lengths = {path: len(text.splitlines()) for path in source() if not _is_generated(text := path.read_text("utf-8"))}
    assert len(lengths) > 20
    assert {str(path.relative_to(ROOT)): lines for path, lines in lengths.items() if lines > LIMIT} == {}


def _is_generated(text: str) -> bool:
    """Tell whether a program writes this module: one that is there."""
    found = WRITTEN_BY_A_PROGRAM.match(text)
    return found is not None and (ROOT / "scripts" / found[1]).is_file()


def test_the_top_level_holds_what_it_should() -> None:
    top = {path.relative_to(ROOT).parts[0] for path in kept()}
    assert {name for name in top if not name.startswith(".")} == AT_THE_TOP


def test_the_environment_is_read_at_the_doors_only() -> None:
    readers = {str(path.relative_to(ROOT)) for path in source() if reads_environment(path.read_text("utf-8"))}
    assert readers == set(READS_THE_ENVIRONMENT)


def reads_environment(text: str) -> bool:
    """Tell whether a module reaches for the environment, under whatever name."""
    names = {"environ", "environb", "getenv", "getenvb"}
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
        ("import os\nos.environb", True),
        ("import os\nos.path.expanduser('~')", False),
        ("def answer(environ): return environ.get('A')", False),
        ("'os.environ'", False),
    ],
)
def test_who_reads_the_environment_is_known(text: str, reads: bool) -> None:
    assert reads_environment(text) is reads


def test_no_file_names_a_registry_or_a_home() -> None:
    found = []
    for path in kept():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {match[0]}" for place in ELSEWHERE for match in place.finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("text", "is_elsewhere"),
    [
        ("https://py" + "pi.org/simple", True),
        ("files.python" + "hosted.org", True),
        ("/ro" + "ot/project", True),
        ("cd /ro" + "ot", True),
        ("see '/ho" + "me/ada/x'", True),
        ("#!/Us" + "ers/ada/.venv/bin/python", True),
        ("{folder}/ho" + "me/todo.db", False),
        ("~/ro" + "ot/x", False),
        ("mypi.org", False),
        ("/rooted", False),
    ],
)
def test_registries_and_homes_are_known(text: str, is_elsewhere: bool) -> None:
    assert any(place.search(text) for place in ELSEWHERE) is is_elsewhere
