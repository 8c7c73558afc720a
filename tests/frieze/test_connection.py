"""Answers that are ready before an application is asked, and everything else that comes by the same connection."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import pytest
from starlette.types import Receive, Scope, Send

from frieze import connection
from frieze.connection import HEADER_BYTES, Http
from frieze.server import HttpServer, bind, http_server
from tests.fakes.waiting import until

pytestmark = pytest.mark.anyio

READY = b"ready"
LARGE = b"l" * 20_480
PLAIN = b"GET /ready HTTP/1.1\r\nhost: wall\r\n\r\n"


@dataclass(frozen=True, slots=True)
class _Answer:
    data: bytes

    @property
    def lines(self) -> bytes:
        return b"content-length: %d\r\nx-from: memory\r\n\r\n" % len(self.data)


@dataclass
class _Site:
    """`/ready` is answered by memory while it may be; the application answers all else, `/slow` when it is let."""

    port: int
    server: HttpServer = field(init=False)
    asked: list[str] = field(default_factory=list[str])
    given: int = 0
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def ready(self, path: str) -> _Answer | None:
        if path != "/ready":
            return None
        self.given += 1
        return _Answer(LARGE if self.go_on.is_set() else READY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(f"{scope['method']} {scope['path']}")
        if scope["path"] == "/slow":
            await self.go_on.wait()
        if scope["method"] == "POST":
            assert (await receive())["body"] == b"body"
        data = LARGE if scope["path"] == "/ready" else b"application"
        headers = [(b"content-length", b"%d" % len(data)), (b"x-from", b"application")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": data})

    @property
    def connection(self) -> Http:
        [connection] = self.server.server_state.connections
        assert isinstance(connection, Http)
        return connection


@dataclass
class _Browser:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def ask(self, *requests: bytes) -> None:
        self.writer.write(b"".join(requests))

    async def answer(self, *, head: bool = False) -> tuple[dict[str, str], bytes]:
        async with asyncio.timeout(10):
            status, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
            headers = dict(line.split(": ", 1) for line in lines)
            assert status == "HTTP/1.1 200 OK"
            return headers, b"" if head else await self.reader.readexactly(int(headers["content-length"]))

    async def sources(self, count: int) -> list[str]:
        """Who answered, one after the other."""
        return [(await self.answer())[0]["x-from"] for _ in range(count)]


@asynccontextmanager
async def _open(keep_alive: int = 30) -> AsyncGenerator[tuple[_Site, _Browser]]:
    listening = bind("127.0.0.1", 0, "tests", "nothing")
    site = _Site(listening.getsockname()[1])
    site.server = http_server(site, None, (), site.ready)
    site.server.config.timeout_keep_alive = keep_alive
    serving = asyncio.create_task(site.server.serve(sockets=[listening]))
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    try:
        yield site, _Browser(reader, writer)
    finally:
        writer.close()
        site.go_on.set()
        site.server.should_exit = True
        await serving


async def test_what_is_ready_is_answered_without_the_application_and_the_connection_goes_on() -> None:
    async with _open() as (site, browser):
        for _ in range(2):
            browser.ask(PLAIN)
            headers, body = await browser.answer()
            assert (headers["x-from"], body) == ("memory", READY)
            assert "GMT" in headers["date"]
            browser.ask(b"GET /other HTTP/1.1\r\nhost: wall\r\n\r\n")
            assert await browser.sources(1) == ["application"]
        assert (site.given, site.asked) == (2, ["GET /other"] * 2)
        assert site.server.server_state.total_requests == 4


@pytest.mark.parametrize(
    "request_",
    [
        b"HEAD /ready HTTP/1.1\r\nhost: wall\r\n\r\n",
        b"POST /ready HTTP/1.1\r\nhost: wall\r\ncontent-length: 4\r\n\r\nbody",
        b"GET /ready HTTP/1.0\r\nhost: wall\r\n\r\n",
        b"GET /ready HTTP/1.1\r\nhost: wall\r\nconnection: close\r\n\r\n",
        b"GET /ready HTTP/1.1\r\nhost: wall\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        b"GET /ready HTTP/1.1\r\nhost: wall\r\nRange: bytes=0-1\r\n\r\n",
        b'GET /ready HTTP/1.1\r\nhost: wall\r\nIf-None-Match: "x"\r\n\r\n',
        b"GET /ready HTTP/1.1\r\nhost: wall\r\nif-modified-since: x\r\n\r\n",
        b"GET /ready HTTP/1.1\r\nhost: wall\r\ncontent-length: 4\r\n\r\nbody",
        b"GET /ready HTTP/1.1\r\nhost: wall\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /ready HTTP/1.1\r\nhost: wall\r\nexpect: 100-continue\r\n\r\n",
        b"GET /ready?signature=x HTTP/1.1\r\nhost: wall\r\n\r\n",
        b"GET http://wall/ready HTTP/1.1\r\nhost: wall\r\n\r\n",
    ],
)
async def test_whatever_wants_more_than_the_whole_is_the_applications(request_: bytes) -> None:
    async with _open() as (site, browser):
        browser.ask(request_)
        headers, _ = await browser.answer(head=request_.startswith(b"HEAD"))
        assert headers["x-from"] == "application"
        assert site.given == 0


async def test_answers_come_in_the_order_of_the_questions() -> None:
    slow, other = b"GET /slow HTTP/1.1\r\nhost: wall\r\n\r\n", b"GET /other HTTP/1.1\r\nhost: wall\r\n\r\n"
    async with _open() as (site, browser):
        browser.ask(PLAIN, PLAIN, slow, PLAIN, other)
        assert await browser.sources(2) == ["memory"] * 2
        await until(lambda: site.asked == ["GET /slow"], "the slow one to be asked for")
        site.go_on.set()
        assert await browser.sources(3) == ["application"] * 3
        assert site.asked == ["GET /slow", "GET /ready", "GET /other"]
        browser.ask(PLAIN)
        assert await browser.sources(1) == ["memory"]


async def test_a_request_in_pieces_is_answered_once_it_is_whole() -> None:
    async with _open() as (site, browser):
        for at in range(len(PLAIN)):
            browser.ask(PLAIN[at : at + 1])
            await browser.writer.drain()
        assert await browser.sources(1) == ["memory"]
        assert site.given == 1


async def test_a_long_answer_is_not_cut_by_what_was_answered_just_before_it() -> None:
    async with _open() as (site, browser):
        browser.ask(PLAIN, b"GET /slow HTTP/1.1\r\nhost: wall\r\n\r\n")
        assert await browser.sources(1) == ["memory"]
        await until(lambda: site.asked, "the slow one to be asked for")
        assert site.connection.timeout_keep_alive_task is None
        site.go_on.set()
        assert await browser.sources(1) == ["application"]
        await until(lambda: site.connection.timeout_keep_alive_task, "the connection to be idle")


async def test_a_connection_that_asks_no_more_is_closed_in_its_time() -> None:
    async with _open(keep_alive=0) as (_, browser):
        browser.ask(PLAIN)
        assert await browser.sources(1) == ["memory"]
        async with asyncio.timeout(10):
            assert await browser.reader.read() == b""


async def test_who_asks_and_asks_and_takes_nothing_does_not_fill_the_memory() -> None:
    count = 2_000
    async with _open() as (site, browser):
        reading = cast("asyncio.Transport", browser.writer.transport)
        reading.pause_reading()
        site.go_on.set()  # 20 KiB a time, 40 MiB in all
        browser.ask(PLAIN * count)
        await until(lambda: site.server.server_state.connections, "the connection")
        transport = site.connection.transport
        await until(lambda: transport.get_write_buffer_size() > 0, "the connection to be full")
        # what makes it full is asked of the application, which waits for room
        await until(lambda: site.asked, "memory to give no more")
        assert transport.get_write_buffer_size() < 64 * 1024 + 2 * len(LARGE)
        reading.resume_reading()
        for _ in range(count):
            assert (await browser.answer())[1] == LARGE
        assert site.given + len(site.asked) == count
        assert site.given > 1


# ── a head's limits ──────────────────────────────────────────────────────────────────────────────────────────────────

BEGINNING = b"GET /other HTTP/1.1\r\nhost: wall\r\n"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_SECONDS", 0.2)


async def _refused(browser: _Browser) -> tuple[str, str]:
    """The status line and the sentence with which a connection was closed."""
    async with asyncio.timeout(10):
        head, _, sentence = (await browser.reader.read()).decode().partition("\r\n\r\n")
    assert f"content-length: {len(sentence)}" in head
    return head.split("\r\n")[0], sentence


@pytest.mark.parametrize(
    "field",
    [b"x: %b" % (b"a" * 2 * HEADER_BYTES), b"\r\n".join(b"x-%d: a" % number for number in range(4_000))],
    ids=["long", "many"],
)
async def test_a_head_that_is_too_large_is_refused(field: bytes) -> None:
    async with _open() as (site, browser):
        browser.ask(BEGINNING, field, b"\r\n\r\n")
        status, sentence = await _refused(browser)
        assert status == "HTTP/1.1 431 Request Header Fields Too Large"
        assert "16 KiB" in sentence
        assert site.asked == []


async def test_a_head_without_an_end_is_refused_before_it_is_large() -> None:
    async with _open() as (site, browser):
        browser.ask(BEGINNING, b"x: ")
        await until(lambda: site.server.server_state.connections, "the connection")
        connected = site.connection
        sent = 0
        with suppress(ConnectionError):
            while not connected.transport.is_closing():
                browser.ask(b"a" * 1024)
                await browser.writer.drain()
                await asyncio.sleep(0)
                sent += 1024
        assert sent < 16 * HEADER_BYTES + 2 * 256 * 1024  # what lies in sockets, and one reading
        assert site.asked == []


async def test_what_comes_before_a_head_in_the_same_reading_is_not_counted_as_its() -> None:
    async with _open() as (site, browser):
        browser.ask(PLAIN * (4 * HEADER_BYTES // len(PLAIN)), PLAIN[:-2])
        for _ in range(4 * HEADER_BYTES // len(PLAIN)):
            await browser.answer()
        browser.ask(PLAIN[-2:])
        await browser.answer()
        assert site.given + len(site.asked) == 4 * HEADER_BYTES // len(PLAIN) + 1


async def test_a_head_that_just_fits_is_answered() -> None:
    async with _open() as (site, browser):
        filling = b"x: %b\r\n" % (b"a" * (HEADER_BYTES - 200))
        browser.ask(BEGINNING, filling)
        await browser.writer.drain()
        browser.ask(b"\r\n")
        assert await browser.sources(1) == ["application"]
        assert len(site.asked) == 1


async def _time_for_a_head(site: _Site) -> None:
    """Wait until another connection, which begins now, has had all of it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    writer.close()


