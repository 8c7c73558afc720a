"""A relay that speaks Server-Sent Events on a real port, and a reader of them."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import uvicorn

from frieze.connection import Http
from relay.log import LogReader
from relay.rights import Walls
from relay.server import Relay
from relay.settings import RelaySettings
from relay.stream import EventStreams
from relay.visibility import WallsReader
from relay.websocket import websocket_class
from tests.relay.running import QUICK, FakeLog, Running, until
from wall.errors import CatalogueUnavailable


@dataclass
class FakeWalls:
    """The catalogue's walls; `away`: it can't be read."""

    links: dict[str, int | None] = field(default_factory=lambda: {"main": None})
    away: bool = False
    reads: int = 0

    async def walls(self) -> Walls:
        self.reads += 1
        if self.away:
            raise CatalogueUnavailable("The database does not answer.")
        return Walls(key=b"k" * 32, links=dict(self.links))


@asynccontextmanager
async def streaming(
    settings: RelaySettings = QUICK, log: LogReader | None = None, walls: WallsReader | None = None
) -> AsyncGenerator[Running]:
    relay = Relay(log=log or FakeLog(), settings=settings, walls=walls)
    config = uvicorn.Config(
        EventStreams(relay),
        host="127.0.0.1",
        port=0,
        ws=websocket_class(relay),
        http=Http,
        lifespan="off",
        log_level="error",
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    # inherited by what is accepted: the kernel takes no more of a stuck reader's bytes than a test can wait for
    server.servers[0].sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
    try:
        yield Running(relay, server, server.servers[0].sockets[0].getsockname()[1], 0)
    finally:
        await relay.close()
        server.should_exit = True
        await task


@dataclass(frozen=True)
class Said:
    """One event as a browser would see it."""

    kind: str
    data: str
    id: str | None


class Reader:
    """The body of a stream; like a browser it keeps the id of the last event it has seen."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.last_id: str | None = None
        self.retry: int | None = None
        self.comments = 0

    async def next(self, within: float = 20.0) -> Said:
        """The next event. Raises EOFError at the end of the stream."""
        async with asyncio.timeout(within):
            kind, data, number = "message", list[str](), None
            while True:
                line = (await self.answer.content.readline()).decode()
                if not line:
                    raise EOFError
                name, _, value = line.rstrip("\n").partition(":")
                value = value.removeprefix(" ")
                match name:
                    case "event":
                        kind = value
                    case "data":
                        data.append(value)
                    case "id":
                        self.last_id = number = value
                    case "retry":
                        self.retry = int(value)
                    case "" if line.startswith(":"):
                        self.comments += 1
                    case _ if data:
                        return Said(kind, "\n".join(data), number)
                    case _:
                        pass


@asynccontextmanager
async def stream(
    server: Running, query: str = "", headers: Mapping[str, str] | None = None, slug: str = "main"
) -> AsyncGenerator[Reader]:
    """An open stream, whatever it answered."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{server.port}/api/walls/{slug}/stream{query}", headers=headers) as answer,
    ):
        yield Reader(answer)
