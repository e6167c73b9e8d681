"""The page for a browser: files that are the same for everybody, so they need no token."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated

from fastapi import APIRouter, Header, Response

from todocli.api.requests import unless_known, weak_etag
from todocli.errors import NotFound

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
    " require-trusted-types-for 'script'; trusted-types 'none'"
)
"""The Content-Security-Policy: nothing inline, nothing from elsewhere, and no text that becomes HTML."""

_INDEX = "index.html"
_TYPES = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "png": "image/png",
    "webmanifest": "application/manifest+json",
}
_HEADERS = {
    "Cache-Control": "no-cache",  # kept, but asked for again: modules of two versions do not fit together
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
}

router = APIRouter(include_in_schema=False)

Known = Annotated[str | None, Header(alias="If-None-Match")]


@router.get("/")
async def index(if_none_match: Known = None) -> Response:
    """Serve the page. What it links to is relative, so that it works under any prefix."""
    return _answer(_INDEX, if_none_match)


@router.get("/page/{name}")
async def page_file(name: str, if_none_match: Known = None) -> Response:
    """Serve a file of the page."""
    if name not in _files() or name == _INDEX:  # its links are relative to the root
        raise NotFound("There is no such file.")
    return _answer(name, if_none_match)


def _answer(name: str, if_none_match: str | None) -> Response:
    content, etag = _files()[name]
    found = Response(content, media_type=_TYPES[name.rpartition(".")[2]])
    answer = unless_known(found, etag, found, if_none_match)
    answer.headers.update(_HEADERS)
    return answer


@cache
def _files() -> dict[str, tuple[bytes, str]]:
    """Return the files by name, each with its ETag."""
    folder = resources.files("todocli.api").joinpath("page")
    contents = {path.name: path.read_bytes() for path in folder.iterdir()}
    return {name: (content, weak_etag(content)) for name, content in contents.items()}
