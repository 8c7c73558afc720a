"""The floor: a process that does one `write` of a ready frame per delivery, and nothing else.

It speaks as much of WebSocket and STOMP as the loader needs to be connected, takes the publisher's SEND frames, and
writes the very bytes the relay would. Prints its two ports as JSON.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import cast

import uvloop
from websockets.utils import accept_key

from relay.framing import TEXT
from relay.ring import Message, Shape, ShapeKey
from tests.bench.fanout import wire
from wall.events import Cursor
from wall.stomp.codec import Decoder, Limits
from wall.stomp.frames import Version

_UPGRADED = (
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Accept: {accept_key('dGhlIHNhbXBsZSBub25jZQ==')}\r\n"
    f"Sec-WebSocket-Protocol: {wire.SUBPROTOCOL}\r\n\r\n"
).encode()
_CONNECTED = TEXT(b"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0", True)
_RECEIPT = TEXT(b"RECEIPT\nreceipt-id:r\n\n\0", True)
_SHAPE = Shape(ShapeKey("sub-0", Version.V1_2, TEXT), True)

Write = Callable[[bytes], object]


class Viewer(asyncio.Protocol):
    """Answers three requests, whatever they say."""

    __slots__ = ("_answers", "_transport", "_writes")

    def __init__(self, writes: dict[asyncio.Transport, Write]) -> None:
        self._writes = writes
        self._answers = iter((_UPGRADED, _CONNECTED, _RECEIPT))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        answer = next(self._answers, None)
        if answer is not None:
            self._transport.write(answer)
        if answer is _RECEIPT:
            self._writes[self._transport] = self._transport.write

    def connection_lost(self, exc: Exception | None) -> None:
        self._writes.pop(self._transport, None)


class Feed(asyncio.Protocol):
    """The publisher's side."""

    def __init__(self, writes: dict[asyncio.Transport, Write]) -> None:
        self._writes = writes
        self._decoder = Decoder(Limits())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            if frame.command == "CONNECT":
                self._transport.write(b"CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0")
                continue
            cursor = Cursor(frame.headers["epoch"], int(frame.headers["seq"]))
            ready = _SHAPE.frame(
                Message(wire.TOPIC, frame.headers, frame.body, cursor=cursor, number=str(cursor), at=0.0)
            )
            for write in self._writes.values():
                write(ready)


async def main() -> None:
    loop = asyncio.get_running_loop()
    writes: dict[asyncio.Transport, Write] = {}
    viewers = await loop.create_server(lambda: Viewer(writes), "127.0.0.1", 0, backlog=4096)
    feed = await loop.create_server(lambda: Feed(writes), "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1] for server in (viewers, feed)]
    print(json.dumps({"viewers": ports[0], "stomp": ports[1]}), flush=True)
    # ends with the bench, whatever becomes of that
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
