"""The adapter: a container of OpenStack Swift as a `Store`.

An object's name is its key. One PUT with a known length writes it (chunked where the length is unknown), with
`If-None-Match: *`, and Swift shows nothing of a PUT that was cut; what may have been done although no answer came is
taken back (`objects.py`). Above 5 GiB it is a manifest with segments (`large.py`). Etags are always strong and quoted.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp

from wall.errors import ObjectChanged, StoreError, StoreRefused, StoreUnavailable
from wall.store.base import CHUNK, Method, ObjectInfo, OpenObject, SignedRequest, Sink, StoredObject
from wall.store.keys import check_key, is_key, new_key
from wall.store.limits import StoreLimits
from wall.store.pouring import Pouring
from wall.store.swift.address import SwiftAddress
from wall.store.swift.body import Body, Source
from wall.store.swift.large import LargeObjects
from wall.store.swift.objects import LARGE, WRITE, SwiftObjects, info_of, missing, plain_etag
from wall.store.swift.requests import Answer, SwiftRequests
from wall.store.swift.signing import TempUrls
from wall.store.swift.trouble import in_words

LARGE_BYTES = 5 * 2**30  # Swift's `max_file_size`, less the two bytes it has more
SEGMENT_BYTES = 2**30
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class SwiftStore:
    """A `Store` in one container. Above `large_bytes` an object is written in segments of `segment_bytes`."""

    def __init__(
        self,
        address: SwiftAddress,
        user: str,
        password: str,
        *,
        limits: StoreLimits | None = None,
        large_bytes: int = LARGE_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        check: Callable[[str], str] = check_key,
    ) -> None:
        self._address = address
        self._check = check  # which names it reads
        self._limits = limits or StoreLimits()
        self._large_bytes = large_bytes
        self._requests = SwiftRequests(address, user, password, self._limits)
        self._objects = SwiftObjects(self._requests)
        self._large = LargeObjects(self._requests, self._objects, segment_bytes)
        self._urls = TempUrls(self._requests, password)
        self._pouring = Pouring(self._limits.idle)
        self._rolling_back: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Sign in, and make the container where it is not there and we may."""
        found = await self._requests.ask("HEAD", self._address.container)
        # a user whose rights end at the objects may not look at the container
        if found.ok or found.status == 403:
            return
        if found.status != 404:
            raise self._requests.refused(found.status, "look at its container")
        made = await self._requests.ask("PUT", self._address.container)
        if made.status in (401, 403):
            raise StoreRefused(
                f"The store at {self._address.host} has no container {self._address.container} and does not let "
                "FRIEZE_STORE_USER make it; make it there, or look at FRIEZE_STORE_URL."
            )
        if not made.ok:
            raise self._requests.refused(made.status, "make its container")

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        self._check(key)
        if start < 0 or (length is not None and length < 0):
            raise StoreError(f"Bytes from {start} on, {length} of them, can't be read.")
        if length == 0:
            return await self._nothing_of(key, start, etag)
        headers = {"If-Match": etag} if etag is not None else {}
        if start or length is not None:
            headers["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        async with AsyncExitStack() as stack:
            response = await stack.enter_async_context(
                self._requests.open("GET", self._address.container, key, headers=headers)
            )
            if response.status == 416:
                return await self._nothing_of(key, start, etag)
            info, count = self._opened(response, start, length)
            if etag is not None and etag != info.etag:
                raise ObjectChanged(f"The object {key} is not the one that was asked for.")
            chunks = self._read(stack.pop_all(), response, count)
            await anext(chunks)  # from here on `aclose` lets go of the connection, also when nobody reads
            return OpenObject(info=info, chunks=chunks, pouring=partial(self._pour, response, count))

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        check_key(key)
        source = Source(chunks, length, self._large_bytes)
        await source.begin()
        write = secrets.token_hex(8)
        if length is not None and length > self._large_bytes:
            return await self._put_large(key, source, length, media_type, write)
        body = b"" if length == 0 else Body(source, length, self._limits)
        headers = {"Content-Type": media_type, "If-None-Match": "*", WRITE: write}
        try:
            answer = await self._objects.write(self._address.container, key, headers, body)
        except BaseException as error:
            # without a byte of it the store can't have made it
            if isinstance(body, bytes) or body.begun:
                await self._roll_back(error, self._take_back(key, write, body=body))
            raise
        etag = await self._confirmed(answer, key, write)
        return ObjectInfo(length=body.sent if isinstance(body, Body) else 0, type=media_type, etag=etag)

    async def head(self, key: str) -> ObjectInfo:
        found = await self._objects.look(self._address.container, self._check(key))
        if found is None:
            raise missing()
        return info_of(found.headers)

    async def delete(self, key: str) -> None:
        found = await self._objects.look(self._address.container, check_key(key))
        if found is not None and LARGE in found.headers:
            await self._large.delete(key)
            return
        # also where nothing is: it makes a write lose that was cut a moment ago
        await self._objects.delete(self._address.container, key)

    async def copy(self, source: str, target: str) -> ObjectInfo:
        """Swift has no condition for the target of a copy: we look first, and keys are made once (`keys.py`)."""
        container = self._address.container
        found = await self._objects.look(container, check_key(source))
        if found is None:
            raise missing()
        if await self._objects.look(container, check_key(target)) is not None:
            raise _taken()
        info, write = info_of(found.headers), secrets.token_hex(8)
        large = LARGE in found.headers
        try:
            if large:
                await self._large.copy(source, target, info.type, write)
            else:
                await self._objects.copy((container, source), (container, target), info.length, info.type, write)
            await self._check_copy(target, info)
        except BaseException as error:
            await self._roll_back(error, self._take_back(target, write, segments=large))
            raise
        return info

    async def sign(
        self, method: Method, key: str, lease: timedelta, *, length: int | None = None, media_type: str | None = None
    ) -> SignedRequest | None:
        """A TempURL. Swift can't hold a signed PUT to a length or a type: whoever lets it be used looks afterwards."""
        check_key(key)
        if method == "GET":
            found = await self._objects.look(self._address.container, key)
            if found is None:
                raise missing()
            # a container's key opens that container alone, and segments lie in another
            if LARGE in found.headers:
                return None
        signed = await self._urls.sign(method, key, lease)
        if signed is None:
            return None
        headers = {"Content-Type": media_type} if method == "PUT" and media_type else {}
        return SignedRequest(method=method, url=signed[0], expires=signed[1], headers=headers)

    async def objects(self) -> AsyncGenerator[StoredObject]:
        async with aclosing(self.listing("")) as listing:
            async for found in listing:
                if is_key(found.key):
                    yield found

    async def listing(self, prefix: str) -> AsyncGenerator[StoredObject]:
        """All objects whose name begins with `prefix`, whoever named them."""
        async with aclosing(self._requests.listing(self._address.container, prefix)) as listing:
            async for found in listing:
                yield StoredObject(key=found.name, length=found.length, written=found.written)

    async def exists(self) -> bool:
        """Whether the container is there. Raises StoreRefused and StoreUnavailable."""
        found = await self._requests.ask("HEAD", self._address.container)
        if not found.ok and found.status != 404:
            raise self._requests.refused(found.status, "look at its container")
        return found.ok

    async def tidy(self, older: timedelta) -> int:
        return await self._large.tidy(older)

    async def check(self) -> None:
        key, data = new_key(), secrets.token_bytes(64)

        async def once() -> AsyncIterator[bytes]:
            yield data

        put = await self.put(key, len(data), "application/octet-stream", once())
        try:
            found = await self.open(key, etag=put.etag)
            async with aclosing(found.chunks) as chunks:
                if b"".join([chunk async for chunk in chunks]) != data:
                    raise StoreError(f"The store at {self._address.host} gives back other bytes than were written.")
        finally:
            await self.delete(key)
        if await self._objects.look(self._address.container, key) is not None:
            raise StoreRefused(
                f"The store at {self._address.host} keeps what was deleted; is the container "
                f"{self._address.container} versioned, or a mirror of another?"
            )

    async def close(self) -> None:
        """Waits for what is being taken back, at most as long as that may take."""
        if self._rolling_back:
            await asyncio.wait(self._rolling_back)
        await self._requests.close()

    async def _check_copy(self, target: str, source: ObjectInfo) -> None:
        if await self.head(target) != source:
            raise StoreUnavailable(f"The store at {self._address.host} made a copy that is not like its source.")

    async def _put_large(self, key: str, source: Source, length: int, media_type: str, write: str) -> ObjectInfo:
        await self._large.make_container()
        try:
            answer = await self._large.write(key, source, length, media_type, write)
            etag = await self._confirmed(answer, key, write)
        except BaseException as error:
            await self._roll_back(error, self._take_back(key, write, segments=True))
            raise
        return ObjectInfo(length=length, type=media_type, etag=etag)

    async def _confirmed(self, answer: Answer, key: str, write: str) -> str:
        """The etag of what was written; 412 may also mean that it was there at a second try of the same request."""
        if answer.status != 412:
            return f'"{plain_etag(answer.headers)}"'
        found = await self._objects.look(self._address.container, key)
        if found is None or found.headers.get(WRITE) != write:
            raise _taken()
        return f'"{plain_etag(found.headers)}"'

    async def _take_back(self, key: str, write: str, *, body: Body | bytes = b"", segments: bool = False) -> None:
        if isinstance(body, Body):
            await body.rest()
        # the manifest first: nobody must read an object whose segments are going
        await self._objects.take_back(self._address.container, key, write)
        if segments:
            await self._large.take_back(key, write)

    async def _roll_back(self, error: BaseException, work: Coroutine[Any, Any, None]) -> None:
        """Take a write back to the end, whoever is cancelled meanwhile; what can't be is said beside the error."""
        task = asyncio.create_task(work)
        self._rolling_back.add(task)
        task.add_done_callback(self._rolled_back)
        try:
            await asyncio.shield(task)
        except StoreError as left:
            error.add_note(f"{left} `frieze store reconcile` finds what is left.")

    def _rolled_back(self, task: asyncio.Task[None]) -> None:
        self._rolling_back.discard(task)
        if not task.cancelled():
            task.exception()  # looked at here, also where the write's caller has gone

    async def _nothing_of(self, key: str, start: int, etag: str | None) -> OpenObject:
        """No bytes, from a place within the object or at its end. Raises StoreError for one beyond."""
        info = await self.head(key)
        if etag is not None and etag != info.etag:
            raise ObjectChanged(f"The object {key} is not the one that was asked for.")
        if start > info.length:
            raise StoreError(f"Bytes from {start} on were asked of an object of {info.length}.")

        async def nothing() -> AsyncGenerator[bytes]:
            for chunk in ():
                yield chunk

        return OpenObject(info=info, chunks=nothing())

    def _opened(self, response: aiohttp.ClientResponse, start: int, length: int | None) -> tuple[ObjectInfo, int]:
        """The object, and how many bytes the answer has for us. We read Content-Range: a store may ignore ranges."""
        if response.status == 404:
            raise missing()
        if response.status == 412:
            raise ObjectChanged("The object is not the one that was asked for.")
        if response.status == 200 and start == 0:
            info = info_of(response.headers)
            return info, info.length if length is None else min(info.length, length)
        match = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if response.status == 206 and match:
            first, last, total = map(int, match.groups())
            end = total if length is None else min(total, start + length)
            if first == start and last == end - 1:
                return info_of(response.headers, total), end - start
        if response.status in (200, 206):
            raise StoreUnavailable(f"The store at {self._address.host} answers other bytes than were asked for.")
        raise self._requests.refused(response.status, "read its objects")

    async def _read(self, stack: AsyncExitStack, response: aiohttp.ClientResponse, left: int) -> AsyncGenerator[bytes]:
        async with stack:
            yield b""
            while left:
                try:
                    data = await response.content.readany()
                except (TimeoutError, aiohttp.ClientError) as error:
                    raise in_words(error, self._address.host) from error
                if not data:
                    raise StoreUnavailable(f"The store at {self._address.host} ended an object early.")
                data = data[:left]
                left -= len(data)
                for at in range(0, len(data), CHUNK):
                    yield data[at : at + CHUNK]

    async def _pour(self, response: aiohttp.ClientResponse, left: int, sink: Sink) -> None:
        try:
            await self._pouring.pour(response, left, sink)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise in_words(error, self._address.host) from error


def _taken() -> StoreError:
    return StoreError("There is an object under this key already; objects never change.")
