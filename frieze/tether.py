"""What ties one worker of a relay to its supervisor: a pair of sockets with JSON lines on them.

The worker says how many viewers it has and whether it hears the broker, every second; the supervisor says whether
all workers do, and when to stop. Where the line ends the other side is gone: a worker without a supervisor stops.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from frieze.stopping import SPREAD_SECONDS

REPORT_SECONDS = 1.0
# what was said longer ago than this is not believed: whoever said it hangs
STALE_SECONDS = 10.0
LINE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Report:
    """How a worker fares."""

    viewers: int
    ready: bool

    def line(self) -> bytes:
        return _line({"viewers": self.viewers, "ready": self.ready})

    @staticmethod
    def read(line: bytes) -> "Report":
        """Raises ValueError."""
        said = json.loads(line)
        return Report(int(said["viewers"]), bool(said["ready"]))


def word_of_readiness(ready: bool) -> bytes:
    """The supervisor's: whether all workers can do their work."""
    return _line({"ready": ready})


def word_to_stop(spread: float) -> bytes:
    """The supervisor's: stop, and let viewers leave over `spread` seconds."""
    return _line({"stop": spread})


def _line(said: dict[str, object]) -> bytes:
    return json.dumps(said).encode() + b"\n"


class Tether(asyncio.Protocol):
    """The worker's end. It is number `number` (from 0) of `count`; `listening` is the socket that it accepts viewers
    on, `spread` the seconds over which they leave once `stopping` is set."""

    def __init__(self, node: str, number: int, count: int, listening: socket.socket, line: socket.socket) -> None:
        self.node = node
        self.number = number
        self.count = count
        self.listening = listening
        self.spread: float | None = None
        self._line = line
        self._stopping: asyncio.Event | None = None
        self._transport: asyncio.WriteTransport | None = None
        self._report: Callable[[], Report] | None = None
        self._reporting: asyncio.TimerHandle | None = None
        self._pending = b""
        self._ready = False
        self._said_at = 0.0

    @property
    def ready(self) -> bool:
        """Whether the supervisor says that all workers can do their work."""
        return self._ready and asyncio.get_running_loop().time() - self._said_at < STALE_SECONDS

    async def hold(self, stopping: asyncio.Event) -> None:
        """Listen to the supervisor from now on; `stopping` is set when it says so, or is gone."""
        self._stopping = stopping
        await asyncio.get_running_loop().create_connection(lambda: self, sock=self._line)

    def report(self, report: Callable[[], Report]) -> None:
        """This worker runs; tell how it fares from now on."""
        self._report = report
        self._tell()

    def close(self) -> None:
        if self._reporting is not None:
            self._reporting.cancel()
            self._reporting = None
        if self._transport is not None:
            self._transport.close()

    def _tell(self) -> None:
        if self._report is None or self._transport is None or self._transport.is_closing():
            return
        # a supervisor that hangs reads nothing; what it will read then is soon said again
        if self._transport.get_write_buffer_size() < LINE_BYTES:
            self._transport.write(self._report().line())
        self._reporting = asyncio.get_running_loop().call_later(REPORT_SECONDS, self._tell)

    # ── asyncio.Protocol ─────────────────────────────────────────────────────────────────────────────────────────

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "stop" in said:
                self._stop(float(said["stop"]))
            else:
                self._ready, self._said_at = bool(said["ready"]), asyncio.get_running_loop().time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop(SPREAD_SECONDS)

    def _stop(self, spread: float) -> None:
        assert self._stopping is not None
        if not self._stopping.is_set():
            self.spread = spread
            self._stopping.set()
