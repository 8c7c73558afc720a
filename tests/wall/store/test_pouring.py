"""Bodies of answers as a server of our own gives them, on both event loops: the product's, and Python's own."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes.waiting import until
from tests.wall.store.conformance import Jar
from wall.store.base import PIECE
from wall.store.pouring import READ_AHEAD, Pouring, store_socket

pytestmark = pytest.mark.anyio

BODY = bytes(range(251)) * 12_000  # 3 MB
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY)

Give = Callable[[asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and its certificate for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        (
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "both.pem"), "-out", str(folder / "certificate.pem")),
        ),
        check=True,
        capture_output=True,
    )
    with (folder / "both.pem").open("ab") as both:
        both.write((folder / "certificate.pem").read_bytes())
    return folder / "both.pem"


class _Server:
    """Gives every request what `give` writes; `connections` that came."""

    def __init__(self, give: Give) -> None:
        self.connections = 0
        self.gone = 0
        self._give = give

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET"):
                await self._give(writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.gone += 1
            writer.close()


class _Client:
    def __init__(self, url: str, server: _Server, session: aiohttp.ClientSession) -> None:
        self.server = server
        self.session = session
        self.pouring = Pouring(0.5)
        self._url = url

    async def ask(self) -> aiohttp.ClientResponse:
        return await self.session.get(self._url)

    async def pour(self, jar: Jar, length: int = len(BODY)) -> None:
        answer = await self.ask()
        try:
            async with asyncio.timeout(60):
                await self.pouring.pour(answer, length, jar)
        finally:
            answer.close()


@asynccontextmanager
async def _serving(give: Give, certificate: Path | None = None) -> AsyncGenerator[_Client]:
    server = _Server(give)
    async with AsyncExitStack() as stack:
        ours, theirs = None, True
        if certificate is not None:
            ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            ours.load_cert_chain(certificate)
            theirs = ssl.create_default_context(cafile=str(certificate))
        listening = await asyncio.start_server(server.meet, "127.0.0.1", 0, ssl=ours)
        await stack.enter_async_context(listening)
        connector = aiohttp.TCPConnector(ssl=theirs, socket_factory=store_socket)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, auto_decompress=False, read_bufsize=READ_AHEAD)
        )
        scheme = "http" if certificate is None else "https"
        port = listening.sockets[0].getsockname()[1]
        yield _Client(f"{scheme}://localhost:{port}/", server, session)


async def _whole(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + BODY)


@pytest.mark.parametrize("turns", [0, 3, 1000])
async def test_a_body_arrives_whole_and_in_order(turns: int) -> None:
    async with _serving(_whole) as client:
        for _ in range(3):
            jar = Jar(turns)
            await client.pour(jar)
            assert bytes(jar.got) == BODY


@pytest.mark.parametrize("turns", [0, 3, 1000])
async def test_a_body_under_tls_arrives_whole_and_in_order(turns: int, certificate: Path) -> None:
    async with _serving(_whole, certificate) as client:
        jar = Jar(turns)
        await client.pour(jar)
        assert bytes(jar.got) == BODY


async def test_bodies_that_come_at_the_same_time_are_not_mixed_up() -> None:
    async with _serving(_whole) as client:
        jars = [Jar(turns) for turns in (0, 1, 2, 1000) * 4]
        await asyncio.gather(*(client.pour(jar) for jar in jars))
        assert all(bytes(jar.got) == BODY for jar in jars)


async def test_a_small_body_leaves_its_connection_to_the_next_request() -> None:
    async def give(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + BODY[:1000])

    async with _serving(give) as client:
        for _ in range(3):
            jar = Jar()
            await client.pour(jar, 1000)
            assert bytes(jar.got) == BODY[:1000]
        assert client.server.connections == 1


async def test_a_body_in_chunks_is_left_to_aiohttp() -> None:
    async def give(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for at in range(0, len(BODY), 100_000):
            piece = BODY[at : at + 100_000]
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async with _serving(give) as client:
        jar = Jar(3)
        await client.pour(jar)
        assert bytes(jar.got) == BODY


@pytest.mark.parametrize("turns", [0, 1])
async def test_bytes_after_the_body_are_no_part_of_it(turns: int) -> None:
    async def give(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + BODY + b"HTTP/1.1 200 OK\r\n")

    async with _serving(give) as client:
        jar = Jar(turns)
        await client.pour(jar)
        assert bytes(jar.got) == BODY


@pytest.mark.parametrize("turns", [0, 1, 1000])
@pytest.mark.parametrize("short", [1, PIECE, len(BODY) - 1, len(BODY)])
async def test_a_body_that_ends_early_is_an_error(short: int, turns: int) -> None:
    async def give(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + BODY[: len(BODY) - short])
        await writer.drain()
        writer.close()

    async with _serving(give) as client:
        jar = Jar(turns)
        with pytest.raises(aiohttp.ClientError):
            await client.pour(jar)
        assert BODY.startswith(jar.got)


@pytest.mark.parametrize("come", [0, 1, len(BODY) // 2, len(BODY) - 1])
async def test_a_body_that_stalls_is_given_up(come: int) -> None:
    over = asyncio.Event()

    async def give(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + BODY[:come])
        await over.wait()

    async with _serving(give) as client:
        jar = Jar(1)
        with pytest.raises(TimeoutError, match="no byte came"):
            await client.pour(jar)
        assert bytes(jar.got) == BODY[:come]
        over.set()


async def test_a_body_that_comes_slowly_is_waited_for() -> None:
    async def give(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + BODY[:10])
        for at in range(10, 20):
            await asyncio.sleep(0.1)  # a second in all, twice as long as it may be silent
            writer.write(BODY[at : at + 1])
        writer.write(BODY[20:])

    async with _serving(give) as client:
        jar = Jar()
        await client.pour(jar)
        assert bytes(jar.got) == BODY


async def test_a_session_closes_although_a_body_is_being_poured() -> None:
    async with _serving(_whole) as client:
        jar = Jar(1, pause=600)
        pouring = asyncio.create_task(client.pour(jar))
        await until(lambda: bool(jar.got), "the first piece")
        async with asyncio.timeout(10):
            await client.session.close()
        pouring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pouring
        await until(lambda: client.server.gone == 1, "the connection to end")
