"""The adapter on a real OpenStack Swift: the whole conformance suite, over plain objects and over large ones."""

import asyncio
import json
import secrets
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes.faulty_network import FaultyNetwork, How, LostAnswer, OtherAnswer, UploadFault, Where
from tests.fakes.waiting import until
from tests.integration.swift import GUEST, GUEST_PASSWORD, PASSWORD, USER, Swift
from tests.wall.store.conformance import BrokenOff, all_of, pieces
from tests.wall.store.networked import BYTES, LIMITS, NetworkedStoreConformance, StoreAddress
from tests.wall.store.swift.fixtures import new_container, swift_store
from wall.errors import (
    ObjectChanged,
    ObjectMissing,
    SettingsError,
    StoreError,
    StoreRefused,
    StoreUnavailable,
)
from wall.store import open_store
from wall.store.base import Store
from wall.store.keys import new_key
from wall.store.swift.store import SwiftStore

pytestmark = pytest.mark.anyio


class _OnSwift(NetworkedStoreConformance):
    @pytest.fixture
    async def network(self, swift: Swift) -> AsyncGenerator[FaultyNetwork]:
        async with FaultyNetwork.before(swift.host, swift.port) as network:
            yield network

    @pytest.fixture
    def container(self, swift: Swift) -> str:
        self.swift, self.container_name = swift, new_container()
        return self.container_name

    @pytest.fixture
    def address(self, swift: Swift, container: str) -> StoreAddress:
        return StoreAddress(swift.url(container), USER, PASSWORD)

    async def assert_nothing_left(self, store: Store, key: str) -> None:
        await super().assert_nothing_left(store, key)
        # also what no reader sees: segments, and what a listing knows although it can't be read
        assert key not in await asyncio.to_thread(self.swift.names, self.container_name)
        segments = f"{self.container_name}_segments"
        assert [name for name in await asyncio.to_thread(self.swift.names, segments) if name.startswith(key)] == []

    async def settled(self) -> None:
        await until(lambda: not self.swift.being_written(), "Swift to drop what was being written")


class TestSwiftStore(_OnSwift):
    @pytest.fixture
    async def store(self, swift: Swift, network: FaultyNetwork, container: str) -> AsyncGenerator[SwiftStore]:
        async with swift_store(swift, container, port=network.port) as store:
            yield store


class TestSwiftStoreOfLargeObjects(_OnSwift):
    """The same, with everything above 100 KB in segments of 64 KB."""

    @pytest.fixture
    async def store(self, swift: Swift, network: FaultyNetwork, container: str) -> AsyncGenerator[SwiftStore]:
        async with swift_store(swift, container, port=network.port, large_bytes=100_000, segment_bytes=64_000) as store:
            yield store

    async def test_segments_lie_in_a_container_of_their_own_and_go_with_the_object(
        self, store: SwiftStore, container: str
    ) -> None:
        key = new_key()
        await store.put(key, 200_000, "video/mp4", pieces(secrets.token_bytes(200_000)))
        assert self.swift.names(container) == [key]
        segments = self.swift.names(f"{container}_segments")
        assert len(segments) == 4
        assert all(name.startswith(f"{key}/") for name in segments)
        await store.delete(key)
        assert self.swift.names(f"{container}_segments") == []

    @pytest.mark.parametrize("fault", [UploadFault(Where.MIDDLE, How.RESET), LostAnswer(), OtherAnswer(503)])
    async def test_a_manifest_that_fails_leaves_neither_object_nor_segment(
        self, store: SwiftStore, network: FaultyNetwork, fault: UploadFault | LostAnswer | OtherAnswer
    ) -> None:
        key = new_key()
        network.fail(fault, on=lambda request: "multipart-manifest=put" in request.target)
        with pytest.raises(StoreUnavailable):
            await store.put(key, BYTES, "video/mp4", pieces(secrets.token_bytes(BYTES)))
        assert network.hits
        network.heal()
        await self.assert_nothing_left(store, key)

    async def test_segments_of_a_dead_process_are_tidied_when_they_are_old_enough(
        self, store: SwiftStore, container: str
    ) -> None:
        whole, dead = new_key(), new_key()
        await store.put(whole, 200_000, "video/mp4", pieces(b"x" * 200_000))
        for number in range(3):
            path = f"{container}_segments/{dead}/0123456789abcdef/{number:05d}"
            assert self.swift.ask("PUT", path, data=b"part")[0] == 201
        assert await store.tidy(timedelta(hours=1)) == 0
        assert await store.tidy(timedelta(0)) == 1
        await self.assert_nothing_left(store, dead)
        assert await all_of(await store.open(whole)) == b"x" * 200_000

    async def test_a_second_write_under_a_key_leaves_the_first_and_no_segment_of_its_own(
        self, store: SwiftStore, container: str
    ) -> None:
        key = new_key()
        await store.put(key, 200_000, "video/mp4", pieces(b"1" * 200_000))
        before = self.swift.names(f"{container}_segments")
        with pytest.raises(StoreError, match="never change"):
            await store.put(key, 200_000, "video/mp4", pieces(b"2" * 200_000))
        assert self.swift.names(f"{container}_segments") == before
        assert await all_of(await store.open(key)) == b"1" * 200_000


