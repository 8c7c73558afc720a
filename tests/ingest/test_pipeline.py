"""From a source to approved posts with thumbnails in the store: real sweeper, worker, studio and disk store."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from ingest.service import Ingest
from ingest.sources.absent import AbsentSource
from ingest.sources.base import Page, Source
from ingest.sources.demo import DemoSource
from ingest.worker import Worker
from tests.fakes.beside import beside
from tests.fakes.posts import source_post
from tests.fakes.sources import ScriptedNetwork
from wall.catalogue import Catalogue
from wall.errors import FetchUnavailable, SourceUnavailable
from wall.pictures.studio import PictureStudio
from wall.states import State
from wall.store import open_store
from wall.store.base import Store

pytestmark = pytest.mark.anyio


def _finding(*keys: str) -> ScriptedNetwork:
    """A network whose first sweep finds these posts."""
    network = ScriptedNetwork()
    network.script["anything"] = [[Page(posts=tuple(source_post(key) for key in keys), checkpoint={}, next_in=3600)]]
    return network


@pytest.fixture
async def store(tmp_path: Path) -> Store:
    return await open_store(f"disk:{tmp_path / 'store'}")


@asynccontextmanager
async def _ingesting(catalogue: Catalogue, store: Store, source: Source, folder: Path) -> AsyncGenerator[None]:
    sources = {source.network: source}
    async with PictureStudio(workers=1) as studio:
        worker = Worker(catalogue, sources, store, studio, holder="test", folder=folder)
        async with beside(Ingest(catalogue, sources, store, worker, holder="test").run()):
            yield


async def _until_count(catalogue: Catalogue, state: State, count: int) -> None:
    end = asyncio.get_running_loop().time() + 30
    while (counts := await catalogue.posts.counts("main"))[state] < count:
        assert asyncio.get_running_loop().time() < end, f"only {counts}"
        await asyncio.sleep(0.05)


def _jpeg(colour: str = "teal", size: tuple[int, int] = (800, 600)) -> bytes:
    file = BytesIO()
    Image.new("RGB", size, colour).save(file, "JPEG")
    return file.getvalue()


async def test_the_demo_source_fills_a_wall_with_thumbnails(catalogue: Catalogue, store: Store, tmp_path: Path) -> None:
    await catalogue.searches.add("main", "demo", "anything")
    async with _ingesting(catalogue, store, DemoSource(pace=5), tmp_path):
        await _until_count(catalogue, State.APPROVED, 3)
    snapshot = await catalogue.posts.snapshot("main")
    rendition = snapshot.posts[0].media[0].renditions[0]
    served = await catalogue.media.find(snapshot.posts[0].media[0].id, rendition.role)
    assert served is not None
    opened = await store.open(served.key)
    data = b"".join([chunk async for chunk in opened.chunks])
    with Image.open(BytesIO(data)) as picture:
        assert picture.format == "WEBP"
        assert picture.size == (rendition.width, rendition.height)
        assert max(picture.size) == 320


async def test_a_picture_that_is_none_fails_with_its_reason_and_the_next_post_goes_on(
    catalogue: Catalogue, store: Store, tmp_path: Path
) -> None:
    source = _finding("bad", "good")
    source.pictures = {"demo:bad-0": b"%PDF-1.7 not a picture", "demo:good-0": _jpeg()}
    await catalogue.searches.add("main", "scripted", "anything")
    async with _ingesting(catalogue, store, source, tmp_path):
        await _until_count(catalogue, State.APPROVED, 1)
        await _until_count(catalogue, State.FAILED, 1)
    [failed] = await catalogue.posts.by_state("main", State.FAILED)
    assert failed.reason
    assert "PDF" in failed.reason or "picture" in failed.reason


async def test_a_picture_whose_host_is_away_is_tried_again_later(
    catalogue: Catalogue, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.worker.FIRST_PAUSE", 0.1)
    source = _finding("a")
    source.pictures = {"demo:a-0": FetchUnavailable("The host does not answer.")}
    await catalogue.searches.add("main", "scripted", "anything")
    async with _ingesting(catalogue, store, source, tmp_path):
        await _until_count(catalogue, State.RECEIVED, 1)
        source.pictures = {"demo:a-0": _jpeg()}
        await _until_count(catalogue, State.APPROVED, 1)


async def test_a_sweep_that_fails_is_said_and_repeated(
    catalogue: Catalogue, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.sweeper.FIRST_PAUSE", 0.1)
    source = _finding("a")
    source.pictures = {"demo:a-0": _jpeg()}
    source.script["anything"].insert(0, [SourceUnavailable("The network is away.")])
    search = await catalogue.searches.add("main", "scripted", "anything")
    async with _ingesting(catalogue, store, source, tmp_path):
        await _until_count(catalogue, State.APPROVED, 1)
    [after] = await catalogue.searches.all("main")
    assert after.id == search.id
    assert (after.error, after.failures) == (None, 0)
    assert len(source.swept) == 2
    assert after.error_at is not None


async def test_a_search_of_a_network_that_is_not_set_up_says_what_to_do(
    catalogue: Catalogue, store: Store, tmp_path: Path
) -> None:
    await catalogue.searches.add("main", "x", "#frieze")
    async with _ingesting(catalogue, store, AbsentSource("x", "Set FRIEZE_X_BEARER_TOKEN."), tmp_path):
        end = asyncio.get_running_loop().time() + 20
        while (await catalogue.searches.all())[0].error != "Set FRIEZE_X_BEARER_TOKEN.":
            assert asyncio.get_running_loop().time() < end
            await asyncio.sleep(0.05)


async def test_the_original_is_kept_but_not_shown(catalogue: Catalogue, store: Store, tmp_path: Path) -> None:
    source = _finding("a")
    source.pictures = {"demo:a-0": _jpeg()}
    await catalogue.searches.add("main", "scripted", "anything")
    async with _ingesting(catalogue, store, source, tmp_path):
        await _until_count(catalogue, State.APPROVED, 1)
    [post] = (await catalogue.posts.snapshot("main")).posts
    assert {rendition.role for rendition in post.media[0].renditions} == {"thumbnail-320", "thumbnail-640"}
    original = await catalogue.media.find(post.media[0].id, "original")
    assert original is not None
    assert not original.public
    assert (await store.head(original.key)).type == "image/jpeg"
