"""`/livez` says that the process turns, `/readyz` that it can do its work; nothing about why to strangers."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from wall.catalogue import Catalogue
from wall.errors import CatalogueError

READY_SECONDS = 2.0  # who asks has a limit of its own, and should hear us before it


def health_routes(catalogue: Catalogue, ready: Callable[[], bool]) -> list[Route]:
    """`ready` adds what this process needs beside the catalogue, such as the relay's upstream."""

    async def livez(_: Request) -> Response:
        return _plain(HTTPStatus.OK)

    async def readyz(_: Request) -> Response:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await catalogue.walls.all()
        except (CatalogueError, TimeoutError):
            return _plain(HTTPStatus.SERVICE_UNAVAILABLE)
        return _plain(HTTPStatus.OK if ready() else HTTPStatus.SERVICE_UNAVAILABLE)

    return [Route("/livez", livez), Route("/readyz", readyz)]


def _plain(status: HTTPStatus) -> Response:
    return PlainTextResponse("ok" if status is HTTPStatus.OK else "not ready", status, {"cache-control": "no-store"})
