"""Bytes on their way out of real connections, on both event loops: the product's, and Python's own."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from relay.outlet import Outlet
from relay.settings import MediaSettings
from relay.sockets import Line
from tests.fakes.waiting import until
from tests.relay.serving import RawClient, serving
from wall.catalogue import Catalogue
from wall.errors import StoreUnavailable

pytestmark = pytest.mark.anyio

BODY = bytes(range(251)) * 12_000  # 3 MB


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(autouse=True)
def no_complaints(caplog: pytest.LogCaptureFixture) -> Generator[None]:
    """The server counts what an answer has promised."""
    caplog.set_level(logging.WARNING, "uvicorn.error")
    yield
    assert [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"] == []


class _Way:
    """A connection from us to `reader`; what has gone each way: `sent` by the server, `wrote` past it."""

    def __init__(self, transport: asyncio.Transport, reader: socket.socket) -> None:
        self.transport = transport
        self.reader = reader
        self.sent: list[dict[str, Any]] = []
        self.wrote = 0

    def line(self, *, plain: bool = True) -> Line:
        descriptor = self.transport.get_extra_info("socket").fileno() if plain else None
        return Line(self.transport, descriptor, self._count)

    async def send(self, message: Any) -> None:
        self.sent.append(message)
        self.transport.write(message["body"])
        await until(lambda: not self.transport.get_write_buffer_size(), "all to be gone")

    def _count(self, count: int) -> None:
        self.wrote += count

    async def read(self, length: int) -> bytes:
        loop, got = asyncio.get_running_loop(), b""
        async with asyncio.timeout(30):
            while len(got) < length:
                got += await loop.sock_recv(self.reader, length - len(got))
        return got


@asynccontextmanager
async def _way() -> AsyncGenerator[_Way]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
    try:
        yield _Way(transport, theirs)
    finally:
        transport.close()
        theirs.close()


async def test_what_the_connection_takes_at_once_goes_past_the_server() -> None:
    async with _way() as way:
        outlet = Outlet(3000, way.send, way.line())
        memory = bytearray(b"a" * 1000)
        assert outlet.take(memoryview(memory))
        memory[:] = b"b" * 1000  # it was lent for that moment
        assert outlet.take(memoryview(memory))
        assert (outlet.passed, way.wrote, way.sent) == (2000, 2000, [])
        assert await way.read(2000) == b"a" * 1000 + b"b" * 1000


async def test_the_server_is_told_of_the_end() -> None:
    async with _way() as way:
        outlet = Outlet(1000, way.send, way.line())
        assert not outlet.take(memoryview(b"a" * 1000))
        await outlet.room()
        assert way.sent == [{"type": "http.response.body", "body": b"", "more_body": False}]
        assert (outlet.passed, way.wrote) == (1000, 1000)


async def test_what_has_no_room_waits_in_the_server_and_the_next_after_it() -> None:
    async with _way() as way:
        outlet = Outlet(len(BODY), way.send, way.line())
        assert not outlet.take(memoryview(BODY)[:2_000_000])
        assert 0 < way.wrote == outlet.passed < 2_000_000
        waiting = asyncio.create_task(outlet.room())
        await until(lambda: bool(way.sent), "the rest to be sent")
        got = await way.read(2_000_000)
        await waiting
        assert [message["more_body"] for message in way.sent] == [True, True]
        assert way.wrote + len(way.sent[0]["body"]) == outlet.passed == 2_000_000
        outlet.take(memoryview(BODY)[2_000_000:])
        waiting = asyncio.create_task(outlet.room())
        got += await way.read(len(BODY) - 2_000_000)
        await waiting
        assert got == BODY
        assert outlet.passed == len(BODY)


async def test_nothing_goes_past_what_still_waits_in_the_server() -> None:
    async with _way() as way:
        way.transport.write(BODY)
        assert way.transport.get_write_buffer_size()
        outlet = Outlet(20, way.send, way.line())
        assert not outlet.take(memoryview(b"after it.."))
        assert way.wrote == 0
        waiting = asyncio.create_task(outlet.room())
        assert await way.read(len(BODY) + 10) == BODY + b"after it.."
        await waiting


async def test_a_connection_that_only_its_server_can_write_to_is_left_to_it() -> None:
    async with _way() as way:
        outlet = Outlet(2000, way.send, way.line(plain=False))
        for _ in range(2):
            assert not outlet.take(memoryview(b"a" * 1000))
            await outlet.room()
        assert way.wrote == 0
        assert await way.read(2000) == b"a" * 2000


async def test_a_closed_connections_descriptor_is_never_written_to() -> None:
    reading, writing = os.pipe2(os.O_NONBLOCK)
    async with _way() as way:
        line = way.line()
        descriptor = line.descriptor
        assert descriptor is not None
        outlet = Outlet(2000, way.send, line)
        way.transport.abort()
        assert not outlet.take(memoryview(b"for nobody"))
        await until(lambda: not _is_open(descriptor), "it to be closed")
        # somebody else gets its number
        os.dup2(writing, descriptor)
        try:
            assert not outlet.take(memoryview(b"for nobody"))
            with pytest.raises(BlockingIOError):
                os.read(reading, 100)
        finally:
            for one in (reading, writing, descriptor):
                os.close(one)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


async def test_more_than_was_promised_is_refused() -> None:
    async with _way() as way:
        outlet = Outlet(1000, way.send, way.line())
        assert outlet.take(memoryview(b"a" * 999))
        with pytest.raises(StoreUnavailable):
            outlet.take(memoryview(b"aa"))
        assert outlet.passed == 999


async def test_a_connection_serves_one_stream_after_the_other_also_when_asked_ahead(tmp_path: Path) -> None:
    catalogue = Catalogue(f"sqlite:{tmp_path / 'catalogue.db'}")
    await catalogue.migrate()
    try:
        async with serving(catalogue, tmp_path, MediaSettings()) as site:
            film = await site.show(BODY, role="video", media_type="video/mp4")
            small = await site.show(b"small")
            with RawClient(site.port) as viewer:
                for path, body in ((film.path, BODY), (small.path, b"small"), (film.path, BODY)):
                    assert (await viewer.ask(path))[0] == 200
                    assert await viewer.read(len(body)) == body
                # the second request comes before the first one is answered
                ahead = f"\r\n\r\nGET {film.path} HTTP/1.1\r\nrange: bytes=7-2000006\r\nhost: wall"
                assert (await viewer.ask(film.path, f"x: y{ahead}"))[0] == 200
                assert await viewer.read(len(BODY)) == BODY
                answer = b""
                while not answer.endswith(b"\r\n\r\n"):
                    answer += await viewer.read(1)
                assert answer.startswith(b"HTTP/1.1 206 ")
                assert await viewer.read(2_000_000) == BODY[7:2_000_007]
            await until(lambda: not len(site.media.streams), "the last one to end")
            assert site.media.streams.endings == {}
    finally:
        await catalogue.close()
