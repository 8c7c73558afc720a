"""The buffer between a guest and the store."""

import asyncio

import pytest

from relay.uploads.pipe import Pipe
from wall.store.base import CHUNK

pytestmark = pytest.mark.anyio


async def test_everything_comes_out_in_order_in_bounded_pieces() -> None:
    pipe, taken = Pipe(4 * CHUNK), bytearray()
    data = bytes(range(256)) * 8000

    async def feed() -> None:
        for start in range(0, len(data), 300_000):
            await pipe.feed(data[start : start + 300_000], 10)
        pipe.end()
        await pipe.emptied(10)

    feeding = asyncio.create_task(feed())
    async for piece in pipe.pieces():
        assert 0 < len(piece) <= CHUNK
        taken += piece
    await feeding
    assert bytes(taken) == data
    assert pipe.taken == len(data)


async def test_who_feeds_waits_while_it_is_full_and_not_for_ever() -> None:
    pipe = Pipe(1000)
    with pytest.raises(TimeoutError):
        await pipe.feed(bytes(1001), 0.05)
    with pytest.raises(TimeoutError):
        await pipe.emptied(0.05)


async def test_a_failure_is_raised_and_nothing_more_is_given() -> None:
    pipe = Pipe(1000)
    await pipe.feed(bytes(500), 1)
    pieces = pipe.pieces()
    assert len(await anext(pieces)) == 500
    await pipe.feed(bytes(500), 1)
    pipe.fail(ValueError("gone"))
    with pytest.raises(ValueError, match="gone"):
        await anext(pieces)


async def test_a_failure_wakes_who_waits() -> None:
    pipe = Pipe(1000)

    async def take() -> None:
        async for _ in pipe.pieces():
            pass

    taking = asyncio.create_task(take())
    await asyncio.sleep(0)
    pipe.fail(ValueError("gone"))
    with pytest.raises(ValueError, match="gone"):
        await taking
