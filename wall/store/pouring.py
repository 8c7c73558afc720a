"""An object's bytes from a store's HTTP answer to whoever takes them, without a stop on the way.

aiohttp asks, reads the answer's head, and lets go of the connection in the end. What it does for each piece of a body
(a parser, a queue, an event, a copy) costs more than moving the bytes. So while a large body of known length comes, its
connection is read by a protocol of our own: into one piece of memory for all bodies of a store, and from there straight
to the taker. Such a connection serves no other request afterwards.
"""

import asyncio
import socket
from typing import Any

import aiohttp

from wall.store.base import PIECE, SMALL_PIECE, Sink, next_size

# What the kernel takes in ahead of us (Linux: twice this, which is a piece): less, and no piece is full; left
# alone, it grows to megabytes for each slow reader.
_AHEAD = 256 * 1024
# What aiohttp holds of a body before we take it over: its `read_bufsize`, which it doubles, and one reading more.
READ_AHEAD = 16 * 1024


def store_socket(info: tuple[Any, ...]) -> socket.socket:
    """A socket for a connection to a store: aiohttp's `socket_factory`."""
    family, kind, protocol, *_ = info
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _AHEAD)
    return made


class Pouring:
    """The bodies that come from one store. `idle`: for so many seconds a byte is waited for."""

    def __init__(self, idle: float) -> None:
        self._idle = idle
        # What one body's piece lies in is taken before anything else is read.
        self._piece = memoryview(bytearray(PIECE))

    async def pour(self, answer: aiohttp.ClientResponse, left: int, sink: Sink) -> None:
        """Give the `left` bytes of an answer's body, of which nobody has read any, to `sink`.

        Raises aiohttp.ClientError or TimeoutError when they don't come; the caller closes the answer in any case.
        """
        while left:
            piece = answer.content.read_nowait(min(left, PIECE))
            if not piece and left > PIECE and (body := self._take_over(answer, left)) is not None:
                await body.pour(sink)
                return
            piece = piece or await answer.content.read(min(left, PIECE))
            if not piece:
                raise aiohttp.ClientPayloadError(f"the body ended {left} bytes early")
            left -= len(piece)
            room = sink.take(memoryview(piece))
            del piece  # the sink may wait for long
            if not room:
                await sink.room()

    def _take_over(self, answer: aiohttp.ClientResponse, left: int) -> "_Body | None":
        """Read the rest ourselves, of which aiohttp holds nothing yet; None where only aiohttp knows its shape."""
        transport = answer.connection.transport if answer.connection is not None else None
        if transport is None or transport.is_closing() or answer.headers.get("Content-Length") is None:
            return None
        return _Body(transport, left, self._piece, self._idle)


class _Body(asyncio.BufferedProtocol):
    """The rest of a body, from where it takes the connection over."""

    def __init__(self, transport: asyncio.Transport, left: int, piece: memoryview, idle: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._left = left
        self._piece = piece
        self._idle = idle
        self._size = SMALL_PIECE
        self._sink: Sink | None = None
        self._full = False
        self._error: Exception | None = None
        self._turn = self._loop.create_future()  # done when the task that pours has something to do
        self._moved = self._loop.time()
        self._before = transport.get_protocol()
        # a transport looks how its protocol wants to be given bytes when it begins to read
        transport.pause_reading()
        transport.set_protocol(self)

    async def pour(self, sink: Sink) -> None:
        self._sink = sink
        try:
            while self._left:
                if self._transport.is_closing():
                    raise aiohttp.ClientPayloadError(f"the body ended {self._left} bytes early")
                self._turn = self._loop.create_future()
                self._moved = self._loop.time()
                self._transport.resume_reading()
                await self._turned()
                if self._error is not None:
                    raise self._error
                if self._full:
                    await sink.room()
                    self._full = False
        finally:
            self._sink = None
            if not self._transport.is_closing():
                self._transport.pause_reading()

    async def _turned(self) -> None:
        while not self._turn.done():
            still = self._loop.time() - self._moved
            if still >= self._idle:
                raise TimeoutError(f"no byte came for {self._idle:g} s")
            await asyncio.wait((self._turn,), timeout=self._idle - still)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._piece[: self._size]

    def buffer_updated(self, nbytes: int) -> None:
        if self._sink is None:
            return  # nobody wants it any more
        self._moved = self._loop.time()
        count = min(nbytes, self._left)
        self._left -= count
        try:
            self._full = not self._sink.take(self._piece[:count])
        except Exception as error:
            self._error = error
        self._size = next_size(self._size, room=not self._full)
        if self._full or self._error is not None or not self._left:
            self._transport.pause_reading()
            self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._left and self._error is None:
            self._error = aiohttp.ClientPayloadError(f"the body ended {self._left} bytes early")
        self._wake()
        # aiohttp waits for it when its session is closed
        self._before.connection_lost(exc)

    def _wake(self) -> None:
        if not self._turn.done():
            self._turn.set_result(None)
