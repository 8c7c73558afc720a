"""`http(s)://host[:port]`: another Frieze's `frieze store serve`, which alone holds the vendor's credentials.

    GET    /v1/objects            the listing: a JSON object a line, and {"end": how many} at the end
    HEAD   /v1/objects/<key>      Content-Length, Content-Type, ETag
    GET    /v1/objects/<key>      the same with bytes; one Range (206, 416), If-Match (412)
    PUT    /v1/objects/<key>      with Content-Length, or in chunks; answered 201 once the store has confirmed, 503
                                  with Retry-After before a byte was read where there is no room
    DELETE /v1/objects/<key>      also ends a PUT to this key that is under way, and then answers 204
    POST   /v1/copies             {"source", "target"} → 201
    POST   /v1/addresses          {"method", "key", "lease", "length", "type"} → a signed request, or 204
    POST   /v1/tidy               {"older": seconds} → {"tidied": how many}
    GET    /v1/collections/<hash>?prefix=                  a collection's listing; 403 for one that is not named there
    GET    /v1/collections/<hash>/object?name=             its object as above, also by HEAD

Every request carries `Authorization: Bearer <FRIEZE_STORE_TOKEN>`, every answer `Frieze-Store: 1`. The last bytes of a
PUT are sent only when the source has ended well, so that one that breaks off after its last byte has not written an
object. A PUT names its attempt (`Frieze-Attempt`), and so does the DELETE that rolls it back: an attempt that was
rolled back is refused should its request arrive only then.
"""

import asyncio
import json
import random
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from wall.errors import ObjectChanged, ObjectMissing, SettingsError, StoreError, StoreRefused, StoreUnavailable
from wall.store.base import CHUNK, Method, ObjectInfo, OpenObject, SignedRequest, Sink, StoredObject
from wall.store.exactly import exactly
from wall.store.finishing import to_the_end
from wall.store.keys import check_key
from wall.store.limits import StoreLimits
from wall.store.pouring import READ_AHEAD, Pouring, store_socket
from wall.store.round_trip import round_trip

OBJECTS, COPIES, ADDRESSES, TIDY = "/v1/objects", "/v1/copies", "/v1/addresses", "/v1/tidy"
COLLECTIONS = "/v1/collections"
ATTEMPT, OURS, BUSY = "Frieze-Attempt", "Frieze-Store", "Frieze-Busy"
TYPE_CHARACTERS = 200
SHORTEST_TOKEN = 16  # characters; script/secrets makes 32

SLOW_SECONDS = 900.0  # a copy of gigabytes, a walk through all that is pending
CONNECTIONS = 512
BUSY_TRIES = 5  # over some 5 s, as long as the service answers that it has no room
_TYPE = re.compile(rf"[\x21-\x7e](?:[\x20-\x7e]{{0,{TYPE_CHARACTERS - 2}}}[\x21-\x7e])?")
_RANGE = re.compile(r"bytes (?:(\d+)-(\d+)|\*)/(\d+)", re.ASCII)

LIMITS = StoreLimits()

T = TypeVar("T")


def check_type(media_type: str) -> str:
    """The media type itself. Raises StoreError for what no header can carry."""
    if not _TYPE.fullmatch(media_type):
        raise StoreError(f"{media_type[:40]!r}… is no media type that a store can keep.")
    return media_type


