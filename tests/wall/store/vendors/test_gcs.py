"""The adapter over obstore on fake-gcs-server."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Iterator

import pytest

from tests.integration.vendors import VendorStore, make_gcs_bucket, running_gcs
from tests.wall.store.vendors.opaque import OpaqueValidators
from wall.store.base import Store
from wall.store.vendors import open_objects

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def gcs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorStore]:
    with running_gcs(tmp_path_factory.mktemp("gcs")) as running:
        yield running


class TestGcs(OpaqueValidators):
    @pytest.fixture
    async def store(self, gcs: VendorStore) -> AsyncGenerator[Store]:
        bucket = f"wall-{secrets.token_hex(6)}"
        await asyncio.to_thread(make_gcs_bucket, gcs, bucket)
        store = open_objects(f"gs://{bucket}/pictures?endpoint={gcs.endpoint}", None, gcs.password)
        yield store
        await store.close()
