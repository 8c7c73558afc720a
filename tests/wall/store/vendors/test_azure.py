"""The adapter over obstore on Azurite, Microsoft's own stand-in."""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from datetime import timedelta

import aiohttp
import pytest
from yarl import URL

from tests.integration.vendors import VendorStore, make_container
from tests.wall.store.conformance import pieces
from tests.wall.store.vendors.opaque import OpaqueValidators
from wall.store.base import Store
from wall.store.keys import new_key
from wall.store.vendors import open_objects

pytestmark = pytest.mark.anyio


async def _container(azurite: VendorStore) -> str:
    """A new container; obstore knows no way to make one."""
    name = f"wall-{secrets.token_hex(6)}"
    assert await asyncio.to_thread(make_container, azurite, name) == 201
    return name


class TestAzure(OpaqueValidators):
    @pytest.fixture
    async def store(self, azurite: VendorStore) -> AsyncGenerator[Store]:
        url = f"az://{await _container(azurite)}/pictures?endpoint={azurite.endpoint}/{azurite.user}"
        store = open_objects(url, azurite.user, azurite.password)
        yield store
        await store.close()

    async def test_a_signed_address_reads_and_writes(self, store: Store) -> None:
        key = new_key()
        signed = await store.sign("PUT", key, timedelta(minutes=5), length=5, media_type="image/png")
        assert signed is not None
        async with aiohttp.ClientSession() as http:
            async with http.put(URL(signed.url, encoded=True), data=b"bytes", headers=signed.headers) as said:
                assert said.status == 201
            assert ((await store.head(key)).length, (await store.head(key)).type) == (5, "image/png")
            signed = await store.sign("GET", key, timedelta(minutes=5))
            assert signed is not None
            async with http.get(URL(signed.url, encoded=True)) as said:
                assert await said.read() == b"bytes"

    async def test_an_object_in_blocks_comes_back_whole(self, store: Store) -> None:
        key = new_key()
        await store.put(key, None, "video/mp4", pieces(b"x" * 9_000_000, 1_000_000))
        assert (await store.head(key)).length == 9_000_000
