"""Brings sockets from `connect` to the RECEIPT of their SUBSCRIBE, many at a time, as a browser would."""

import errno
import re
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.bench.board import Failed
from tests.bench.fanout import wire

# The kernel chooses the port at `connect`, so that each source address has all of them for this destination.
_IP_BIND_ADDRESS_NO_PORT = 24
# Below the relay's limit of connections per address (2,000).
_VIEWERS_PER_ADDRESS = 1_000
# What a real network's segments hold; loopback's own of 64 KB would let a socket swallow thousands of messages.
_SEGMENT = 1460
# Bytes, of which Linux makes twice as many: what a viewer begins with, and here stays with. A window that can still
# grow has the viewer's kernel acknowledge each message at once (tcp_grow_window), on loopback within the server's own
# write: after a burst the server would be charged for what its viewers do, some 30 % more for every single delivery.
_WINDOW = 64 * 1024
# A stalled reader's window: it fills within seconds of 1 KB messages, as a phone's does that has lost its network.
_STALLED_WINDOW = 4096
_RECEIPT = re.compile(rb"RECEIPT\n(.*?)\n\n\0", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect to.

    `beat`: seconds between heart-beats, both ways; 0: none. `pause`: seconds from the WebSocket to the CONNECT.
    """

    host: str
    port: int
    path: str
    beat: float = 0.0
    pause: float = 0.0

    def requests(self) -> tuple[bytes, bytes]:
        beat = round(self.beat * 1000)
        connect = {"accept-version": "1.2", "host": "wall", "heart-beat": f"{beat},{beat}"}
        return wire.upgrade(self.host, self.port, self.path), wire.masked(wire.stomp("CONNECT", connect))


@dataclass(slots=True)
class Joining:
    """A connection on its way. `cursor`: resume after it."""

    socket: socket.socket
    number: int
    cursor: str | None
    got: bytes = b""
    step: Callable[["Joining"], None] | None = None


@dataclass(slots=True)
class Joined:
    """A viewer's open subscription. `rest` came with the RECEIPT; `recovered` is what that said, if anything."""

    socket: socket.socket
    number: int
    cursor: str | None
    recovered: bool | None
    rest: bytes


@dataclass(slots=True)
class Joiner:
    """Call `event` for each of its descriptors that `epoll` names; who is through is in `joined`."""

    epoll: select.epoll
    target: Target
    joined: list[Joined] = field(default_factory=list[Joined])
    under_way: dict[int, Joining] = field(default_factory=dict[int, Joining])
    _pausing: deque[tuple[float, Joining]] = field(default_factory=deque[tuple[float, Joining]])

    def start(self, number: int, cursor: str | None, *, stalled: bool = False) -> None:
        """Open a connection for viewer `number`."""
        plug = socket.socket()
        plug.setblocking(False)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _STALLED_WINDOW if stalled else _WINDOW)
        plug.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        plug.bind((f"127.0.1.{1 + number // _VIEWERS_PER_ADDRESS}", 0))
        code = plug.connect_ex((self.target.host, self.target.port))
        if code not in (0, errno.EINPROGRESS):
            raise Failed(f"viewer {number} can't connect: {errno.errorcode[code]}")
        self.under_way[plug.fileno()] = Joining(plug, number, cursor, step=self._connected)
        self.epoll.register(plug.fileno(), select.EPOLLOUT)

    def event(self, descriptor: int) -> None:
        """Go a step further with this connection, if its answer is whole."""
        joining = self.under_way[descriptor]
        assert joining.step is not None
        if joining.step != self._connected:
            try:
                data = joining.socket.recv(65536)
            except OSError as error:
                raise Failed(f"viewer {joining.number} was cut while it joined: {error}") from error
            joining.got += data
            if not data:
                raise Failed(f"viewer {joining.number} was cut while it joined, after {joining.got[-300:]!r}")
        joining.step(joining)

    def greet(self) -> None:
        """Send the CONNECT of those whose pause is over."""
        while self._pausing and self._pausing[0][0] <= time.monotonic():
            _, joining = self._pausing.popleft()
            joining.socket.send(self.target.requests()[1])

    def abandon(self) -> list[Joining]:
        """Cut all that are on their way."""
        cut = list(self.under_way.values())
        self.under_way.clear()
        for joining in cut:
            joining.socket.close()
        return cut

    def _connected(self, joining: Joining) -> None:
        code = joining.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise Failed(f"viewer {joining.number} can't connect: {errno.errorcode[code]}")
        self.epoll.modify(joining.socket.fileno(), select.EPOLLIN)
        joining.step = self._upgraded
        joining.socket.send(self.target.requests()[0])

    def _upgraded(self, joining: Joining) -> None:
        if b"\r\n\r\n" not in joining.got:
            return
        if not joining.got.startswith(b"HTTP/1.1 101"):
            raise Failed(f"viewer {joining.number} was refused: {joining.got[:300]!r}")
        joining.got = b""
        joining.step = self._greeted
        self._pausing.append((time.monotonic() + self.target.pause, joining))
        self.greet()

    def _greeted(self, joining: Joining) -> None:
        if b"\n\n\0" not in joining.got:
            return
        if b"CONNECTED" not in joining.got:
            raise Failed(f"viewer {joining.number}'s CONNECT was answered with {joining.got[:300]!r}")
        joining.got = b""
        joining.step = self._subscribed
        headers = {"id": "sub-0", "destination": wire.TOPIC, "receipt": "r"}
        if joining.cursor is not None:
            headers["cursor"] = joining.cursor
        joining.socket.send(wire.masked(wire.stomp("SUBSCRIBE", headers)))

    def _subscribed(self, joining: Joining) -> None:
        receipt = _RECEIPT.search(joining.got)
        if receipt is None:
            if b"ERROR" in joining.got:
                raise Failed(f"viewer {joining.number}'s SUBSCRIBE was answered with {joining.got[:300]!r}")
            return
        headers = receipt[1].split(b"\n")
        recovered = True if b"recovered:true" in headers else False if b"recovered:false" in headers else None
        # ActiveMQ ends a frame with a newline more; what follows a NUL up to the next frame's head is not looked at
        rest = joining.got[: receipt.start()] + joining.got[receipt.end() :]
        del self.under_way[joining.socket.fileno()]
        self.joined.append(Joined(joining.socket, joining.number, joining.cursor, recovered, rest))
