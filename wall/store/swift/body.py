"""What is sent: a source of bytes held to its promise, and the bodies of the requests that carry it."""

import asyncio
import hashlib
from collections.abc import AsyncIterable
from contextlib import suppress

from wall.errors import StoreError
from wall.store.limits import StoreLimits


class Source:
    """Somebody's bytes, exactly `length` of them or, where that is unknown, at most `most`.

    The last bytes are given out only when the source has ended well: the store confirms what is complete, and a
    source that breaks off, or goes on, after its last byte must not have been confirmed.
    """

    def __init__(self, chunks: AsyncIterable[bytes], length: int | None, most: int) -> None:
        self._chunks = aiter(chunks)
        self._length = length
        self._most = most
        self._held = b""
        self._count = 0
        self._ended = False
        self.broke: Exception | None = None  # what the source, or its check, has raised

    async def begin(self) -> None:
        """Wait for the first bytes: no store is bothered with a source that has none to give."""
        self._held = await self._fetch()

    async def take(self, most: int | None = None) -> bytes:
        """The next bytes, at most `most`; nothing at the end."""
        taken = self._held or await self._fetch()
        if most is not None and len(taken) > most:
            self._held = taken[most:]
            return taken[:most]
        self._held = b""
        return taken

    async def _fetch(self) -> bytes:
        try:
            chunk = await self._pull()
            if chunk and self._count == self._length:
                await self._pull()  # the source ends here, or it is refused
            return chunk
        except Exception as error:
            self.broke = error
            raise

    async def _pull(self) -> bytes:
        chunk = b""
        while not chunk and not self._ended:
            try:
                chunk = await anext(self._chunks)
            except StopAsyncIteration:
                self._ended = True
        self._count += len(chunk)
        if self._length is not None:
            if self._count > self._length:
                raise StoreError(f"More than the promised {self._length} bytes came.")
            if self._ended and self._count != self._length:
                raise StoreError(f"{self._count} bytes came where {self._length} were promised.")
        elif self._count > self._most:
            raise StoreError(f"More than {self._most} bytes came; an object of that size needs its length said before.")
        return chunk


class Body:
    """The body of one PUT: the next `length` bytes of a source, or all of them. Counts, hashes, and keeps time."""

    def __init__(self, source: Source, length: int | None, limits: StoreLimits) -> None:
        self.length = length
        self.sent = 0
        self.begun = False  # the store has asked for it, so it can't be sent again
        self.complete = False
        self._source = source
        self._limits = limits
        self._digest = hashlib.md5(usedforsecurity=False)  # what Swift gives as a plain object's etag
        self._limit: asyncio.Timeout | None = None
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    @property
    def etag(self) -> str:
        return self._digest.hexdigest()

    @property
    def broke(self) -> Exception | None:
        return self._source.broke

    def timed_by(self, limit: asyncio.Timeout | None) -> None:
        """From now on `limit` ends the request when the store is silent; not when the source is, it has its own."""
        self._limit = limit

    async def rest(self) -> None:
        """Until nobody reads from the source any more: the writer of a request that failed goes after it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._at_rest.wait()

    def __aiter__(self) -> "Body":
        return self

    async def __anext__(self) -> bytes:
        self.begun = True
        left = None if self.length is None else self.length - self.sent
        chunk = b""
        if left != 0:
            self._wait(None)
            self._at_rest.clear()
            try:
                chunk = await self._source.take(left)
            finally:
                self._at_rest.set()
        if not chunk:
            self.complete = True
            self._wait(self._limits.answer)
            raise StopAsyncIteration
        self._digest.update(chunk)
        self.sent += len(chunk)
        self._wait(self._limits.idle)
        return chunk

    def _wait(self, seconds: float | None) -> None:
        if self._limit is not None:
            self._limit.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)
