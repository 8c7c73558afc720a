"""The storage service: a `Store` of its own, behind the protocol of `wall/store/remote.py`.

It alone holds the vendor's credentials. Whoever has the token may do everything that a store can do, so it belongs into
an internal network. The collections that its settings name can be read through it as well, and nothing else there.

A PUT whose client leaves, stalls or rolls back leaves nothing: the store behind promises that for a source that breaks
off and for a cancelled `put`, and both reach it from here.
"""

import asyncio
import hmac
import json
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web

from wall.errors import ObjectChanged, ObjectMissing, StoreError, StoreRefused, StoreUnavailable
from wall.store.base import ObjectInfo, Store, StoredObject
from wall.store.collections.base import Collection, check_name
from wall.store.keys import check_key, new_key
from wall.store.remote import ADDRESSES, ATTEMPT, BUSY, COLLECTIONS, COPIES, OBJECTS, OURS, TIDY, check_type

READS = 256  # objects going out at once; reference: media.md §5.2
WRITES = 32  # objects coming in at once: a multipart upload to a vendor holds up to 24 MiB of memory each
IDLE_SECONDS = 60.0  # a PUT without a byte
STALL_SECONDS = 120.0  # a reader that takes nothing; reference: media.md §5.2
END_SECONDS = 60.0  # until a PUT that is rolled back has ended
HEAD_BYTES = 8 * 1024  # a request's line, and each of its headers
ASKED_BYTES = 4096  # the JSON of a POST
LONGEST_LEASE = timedelta(days=7)  # no vendor signs for longer
REMEMBERED = 10_000  # attempts that were rolled back
READY_SECONDS = 5.0  # for which an answer of /readyz stands
STOP_SECONDS = 10  # for streams that are under way; what is not written whole by then is rolled back
KEEP_SECONDS = 75.0  # a connection without a request
# what the application must be run with
SERVER_OPTIONS: dict[str, Any] = {
    "access_log": None,
    # a client that leaves ends its stream at once, and what it was writing is rolled back
    "handler_cancellation": True,
    "max_line_size": HEAD_BYTES,
    "max_field_size": HEAD_BYTES,
    "keepalive_timeout": KEEP_SECONDS,
    "shutdown_timeout": STOP_SECONDS,
    "auto_decompress": False,
}
_ONE_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})", re.ASCII)
_ATTEMPT = re.compile(r"[0-9a-f]{32}", re.ASCII)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _Busy(Exception):
    """There is no room for one more stream."""


class _Wrong(Exception):
    """A request that no client of ours makes."""


class _Room:
    """So many streams at once, and no queue: who waits is the client, who knows how long it can."""

    def __init__(self, places: int) -> None:
        self._free = places

    @contextmanager
    def one(self) -> Generator[None]:
        if not self._free:
            raise _Busy
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1


@dataclass(slots=True)
class _Writing:
    """An object being written, by the task that serves its request."""

    task: asyncio.Task[Any]
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class _Unnamed(Exception):
    """A collection that nobody named here, whether it is there or not."""