async def test_the_first_start_makes_the_container_and_the_next_finds_it(swift: Swift) -> None:
    container = new_container()
    key = new_key()
    store = await open_store(swift.url(container), USER, PASSWORD)
    await store.put(key, 5, "image/png", pieces(b"bytes"))
    await store.close()
    store = await open_store(swift.url(container), USER, PASSWORD)
    assert await all_of(await store.open(key)) == b"bytes"
    await store.check()
    assert swift.names(container) == [key]
    await store.close()


async def test_a_token_that_swift_has_forgotten_is_renewed_once_for_all(swift: Swift) -> None:
    async with (
        FaultyNetwork.before(swift.host, swift.port) as network,
        swift_store(swift, new_container(), port=network.port) as store,
    ):
        keys = [new_key() for _ in range(8)]
        await store.put(keys[0], 5, "image/png", pieces(b"bytes"))
        network.requests.clear()
        swift.memcached.forget()
        await asyncio.gather(*(store.put(key, 5, "image/png", pieces(b"bytes")) for key in keys[1:]))
        assert await all_of(await store.open(keys[0])) == b"bytes"
        assert [request.target for request in network.requests].count("/auth/v1.0") == 1


async def test_a_token_that_is_never_taken_ends_after_one_new_login(swift: Swift) -> None:
    async with (
        FaultyNetwork.before(swift.host, swift.port) as network,
        swift_store(swift, new_container(), port=network.port) as store,
    ):
        network.requests.clear()
        network.fail(OtherAnswer(401), on=lambda request: request.target.startswith("/v1/"))
        with pytest.raises(StoreRefused, match="does not take them"):
            await store.head(new_key())
        assert [request.target.split("/")[1] for request in network.requests] == ["v1", "auth", "v1"]


@pytest.mark.parametrize(("user", "password"), [(USER, "wrong"), ("test:nobody", PASSWORD), ("nobody", PASSWORD)])
async def test_wrong_credentials_are_said_with_the_names_of_the_settings(
    swift: Swift, user: str, password: str
) -> None:
    with pytest.raises(StoreRefused, match="FRIEZE_STORE_USER with FRIEZE_STORE_PASSWORD") as caught:
        await open_store(swift.url("wall"), user, password)
    assert password not in str(caught.value)


async def test_a_user_without_rights_is_told_what_it_needs(swift: Swift) -> None:
    swift.ask("PUT", "closed")
    store = await open_store(swift.url("closed"), GUEST, GUEST_PASSWORD)
    try:
        with pytest.raises(StoreRefused, match="give the user the right to read and write the container closed"):
            await store.check()
    finally:
        await store.close()


async def test_a_user_whose_rights_end_at_the_objects_of_a_container_can_work(swift: Swift) -> None:
    container = new_container()
    for name in (container, f"{container}_segments"):
        swift.ask("PUT", name, {"X-Container-Read": "test:guest,.rlistings", "X-Container-Write": "test:guest"})
    async with swift_store(
        swift, container, user=GUEST, password=GUEST_PASSWORD, large_bytes=1000, segment_bytes=1000
    ) as store:
        await store.check()
        key = new_key()
        await store.put(key, 2500, "image/png", pieces(b"x" * 2500))
        assert [found.key async for found in store.objects()] == [key]
        assert await store.sign("PUT", new_key(), timedelta(minutes=1)) is None
        await store.delete(key)
        assert await store.tidy(timedelta(0)) == 0


async def test_a_container_that_went_away_is_said_with_its_name(swift: Swift) -> None:
    container = new_container()
    async with swift_store(swift, container) as store:
        swift.ask("DELETE", container)
        with pytest.raises(StoreRefused, match=f"has no container {container}"):
            await store.put(new_key(), 5, "image/png", pieces(b"bytes"))


async def test_a_full_quota_is_said_and_nothing_is_left(swift: Swift) -> None:
    container = new_container()
    async with swift_store(swift, container) as store:
        swift.ask("POST", container, {"X-Container-Meta-Quota-Bytes": "1000"})
        with pytest.raises(StoreRefused, match="quota"):
            await store.put(new_key(), 2000, "image/png", pieces(b"x" * 2000))
        assert swift.names(container) == []


@pytest.mark.parametrize(
    ("url", "said"),
    [("{s3}/nothing/wall?auth=v1&tls=no", "no login like auth=v1"), ("{s3}/wall?auth=v1", "does not speak TLS")],
)
async def test_a_url_that_leads_elsewhere_is_said(swift: Swift, url: str, said: str) -> None:
    with pytest.raises(StoreRefused, match=said):
        await open_store(url.format(s3=swift.s3_url.replace("http", "swift")), USER, PASSWORD)


async def test_a_store_without_credentials_names_the_settings(swift: Swift) -> None:
    with pytest.raises(SettingsError, match="FRIEZE_STORE_USER and FRIEZE_STORE_PASSWORD"):
        await open_store(swift.url("wall"))


