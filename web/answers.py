"""Answers of the public API: JSON that no cache keeps, and refusals in one form (docs/wire.md, HTTP)."""

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from wall.errors import CatalogueUnavailable, NotFound

RETRY_AFTER = "2"  # seconds; what a viewer waits before it asks a busy catalogue again

Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(endpoint: Endpoint) -> Endpoint:
    """The endpoint, with what the catalogue raises as an answer."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except NotFound as error:
            return refusal(HTTPStatus.NOT_FOUND, "not-found", error.public)
        except CatalogueUnavailable:
            return busy()

    return answer


def plain_answer(fields: Mapping[str, object], status: int = HTTPStatus.OK) -> Response:
    return Response(
        json.dumps(fields, ensure_ascii=False, separators=(",", ":")),
        status,
        media_type="application/json",
        headers={"cache-control": "no-store"},
    )


def refusal(status: HTTPStatus, code: str, sentence: str) -> Response:
    return plain_answer({"error": {"code": code, "sentence": sentence}}, status)


def busy() -> Response:
    response = refusal(HTTPStatus.SERVICE_UNAVAILABLE, "busy", "The wall is busy; try again in a moment.")
    response.headers["retry-after"] = RETRY_AFTER
    return response
