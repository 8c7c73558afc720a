"""A storage service in this process, over a real store."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import web

from frieze.storage.service import SERVER_OPTIONS, StoreService
from wall.store.base import Store

TOKEN = "a-token-that-only-tests-know"


def listening() -> socket.socket:
    """A socket on a port of the system's choice."""
    bound = socket.create_server(("127.0.0.1", 0))
    bound.setblocking(False)
    return bound


@asynccontextmanager
async def served(store: Store, **limits: float) -> AsyncGenerator[str]:
    """`store` behind a service; its URL. `limits` are those of StoreService."""
    service = StoreService(store, TOKEN, **limits)  # pyright: ignore[reportArgumentType]
    runner = web.AppRunner(service.app(), **SERVER_OPTIONS)
    await runner.setup()
    bound = listening()
    try:
        await web.SockSite(runner, bound).start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        await runner.cleanup()
        bound.close()
