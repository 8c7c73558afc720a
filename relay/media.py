"""`GET /media/<id>/<role>`: bytes from the store to a browser, if the post they belong to is on a wall now.

    request → MediaServer → Standings     may it be shown now? (the catalogue, remembered for less than a second)
                          → Herd          small renditions, from memory
                          → Streams       everything else, piece by piece

Raw ASGI: every viewer asks for every new thumbnail at the same moment, so nothing stands between the HTTP parser and
the bytes; what most of them ask, a whole rendition that was answered a moment ago, is one look into a dictionary.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qs

import structlog
from starlette.types import Receive, Scope, Send

from relay.addresses import Proxies, neighbourhood
from relay.herd import Herd, Kept
from relay.names import content_type, disposition
from relay.ondemand import MADE, OnDemand
from relay.ranges import CONDITIONS, Failed, NotModified, Outcome, Part, Unsatisfiable, Whole, judge
from relay.settings import MediaSettings
from relay.sockets import line_of
from relay.standing import Known, Standings
from relay.streams import Errand, Full, Streams
from wall.catalogue import Catalogue
from wall.catalogue.media import ServedRendition
from wall.errors import CatalogueError, FriezeError, ObjectMissing, StoreError, StudioBusy
from wall.store.base import Store
from wall.trouble import Trouble

# why a request is answered 503: too many run, to one address, or wait; or who is asked can't answer
REFUSALS = ("streams", "address", "waiting", "stopping", "catalogue", "store", "studio")
RETRY_AFTER = b"2"  # seconds; what a page waits before it asks a busy store or catalogue again

_PATH = re.compile(r"/media/([a-z2-7]{26})/([a-z]+(?:-[0-9]+)?)", re.ASCII)
T = TypeVar("T")
_Headers = list[tuple[bytes, bytes]]
_Message = dict[str, Any]

_ORIGINAL = "original"
_PUBLIC = (b"cache-control", b"private, max-age=300")
_NO_STORE = (b"cache-control", b"no-store")
_RANGES = (b"accept-ranges", b"bytes")
_SAFE: _Headers = [
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
]
_POLICY = (b"content-security-policy", b"default-src 'none'; sandbox")
# a sandbox would stop the browser's own player, which has a style of its own: reference/media.md §5.2
_PLAYER_POLICY = (b"content-security-policy", b"default-src 'none'; media-src 'self'; style-src 'unsafe-inline'")


class MediaServer:
    """An ASGI application for everything under `/media/`. `waiting`: requests that wait for the catalogue or for bytes
    of the memory cache. Since the start, `refused` counts by reason what was answered 503, and `missing` the requests
    for bytes that the store did not have."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        settings: MediaSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        on_demand: OnDemand | None = None,
    ) -> None:
        self._settings = settings if settings is not None else MediaSettings()
        self._media = catalogue.media
        self._on_demand = on_demand
        self._clock = clock
        self._proxies = Proxies(self._settings.trusted_proxies)
        self.waiting = 0
        self.refused: Counter[str] = Counter(dict.fromkeys(REFUSALS, 0))
        self.missing = 0
        self._standings = Standings(catalogue.media, self._settings, clock)
        self.herd = Herd(store, self._settings, clock)
        self.streams = Streams(store, self._standings, self._settings, clock)
        self._log = structlog.get_logger("media")
        self._trouble = Trouble()

    def stop(self, grace: float) -> None:
        """Cut off the streams that still run in `grace` seconds."""
        asyncio.get_running_loop().call_later(grace, self.streams.stop)

    def ready(self, path: str) -> Kept | None:
        """The whole answer to who asks for all of `path`, where memory has it and it may be given now; counted as
        given."""
        kept = self.herd.kept.get(path)
        if kept is None or kept.until <= (now := self._clock()):
            return None
        kept.asked = now
        self.herd.kept.move_to_end(path)
        self.herd.hits += 1
        self.herd.given += kept.length
        return kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = self.ready(scope["path"]) if _wants_all(scope) else None
        if kept is not None:
            await send(kept.start)
            await send(kept.body)
            return
        match = _PATH.fullmatch(scope["path"])
        if match is None:
            await _refuse(send, HTTPStatus.NOT_FOUND)
            return
        if scope["method"] not in ("GET", "HEAD"):
            await _refuse(send, HTTPStatus.METHOD_NOT_ALLOWED, (b"allow", b"GET, HEAD"))
            return
        asked = _Asked(scope, match[1], match[2])
        try:
            await self._answer(asked, receive, send)
        except CatalogueError as error:
            await self._busy(send, "catalogue", "pictures can't be looked up", error)
        except ObjectMissing as error:
            self.missing += 1
            self._say_trouble("bytes are missing in the store", error)
            await _refuse(send, HTTPStatus.NOT_FOUND)
        except StoreError as error:
            await self._busy(send, "store", "the store does not answer", error)
        except StudioBusy as error:
            await self._busy(send, "studio", "a picture can't be made now", error)
        except Full as full:
            self.refused[full.reason] += 1
            await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, (b"retry-after", RETRY_AFTER))

    async def _answer(self, asked: "_Asked", receive: Receive, send: Send) -> None:
        known = await self._wait(lambda: self._standings.get(asked.media_id))
        rendition = known.media.renditions.get(asked.role) if known.media is not None else None
        if rendition is None and (made := await self._made(asked, known)) is not None:
            known, rendition = made
        if rendition is None or not (rendition.public or await self._signed(asked)):
            self.herd.drop(asked.path)
            await _refuse(send, _absence(known))
            return
        answer = _Answer(asked, rendition)
        outcome = judge(asked.method, asked.headers, etag=answer.etag, modified=answer.modified, length=rendition.bytes)
        if isinstance(outcome, Unsatisfiable | NotModified | Failed):
            await _send(send, answer.without_bytes(outcome))
        elif asked.method == "HEAD":
            await _send(send, answer.head(outcome))
        elif rendition.bytes <= self._settings.small:
            await self._from_memory(answer, outcome, known, send)
        else:
            await self._stream(answer, outcome, receive, send)

    async def _made(self, asked: "_Asked", known: Known) -> tuple[Known, ServedRendition] | None:
        """A size that nobody has wanted yet, made now for who may see it; a small picture has a smaller one for it."""
        if self._on_demand is None or known.media is None or known.media.removed or asked.role not in MADE:
            return None
        if not (any(one.public for one in known.media.renditions.values()) or await self._signed(asked)):
            return None
        ensure = self._on_demand.ensure
        made = await self._wait(lambda: ensure(asked.media_id, asked.role))
        known = await self._wait(lambda: self._standings.ask(asked.media_id))
        if made is None or known.media is None:
            return None
        for role, rendition in known.media.renditions.items():
            if rendition.key == made.key:
                await self._signed(asked)  # for the role that was asked for
                # from here on it is this one that must still be shown
                asked.role = role
                return known, rendition
        return None

    async def _from_memory(self, answer: "_Answer", outcome: Whole | Part, known: Known, send: Send) -> None:
        rendition = answer.rendition
        kept = await self._wait(lambda: self.herd.get(answer.asked.path, rendition.key, rendition.bytes))
        if rendition.public and known.until <= self._clock():
            # a slow store; meanwhile it may have been removed
            known = await self._wait(lambda: self._standings.get(answer.asked.media_id))
            if not _public(known, answer.asked.role):
                self.herd.drop(answer.asked.path)
                await _refuse(send, _absence(known))
                return
        if isinstance(outcome, Part):
            await send(answer.head(outcome))
            body = memoryview(kept.data)[outcome.start : outcome.start + outcome.length]
            await send({"type": "http.response.body", "body": bytes(body)})
            self.herd.given += outcome.length
            return
        head = answer.head(outcome)
        if rendition.public:
            kept.answer_with(head, known.until)
        await send(head)
        await send(kept.body)
        self.herd.given += kept.length

    async def _stream(self, answer: "_Answer", outcome: Whole | Part, receive: Receive, send: Send) -> None:
        asked, rendition = answer.asked, answer.rendition
        if rendition.public:
            # it may run for long, so what was remembered is not enough
            known = await self._wait(lambda: self._standings.ask(asked.media_id))
            if not _public(known, asked.role):
                await _refuse(send, _absence(known))
                return
        start, length = (outcome.start, outcome.length) if isinstance(outcome, Part) else (0, rendition.bytes)
        errand = Errand(
            media_id=asked.media_id,
            role=asked.role,
            key=rendition.key,
            total=rendition.bytes,
            start=start,
            length=length,
            address=neighbourhood(self._proxies.address_of(asked.peer, asked.forwarded)),
            public=rendition.public,
        )
        await self.streams.serve(errand, answer.head(outcome), receive, send, asked.line)

    async def _signed(self, asked: "_Asked") -> bool:
        if asked.signed is None:
            asked.signed = await self._has_signature(asked)
        return asked.signed

    async def _has_signature(self, asked: "_Asked") -> bool:
        if not asked.query:
            return False
        try:
            query = parse_qs(asked.query.decode("ascii", "replace"), max_num_fields=8)
        except ValueError:
            return False
        until = query.get("until", [""])[0]
        if not until.isdecimal() or len(until) > 12:
            return False
        return await self._media.signed(asked.media_id, asked.role, int(until), query.get("signature", [""])[0])

    async def _wait(self, work: Callable[[], Awaitable[T]]) -> T:
        """Wait among others, of whom there may be so many and no more. Raises Full."""
        if self.waiting >= self._settings.waiting:
            raise Full("Too many requests wait.", reason="waiting")
        self.waiting += 1
        try:
            return await work()
        finally:
            self.waiting -= 1

    async def _busy(self, send: Send, reason: str, what: str, error: FriezeError) -> None:
        self.refused[reason] += 1
        self._say_trouble(what, error)
        await _refuse(send, HTTPStatus.SERVICE_UNAVAILABLE, (b"retry-after", RETRY_AFTER))

    def _say_trouble(self, what: str, error: FriezeError) -> None:
        held_back = self._trouble.worth_saying(str(error), asyncio.get_running_loop().time())
        if held_back is not None:
            self._log.warning(what, reason=str(error), repeats=held_back)


