"""What every adapter must do, whichever store it is. A test class per adapter inherits these and gives `store`."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from tests.fakes.waiting import until
from wall.errors import ObjectChanged, ObjectMissing, StoreError
from wall.store.base import CHUNK, PIECE, OpenObject, Store
from wall.store.keys import new_key


class BrokenOff(Exception):
    """The visitor went away."""


async def pieces(data: bytes, size: int = 10_000, *, break_at: int | None = None) -> AsyncIterator[bytes]:
    """`data` in pieces; raises once `break_at` bytes have gone."""
    for at in range(0, len(data), size):
        if break_at is not None and at + size > break_at:
            if break_at > at:
                yield data[at:break_at]
            raise BrokenOff
        yield data[at : at + size]
    if break_at is not None:
        raise BrokenOff


async def all_of(opened: OpenObject) -> bytes:
    parts: list[bytes] = []
    async for chunk in opened.chunks:
        assert 0 < len(chunk) <= CHUNK
        parts.append(chunk)
    return b"".join(parts)


class Jar:
    """A sink. It has no room after each piece but the last for which `turns` are left, and then waits `pause` seconds;
    after `burst` bytes it bursts."""

    def __init__(self, turns: int = 0, pause: float = 0.0, burst: int | None = None) -> None:
        self.got = bytearray()
        self.waited = 0
        self._turns = turns
        self._pause = pause
        self._burst = burst
        self._full = False

    def take(self, piece: memoryview) -> bool:
        assert not self._full, "a piece came although there was no room"
        assert 0 < len(piece) <= PIECE
        self.got += piece
        if self._burst is not None and len(self.got) > self._burst:
            raise BrokenOff
        self._full = self.waited < self._turns
        return not self._full

    async def room(self) -> None:
        assert self._full
        await asyncio.sleep(self._pause)
        self.waited += 1
        self._full = False


async def poured(opened: OpenObject, jar: Jar | None = None) -> bytes:
    jar = Jar() if jar is None else jar
    async with aclosing(opened.chunks):
        await opened.pour(jar)
    return bytes(jar.got)


class StoreConformance:
    pytestmark = pytest.mark.anyio

    async def assert_nothing_left(self, store: Store, key: str) -> None:
        """No object under `key`, and nothing half-written anywhere. Adapters add what they can look at."""
        with pytest.raises(ObjectMissing):
            await store.head(key)
        with pytest.raises(ObjectMissing):
            await store.open(key)

    @pytest.mark.parametrize("length", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 1_000_000])
    async def test_what_was_put_is_what_is_opened(self, store: Store, length: int) -> None:
        key, data = new_key(), secrets.token_bytes(length)
        info = await store.put(key, length, "image/webp", pieces(data))
        assert (info.length, info.type) == (length, "image/webp")
        assert info.etag.startswith('"')
        assert info.etag.endswith('"')
        assert await store.head(key) == info
        opened = await store.open(key)
        assert opened.info == info
        assert await all_of(opened) == data

    async def test_a_length_may_be_unknown(self, store: Store) -> None:
        key = new_key()
        assert (await store.put(key, None, "image/png", pieces(b"x" * 30_000))).length == 30_000

    @pytest.mark.parametrize(
        ("start", "length"),
        [(0, 1), (0, 500_000), (1, 1), (299_999, 1), (299_999, 50), (300_000, 5), (100, None), (131_072, 131_072)],
    )
    async def test_a_range_gives_exactly_its_bytes(self, store: Store, start: int, length: int | None) -> None:
        key, data = new_key(), secrets.token_bytes(300_000)
        await store.put(key, len(data), "video/mp4", pieces(data))
        opened = await store.open(key, start, length)
        assert opened.info.length == len(data)
        assert await all_of(opened) == data[start : None if length is None else start + length]

    async def test_another_object_than_the_asked_one_is_not_opened(self, store: Store) -> None:
        key = new_key()
        info = await store.put(key, 5, "image/png", pieces(b"first"))
        assert await all_of(await store.open(key, 1, etag=info.etag)) == b"irst"
        with pytest.raises(ObjectChanged):
            await store.open(key, etag='"another"')

    async def test_a_copy_has_the_same_bytes_and_outlives_its_source(self, store: Store) -> None:
        source, target = new_key(), new_key()
        info = await store.put(source, 300_000, "image/png", pieces(b"x" * 300_000))
        assert await store.copy(source, target) == info
        await store.delete(source)
        opened = await store.open(target)
        assert opened.info == info
        assert await all_of(opened) == b"x" * 300_000
        with pytest.raises(ObjectMissing):
            await store.head(source)

    async def test_a_copy_needs_a_source_and_never_replaces_an_object(self, store: Store) -> None:
        source, target = new_key(), new_key()
        with pytest.raises(ObjectMissing):
            await store.copy(source, target)
        await self.assert_nothing_left(store, target)
        for key in (source, target):
            await store.put(key, 26, "image/png", pieces(key.encode()))
        with pytest.raises(StoreError):
            await store.copy(source, target)
        assert await all_of(await store.open(target)) == target.encode()

    async def test_every_object_is_listed_once_with_its_length(self, store: Store) -> None:
        lengths = {new_key(): length for length in (0, 1, 300_000)}
        for key, length in lengths.items():
            await store.put(key, length, "image/png", pieces(b"x" * length))
        gone = new_key()
        await store.put(gone, 1, "image/png", pieces(b"x"))
        await store.delete(gone)
        listed = [found async for found in store.objects()]
        assert sorted((found.key, found.length) for found in listed if found.key in lengths) == sorted(lengths.items())
        assert gone not in [found.key for found in listed]
        assert all(abs((datetime.now(UTC) - found.written).total_seconds()) < 600 for found in listed)

    async def test_tidying_leaves_whole_objects_alone(self, store: Store) -> None:
        key = new_key()
        await store.put(key, 5, "image/png", pieces(b"bytes"))
        assert await store.tidy(timedelta(0)) == 0
        assert await all_of(await store.open(key)) == b"bytes"

    async def test_equal_bytes_have_equal_validators_and_others_do_not(self, store: Store) -> None:
        infos = [await store.put(new_key(), 3, "image/png", pieces(data)) for data in (b"one", b"one", b"two")]
        assert infos[0].etag == infos[1].etag != infos[2].etag

    @pytest.mark.parametrize("break_at", [0, 1, 150_000, 299_999, 300_000])
    async def test_a_source_that_breaks_off_leaves_nothing(self, store: Store, break_at: int) -> None:
        key, data = new_key(), secrets.token_bytes(300_000)
        with pytest.raises(BrokenOff):
            await store.put(key, len(data), "image/png", pieces(data, break_at=break_at))
        await self.assert_nothing_left(store, key)

    @pytest.mark.parametrize("promised", [0, 29_999, 30_001, 10_000_000])
    async def test_another_length_than_promised_is_refused_and_leaves_nothing(
        self, store: Store, promised: int
    ) -> None:
        key = new_key()
        with pytest.raises(StoreError):
            await store.put(key, promised, "image/png", pieces(b"x" * 30_000))
        await self.assert_nothing_left(store, key)

    async def test_a_cancelled_put_leaves_nothing(self, store: Store) -> None:
        key, begun = new_key(), anyio.Event()

        async def stalls() -> AsyncIterator[bytes]:
            yield b"x" * 20_000
            begun.set()
            await anyio.sleep_forever()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.put, key, 40_000, "image/png", stalls())
            with anyio.fail_after(10):
                await begun.wait()
            tasks.cancel_scope.cancel()
        await self.assert_nothing_left(store, key)

    async def test_nothing_is_visible_before_the_last_byte(self, store: Store) -> None:
        key = new_key()

        async def looks() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"x" * 20_000
                with pytest.raises(ObjectMissing):
                    await store.head(key)

        assert (await store.put(key, 60_000, "image/png", looks())).length == 60_000

    async def test_an_object_never_changes(self, store: Store) -> None:
        key = new_key()
        await store.put(key, 5, "image/png", pieces(b"first"))
        with pytest.raises(StoreError):
            await store.put(key, 6, "image/png", pieces(b"second"))
        assert await all_of(await store.open(key)) == b"first"

    async def test_what_is_deleted_is_gone_and_deleting_again_is_no_error(self, store: Store) -> None:
        key = new_key()
        await store.put(key, 5, "image/png", pieces(b"bytes"))
        await store.delete(key)
        await store.delete(key)
        await self.assert_nothing_left(store, key)

    async def test_a_reader_that_leaves_early_holds_nothing(self, store: Store) -> None:
        key = new_key()
        await store.put(key, 400_000, "image/png", pieces(b"x" * 400_000))
        opened = await store.open(key)
        assert await anext(opened.chunks)
        await opened.chunks.aclose()
        unread = await store.open(key)
        await unread.chunks.aclose()

    @pytest.mark.parametrize("turns", [0, 1, 1000])
    @pytest.mark.parametrize("length", [0, 1, PIECE, PIECE + 1, 3_000_000])
    async def test_what_is_poured_is_the_object(self, store: Store, length: int, turns: int) -> None:
        key, data = new_key(), secrets.token_bytes(length)
        await store.put(key, length, "video/mp4", pieces(data))
        assert await poured(await store.open(key), Jar(turns)) == data

    async def test_a_range_is_poured_as_it_is_read(self, store: Store) -> None:
        key, data = new_key(), secrets.token_bytes(2_000_000)
        await store.put(key, len(data), "video/mp4", pieces(data))
        for start, length in ((0, 1_500_000), (1, 700_000), (700_000, None), (1_999_999, 1), (2_000_000, None)):
            end = len(data) if length is None else start + length
            assert await poured(await store.open(key, start, length), Jar(1)) == data[start:end]

    async def test_a_sink_that_bursts_ends_the_pouring_and_nothing_else(self, store: Store) -> None:
        key, data = new_key(), secrets.token_bytes(3_000_000)
        await store.put(key, len(data), "video/mp4", pieces(data))
        for burst in (0, 1_000_000, len(data) - 1):
            jar = Jar(1, burst=burst)
            with pytest.raises(BrokenOff):
                await poured(await store.open(key), jar)
            assert data.startswith(jar.got)
        assert await poured(await store.open(key)) == data

    async def test_pouring_that_is_cancelled_ends_at_once(self, store: Store) -> None:
        key, data = new_key(), secrets.token_bytes(3_000_000)
        await store.put(key, len(data), "video/mp4", pieces(data))
        jar = Jar(1, pause=600)
        pouring = asyncio.create_task(poured(await store.open(key), jar))
        await until(lambda: bool(jar.got), "the first piece")
        pouring.cancel()
        with pytest.raises(asyncio.CancelledError):
            await pouring
        assert await poured(await store.open(key)) == data

    async def test_the_check_passes(self, store: Store) -> None:
        await store.check()

    @pytest.mark.parametrize("key", ["..", "../" * 8 + "etc/passwd", "a/../../b", "A" * 26])
    async def test_a_key_that_is_not_ours_goes_nowhere(self, store: Store, key: str) -> None:
        with pytest.raises(StoreError):
            await store.put(key, 1, "image/png", pieces(b"x"))
        with pytest.raises(StoreError):
            await store.open(key)
        with pytest.raises(StoreError):
            await store.delete(key)
