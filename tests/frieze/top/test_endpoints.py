"""Which relays are asked, and what is said where one does not answer."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from frieze.settings import Settings, load
from frieze.top import endpoints as module
from frieze.top.endpoints import Endpoints, addresses
from frieze.top.reading import Reading
from tests.frieze.top.exposition import text
from tests.postgres import free_port
from wall.errors import SettingsError

pytestmark = pytest.mark.anyio


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    return load()


@asynccontextmanager
async def relay(body: str, port: int = 0, status: int = 200) -> AsyncGenerator[int]:
    """Something that answers every request with `body`; gives its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            raw = body.encode()
            writer.write(b"HTTP/1.1 %d x\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % (status, len(raw)) + raw)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def read(*names: str) -> dict[str, Reading | str]:
    async with aiohttp.ClientSession() as session:
        return await Endpoints(names, session).read()


def worker(number: int, workers: int) -> str:
    return text({"main": 1}, more=f'frieze_relay_info{{version="",worker="{number}",workers="{workers}"}} 1\n')


def test_without_a_url_it_is_this_machines_setting_or_the_usual_port(settings: Settings) -> None:
    assert addresses((), settings) == ["127.0.0.1:9464"]
    assert addresses((), settings.model_copy(update={"metrics": "0.0.0.0:7000"})) == ["127.0.0.1:7000"]


def test_urls_are_taken_with_or_without_scheme_path_and_port(settings: Settings) -> None:
    given = ["http://a:1/metrics", "b:2", "c", "http://[::1]:3", "a:1"]
    assert addresses(given, settings) == ["a:1", "b:2", "c:9464", "[::1]:3"]


@pytest.mark.parametrize("wrong", ["https://a:1", "http://a:1/wall", "http://", "a:port", "http://a:99999"])
def test_what_is_no_url_of_metrics_is_named(settings: Settings, wrong: str) -> None:
    with pytest.raises(SettingsError, match="metrics"):
        addresses([wrong], settings)


async def test_a_relay_is_read() -> None:
    async with relay(text({"main": 3})) as port:
        found = await read(f"127.0.0.1:{port}")
    [reading] = found.values()
    assert isinstance(reading, Reading)
    assert reading.get("frieze_relay_delivered_total") == 3


def ports_in_a_row(count: int) -> int:
    """The first of so many ports that are free now, below those the system gives to others."""
    for first in range(20_000, 32_000, count):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError("no free ports")


async def test_workers_are_found_on_the_ports_after_the_first_and_missed_when_they_die() -> None:
    port = ports_in_a_row(3)
    async with aiohttp.ClientSession() as session, relay(worker(0, 3), port):
        endpoints = Endpoints([f"127.0.0.1:{port}"], session)
        async with relay(worker(1, 3), port + 1):
            found = await endpoints.read()
            assert list(found) == [f"127.0.0.1:{port + n}" for n in range(3)]
            assert [isinstance(each, Reading) for each in found.values()] == [True, True, False]
        found = await endpoints.read()
        assert [isinstance(each, Reading) for each in found.values()] == [True, False, False]


async def test_a_worker_in_the_middle_is_asked_alone() -> None:
    async with relay(worker(1, 3)) as port:
        assert list(await read(f"127.0.0.1:{port}")) == [f"127.0.0.1:{port}"]


async def test_a_name_with_several_addresses_is_several_relays(monkeypatch: pytest.MonkeyPatch) -> None:
    async def several(*_: object, **__: object) -> list[object]:
        return [(0, 0, 0, "", (address, 0)) for address in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", several)
    port = free_port()
    assert list(await read(f"relay:{port}")) == [f"127.0.0.1:{port}", f"127.0.0.2:{port}"]


async def _say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Take a request, and that is all."""
    with contextlib.suppress(ConnectionError):
        await reader.read()
    writer.close()


async def test_why_nothing_was_read_is_said_in_a_few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WITHIN", 0.3)
    silent = await asyncio.start_server(_say_nothing, "127.0.0.1", 0)
    async with relay("<html>") as page, relay("", status=404) as other, silent:
        names = [f"127.0.0.1:{port}" for port in (page, other, silent.sockets[0].getsockname()[1], free_port())]
        said = await read(*names)
    assert [said[name] for name in names] == [
        "answers, but is no relay",
        "answers 404; no relay?",
        "no answer within 0.3 s",
        "can’t be reached: connection refused",
    ]
