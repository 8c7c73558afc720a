"""The adapter over obstore on MinIO: every failure of the conformance suite, in one request and in parts."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from yarl import URL

from tests.fakes.faulty_network import FaultyNetwork
from tests.integration.vendors import VendorStore, make_minio_bucket, minio_signer, running_minio
from tests.wall.store.conformance import all_of, pieces
from tests.wall.store.networked import LIMITS, NetworkedStoreConformance, StoreAddress, killed_in_the_middle
from tests.wall.store.vendors.opaque import CopiesWithOtherValidators
from wall.errors import ObjectMissing, StoreError
from wall.store.base import Store
from wall.store.keys import new_key
from wall.store.objects import PART
from wall.store.pending import PendingUploads
from wall.store.vendors import open_objects

pytestmark = pytest.mark.anyio

FAST = 8 * 1024 * 1024


@pytest.fixture(scope="module")
def minio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VendorStore]:
    with running_minio(tmp_path_factory.mktemp("minio")) as running:
        yield running


class _OnMinio(NetworkedStoreConformance):
    in_one = PART

    @pytest.fixture
    async def bucket(self, minio: VendorStore) -> str:
        self.minio, self.bucket_name = minio, await asyncio.to_thread(make_minio_bucket, minio)
        return self.bucket_name

    @pytest.fixture
    def address(self, minio: VendorStore, bucket: str) -> StoreAddress:
        return StoreAddress(f"s3://{bucket}?endpoint={minio.endpoint}", minio.user, minio.password)

    @pytest.fixture
    async def network(self, minio: VendorStore) -> AsyncGenerator[FaultyNetwork]:
        async with FaultyNetwork.before(minio.host, minio.port) as network:
            yield network

    @pytest.fixture
    async def store(self, minio: VendorStore, network: FaultyNetwork, bucket: str) -> AsyncGenerator[Store]:
        url = f"s3://{bucket}?endpoint={network.url}"
        store = open_objects(url, minio.user, minio.password, limits=LIMITS, slowest=FAST, in_one=self.in_one)
        yield store
        await store.close()

    async def assert_nothing_left(self, store: Store, key: str) -> None:
        await super().assert_nothing_left(store, key)
        pending = PendingUploads(
            self.minio.endpoint, self.bucket_name, minio_signer(self.minio), lambda: datetime.now(UTC)
        )
        # MinIO lists what is pending only under an object's whole name
        assert [one async for one in pending.under(key)] == []
        await pending.close()

    async def test_a_signed_upload_takes_the_promised_length_and_type_and_no_other(self, store: Store) -> None:
        key = new_key()
        signed = await store.sign("PUT", key, timedelta(minutes=5), length=5, media_type="image/png")
        assert signed is not None
        url = URL(signed.url, encoded=True)
        async with aiohttp.ClientSession() as http:
            for data, media_type in ((b"longer than that", "image/png"), (b"bytes", "text/html")):
                async with http.put(url, data=data, headers={"Content-Type": media_type}) as said:
                    assert said.status == 403
            with pytest.raises(ObjectMissing):
                await store.head(key)
            async with http.put(url, data=b"bytes", headers=signed.headers) as said:
                assert said.status == 200
        assert (await store.head(key)).type == "image/png"


class TestMinio(_OnMinio):
    """What fits into one request."""

    async def test_a_small_object_is_created_by_one_of_two_who_try_at_once(self, store: Store) -> None:
        key = new_key()
        done = await asyncio.gather(
            *(store.put(key, 6, "image/png", pieces(data)) for data in (b"first!", b"second")), return_exceptions=True
        )
        refused = [error for error in done if isinstance(error, StoreError)]
        assert len(refused) == 1
        assert await all_of(await store.open(key)) == (b"first!" if done.index(refused[0]) else b"second")


class TestMinioInParts(CopiesWithOtherValidators, _OnMinio):
    """The same, with everything but nothing in parts; S3 copies such an object into one piece."""

    in_one = 0

    async def test_deleting_a_key_ends_what_a_killed_process_had_begun_under_it(
        self, store: Store, address: StoreAddress
    ) -> None:
        key = new_key()
        await killed_in_the_middle(address, key, 4 * PART)
        pending = PendingUploads(
            self.minio.endpoint, self.bucket_name, minio_signer(self.minio), lambda: datetime.now(UTC)
        )
        assert [one.path async for one in pending.under(key)] == [key]
        await pending.close()
        await store.delete(key)
        await self.assert_nothing_left(store, key)
