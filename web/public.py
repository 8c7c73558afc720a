"""The wall page and what it reads: the wall's settings, its snapshot, its log (docs/wire.md)."""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from wall.catalogue import Catalogue
from wall.catalogue.nodes import addresses
from wall.catalogue.walls import Wall
from wall.errors import CatalogueUnavailable, NotFound
from wall.events import Cursor
from wall.searches import Search
from web.access import Access
from web.adding import adding_path
from web.answers import guarded, plain_answer, refusal
from web.direct import Direct
from web.gallery import METHODS, PostList
from web.headers import guest_policy, wall_policy
from web.snapshots import Shared, Snapshots

NO_RELAY = (
    "This installation can't show secret walls: it sends viewers to the broker itself, which can't check who may see "
    "what. Set FRIEZE_VIEWER_URL to a relay, such as /stomp."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPages:
    """`connect` is where browsers subscribe: a path on this host, or a `ws://…`/`wss://…` address."""

    catalogue: Catalogue
    built: Path
    connect: str
    # where guests' browsers may send bytes besides here; None: nowhere
    direct: Direct | None = None
    # other sites whose pages may read the list of posts
    origins: Sequence[str] = ()

    def routes(self) -> list[Route | Mount]:
        snapshots = Snapshots(self.catalogue)
        access = Access(self.catalogue)
        page = _Page(self.built / "wall.html")
        guest = _Page(self.built / "guest.html")

        async def home(_: Request) -> Response:
            first = next((wall for wall in await self.catalogue.walls.all() if not wall.secret), None)
            if first is None:
                raise NotFound("There is no public wall here.")
            return RedirectResponse(f"/w/{first.slug}", HTTPStatus.TEMPORARY_REDIRECT)

        async def wall_page(request: Request) -> Response:
            nodes: list[str] = []
            try:
                nodes = await self._nodes()
                await access.wall(request)
            except NotFound:
                # The key of a secret wall's link never comes here, it stays in the browser: so the page is the answer
                # for a wall that is not there and for a secret one, and says itself what it finds.
                return page.response(wall_policy(self.connect, *nodes), HTTPStatus.NOT_FOUND)
            except CatalogueUnavailable:
                pass  # the page itself says that it is not live, and goes on asking
            return page.response(wall_policy(self.connect, *nodes))

        async def guest_page(_: Request) -> Response:
            # Whether the wall is there, and takes anything, the page asks with the key that only it has: so it is the
            # same for every address.
            stores = await self.direct.origins() if self.direct is not None else ()
            return guest.response(guest_policy(*stores), referrer="same-origin")

        async def wall(request: Request) -> Response:
            now = self.catalogue.now()
            adding = await access.adding(request)
            if adding is not None:
                # whoever may only add sees nothing else of it
                return plain_answer({"slug": adding.slug, "title": adding.title, "uploads": adding.uploads.public(now)})
            found = await access.wall(request)
            if found.secret and connect_kind(self.connect) == "broker":
                return refusal(HTTPStatus.NOT_IMPLEMENTED, "no-relay", NO_RELAY)
            token = await access.token(request, found)
            searches = await self.catalogue.searches.all(found.slug)
            return plain_answer(
                {
                    "slug": found.slug,
                    "title": found.title,
                    "settings": dict(found.settings),
                    "looking_for": _looking_for(searches),
                    "connect": {"kind": connect_kind(self.connect), "url": self.connect},
                    "nodes": [{"url": url} for url in await self._nodes()],
                    "uploads": await self._uploads(found),
                    **({} if token is None else {"token": token}),
                }
            )

        async def snapshot(request: Request) -> Response:
            shared = await snapshots.snapshot((await access.wall(request)).slug)
            return _shared(request, shared, self.catalogue)

        async def events(request: Request) -> Response:
            try:
                cursor = Cursor.parse(request.query_params.get("after", ""))
            except ValueError as error:
                return refusal(HTTPStatus.BAD_REQUEST, "bad-cursor", f"Bad `after`: {error}.")
            shared = await snapshots.events((await access.wall(request)).slug, cursor)
            if shared is None:
                return refusal(HTTPStatus.GONE, "gone", "These events are gone; take a snapshot.")
            return _shared(request, shared, self.catalogue)

        return [
            Route("/", guarded(home)),
            Route("/w/{slug}", wall_page),
            Route("/w/{slug}/add", guest_page),
            Route("/w/{slug}/receipt", guest_page),
            Route("/u/{upload}", guest_page),
            Route("/api/walls/{slug}", guarded(wall)),
            Route("/api/walls/{slug}/snapshot", guarded(snapshot)),
            Route("/api/walls/{slug}/events", guarded(events)),
            Route("/api/walls/{slug}/posts", PostList(self.catalogue, access, self.origins).answer, methods=METHODS),
            Mount("/static", _BuiltFiles(directory=self.built)),
        ]

    async def _uploads(self, wall: Wall) -> dict[str, object] | None:
        """What guests may add, and where."""
        told = wall.uploads.public(self.catalogue.now())
        return None if told is None else {**told, "link": await adding_path(self.catalogue, wall)}

    async def _nodes(self) -> list[str]:
        """The relays a viewer may go to, in the order it should try them, drawn anew for each; none where viewers
        subscribe at the broker."""
        if connect_kind(self.connect) == "broker":
            return []
        return addresses(await self.catalogue.nodes.running(), self.connect, random.random)


class _Page:
    """A built page, read again when the build changed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def response(self, policy: str, status: HTTPStatus = HTTPStatus.OK, referrer: str | None = None) -> Response:
        headers = {"content-security-policy": policy, "cache-control": "no-cache"}
        if referrer is not None:
            headers["referrer-policy"] = referrer
        return Response(self._path.read_bytes(), status, media_type="text/html", headers=headers)


class _BuiltFiles(StaticFiles):
    """Files of the build: those with a hash in their name never change."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["frieze_immutable"] = "/assets/" in scope["path"]
        await super().__call__(scope, receive, send)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        lasting = "public, max-age=31536000, immutable"
        response.headers["cache-control"] = lasting if scope["frieze_immutable"] else "no-cache"
        return response


def connect_kind(url: str) -> str:
    """Who answers there: our relay, whose path is always `/stomp`, or a broker, which can't replay."""
    return "relay" if urlsplit(url).path == "/stomp" else "broker"


def _looking_for(searches: list[Search]) -> list[str]:
    """What a waiting wall may say it looks for: queries that mean something to people."""
    return [search.query for search in searches if search.enabled and search.network not in ("demo", "folder")]


def _shared(request: Request, shared: Shared, catalogue: Catalogue) -> Response:
    headers = {
        "cache-control": "no-store",
        "vary": "accept-encoding",
        "x-frieze-now": str(int(catalogue.now().timestamp() * 1000)),
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(shared.zipped, media_type="application/json", headers={**headers, "content-encoding": "gzip"})
    return Response(shared.plain, media_type="application/json", headers=headers)
