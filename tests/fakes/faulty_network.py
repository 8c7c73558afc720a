"""A network between a store's client and the real store that fails when and where a test says.

It passes HTTP/1.1 on byte by byte and reads just enough of it to know where a request's body begins and ends. A fault
meets every request that the test names, until `heal`; what clears up after a failed upload passes as before.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

_PIECE = 64 * 1024
_SLOW_PIECE = 8 * 1024
_SLOW_PAUSE = 0.004  # seconds after each slow piece: 2 MB a second


@dataclass(frozen=True, slots=True)
class Request:
    """`length` in bytes of the body, None where it comes in chunks."""

    method: str
    target: str
    length: int | None


class Where(Enum):
    """A byte of a body of n bytes, in the words of a test's name."""

    FIRST = "byte 0"
    SECOND = "byte 1"
    MIDDLE = "the middle"
    LAST = "the last byte but one"
    END = "after the last byte"

    def of(self, length: int) -> int:
        return {"FIRST": 0, "SECOND": 1, "MIDDLE": length // 2, "LAST": length - 1, "END": length}[self.name]


class How(Enum):
    CUT = "is closed"
    RESET = "is reset"
    STALL = "stalls"


@dataclass(frozen=True, slots=True)
class UploadFault:
    """The connection ends so once the bytes before `where` of the request's body have reached the store."""

    where: Where
    how: How = How.CUT


@dataclass(frozen=True, slots=True)
class DownloadFault:
    """The connection ends so once the bytes before `where` of the answer's body have reached the client."""

    where: Where
    how: How = How.CUT


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """The store does all it is asked; its answer never arrives."""


@dataclass(frozen=True, slots=True)
class OtherAnswer:
    """The store is not asked; this is the answer."""

    status: int


@dataclass(frozen=True, slots=True)
class Slow:
    """Everything arrives, in small pieces with pauses."""


@dataclass(frozen=True, slots=True)
class Away:
    """No connection is kept."""


Fault = UploadFault | DownloadFault | LostAnswer | OtherAnswer | Slow | Away


class _Ended(Exception):
    """The fault has ended this connection."""


@dataclass(slots=True)
class _Connection:
    """Two ends; `fault` is that of the request being passed on."""

    client: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    store: tuple[asyncio.StreamReader, asyncio.StreamWriter]
    fault: Fault | None = None
    stalled: bool = False
    head: bytearray = field(default_factory=bytearray)  # of the answer, while it is not whole
    body_left: int | None = None  # bytes of the answer's body that the client still gets, once the head is whole


class FaultyNetwork:
    """Use `async with FaultyNetwork.before(host, port) as network`; the client is led to `network.port`."""

    def __init__(self, host: str, port: int) -> None:
        self._behind = (host, port)
        self._fault: Fault | None = None
        self._meets: Callable[[Request], bool] = lambda _: True
        self._tasks: set[asyncio.Task[None]] = set()
        self._healing = asyncio.Event()
        self._server: asyncio.Server | None = None
        self.requests: list[Request] = []
        self.hits = 0  # requests that met a fault

    @classmethod
    @asynccontextmanager
    async def before(cls, host: str, port: int) -> AsyncGenerator["FaultyNetwork"]:
        network = cls(host, port)
        network._server = await asyncio.start_server(network._accept, "127.0.0.1", 0, limit=_PIECE)
        try:
            yield network
        finally:
            network._server.close()
            for task in network._tasks:
                task.cancel()
            await asyncio.gather(*network._tasks, return_exceptions=True)

    @property
    def host(self) -> str:
        return "127.0.0.1"

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def fail(self, fault: Fault, on: Callable[[Request], bool] = lambda _: True) -> None:
        """From now on, for each request that `on` names."""
        self._fault, self._meets, self.hits = fault, on, 0

    def cut(self) -> None:
        """End every connection there is, in the middle of whatever it carries, and keep none until `heal`."""
        self.fail(Away())
        for task in self._tasks:
            task.cancel()

    def heal(self) -> None:
        """Pass on what comes from now on. Connections that stall end: whoever was waiting there has gone."""
        self._fault = None
        self._healing.set()
        self._healing = asyncio.Event()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, _Ended, asyncio.CancelledError):
            pass  # one of the two has gone, the fault has ended it, or the network is taken down
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._fault, Away):
            self.hits += 1
            _reset(writer)
            return
        store = await asyncio.open_connection(*self._behind, limit=_PIECE)
        connection = _Connection((reader, writer), store)
        back = asyncio.create_task(self._pass_back(connection))
        try:
            await self._pass_on(connection)
            # the client says no more; the store may still
            store[1].write_eof()
            await back
        finally:
            back.cancel()
            with suppress(asyncio.CancelledError, OSError, _Ended):
                await back
            store[1].close()

    async def _pass_on(self, connection: _Connection) -> None:
        """One request after another, from the client to the store."""
        reader, writer = connection.client[0], connection.store[1]
        while head := await _head(reader):
            request = _request(head)
            self.requests.append(request)
            met = self._fault if self._fault is not None and self._meets(request) else None
            self.hits += met is not None
            connection.fault, connection.body_left = met, None
            connection.head.clear()
            if isinstance(met, OtherAnswer):
                await _answer(connection, met.status)
            if isinstance(met, Away):
                await self._end(connection, How.RESET)
            writer.write(head)
            await self._body(connection, request)

    async def _body(self, connection: _Connection, request: Request) -> None:
        reader, writer = connection.client[0], connection.store[1]
        fault = connection.fault
        if request.length is None:
            while size := int((line := await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                writer.write(line + await reader.readexactly(size + 2))
                await writer.drain()
            writer.write(line + await reader.readuntil(b"\r\n"))
            return
        ends_at = fault.where.of(request.length) if isinstance(fault, UploadFault) else None
        left = request.length if ends_at is None else min(request.length, ends_at)
        while left:
            piece = await reader.read(min(left, _SLOW_PIECE if isinstance(fault, Slow) else _PIECE))
            if not piece:
                raise _Ended
            left -= len(piece)
            writer.write(piece)
            await writer.drain()
            if isinstance(fault, Slow):
                await asyncio.sleep(_SLOW_PAUSE)
        if isinstance(fault, UploadFault):
            await self._end(connection, fault.how)

    async def _pass_back(self, connection: _Connection) -> None:
        """Answers, from the store to the client."""
        reader, writer = connection.store[0], connection.client[1]
        while piece := await reader.read(_SLOW_PIECE if isinstance(connection.fault, Slow) else _PIECE):
            fault = connection.fault
            if connection.stalled:
                await self._end(connection, How.STALL)
            # a store that has the object already refuses the next try before it has read it
            if isinstance(fault, UploadFault | LostAnswer) and not _says_go_on(piece):
                if isinstance(fault, LostAnswer):
                    await self._end(connection, How.CUT)
                continue
            if isinstance(fault, DownloadFault):
                await self._cut_short(connection, fault, piece)
            else:
                writer.write(piece)
                await writer.drain()
            if isinstance(fault, Slow):
                await asyncio.sleep(_SLOW_PAUSE)
        writer.close()

    async def _cut_short(self, connection: _Connection, fault: DownloadFault, piece: bytes) -> None:
        writer = connection.client[1]
        if connection.body_left is None:
            connection.head += piece
            head, end, piece = bytes(connection.head).partition(b"\r\n\r\n")
            if not end:
                return
            connection.body_left = fault.where.of(int(_header(head, b"content-length") or 0))
            writer.write(head + end)
        given = piece[: connection.body_left]
        connection.body_left -= len(given)
        writer.write(given)
        await writer.drain()
        if connection.body_left == 0:
            await self._end(connection, fault.how)

    async def _end(self, connection: _Connection, how: How) -> None:
        if how is How.STALL:
            connection.stalled = True
            await self._healing.wait()
        for _, writer in (connection.client, connection.store):
            if how is How.RESET:
                _reset(writer)
            else:
                writer.close()
        raise _Ended


class NetworkByItself:
    """A faulty network for tests without a loop; its own runs in a thread."""

    def __init__(self, network: FaultyNetwork, loop: asyncio.AbstractEventLoop) -> None:
        self._network = network
        self._loop = loop

    @property
    def url(self) -> str:
        return self._network.url

    @property
    def requests(self) -> list[Request]:
        return self._network.requests

    @property
    def hits(self) -> int:
        return self._network.hits

    def fail(self, fault: Fault, on: Callable[[Request], bool] = lambda _: True) -> None:
        self._loop.call_soon_threadsafe(self._network.fail, fault, on)

    def cut(self) -> None:
        self._loop.call_soon_threadsafe(self._network.cut)

    def heal(self) -> None:
        self._loop.call_soon_threadsafe(self._network.heal)


@contextmanager
def network_by_itself(host: str, port: int) -> Generator[NetworkByItself]:
    """`FaultyNetwork.before(host, port)` in a thread of its own, until the block ends."""
    loop, stopping, started = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    made: list[FaultyNetwork] = []

    async def run() -> None:
        async with FaultyNetwork.before(host, port) as network:
            made.append(network)
            started.set()
            await stopping.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert started.wait(30), "the network did not start"
        yield NetworkByItself(made[0], loop)
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(30)
        loop.close()


def _request(head: bytes) -> Request:
    method, target, _ = head.split(b"\r\n", 1)[0].split(b" ")
    chunked = b"chunked" in _header(head, b"transfer-encoding").lower()
    length = None if chunked else int(_header(head, b"content-length") or 0)
    return Request(method.decode(), target.decode(), length)


async def _head(reader: asyncio.StreamReader) -> bytes:
    """A request's lines up to the empty one; nothing when the client has ended between two requests."""
    with contextlib.suppress(asyncio.IncompleteReadError):
        return await reader.readuntil(b"\r\n\r\n")
    return b""


def _header(head: bytes, name: bytes) -> bytes:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.strip().lower() == name:
            return value.strip()
    return b""


async def _answer(connection: _Connection, status: int) -> None:
    """Refuse at once, as a server does that wants no body, and let the client say the rest to nobody."""
    reader, writer = connection.client
    writer.write(b"HTTP/1.1 %d Because\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
    await writer.drain()
    writer.write_eof()
    with suppress(TimeoutError):
        async with asyncio.timeout(2):
            while await reader.read(_PIECE):
                pass
    raise _Ended


def _says_go_on(piece: bytes) -> bool:
    return piece.startswith(b"HTTP/1.1 100 ")


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST, as a machine does that knows nothing of the connection."""
    connection = writer.get_extra_info("socket")
    with suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
