"""Gives a new embedded file its schema by copying one that has it."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from todocli.database import migrations, sqlite_file
from todocli.database.revisions import Revision
from todocli.database.target import Target

_lock = threading.Lock()


def copying(template: Path) -> Callable[..., list[Revision]]:
    """Return a function like `migrations.upgrade` that copies the file `template` if only a new file is asked for.

    It names no revisions then. Two threads may ask for the same file, two processes must not.
    """
    migrate = migrations.upgrade

    def upgrade(target: Target, *wanted: Any, **options: Any) -> list[Revision]:
        if isinstance(target, Path) and not wanted and not options:
            with _lock:
                if sqlite_file.is_blank(target):
                    sqlite_file.create_file(target)
                    shutil.copyfile(template, target)
                    return []
        return migrate(target, *wanted, **options)

    return upgrade
