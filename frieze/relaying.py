"""The relay's two ends: the catalogue's log behind it, and in the grown shape the broker it listens to."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing

import structlog

from frieze.nodes import STOMP_PATH, node_path
from frieze.settings import Settings
from frieze.tether import Report
from relay.log import StoredEvent
from relay.rights import Walls
from relay.server import Relay
from relay.settings import RelaySettings
from relay.uploads.settings import UploadSettings
from wall.broker.address import BrokerAddress
from wall.broker.connection import BrokerConnection
from wall.broker.link import connections
from wall.catalogue import Catalogue
from wall.destinations import PRIVATE, SCREENS, WALL
from wall.errors import BrokerError, NotFound
from wall.events import Cursor
from wall.trouble import Trouble

# one subscription each for all walls of a kind and all screens, as ActiveMQ spells it
_SUBSCRIPTIONS = (f"{WALL}>", f"{PRIVATE}>", f"{SCREENS}>")


def relay_settings(settings: Settings, passcode: str | None, node: str | None = None) -> RelaySettings:
    """What the relay needs to know; without a passcode nobody may SEND. `node` is its name among several."""
    return RelaySettings(
        login=settings.broker_user,
        passcode=passcode,
        origins=settings.origins,
        trusted_proxies=settings.trusted_proxies,
        deflate=settings.relay_deflate,
        paths=(STOMP_PATH,) if node is None else (STOMP_PATH, node_path(node)),
    )


def upload_settings(settings: Settings) -> UploadSettings:
    """What the relay needs to know of guests' uploads."""
    return UploadSettings(origins=settings.origins, direct=settings.upload_direct * 1_000_000)


def occupancy(reports: Iterable[Report]) -> tuple[int, int]:
    """How many viewers a relay of these workers has, and how many it can take: a worker that hears no broker, none."""
    known = tuple(reports)
    places = RelaySettings().connections
    return sum(report.viewers for report in known), sum(places for report in known if report.ready)


class CatalogueLog:
    """The relay's view of the catalogue's log."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def events_after(self, topic: str, cursor: Cursor, limit: int) -> list[StoredEvent] | None:
        slug = topic.rpartition(".")[2]
        try:
            events = await self._catalogue.log.after(slug, cursor, limit, topic=topic)
        except NotFound:
            return None
        if events is None:
            return None
        return [
            StoredEvent(
                wall=event.wall, epoch=event.epoch, seq=event.seq, kind=event.kind, key=event.post_id, body=event.body
            )
            for event in events
        ]


class CatalogueWalls:
    """The relay's view of who may see which wall."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def walls(self) -> Walls:
        links = self._catalogue.links
        return Walls(key=await links.token_key(), links=await links.numbers())


class Upstream:
    """One subscription at the broker that feeds the relay; what a loss of it costs is filled from the log."""

    def __init__(self, address: BrokerAddress, relay: Relay) -> None:
        self._address = address
        self._relay = relay
        self._log = structlog.get_logger("upstream")
        self._connected = False
        self._trouble = Trouble()

    def ready(self) -> bool:
        """Whether the relay hears the broker now."""
        return self._connected

    async def run(self) -> None:
        async with aclosing(connections(self._address, on_trouble=self._say_trouble)) as links:
            async for connection in links:
                try:
                    await self._listen(connection)
                except BrokerError as error:
                    self._say_trouble(error)
                finally:
                    self._connected = False

    async def _listen(self, connection: BrokerConnection) -> None:
        for destination in _SUBSCRIPTIONS:
            await connection.subscribe(
                destination, lambda headers, body: self._relay.receive(headers["destination"], headers, body)
            )
        self._connected = True
        self._trouble.over()
        self._relay.doubt()
        await asyncio.shield(connection.lost)

    def _say_trouble(self, error: BrokerError) -> None:
        held_back = self._trouble.worth_saying(str(error), asyncio.get_running_loop().time())
        if held_back is not None:
            self._log.warning("the relay hears nothing", reason=str(error), repeats=held_back)
