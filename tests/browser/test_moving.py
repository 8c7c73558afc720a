"""A wall page in Chromium, two relays on the real ActiveMQ and PostgreSQL: one stops, and nobody sees it."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Page

from tests.browser.wall import is_live, until_page
from tests.fakes.posts import finish_all, source_post
from tests.fakes.waiting import until_blocking
from tests.integration.activemq import ActiveMQ
from tests.postgres import Postgres, free_port
from tests.processes import Frieze, frieze, run
from wall.catalogue import Catalogue
from wall.catalogue.nodes import Node

T = TypeVar("T")


class Installation:
    """Relays by their port, and the page's address."""

    def __init__(self, database: str, base: str, relays: dict[int, Frieze]) -> None:
        self._database = database
        self.base = base
        self.relays = relays
        self._published = 0

    def publish(self) -> str:
        """One event more; the position it has."""
        self._published += 1

        async def go(catalogue: Catalogue) -> str:
            await catalogue.posts.add("main", "folder", source_post(f"p{self._published}"))
            await finish_all(catalogue)
            return str(await catalogue.log.head("main"))

        return self._with_catalogue(go)

    def nodes(self) -> list[Node]:
        return self._with_catalogue(lambda catalogue: catalogue.nodes.running())

    def _with_catalogue(self, work: Callable[[Catalogue], Awaitable[T]]) -> T:
        async def go() -> T:
            catalogue = Catalogue(self._database)
            try:
                return await work(catalogue)
            finally:
                await catalogue.close()

        # Playwright's loop may run in this thread, so the catalogue gets a thread of its own
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(go())).result(30)


@pytest.fixture
def installation(postgres: Postgres, activemq: ActiveMQ, tmp_path: Path) -> Generator[Installation]:
    port, ports = free_port(), (free_port(), free_port())
    settings = {
        "FRIEZE_DATA": str(tmp_path / "data"),
        "FRIEZE_DATABASE_URL": postgres.new_database(),
        "FRIEZE_STORE_URL": f"disk:{tmp_path / 'store'}",
        "FRIEZE_BROKER_URL": f"stomp://{activemq.stomp_host}:{activemq.stomp_port}",
        "FRIEZE_BROKER_PASSWORD": activemq.password,
        "FRIEZE_ORIGINS": f"http://127.0.0.1:{port}",
        "FRIEZE_RELAY_DRAIN": "2",
    }
    run("migrate", settings=settings)
    with ExitStack() as stack:
        relays: dict[int, Frieze] = {}
        for each in ports:
            address = {"FRIEZE_RELAY_PUBLIC_URL": f"ws://127.0.0.1:{each}/n/{{id}}/stomp"}
            relays[each] = stack.enter_context(
                frieze("relay", "--port", str(each), settings={**settings, **address}, folder=tmp_path)
            )
        web = stack.enter_context(frieze("web", "--port", str(port), settings=settings, folder=tmp_path))
        for each, process in ((port, web), *relays.items()):
            process.until_ready(f"http://127.0.0.1:{each}", 90)
        made = Installation(settings["FRIEZE_DATABASE_URL"], f"http://127.0.0.1:{port}", relays)
        until_blocking(lambda: sum(node.free > 0 for node in made.nodes()) == 2, "both relays to be known")
        yield made


def test_a_relay_that_stops_is_left_without_anybody_seeing_it(installation: Installation, page: Page) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"{installation.base}/w/main")
    until_page(page, lambda: is_live(page), "the page to be live", 60)
    head = installation.publish()
    until_page(page, lambda: page.evaluate("frieze.cursor") == head, "the first event", 60)
    page.evaluate("() => { window.moments = []; setInterval(() => moments.push(frieze.live), 20); }")
    before = page.evaluate("frieze.counts")
    [port] = [port for port in installation.relays if f":{port}/" in sockets[-1]]
    installation.relays.pop(port).process.terminate()
    until_page(page, lambda: len(sockets) == 2, "the page to go elsewhere", 60)
    head = installation.publish()
    until_page(page, lambda: page.evaluate("frieze.cursor") == head, "the next event", 60)
    [other] = installation.relays
    assert f":{other}/" in sockets[-1]
    assert page.evaluate("moments.length") > 10
    assert page.evaluate("moments.every(Boolean)"), "the page said that it is not live"
    after = page.evaluate("frieze.counts")
    # it resumed: nothing was asked for over HTTP
    assert (after["snapshots"], after["repairs"]) == (before["snapshots"], before["repairs"])
