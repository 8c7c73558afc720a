"""`GET /media/<id>/<role>`: bytes from the store to a browser, if the post they belong to is on a wall now.

Raw ASGI: every viewer asks for every new thumbnail at the same moment, so nothing stands between the HTTP parser and
the bytes. What a post's state allows is remembered for at most a second; small renditions are kept in a bounded
memory cache that is filled by one read of the store however many ask.
"""

import asyncio
import re
from collections import OrderedDict
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs

import structlog
from starlette.types import Receive, Scope, Send

from wall.catalogue import Catalogue
from wall.catalogue.media import ServedRendition
from wall.catalogue.single import SingleFlight
from wall.errors import CatalogueError, FriezeError, ObjectMissing, StoreError
from wall.store.base import Store
from wall.trouble import Trouble

STATE_SECONDS = 1.0  # ARCHITECTURE §7: how long a post's state may be remembered
CACHE_BYTES = 64 * 1024 * 1024
CACHED_AT_MOST = 256 * 1024  # bytes of one rendition; larger ones always stream
KNOWN_AT_MOST = 10_000  # renditions whose state is remembered; some 200 bytes each
SEND_SECONDS = 120.0  # a viewer that takes nothing for so long is gone; reference: media.md §5.2

_PATH = re.compile(r"/media/([a-z2-7]{26})/([a-z]+(?:-[0-9]+)?)", re.ASCII)
_Headers = list[tuple[bytes, bytes]]

_SAFE: _Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
]


@dataclass(slots=True)
class _Known:
    rendition: ServedRendition | None
    until: float


class MediaServer:
    """An ASGI application for everything under `/media/`."""

    def __init__(self, catalogue: Catalogue, store: Store) -> None:
        self._catalogue = catalogue
        self._store = store
        self._known: OrderedDict[tuple[str, str], _Known] = OrderedDict()
        self._cache: OrderedDict[str, bytes] = OrderedDict()
        self._cached = 0
        self._reading: SingleFlight[str, bytes] = SingleFlight()
        self._looking: SingleFlight[tuple[str, str], ServedRendition | None] = SingleFlight()
        self._log = structlog.get_logger("media")
        self._trouble = Trouble()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match = _PATH.fullmatch(scope["path"])
        if match is None:
            await _refuse(send, HTTPStatus.NOT_FOUND)
            return
        if scope["method"] not in ("GET", "HEAD"):
            await _refuse(send, HTTPStatus.METHOD_NOT_ALLOWED, [(b"allow", b"GET, HEAD")])
            return
        try:
            await self._answer(scope, receive, send, match[1], match[2])
        except CatalogueError as error:
            self._say_trouble("pictures can't be looked up", error)
            await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, [(b"retry-after", b"2")])

    async def _answer(self, scope: Scope, receive: Receive, send: Send, media_id: str, role: str) -> None:
        rendition = await self._look(media_id, role)
        if rendition is None:
            await _refuse(send, HTTPStatus.NOT_FOUND)
            return
        if not rendition.public and not await self._signed(scope, media_id, role):
            # a removed post's bytes are gone for good; one that waits looks as if it were not there
            await _refuse(send, HTTPStatus.GONE if rendition.removed else HTTPStatus.NOT_FOUND)
            return
        etag = f'"{media_id}-{role}"'.encode()  # an id changes with its content
        headers: _Headers = [
            (b"content-type", rendition.type.encode()),
            (b"content-length", str(rendition.bytes).encode()),
            (b"etag", etag),
            (b"cache-control", b"private, max-age=300" if rendition.public else b"no-store"),
            *_SAFE,
        ]
        asked = dict(scope["headers"])
        if etag in asked.get(b"if-none-match", b""):
            await _start(send, HTTPStatus.NOT_MODIFIED, [h for h in headers if h[0] != b"content-length"])
            await send({"type": "http.response.body"})
            return
        if scope["method"] == "HEAD":
            await _start(send, HTTPStatus.OK, headers)
            await send({"type": "http.response.body"})
            return
        await self._send_bytes(receive, send, rendition, headers)

    async def _send_bytes(self, receive: Receive, send: Send, rendition: ServedRendition, headers: _Headers) -> None:
        try:
            if rendition.bytes <= CACHED_AT_MOST:
                body = await self._small(rendition.key)
                await _start(send, HTTPStatus.OK, headers)
                await send({"type": "http.response.body", "body": body})
                return
            opened = await self._store.open(rendition.key)
        except ObjectMissing:
            await _refuse(send, HTTPStatus.NOT_FOUND)
            return
        except StoreError as error:
            self._say_trouble("the store does not answer", error)
            await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, [(b"retry-after", b"2")])
            return
        await _start(send, HTTPStatus.OK, headers)
        async with aclosing(opened.chunks) as chunks:
            async for chunk in chunks:
                # a viewer that left makes uvicorn's send a no-op: without a look we would read on for nobody
                if await _left(receive):
                    return
                async with asyncio.timeout(SEND_SECONDS):
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})

    def _say_trouble(self, what: str, error: FriezeError) -> None:
        held_back = self._trouble.worth_saying(str(error), asyncio.get_running_loop().time())
        if held_back is not None:
            self._log.warning(what, reason=str(error), repeats=held_back)

    async def _look(self, media_id: str, role: str) -> ServedRendition | None:
        key = (media_id, role)
        now = asyncio.get_running_loop().time()
        known = self._known.get(key)
        if known is not None and known.until > now:
            return known.rendition
        rendition = await self._looking.get(key, lambda: self._catalogue.media.find(media_id, role))
        self._known[key] = _Known(rendition, now + STATE_SECONDS)
        while len(self._known) > KNOWN_AT_MOST:
            self._known.popitem(last=False)
        return rendition

    async def _signed(self, scope: Scope, media_id: str, role: str) -> bool:
        query = parse_qs(scope["query_string"].decode("ascii", "replace"), max_num_fields=8)
        until = query.get("until", [""])[0]
        if not until.isdecimal() or len(until) > 12:
            return False
        return await self._catalogue.media.signed(media_id, role, int(until), query.get("signature", [""])[0])

    async def _small(self, key: str) -> bytes:
        body = self._cache.get(key)
        if body is not None:
            self._cache.move_to_end(key)
            return body
        return await self._reading.get(key, lambda: self._read(key))

    async def _read(self, key: str) -> bytes:
        opened = await self._store.open(key)
        body = b"".join([chunk async for chunk in opened.chunks])
        self._cache[key] = body
        self._cached += len(body)
        while self._cached > CACHE_BYTES:
            _, dropped = self._cache.popitem(last=False)
            self._cached -= len(dropped)
        return body


async def _left(receive: Receive) -> bool:
    """Whether the viewer hung up, without waiting."""
    waiting = asyncio.ensure_future(receive())
    await asyncio.sleep(0)
    if not waiting.done():
        waiting.cancel()
        return False
    return waiting.result()["type"] == "http.disconnect"


async def _start(send: Send, status: HTTPStatus, headers: _Headers) -> None:
    await send({"type": "http.response.start", "status": status.value, "headers": headers})


async def _refuse(send: Send, status: HTTPStatus, extra: _Headers | None = None) -> None:
    body = status.phrase.encode()
    headers: _Headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *_SAFE,
        *(extra or ()),
    ]
    await _start(send, status, headers)
    await send({"type": "http.response.body", "body": body})