class _Asked:
    """What a request says that matters here."""

    __slots__ = ("forwarded", "headers", "line", "media_id", "method", "path", "peer", "query", "role", "signed")

    def __init__(self, scope: Scope, media_id: str, role: str) -> None:
        self.media_id = media_id
        self.role = role
        self.path: str = scope["path"]
        self.method: str = scope["method"]
        self.headers: _Headers = scope["headers"]
        self.query: bytes = scope["query_string"]
        self.peer: str = scope["client"][0] if scope.get("client") else ""
        self.forwarded = [value.decode("latin-1") for name, value in self.headers if name == b"x-forwarded-for"]
        self.line = line_of(scope)
        self.signed: bool | None = None  # not looked at yet


class _Answer:
    """The heads of all that a request for a rendition can be told."""

    __slots__ = ("asked", "etag", "modified", "rendition")

    def __init__(self, asked: _Asked, rendition: ServedRendition) -> None:
        self.asked = asked
        self.rendition = rendition
        # an id changes with its content, so it is a strong validator
        self.etag = f'"{asked.media_id}-{asked.role}"'.encode()
        self.modified = int(rendition.ready.timestamp()) if rendition.ready is not None else None

    def head(self, outcome: Whole | Part) -> _Message:
        if isinstance(outcome, Part):
            length = (b"content-length", b"%d" % outcome.length)
            place = (b"content-range", outcome.content_range(self.rendition.bytes))
            return _start(HTTPStatus.PARTIAL_CONTENT, [*self._about(), length, place])
        return _start(HTTPStatus.OK, [*self._about(), (b"content-length", b"%d" % self.rendition.bytes)])

    def without_bytes(self, outcome: Outcome) -> _Message:
        match outcome:
            case NotModified():
                return _start(HTTPStatus.NOT_MODIFIED, self._validators())
            case Unsatisfiable():
                place = (b"content-range", outcome.content_range(self.rendition.bytes))
                status = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
                return _start(status, [place, (b"content-length", b"0"), _RANGES, _NO_STORE, *_SAFE])
            case _:
                return _start(HTTPStatus.PRECONDITION_FAILED, [(b"content-length", b"0"), _NO_STORE, *_SAFE])

    def _about(self) -> _Headers:
        media_type = content_type(self.rendition.type)
        named = disposition(
            self.rendition.name,
            media_type,
            attached=self.asked.role == _ORIGINAL,
            otherwise=f"frieze-{self.asked.media_id[:8]}",
        )
        return [
            (b"content-type", media_type.encode()),
            (b"content-disposition", named),
            *self._validators(),
            _RANGES,
            _PLAYER_POLICY if media_type.startswith("video/") else _POLICY,
            *_SAFE,
        ]

    def _validators(self) -> _Headers:
        found = [(b"etag", self.etag), _PUBLIC if self.rendition.public else _NO_STORE]
        if self.modified is not None:
            found.append((b"last-modified", formatdate(self.modified, usegmt=True).encode()))
        return found


