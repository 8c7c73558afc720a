"""The event log, sent to the broker in seq order per wall, each event confirmed.

Every ingest and web process runs one publisher; a claim per wall decides which of them sends. Events go out in
windows of at most 64; a window's receipts are awaited and recorded before the next one, so a hand-over repeats at most
one window. Every 5 seconds, and after each reconnect, a `head` says how far the broker has come.
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing, suppress
from datetime import timedelta

import structlog

from wall.broker.address import BrokerAddress
from wall.broker.connection import BrokerConnection
from wall.broker.link import connections
from wall.catalogue import Catalogue
from wall.catalogue.claims import Claim
from wall.catalogue.log import LoggedEvent
from wall.catalogue.walls import Wall
from wall.errors import BrokerError, CatalogueError, PositionAhead
from wall.events import Cursor, Event
from wall.trouble import Trouble
from wall.wire import encode_event, headers

WINDOW = 64  # unconfirmed events at once; with 150 ms to the broker that is still 400 a second
LEASE = timedelta(seconds=3)
RENEW_SECONDS = 1.0
HEAD_SECONDS = 5.0
# how soon events of another process are noticed when their own publisher does not hold the wall
LOOK_SECONDS = 0.1
REPORT_SECONDS = 60.0
_PART = "publisher"


class Publisher:
    """Runs for ever in its own task. `holder` names this process in claims and in the console."""

    def __init__(self, catalogue: Catalogue, address: BrokerAddress, holder: str) -> None:
        self._catalogue = catalogue
        self._address = address
        self._holder = holder
        self._log = structlog.get_logger("publisher")
        self._claims: dict[str, Claim] = {}
        self._renewed: dict[str, float] = {}
        self._headed: dict[str, float] = {}
        self._subscribed: set[str] = set()
        self._ahead: dict[str, Cursor] = {}
        self._state = (True, "Starting.")
        self._trouble = Trouble()

    async def run(self) -> None:
        """Publish until cancelled; gives its claims back on the way out."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._publish())
                tasks.create_task(self._report())
        finally:
            await asyncio.shield(self._release())

    async def _publish(self) -> None:
        async with aclosing(connections(self._address, on_trouble=self._say_trouble)) as links:
            async for connection in links:
                await self._use(connection)

    async def _report(self) -> None:
        """Keep the console's line about this publisher true."""
        reported: tuple[bool, str] | None = None
        at = 0.0
        while True:
            now = asyncio.get_running_loop().time()
            if self._state != reported or now - at > REPORT_SECONDS:
                with suppress(CatalogueError):
                    ok, sentence = self._state
                    await self._catalogue.health.say(f"{_PART} {self._holder}", ok=ok, sentence=sentence)
                    reported, at = (ok, sentence), now
            await asyncio.sleep(1)

    async def _use(self, connection: BrokerConnection) -> None:
        self._headed.clear()
        self._subscribed.clear()
        with self._catalogue.changed.listen() as listener:
            while not connection.lost.done():
                try:
                    busy = await self._round(connection)
                    self._say_well(connection)
                except BrokerError as error:
                    self._say_trouble(error)
                    return
                except CatalogueError as error:
                    self._say_trouble(error)
                    busy = False
                    await asyncio.sleep(1)
                if not busy:
                    await listener.wait(LOOK_SECONDS)

    async def _round(self, connection: BrokerConnection) -> bool:
        """One window of every wall that is ours; whether there may be more at once."""
        busy = False
        for wall in await self._catalogue.walls.all():
            if not await self._hold(wall.slug):
                continue
            await self._watch(connection, wall)
            self._refuse_if_behind(wall)
            busy |= await self._send_window(connection, wall)
            await self._send_head(connection, wall.slug)
        return busy

    async def _hold(self, slug: str) -> bool:
        now = asyncio.get_running_loop().time()
        claim = self._claims.get(slug)
        if claim is not None and now - self._renewed[slug] < RENEW_SECONDS:
            return True
        if claim is None:
            # asking costs a writer's turn: once a second is enough
            if now - self._renewed.get(slug, -RENEW_SECONDS) < RENEW_SECONDS:
                return False
            claim = await self._catalogue.claims.take(f"publish:{slug}", self._holder, LEASE)
        else:
            claim = await self._catalogue.claims.renew(claim, LEASE)
        self._renewed[slug] = now
        if claim is None:
            self._claims.pop(slug, None)
            self._headed.pop(slug, None)
            return False
        self._claims[slug] = claim
        return True

    async def _send_window(self, connection: BrokerConnection, wall: Wall) -> bool:
        if wall.confirmed >= wall.seq:
            return False
        events = await self._catalogue.log.unconfirmed(wall, WINDOW)
        receipts: list[asyncio.Future[None]] = []
        confirmed = wall.confirmed
        try:
            try:
                for event in events:
                    receipts.append(await self._send(connection, wall, event))
            finally:
                # also when the broker hung up half-way: what it has confirmed is not sent again
                for event, receipt in zip(events, receipts, strict=False):
                    await connection.confirmed(receipt)
                    confirmed = event.seq
        finally:
            if confirmed > wall.confirmed:
                await self._catalogue.log.confirm(wall.slug, Cursor(wall.epoch, confirmed))
        return len(events) == WINDOW

    async def _send(self, connection: BrokerConnection, wall: Wall, event: LoggedEvent) -> asyncio.Future[None]:
        fields = headers(event.epoch, event.seq, event.kind, event.post_id)
        return await connection.send(wall.topic, event.body, fields)

    async def _send_head(self, connection: BrokerConnection, slug: str) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._headed.get(slug, -HEAD_SECONDS) < HEAD_SECONDS:
            return
        self._headed[slug] = now
        wall = await self._catalogue.walls.get(slug)
        head = Event(wall=slug, epoch=wall.epoch, seq=wall.confirmed, kind="head", at=self._catalogue.now())
        fields = headers(head.epoch, head.seq, head.kind)
        await connection.confirmed(await connection.send(wall.topic, encode_event(head), fields))

    async def _watch(self, connection: BrokerConnection, wall: Wall) -> None:
        """Hear what the broker carries, to notice a catalogue that is older than what viewers have seen."""
        slug = wall.slug
        if slug in self._subscribed:
            return
        self._subscribed.add(slug)
        await connection.subscribe(wall.topic, lambda fields, _body: self._heard(slug, fields))

    def _heard(self, slug: str, fields: Mapping[str, str]) -> None:
        with suppress(ValueError):
            heard = Cursor.parse(f"{fields.get('epoch', '')}-{fields.get('seq', '')}")
            if slug not in self._ahead or heard > self._ahead[slug]:
                self._ahead[slug] = heard

    def _refuse_if_behind(self, wall: Wall) -> None:
        heard = self._ahead.get(wall.slug)
        if heard is not None and heard > wall.cursor:
            raise PositionAhead(
                f"The broker has carried {heard} of the wall {wall.slug}, but this catalogue ends at {wall.cursor}: "
                "it is an older copy. Run `frieze catalogue new-epoch` if it was restored from a backup, "
                "or point Frieze at the right database."
            )

    def _say_well(self, connection: BrokerConnection) -> None:
        self._trouble.over()
        self._state = (True, f"Connected to the broker at {connection.host[0]}:{connection.host[1]}.")

    def _say_trouble(self, error: BrokerError | CatalogueError) -> None:
        self._state = (False, str(error))
        held_back = self._trouble.worth_saying(str(error), asyncio.get_running_loop().time())
        if held_back is not None:
            self._log.warning("publishing stands still", reason=str(error), repeats=held_back)

    async def _release(self) -> None:
        with suppress(CatalogueError):
            for claim in self._claims.values():
                await self._catalogue.claims.release(claim)
            await self._catalogue.health.gone(f"{_PART} {self._holder}")
        self._claims.clear()
