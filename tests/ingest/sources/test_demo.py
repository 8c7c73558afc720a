import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ingest.drawing.scenes import Subject
from ingest.sources.base import Page, Source
from ingest.sources.demo import OPENING, DemoSource
from wall.errors import FetchRefused, SourceRefused
from wall.posts import SourcePost

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 21, 10, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


async def _sweep(source: Source, checkpoint: Mapping[str, Any], query: str = "") -> Page:
    pages = [page async for page in source.sweep(query, checkpoint)]
    assert len(pages) == 1
    return pages[0]


async def _many(source: Source, sweeps: int, query: str = "") -> list[Page]:
    pages: list[Page] = []
    checkpoint: Mapping[str, Any] = {}
    for _ in range(sweeps):
        pages.append(await _sweep(source, checkpoint, query))
        checkpoint = pages[-1].checkpoint
    return pages


def _posts(pages: list[Page]) -> list[SourcePost]:
    return [post for page in pages for post in page.posts]


async def test_a_new_wall_fills_quickly_and_then_keeps_its_pace() -> None:
    pages = await _many(DemoSource(pace=0.25, changes=False), 40)
    opening = [page for page in pages if page.next_in < 1]
    assert len(_posts(opening)) == OPENING
    later = [page.next_in for page in pages[len(opening) :]]
    assert all(2 < pause < 6 for pause in later)
    assert 3.4 < sum(later) / len(later) < 4.6


@pytest.mark.parametrize("pace", [0.25, 2, 7, 20])
async def test_the_pace_is_kept_at_every_speed(pace: float) -> None:
    pages = (await _many(DemoSource(pace=pace, changes=False), 60))[4:]
    rate = len(_posts(pages)) / sum(page.next_in for page in pages)
    assert rate == pytest.approx(pace, rel=0.15)


async def test_a_restart_goes_on_with_new_posts() -> None:
    first = await _many(DemoSource(), 6)
    again = await _sweep(DemoSource(), first[-1].checkpoint)
    assert not {post.key for post in _posts(first)} & {post.key for post in again.posts}


async def test_the_same_seed_tells_the_same_story() -> None:
    one = await _many(DemoSource(seed="a", now=Clock()), 10)
    assert one == await _many(DemoSource(seed="a", now=Clock()), 10)
    assert one != await _many(DemoSource(seed="b", now=Clock()), 10)


async def test_searches_do_not_share_posts() -> None:
    source = DemoSource()
    sea, city = await _many(source, 6, "sea"), await _many(source, 6, "city lights")
    assert not {post.key for post in _posts(sea)} & {post.key for post in _posts(city)}
    assert {media.origin.rpartition("/")[2] for post in _posts(city) for media in post.media} == {Subject.CITY}


async def test_posts_have_what_a_wall_shows() -> None:
    posts = _posts(await _many(DemoSource(now=Clock()), 200))
    assert {len(post.media) for post in posts} == {1, 2, 3, 4}
    assert len({post.author_name for post in posts}) > 15
    for post in posts:
        assert post.text
        assert post.url is None
        assert post.avatar
        assert START - timedelta(seconds=2) <= post.created
        assert all(media.alt and media.origin.startswith("demo:") for media in post.media)


async def test_some_posts_are_edited_and_some_removed() -> None:
    pages = await _many(DemoSource(now=Clock()), 200)
    posts = _posts(pages)
    first = {post.key: post for post in posts if post.version == 1}
    edits = [post for post in posts if post.version == 2]
    removed = [removal.key for page in pages for removal in page.removals]
    assert len(edits) > 5
    assert len(removed) > 5
    assert set(removed) <= set(first)
    for edit in edits:
        before = first[edit.key]
        assert edit.text != before.text
        assert edit.media == before.media
        assert abs(edit.created - before.created) <= timedelta(seconds=2)


async def test_changes_and_several_pictures_can_be_turned_off() -> None:
    pages = await _many(DemoSource(pictures=1, changes=False), 120)
    assert all(len(post.media) == 1 and post.version == 1 for post in _posts(pages))
    assert not any(page.removals for page in pages)


async def test_the_checkpoint_stays_small() -> None:
    pages = await _many(DemoSource(), 300)
    assert len(str(pages[-1].checkpoint)) < 1000


async def test_an_origin_can_be_drawn_again_anywhere(tmp_path: Path) -> None:
    post = (await _sweep(DemoSource(), {})).posts[0]
    for name in ("one", "two"):
        await DemoSource(seed="another").fetch(post.media[0].origin, tmp_path / name)
    one = _bytes(tmp_path / "one")
    assert one == _bytes(tmp_path / "two")
    with Image.open(io.BytesIO(one)) as image:
        assert image.format == "JPEG"
        assert max(image.size) >= 1080
    assert post.avatar
    await DemoSource().fetch(post.avatar, tmp_path / "avatar")
    with Image.open(io.BytesIO(_bytes(tmp_path / "avatar"))) as image:
        assert image.size == (256, 256)


@pytest.mark.parametrize("origin", ["", "demo:", "https://example.org/", "folder:x", "demo:" + "x" * 500])
async def test_a_foreign_origin_is_refused(origin: str, tmp_path: Path) -> None:
    with pytest.raises(FetchRefused):
        await DemoSource().fetch(origin, tmp_path / "picture")


async def test_a_query_that_is_far_too_long_is_refused() -> None:
    with pytest.raises(SourceRefused):
        DemoSource().check_query("x" * 201)


def _bytes(path: Path) -> bytes:
    return path.read_bytes()
