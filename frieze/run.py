"""The composition root: which parts run in this process, how they start and in which order they stop."""

import asyncio
import os
import secrets
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import structlog
import uvloop
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from frieze.broker import broker_address, service_password
from frieze.collector import settle
from frieze.folder import data_folder, scratch_folder
from frieze.health import health_routes
from frieze.hello import say_hello
from frieze.metrics import bind_metrics, metrics_server
from frieze.nodes import NodeKeeper, node_name
from frieze.parts import BUILT_PAGES, Part
from frieze.relaying import CatalogueLog, CatalogueWalls, Upstream, occupancy, relay_settings, upload_settings
from frieze.server import PAGES, SHUTDOWN_SECONDS, Dispatch, bind, http_server, port_refused
from frieze.settings import Settings
from frieze.sources import make_sources, query_checks, start_searches
from frieze.stopping import LEAVE_SECONDS, SPREAD_SECONDS, STOP_SECONDS, leave_seconds, on_signals
from frieze.store import wide_store
from frieze.tether import Report, Tether
from ingest.service import Ingest
from ingest.worker import Worker
from relay.media import MediaServer
from relay.ondemand import OnDemand
from relay.server import Relay
from relay.settings import MediaSettings
from relay.stream import EventStreams
from relay.tcp import listen_tcp
from relay.uploads.care import Care
from relay.uploads.server import UploadServer
from relay.websocket import websocket_class
from wall.broker.address import BrokerAddress
from wall.broker.publisher import Publisher
from wall.catalogue import Catalogue
from wall.catalogue.migrate import is_current
from wall.errors import CatalogueError, FriezeError, SettingsError
from wall.pictures.studio import PictureStudio
from wall.store.base import Store
from web.console.app import console_app
from web.direct import Direct
from web.headers import SecurityHeaders
from web.public import PublicPages


