"""The adapter over obstore on S3 as OpenStack Swift speaks it, which checks signatures and keeps parts apart."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import anyio
import pytest
from obstore.store import MemoryStore
from yarl import URL

from tests.fakes.faulty_network import FaultyNetwork, How, LostAnswer, OtherAnswer, Request, UploadFault, Where
from tests.fakes.waiting import until
from tests.integration.swift import PASSWORD, USER, Swift
from tests.wall.store.conformance import BrokenOff, all_of, pieces
from tests.wall.store.networked import LIMITS as NETWORKED
from tests.wall.store.networked import NetworkedStoreConformance, StoreAddress, killed_in_the_middle
from wall.errors import ObjectMissing, SettingsError, StoreError, StoreRefused, StoreUnavailable
from wall.store import open_store
from wall.store.base import Method, ObjectInfo, SignedRequest, Store
from wall.store.keys import new_key
from wall.store.objects import PART, ObjectStore
from wall.store.pending import PendingUploads
from wall.store.sigv4 import Signer
from wall.store.vendors import open_objects

pytestmark = pytest.mark.anyio

FAST = 8 * 1024 * 1024  # bytes a second: a store that stalls is noticed in seconds
# obstore asks three times, so a third of what the other stores get for one request
LIMITS = replace(NETWORKED, answer=2, roll_back=8)


def _bucket(swift: Swift) -> str:
    name = f"wall-{secrets.token_hex(6)}"
    assert swift.ask("PUT", name)[0] in (201, 202)
    return name


def _pending(swift: Swift, bucket: str) -> PendingUploads:
    signer = Signer(user=USER, secret=PASSWORD, region="us-east-1")
    return PendingUploads(swift.s3_url, bucket, signer, lambda: datetime.now(UTC))


async def _pending_paths(swift: Swift, bucket: str) -> list[str]:
    pending = _pending(swift, bucket)
    try:
        return [one.path async for one in pending.under("")]
    finally:
        await pending.close()


class _OnS3(NetworkedStoreConformance):
    in_one = PART
    deletes = False

    @pytest.fixture
    def bucket(self, swift: Swift) -> str:
        self.swift, self.bucket_name = swift, _bucket(swift)
        return self.bucket_name

    @pytest.fixture
    def address(self, swift: Swift, bucket: str) -> StoreAddress:
        return StoreAddress(f"s3://{bucket}/pictures?endpoint={swift.s3_url}", USER, PASSWORD)

    @pytest.fixture
    async def network(self, swift: Swift) -> AsyncGenerator[FaultyNetwork]:
        async with FaultyNetwork.before(swift.host, swift.port) as network:
            yield network

    @pytest.fixture
    async def store(self, network: FaultyNetwork, bucket: str) -> AsyncGenerator[Store]:
        url = f"s3://{bucket}/pictures?endpoint={network.url}"
        store = open_objects(url, USER, PASSWORD, limits=LIMITS, slowest=FAST, in_one=self.in_one)
        yield store
        await store.close()

    async def assert_nothing_left(self, store: Store, key: str) -> None:
        await super().assert_nothing_left(store, key)
        assert [path for path in await _pending_paths(self.swift, self.bucket_name) if key in path] == []

    async def settled(self) -> None:
        await until(lambda: not self.swift.being_written(), "Swift to drop what was being written")


class TestS3Store(_OnS3):
    """What fits into one request."""


class TestS3StoreInParts(_OnS3):
    """The same, with everything but nothing in parts."""

    in_one = 0

    async def assert_nothing_left(self, store: Store, key: str) -> None:
        await super().assert_nothing_left(store, key)
        if not self.deletes:
            parts = await asyncio.to_thread(self.swift.names, f"{self.bucket_name}+segments")
            assert [name for name in parts if key in name] == []

    async def test_what_is_deleted_is_gone_and_deleting_again_is_no_error(self, store: Store) -> None:
        """The parts of an object that was whole Swift itself deletes later, by its expirer."""
        self.deletes = True
        await super().test_what_is_deleted_is_gone_and_deleting_again_is_no_error(store)

    async def test_deleting_a_key_ends_what_a_killed_process_had_begun_under_it(
        self, store: Store, address: StoreAddress
    ) -> None:
        key = new_key()
        await killed_in_the_middle(address, key, 4 * PART)
        await self.settled()
        assert await _pending_paths(self.swift, self.bucket_name) == [f"pictures/{key}"]
        await store.delete(key)
        await self.assert_nothing_left(store, key)


@pytest.fixture
async def bucket(swift: Swift) -> str:
    return await asyncio.to_thread(_bucket, swift)


@pytest.fixture
async def store(swift: Swift, bucket: str) -> AsyncGenerator[ObjectStore]:
    store = open_objects(f"s3://{bucket}?endpoint={swift.s3_url}", USER, PASSWORD)
    yield store
    await store.close()


LARGE = 2 * PART + 1_000_000


async def test_a_large_object_goes_up_in_parts_and_comes_back_whole(store: ObjectStore) -> None:
    key, data = new_key(), secrets.token_bytes(LARGE)
    info = await store.put(key, None, "video/mp4", pieces(data, 100_000))
    assert (info.length, info.type) == (LARGE, "video/mp4")
    assert await store.head(key) == info
    opened = await store.open(key, PART - 10, 20)
    assert await all_of(opened) == data[PART - 10 : PART + 10]
    assert await all_of(await store.open(key)) == data


@pytest.mark.parametrize("break_at", [PART + 1, 2 * PART + 500_000, LARGE])
async def test_a_source_that_breaks_off_between_parts_leaves_nothing(
    store: ObjectStore, swift: Swift, bucket: str, break_at: int
) -> None:
    key = new_key()
    with pytest.raises(BrokenOff):
        await store.put(key, LARGE, "video/mp4", pieces(b"x" * LARGE, 1_000_000, break_at=break_at))
    with pytest.raises(ObjectMissing):
        await store.head(key)
    assert await _pending_paths(swift, bucket) == []
    assert await asyncio.to_thread(swift.names, f"{bucket}+segments") == []


async def test_a_put_that_is_cancelled_between_parts_leaves_nothing(
    store: ObjectStore, swift: Swift, bucket: str
) -> None:
    stalled = anyio.Event()

    async def stalls() -> AsyncIterator[bytes]:
        for _ in range(2 * PART // 1_000_000):
            yield b"x" * 1_000_000
        stalled.set()
        await anyio.sleep_forever()

    key = new_key()
    putting = asyncio.create_task(store.put(key, None, "video/mp4", stalls()))
    with anyio.fail_after(60):
        await stalled.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    with pytest.raises(ObjectMissing):
        await store.head(key)
    assert await _pending_paths(swift, bucket) == []


def _completes(request: Request) -> bool:
    return request.method == "POST" and "uploadId" in request.target


@pytest.mark.parametrize(
    "fault", [UploadFault(Where.MIDDLE, How.RESET), LostAnswer(), OtherAnswer(500), OtherAnswer(403)], ids=str
)
async def test_a_completion_that_fails_leaves_nothing(
    swift: Swift, bucket: str, fault: UploadFault | LostAnswer | OtherAnswer
) -> None:
    key = new_key()
    async with FaultyNetwork.before(swift.host, swift.port) as network:
        url = f"s3://{bucket}?endpoint={network.url}"
        store = open_objects(url, USER, PASSWORD, limits=LIMITS, slowest=FAST)
        network.fail(fault, on=_completes)
        with pytest.raises(StoreError):
            await store.put(key, LARGE, "video/mp4", pieces(b"x" * LARGE, 1_000_000))
        assert network.hits
        network.heal()
        with pytest.raises(ObjectMissing):
            await store.head(key)
        await store.close()
    assert await _pending_paths(swift, bucket) == []
    if not isinstance(fault, LostAnswer):  # there it was whole, and Swift deletes its parts later
        assert await asyncio.to_thread(swift.names, f"{bucket}+segments") == []


async def test_what_a_killed_process_left_pending_is_tidied_once_it_is_old(
    store: ObjectStore, swift: Swift, bucket: str
) -> None:
    async with aiohttp.ClientSession() as http:
        signer = Signer(user=USER, secret=PASSWORD, region="us-east-1")
        url, headers = signer.request(
            "POST", f"{swift.s3_url}/{bucket}/{new_key()}", {"uploads": ""}, datetime.now(UTC)
        )
        async with http.post(_url(url), headers=headers) as begun:
            assert begun.status == 200
    assert len(await _pending_paths(swift, bucket)) == 1
    assert await store.tidy(timedelta(hours=1)) == 0
    # Swift's clock and ours are one, but its moments are of whole seconds
    assert await store.tidy(timedelta(seconds=-2)) == 1
    assert await _pending_paths(swift, bucket) == []


async def test_a_signed_address_reads_an_object_without_any_credentials(store: ObjectStore) -> None:
    key = new_key()
    await store.put(key, 5, "image/png", pieces(b"bytes"))
    signed = await store.sign("GET", key, timedelta(minutes=5))
    assert signed is not None
    assert signed.expires > datetime.now(UTC)
    async with aiohttp.ClientSession() as http:
        async with http.get(_url(signed.url), headers=signed.headers) as said:
            assert (said.status, await said.read()) == (200, b"bytes")
        async with http.delete(_url(signed.url)) as said:
            assert said.status == 403


async def test_a_signed_upload_takes_the_promised_length_and_type_and_no_other(store: ObjectStore) -> None:
    key = new_key()
    signed = await store.sign("PUT", key, timedelta(minutes=5), length=5, media_type="image/png")
    assert signed is not None
    async with aiohttp.ClientSession() as http:
        for data, media_type in ((b"longer than that", "image/png"), (b"bytes", "text/html")):
            async with http.put(_url(signed.url), data=data, headers={"Content-Type": media_type}) as said:
                assert said.status == 403
        with pytest.raises(ObjectMissing):
            await store.head(key)
        async with http.put(_url(signed.url), data=b"bytes", headers=signed.headers) as said:
            assert said.status == 200
    assert ((await store.head(key)).length, (await store.head(key)).type) == (5, "image/png")


def _url(text: str) -> URL:
    """As it was signed: aiohttp would write it differently."""
    return URL(text, encoded=True)


async def test_an_address_can_be_signed_for_where_browsers_reach_the_store(swift: Swift, bucket: str) -> None:
    url = f"s3://{bucket}/in?endpoint={swift.s3_url}&public=https://store.example"
    store = open_objects(url, USER, PASSWORD)
    signed = await store.sign("GET", "a" * 26, timedelta(minutes=5))
    assert signed is not None
    assert signed.url.startswith(f"https://store.example/{bucket}/in/{'a' * 26}?")
    await store.close()


async def test_prefixes_keep_stores_in_one_bucket_apart(swift: Swift, bucket: str) -> None:
    stores = [
        open_objects(f"s3://{bucket}{prefix}?endpoint={swift.s3_url}", USER, PASSWORD) for prefix in ("", "/a", "/a/b")
    ]
    keys = [new_key() for _ in stores]
    for one, key in zip(stores, keys, strict=True):
        await one.put(key, 5, "image/png", pieces(b"bytes"))
    for one, key in zip(stores, keys, strict=True):
        assert [found.key async for found in one.objects()] == [key]
        await one.close()


async def test_wrong_credentials_are_refused_and_said_in_words(swift: Swift, bucket: str) -> None:
    store = await open_store(f"s3://{bucket}?endpoint={swift.s3_url}", USER, "wrong")
    with pytest.raises(StoreRefused, match="FRIEZE_STORE_PASSWORD") as error:
        await store.check()
    assert "wrong" not in str(error.value)
    with pytest.raises(StoreRefused):
        await store.tidy(timedelta(0))
    await store.close()


async def test_a_bucket_that_is_not_there_is_said_in_words(swift: Swift) -> None:
    store = await open_store(f"s3://no-such-bucket?endpoint={swift.s3_url}", USER, PASSWORD)
    with pytest.raises(StoreRefused, match="no-such-bucket") as caught:
        await store.check()
    # nor is anybody sent to look for what a write has left where nothing can be
    assert getattr(caught.value, "__notes__", []) == []
    assert await store.tidy(timedelta(0)) == 0
    await store.close()


async def test_a_store_that_is_away_is_trouble_that_may_pass() -> None:
    store = open_objects("s3://bucket?endpoint=http://127.0.0.1:9", USER, PASSWORD, limits=LIMITS)
    with pytest.raises(StoreUnavailable):
        await store.head(new_key())
    await store.close()


@pytest.mark.parametrize(
    ("url", "user", "password", "named"),
    [
        ("s3://", USER, PASSWORD, "BUCKET"),
        ("s3://key:hunter2@bucket", USER, PASSWORD, "without a password"),
        ("s3://bucket?endpont=http://x", USER, PASSWORD, "endpont"),
        ("s3://bucket?endpoint=store", USER, PASSWORD, "https://host"),
        ("s3://bucket/../x", USER, PASSWORD, "plain names"),
        ("s3://bucket/a//b", USER, PASSWORD, "plain names"),
        ("s3://bucket", USER, None, "FRIEZE_STORE_PASSWORD"),
        ("az://container", None, PASSWORD, "FRIEZE_STORE_USER"),
        ("gs://bucket", None, "no json", "FRIEZE_STORE"),
    ],
)
async def test_a_url_that_can_not_be_right_is_a_wrong_setting(
    url: str, user: str | None, password: str | None, named: str
) -> None:
    with pytest.raises(SettingsError, match=named) as error:
        await open_store(url, user, password)
    assert "hunter2" not in str(error.value)


class _Memory:
    """A vendor whose objects lie in this process."""

    place = "memory"

    def __init__(self) -> None:
        self.reading = self.writing = MemoryStore()

    async def sign(
        self, method: Method, path: str, lease: timedelta, length: int | None, media_type: str | None
    ) -> SignedRequest | None:
        return None

    async def abort(self, prefix: str, before: datetime | None) -> int:
        return 0

    async def close(self) -> None:
        pass


async def test_a_copy_that_failed_takes_nothing_from_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wall.store.objects.AGAIN_SECONDS", 0.05)
    store = ObjectStore(_Memory(), "", roll_back=1.0)
    source, target = new_key(), new_key()
    await store.put(source, 5, "image/png", pieces(b"bytes", 5))
    look, looked = store.head, 0

    async def unreachable_once(key: str) -> ObjectInfo:
        nonlocal looked
        looked += 1
        if looked == 1:
            raise StoreUnavailable("No answer to what was done.")
        return await look(key)

    monkeypatch.setattr(store, "head", unreachable_once)
    with pytest.raises(StoreUnavailable):
        await store.copy(source, target)
    await store.copy(source, target)
    # several times as long as it takes until a write of unknown outcome is looked at once more
    later = asyncio.get_running_loop().time() + 0.5
    while asyncio.get_running_loop().time() < later:
        assert (await store.head(target)).length == 5
        await asyncio.sleep(0.02)
    await store.close()
