"""Each module can be the first of the program that a process imports: it needs no other before it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import todocli

pytestmark = pytest.mark.slow

FOLDER = Path(todocli.__file__).parent
CHILDREN = """
import os, sys
import sqlalchemy, sqlmodel, pydantic  # once, not in each child
for name in sys.argv[1:]:
    if not (child := os.fork()):
        try:
            __import__(name)
        except BaseException as error:
            print(name, repr(error), flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


def test_every_module_can_be_imported_first() -> None:
    paths = (path.relative_to(FOLDER.parent).with_suffix("") for path in sorted(FOLDER.rglob("*.py")))
    names = [".".join(path.parts) for path in paths if not path.name.startswith("__")]
    assert "todocli.services.imports.importing" in names
    done = subprocess.run([sys.executable, "-c", CHILDREN, *names], capture_output=True, text=True, check=True)
    assert done.stdout == ""
