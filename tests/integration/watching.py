"""Viewers that do what the wall page does: they go where they are told to, resume, and move on. They keep what they
were shown, so that a gap or a repeat is seen."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from wall.catalogue import Catalogue
from wall.errors import CatalogueError
from wall.events import Cursor
from wall.stomp.codec import Decoder, Limits, encode
from wall.stomp.frames import Frame

ANSWER_SECONDS = 20.0


class Watcher:
    """`cursor` is the last event it was shown; `faults` are the gaps and repeats it saw, which must stay empty."""

    def __init__(self, catalogue: Catalogue, ask: Callable[[], Awaitable[list[str]]]) -> None:
        self._catalogue = catalogue
        self._ask = ask
        self.cursor: Cursor | None = None
        self.address: str | None = None  # where it is subscribed now
        self.faults: list[str] = []
        self.closes: list[int] = []
        self.recovered: list[bool] = []

    async def run(self) -> None:
        """Watch until cancelled."""
        nodes: list[str] = []
        while True:
            if not nodes:
                nodes = await self._ask()
            if not nodes:
                await asyncio.sleep(0.2)
                continue
            address = nodes.pop(0)
            try:
                await self._watch(address)
            except ConnectionClosed as ended:
                code = ended.rcvd.code if ended.rcvd is not None else 1006
                self.closes.append(code)
                if code == 1012:
                    nodes = []
            except (InvalidStatus, OSError, TimeoutError, EOFError, CatalogueError):
                pass  # the next one
            finally:
                self.address = None
            await asyncio.sleep(random.uniform(0.05, 0.3))

    async def _watch(self, address: str) -> None:
        opening = connect(
            address,
            subprotocols=[Subprotocol("v12.stomp")],
            proxy=None,
            open_timeout=ANSWER_SECONDS,
            close_timeout=1,
            ping_interval=None,
            compression=None,
        )
        async with opening as connection:
            await connection.send(_frame("CONNECT", accept_version="1.2", host="wall"))
            await self._subscribe(connection)
            self.address = address
            while True:
                await self._take(await _read(connection))

    async def _subscribe(self, connection: ClientConnection) -> None:
        if self.cursor is None:
            self.cursor = await self._catalogue.log.head("main")
        assert (await _read(connection)).command == "CONNECTED"
        headers = {"id": "sub-0", "destination": "/topic/wall.main", "receipt": "r", "cursor": str(self.cursor)}
        await connection.send(_frame("SUBSCRIBE", **headers))
        receipt = await _read(connection)
        assert receipt.command == "RECEIPT", receipt
        self.recovered.append(receipt.headers["recovered"] == "true")
        if not self.recovered[-1]:
            await self._repair()

    async def _repair(self) -> None:
        """As the page does when the relay can't say: from the log; what then comes twice over is known."""
        assert self.cursor is not None
        events = await self._catalogue.log.after("main", self.cursor, 500)
        assert events is not None
        if events:
            self.cursor = Cursor(events[-1].epoch, events[-1].seq)

    async def _take(self, frame: Frame) -> None:
        assert self.cursor is not None
        assert frame.command == "MESSAGE", frame
        if frame.headers["kind"] == "head":
            return
        seq = int(frame.headers["seq"])
        if frame.headers.get("gap") == "true":
            self.faults.append(f"gap before {seq}")
        if seq <= self.cursor.seq and not self.recovered[-1]:
            return
        if seq != self.cursor.seq + 1:
            self.faults.append(f"{seq} after {self.cursor.seq}")
        self.cursor = Cursor(frame.headers["epoch"], seq)


def _frame(command: str, **headers: str) -> str:
    return encode(Frame(command, {name.replace("_", "-"): value for name, value in headers.items()}, b"")).decode()


async def _read(connection: ClientConnection) -> Frame:
    """The next frame; the relay sends one or several in a message, and heart-beats between them."""
    while True:
        message = await asyncio.wait_for(connection.recv(), ANSWER_SECONDS)
        raw = message.encode() if isinstance(message, str) else message
        frames = list(Decoder(Limits()).feed(raw))
        if frames:
            (frame,) = frames
            return frame