class StoreService:
    """`store` for everybody who has the `token`, and `collections`, by the hashes of their URLs, for reading."""

    def __init__(
        self,
        store: Store,
        token: str,
        *,
        collections: Mapping[str, Collection] | None = None,
        reads: int = READS,
        writes: int = WRITES,
        idle_seconds: float = IDLE_SECONDS,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._store = store
        self._collections = collections or {}
        self._secret = f"Bearer {token}".encode()
        self._reads = _Room(reads)
        self._writes = _Room(writes)
        self._idle_seconds = idle_seconds
        self._stall_seconds = stall_seconds
        self._writing: dict[str, _Writing] = {}
        self._rolled_back: OrderedDict[str, None] = OrderedDict()
        self._ready = (float("-inf"), "")
        self._log = structlog.get_logger("store")

    def app(self) -> web.Application:
        """The application, to be run with SERVER_OPTIONS."""
        app = web.Application(middlewares=[self._guarded])
        app.on_response_prepare.append(_marked)
        key = OBJECTS + "/{key}"
        app.add_routes(
            [
                web.get("/livez", _live, allow_head=False),
                web.get("/readyz", self._readiness, allow_head=False),
                web.get(OBJECTS, self._list, allow_head=False),
                web.head(key, self._head),
                web.get(key, self._get, allow_head=False),
                # nobody is told to go on before it is certain that there is room
                web.put(key, self._put, expect_handler=_later),
                web.delete(key, self._delete),
                web.post(COPIES, self._copy),
                web.post(ADDRESSES, self._sign),
                web.post(TIDY, self._tidy),
                web.get(COLLECTIONS + "/{collection}", self._list_theirs, allow_head=False),
                web.head(COLLECTIONS + "/{collection}/object", self._head_theirs),
                web.get(COLLECTIONS + "/{collection}/object", self._get_theirs, allow_head=False),
            ]
        )
        return app

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in ("/livez", "/readyz") and not self._knows(request):
            return _refusal(HTTPStatus.UNAUTHORIZED, "wrong or no token.", {"WWW-Authenticate": "Bearer"})
        try:
            return await handler(request)
        except _Busy:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "all places are taken.", {"Retry-After": "1", BUSY: "1"})
        except _Unnamed:
            return _refusal(HTTPStatus.FORBIDDEN, "FRIEZE_STORE_COLLECTIONS does not name this collection.")
        except _Wrong as error:
            return _refusal(HTTPStatus.BAD_REQUEST, str(error))
        except ObjectMissing as error:
            return _refusal(HTTPStatus.NOT_FOUND, str(error))
        except ObjectChanged as error:
            return _refusal(HTTPStatus.PRECONDITION_FAILED, str(error))
        except StoreRefused as error:
            self._log.error("the store refuses us", reason=str(error))
            return _refusal(HTTPStatus.BAD_GATEWAY, str(error))
        except StoreUnavailable as error:
            self._log.warning("the store is in trouble", reason=str(error))
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, str(error), {"Retry-After": "2"})
        except StoreError as error:
            return _refusal(HTTPStatus.CONFLICT, str(error))

    def _knows(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").encode(errors="surrogateescape")
        return hmac.compare_digest(given, self._secret)

    async def _readiness(self, _: web.Request) -> web.Response:
        now = asyncio.get_running_loop().time()
        since, wrong = self._ready
        if now - since > READY_SECONDS:
            wrong = await self._look()
            self._ready = (now, wrong)
        # the reason is in the log; here nobody has shown a token
        return web.Response(text="the store is away\n" if wrong else "ready\n", status=503 if wrong else 200)

    async def _look(self) -> str:
        try:
            await self._store.head(new_key())
        except ObjectMissing:
            return ""
        except StoreError as error:
            self._log.warning("the store is in trouble", reason=str(error))
            return str(error)
        return ""

    async def _head(self, request: web.Request) -> web.StreamResponse:
        return _bare(await self._store.head(_key(request)))

    async def _get(self, request: web.Request) -> web.StreamResponse:
        return await self._give(request, self._store, _key(request))

    async def _head_theirs(self, request: web.Request) -> web.StreamResponse:
        return _bare(await self._named(request).head(_name(request)))

    async def _get_theirs(self, request: web.Request) -> web.StreamResponse:
        return await self._give(request, self._named(request), _name(request))

    async def _list_theirs(self, request: web.Request) -> web.StreamResponse:
        return await self._list_all(request, self._named(request).listing(request.query.get("prefix", "")))

    def _named(self, request: web.Request) -> Collection:
        found = self._collections.get(request.match_info["collection"])
        if found is None:
            raise _Unnamed
        return found

    async def _give(self, request: web.Request, place: Store | Collection, key: str) -> web.StreamResponse:
        wanted = _wanted(request)
        start, length = wanted or (0, None)
        with self._reads.one():
            try:
                found = await place.open(key, start, length, etag=request.headers.get("If-Match"))
            except StoreError as error:
                if type(error) is not StoreError or not start:
                    raise
                return _beyond(await place.head(key))  # such as a start after the end
            async with aclosing(found.chunks) as chunks:
                info = found.info
                if wanted and start >= info.length:
                    return _beyond(info)
                end = info.length if length is None else min(info.length, start + length)
                answer = web.StreamResponse(status=206 if wanted else 200, headers=_headers(info))
                answer.content_length = end - start
                if wanted:
                    answer.headers["Content-Range"] = f"bytes {start}-{end - 1}/{info.length}"
                await answer.prepare(request)
                await self._pour(request, answer, chunks)
                return answer

    async def _pour(self, request: web.Request, answer: web.StreamResponse, chunks: AsyncIterator[bytes]) -> None:
        """Send `chunks`. What keeps them from being complete breaks the connection off: nothing else can say so."""
        try:
            async for chunk in chunks:
                async with asyncio.timeout(self._stall_seconds):
                    await answer.write(chunk)
            await answer.write_eof()
        except (StoreError, TimeoutError, OSError) as error:
            if not isinstance(error, OSError) or isinstance(error, TimeoutError):
                self._log.warning("a stream was broken off", reason=str(error) or "its reader stalls")
            if request.transport is not None:
                request.transport.abort()

    async def _put(self, request: web.Request) -> web.Response:
        key, attempt = _key(request), _attempt(request)
        media_type = check_type(request.headers.get("Content-Type", "application/octet-stream"))
        with self._writes.one():
            async with self._written(key, attempt):
                if request.headers.get("Expect", "").lower() == "100-continue":
                    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    request.writer.output_size = 0  # of the answer proper nothing has gone yet
                info = await self._store.put(key, request.content_length, media_type, self._body(request))
        return web.json_response(_told(info), status=HTTPStatus.CREATED)

    @asynccontextmanager
    async def _written(self, key: str, attempt: str | None) -> AsyncGenerator[None]:
        """For as long as the block runs a DELETE of `key` ends it, and waits for its end."""
        if attempt in self._rolled_back:
            raise StoreError("This attempt was rolled back already.")
        if key in self._writing:
            raise StoreError("Another request is writing this object.")
        task = asyncio.current_task()
        assert task is not None
        writing = self._writing[key] = _Writing(task)
        try:
            yield
        finally:
            del self._writing[key]
            writing.ended.set()

    async def _body(self, request: web.Request) -> AsyncGenerator[bytes]:
        while True:
            try:
                async with asyncio.timeout(self._idle_seconds):
                    chunk = await request.content.readany()
            except TimeoutError as error:
                raise StoreError(f"No byte came for {self._idle_seconds:g} s.") from error
            except Exception as error:  # whatever the HTTP library says, the body is not whole
                raise StoreError("The client broke off in the middle of an object.") from error
            if not chunk:
                return
            yield chunk

    async def _delete(self, request: web.Request) -> web.Response:
        key, attempt = _key(request), _attempt(request)
        if attempt is not None:
            self._rolled_back[attempt] = None
            if len(self._rolled_back) > REMEMBERED:
                self._rolled_back.popitem(last=False)
        writing = self._writing.get(key)
        if writing is not None:
            writing.task.cancel()
            try:
                async with asyncio.timeout(END_SECONDS):
                    await writing.ended.wait()
            except TimeoutError as error:
                raise StoreUnavailable("The object is still being written, and that does not end.") from error
        await self._store.delete(key)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        return await self._list_all(request, self._store.objects())

    async def _list_all(self, request: web.Request, found: AsyncGenerator[StoredObject]) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        with self._reads.one():
            async with aclosing(_lines(found)) as lines:
                first = await anext(lines)  # here trouble can still be told
                await answer.prepare(request)
                await answer.write(first)
                await self._pour(request, answer, lines)
        return answer

    async def _copy(self, request: web.Request) -> web.Response:
        asked = await _asked(request)
        source, target = check_key(_text(asked, "source")), check_key(_text(asked, "target"))
        with self._writes.one():
            async with self._written(target, _attempt(request)):
                info = await self._store.copy(source, target)
        return web.json_response(_told(info), status=HTTPStatus.CREATED)

    async def _sign(self, request: web.Request) -> web.Response:
        asked = await _asked(request)
        method, length, media_type = asked.get("method"), asked.get("length"), asked.get("type")
        lease = timedelta(seconds=_number(asked, "lease"))
        if method not in ("GET", "PUT") or not timedelta(0) < lease <= LONGEST_LEASE:
            raise _Wrong("method is GET or PUT, and lease at most seven days.")
        if not (length is None or isinstance(length, int)) or not (media_type is None or isinstance(media_type, str)):
            raise _Wrong("length is a number, and type a text.")
        signed = await self._store.sign(
            method, check_key(_text(asked, "key")), lease, length=length, media_type=media_type
        )
        if signed is None:
            return web.Response(status=HTTPStatus.NO_CONTENT)
        return web.json_response(
            {"url": signed.url, "expires": signed.expires.isoformat(), "headers": dict(signed.headers)}
        )

    async def _tidy(self, request: web.Request) -> web.Response:
        older = _number(await _asked(request), "older")
        if older < 0:
            raise _Wrong("older is a number of seconds.")
        return web.json_response({"tidied": await self._store.tidy(timedelta(seconds=older))})


async def _live(_: web.Request) -> web.Response:
    return web.Response(text="alive\n")


async def _later(_: web.Request) -> None:
    """The handler itself says when to go on."""


async def _marked(_: web.Request, answer: web.StreamResponse) -> None:
    answer.headers[OURS] = "1"


async def _lines(listing: AsyncGenerator[StoredObject]) -> AsyncGenerator[bytes]:
    """The listing in pieces of some 100 lines, and its end."""
    count, lines = 0, list[str]()
    async with aclosing(listing) as found:
        async for one in found:
            count += 1
            lines.append(json.dumps({"key": one.key, "length": one.length, "written": one.written.isoformat()}))
            if len(lines) == 100:
                yield ("\n".join(lines) + "\n").encode()
                lines.clear()
    lines.append(json.dumps({"end": count}))
    yield ("\n".join(lines) + "\n").encode()


def _key(request: web.Request) -> str:
    return check_key(request.match_info["key"])


def _name(request: web.Request) -> str:
    return check_name(request.query.get("name", ""))


def _bare(info: ObjectInfo) -> web.StreamResponse:
    answer = web.StreamResponse(headers=_headers(info))
    answer.content_length = info.length
    return answer


def _wanted(request: web.Request) -> tuple[int, int | None] | None:
    """The asked range as start and length; None for the whole object."""
    text = request.headers.get("Range")
    if text is None:
        return None
    match = _ONE_RANGE.fullmatch(text)
    if match is None:
        raise _Wrong("Range is one range with a start, as bytes=100-199 or bytes=100-.")
    start = int(match[1])
    if not match[2]:
        return start, None
    if int(match[2]) < start:
        raise _Wrong("This range ends before it begins.")
    return start, int(match[2]) - start + 1


def _attempt(request: web.Request) -> str | None:
    attempt = request.headers.get(ATTEMPT)
    if attempt is not None and not _ATTEMPT.fullmatch(attempt):
        raise _Wrong(f"{ATTEMPT} is 32 hexadecimal digits.")
    return attempt


async def _asked(request: web.Request) -> dict[str, Any]:
    """The JSON object of a POST."""
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            body = await request.content.read(ASKED_BYTES)
            while (more := await request.content.read(ASKED_BYTES)) and len(body) < ASKED_BYTES:
                body += more
        asked = json.loads(body)
    except (ValueError, TimeoutError) as error:
        raise _Wrong("The body is no JSON.") from error
    if not isinstance(asked, dict) or not request.content.at_eof():
        raise _Wrong("The body is no JSON object, or too large.")
    return asked


def _text(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str):
        raise _Wrong(f"{name} is a text.")
    return value


def _number(asked: Mapping[str, Any], name: str) -> float:
    value = asked.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 10**9:
        raise _Wrong(f"{name} is a number.")
    return float(value)


def _headers(info: ObjectInfo) -> dict[str, str]:
    return {"Content-Type": info.type, "ETag": info.etag, "Accept-Ranges": "bytes", "Cache-Control": "no-store"}


def _told(info: ObjectInfo) -> dict[str, Any]:
    return {"length": info.length, "type": info.type, "etag": info.etag}


def _beyond(info: ObjectInfo) -> web.Response:
    return web.Response(status=416, headers={**_headers(info), "Content-Range": f"bytes */{info.length}"})


def _refusal(status: HTTPStatus, sentence: str, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response({"error": sentence}, status=status, headers=headers)
