from collections.abc import AsyncIterator

import pytest

from wall.errors import StoreError
from wall.store.exactly import exactly

pytestmark = pytest.mark.anyio


async def _of(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_chunks_come_through_as_they_are_without_the_empty_ones() -> None:
    assert [chunk async for chunk in exactly(_of(b"ab", b"", b"c"), 3)] == [b"ab", b"c"]
    assert [chunk async for chunk in exactly(_of(b"ab", b"c"), None)] == [b"ab", b"c"]
    assert [chunk async for chunk in exactly(_of(), 0)] == []


@pytest.mark.parametrize("length", [0, 1, 2, 4, 5])
async def test_another_length_is_an_error_and_no_byte_too_many_gets_through(length: int) -> None:
    got = b""
    with pytest.raises(StoreError, match=str(length)):
        async for chunk in exactly(_of(b"a", b"b", b"c"), length):
            got += chunk
    assert len(got) <= length
