"""The origin that relay and nginx are compared over: files by HTTP, and a store that reads them."""

from collections.abc import AsyncGenerator
from functools import partial
from pathlib import Path

import aiohttp

from wall.errors import ObjectMissing, StoreUnavailable
from wall.store.base import CHUNK, ObjectInfo, OpenObject, Sink
from wall.store.disk import DiskStore
from wall.store.pouring import READ_AHEAD, Pouring, store_socket


class OriginStore(DiskStore):
    """Reads objects over HTTP, as the adapters for Swift and S3 do; what is written goes nowhere near it."""

    def __init__(self, root: Path, origin: str) -> None:
        super().__init__(root)
        self._origin = origin
        self._session: aiohttp.ClientSession | None = None
        self._pouring = Pouring(30)

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        if self._session is None:
            # a connection for each stream; no time limit in all, because a film lasts
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, socket_factory=store_socket),
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=30),
                auto_decompress=False,
                read_bufsize=READ_AHEAD,
            )
        last = "" if length is None else start + length - 1
        headers = {"range": f"bytes={start}-{last}", "accept-encoding": "identity"}
        if etag is not None:
            headers["if-match"] = etag
        try:
            answer = await self._session.get(f"{self._origin}/{key}", headers=headers)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StoreUnavailable(f"The origin does not answer: {error}.") from error
        if answer.status != 206:
            answer.release()
            raise ObjectMissing(f"The origin answers {answer.status}.")
        total = int(answer.headers["content-range"].rpartition("/")[2])
        info = ObjectInfo(length=total, type=answer.content_type, etag=answer.headers["etag"])
        chunks = _chunks(answer)
        await anext(chunks)
        count = int(answer.headers["content-length"])
        return OpenObject(info=info, chunks=chunks, pouring=partial(self._pass_on, answer, count))

    async def _pass_on(self, answer: aiohttp.ClientResponse, left: int, sink: Sink) -> None:
        try:
            await self._pouring.pour(answer, left, sink)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise StoreUnavailable(f"The origin hung up: {error}.") from error

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _chunks(answer: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
    try:
        yield b""  # from here on `aclose` ends the answer
        async for data in answer.content.iter_any():
            if len(data) <= CHUNK:
                yield data
                continue
            for start in range(0, len(data), CHUNK):
                yield data[start : start + CHUNK]
    except (aiohttp.ClientError, TimeoutError) as error:
        raise StoreUnavailable(f"The origin hung up: {error}.") from error
    finally:
        answer.close()
