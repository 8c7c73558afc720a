"""Pictures from the store to a viewer, only while their post is on a wall."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from frieze.server import bind, http_server
from relay import media as module
from relay.media import MediaServer
from tests.fakes.posts import LEASE, due_search, source_post, store
from wall.catalogue import Catalogue
from wall.catalogue.work import MediaResult, StoredRendition
from wall.states import ActionKind, Policy, State
from wall.store import open_store
from wall.store.base import Store
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bytes_store(tmp_path: Path) -> Store:
    return await open_store(f"disk:{tmp_path / 'store'}")


@pytest.fixture
async def base(catalogue: Catalogue, bytes_store: Store, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[str]:
    monkeypatch.setattr(module, "STATE_SECONDS", 0.0)
    listening = bind("127.0.0.1", 0, "tests", "nothing")
    server = http_server(MediaServer(catalogue, bytes_store), None, ())
    task = asyncio.create_task(server.serve(sockets=[listening]))
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    with suppress(asyncio.CancelledError):
        await task
    listening.close()


@pytest.fixture
async def client() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def _shown(catalogue: Catalogue, bytes_store: Store, data: bytes) -> tuple[str, str]:
    """A post whose one thumbnail is `data`: its id and the thumbnail's address."""
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 1)
    key = new_key()

    async def once() -> AsyncIterator[bytes]:
        yield data

    await bytes_store.put(key, len(data), "image/webp", once())
    rendition = StoredRendition(
        role="thumbnail-320", width=320, height=240, type="image/webp", bytes=len(data), key=key
    )
    result = MediaResult(media_id=work.media[0].id, width=320, height=240, renditions=(rendition,))
    await catalogue.work.finish(work, [result])
    return work.post_id, f"/media/{work.media[0].id}/thumbnail-320"


@pytest.mark.parametrize("length", [20_000, module.CACHED_AT_MOST + 300_000])
async def test_a_shown_picture_is_served_whole_with_safe_headers(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue, bytes_store: Store, length: int
) -> None:
    data = bytes(range(256)) * (length // 256)
    _, path = await _shown(catalogue, bytes_store, data)
    etag = ""
    for _ in range(2):  # from the store, then from memory where it is small
        async with client.get(base + path) as answer:
            assert answer.status == 200
            assert await answer.read() == data
            assert answer.headers["content-type"] == "image/webp"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["cache-control"] == "private, max-age=300"
            etag = answer.headers["etag"]
    async with client.get(base + path, headers={"if-none-match": etag}) as answer:
        assert answer.status == 304
    async with client.head(base + path) as answer:
        assert answer.headers["content-length"] == str(len(data))


async def test_a_removed_picture_is_gone_and_may_not_be_kept(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue, bytes_store: Store
) -> None:
    post_id, path = await _shown(catalogue, bytes_store, b"x" * 1000)
    async with client.get(base + path) as answer:
        assert answer.status == 200
    await catalogue.moderation.act(post_id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)
    async with client.get(base + path) as answer:
        assert answer.status == 410
        assert answer.headers["cache-control"] == "no-store"


async def test_a_waiting_picture_needs_the_consoles_signed_address(
    base: str, client: aiohttp.ClientSession, catalogue: Catalogue, bytes_store: Store
) -> None:
    await catalogue.walls.change("main", policy=Policy.HOLD)
    _, path = await _shown(catalogue, bytes_store, b"x" * 1000)
    media_id = path.split("/")[2]
    async with client.get(base + path) as answer:
        assert answer.status == 404
    signed = await catalogue.media.sign(media_id, "thumbnail-320", timedelta(minutes=5))
    async with client.get(base + signed) as answer:
        assert answer.status == 200
        assert answer.headers["cache-control"] == "no-store"
    async with client.get(base + signed[:-1] + ("0" if signed[-1] != "0" else "1")) as answer:
        assert answer.status == 404
    old = await catalogue.media.sign(media_id, "thumbnail-320", timedelta(seconds=-1))
    async with client.get(base + old) as answer:
        assert answer.status == 404


async def test_strange_paths_and_methods_are_refused(base: str, client: aiohttp.ClientSession) -> None:
    for path in ("/media/", "/media/../etc/passwd", "/media/" + "a" * 26, "/media/" + "A" * 26 + "/original"):
        async with client.get(base + path) as answer:
            assert answer.status == 404
    async with client.post(f"{base}/media/{'a' * 26}/original") as answer:
        assert answer.status == 405
