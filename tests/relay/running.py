"""A relay on real sockets: uvicorn on a port of the system's choice, STOMP on another, and small clients."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import uvicorn
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from frieze.connection import Http
from relay.log import StoredEvent
from relay.server import Relay
from relay.settings import RelaySettings
from relay.tcp import listen_tcp
from relay.websocket import websocket_class
from wall.events import Cursor
from wall.stomp.codec import Decoder, Limits, encode
from wall.stomp.frames import Frame

PASSCODE = "correct horse"
QUICK = RelaySettings(passcode=PASSCODE, tick=0.02, drain=0.2)


@dataclass
class FakeLog:
    """The event log of wall `main`, epoch aaaa."""

    seqs: list[int] = field(default_factory=list[int])

    async def events_after(self, topic: str, cursor: Cursor, limit: int) -> list[StoredEvent] | None:
        if topic != "/topic/wall.main" or cursor.epoch != "aaaa" or cursor.seq not in [0, *self.seqs]:
            return None
        return [
            StoredEvent(
                wall="main", epoch="aaaa", seq=seq, kind="published", key=f"post-{seq}", body=f'{{"seq":{seq}}}'
            )
            for seq in self.seqs
            if seq > cursor.seq
        ][:limit]

    async def head(self, wall: str) -> Cursor | None:
        return Cursor("aaaa", max(self.seqs, default=0))


@dataclass
class Running:
    relay: Relay
    server: uvicorn.Server
    port: int
    stomp_port: int

    def publish(self, *seqs: int, body: bytes | str = "{}", kind: str = "published") -> None:
        for seq in seqs:
            self.relay.receive("/topic/wall.main", {"epoch": "aaaa", "seq": str(seq), "kind": kind}, body)

    def websocket(self, path: str = "/stomp", offer: Sequence[str] = ("v12.stomp",), **options: Any) -> connect:
        subprotocols = [Subprotocol(name) for name in offer] or None
        origin = options.pop("origin", None)
        return connect(
            f"ws://127.0.0.1:{self.port}{path}",
            subprotocols=subprotocols,
            origin=Origin(origin) if origin else None,
            proxy=None,
            **options,
        )


async def pages(scope: Any, receive: Any, send: Any) -> None:
    """What else is served on the port."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"a page"})


@asynccontextmanager
async def running(settings: RelaySettings = QUICK, log: FakeLog | None = None) -> AsyncGenerator[Running]:
    relay = Relay(log=log or FakeLog(), settings=settings)
    listener = await listen_tcp(relay, "127.0.0.1", 0)
    config = uvicorn.Config(
        pages, host="127.0.0.1", port=0, ws=websocket_class(relay), http=Http, lifespan="off", log_level="error"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await until(lambda: server.started)
    try:
        yield Running(
            relay, server, server.servers[0].sockets[0].getsockname()[1], listener.sockets[0].getsockname()[1]
        )
    finally:
        await relay.close()
        server.should_exit = True
        await task


async def until(condition: Callable[[], bool], within: float = 10.0) -> None:
    """Wait for what no event tells."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - the condition belongs to others, who can't set an event
            await asyncio.sleep(0.01)


def stomp(command: str, body: bytes = b"", /, **headers: str) -> bytes:
    """A frame's bytes; an underscore in a name stands for a hyphen."""
    return encode(Frame(command, {name.replace("_", "-"): value for name, value in headers.items()}, body))


CONNECT = stomp("CONNECT", accept_version="1.2", host="wall")
SERVICE = stomp("CONNECT", accept_version="1.2", host="wall", login="frieze", passcode=PASSCODE)


def subscribe(cursor: str | None = None, destination: str = "/topic/wall.main", **headers: str) -> bytes:
    more = {"cursor": cursor} if cursor else {}
    return stomp("SUBSCRIBE", id="sub-0", destination=destination, receipt="r", **more, **headers)


async def read(connection: ClientConnection) -> Frame:
    """The next frame from a WebSocket, heart-beats left out."""
    async with asyncio.timeout(10):
        while True:
            message = await connection.recv()
            raw = message.encode() if isinstance(message, str) else message
            if raw != b"\n":
                (frame,) = Decoder(Limits()).feed(raw)
                return frame


async def say(connection: ClientConnection, *frames: bytes) -> None:
    for frame in frames:
        await connection.send(frame.decode())


@asynccontextmanager
async def viewer(server: Running, *frames: bytes, **options: Any) -> AsyncGenerator[ClientConnection]:
    """A connected viewer whose subscription (or other `frames`) has been confirmed."""
    async with server.websocket(**options) as connection:
        await say(connection, CONNECT)
        assert (await read(connection)).command == "CONNECTED"
        for frame in frames or (subscribe(),):
            await say(connection, frame)
            assert (await read(connection)).command == "RECEIPT"
        yield connection


class Tcp:
    """A STOMP client on a plain socket that reads only when told, with a small window."""

    def __init__(self, port: int) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", port))
        self.decoder = Decoder(replace(Limits(), body=1_000_000, frame=2_000_000))
        self.frames: list[Frame] = []
        self.ended = False

    async def say(self, *frames: bytes) -> None:
        await asyncio.to_thread(self.socket.sendall, b"".join(frames))

    async def read(self, count: int = 1) -> list[Frame]:
        """The next `count` frames, or fewer at the end of the connection."""

        def receive() -> None:
            while len(self.frames) < count and not self.ended:
                try:
                    data = self.socket.recv(65536)
                except ConnectionResetError:
                    data = b""
                self.ended = not data
                self.frames.extend(self.decoder.feed(data))

        await asyncio.to_thread(receive)
        taken, self.frames = self.frames[:count], self.frames[count:]
        return taken

    def close(self) -> None:
        self.socket.close()
