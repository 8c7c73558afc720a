"""Bytes from the store to a viewer, only while their post is on a wall."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
import pytest

from relay.settings import MediaSettings
from tests.fakes.waiting import until
from tests.relay.serving import Serving, serving
from wall.catalogue import Catalogue
from wall.catalogue.database import Database
from wall.errors import CatalogueUnavailable
from wall.states import Policy

pytestmark = pytest.mark.anyio

# what is removed shows at once; larger than 100 kB is streamed
SETTINGS = MediaSettings(standing=0.0, small=100_000, look=0.05)
SMALL, LARGE = 20_480, 400_128


@pytest.fixture
async def site(catalogue: Catalogue, tmp_path: Path) -> AsyncGenerator[Serving]:
    async with serving(catalogue, tmp_path, SETTINGS) as running:
        yield running


@pytest.fixture
async def client() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


def body(length: int) -> bytes:
    return bytes(range(256)) * (length // 256)


@pytest.mark.parametrize("length", [SMALL, LARGE])
async def test_a_shown_picture_is_served_whole_with_safe_headers(
    site: Serving, client: aiohttp.ClientSession, length: int
) -> None:
    shown = await site.show(body(length), name="Größe.JPG")
    post = await site.catalogue.posts.get(shown.post_id)
    headers: Mapping[str, str] = {}
    for _ in range(2):  # from the store, then from memory where it is small
        async with client.get(site.base + shown.path) as answer:
            assert answer.status == 200
            assert await answer.read() == body(length)
            headers = answer.headers
        assert headers["content-length"] == str(length)
        assert headers["content-type"] == "image/webp"
        assert headers["accept-ranges"] == "bytes"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cache-control"] == "private, max-age=300"
        assert headers["content-disposition"].startswith("inline; ")
        assert headers["content-disposition"].endswith("filename*=UTF-8''Gr%C3%B6%C3%9Fe.webp")
        assert post.post.ready is not None
        assert parsedate_to_datetime(headers["last-modified"]) == post.post.ready.replace(microsecond=0)
        assert headers["etag"] == f'"{shown.media_id}-thumbnail-320"'
    async with client.head(site.base + shown.path) as answer:
        assert {name: answer.headers[name] for name in headers if name != "date"} == {
            name: headers[name] for name in headers if name != "date"
        }
        assert await answer.read() == b""


@pytest.mark.parametrize("length", [SMALL, LARGE])
async def test_one_range_is_a_part_and_none_within_is_refused(
    site: Serving, client: aiohttp.ClientSession, length: int
) -> None:
    shown = await site.show(body(length))
    whole = body(length)
    for wanted, part in (
        ("bytes=10-19", slice(10, 20)),
        ("bytes=1000-", slice(1000, None)),
        ("bytes=-7", slice(-7, None)),
        ("bytes=0-999999999", slice(None)),
    ):
        async with client.get(site.base + shown.path, headers={"range": wanted}) as answer:
            assert answer.status == 206
            start, end, _ = part.indices(length)
            assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{length}"
            assert answer.headers["content-length"] == str(end - start)
            assert await answer.read() == whole[part]
    async with client.get(site.base + shown.path, headers={"range": f"bytes={length}-"}) as answer:
        assert (answer.status, answer.headers["content-range"]) == (416, f"bytes */{length}")
        assert answer.headers["cache-control"] == "no-store"
    for wanted in ("bytes=0-1,5-6", "bytes=" + "0" * 300 + "-1"):
        async with client.get(site.base + shown.path, headers={"range": wanted}) as answer:
            assert answer.status == 200
            assert await answer.read() == whole


@pytest.mark.parametrize("length", [SMALL, LARGE])
async def test_conditions_are_answered_from_our_own_record(
    site: Serving, client: aiohttp.ClientSession, length: int
) -> None:
    shown = await site.show(body(length))
    async with client.head(site.base + shown.path) as answer:
        etag, modified = answer.headers["etag"], answer.headers["last-modified"]
    opened = len(site.store.opened)
    for headers, status in (
        ({"if-none-match": etag}, 304),
        ({"if-none-match": f'W/{etag}, "x"'}, 304),
        ({"if-modified-since": modified}, 304),
        ({"if-none-match": '"x"', "if-modified-since": modified}, 200),
        ({"if-match": '"x"'}, 412),
        ({"if-match": etag}, 200),
        ({"range": "bytes=0-0", "if-range": etag}, 206),
        ({"range": "bytes=0-0", "if-range": modified}, 206),
        ({"range": "bytes=0-0", "if-range": f"W/{etag}"}, 200),
    ):
        async with client.get(site.base + shown.path, headers=headers) as answer:
            assert answer.status == status, headers
            if status == 304:
                assert (answer.headers["etag"], answer.headers["last-modified"]) == (etag, modified)
                assert len(site.store.opened) == opened
            await answer.read()


async def test_a_removed_picture_is_gone_and_may_not_be_kept(site: Serving, client: aiohttp.ClientSession) -> None:
    shown = await site.show(body(SMALL))
    async with client.get(site.base + shown.path) as answer:
        assert answer.status == 200
    assert shown.path in site.media.herd.kept
    await site.remove(shown)
    for _ in range(2):
        async with client.get(site.base + shown.path) as answer:
            assert answer.status == 410
            assert answer.headers["cache-control"] == "no-store"
        # as nothing of it is in the store any more
        await site.catalogue.media.purged(shown.media_id)
    assert site.media.herd.kept == {}
    assert site.media.herd.bytes == 0


async def test_what_may_be_shown_is_remembered_for_less_than_a_second(
    catalogue: Catalogue, tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    now = [0.0]
    assert MediaSettings().standing < 1
    async with serving(catalogue, tmp_path, MediaSettings(), clock=lambda: now[0]) as site:
        shown = await site.show(body(SMALL))

        async def status() -> int:
            async with client.get(site.base + shown.path) as answer:
                return answer.status

        assert await status() == 200
        await site.remove(shown)
        now[0] = MediaSettings().standing / 2
        assert await status() == 200
        now[0] = MediaSettings().standing
        assert await status() == 410


async def test_what_memory_has_ready_is_answered_as_the_application_would(
    catalogue: Catalogue, client: aiohttp.ClientSession, tmp_path: Path
) -> None:
    now = [0.0]
    async with serving(catalogue, tmp_path, MediaSettings(), clock=lambda: now[0]) as site:
        shown = await site.show(body(SMALL))

        async def answer(**headers: str) -> tuple[int, dict[str, str], bytes]:
            async with client.get(site.base + shown.path, headers=headers) as answer:
                said = {name: value for name, value in answer.headers.items() if name != "date"}
                assert "date" in answer.headers
                return answer.status, said, await answer.read()

        from_store = await answer()
        assert await answer() == from_store
        assert (site.media.herd.hits, site.media.herd.given) == (1, 2 * SMALL)
        # who asks with a condition that does not hold gets the same, and by the longer way
        assert await answer(**{"if-none-match": '"x"'}) == from_store
        assert (await answer(range="bytes=0-0"))[0] == 206
        await site.remove(shown)
        now[0] = MediaSettings().standing
        assert (await answer())[0] == 410


async def test_a_waiting_picture_needs_the_consoles_signed_address(
    site: Serving, client: aiohttp.ClientSession
) -> None:
    await site.catalogue.walls.change("main", policy=Policy.HOLD)
    shown = await site.show(body(SMALL))
    address = (shown.media_id, "thumbnail-320")
    async with client.get(site.base + shown.path) as answer:
        assert answer.status == 404
    signed = await site.catalogue.media.sign(*address, timedelta(minutes=5))
    for headers, status in (({}, 200), ({"range": "bytes=0-9"}, 206)):
        async with client.get(site.base + signed, headers=headers) as answer:
            assert answer.status == status
            assert answer.headers["cache-control"] == "no-store"
    assert len(site.store.opened) == 1
    old = await site.catalogue.media.sign(*address, timedelta(seconds=-1))
    forged = signed[:-1] + ("0" if signed[-1] != "0" else "1")
    many = signed + "&a=b" * 50
    for wrong in (forged, old, many, shown.path, shown.path + "?until=x"):
        async with client.get(site.base + wrong) as answer:
            assert answer.status == 404
    # what the console has just seen is no way in for others
    async with client.get(site.base + shown.path) as answer:
        assert answer.status == 404


async def test_an_original_is_for_operators_until_its_wall_allows_downloads(
    site: Serving, client: aiohttp.ClientSession
) -> None:
    shown = await site.show(body(LARGE), role="original", media_type="image/jpeg", name="IMG 1.jpg")
    async with client.get(site.base + shown.path) as answer:
        assert answer.status == 404
    signed = await site.catalogue.media.sign(shown.media_id, "original", timedelta(minutes=5))
    async with client.get(site.base + signed) as answer:
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")
        assert await answer.read() == body(LARGE)
    await site.catalogue.walls.change("main", downloads=True)
    async with client.get(site.base + shown.path) as answer:
        assert (answer.status, answer.headers["cache-control"]) == (200, "private, max-age=300")
        said = "attachment; filename=\"IMG 1.jpg\"; filename*=UTF-8''IMG%201.jpg"
        assert answer.headers["content-disposition"] == said
        assert await answer.read() == body(LARGE)
    await site.catalogue.walls.change("main", downloads=False)
    async with client.get(site.base + shown.path) as answer:
        assert answer.status == 404


async def test_a_video_has_a_policy_that_lets_the_browsers_player_run(
    site: Serving, client: aiohttp.ClientSession
) -> None:
    shown = await site.show(body(LARGE), role="video", media_type="video/mp4")
    async with client.head(site.base + shown.path) as answer:
        assert answer.headers["content-type"] == "video/mp4"
        assert "sandbox" not in answer.headers["content-security-policy"]
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; media-src 'self';")


async def test_a_type_that_we_never_decoded_is_only_saved(site: Serving, client: aiohttp.ClientSession) -> None:
    shown = await site.show(b"<script>", media_type="text/html", name="a.html")
    async with client.get(site.base + shown.path) as answer:
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment; ")


async def test_all_who_ask_at_once_cause_one_read_of_the_store_also_while_it_is_read(
    site: Serving, client: aiohttp.ClientSession
) -> None:
    shown = await site.show(body(SMALL))
    site.store.wait_for = asyncio.Event()

    async def ask() -> bytes:
        async with client.get(site.base + shown.path) as answer:
            assert answer.status == 200
            return await answer.read()

    first = [asyncio.create_task(ask()) for _ in range(40)]
    await until(lambda: site.store.opened, "the first read")
    later = [asyncio.create_task(ask()) for _ in range(40)]
    await until(lambda: site.media.waiting == 80, "all to wait")
    site.store.wait_for.set()
    assert await asyncio.gather(*first, *later) == [body(SMALL)] * 80
    await ask()
    assert len(site.store.opened) == site.media.herd.reads == 1


async def test_what_is_removed_while_the_store_takes_its_time_is_not_shown(
    site: Serving, client: aiohttp.ClientSession
) -> None:
    shown = await site.show(body(SMALL))
    site.store.wait_for = asyncio.Event()

    async def ask() -> int:
        async with client.get(site.base + shown.path) as answer:
            return answer.status

    asking = asyncio.create_task(ask())
    await until(lambda: site.store.opened, "the read")
    await site.remove(shown)
    site.store.wait_for.set()
    assert await asking == 410
    assert not site.media.herd.kept


async def test_only_so_many_wait_and_the_rest_is_told_when_to_come_back(
    catalogue: Catalogue, tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    async with serving(catalogue, tmp_path, replace(SETTINGS, waiting=3)) as site:
        shown = await site.show(body(SMALL))
        site.store.wait_for = asyncio.Event()

        async def ask() -> tuple[int, str | None]:
            async with client.get(site.base + shown.path) as answer:
                await answer.read()
                return answer.status, answer.headers.get("retry-after")

        waiting = [asyncio.create_task(ask()) for _ in range(3)]
        await until(lambda: site.media.waiting == 3, "three to wait")
        assert await ask() == (503, "2")
        site.store.wait_for.set()
        assert await asyncio.gather(*waiting) == [(200, None)] * 3
        assert (await ask())[0] == 200


@pytest.mark.parametrize("length", [SMALL, LARGE])
async def test_a_store_in_trouble_is_busy_and_forgets_nothing(
    site: Serving, client: aiohttp.ClientSession, length: int
) -> None:
    shown = await site.show(body(length))
    site.store.away = True
    async with client.get(site.base + shown.path) as answer:
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")
        assert answer.headers["cache-control"] == "no-store"
    site.store.away = False
    async with client.get(site.base + shown.path) as answer:
        assert await answer.read() == body(length)
    await site.store.delete(shown.key)
    site.media.herd.drop(shown.path)
    async with client.get(site.base + shown.path) as answer:
        assert answer.status == 404


@pytest.mark.parametrize("length", [SMALL, LARGE])
async def test_bytes_that_are_not_what_the_catalogue_says_are_never_shown(
    site: Serving, client: aiohttp.ClientSession, length: int
) -> None:
    shown = await site.show(body(length))
    await site.store.delete(shown.key)

    async def other() -> AsyncGenerator[bytes]:
        yield b"other"

    await site.store.put(shown.key, 5, "image/webp", other())
    async with client.get(site.base + shown.path) as answer:
        assert answer.status == 503


async def test_a_catalogue_that_is_away_shows_nothing(
    site: Serving, client: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = await site.show(body(SMALL))
    async with client.get(site.base + shown.path) as answer:
        assert answer.status == 200

    def away(_: Database) -> None:
        raise CatalogueUnavailable("The database is away.")

    monkeypatch.setattr(Database, "reading", away)
    async with client.get(site.base + shown.path) as answer:
        assert (answer.status, answer.headers["retry-after"]) == (503, "2")


async def test_strange_paths_and_methods_are_refused(site: Serving, client: aiohttp.ClientSession) -> None:
    for path in ("/media/", "/media/../etc/passwd", "/media/" + "a" * 26, "/media/" + "A" * 26 + "/original"):
        async with client.get(site.base + path) as answer:
            assert answer.status == 404
    shown = await site.show(body(SMALL))
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        async with client.request(method, site.base + shown.path) as answer:
            assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
    async with client.get(f"{site.base}/media/{shown.media_id}/poster") as answer:
        assert answer.status == 404