@pytest.mark.usefixtures("hurried")
async def test_a_head_that_does_not_get_on_is_refused() -> None:
    async with _open() as (site, browser):
        browser.ask(BEGINNING)
        status, sentence = await _refused(browser)
        assert status == "HTTP/1.1 408 Request Timeout"
        assert "within 0.2 s" in sentence
        assert site.asked == []


@pytest.mark.usefixtures("hurried")
async def test_the_next_head_has_its_time_too() -> None:
    async with _open() as (_, browser):
        browser.ask(PLAIN, b"GET")
        await browser.answer()
        assert (await _refused(browser))[0] == "HTTP/1.1 408 Request Timeout"


@pytest.mark.usefixtures("hurried")
async def test_who_says_nothing_is_closed_without_a_word() -> None:
    async with _open() as (_, browser):
        async with asyncio.timeout(10):
            assert await browser.reader.read() == b""


@pytest.mark.usefixtures("hurried")
async def test_a_body_and_an_answer_take_the_time_they_need() -> None:
    async with _open() as (site, browser):
        browser.ask(b"POST /slow HTTP/1.1\r\nhost: wall\r\ncontent-length: 4\r\n\r\n")
        await until(lambda: site.asked, "the request")
        await _time_for_a_head(site)
        browser.ask(b"body")
        site.go_on.set()
        assert await browser.sources(1) == ["application"]


@pytest.mark.usefixtures("hurried")
async def test_a_head_that_waits_for_the_answer_before_it_does_not_cut_that() -> None:
    async with _open() as (site, browser):
        browser.ask(b"GET /slow HTTP/1.1\r\nhost: wall\r\n\r\n", BEGINNING)
        await until(lambda: site.asked, "the request")
        await _time_for_a_head(site)
        site.go_on.set()
        assert await browser.sources(1) == ["application"]
        assert (await _refused(browser))[0] == "HTTP/1.1 408 Request Timeout"
