"""A storage service in this process, over a real store."""

import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from aiohttp import web

from frieze.storage.service import IDLE_SECONDS, SERVER_OPTIONS, STALL_SECONDS, WRITES, StoreService
from wall.store.base import Store
from wall.store.collections.base import Collection

TOKEN = "a-token-that-only-tests-know"


def listening() -> socket.socket:
    """A socket on a port of the system's choice."""
    bound = socket.create_server(("127.0.0.1", 0))
    bound.setblocking(False)
    return bound


@asynccontextmanager
async def served(
    store: Store,
    *,
    collections: Mapping[str, Collection] | None = None,
    writes: int = WRITES,
    idle_seconds: float = IDLE_SECONDS,
    stall_seconds: float = STALL_SECONDS,
) -> AsyncGenerator[str]:
    """`store` behind a service; its URL. The limits are those of StoreService."""
    service = StoreService(
        store, TOKEN, collections=collections, writes=writes, idle_seconds=idle_seconds, stall_seconds=stall_seconds
    )
    runner = web.AppRunner(service.app(), **SERVER_OPTIONS)
    await runner.setup()
    bound = listening()
    try:
        await web.SockSite(runner, bound).start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        await runner.cleanup()
        bound.close()
