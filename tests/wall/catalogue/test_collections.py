"""Collections keep their id, on both databases."""

import asyncio

import pytest

from wall.catalogue import Catalogue

pytestmark = pytest.mark.anyio


async def test_a_place_is_one_collection_however_often_and_by_whom_it_is_named(catalogue: Catalogue) -> None:
    named = await asyncio.gather(*(catalogue.collections.ensure("disk:/srv/photos") for _ in range(4)))
    other = await catalogue.collections.ensure("s3://photos?endpoint=https://s3.example")
    assert len({one.id for one in named}) == 1
    assert await catalogue.collections.all() == [named[0], other]
    assert await catalogue.collections.url(other.id) == other.url
    assert await catalogue.collections.url("x" * 26) is None
