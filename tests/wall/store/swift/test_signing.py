"""TempURLs, used as a browser would: without any token of ours."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from yarl import URL

from tests.integration.swift import Swift
from tests.wall.store.conformance import all_of, pieces
from tests.wall.store.swift.fixtures import new_container, swift_store
from wall.errors import ObjectMissing
from wall.store.base import SignedRequest
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio

LEASE = timedelta(minutes=5)


@pytest.fixture
async def browser() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def _use(
    browser: aiohttp.ClientSession, signed: SignedRequest, data: bytes | None = None, **headers: str
) -> tuple[int, aiohttp.ClientResponse, bytes]:
    async with browser.request(
        signed.method, URL(signed.url, encoded=True), data=data, headers={**signed.headers, **headers}
    ) as answer:
        return answer.status, answer, await answer.read()


async def test_a_browser_writes_and_reads_with_signed_addresses_alone(
    swift: Swift, browser: aiohttp.ClientSession
) -> None:
    async with swift_store(swift, new_container()) as store:
        key = new_key()
        put = await store.sign("PUT", key, LEASE, length=5, media_type="video/mp4")
        assert put is not None
        assert abs(put.expires - datetime.now(UTC) - LEASE) < timedelta(minutes=1)
        assert (await _use(browser, put, b"bytes"))[0] == 201
        assert (await store.head(key)).type == "video/mp4"
        get = await store.sign("GET", key, LEASE)
        assert get is not None
        status, answer, body = await _use(browser, get)
        assert (status, body) == (200, b"bytes")
        # a page plays it; it is not saved as a file
        assert answer.headers["Content-Disposition"] == "inline"
        status, answer, body = await _use(browser, get, Range="bytes=1-2")
        assert (status, body) == (206, b"yt")


async def test_a_signed_address_is_for_one_object_one_method_and_a_time(
    swift: Swift, browser: aiohttp.ClientSession
) -> None:
    async with swift_store(swift, new_container()) as store:
        key, other = new_key(), new_key()
        for name in (key, other):
            await store.put(name, 5, "image/png", pieces(b"bytes"))
        get = await store.sign("GET", key, LEASE)
        assert get is not None
        for url in (get.url.replace(key, other), get.url.replace("temp_url_expires=1", "temp_url_expires=2")):
            assert (await _use(browser, SignedRequest(method="GET", url=url, expires=get.expires)))[0] == 401
        assert (await _use(browser, SignedRequest(method="PUT", url=get.url, expires=get.expires), b"x"))[0] == 401
        late = await store.sign("GET", key, timedelta(seconds=-10))
        assert late is not None
        assert (await _use(browser, late))[0] == 401
        assert await all_of(await store.open(key)) == b"bytes"


async def test_another_site_may_use_the_address_from_its_page(swift: Swift, browser: aiohttp.ClientSession) -> None:
    async with swift_store(swift, new_container()) as store:
        put = await store.sign("PUT", new_key(), LEASE, media_type="image/png")
        assert put is not None
        asked = {
            "Origin": "https://wall.example",
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type",
        }
        async with browser.options(URL(put.url, encoded=True), headers=asked) as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://wall.example")
            assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
        status, answer, _ = await _use(browser, put, b"bytes", Origin="https://wall.example")
        assert status == 201
        assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://wall.example")


async def test_a_key_that_an_operator_has_set_is_used_and_stays(swift: Swift, browser: aiohttp.ClientSession) -> None:
    container = new_container()
    async with swift_store(swift, container) as store:
        swift.ask("POST", container, {"X-Container-Meta-Temp-URL-Key-2": "the operator's"})
        key = new_key()
        put = await store.sign("PUT", key, LEASE)
        assert put is not None
        assert (await _use(browser, put, b"bytes"))[0] == 201
        swift.ask("POST", container, {"X-Container-Meta-Temp-URL-Key-2": "another"})
        assert (await _use(browser, put, b"bytes"))[0] == 401


async def test_all_processes_sign_with_the_same_key(swift: Swift, browser: aiohttp.ClientSession) -> None:
    container = new_container()
    async with swift_store(swift, container) as one, swift_store(swift, container) as other:
        signed = [await store.sign("PUT", new_key(), LEASE) for store in (one, other)]
        for put in signed:
            assert put is not None
            assert (await _use(browser, put, b"bytes"))[0] == 201


async def test_browsers_are_led_to_the_public_origin(swift: Swift) -> None:
    async with swift_store(swift, new_container(), more="&public=https://media.example") as store:
        put = await store.sign("PUT", new_key(), LEASE)
        assert put is not None
        assert put.url.startswith("https://media.example/v1/AUTH_test/")


async def test_what_is_not_there_and_what_has_segments_is_not_signed_for_reading(swift: Swift) -> None:
    async with swift_store(swift, new_container(), large_bytes=1000, segment_bytes=1000) as store:
        with pytest.raises(ObjectMissing):
            await store.sign("GET", new_key(), LEASE)
        key = new_key()
        await store.put(key, 1500, "video/mp4", pieces(b"x" * 1500))
        assert await store.sign("GET", key, LEASE) is None
