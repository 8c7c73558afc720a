"""The storage service as other programs meet it: plain HTTP."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from tests.fakes.collections import folder_place
from tests.fakes.store_service import TOKEN, served
from tests.fakes.waiting import until
from tests.wall.store.conformance import pieces
from wall.errors import ObjectMissing, StoreRefused, StoreUnavailable
from wall.store.base import ObjectInfo
from wall.store.collections import open_collection
from wall.store.collections.base import look_at
from wall.store.collections.remote import RemoteCollection, hash_of
from wall.store.disk import DiskStore
from wall.store.keys import new_key
from wall.store.remote import RemoteStore

pytestmark = pytest.mark.anyio

OURS = {"Authorization": f"Bearer {TOKEN}"}


def _files(root: Path) -> list[str]:
    return [path.name for path in root.rglob("*") if path.is_file()]


@pytest.fixture
async def disk(tmp_path: Path) -> DiskStore:
    store = DiskStore(tmp_path / "behind")
    await store.start()
    return store


@pytest.fixture
async def http() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session


@pytest.mark.parametrize("given", [None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"])
async def test_without_the_token_nothing_can_be_done(
    disk: DiskStore, http: aiohttp.ClientSession, given: str | None
) -> None:
    key = new_key()
    await disk.put(key, 5, "image/png", pieces(b"bytes"))
    headers = {} if given is None else {"Authorization": given}
    async with served(disk) as url:
        for method, path in (
            ("GET", f"/v1/objects/{key}"),
            ("HEAD", f"/v1/objects/{key}"),
            ("PUT", f"/v1/objects/{new_key()}"),
            ("DELETE", f"/v1/objects/{key}"),
            ("GET", "/v1/objects"),
            ("POST", "/v1/copies"),
            ("POST", "/v1/addresses"),
            ("POST", "/v1/tidy"),
            ("GET", "/v1/collections/" + "0" * 64),
            ("HEAD", f"/v1/collections/{'0' * 64}/object?name=a.jpg"),
            ("GET", "/anything"),
        ):
            async with http.request(method, url + path, headers=headers, data=b"" if method == "PUT" else None) as said:
                assert said.status == 401, (method, path)
                assert b"bytes" not in await said.read()
    assert _files(disk.root) == [key]


async def test_anybody_may_ask_whether_it_lives_and_is_ready(disk: DiskStore, http: aiohttp.ClientSession) -> None:
    async with served(disk) as url:
        for path in ("/livez", "/readyz"):
            async with http.get(url + path) as said:
                assert said.status == 200


class _Away(DiskStore):
    error: Exception = StoreUnavailable("The vendor is away; its secret is hunter2.")

    async def head(self, key: str) -> ObjectInfo:
        raise self.error


async def test_it_is_not_ready_while_its_store_is_away_and_tells_strangers_nothing(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    async with served(_Away(tmp_path)) as url, http.get(url + "/readyz") as said:
        assert said.status == 503
        assert "hunter2" not in await said.text()


async def test_what_the_vendor_refuses_is_told_apart_from_what_is_away(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    store = _Away(tmp_path)
    async with served(store) as url:
        async with http.head(f"{url}/v1/objects/{new_key()}", headers=OURS) as said:
            assert (said.status, said.headers["Retry-After"]) == (503, "2")
        store.error = StoreRefused("Wrong password.")
        async with http.head(f"{url}/v1/objects/{new_key()}", headers=OURS) as said:
            assert said.status == 502


@pytest.mark.parametrize(
    ("wanted", "status", "carried"),
    [
        (None, 200, slice(None)),
        ("bytes=0-0", 206, slice(0, 1)),
        ("bytes=10-19", 206, slice(10, 20)),
        ("bytes=990-5000", 206, slice(990, None)),
        ("bytes=999-", 206, slice(999, None)),
        ("bytes=1000-", 416, None),
        ("bytes=5000-6000", 416, None),
        ("bytes=-5", 400, None),
        ("bytes=1-2,4-5", 400, None),
        ("bytes=5-2", 400, None),
        ("lines=1-2", 400, None),
        ("bytes=" + "1" * 40 + "-", 400, None),
    ],
)
async def test_one_range_is_served_and_another_header_is_refused(
    disk: DiskStore, http: aiohttp.ClientSession, wanted: str | None, status: int, carried: slice | None
) -> None:
    key, data = new_key(), bytes(range(250)) * 4
    info = await disk.put(key, len(data), "video/mp4", pieces(data))
    headers = OURS if wanted is None else {**OURS, "Range": wanted}
    async with served(disk) as url, http.get(f"{url}/v1/objects/{key}", headers=headers) as said:
        assert said.status == status
        body = await said.read()
        if carried is not None:
            assert body == data[carried]
            assert (said.headers["Content-Type"], said.headers["ETag"]) == (info.type, info.etag)
        if status == 206:
            assert said.headers["Content-Range"].endswith(f"/{len(data)}")
        if status == 416:
            assert said.headers["Content-Range"] == f"bytes */{len(data)}"


async def test_if_match_holds_a_reader_to_one_object(disk: DiskStore, http: aiohttp.ClientSession) -> None:
    key = new_key()
    info = await disk.put(key, 5, "image/png", pieces(b"bytes"))
    async with served(disk) as url:
        for etag, status in ((info.etag, 200), ('"another"', 412)):
            async with http.get(f"{url}/v1/objects/{key}", headers={**OURS, "If-Match": etag}) as said:
                assert said.status == status


async def test_a_put_with_a_length_is_written_whole_and_confirmed(disk: DiskStore, http: aiohttp.ClientSession) -> None:
    key = new_key()
    async with served(disk) as url:
        async with http.put(
            f"{url}/v1/objects/{key}", data=b"bytes", headers={**OURS, "Content-Type": "image/png"}
        ) as said:
            assert said.status == 201
            told = await said.json()
        assert told == {"length": 5, "type": "image/png", "etag": (await disk.head(key)).etag}
        async with http.put(f"{url}/v1/objects/{key}", data=b"other", headers=OURS) as said:
            assert said.status == 409
            assert "never change" in (await said.json())["error"]


async def _raw(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = url.removeprefix("http://").partition(":")
    return await asyncio.open_connection(host, int(port))


def _put_head(key: str, *more: str) -> bytes:
    lines = (f"PUT /v1/objects/{key} HTTP/1.1", "Host: store", f"Authorization: Bearer {TOKEN}", *more)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize("how", ["Content-Length: 5000", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("abort", [True, False])
async def test_a_client_that_leaves_in_the_middle_leaves_nothing(disk: DiskStore, how: str, abort: bool) -> None:
    key = new_key()
    async with served(disk) as url:
        _, writer = await _raw(url)
        body = b"3e8\r\n" + b"x" * 1000 + b"\r\n" if "chunked" in how else b"x" * 1000
        writer.write(_put_head(key, how) + body)
        await until(lambda: _files(disk.root), "the first bytes at the store")
        if abort:
            writer.transport.abort()
        else:
            writer.close()
        await until(lambda: not _files(disk.root), "the roll-back")
        with pytest.raises(ObjectMissing):
            await disk.head(key)


async def test_a_client_that_stalls_is_sent_away_and_leaves_nothing(disk: DiskStore) -> None:
    async with served(disk, idle_seconds=0.3) as url:
        reader, writer = await _raw(url)
        writer.write(_put_head(new_key(), "Content-Length: 5000") + b"x" * 1000)
        said = await asyncio.wait_for(reader.readline(), 20)
        assert b"409" in said
        assert not _files(disk.root)
        writer.close()


async def test_a_reader_that_stalls_is_cut_off(disk: DiskStore) -> None:
    key = new_key()
    await disk.put(key, 50_000_000, "video/mp4", pieces(b"x" * 50_000_000, 1_000_000))
    async with served(disk, stall_seconds=0.5) as url:
        reader, writer = await _raw(url)
        writer.write(_put_head(key).replace(b"PUT", b"GET", 1))
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(2)
        got = 0
        with pytest.raises(OSError, match=r"."):
            while data := await asyncio.wait_for(reader.read(1_000_000), 20):
                got += len(data)
            raise ConnectionResetError("ended")
        assert got < 50_000_000
        writer.close()


async def test_an_early_go_on_is_only_said_where_there_is_room(disk: DiskStore) -> None:
    async with served(disk, writes=1) as url:
        one, first = await _raw(url)
        first.write(_put_head(new_key(), "Transfer-Encoding: chunked", "Expect: 100-continue"))
        assert b"100 Continue" in await asyncio.wait_for(one.readline(), 20)
        two, second = await _raw(url)
        second.write(_put_head(new_key(), "Transfer-Encoding: chunked", "Expect: 100-continue"))
        head = await asyncio.wait_for(two.readuntil(b"\r\n\r\n"), 20)
        assert b"503" in head
        assert b"Retry-After" in head
        first.transport.abort()
        second.close()


async def test_an_attempt_that_was_rolled_back_is_refused_when_it_arrives_late(
    disk: DiskStore, http: aiohttp.ClientSession
) -> None:
    key, attempt = new_key(), {"Frieze-Attempt": "0123456789abcdef" * 2}
    async with served(disk) as url:
        async with http.delete(f"{url}/v1/objects/{key}", headers={**OURS, **attempt}) as said:
            assert said.status == 204
        async with http.put(f"{url}/v1/objects/{key}", data=b"late", headers={**OURS, **attempt}) as said:
            assert said.status == 409
        assert not _files(disk.root)
        async with http.put(f"{url}/v1/objects/{key}", data=b"again", headers=OURS) as said:
            assert said.status == 201


async def test_the_listing_is_a_line_of_json_for_each_object_and_an_end(
    disk: DiskStore, http: aiohttp.ClientSession
) -> None:
    keys = sorted([new_key() for _ in range(250)])
    for key in keys:
        await disk.put(key, 1, "image/png", pieces(b"x"))
    async with served(disk) as url, http.get(f"{url}/v1/objects", headers=OURS) as said:
        lines = [json.loads(line) for line in (await said.text()).splitlines()]
    assert lines.pop() == {"end": 250}
    assert sorted(line["key"] for line in lines) == keys


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/copies", b""),
        ("/v1/copies", b"[]"),
        ("/v1/copies", b'{"source": 1, "target": 2}'),
        ("/v1/copies", b'{"source": "' + b"x" * 100_000 + b'"}'),
        ("/v1/addresses", b'{"method": "DELETE", "key": "x", "lease": 5}'),
        ("/v1/addresses", b'{"method": "GET", "key": "x", "lease": 1e300}'),
        ("/v1/addresses", b'{"method": "GET", "key": "x", "lease": NaN}'),
        ("/v1/addresses", b'{"method": "GET", "key": "x", "lease": true}'),
        ("/v1/tidy", b'{"older": -1}'),
        ("/v1/tidy", b'{"older": "x"}'),
        ("/v1/tidy", b"\xff\xfe"),
    ],
)
async def test_a_request_that_no_client_of_ours_makes_is_refused(
    disk: DiskStore, http: aiohttp.ClientSession, path: str, body: bytes
) -> None:
    async with served(disk) as url, http.post(url + path, data=body, headers=OURS) as said:
        assert said.status == 400


async def test_a_head_that_is_too_large_is_refused(disk: DiskStore, http: aiohttp.ClientSession) -> None:
    async with served(disk) as url:
        async with http.get(f"{url}/livez", headers={"X-Filler": "x" * 20_000}) as said:
            assert said.status == 400
        async with http.get(f"{url}/livez?{'x' * 20_000}") as said:
            assert said.status == 400


@pytest.mark.parametrize("key", ["..", "%2e%2e%2f%2e%2e%2fetc", "A" * 26, "a" * 27])
async def test_a_key_that_is_not_ours_goes_nowhere(disk: DiskStore, http: aiohttp.ClientSession, key: str) -> None:
    async with served(disk) as url:
        for method in ("GET", "PUT", "DELETE"):
            async with http.request(method, f"{url}/v1/objects/{key}", headers=OURS) as said:
                assert said.status in (404, 405, 409)
    assert not _files(disk.root)


async def test_of_collections_only_what_was_named_can_be_read_and_nothing_written(
    disk: DiskStore, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    named, other = folder_place(tmp_path / "named"), folder_place(tmp_path / "other")
    await named.put("2026/a.jpg", b"theirs")
    await other.put("a.jpg", b"secret")
    own = new_key()
    await disk.put(own, 5, "image/png", pieces(b"bytes"))
    collections = {hash_of(named.url): open_collection(named.url)}
    async with served(disk, collections=collections) as url:
        base, unnamed = (f"{url}/v1/collections/{hash_of(place.url)}" for place in (named, other))
        async with http.get(base, headers=OURS) as said:
            lines = [json.loads(line) for line in (await said.text()).splitlines()]
            assert [line.get("key") for line in lines] == ["2026/a.jpg", None]
        async with http.get(f"{base}/object", params={"name": "2026/a.jpg"}, headers=OURS) as said:
            assert (said.status, await said.read()) == (200, b"theirs")
        ranged = {**OURS, "Range": "bytes=1-2", "If-Match": said.headers["ETag"]}
        async with http.get(f"{base}/object", params={"name": "2026/a.jpg"}, headers=ranged) as said:
            assert (said.status, await said.read()) == (206, b"he")
        async with http.get(
            f"{base}/object", params={"name": "2026/a.jpg"}, headers={**OURS, "If-Match": '"x"'}
        ) as said:
            assert said.status == 412
        for name, status in (("b.jpg", 404), ("../other/a.jpg", 409), ("/etc/passwd", 409), ("", 409), (own, 404)):
            async with http.get(f"{base}/object", params={"name": name}, headers=OURS) as said:
                assert (said.status, b"secret" in await said.read()) == (status, False), name
        for path in (unnamed, f"{unnamed}/object?name=a.jpg", f"{url}/v1/collections/{'0' * 64}"):
            async with http.get(path, headers=OURS) as said:
                assert (said.status, (await said.json())["error"]) == (
                    403,
                    "FRIEZE_STORE_COLLECTIONS does not name this collection.",
                )
        for method in ("PUT", "POST", "DELETE", "PATCH"):
            for path in (base, f"{base}/object?name=2026/a.jpg"):
                async with http.request(method, path, headers=OURS, data=b"ours") as said:
                    assert said.status == 405
    assert (await named.names(), await other.names()) == (["2026/a.jpg"], ["a.jpg"])


async def test_a_client_is_told_what_to_do_about_a_collection_that_is_not_named(
    disk: DiskStore, tmp_path: Path
) -> None:
    async with served(disk) as url:
        collection = RemoteCollection(RemoteStore(url, TOKEN), "disk:/srv/photos")
        for read in (look_at(collection), collection.open("a.jpg"), collection.head("a.jpg")):
            with pytest.raises(StoreRefused, match=r"FRIEZE_STORE_COLLECTIONS there.*FRIEZE_STORE_OTHER_USER"):
                await read
        await collection.close()
