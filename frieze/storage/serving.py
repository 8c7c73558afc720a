"""`frieze store serve`: the storage service as a process."""

import asyncio
import socket

import structlog
import uvloop
from aiohttp import web

from frieze.server import bind
from frieze.settings import Settings
from frieze.stopping import on_signals
from frieze.storage.service import SERVER_OPTIONS, StoreService
from frieze.store import configured_store
from wall.errors import SettingsError
from wall.store.base import Store
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
    async with configured_store(settings) as store:
        runner = await start_service(store, token, listening)
        host, port = listening.getsockname()[:2]
        log.info("the store is served", address=f"{host}:{port}", kind=settings.store.split(":", 1)[0])
        await stopping.wait()
        log.info("stopping")
        await runner.cleanup()


async def start_service(store: Store, token: str, listening: socket.socket) -> web.AppRunner:
    """Serve `store` on `listening` until the runner's `cleanup`."""
    runner = web.AppRunner(StoreService(store, token).app(), **SERVER_OPTIONS)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner
