"""A bounded buffer between the reader of a body and the store that takes it."""

import asyncio
from collections.abc import AsyncGenerator

from wall.store.base import CHUNK


class Pipe:
    """`feed` waits while `room` bytes are in it. `pieces` is what the store is given; it ends when `end` was said, and
    raises what `fail` was told, so that the store never takes half of it for the whole."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._buffer = bytearray()
        self._ended = False
        self._error: BaseException | None = None
        self._fed = asyncio.Event()
        self._taken = asyncio.Event()
        self.taken = 0  # bytes that the store has asked for

    async def feed(self, data: bytes, stall: float) -> None:
        """Raises TimeoutError when the store takes nothing for `stall` seconds."""
        view = memoryview(data)
        while view:
            while (room := self._room - len(self._buffer)) <= 0:
                self._taken.clear()
                async with asyncio.timeout(stall):
                    await self._taken.wait()
            self._buffer += view[:room]
            view = view[room:]
            self._fed.set()

    async def emptied(self, stall: float) -> None:
        """Wait until the store has asked for everything. Raises TimeoutError like `feed`."""
        while self._buffer:
            self._taken.clear()
            async with asyncio.timeout(stall):
                await self._taken.wait()

    def end(self) -> None:
        """Nothing more comes."""
        self._ended = True
        self._fed.set()

    def fail(self, error: BaseException) -> None:
        """What was fed is not all there was to be; what nobody has taken is dropped."""
        self._error = error
        self._buffer.clear()
        self._fed.set()

    async def pieces(self) -> AsyncGenerator[bytes]:
        """At most `CHUNK` bytes at a time."""
        while True:
            while not self._buffer and not self._ended and self._error is None:
                self._fed.clear()
                await self._fed.wait()
            if self._error is not None:
                raise self._error
            if not self._buffer:
                return
            piece = bytes(self._buffer[:CHUNK])
            del self._buffer[:CHUNK]
            self.taken += len(piece)
            self._taken.set()
            yield piece
