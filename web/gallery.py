"""`GET /api/walls/<slug>/posts`: everything that stands on a wall, page by page (docs/wire.md).

For gallery pages, other sites and scripts. Reading the words of a whole wall of 100,000 posts takes a database some
0.1 to 0.3 s, so only a few lists are read at once: whoever asks in crowds waits for himself, not the viewers for him.
"""

import asyncio
import gzip
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import get_args

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from wall.catalogue import Catalogue
from wall.catalogue.gallery import GalleryPage, Kind, Place, Wanted
from wall.sites import origin_allowed
from web.access import Access
from web.answers import busy, guarded, refusal

METHODS = ["GET", "OPTIONS"]
LIMIT, LIMIT_MOST = 50, 200  # posts of a page; the most are as many as a snapshot has
TEXT_CHARACTERS = 200  # of `author`, and of `q`
WORDS_MOST = 8  # of `q`; each is looked for in every post that has those before it
AT_ONCE, WAITING = 2, 50  # lists that are read, and that wait for it, in one process
_GZIP_BYTES = 1_000  # below that, zipping saves nothing worth its time
_COMPRESSION = 5

_PARAMETERS = ("kind", "author", "q", "before", "limit")
_PREFLIGHT = {
    "access-control-allow-methods": "GET",
    "access-control-allow-headers": "authorization",
    "access-control-max-age": "600",
}


class BadParameter(Exception):
    """A parameter that makes no sense; the sentence is for who wrote the request."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name


class PostList:
    """`origins`: sites whose pages may read it besides those of this host."""

    def __init__(self, catalogue: Catalogue, access: Access, origins: Sequence[str] = ()) -> None:
        self._catalogue = catalogue
        self._access = access
        self._origins = origins
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._guarded = guarded(self._list)

    async def answer(self, request: Request) -> Response:
        origin = request.headers.get("origin")
        if not origin_allowed(origin, request.headers.get("host"), self._origins):
            sentence = "This page may not read the wall; an operator can add its origin."
            return refusal(HTTPStatus.FORBIDDEN, "origin", sentence)
        preflight = request.method == "OPTIONS"
        response = Response(None, HTTPStatus.NO_CONTENT) if preflight else await self._guarded(request)
        response.headers.append("vary", "origin")
        if origin is not None and origin in self._origins:
            # cookies are never asked for
            response.headers["access-control-allow-origin"] = origin
            response.headers["cross-origin-resource-policy"] = "cross-origin"
            response.headers.update(_PREFLIGHT if preflight else {"access-control-expose-headers": "retry-after"})
        return response

    async def _list(self, request: Request) -> Response:
        slug = (await self._access.wall(request)).slug
        try:
            wanted, before, limit = read_parameters(request.query_params)
        except BadParameter as error:
            return refusal(HTTPStatus.BAD_REQUEST, f"bad-{error.name}", str(error))
        if self._waiting >= WAITING:
            return busy()
        self._waiting += 1
        try:
            async with self._turns:
                page = await self._catalogue.gallery.page(slug, wanted, before, limit)
        finally:
            self._waiting -= 1
        if page is None:
            sentence = (
                "The wall's counter has begun anew since that page; read the list from its start, without before."
            )
            return refusal(HTTPStatus.GONE, "gone", sentence)
        return await _answer(request, slug, page)


def read_parameters(given: QueryParams) -> tuple[Wanted, Place | None, int]:
    """What a query asks for. Raises BadParameter."""
    for name, count in Counter(name for name, _ in given.multi_items()).items():
        if name not in _PARAMETERS:
            known = ", ".join(_PARAMETERS)
            raise BadParameter("parameter", f"There is no parameter {name[:40]!r}; there are {known}.")
        if count > 1:
            raise BadParameter(name, f"`{name}` is given {count} times; give it once.")
    wanted = Wanted(kind=_kind(given), author=_text(given, "author"), words=_words(given))
    return wanted, _before(given), _limit(given)


def _kind(given: Mapping[str, str]) -> Kind | None:
    for kind in get_args(Kind):
        if given.get("kind") == kind:
            return kind
    if "kind" in given:
        raise BadParameter("kind", f"`kind` is one of {', '.join(get_args(Kind))}, not {given['kind'][:40]!r}.")
    return None


def _text(given: Mapping[str, str], name: str) -> str | None:
    text = given.get(name)
    if text is None:
        return None
    if not text.strip() or len(text) > TEXT_CHARACTERS or not text.isprintable():
        raise BadParameter(name, f"`{name}` has 1 to {TEXT_CHARACTERS} characters that can be printed.")
    return text


def _words(given: Mapping[str, str]) -> tuple[str, ...]:
    words = tuple((_text(given, "q") or "").split())
    if len(words) > WORDS_MOST:
        raise BadParameter("q", f"`q` has at most {WORDS_MOST} words, not {len(words)}.")
    return words


def _before(given: Mapping[str, str]) -> Place | None:
    if "before" not in given:
        return None
    try:
        return Place.parse(given["before"][:100])
    except ValueError as error:
        sentence = "`before` is what an answer said as `next`, unchanged; leave it out for the first page."
        raise BadParameter("before", sentence) from error


def _limit(given: Mapping[str, str]) -> int:
    text = given.get("limit", str(LIMIT))
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= LIMIT_MOST):
        raise BadParameter("limit", f"`limit` is a number from 1 to {LIMIT_MOST}, not {text[:40]!r}.")
    return int(text)


async def _answer(request: Request, slug: str, page: GalleryPage) -> Response:
    fields = {"v": 1, "wall": slug, "posts": page.posts, "next": str(page.next) if page.next else None}
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"cache-control": "no-store", "vary": "accept-encoding"}
    if len(body) > _GZIP_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        body = await asyncio.to_thread(gzip.compress, body, _COMPRESSION, mtime=0)
        headers["content-encoding"] = "gzip"
    return Response(body, media_type="application/json", headers=headers)
