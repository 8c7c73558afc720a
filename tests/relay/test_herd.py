"""Small objects in memory: read once, within bounds, and not for longer than somebody asks."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from relay.herd import ENTRY_BYTES, Herd
from relay.settings import MediaSettings
from tests.fakes.waiting import until
from tests.relay.serving import FaultyStore
from wall.errors import ObjectMissing, StoreUnavailable
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> FaultyStore:
    made = FaultyStore(tmp_path / "store")
    await made.start()
    return made


class Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def put(store: FaultyStore, data: bytes) -> str:
    async def once() -> AsyncIterator[bytes]:
        yield data

    key = new_key()
    await store.put(key, len(data), "image/webp", once())
    return key


def herd(store: FaultyStore, settings: MediaSettings | None = None, clock: Time | None = None) -> Herd:
    return Herd(store, settings or MediaSettings(), clock or Time())


async def test_many_at_once_read_once_and_one_that_leaves_disturbs_nobody(store: FaultyStore) -> None:
    key, cache = await put(store, b"x" * 1000), herd(store)
    store.wait_for = asyncio.Event()
    asking = [asyncio.create_task(cache.get("a", key, 1000)) for _ in range(50)]
    await until(lambda: store.opened, "the read")
    asking[0].cancel()
    store.wait_for.set()
    first, *others = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(first, asyncio.CancelledError)
    assert {id(kept) for kept in others} == {id(cache.kept["a"])}
    assert (cache.reads, cache.bytes) == (1, 1000 + ENTRY_BYTES)


async def test_the_one_that_was_asked_for_longest_ago_makes_room(store: FaultyStore) -> None:
    cache = herd(store, MediaSettings(herd_bytes=3 * (1000 + ENTRY_BYTES)))
    keys = [await put(store, bytes([n]) * 1000) for n in range(4)]
    for n in (0, 1, 2, 0, 3):
        await cache.get(str(n), keys[n], 1000)
    assert list(cache.kept) == ["2", "0", "3"]
    assert cache.bytes == 3 * (1000 + ENTRY_BYTES)


async def test_what_nobody_asks_for_goes(store: FaultyStore) -> None:
    clock = Time()
    cache = herd(store, MediaSettings(herd_idle=0.1), clock)
    keys = [await put(store, b"x") for _ in range(2)]
    for n in range(2):
        await cache.get(str(n), keys[n], 1)
    clock.now = 0.2
    await cache.get("1", keys[1], 1)
    await until(lambda: list(cache.kept) == ["1"], "the first to go")
    clock.now = 0.4
    await until(lambda: not cache.kept, "the other to go")
    assert cache.bytes == 0


async def test_an_error_goes_to_all_who_wait_and_the_next_one_tries_again(store: FaultyStore) -> None:
    key, cache = await put(store, b"x" * 1000), herd(store)
    store.away = True
    found = await asyncio.gather(*(cache.get("a", key, 1000) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(one, StoreUnavailable) for one in found)
    assert len(store.opened) == 1
    store.away = False
    assert (await cache.get("a", key, 1000)).data == b"x" * 1000
    with pytest.raises(ObjectMissing):
        await cache.get("b", new_key(), 1000)


async def test_other_bytes_than_expected_are_not_kept(store: FaultyStore) -> None:
    key, cache = await put(store, b"x" * 1000), herd(store)
    with pytest.raises(StoreUnavailable, match="1000 bytes"):
        await cache.get("a", key, 999)
    assert not cache.kept
    assert store.reading == 0


async def test_a_store_that_hangs_is_waited_for_only_so_long(store: FaultyStore) -> None:
    key, cache = await put(store, b"x" * 1000), herd(store, MediaSettings(read_within=0.05))
    store.wait_for = asyncio.Event()
    with pytest.raises(StoreUnavailable, match="in time"):
        await cache.get("a", key, 1000)


async def test_only_so_many_objects_are_read_at_once(store: FaultyStore) -> None:
    keys, cache = [await put(store, b"x") for _ in range(5)], herd(store, MediaSettings(herd_reads=2))
    store.wait_for = asyncio.Event()
    asking = [asyncio.create_task(cache.get(key, key, 1)) for key in keys]
    await until(lambda: len(store.opened) == 2, "two reads")
    await asyncio.sleep(0)
    assert len(store.opened) == 2
    store.wait_for.set()
    assert len(await asyncio.gather(*asking)) == 5