async def test_nobody_listening_is_a_store_that_is_away() -> None:
    with pytest.raises(StoreUnavailable, match="can't be reached"):
        await open_store("swift://127.0.0.1:9/wall?auth=v1&tls=no", USER, PASSWORD)


async def test_etags_are_quoted_for_plain_and_for_large_objects_alike(swift: Swift) -> None:
    async with swift_store(swift, new_container(), large_bytes=1000, segment_bytes=600) as store:
        for length in (0, 1000, 1001):
            key = new_key()
            put = await store.put(key, length, "image/png", pieces(b"x" * length))
            assert put.etag == (await store.head(key)).etag == (await store.open(key)).info.etag
            assert len(put.etag) == 34
            assert put.etag == f'"{put.etag[1:-1]}"'


async def test_a_range_from_the_end_is_empty_and_one_from_beyond_is_an_error(swift: Swift) -> None:
    async with swift_store(swift, new_container()) as store:
        key = new_key()
        info = await store.put(key, 5, "image/png", pieces(b"bytes"))
        for start, length in ((5, None), (5, 10), (2, 0), (5, 0)):
            opened = await store.open(key, start, length, etag=info.etag)
            assert opened.info == info
            assert await all_of(opened) == b""
        for start, length in ((6, None), (6, 0), (-1, None), (0, -1)):
            with pytest.raises(StoreError):
                await store.open(key, start, length)
        with pytest.raises(ObjectChanged):
            await store.open(key, 5, etag='"another"')
        with pytest.raises(ObjectMissing):
            await store.open(new_key(), 0, 5, etag=info.etag)


async def test_other_names_in_the_container_are_not_ours_to_list(swift: Swift) -> None:
    container = new_container()
    async with swift_store(swift, container) as store:
        swift.ask("PUT", f"{container}/holiday/photo.jpg", data=b"x")
        swift.ask("PUT", f"{container}/readme.txt", data=b"x")
        key = new_key()
        await store.put(key, 5, "image/png", pieces(b"bytes"))
        assert [found.key async for found in store.objects()] == [key]


async def test_a_listing_goes_on_page_after_page(swift: Swift, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wall.store.swift.requests.PAGE", 3)
    async with swift_store(swift, new_container()) as store:
        keys = [new_key() for _ in range(7)]
        for key in keys:
            await store.put(key, 1, "image/png", pieces(b"x"))
        assert [found.key async for found in store.objects()] == sorted(keys)


async def test_a_write_that_failed_does_not_take_back_what_another_wrote(swift: Swift) -> None:
    """Somebody else's object appears under the key while our answer is lost."""
    container = new_container()
    async with (
        FaultyNetwork.before(swift.host, swift.port) as network,
        swift_store(swift, container, port=network.port) as store,
    ):
        key = new_key()

        async def overtaken() -> AsyncGenerator[bytes]:
            yield b"ours"
            await asyncio.to_thread(swift.ask, "PUT", f"{container}/{key}", None, b"theirs")
            raise BrokenOff

        with pytest.raises(BrokenOff):
            await store.put(key, 8, "image/png", overtaken())
        assert await all_of(await store.open(key)) == b"theirs"


async def test_what_cannot_be_taken_back_is_said_beside_the_error(swift: Swift) -> None:
    container = new_container()
    async with (
        FaultyNetwork.before(swift.host, swift.port) as network,
        swift_store(swift, container, port=network.port, limits=replace(LIMITS, roll_back=1)) as store,
    ):
        key = new_key()

        async def cut_off() -> AsyncGenerator[bytes]:
            yield b"some"
            network.fail(OtherAnswer(503))
            raise BrokenOff

        with pytest.raises(BrokenOff) as caught:
            await store.put(key, 8, "image/png", cut_off())
        assert "frieze store reconcile" in caught.value.__notes__[0]


async def test_an_object_server_that_stands_still_is_given_up_and_leaves_nothing(swift: Swift) -> None:
    container = new_container()
    async with swift_store(swift, container) as store:
        key = new_key()
        await store.check()
        swift.stop("object")
        try:
            with pytest.raises(StoreUnavailable):
                await store.put(key, BYTES, "image/png", pieces(b"x" * BYTES))
        finally:
            swift.go_on("object")
        await until(lambda: swift.ask("GET", "")[0] == 200, "Swift to go on")
        await store.delete(key)
        with pytest.raises(ObjectMissing):
            await store.head(key)


async def test_a_deleted_large_object_that_lost_a_segment_still_goes(swift: Swift) -> None:
    container = new_container()
    async with swift_store(swift, container, large_bytes=1000, segment_bytes=1000) as store:
        key = new_key()
        await store.put(key, 2500, "image/png", pieces(b"x" * 2500))
        status, manifest = swift.ask("GET", f"{container}/{key}?multipart-manifest=get")
        assert status == 200
        lost = json.loads(manifest)[1]["name"]
        assert swift.ask("DELETE", lost.lstrip("/"))[0] == 204
        with pytest.raises(StoreError):
            await all_of(await store.open(key))
        await store.delete(key)
        with pytest.raises(ObjectMissing):
            await store.head(key)
        assert swift.names(f"{container}_segments") == []
