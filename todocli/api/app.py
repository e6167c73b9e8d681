"""Assembles the API."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from importlib import resources, util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import Depends, FastAPI, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route

from todocli import __version__
from todocli.api import batches, claims, errors, feed, history, me, page, repeating, todos
from todocli.api.auth import Authenticator, security
from todocli.api.metrics import CONTENT_TYPE, Metrics
from todocli.api.middleware import RequestGuard, RequestLog
from todocli.api.openapi import openapi_document
from todocli.api.settings import Settings
from todocli.database import probe
from todocli.database.store import Store, open_store
from todocli.database.target import resolve_target
from todocli.errors import NotFound
from todocli.schemas.views import QueryList

if TYPE_CHECKING:
    from todocli.api.mcp_endpoint import McpEndpoint

READY_SECONDS = 2.0
"""The deadline of the readiness check, on a connection of its own, however busy the others are."""

_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon-32x32.png": "image/png"}
_OF_MCP = ("MCP-Protocol-Version", "Mcp-Method", "Mcp-Name")
_ALLOWED = ("Authorization", "Content-Type", "If-Match", "If-None-Match", "Idempotency-Key", *_OF_MCP)
_DESCRIPTION = "Your todos, for web pages, phones and other programs. `todo undo` takes back what they change.\n\n"
_BEARER = "Authenticate with a bearer token: `todo token create NAME` creates one."
_GATEWAY = "A gateway authenticates the user."


def create_app(
    store: Store | None,
    settings: Settings,
    *,
    user: str | None = None,
    views: Callable[[], QueryList] = lambda: QueryList.of([]),
) -> FastAPI:
    """Return the API on an open database, which it closes at the end; without one it can only describe itself.

    `views` returns what is saved on this machine for `user`.
    """

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with mcp.running() if mcp else nullcontext():
            yield
        if store:
            store.close()

    mcp = _mcp(store) if store else None
    app = FastAPI(
        title="todo",
        version=__version__,
        contact={"name": "The authors of todo"},
        license_info={"name": "MIT", "identifier": "MIT"},
        servers=[{"url": settings.root_path or "/", "description": "This server."}],
        openapi_tags=[
            {"name": "Todos", "description": "The todos of one user."},
            {"name": "History", "description": "What changed, and how to take it back."},
            {"name": "User", "description": "Who the user is, and what names they use."},
        ],
        description=_DESCRIPTION + (_GATEWAY if settings.trust_header else _BEARER),
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        separate_input_output_schemas=True,
        redirect_slashes=False,
    )
    app.state.store, app.state.user, app.state.views = store, user, views
    metrics = Metrics(store, settings.connections) if store and settings.metrics else None
    if store:
        app.state.authenticator = Authenticator(store, settings)
    for router in (batches.adding, *(part.router for part in (batches, todos, claims, repeating, history, me))):
        app.include_router(router, dependencies=[Depends(security(settings))])
    app.include_router(feed.router)
    app.include_router(page.router)
    for path in ("/health", "/healthz"):
        app.get(path, include_in_schema=False)(_alive)
    app.get("/readyz", include_in_schema=False)(_ready)
    if metrics:
        app.get("/metrics", include_in_schema=False)(_metrics(metrics))
    if mcp:
        app.router.routes.append(Route(mcp.path, mcp, methods=["POST"], include_in_schema=False))
    app.get("/docs", include_in_schema=False)(_docs)
    app.get("/docs/{name}", include_in_schema=False)(_docs_file)
    app.openapi = partial(openapi_document, app, settings.trust_header)  # type: ignore[method-assign]
    errors.install(app)
    app.add_middleware(GZipMiddleware, minimum_size=1_024)
    app.add_middleware(RequestGuard, settings=settings)
    app.add_middleware(RequestLog, metrics=metrics)
    if settings.origins:  # outermost, so that a page can read refusals
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=_ALLOWED,
            expose_headers=["ETag", "Location", "Retry-After", "WWW-Authenticate"],
        )
    return app


def openapi(settings: Settings) -> dict[str, Any]:
    """Return the description of the API (OpenAPI 3.1)."""
    return openapi_document(create_app(None, settings), settings.trust_header)


def worker(views: Callable[[], QueryList]) -> FastAPI:
    """Return the API for a worker process of `todo serve`. `views` is as in `create_app`."""
    from todocli import profiles
    from todocli.database.setup import ensure_schema

    settings = Settings.from_environment()
    profile = profiles.resolve(settings.profile)
    target = resolve_target(profile)
    if isinstance(target, Path):
        ensure_schema(target)
    store = Store(target, seconds=profile.timeout, connections=settings.connections)
    return create_app(store, settings, user=profile.user, views=views)


def _mcp(store: Store) -> McpEndpoint | None:
    """Return the endpoint for agents, if its extra is installed."""
    if util.find_spec("mcp_types") is None:  # version 1 of the SDK does not have it
        return None
    from todocli.api.mcp_endpoint import McpEndpoint

    return McpEndpoint(store)


async def _alive() -> dict[str, str]:
    """Answer that the process is alive."""
    return {"status": "alive"}


def _ready(request: Request) -> dict[str, str]:
    """Answer that the database responds, with the schema that this program needs."""
    with open_store(request.app.state.store.target, seconds=READY_SECONDS) as own:
        probe.check(own)
    return {"status": "ready"}


def _metrics(metrics: Metrics) -> Callable[[], Awaitable[Response]]:
    async def serve() -> Response:
        """Serve what this process has counted."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return serve


async def _docs(request: Request) -> Response:
    """Serve a page to try the API. It loads nothing from other hosts."""
    root = request.scope.get("root_path", "")
    page = get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title="todo",
        swagger_js_url=f"{root}/docs/swagger-ui-bundle.js",
        swagger_css_url=f"{root}/docs/swagger-ui.css",
        swagger_favicon_url=f"{root}/docs/favicon-32x32.png",
        swagger_ui_parameters={"tryItOutEnabled": True},
    )
    page.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
    )
    return page


async def _docs_file(name: str) -> Response:
    """Serve a file of that page."""
    if name not in _FILES:
        raise NotFound("There is no such file.")
    data = resources.files("fastapi_swagger").joinpath("resources", name).read_bytes()
    return Response(data, media_type=_FILES[name], headers={"Cache-Control": "max-age=86400"})
