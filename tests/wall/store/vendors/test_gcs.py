"""The adapter over obstore on fake-gcs-server, which needs its words said otherwise (tests/fakes/google_xml.py)."""

import asyncio
import secrets
from collections.abc import AsyncGenerator

import pytest

from tests.fakes.google_xml import google_xml
from tests.integration.vendors import VendorStore, make_gcs_bucket, service_account
from tests.wall.store.conformance import StoreConformance, pieces
from wall.store.base import Store
from wall.store.keys import new_key
from wall.store.vendors import open_objects

pytestmark = pytest.mark.anyio


class TestGcs(StoreConformance):
    """Its validators are those of the bytes; Google's own may be others (docs/limits.md)."""

    @pytest.fixture
    async def store(self, gcs: VendorStore) -> AsyncGenerator[Store]:
        bucket = f"wall-{secrets.token_hex(6)}"
        await asyncio.to_thread(make_gcs_bucket, gcs, bucket)
        async with google_xml(f"{gcs.host}:{gcs.port}") as endpoint:
            store = open_objects(f"gs://{bucket}/pictures?endpoint={endpoint}", None, service_account(endpoint))
            yield store
            await store.close()

    async def test_an_object_in_parts_comes_back_whole(self, store: Store) -> None:
        key = new_key()
        await store.put(key, None, "video/mp4", pieces(b"x" * 9_000_000, 1_000_000))
        assert ((await store.head(key)).length, (await store.head(key)).type) == (9_000_000, "video/mp4")
