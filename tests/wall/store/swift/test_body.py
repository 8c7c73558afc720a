"""A source is held to its promise before the store can confirm anything."""

from collections.abc import AsyncIterator

import pytest

from wall.errors import StoreError
from wall.store.limits import StoreLimits
from wall.store.swift.body import Body, Source

pytestmark = pytest.mark.anyio


class _Gone(Exception):
    pass


async def _pieces(*pieces: bytes, gone: bool = False) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if gone:
        raise _Gone


async def _source(*pieces: bytes, length: int | None, gone: bool = False, most: int = 100) -> Source:
    source = Source(_pieces(*pieces, gone=gone), length, most)
    await source.begin()
    return source


async def _sent(body: Body, into: list[bytes]) -> None:
    async for piece in body:
        into.append(piece)


async def test_empty_pieces_are_left_out_and_the_rest_comes_as_it_is() -> None:
    sent: list[bytes] = []
    body = Body(await _source(b"", b"one", b"", b"two", length=6), 6, StoreLimits())
    await _sent(body, sent)
    assert sent == [b"one", b"two"]
    assert (body.sent, body.complete) == (6, True)
    assert body.etag == "5b9164ad6f496d9dee12ec7634ce253f"  # md5 of onetwo


async def test_bodies_share_a_source_at_exact_bytes() -> None:
    source = await _source(b"abcdef", b"gh", b"i", length=9)
    parts: list[list[bytes]] = [[], [], []]
    for part in parts:
        await _sent(Body(source, 3, StoreLimits()), part)
    assert [b"".join(part) for part in parts] == [b"abc", b"def", b"ghi"]


@pytest.mark.parametrize("more", [b"!", b"more"])
async def test_the_last_bytes_are_kept_back_from_a_source_that_goes_on(more: bytes) -> None:
    sent: list[bytes] = []
    body = Body(await _source(b"one", b"two", more, length=6), 6, StoreLimits())
    with pytest.raises(StoreError, match="More than the promised 6"):
        await _sent(body, sent)
    assert sent == [b"one"]
    assert not body.complete


async def test_the_last_bytes_are_kept_back_from_a_source_that_breaks_off_after_them() -> None:
    sent: list[bytes] = []
    body = Body(await _source(b"one", b"two", length=6, gone=True), 6, StoreLimits())
    with pytest.raises(_Gone):
        await _sent(body, sent)
    assert sent == [b"one"]
    assert isinstance(body.broke, _Gone)


async def test_a_source_that_ends_early_is_refused() -> None:
    body = Body(await _source(b"one", length=6), 6, StoreLimits())
    with pytest.raises(StoreError, match="3 bytes came where 6 were promised"):
        await _sent(body, [])


async def test_nothing_was_promised_and_something_came() -> None:
    with pytest.raises(StoreError, match="More than the promised 0"):
        await _source(b"one", length=0)


async def test_without_a_promise_there_is_a_limit() -> None:
    sent: list[bytes] = []
    body = Body(await _source(b"x" * 60, b"x" * 60, length=None, most=100), None, StoreLimits())
    with pytest.raises(StoreError, match="needs its length said before"):
        await _sent(body, sent)
    assert not body.complete
