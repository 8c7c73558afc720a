"""The client of `frieze store serve`, against the service itself over a real folder."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import anyio
import pytest
from yarl import URL

from tests.fakes.faulty_network import FaultyNetwork
from tests.fakes.store_service import TOKEN, served
from tests.fakes.waiting import until
from tests.integration.swift import Swift
from tests.wall.store.conformance import StoreConformance, all_of, pieces
from tests.wall.store.networked import LIMITS, NetworkedStoreConformance, StoreAddress
from tests.wall.store.swift.fixtures import new_container, swift_store
from wall.errors import ObjectMissing, SettingsError, StoreError, StoreRefused, StoreUnavailable
from wall.store import open_store
from wall.store.base import ObjectInfo, Store
from wall.store.disk import DiskStore
from wall.store.keys import new_key
from wall.store.remote import BUSY_TRIES, RemoteStore

pytestmark = pytest.mark.anyio


def _files(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.is_file()]


@pytest.fixture
async def disk(tmp_path: Path) -> DiskStore:
    store = DiskStore(tmp_path / "behind")
    await store.start()
    return store


class TestRemoteStore(NetworkedStoreConformance):
    @pytest.fixture
    async def address(self, disk: DiskStore) -> AsyncGenerator[StoreAddress]:
        self.root = disk.root
        async with served(disk) as url:
            yield StoreAddress(url, None, TOKEN)

    @pytest.fixture
    async def network(self, address: StoreAddress) -> AsyncGenerator[FaultyNetwork]:
        at = urlsplit(address.url)
        assert at.hostname is not None
        assert at.port is not None
        async with FaultyNetwork.before(at.hostname, at.port) as network:
            yield network

    @pytest.fixture
    async def store(self, network: FaultyNetwork) -> AsyncGenerator[Store]:
        store = RemoteStore(network.url, TOKEN, LIMITS)
        yield store
        await store.close()

    async def assert_nothing_left(self, store: Store, key: str) -> None:
        await super().assert_nothing_left(store, key)
        assert [name for name in _files(self.root) if name == key or name.endswith(".part")] == []

    async def settled(self) -> None:
        await until(lambda: not [name for name in _files(self.root) if name.endswith(".part")], "the roll-back")

    async def test_its_url_and_token_open_it(self, address: StoreAddress) -> None:
        store = await open_store(address.url, address.user, address.password)
        await store.check()
        await store.close()


class TestRemoteStoreOverSwift(StoreConformance):
    """The same service with a vendor behind it."""

    @pytest.fixture
    async def store(self, swift: Swift) -> AsyncGenerator[Store]:
        self.swift, self.container = swift, new_container()
        async with swift_store(swift, self.container) as behind, served(behind) as url:
            store = RemoteStore(url, TOKEN)
            yield store
            await store.close()

    async def assert_nothing_left(self, store: Store, key: str) -> None:
        await super().assert_nothing_left(store, key)
        assert key not in await asyncio.to_thread(self.swift.names, self.container)

    async def test_addresses_are_signed_by_the_vendor_behind_it(self, store: Store) -> None:
        key = new_key()
        await store.put(key, 5, "image/png", pieces(b"bytes"))
        signed = await store.sign("GET", key, timedelta(minutes=5))
        assert signed is not None
        async with aiohttp.ClientSession() as http, http.get(URL(signed.url, encoded=True)) as said:
            assert await said.read() == b"bytes"


async def test_a_source_that_ends_well_after_its_last_byte_is_what_makes_an_object(disk: DiskStore) -> None:
    """Nothing is visible while the source has not ended, although every promised byte has been sent."""
    key, seen = new_key(), list[bool]()

    async def looks() -> AsyncIterator[bytes]:
        yield b"x" * 1000
        await anyio.sleep(0.2)
        with pytest.raises(ObjectMissing):
            await disk.head(key)
        seen.append(True)

    async with served(disk) as url:
        store = RemoteStore(url, TOKEN)
        await store.put(key, 1000, "image/png", looks())
        assert seen
        await store.close()


class _Held(DiskStore):
    """A real folder whose writes can be held up just before they are confirmed."""

    held = False

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.go_on = asyncio.Event()
        self.reached = asyncio.Event()

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        info = await super().put(key, length, media_type, chunks)
        if self.held:
            self.reached.set()
            await self.go_on.wait()
        return info


async def test_a_roll_back_waits_for_a_write_that_is_being_confirmed(tmp_path: Path) -> None:
    behind = _Held(tmp_path)
    behind.held = True
    async with served(behind) as url:
        store = RemoteStore(url, TOKEN)
        putting = asyncio.create_task(store.put(new_key(), 3, "image/png", pieces(b"abc")))
        await asyncio.wait_for(behind.reached.wait(), 20)
        assert _files(tmp_path), "the object is there, and nobody has been told"
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        assert not _files(tmp_path)
        await store.close()


async def test_a_put_that_finds_no_room_waits_and_its_source_is_asked_only_once(disk: DiskStore) -> None:
    asked = 0

    async def source() -> AsyncIterator[bytes]:
        nonlocal asked
        asked += 1
        yield b"second"

    release = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"fir"
        await release.wait()
        yield b"st"

    async with served(disk, writes=1) as url:
        store, first, second = RemoteStore(url, TOKEN), new_key(), new_key()
        one = asyncio.create_task(store.put(first, 5, "image/png", slow()))
        await until(lambda: _files(disk.root), "the first write")
        other = asyncio.create_task(store.put(second, 6, "image/png", source()))
        await asyncio.sleep(0.3)
        assert asked == 0
        release.set()
        await one
        await other
        assert asked == 1
        assert await all_of(await store.open(second)) == b"second"
        await store.close()


async def test_no_room_for_long_is_trouble_that_may_pass(disk: DiskStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wall.store.remote.BUSY_TRIES", min(BUSY_TRIES, 2))
    async with served(disk, writes=0) as url:
        store = RemoteStore(url, TOKEN)
        with pytest.raises(StoreUnavailable, match="places"):
            await store.put(new_key(), 3, "image/png", pieces(b"abc"))
        await store.close()


async def test_a_wrong_token_is_refused_and_said_in_words(disk: DiskStore) -> None:
    async with served(disk) as url:
        store = RemoteStore(url, "another-token-altogether")
        asks: list[Callable[[], Awaitable[object]]] = [
            lambda: store.head(new_key()),
            lambda: store.open(new_key()),
            lambda: store.put(new_key(), 3, "image/png", pieces(b"abc")),
            lambda: store.delete(new_key()),
            store.check,
        ]
        for ask in asks:
            with pytest.raises(StoreRefused, match="FRIEZE_STORE_TOKEN"):
                await ask()
        assert not _files(disk.root)
        await store.close()


async def test_something_else_at_the_address_is_said_in_words() -> None:
    async def other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(other, "127.0.0.1", 0) as server:
        store = RemoteStore(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", TOKEN)
        with pytest.raises(StoreRefused, match="FRIEZE_STORE_URL"):
            await store.head(new_key())
        await store.close()


async def test_a_service_that_is_away_is_trouble_that_may_pass() -> None:
    store = RemoteStore("http://127.0.0.1:9", TOKEN)
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:9"):
        await store.head(new_key())
    await store.close()


async def test_a_stream_that_breaks_off_never_ends_cleanly(disk: DiskStore) -> None:
    key = new_key()
    await disk.put(key, 3_000_000, "video/mp4", pieces(b"x" * 3_000_000))
    path = disk.root / key[:2] / key[2:4] / key
    async with served(disk) as url:
        store = RemoteStore(url, TOKEN)
        opened = await store.open(key)
        with path.open("r+b") as file:
            file.truncate(2_900_000)
        with pytest.raises(StoreError, match="broke off"):
            await all_of(opened)
        await store.close()


async def test_bytes_after_the_end_are_no_error_and_after_that_they_are(disk: DiskStore) -> None:
    key = new_key()
    async with served(disk) as url:
        store = RemoteStore(url, TOKEN)
        info = await store.put(key, 5, "image/png", pieces(b"bytes"))
        opened = await store.open(key, 5)
        assert opened.info == info
        assert await all_of(opened) == b""
        with pytest.raises(StoreError):
            await store.open(key, 6)
        await store.close()


async def test_a_type_that_no_header_can_carry_goes_nowhere(disk: DiskStore) -> None:
    async with served(disk) as url:
        store = RemoteStore(url, TOKEN)
        for media_type in ("", "image/png\r\nX: y", "image/bild\N{LATIN SMALL LETTER E WITH ACUTE}", "x" * 300):
            with pytest.raises(StoreError):
                await store.put(new_key(), 1, media_type, pieces(b"x"))
        assert not _files(disk.root)
        await store.close()


@pytest.mark.parametrize(
    ("url", "token", "named"),
    [
        ("http://", TOKEN, "FRIEZE_STORE_URL"),
        ("http://user:pass@store", TOKEN, "FRIEZE_STORE_URL"),
        ("http://store:8080", None, "FRIEZE_STORE_TOKEN"),
        ("http://store:8080", "short", "FRIEZE_STORE_TOKEN"),
        ("https://store", "with a space and a \n in it", "FRIEZE_STORE_TOKEN"),
    ],
)
async def test_a_wrong_address_or_token_names_its_setting(url: str, token: str | None, named: str) -> None:
    with pytest.raises(SettingsError, match=named) as error:
        await open_store(url, None, token)
    assert "pass" not in str(error.value).replace("password", "")
