"""`frieze store serve`: the storage service as a process."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
import uvloop
from aiohttp import web

from frieze.server import bind
from frieze.settings import Settings
from frieze.stopping import on_signals
from frieze.storage.service import SERVER_OPTIONS, StoreService
from frieze.store import configured_store, credentials
from wall.errors import SettingsError
from wall.store.base import Store
from wall.store.collections import check_apart, open_collection
from wall.store.collections.base import Collection
from wall.store.collections.remote import hash_of
from wall.store.remote import check_token


def run_service(settings: Settings) -> None:
    """Serve the configured store until SIGINT or SIGTERM. Raises FriezeError when it can't."""
    token = check_token(settings.store_token.get_secret_value() if settings.store_token else None)
    if settings.store.startswith(("http://", "https://")):
        raise SettingsError("FRIEZE_STORE_URL names a store service; `frieze store serve` needs the store behind it.")
    listening = bind(settings.host, settings.port, "the store", "--port or FRIEZE_PORT")
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, token, listening))
    finally:
        listening.close()


async def _serve(settings: Settings, token: str, listening: socket.socket) -> None:
    stopping, _ = on_signals()
    log = structlog.get_logger("store")
    async with configured_store(settings) as store, offered_collections(settings) as collections:
        runner = await start_service(store, token, listening, collections)
        host, port = listening.getsockname()[:2]
        log.info(
            "the store is served",
            address=f"{host}:{port}",
            kind=settings.store.split(":", 1)[0],
            collections=len(collections),
        )
        await stopping.wait()
        log.info("stopping")
        await runner.cleanup()


@asynccontextmanager
async def offered_collections(settings: Settings) -> AsyncGenerator[Mapping[str, Collection]]:
    """The collections that others may read through us, by the hashes of their URLs. Raises SettingsError."""
    async with AsyncExitStack() as stack:
        offered: dict[str, Collection] = {}
        for url in settings.store_collections:
            address = check_apart(url, settings.store)
            offered[hash_of(address)] = open_collection(address, *credentials(settings, address))
            stack.push_async_callback(offered[hash_of(address)].close)
        yield offered


async def start_service(
    store: Store, token: str, listening: socket.socket, collections: Mapping[str, Collection] | None = None
) -> web.AppRunner:
    """Serve `store` and `collections` on `listening` until the runner's `cleanup`."""
    runner = web.AppRunner(StoreService(store, token, collections=collections).app(), **SERVER_OPTIONS)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner
