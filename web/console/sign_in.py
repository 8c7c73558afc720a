"""Sign-in by one-time link.

Opening the link only shows a button: programs that look at links in mails and chats must not use it up. The button
posts the token, which gives the session's cookie.
"""

import html
import math
import time
from collections.abc import Callable, Collection
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from wall.catalogue import Catalogue
from web.console.attempts import Attempts
from web.console.guard import operator_of
from web.console.refusals import Refused
from web.console.sessions import check_origin, give_cookie, take_cookie

_HERE = Path(__file__).parent
_PAGE = Template((_HERE / "sign_in.html").read_text("utf-8"))
_STYLE = (_HERE / "sign_in.css").read_text("utf-8")
_TOKEN_CHARACTERS = 200

_SPENT = "This link does not work any more. It was used already, or it is older than a day."
_FRESH = "Ask for a new one: frieze operator link NAME."


def sign_in_routes(
    catalogue: Catalogue, origins: Collection[str], clock: Callable[[], float] = time.monotonic
) -> APIRouter:
    """`/console/sign-in` and `/api/console/sign-out`."""
    router = APIRouter()
    attempts = Attempts(clock)

    @router.get("/console/sign-in", include_in_schema=False)
    def show(token: str = "") -> Response:
        return _page(token)

    @router.get("/console/sign-in.css", include_in_schema=False)
    def style() -> Response:
        return Response(_STYLE, media_type="text/css", headers={"cache-control": "max-age=300"})

    @router.post("/console/sign-in", include_in_schema=False)
    async def sign_in(request: Request) -> Response:
        check_origin(request, origins)
        address = request.client.host if request.client else ""
        if wait := attempts.wait_for(address):
            return _page(
                "",
                "Too many links were tried from here. Wait a minute.",
                status=429,
                headers={"retry-after": str(math.ceil(wait))},
            )
        token = _token_of(await request.body())
        secret = await catalogue.operators.sign_in(token) if token else None
        if secret is None:
            attempts.failed(address)
            return _page("", f"{_SPENT} {_FRESH}", status=403)
        response = RedirectResponse("/console", status_code=303, headers={"cache-control": "no-store"})
        give_cookie(request, response, secret)
        return response

    @router.post("/api/console/sign-out", status_code=204, tags=["session"])
    async def sign_out(request: Request) -> Response:
        """End this session, here and on its live stream."""
        await catalogue.operators.sign_out(operator_of(request).secret)
        catalogue.changed.fire()
        response = Response(status_code=204)
        take_cookie(request, response)
        return response

    _: tuple[Any, ...] = (show, style, sign_in, sign_out)
    return router


def _token_of(body: bytes) -> str:
    """The form's token; empty when there is none."""
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=4)
    except ValueError as error:
        raise Refused(422, "invalid", "This is not the sign-in form.") from error
    token = fields.get("token", [""])[0].strip()
    return token if len(token) <= _TOKEN_CHARACTERS else ""


def _page(token: str, problem: str = "", *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    if not token and not problem:
        problem = f"This address needs the token from a sign-in link. {_FRESH}"
    token = token[:_TOKEN_CHARACTERS]
    body = _PAGE.substitute(
        token=html.escape(token),
        problem=html.escape(problem),
        form_hidden="hidden" if problem else "",
        problem_hidden="" if problem else "hidden",
    )
    return HTMLResponse(body, status_code=status, headers={"cache-control": "no-store", **(headers or {})})
