"""Relays as several processes and as several nodes, on the real ActiveMQ and PostgreSQL: viewers find them, move
between them and resume, and are shown every event once."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from starlette.applications import Starlette

from frieze.server import Dispatch
from relay.media import MediaServer
from tests.fakes.posts import finish_all, source_post
from tests.fakes.serving import served
from tests.fakes.waiting import until
from tests.integration.activemq import ActiveMQ
from tests.integration.watching import Watcher
from tests.postgres import Postgres, free_port
from tests.processes import Frieze, frieze
from wall.broker.address import BrokerAddress
from wall.broker.publisher import Publisher
from wall.catalogue import Catalogue
from wall.catalogue.nodes import Node
from wall.store import open_store
from web.public import PublicPages

pytestmark = pytest.mark.anyio

DRAIN = 2.0
# the machine may be very busy; nothing here is a matter of how fast
PATIENCE = 90.0


class Site:
    """A grown installation without its pictures: a catalogue, a publisher, the walls' API; relays come and go."""

    def __init__(self, catalogue: Catalogue, base: str, settings: dict[str, str], folder: Path) -> None:
        self.catalogue = catalogue
        self.watchers: list[Watcher] = []
        self._base = base
        self._settings = settings
        self._folder = folder
        self._stack = AsyncExitStack()
        self._session = aiohttp.ClientSession()
        self._tasks: list[asyncio.Task[None]] = []
        self._published = 0

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()
        await self._stack.aclose()

    async def relay(self, *arguments: str) -> "Relaying":
        """A relay that is ready."""
        port = free_port()
        address = f"ws://127.0.0.1:{port}/n/{{id}}/stomp"
        settings = {**self._settings, "FRIEZE_PORT": str(port), "FRIEZE_RELAY_PUBLIC_URL": address}
        process = self._stack.enter_context(frieze("relay", *arguments, settings=settings, folder=self._folder))
        relaying = Relaying(process, port)
        await relaying.until_ready()
        await self.until_named(lambda nodes: any(relaying.serves(url) for url in nodes))
        async with asyncio.timeout(PATIENCE):
            while True:
                nodes = await self.catalogue.nodes.running()
                if any(node.free for node in nodes if relaying.serves(node.address)):
                    return relaying
                await asyncio.sleep(0.1)

    async def nodes(self) -> list[str]:
        """What the page is told."""
        async with self._session.get(f"{self._base}/api/walls/main") as answer:
            wall = await answer.json()
            assert answer.headers["cache-control"] == "no-store"
        return [node["url"] for node in wall["nodes"]]

    async def until_named(self, condition: Callable[[list[str]], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                if condition(await self.nodes()):
                    return
                await asyncio.sleep(0.1)

    async def watch(self, count: int) -> list[Watcher]:
        """So many more viewers, subscribed."""
        new = [Watcher(self.catalogue, self.nodes) for _ in range(count)]
        self.watchers += new
        self._tasks += [asyncio.create_task(watcher.run()) for watcher in new]
        await until(lambda: all(watcher.address for watcher in new), "the viewers to be subscribed", PATIENCE)
        return new

    async def publish(self, count: int = 5) -> None:
        """So many events more, committed; the publisher sends them."""
        for _ in range(count):
            self._published += 1
            await self.catalogue.posts.add("main", "folder", source_post(f"p{self._published}"))
        while await finish_all(self.catalogue):
            pass

    @asynccontextmanager
    async def publishing(self) -> AsyncGenerator[None]:
        """Events all the time."""
        going = True

        async def go() -> None:
            while going:
                await self.publish(3)
                await asyncio.sleep(0.05)

        task = asyncio.create_task(go())
        try:
            yield
        finally:
            going = False
            await task

    async def until_all_are_told(self) -> None:
        """Every viewer has been shown everything, once and in order."""
        head = await self.catalogue.log.head("main")
        assert head is not None
        assert head.seq == self._published
        await until(
            lambda: all(watcher.cursor == head for watcher in self.watchers),
            f"every viewer to be at {head}",
            PATIENCE,
        )
        assert [watcher.faults for watcher in self.watchers if watcher.faults] == []
        for task in self._tasks:
            assert not task.done(), task

    async def until_at(self, relaying: "Relaying", watchers: list[Watcher]) -> None:
        await until(
            lambda: all(watcher.address and relaying.serves(watcher.address) for watcher in watchers),
            "the viewers to be at the relay",
            PATIENCE,
        )


class Relaying:
    """A `frieze relay` with its port."""

    def __init__(self, process: Frieze, port: int) -> None:
        self.process = process
        self.port = port

    def serves(self, url: str) -> bool:
        return f":{self.port}/" in url

    async def until_ready(self) -> None:
        await asyncio.to_thread(self.process.until_ready, f"http://127.0.0.1:{self.port}", PATIENCE)

    def workers(self) -> set[int]:
        """The processes of its workers."""
        children = Path(f"/proc/{self.process.process.pid}/task").glob("*/children")
        return {int(child) for file in children for child in file.read_text().split()}

    def ask_to_stop(self) -> None:
        self.process.process.terminate()

    async def ended(self) -> int:
        return await asyncio.to_thread(self.process.process.wait, PATIENCE)


@pytest.fixture
async def site(postgres: Postgres, activemq: ActiveMQ, tmp_path: Path) -> AsyncGenerator[Site]:
    database = postgres.new_database()
    catalogue = Catalogue(database)
    await catalogue.migrate()
    broker = BrokerAddress(hosts=(activemq.stomp,), user=activemq.user, password=activemq.password)
    pages = PublicPages(catalogue=catalogue, built=tmp_path, connect="/stomp")
    media = MediaServer(catalogue, await open_store(f"disk:{tmp_path / 'store'}"))
    publishing = asyncio.create_task(Publisher(catalogue, broker, "test").run())
    settings = {
        "FRIEZE_DATA": str(tmp_path / "data"),
        "FRIEZE_DATABASE_URL": database,
        "FRIEZE_STORE_URL": f"disk:{tmp_path / 'store'}",
        "FRIEZE_BROKER_URL": f"stomp://{activemq.stomp_host}:{activemq.stomp_port}",
        "FRIEZE_BROKER_PASSWORD": activemq.password,
        "FRIEZE_RELAY_DRAIN": str(DRAIN),
    }
    async with served(Dispatch(media, None, Starlette(routes=pages.routes()))) as port:
        made = Site(catalogue, f"http://127.0.0.1:{port}", settings, tmp_path)
        yield made
        await made.close()
    publishing.cancel()
    with suppress(asyncio.CancelledError):
        await publishing
    await catalogue.close()


async def test_a_workers_death_costs_its_viewers_one_resume_and_the_others_nothing(site: Site) -> None:
    relaying = await site.relay("--workers", "2")
    first = relaying.workers()
    assert len(first) == 2
    watchers = await site.watch(30)
    await site.publish()
    await site.until_all_are_told()
    async with site.publishing():
        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        await until(lambda: any(watcher.closes for watcher in watchers), "its viewers to be cut", PATIENCE)
        await until(lambda: len(relaying.workers() - {victim}) == 2, "another worker in its place", PATIENCE)
        await relaying.until_ready()
        await until(lambda: all(watcher.address for watcher in watchers), "all to be back", PATIENCE)
    await site.until_all_are_told()
    cut = [watcher for watcher in watchers if watcher.closes]
    assert 0 < len(cut) < len(watchers), "one worker had all viewers"
    assert min(first - {victim}) in relaying.workers()
    assert "a relay worker is started again" in relaying.process.log
    assert "SIGKILL" in relaying.process.log
    # one node, with what all its workers have; the row is renewed every 2 s
    async with asyncio.timeout(PATIENCE):
        while [node.capacity for node in await site.catalogue.nodes.running()] != [40_000]:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.1)
    # without its supervisor no worker goes on: the port is free for the next one
    left = relaying.workers()
    relaying.process.process.kill()
    await until(lambda: not any(_runs(pid) for pid in left), "the workers to stop", PATIENCE)


async def test_viewers_spread_over_relays_and_leave_one_that_stops_without_a_gap(site: Site) -> None:
    one = await site.relay()
    early = await site.watch(15)
    await site.publish()
    two = await site.relay()
    # a relay added under load takes its share of those that come
    late = await site.watch(40)
    assert all(one.serves(watcher.address or "") for watcher in early)
    assert sum(two.serves(watcher.address or "") for watcher in late) >= 8
    assert sum(one.serves(watcher.address or "") for watcher in late) >= 8
    moving = [watcher for watcher in site.watchers if one.serves(watcher.address or "")]
    async with site.publishing():
        one.ask_to_stop()
        await site.until_named(lambda nodes: not any(one.serves(url) for url in nodes))
        if one.process.process.poll() is None:
            # it still has viewers, so it is still in the catalogue, as one that drains
            states = {node.draining for node in await site.catalogue.nodes.running()}
            assert states in ({False, True}, {False})
        await site.until_at(two, site.watchers)
        assert await one.ended() == 0
    await site.until_all_are_told()
    for watcher in moving:
        assert watcher.closes == [1012]
        assert len(watcher.recovered) == 2
    # A relay that can't read the log within two seconds says so honestly, and the viewer repairs, as the page does;
    # where the machine stands still for so long that is who asked just then, never everybody.
    assert any(all(watcher.recovered) for watcher in moving), (one.process.log, two.process.log)
    assert [watcher.closes for watcher in site.watchers if watcher not in moving and watcher.closes] == []
    await _until_load(site, len(site.watchers))
    # one that dies without a word is left out once its row has expired
    two.process.kill()
    await site.until_named(lambda nodes: nodes == [])


async def test_a_relay_without_another_one_stops_soon_and_lets_nobody_in_meanwhile(site: Site) -> None:
    relaying = await site.relay("--workers", "2")
    await site.watch(6)
    relaying.ask_to_stop()
    await until(lambda: all(watcher.closes == [1012] for watcher in site.watchers), "all to be sent away", PATIENCE)
    assert await relaying.ended() == 0
    assert await site.nodes() == []
    assert await site.catalogue.nodes.running() == []


async def _until_load(site: Site, load: int) -> Node:
    async with asyncio.timeout(PATIENCE):
        while True:
            nodes = [node for node in await site.catalogue.nodes.running() if node.load == load]
            if nodes:
                return nodes[0]
            await asyncio.sleep(0.1)


def _runs(pid: int) -> bool:
    return _state(pid) not in (None, "Z")


def _state(pid: int) -> str | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return None