class RemoteStore:
    """A `Store` whose bytes another process keeps."""

    def __init__(self, url: str, token: str, limits: StoreLimits = LIMITS) -> None:
        self._limits = limits
        self._url = url.rstrip("/")
        self._place = f"The store service at {urlsplit(url).netloc}"
        self._pouring = Pouring(limits.idle)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, ttl_dns_cache=5, socket_factory=store_socket),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.connect, sock_read=limits.idle),
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            read_bufsize=READ_AHEAD,
        )

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        return await self.open_at(f"{OBJECTS}/{check_key(key)}", key, start, length, etag)

    async def open_at(
        self, path: str, name: str, start: int = 0, length: int | None = None, etag: str | None = None
    ) -> OpenObject:
        """`open` for what the service has at `path`, which people call `name`."""
        if start < 0 or (length is not None and length < 0):
            raise StoreError(f"No object has {length} bytes from {start} on.")
        if length == 0:
            return await self._open_nothing(path, name, start, etag)
        headers = {} if etag is None else {"If-Match": etag}
        whole = start == 0 and length is None
        if not whole:
            headers["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        answer = await self._ask("GET", path, headers=headers, keep=(HTTPStatus.OK, 206, 416))
        info, first, end = _described(answer)
        beyond = answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        if beyond and start > info.length:
            answer.close()
            raise StoreError(f"Bytes from {start} on were asked of an object of {info.length}.")
        if not beyond and (first != start or (answer.status == HTTPStatus.OK) != whole):
            answer.close()
            raise StoreUnavailable(f"{self._place} sent other bytes than were asked for.")
        count = 0 if beyond else end - first
        chunks = self._read(answer, count)
        await anext(chunks)  # from here on `aclose` ends the answer, also when nobody reads
        return OpenObject(info=info, chunks=chunks, pouring=partial(self._pour, answer, count))

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        check_key(key)
        check_type(media_type)
        await self._check_free(key)
        # From here on the object can only be ours, so that rolling back may delete it.
        body = _Body(chunks, length, self._limits)
        if length == 0:
            await body.drain()  # there are no last bytes that could be held back
        return await self._or_nothing(key, body.attempt, self._put(key, media_type, body))

    async def head(self, key: str) -> ObjectInfo:
        return await self.head_at(f"{OBJECTS}/{check_key(key)}")

    async def head_at(self, path: str) -> ObjectInfo:
        """`head` for what the service has at `path`."""
        answer = await self._ask("HEAD", path, keep=(HTTPStatus.OK,))
        answer.release()
        return _described(answer)[0]

    async def delete(self, key: str) -> None:
        check_key(key)
        (await self._ask("DELETE", f"{OBJECTS}/{key}", keep=(HTTPStatus.NO_CONTENT,))).release()

    async def copy(self, source: str, target: str) -> ObjectInfo:
        check_key(source)
        check_key(target)
        await self._check_free(target)
        attempt = secrets.token_hex(16)
        told = await self._or_nothing(
            target,
            attempt,
            self._tell(COPIES, {"source": source, "target": target}, headers={ATTEMPT: attempt}),
        )
        return _info(told or {})

    async def sign(
        self, method: Method, key: str, lease: timedelta, *, length: int | None = None, media_type: str | None = None
    ) -> SignedRequest | None:
        check_key(key)
        wanted = {
            "method": method,
            "key": key,
            "lease": lease.total_seconds(),
            "length": length,
            "type": None if media_type is None else check_type(media_type),
        }
        told = await self._tell(ADDRESSES, wanted)
        if told is None:
            return None
        expires = datetime.fromisoformat(told["expires"])
        return SignedRequest(method=method, url=told["url"], expires=expires, headers=told["headers"])

    def objects(self) -> AsyncGenerator[StoredObject]:
        return self.listing_at(OBJECTS)

    async def listing_at(self, path: str) -> AsyncGenerator[StoredObject]:
        """All objects that the service lists at `path`."""
        answer = await self._ask("GET", path, keep=(HTTPStatus.OK,))
        count, ended = 0, False
        try:
            async for line in answer.content:
                told = json.loads(line)
                if "end" in told:
                    ended = told["end"] == count
                    break
                count += 1
                yield StoredObject(
                    key=told["key"], length=told["length"], written=datetime.fromisoformat(told["written"])
                )
            if not ended:
                raise StoreUnavailable(f"{self._place} broke off its listing after {count} objects.")
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
            raise StoreUnavailable(f"{self._place} broke off its listing: {_words(error)}.") from error
        finally:
            answer.close()

    async def tidy(self, older: timedelta) -> int:
        told = await self._tell(TIDY, {"older": older.total_seconds()})
        return int((told or {})["tidied"])

    async def check(self) -> None:
        await round_trip(self, self._place)

    async def close(self) -> None:
        await self._session.close()

    async def _put(self, key: str, media_type: str, body: "_Body") -> ObjectInfo:
        headers = {"Content-Type": media_type, ATTEMPT: body.attempt}
        if body.length is not None:
            headers["Content-Length"] = str(body.length)
        try:
            # the service reads, and we send, nothing before it has room: a source can be asked only once
            answer = await self._ask(
                "PUT", f"{OBJECTS}/{key}", headers=headers, body=body, keep=(HTTPStatus.CREATED,), expect100=True
            )
            async with answer, asyncio.timeout(self._limits.idle):
                return _info(json.loads(await answer.read()))
        except Exception as error:
            if body.error is not None:
                raise body.error from None
            if isinstance(error, StoreError):
                raise
            raise StoreUnavailable(f"{self._place} did not confirm what was written: {_words(error)}.") from error

    async def _check_free(self, key: str) -> None:
        with suppress(ObjectMissing):
            await self.head(key)
            raise StoreError("There is an object under this key already; objects never change.")

    async def _or_nothing(self, key: str, attempt: str, work: Coroutine[Any, Any, T]) -> T:
        """What `work` returns; when it fails or is cancelled, no object is under `key`."""
        try:
            return await work
        except BaseException as error:
            if not await to_the_end(self._rolled_back(key, attempt)):
                error.add_note(
                    f"{self._place} did not confirm that nothing was left; `frieze store reconcile` finds it."
                )
            raise

    async def _rolled_back(self, key: str, attempt: str) -> bool:
        """Delete what this attempt may have written, trying for a while; whether the service confirmed it."""
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + self._limits.roll_back, 0.1
        while True:
            try:
                headers = {ATTEMPT: attempt}
                (await self._ask("DELETE", f"{OBJECTS}/{key}", headers=headers, keep=(204,))).release()
            except StoreError as error:
                if not error.temporary or loop.time() + pause > end:
                    return False
            else:
                return True
            await asyncio.sleep(pause)
            pause = min(2 * pause, 5.0)

    async def _open_nothing(self, path: str, name: str, start: int, etag: str | None) -> OpenObject:
        info = await self.head_at(path)
        if etag is not None and etag != info.etag:
            raise ObjectChanged(f"The object {name} is not the one that was asked for.")
        if start > info.length:
            raise StoreError(f"Bytes from {start} on were asked of an object of {info.length}.")
        return OpenObject(info=info, chunks=_nothing())

    async def _read(self, answer: aiohttp.ClientResponse, expected: int) -> AsyncGenerator[bytes]:
        try:
            yield b""
            left = expected
            while left > 0:
                chunk = await answer.content.read(min(CHUNK, left))
                if not chunk:
                    raise StoreUnavailable(f"{self._place} broke off {left} bytes before the end.")
                left -= len(chunk)
                yield chunk
            if expected:
                await answer.content.read(1)  # the end, so that the connection can serve the next one
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise StoreUnavailable(f"{self._place} broke off: {_words(error)}.") from error
        finally:
            answer.close()

    async def _pour(self, answer: aiohttp.ClientResponse, left: int, sink: Sink) -> None:
        try:
            await self._pouring.pour(answer, left, sink)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise StoreUnavailable(f"{self._place} broke off: {_words(error)}.") from error

    async def _tell(
        self, path: str, body: Mapping[str, Any], *, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any] | None:
        """POST `body`; the answer's object, or None where it has none."""
        answer = await self._ask("POST", path, headers=headers, json=body, keep=(200, 201, 204), timeout=self._slow())
        async with answer:
            try:
                return None if answer.status == HTTPStatus.NO_CONTENT else json.loads(await answer.read())
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                raise StoreUnavailable(f"{self._place} broke off: {_words(error)}.") from error

    def _slow(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=SLOW_SECONDS, sock_connect=self._limits.connect)

    async def _ask(
        self,
        method: str,
        path: str,
        *,
        keep: tuple[int, ...],
        headers: Mapping[str, str] | None = None,
        body: "_Body | None" = None,
        **options: Any,
    ) -> aiohttp.ClientResponse:
        """The answer to a request when its status is one of `keep`; else raises what it means."""
        for tries in range(1, BUSY_TRIES + 1):
            answer = await self._once(method, path, headers=headers, body=body, **options)
            if answer.status in keep and answer.headers.get(OURS):
                return answer
            async with answer:
                busy = answer.status == HTTPStatus.SERVICE_UNAVAILABLE and BUSY in answer.headers
                if not busy or tries == BUSY_TRIES or (body is not None and body.begun):
                    raise await self._meaning(answer)
            # several that were turned away together must not come back together
            await asyncio.sleep(random.uniform(0.5, 1.5))  # noqa: S311  no secret
        raise AssertionError("the last try returns or raises")

    async def _once(
        self, method: str, path: str, *, headers: Mapping[str, str] | None, body: "_Body | None", **options: Any
    ) -> aiohttp.ClientResponse:
        seconds = SLOW_SECONDS if method == "POST" else self._limits.connect + self._limits.first_byte
        if body is not None:
            # the body keeps the time; aiohttp's would run from the service's word to go on
            options["timeout"] = aiohttp.ClientTimeout(total=None, sock_connect=self._limits.connect)
        try:
            async with asyncio.timeout(seconds) as deadline:
                data = None if body is None else b"" if body.length == 0 else body.pieces(deadline)
                return await self._session.request(
                    method,
                    URL(self._url + path, encoded=True),
                    headers=headers,
                    data=data,
                    allow_redirects=False,
                    **options,
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise StoreUnavailable(f"{self._place} does not answer: {_words(error)}.") from error

    async def _meaning(self, answer: aiohttp.ClientResponse) -> StoreError:
        """The error that an answer stands for."""
        status = answer.status
        if not answer.headers.get(OURS):
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return StoreUnavailable(f"{self._place} is away: its proxy answers {status}.")
            return StoreRefused(
                f"{self._place} is no `frieze store serve` (it answers {status}); see FRIEZE_STORE_URL."
            )
        try:
            text = str(json.loads(await answer.content.read(4096))["error"])
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError):
            text = f"it answers {status}."  # to a HEAD it has no words
        match status:
            case HTTPStatus.NOT_FOUND:
                return ObjectMissing("The store has no object under this key.")
            case HTTPStatus.PRECONDITION_FAILED:
                return ObjectChanged("The object is not the one that was asked for.")
            case HTTPStatus.UNAUTHORIZED:
                return StoreRefused(f"{self._place} does not know our FRIEZE_STORE_TOKEN; it must be the same there.")
            case HTTPStatus.FORBIDDEN:
                return StoreRefused(
                    f"{self._place} does not serve this collection; name it in FRIEZE_STORE_COLLECTIONS there, and its "
                    "user in FRIEZE_STORE_OTHER_USER, and start the service again."
                )
            case HTTPStatus.BAD_GATEWAY:
                return StoreRefused(f"{self._place} is refused by its own store: {text}")
            case HTTPStatus.SERVICE_UNAVAILABLE:
                return StoreUnavailable(f"{self._place} is in trouble: {text}")
            case _:
                return StoreError(f"{self._place}: {text}")


class _Body:
    """What is PUT: it ends well only when the source did, with the promised length."""

    def __init__(self, chunks: AsyncIterable[bytes], length: int | None, limits: StoreLimits) -> None:
        self._chunks = chunks
        self._limits = limits
        self.length = length
        self.attempt = secrets.token_hex(16)
        self.begun = False
        self.error: Exception | None = None  # what the source raised, or what is wrong with its length

    async def drain(self) -> None:
        """Wait for the end of a source that has nothing. Raises what it raises."""
        async for _ in exactly(self._chunks, 0):
            pass

    async def pieces(self, deadline: asyncio.Timeout) -> AsyncGenerator[bytes]:
        """The source's chunks. `deadline` runs while it is the store's turn, not while it is the source's."""
        if self.begun:
            raise StoreUnavailable("The connection to the store broke before the first byte.")
        self.begun = True
        loop = asyncio.get_running_loop()
        held = b""
        _allow(deadline, None)
        try:
            async for chunk in exactly(self._chunks, self.length):
                for at in range(0, len(chunk), CHUNK):
                    if held:
                        _allow(deadline, loop.time() + self._limits.idle)
                        yield held
                    held = chunk[at : at + CHUNK]
                _allow(deadline, None)
        except Exception as error:
            self.error = error
            raise
        _allow(deadline, loop.time() + self._limits.idle)
        yield held
        _allow(deadline, loop.time() + self._limits.answer)


def _allow(deadline: asyncio.Timeout, until: float | None) -> None:
    with suppress(RuntimeError):  # it has just passed, and what it cancels is on its way
        deadline.reschedule(until)


def _described(answer: aiohttp.ClientResponse) -> tuple[ObjectInfo, int, int]:
    """The object an answer is about, and which of its bytes (from, to before) it carries."""
    try:
        headers = answer.headers
        match = _RANGE.fullmatch(headers.get("Content-Range", ""))
        total = int(match[3]) if match else int(headers["Content-Length"])
        info = ObjectInfo(length=total, type=headers["Content-Type"], etag=headers["ETag"])
        first, end = (int(match[1]), int(match[2]) + 1) if match and match[1] else (0, total)
    except (KeyError, ValueError) as error:
        answer.close()
        raise StoreUnavailable("The store service sent an answer that says too little.") from error
    return info, first, end


def _info(told: Mapping[str, Any]) -> ObjectInfo:
    try:
        return ObjectInfo(length=int(told["length"]), type=str(told["type"]), etag=str(told["etag"]))
    except (KeyError, ValueError, TypeError) as error:
        raise StoreUnavailable("The store service sent an answer that says too little.") from error


async def _nothing() -> AsyncGenerator[bytes]:
    for chunk in ():
        yield chunk


def _words(error: BaseException) -> str:
    return (str(error) or type(error).__name__).rstrip(".")


def check_address(url: str) -> str:
    """The address itself. Raises SettingsError where it names no store service."""
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise SettingsError(
            "FRIEZE_STORE_URL must name a store service as http://store:8080, without a password in it."
        )
    return url


def check_token(token: str | None) -> str:
    """The token itself. Raises SettingsError where there is none, or none that can be sent or is worth sending."""
    if token is None or len(token) < SHORTEST_TOKEN or not re.fullmatch(r"[\x21-\x7e]+", token):
        raise SettingsError(
            f"A store service needs FRIEZE_STORE_TOKEN, the same on both sides: at least {SHORTEST_TOKEN} letters and "
            "digits."
        )
    return token