def _public(known: Known, role: str) -> bool:
    rendition = known.media.renditions.get(role) if known.media is not None else None
    return rendition is not None and rendition.public


def _absence(known: Known) -> HTTPStatus:
    """A removed post's bytes are gone for good; one that waits looks as if it were not there."""
    return HTTPStatus.GONE if known.media is not None and known.media.removed else HTTPStatus.NOT_FOUND


def _wants_all(scope: Scope) -> bool:
    """Whether a request is for all there is, whatever it has already."""
    if scope["method"] != "GET":
        return False
    for name, _ in scope["headers"]:  # noqa: SIM110 - `all` costs a generator, on the path of every hit
        if name in CONDITIONS:
            return False
    return True


def _start(status: HTTPStatus, headers: _Headers) -> _Message:
    return {"type": "http.response.start", "status": status.value, "headers": headers}


async def _send(send: Send, head: _Message) -> None:
    """An answer that is only a head."""
    await send(head)
    await send({"type": "http.response.body"})


async def _refuse(send: Send, status: HTTPStatus, *extra: tuple[bytes, bytes]) -> None:
    body = status.phrase.encode()
    headers: _Headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", b"%d" % len(body)),
        _NO_STORE,
        _POLICY,
        *_SAFE,
        *extra,
    ]
    await send(_start(status, headers))
    await send({"type": "http.response.body", "body": body})
