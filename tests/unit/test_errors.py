"""Every error has an exit status and an HTTP status."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import todocli
from todocli.api import errors as api_errors
from todocli.cli import exits
from todocli.errors import TodoError

for _module in pkgutil.walk_packages(todocli.__path__, "todocli."):  # classes exist once their module is imported
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)


def _classes(root: type[TodoError] = TodoError) -> Iterator[type[TodoError]]:
    yield root
    for below in root.__subclasses__():
        yield from _classes(below)


HTTP_ONLY = {"LIMIT_EXCEEDED", "TOO_MANY_REQUESTS", "UNSUPPORTED_MEDIA_TYPE"}
CLASSES = sorted(set(_classes()), key=lambda cls: cls.__qualname__)


def _instance(cls: type[TodoError]) -> TodoError:
    """Return an error of a class, whatever its constructor takes: a status depends on the class only."""
    return cls.__new__(cls)


def test_walk_finds_errors_of_every_layer() -> None:
    modules = {cls.__module__ for cls in CLASSES}
    assert modules >= {"todocli.errors", "todocli.api.errors", "todocli.services.selection"}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__qualname__)
def test_error_has_exit_status(cls: type[TodoError]) -> None:
    if cls.code in HTTP_ONLY:
        assert cls.__module__ == "todocli.api.errors", "the command line never raises it"
        return
    status = exits.status_of(_instance(cls))
    assert 1 <= status <= 9
    assert (status == 1) is (cls.code == "SERVER_ERROR")


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__qualname__)
def test_error_has_http_status(cls: type[TodoError]) -> None:
    status = api_errors.status_of(_instance(cls))
    assert 400 <= status <= 503
    assert (status == 500) is (cls.code == "SERVER_ERROR")


def test_published_codes_are_those_of_classes() -> None:
    codes = {cls.code for cls in CLASSES}
    assert {code for row in exits.TABLE for code in row.error_codes} == codes - HTTP_ONLY
    assert set(api_errors.STATUSES) == codes


def test_error_of_field_repeats_detail_for_field() -> None:
    error = TodoError.of("due", "'soon' is not a day.", hint="List them", command=("todo", "help", "dates"))
    assert error.field_errors == (("due", "'soon' is not a day."),)
    assert (error.detail, error.hint, error.command) == (
        "'soon' is not a day.",
        "List them",
        ("todo", "help", "dates"),
    )
