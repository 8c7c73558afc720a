"""A store that signs addresses: a folder behind a small HTTP server that takes what was signed, and nothing else."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.fakes.serving import served
from tests.relay.uploads.place import WatchedStore
from wall.errors import StoreUnavailable
from wall.store.base import Method, ObjectInfo, OpenObject, SignedRequest

_KEY = b"what only the store knows"


class SigningStore(WatchedStore):
    """`signed` counts addresses given. `away`: its verbs fail. Reading stands still at the byte `slow_from`, or breaks
    off at `breaks_from`. As with a real one, a signed address takes bytes again and again until it is over."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.base = ""
        self.signed = 0
        self.away = False
        self.slow_from: int | None = None
        self.breaks_from: int | None = None

    async def sign(
        self, method: Method, key: str, lease: timedelta, *, length: int | None = None, media_type: str | None = None
    ) -> SignedRequest | None:
        self.signed += 1
        until = int(time.time() + lease.total_seconds())
        return SignedRequest(
            method=method,
            url=f"{self.base}/{key}?until={until}&signature={_signature(method, key, until, media_type or '')}",
            expires=datetime.fromtimestamp(until, UTC),
            headers={"content-type": media_type or ""},
        )

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        opened = await super().open(key, start, length, etag=etag)
        return OpenObject(info=opened.info, chunks=self._troubled(opened.chunks, start))

    async def _troubled(self, chunks: AsyncGenerator[bytes], at: int) -> AsyncGenerator[bytes]:
        async with aclosing(chunks):
            async for chunk in chunks:
                at += len(chunk)
                if self.slow_from is not None and at > self.slow_from:
                    await asyncio.Event().wait()
                if self.breaks_from is not None and at > self.breaks_from:
                    raise StoreUnavailable("The store broke off.")
                yield chunk

    async def copy(self, source: str, target: str) -> ObjectInfo:
        if self.away:
            raise StoreUnavailable("The store is away.")
        return await super().copy(source, target)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        key, query = request.url.path.removeprefix("/"), parse_qs(request.url.query)
        until, media_type = int(query["until"][0]), request.headers.get("content-type", "")
        expected = _signature(request.method, key, until, media_type)
        status = 403
        if hmac.compare_digest(expected, query["signature"][0]) and until > time.time():
            await self.delete(key)  # the newest counts
            length = int(request.headers["content-length"])
            await WatchedStore.put(self, key, length, media_type, request.stream())
            status = 201
        await Response(status_code=status)(scope, receive, send)


def _signature(method: str, key: str, until: int, media_type: str) -> str:
    return hmac.new(_KEY, f"{method} {key} {until} {media_type}".encode(), hashlib.sha256).hexdigest()


@asynccontextmanager
async def signing_store(folder: Path) -> AsyncGenerator[SigningStore]:
    store = SigningStore(folder)
    async with served(store) as port:
        store.base = f"http://127.0.0.1:{port}"
        yield store
