"""The door of the API: nobody gets past it without a session, and no write without three proofs of origin."""

from collections.abc import Collection

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from wall.catalogue import Catalogue
from wall.errors import CatalogueUnavailable
from web.console.refusals import Refused, refusal_of
from web.console.sessions import SignedIn, check_json, check_origin, check_token, signed_in

API = "/api/console"
_SAFE = frozenset({"GET", "HEAD"})


class Guard:
    """Checks everything below `API` and hands the operator on as `request.state.operator`."""

    def __init__(self, app: ASGIApp, *, catalogue: Catalogue, origins: Collection[str]) -> None:
        self._app = app
        self._catalogue = catalogue
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _guarded(scope):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            operator = await signed_in(self._catalogue, request)
            if request.method not in _SAFE:
                check_origin(request, self._origins)
                check_token(request, operator)
                check_json(request)
        except (Refused, CatalogueUnavailable) as error:
            await refusal_of(error)(scope, receive, send)
            return
        request.state.operator = operator
        await self._app(scope, receive, send)


def operator_of(request: Request) -> SignedIn:
    """Who is asking. Every router below `API` depends on it, so that a way around the guard ends here (401)."""
    operator: SignedIn | None = getattr(request.state, "operator", None)
    if operator is None:
        raise Refused(401, "signed_out", "You are not signed in.")
    return operator


def _guarded(scope: Scope) -> bool:
    # the path as routes see it, wherever the application is mounted
    path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
    return path == API or path.startswith(API + "/")
