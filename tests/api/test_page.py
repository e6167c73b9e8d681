"""The page for a browser, as it is served: its files, and what their headers allow. test_page_browser.py uses it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from typing import Any
from urllib.parse import urljoin

import pytest
from fastapi.testclient import TestClient

from tests.support.api import SETTINGS, error
from todocli.api.app import create_app, openapi

FOLDER = resources.files("todocli.api").joinpath("page")
NAMES = sorted(path.name for path in FOLDER.iterdir())
PATHS = ["/", *(f"/page/{name}" for name in NAMES if name != "index.html")]
TEXTS = {name: FOLDER.joinpath(name).read_text("utf-8") for name in NAMES if not name.endswith(".png")}
SVG = "http://www.w3.org/2000/svg"
"""The name of a namespace, which is never loaded."""


class Markup(HTMLParser):
    """What matters of a page: its elements with their attributes, and the text within scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.code = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in ("script", "style"):
            self.code += data.strip()

    @property
    def links(self) -> list[str]:
        """What the page loads."""
        given = [attrs[name] for _, attrs in self.elements for name in ("src", "href") if name in attrs]
        return [link for link in given if not link.startswith("#")]


@pytest.fixture(scope="module")
def client() -> TestClient:
    """A client without a token, of an app without a database: no request changes it."""
    return TestClient(create_app(None, SETTINGS))


def imports() -> Iterator[tuple[str, str]]:
    """Yield each module, and the path of each that it imports."""
    for name, text in TEXTS.items():
        if name.endswith(".js"):
            for target in re.findall(r'^import .* from "(.+)";$', text, re.MULTILINE):
                yield name, urljoin(f"/page/{name}", target)


@pytest.mark.parametrize("path", PATHS)
def test_file_is_served_without_token_with_its_policy(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"]
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/page/app.js", "text/javascript; charset=utf-8"),
        ("/page/style.css", "text/css; charset=utf-8"),
        ("/page/manifest.webmanifest", "application/manifest+json"),
        ("/page/icon.svg", "image/svg+xml"),
        ("/page/icon-192.png", "image/png"),
    ],
)
def test_file_has_its_content_type(client: TestClient, path: str, media_type: str) -> None:
    assert client.get(path).headers["Content-Type"] == media_type


@pytest.mark.parametrize("path", PATHS)
def test_known_file_is_not_sent_again(client: TestClient, path: str) -> None:
    first = client.get(path)
    etag = first.headers["ETag"]
    again = client.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content


def test_files_have_different_etags(client: TestClient) -> None:
    assert len({client.get(path).headers["ETag"] for path in PATHS}) == len(PATHS)


@pytest.mark.parametrize("path", ["/", "/page/app.js"])
def test_head_answers_as_get_without_body(client: TestClient, path: str) -> None:
    head, get = client.head(path), client.get(path)
    assert (head.status_code, head.content, dict(head.headers)) == (200, b"", dict(get.headers))


def test_text_is_compressed_for_who_takes_it(client: TestClient) -> None:
    assert client.get("/", headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in client.get("/", headers={"Accept-Encoding": "identity"}).headers


@pytest.mark.parametrize("name", ["nothing.js", "page.py", "index.html", "..%2Fpage.py", "%2E%2E%2Fapp.py", "a/app.js"])
def test_unknown_file_is_not_found(client: TestClient, name: str) -> None:
    error(client.get(f"/page/{name}"), 404, "NOT_FOUND")


def test_page_takes_no_other_method(client: TestClient) -> None:
    answer = client.post("/")
    assert error(answer, 405, "USAGE")
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["/", "/page/app.js"])
def test_other_host_is_refused(client: TestClient, path: str) -> None:
    error(client.get(path, headers={"Host": "attacker.example"}), 403, "ACCESS_DENIED")


def test_page_has_no_inline_code() -> None:
    page = Markup(TEXTS["index.html"])
    attributes = {name for _, attrs in page.elements for name in attrs}
    assert page.code == ""
    assert not {name for name in attributes if name == "style" or name.startswith("on")}
    assert "style" not in {tag for tag, _ in page.elements}


def test_page_links_are_relative_and_served(client: TestClient) -> None:
    links = Markup(TEXTS["index.html"]).links
    assert {"page/app.js", "page/style.css", "page/manifest.webmanifest"} <= set(links)
    for link in links:
        assert not link.startswith("/")
        assert client.get(f"/{link}").status_code == 200, link


def test_modules_import_only_what_is_served(client: TestClient) -> None:
    found = list(imports())
    assert ("app.js", "/page/api.js") in found
    assert {path for _, path in found} <= set(PATHS)


def test_manifest_opens_the_page_in_a_window_of_its_own(client: TestClient) -> None:
    place = "/page/manifest.webmanifest"
    manifest: dict[str, Any] = json.loads(TEXTS["manifest.webmanifest"])
    assert (manifest["name"], manifest["display"]) == ("todo", "standalone")
    assert {urljoin(place, manifest[name]) for name in ("id", "start_url", "scope")} == {"/"}
    for icon in manifest["icons"]:
        assert client.get(urljoin(place, icon["src"])).headers["Content-Type"] == icon["type"]


@pytest.mark.parametrize("name", TEXTS)
def test_file_names_no_other_origin(name: str) -> None:
    assert not re.search(r"(https?:)?//[\w.-]+\.\w", TEXTS[name].replace(SVG, ""))


@pytest.mark.parametrize("name", [name for name in TEXTS if name.endswith(".js")])
def test_module_begins_with_what_it_is_for_and_never_writes_html(name: str) -> None:
    assert TEXTS[name].startswith("/* ")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function", TEXTS[name])


def test_page_is_served_under_a_prefix() -> None:
    client = TestClient(create_app(None, replace(SETTINGS, root_path="/todo")), root_path="/todo")
    for prefix in ("", "/todo"):  # whether or not the server puts the prefix back that the proxy has stripped
        answer = client.get(f"{prefix}/")
        assert (answer.status_code, answer.text) == (200, TEXTS["index.html"])
        assert client.get(f"{prefix}/page/app.js").text == TEXTS["app.js"]


def test_openapi_leaves_out_the_page() -> None:
    assert not [path for path in openapi(SETTINGS)["paths"] if not path.startswith("/api/v1/")]


def test_scripts_stay_small() -> None:
    lines = [line.strip() for name, text in TEXTS.items() if name.endswith(".js") for line in text.splitlines()]
    assert len([line for line in lines if line and not line.startswith(("/", "*"))]) <= 750
