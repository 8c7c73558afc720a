"""Sweeps of X with real tweepy against the stand-in: nothing is lost, whatever happens between two pages."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from ingest.fetch import Fetcher
from ingest.sources.base import Checkpoint, Page
from ingest.sources.x import FIRST_PAGES, XSource
from ingest.sources.x_api import XApi
from ingest.sources.x_pace import CEILING, FLOOR
from tests.fakes.waiting import until
from tests.fakes.x import WINDOW_SECONDS, XStandIn
from tests.fakes.x_answers import Scripted
from tests.fakes.x_posts import FakePost
from wall.errors import FetchRefused, SourceBudgetSpent, SourceLimited, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio

QUERY = "#frieze"


class Recorder:
    """Stands where the guarded fetcher will: writes the address into the file."""

    async def fetch(self, url: str, target: Path) -> object:
        return await asyncio.to_thread(target.write_text, url)


def source_of(x: XStandIn, **settings: Any) -> XSource:
    return XSource(x.bearer_token, Recorder(), api_url=x.api_url, chance=lambda: 0.5, **settings)


@pytest.fixture
async def source(x_api: XStandIn) -> AsyncGenerator[XSource]:
    opened = source_of(x_api)
    yield opened
    await opened.close()


async def sweep(source: XSource, checkpoint: Checkpoint, *, pages: int = 1000) -> list[Page]:
    """The pages of a sweep; like a crash, it ends after `pages`."""
    found: list[Page] = []
    async with aclosing(source.sweep(QUERY, checkpoint)) as steps:
        async for page in steps:
            found.append(page)
            if len(found) == pages:
                break
    return found


def keys(pages: list[Page]) -> list[str]:
    return [post.key for page in pages for post in page.posts]


def add(x: XStandIn, count: int) -> list[str]:
    return [x.add_post().key for _ in range(count)]


async def begun(source: XSource, x: XStandIn) -> Checkpoint:
    """The checkpoint of a search that ran once and found one post, two hours old, that is gone now."""
    first = x.add_post("the first #frieze", ago=7200)
    checkpoint = (await sweep(source, {}))[-1].checkpoint
    x.delete(first)
    return checkpoint


async def test_a_sweep_pages_to_the_end_before_the_cursor_moves(x_api: XStandIn, source: XSource) -> None:
    before = await begun(source, x_api)
    added = add(x_api, 430)
    pages = await sweep(source, before)
    assert [len(page.posts) for page in pages] == [100, 100, 100, 100, 30]
    assert keys(pages) == list(reversed(added))
    assert {page.checkpoint["since_id"] for page in pages[:-1]} == {before["since_id"]}
    assert pages[-1].checkpoint["since_id"] == added[-1].removeprefix("x:")
    assert "next_token" not in pages[-1].checkpoint
    assert {seen.query["since_id"] for seen in x_api.searches()[1:]} == {x_api.searches()[-1].query["since_id"]}


@pytest.mark.parametrize("crash_after", [1, 2, 3])
async def test_a_crash_between_pages_loses_nothing(x_api: XStandIn, source: XSource, crash_after: int) -> None:
    before = await begun(source, x_api)
    added = add(x_api, 350)
    stored = await sweep(source, before, pages=crash_after)
    meanwhile = add(x_api, 5)
    restarted = source_of(x_api)
    resumed = await sweep(restarted, stored[-1].checkpoint)
    assert set(keys(stored + resumed)) == set(added)
    assert len(keys(stored + resumed)) == len(added), "a page was read twice"
    later = await sweep(restarted, resumed[-1].checkpoint)
    assert set(meanwhile) <= set(keys(later))
    await restarted.close()


async def test_a_token_that_x_forgot_starts_the_sweep_over(x_api: XStandIn, source: XSource) -> None:
    before = await begun(source, x_api)
    added = add(x_api, 150)
    [first] = await sweep(source, before, pages=1)
    stale = {**first.checkpoint, "next_token": "forgotten"}
    assert set(keys(await sweep(source, stale))) == set(added)


async def test_a_page_that_names_itself_does_not_loop(x_api: XStandIn, source: XSource) -> None:
    before = await begun(source, x_api)
    body = {"data": [], "meta": {"result_count": 0, "next_token": "again"}}
    x_api.script(*[Scripted(200, body)] * 5)
    with pytest.raises(SourceUnavailable, match="same page"):
        await sweep(source, before)


async def test_a_post_indexed_late_is_found_by_the_overlap(x_api: XStandIn, source: XSource) -> None:
    await begun(source, x_api)
    x_api.add_post()
    checkpoint = (await sweep(source, {}))[-1].checkpoint
    late = x_api.add_post("late #frieze", ago=60)
    assert int(late.id) < int(checkpoint["since_id"])
    pages = await sweep(source, checkpoint)
    assert late.key in keys(pages)
    assert pages[-1].checkpoint["since_id"] == checkpoint["since_id"], "the cursor went back"


async def test_the_cursor_never_goes_back(x_api: XStandIn, source: XSource) -> None:
    post = x_api.add_post()
    checkpoint = (await sweep(source, {}))[-1].checkpoint
    x_api.add_post("late #frieze", ago=60)
    x_api.delete(post)  # so that the newest post of the next sweep lies below the cursor
    assert (await sweep(source, checkpoint))[-1].checkpoint["since_id"] == post.id


async def test_the_first_sweep_is_bounded_and_later_ones_are_not(x_api: XStandIn, source: XSource) -> None:
    add(x_api, 100 * FIRST_PAGES + 50)
    first = await sweep(source, {})
    assert len(first) == FIRST_PAGES
    assert all("since_id" not in seen.query for seen in x_api.searches())
    add(x_api, 10)
    assert "since_id" in (await sweep(source, first[-1].checkpoint))[-1].checkpoint


async def test_a_first_sweep_without_posts_leaves_the_next_one_unbounded(x_api: XStandIn, source: XSource) -> None:
    empty = await sweep(source, {})
    added = add(x_api, 100 * FIRST_PAGES + 50)
    assert set(keys(await sweep(source, empty[-1].checkpoint))) == set(added)


async def test_a_cursor_older_than_a_week_is_dropped(x_api: XStandIn, source: XSource) -> None:
    checkpoint = await begun(source, x_api)
    now = time.time() + 8 * 24 * 3600
    x_api.clock = lambda: now
    later = source_of(x_api, clock=lambda: now)
    added = x_api.add_post()
    assert keys(await sweep(later, checkpoint)) == [added.key]
    assert "since_id" not in x_api.searches()[-1].query
    await later.close()


async def test_a_cursor_that_only_x_finds_too_old_is_dropped_too(x_api: XStandIn, source: XSource) -> None:
    checkpoint = await begun(source, x_api)
    now = time.time() + 8 * 24 * 3600
    x_api.clock = lambda: now  # our own clock stands still
    added = x_api.add_post()
    assert keys(await sweep(source, checkpoint)) == [added.key]


async def test_an_edit_has_the_same_key_and_a_higher_version(x_api: XStandIn, source: XSource) -> None:
    post = x_api.add_post("Befroe #frieze")
    first = await sweep(source, {})
    x_api.edit(post, "Before #frieze")
    second = await sweep(source, first[-1].checkpoint)
    [[old], [new]] = [page.posts for page in first + second]
    assert old.key == new.key == post.key
    assert new.version > old.version
    assert new.text == "Before #frieze"
    assert new.media == old.media, "an edit of the text would fetch the picture again"


@pytest.mark.parametrize("family", ["tweet", "post"])
async def test_both_field_families_give_the_same_post(x_api: XStandIn, source: XSource, family: Any) -> None:
    x_api.family = family
    post = x_api.add_post("Hello #frieze", pictures=2, alt=("one", "two"))
    x_api.edit(post, "Hello again #frieze")
    [found] = [post for page in await sweep(source, {}) for post in page.posts]
    assert found.key == post.key
    assert found.author_handle == "@ada"
    assert [media.alt for media in found.media] == ["one", "two"]


async def test_the_family_is_switched_once_and_kept(x_api: XStandIn, source: XSource) -> None:
    x_api.family = "post"
    checkpoint = await begun(source, x_api)
    await sweep(source, checkpoint)
    asked = ["tweet" if "tweet.fields" in seen.query else "post" for seen in x_api.searches()]
    assert asked == ["tweet", "post", "post"]
    x_api.family = "tweet"
    with pytest.raises(SourceRefused, match=r"post\.fields"):
        await sweep(source, checkpoint)


async def test_a_fixed_family_is_not_switched(x_api: XStandIn) -> None:
    x_api.family = "post"
    fixed = source_of(x_api, fields="tweet")
    with pytest.raises(SourceRefused, match=r"tweet\.fields"):
        await sweep(fixed, {})
    await fixed.close()


async def test_pictures_are_joined_by_key_in_the_order_of_the_post(x_api: XStandIn, source: XSource) -> None:
    posts = {post.key: post for post in (x_api.add_post(pictures=4, author=name) for name in ("zoe", "ada", "max"))}
    for page in await sweep(source, {}):
        for found in page.posts:
            made: FakePost = posts[found.key]
            assert [media.key for media in found.media] == [media.key for media in made.media]
            assert [media.fallbacks[-1] for media in found.media] == [media.url for media in made.media]
            assert found.author_handle == f"@{made.author.username}"


async def test_posts_without_a_photo_are_left_out_and_counted(x_api: XStandIn, source: XSource) -> None:
    good = x_api.add_post()
    x_api.add_post(pictures=0)  # X's own has:images leaves it out already
    x_api.add_post(hide_media=True)
    x_api.add_post(pictures=0, videos=1)
    x_api.add_post(sensitive=True)
    x_api.add_post(withheld=True)
    x_api.add_post(retweet=True)
    [page] = await sweep(source, {})
    assert keys([page]) == [good.key]
    assert page.note == "4 posts read, 4 of them new, 1 sensitive, 1 withheld, 1 without a picture."


async def test_sensitive_posts_come_when_wanted(x_api: XStandIn) -> None:
    post = x_api.add_post(sensitive=True)
    open_minded = source_of(x_api, sensitive=True)
    assert keys(await sweep(open_minded, {})) == [post.key]
    await open_minded.close()


@pytest.mark.parametrize(
    "overrides",
    [
        {"id": None},
        {"id": 7},
        {"text": None},
        {"author_id": []},
        {"attachments": "x"},
        {"attachments": {"media_keys": {}}},
        {"entities": 5},
        {"edit_history_tweet_ids": "x"},
        {"created_at": {}},
        {"possibly_sensitive": "?"},
    ],
)
async def test_a_hostile_post_does_not_stop_the_others(
    x_api: XStandIn, source: XSource, overrides: Mapping[str, Any]
) -> None:
    before, odd, after = x_api.add_post(), x_api.add_post(overrides=overrides), x_api.add_post()
    found = keys(await sweep(source, {}))
    assert [key for key in found if key != odd.key] == [after.key, before.key]


async def test_what_a_page_lost_is_read_again_after_an_error(x_api: XStandIn, source: XSource) -> None:
    before = await begun(source, x_api)
    added = add(x_api, 150)
    [first] = await sweep(source, before, pages=1)
    for script in ("503-html", "200-html", "drop", "429-reset"):
        x_api.script(script)
        with pytest.raises((SourceUnavailable, SourceLimited)):
            await sweep(source, first.checkpoint)
    recovered = source_of(x_api)
    assert set(keys([first, *await sweep(recovered, first.checkpoint)])) == set(added)
    await recovered.close()


async def test_a_429_without_a_time_keeps_all_searches_quiet(x_api: XStandIn) -> None:
    now = [time.time()]
    source = source_of(x_api, clock=lambda: now[0])
    x_api.script("429", "429")
    for expected in (60, 120):
        for _ in range(3):  # only the first of them asks X
            with pytest.raises(SourceLimited) as limited:
                await sweep(source, {})
            assert limited.value.until is not None
            assert limited.value.until.timestamp() == pytest.approx(now[0] + expected, abs=1)
        now[0] += expected + 1
    assert len(x_api.seen) == 2
    assert await sweep(source, {})
    x_api.script("429")
    with pytest.raises(SourceLimited) as limited:
        await sweep(source, {})
    assert limited.value.until is not None
    assert limited.value.until.timestamp() == pytest.approx(now[0] + 60, abs=1), "the quiet did not become short again"
    await source.close()


async def test_an_empty_window_is_not_asked(x_api: XStandIn) -> None:
    now = [time.time()]
    x_api.clock = lambda: now[0]
    x_api.limit = 2
    source = source_of(x_api, clock=lambda: now[0])
    await sweep(source, {})
    await sweep(source, {})
    with pytest.raises(SourceLimited) as limited:
        await sweep(source, {})
    assert limited.value.until is not None
    assert len(x_api.seen) == 2
    now[0] += WINDOW_SECONDS + 1
    assert await sweep(source, {})
    await source.close()


async def test_polls_slow_down_while_nothing_comes(x_api: XStandIn, source: XSource) -> None:
    checkpoint: Checkpoint = {}
    intervals: list[float] = []
    for _ in range(9):
        [page] = await sweep(source, checkpoint)
        checkpoint = page.checkpoint
        intervals.append(page.next_in)
    assert intervals == sorted(intervals)
    assert intervals[-1] == CEILING
    x_api.add_post()
    assert (await sweep(source, checkpoint))[-1].next_in == pytest.approx(FLOOR)


async def test_the_daily_budget_stops_and_names_its_setting(x_api: XStandIn) -> None:
    add(x_api, 150)
    source = source_of(x_api, daily_posts=120)
    read: list[Page] = []
    with pytest.raises(SourceBudgetSpent, match="FRIEZE_X_DAILY_POSTS"):
        async for page in source.sweep(QUERY, {}):
            read.append(page)
    assert [len(page.posts) for page in read] == [100, 20]
    await source.close()
    restarted = source_of(x_api, daily_posts=120)
    with pytest.raises(SourceBudgetSpent):
        await sweep(restarted, read[-1].checkpoint)
    await restarted.close()
    assert len(x_api.seen) == 2
    tomorrow = source_of(x_api, daily_posts=120, clock=lambda: time.time() + 24 * 3600)
    assert len(keys(await sweep(tomorrow, read[-1].checkpoint))) == 30
    await tomorrow.close()


async def test_a_silent_x_ends_by_the_timeout(x_api: XStandIn) -> None:
    x_api.script("silent")
    source = source_of(x_api, api=XApi(x_api.bearer_token, x_api.api_url, read_timeout=0.3))
    with pytest.raises(SourceUnavailable):
        await sweep(source, {})
    await source.close()


async def test_cancelling_a_sweep_does_not_wait_for_x(x_api: XStandIn, source: XSource) -> None:
    x_api.script("silent")
    sweeping = asyncio.create_task(sweep(source, {}))
    await until(lambda: x_api.seen, "the request to arrive")
    sweeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(sweeping, 5)


async def test_fetching_goes_through_the_guarded_fetcher(source: XSource, tmp_path: Path) -> None:
    await source.fetch("https://pbs.twimg.com/media/a.jpg", tmp_path / "a")
    assert (tmp_path / "a").read_text() == "https://pbs.twimg.com/media/a.jpg"


async def test_the_addresses_lead_to_the_pictures(x_api: XStandIn, tmp_path: Path) -> None:
    post = x_api.add_post(pictures=2)
    x_api.script_picture(post, "404-for-large", number=1)
    async with Fetcher(allow=(ip_network("127.0.0.0/8"),)) as fetcher:
        source = XSource(x_api.bearer_token, fetcher, api_url=x_api.api_url)
        [[found]] = [page.posts for page in await sweep(source, {})]
        whole, smaller = found.media
        await source.fetch(whole.origin, tmp_path / "whole")
        with pytest.raises(FetchRefused):
            await source.fetch(smaller.origin, tmp_path / "smaller")
        await source.fetch(smaller.fallbacks[0], tmp_path / "smaller")
        await source.close()
    sizes = [await asyncio.to_thread(_longest_side, tmp_path / name) for name in ("whole", "smaller")]
    assert sizes == [2048, 1200]


def _longest_side(path: Path) -> int:
    with Image.open(path) as picture:
        return max(picture.size)


async def test_a_query_x_would_refuse_is_not_sent(x_api: XStandIn, source: XSource) -> None:
    with pytest.raises(SourceRefused):
        source.check_query("lang:en")
    with pytest.raises(SourceRefused):
        await anext(source.sweep("lang:en", {}))
    assert not x_api.seen


@pytest.mark.parametrize(
    "checkpoint",
    [
        {"since_id": 5},
        {"since_id": "x"},
        {"next_token": 3},
        {"empty": -1},
        {"empty": "x", "pages": None},
        {"read": "x"},
    ],
)
async def test_a_checkpoint_of_another_make_begins_anew(
    x_api: XStandIn, source: XSource, checkpoint: Mapping[str, Any]
) -> None:
    post = x_api.add_post()
    assert keys(await sweep(source, checkpoint)) == [post.key]


async def test_check_says_in_a_sentence_how_x_answers(x_api: XStandIn, source: XSource) -> None:
    assert "449 of 450 requests" in await source.check()
    x_api.script("403-not-enrolled")
    with pytest.raises(SourceRefused, match="pay-per-use"):
        await source.check()
    assert all(seen.query["max_results"] == "10" for seen in x_api.seen)


async def test_gone_names_what_x_no_longer_shows(x_api: XStandIn, source: XSource) -> None:
    posts = [x_api.add_post() for _ in range(120)]
    x_api.delete(posts[0])
    x_api.protect(posts[119])
    edited = x_api.edit(posts[5], "edited #frieze")
    assert await source.gone([*(post.key for post in posts), "folder:x"]) == {posts[0].key, posts[119].key}
    x_api.delete(edited)
    assert await source.gone([edited.key]) == {edited.key}
