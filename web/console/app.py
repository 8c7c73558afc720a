"""The console as one ASGI application."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from wall.catalogue import Catalogue
from wall.errors import FriezeError
from web.console.bodies import Bodies
from web.console.guard import API, Guard, operator_of
from web.console.guests import guest_routes
from web.console.headers import CONSOLE
from web.console.live import live_routes
from web.console.posts import post_routes
from web.console.refusals import Refused, answer_refusal
from web.console.searches import search_routes
from web.console.sign_in import sign_in_routes
from web.console.walls import wall_routes
from web.console.watch import Watch
from web.headers import SecurityHeaders

_NOT_BUILT = (
    "<!doctype html><title>Frieze</title><p>The console's page is not built yet. Run script/setup, then reload."
)


def console_app(
    catalogue: Catalogue,
    *,
    pages: Path,
    networks: Mapping[str, Callable[[str], None]],
    origins: tuple[str, ...] = (),
) -> FastAPI:
    """Everything below `/console` and `/api/console`.

    `pages` is the folder with the built `console.html`. `networks` has, by name, each network that searches may
    use, with what raises SourceRefused for a query it would not take. `origins` are those (`https://host`) from
    which writes are taken besides the host that was asked.

    `app.state.watch.close()` ends the live streams; call it before the server waits for its connections to end.
    """
    app = FastAPI(title="Frieze console", version="1", docs_url=None, redoc_url=None, openapi_url=None)
    watch = Watch(catalogue)
    app.state.watch = watch
    # the last one added is the outermost
    app.add_middleware(Guard, catalogue=catalogue, origins=origins)
    app.add_middleware(Bodies)
    app.add_middleware(SecurityHeaders, always=CONSOLE)
    for kind in (Refused, FriezeError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer_refusal)
    app.include_router(_page_routes(app, pages))
    app.include_router(sign_in_routes(catalogue, origins))
    app.include_router(wall_routes(catalogue, networks))
    app.include_router(guest_routes(catalogue))
    app.include_router(search_routes(catalogue, networks))
    app.include_router(post_routes(catalogue))
    app.include_router(live_routes(watch))
    return app


def _page_routes(app: FastAPI, pages: Path) -> APIRouter:
    router = APIRouter()

    @router.api_route("/console", methods=["GET", "HEAD"], include_in_schema=False)
    def page() -> Response:
        try:
            text = (pages / "console.html").read_text("utf-8")
        except FileNotFoundError:
            return HTMLResponse(_NOT_BUILT, status_code=503)
        return HTMLResponse(text, headers={"cache-control": "no-cache"})

    @router.get(f"{API}/openapi.json", include_in_schema=False, dependencies=[Depends(operator_of)])
    def openapi() -> dict[str, Any]:
        return app.openapi()

    _: tuple[Any, ...] = (page, openapi)
    return router
