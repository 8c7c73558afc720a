"""Where a stream's bytes leave the process: straight into the reader's connection as long as that takes them.

ASGI's `send` costs an await, a queue and a turn of the loop for each piece, and keeps the piece meanwhile. As long as
nothing waits in the connection, a piece is written to it here and now, and nothing is kept; only the rest, where the
kernel has no room for all of it, goes the usual way, and the store is asked to wait until that has gone out.
"""

import os

from starlette.types import Send

from relay.sockets import Line
from wall.errors import StoreUnavailable


class Outlet:
    """A `Sink` for `length` bytes. `passed`: how many have gone to the connection."""

    __slots__ = ("_length", "_line", "_rest", "_send", "passed")

    def __init__(self, length: int, send: Send, line: Line | None) -> None:
        self.passed = 0
        self._length = length
        self._rest = b""
        self._send = send
        self._line = line

    def take(self, piece: memoryview) -> bool:
        """Raises StoreUnavailable for more bytes than were asked for."""
        passed = self.passed + len(piece)
        if passed > self._length:
            raise StoreUnavailable(f"The store gave more than the {self._length} bytes that were asked.")
        written = self._write(piece)
        self.passed += written
        self._rest = bytes(piece[written:])
        # there is no room after the last piece either: the server has to be told
        return not self._rest and passed < self._length

    async def room(self) -> None:
        rest, self._rest = self._rest, b""
        passed = self.passed + len(rest)
        await self._send({"type": "http.response.body", "body": rest, "more_body": passed < self._length})
        self.passed = passed
        del rest  # it waits in the connection alone
        if passed < self._length:
            # the server waits for room before it takes more: nothing more comes back when there is some
            await self._send({"type": "http.response.body", "body": b"", "more_body": True})

    def _write(self, piece: memoryview) -> int:
        """How many of the bytes the kernel has taken at once."""
        line = self._line
        # a descriptor belongs to its connection only until that closes; and what waits in it goes first
        if (
            line is None
            or line.descriptor is None
            or line.transport.is_closing()
            or line.transport.get_write_buffer_size()
        ):
            return 0
        try:
            written = os.write(line.descriptor, piece)
        except OSError:
            return 0  # it has no room; or it is broken, which the server finds out
        line.wrote(written)
        return written
