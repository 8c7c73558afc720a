"""A wire to somewhere far away: passes bytes on, each piece so many seconds later. A process.

`python -m tests.bench.fanout.far HOST PORT SECONDS` prints the port to connect to. A stand-in for netem, where the
kernel has none: it delays what is said, but TCP's own handshake and its growing windows stay near.
"""

import asyncio
import sys
from collections import deque
from typing import cast

import uvloop


class End(asyncio.Protocol):
    """One side of a connection; what it receives, the other side is given later, in order."""

    def __init__(self, seconds: float) -> None:
        self.other: End | None = None
        self.transport: asyncio.Transport | None = None
        self._seconds = seconds
        self._waiting: deque[tuple[float, bytes | None]] = deque()
        self._timed = False
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._later(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._later(None)

    def _later(self, data: bytes | None) -> None:
        self._waiting.append((self._loop.time() + self._seconds, data))
        self._time()

    def _time(self) -> None:
        if self._waiting and not self._timed:
            self._timed = True
            self._loop.call_at(self._waiting[0][0], self._pass_on)

    def _pass_on(self) -> None:
        self._timed = False
        # a timer may come a little early; both sides are joined before the first piece is due
        while self._waiting and self._waiting[0][0] <= self._loop.time() + 0.001:
            data = self._waiting.popleft()[1]
            if self.other is None or self.other.transport is None:
                continue
            if data is None:
                self.other.transport.close()
            else:
                self.other.transport.write(data)
        self._time()


async def main(host: str, port: int, seconds: float) -> None:
    loop = asyncio.get_running_loop()

    class Near(End):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            self._joining = loop.create_task(self._join())

        async def _join(self) -> None:
            far = End(seconds)
            far.other, self.other = self, far
            try:
                await loop.create_connection(lambda: far, host, port)
            except OSError:
                assert self.transport is not None
                self.transport.close()

    server = await loop.create_server(lambda: Near(seconds), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # ends with the bench, whatever becomes of that
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
