"""The API in a process that serves it, with what only the command line knows."""

from __future__ import annotations

from functools import partial

from fastapi import FastAPI

from todocli.api import app as api
from todocli.cli.app import build
from todocli.cli.view_queries import read_views


def worker() -> FastAPI:
    """Return the API for a worker process of `todo serve`."""
    return api.worker(partial(read_views, build()))