def run_parts(settings: Settings, parts: set[Part], *, up: bool = False, tether: Tether | None = None) -> None:
    """Run until SIGINT or SIGTERM; a worker of several (`tether`) until its supervisor says so.

    A second signal cuts short what the first one began. Raises FriezeError in one sentence when something can't start.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings, parts, up=up, tether=tether))
    except BaseExceptionGroup as group:
        ours, rest = group.split(FriezeError)
        if ours is None or rest is not None:
            raise
        raise _first(ours) from group


async def _run(settings: Settings, parts: set[Part], *, up: bool, tether: Tether | None) -> None:
    stopping, hurry = on_signals()
    async with AsyncExitStack() as stack:
        if tether is not None:
            # Ctrl-C in a terminal reaches the workers as well; they wait for the supervisor's word
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: None)
            await tether.hold(stopping)
            stack.callback(tether.close)
        process = await _Process.start(stack, settings, parts, up=up, stopping=stopping, tether=tether)
        settle()
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(work()) for work in process.work]
            if up:
                await say_hello(settings, process.catalogue, process.port)
            if tether is not None:
                tether.report(process.report)
            await stopping.wait()
            structlog.get_logger("frieze").info("stopping")
            await process.drain(hurry)
            for task in running:
                task.cancel()


class _Process:
    """The parts of this process, made from its settings. `work` runs until cancelled; `drain` goes before that."""

    def __init__(self, settings: Settings, catalogue: Catalogue, tether: Tether | None) -> None:
        self.settings = settings
        self._tether = tether
        self._keeper: NodeKeeper | None = None
        self.catalogue = catalogue
        self.holder = f"{socket.gethostname()[:40]}-{os.getpid()}-{secrets.token_hex(2)}"
        self.work: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self.port = settings.port
        self.relay: Relay | None = None
        self.media: MediaServer | None = None
        self.uploads: UploadServer | None = None
        self._hears: Callable[[], bool] = lambda: True  # what it needs beside the catalogue, such as the broker
        self._drains: list[Callable[[], Awaitable[None]]] = []

    @classmethod
    async def start(
        cls,
        stack: AsyncExitStack,
        settings: Settings,
        parts: set[Part],
        *,
        up: bool,
        stopping: asyncio.Event,
        tether: Tether | None,
    ) -> "_Process":
        data_folder(settings.data)
        catalogue = Catalogue(settings.database)
        stack.push_async_callback(catalogue.close)
        process = cls(settings, catalogue, tether)
        # ports first: a taken one is said before anything is touched
        listening = None
        if parts & {Part.RELAY, Part.WEB}:
            listening = tether.listening if tether else bind(settings.host, settings.port, *PAGES)
            stack.callback(listening.close)
            process.port = listening.getsockname()[1]
        if settings.embedded and Part.RELAY not in parts:
            raise SettingsError(
                "The embedded broker lives in `frieze up`; a part on its own needs FRIEZE_BROKER_URL=stomp://…"
            )
        address = await process._relay(stack, parts)
        if process.relay is not None:
            # also when a later part can't start
            stack.push_async_callback(process.relay.close)
        if up:
            await catalogue.migrate()
        else:
            await _wait_for_migrations(catalogue, stopping)
            if stopping.is_set():
                return process  # there may be no tables yet
        await process._compose(stack, parts, listening, address, up=up)
        return process

    async def _relay(self, stack: AsyncExitStack, parts: set[Part]) -> BrokerAddress:
        """Start the relay where it is one of the parts; where our services find the broker."""
        settings = self.settings
        if Part.RELAY not in parts:
            return broker_address(settings)
        metrics = bind_metrics(settings.metrics, self._tether.number if self._tether else 0)
        if metrics is not None:
            stack.callback(metrics.close)
        passcode = service_password(settings) if settings.embedded else None
        # the embedded broker is the only relay there is
        node = None if settings.embedded else self._tether.node if self._tether else node_name(self.port)
        relay = Relay(
            log=CatalogueLog(self.catalogue),
            settings=relay_settings(settings, passcode, node),
            walls=CatalogueWalls(self.catalogue),
        )
        self.relay = relay
        if node is not None:
            address = broker_address(settings)
            upstream = Upstream(address, relay)
            self._hears = upstream.ready
            self.work.append(upstream.run)
            self._serve_metrics(metrics, relay, upstream)
            if self._tether is None:
                self._keeper = NodeKeeper(self.catalogue, settings, node, lambda: occupancy([self.report()]))
                self.work.append(self._keeper.run)
            return address
        host, port = settings.stomp_host, settings.stomp_port
        try:
            server = await listen_tcp(relay, host, port)
        except OSError as error:
            raise port_refused(host, port, "STOMP", "--stomp-port or FRIEZE_STOMP_PORT", error) from error
        self._serve_metrics(metrics, relay, None)
        return broker_address(settings, server.sockets[0].getsockname()[1])

    def _serve_metrics(self, listening: socket.socket | None, relay: Relay, upstream: Upstream | None) -> None:
        """Stops after the relay, so that its viewers can be watched leaving."""
        if listening is None:
            return
        host, port = listening.getsockname()[:2]
        structlog.get_logger("frieze").info("metrics are served", address=f"{host}:{port}")
        number, count = (self._tether.number, self._tether.count) if self._tether else (0, 1)
        server = metrics_server(relay, upstream, lambda: self.media, lambda: self.uploads, worker=number, workers=count)

        async def serve() -> None:
            await server.serve(sockets=[listening])

        async def stop_serving() -> None:
            server.should_exit = True

        self.work.append(serve)
        self._drains.append(stop_serving)

    async def _compose(
        self,
        stack: AsyncExitStack,
        parts: set[Part],
        listening: socket.socket | None,
        address: BrokerAddress,
        *,
        up: bool,
    ) -> None:
        settings, catalogue = self.settings, self.catalogue
        if self.relay is not None:
            # who comes first must not be sent away for what the relay could have known
            await self.relay.visibility.learn()
        scratch = stack.enter_context(scratch_folder(settings.data, self.holder))
        store = await stack.enter_async_context(wide_store(settings, catalogue))
        # whoever serves pictures makes larger sizes when somebody wants them; no process starts before there is work
        studio = await stack.enter_async_context(PictureStudio(workers=settings.picture_workers or None))
        if Part.INGEST in parts:
            sources = await make_sources(stack, settings, store)
            worker = Worker(catalogue, sources, store, studio, holder=self.holder, folder=scratch)
            self.work.append(Ingest(catalogue, sources, store, worker, holder=self.holder).run)
            if up:
                await start_searches(catalogue, settings)
        if parts & {Part.INGEST, Part.WEB}:
            self.work.append(Publisher(catalogue, address, self.holder).run)
        if self.relay is not None:
            limits = upload_settings(settings)
            self.uploads = UploadServer(catalogue, store, limits, holder=self.holder)
            # also when a later part can't start, and when a second signal has cut the first one short
            stack.push_async_callback(self.uploads.close, 0, LEAVE_SECONDS)
            self.work.append(Care(catalogue, store, limits, self.holder).run)
        if listening is not None:
            self._serve(parts, listening, store, studio, scratch)

    def _serve(
        self, parts: set[Part], listening: socket.socket, store: Store, studio: PictureStudio, scratch: Path
    ) -> None:
        settings, catalogue = self.settings, self.catalogue
        routes: list[BaseRoute] = [*health_routes(catalogue, self._ready)]
        console: FastAPI | None = None
        if Part.WEB in parts:
            console = console_app(
                catalogue, pages=BUILT_PAGES, networks=query_checks(settings), origins=settings.origins
            )
            direct = Direct(store, time.monotonic)
            routes += PublicPages(
                catalogue=catalogue,
                built=BUILT_PAGES,
                connect=settings.viewer_url,
                direct=direct,
                origins=settings.origins,
            ).routes()
        pages = Starlette(routes=routes, middleware=[Middleware(SecurityHeaders)])
        # the web part serves pictures too, so that a page works before there is a proxy that shares them out
        on_demand = OnDemand(catalogue, store, studio, holder=self.holder, folder=scratch)
        limits = MediaSettings(trusted_proxies=settings.trusted_proxies)
        media = self.media = MediaServer(catalogue, store, limits, on_demand=on_demand)
        server = http_server(
            Dispatch(media, console, pages, EventStreams(self.relay) if self.relay else None, self.uploads),
            websocket_class(self.relay) if self.relay else None,
            settings.trusted_proxies,
            media.ready,
        )

        async def serve() -> None:
            await server.serve(sockets=[listening])

        async def stop_serving() -> None:
            if console is not None:
                console.state.watch.close()
            # before the server itself would, which can't do it without complaining
            media.stop(SHUTDOWN_SECONDS / 2)
            server.should_exit = True

        self.work.append(serve)
        self._drains.append(stop_serving)

    def report(self) -> Report:
        """How many viewers there are, and whether this process by itself can do its work."""
        assert self.relay is not None
        return Report(len(self.relay.connections), self._hears() and not self.relay.stopping)

    def _ready(self) -> bool:
        if self.relay is not None and self.relay.stopping:
            return False
        return self._tether.ready if self._tether is not None else self._hears()

    async def drain(self, hurry: asyncio.Event) -> None:
        """Stop accepting, tell viewers to go elsewhere or come back, and leave the rest a moment."""
        draining = asyncio.create_task(self._drain())
        hurrying = asyncio.create_task(hurry.wait())
        await asyncio.wait((draining, hurrying), return_when=asyncio.FIRST_COMPLETED)
        hurrying.cancel()
        draining.cancel()
        await asyncio.gather(draining, hurrying, return_exceptions=True)
        if not draining.cancelled():
            draining.result()

    async def _drain(self) -> None:
        try:
            if self.relay is not None:
                spread = await self._spread()
                leave = leave_seconds(spread)
                async with asyncio.timeout(spread + leave), asyncio.TaskGroup() as closing:
                    closing.create_task(self.relay.close(spread))
                    if self.uploads is not None:
                        closing.create_task(self.uploads.close(spread, leave))
        except TimeoutError:
            structlog.get_logger("frieze").warning("some viewers did not leave in time")
        async with asyncio.timeout(STOP_SECONDS / 2):
            for drain in self._drains:
                await drain()

    async def _spread(self) -> float:
        """Over how many seconds viewers are to leave."""
        if self._tether is not None:
            return self.settings.relay_drain if self._tether.spread is None else self._tether.spread
        if self._keeper is not None:
            return await self._keeper.withdraw()
        return SPREAD_SECONDS


async def _wait_for_migrations(catalogue: Catalogue, stopping: asyncio.Event) -> None:
    """The migration job runs first; wait for it and say so once."""
    log = structlog.get_logger("frieze")
    said = False
    while not stopping.is_set():
        try:
            if await is_current(catalogue.database):
                return
            reason = "the catalogue is not migrated yet; run `frieze migrate`"
        except CatalogueError as error:
            reason = str(error)
        if not said:
            log.warning("waiting for the database", reason=reason)
            said = True
        await asyncio.sleep(1)


def _first(group: BaseExceptionGroup[FriezeError]) -> FriezeError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, FriezeError)
    return error
