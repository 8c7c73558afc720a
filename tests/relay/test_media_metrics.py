"""What pictures and videos count on their way out."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest

from relay.media import REFUSALS, MediaServer
from relay.media_metrics import MediaMetrics
from relay.settings import MediaSettings
from tests.fakes.waiting import until
from tests.relay.serving import RawClient, Serving, serving
from wall.catalogue import Catalogue

pytestmark = pytest.mark.anyio

# larger than 100 kB is streamed
SETTINGS = MediaSettings(small=100_000, look=0.05, resume_after=0.01, streams=2, streams_per_address=1)
SMALL, LARGE = b"x" * 20_000, b"y" * 8_000_000
Samples = dict[tuple[str, ...], float]


@pytest.fixture
async def site(catalogue: Catalogue, tmp_path: Path) -> AsyncGenerator[Serving]:
    async with serving(catalogue, tmp_path, SETTINGS) as running:
        yield running


@pytest.fixture
async def client() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def samples(media: MediaServer) -> Samples:
    """Values by name without its prefix, and label."""
    return {
        (sample.name.removeprefix("frieze_media_"), *sample.labels.values()): sample.value
        for metric in MediaMetrics(lambda: media).collect()
        for sample in metric.samples
    }


async def get(client: aiohttp.ClientSession, url: str, **headers: str) -> int:
    async with client.get(url, headers=headers) as answer:
        await answer.read()
        return answer.status


async def test_a_herd_is_one_miss_and_the_others_wait_or_hit(site: Serving, client: aiohttp.ClientSession) -> None:
    shown = await site.show(SMALL)
    url = site.base + shown.path
    site.store.wait_for = asyncio.Event()
    asking = [asyncio.create_task(get(client, url)) for _ in range(3)]
    await until(lambda: site.media.herd.coalesced == 2, "two to wait for the first")
    site.store.wait_for.set()
    assert await asyncio.gather(*asking) == [200, 200, 200]
    assert await get(client, url) == 200
    assert await get(client, url, range="bytes=0-99") == 206
    found = samples(site.media)
    assert {key: found[key] for key in found if key[0].startswith("cache")} == {
        ("cache_total", "hit"): 2,
        ("cache_total", "coalesced"): 2,
        ("cache_total", "miss"): 1,
        ("cache_objects",): 1,
        ("cache_bytes",): site.media.herd.bytes,
    }
    assert found["sent_bytes_total", "memory"] == 4 * len(SMALL) + 100
    assert found["sent_bytes_total", "store"] == 0


async def test_a_stream_is_counted_while_it_runs_and_its_bytes_afterwards(
    site: Serving, client: aiohttp.ClientSession
) -> None:
    shown = await site.show(LARGE, role="video", media_type="video/mp4")
    with RawClient(site.port) as slow:
        assert (await slow.ask(shown.path))[0] == 200
        running = samples(site.media)
        assert (running["streams",], running["streams_limit",]) == (1, 2)
        await until(lambda: samples(site.media)["sent_bytes_total", "store"] > 0, "bytes to go out")
        # a second one to the same address
        assert await get(client, site.base + shown.path) == 503
    await until(lambda: not len(site.media.streams), "the stream to end")
    found = samples(site.media)
    assert found["streams_ended_total", "gone"] == 1
    assert found["refused_total", "address"] == 1
    before = found["sent_bytes_total", "store"]
    assert await get(client, site.base + shown.path, range="bytes=0-199999") == 206
    assert samples(site.media)["sent_bytes_total", "store"] == before + 200_000


async def test_a_store_that_fails_is_counted_by_how(site: Serving, client: aiohttp.ClientSession) -> None:
    small, large = await site.show(SMALL), await site.show(LARGE, role="video", media_type="video/mp4")
    site.store.away = True
    assert await get(client, site.base + small.path) == 503
    site.store.away = False
    await site.store.delete(small.key)
    assert await get(client, site.base + small.path) == 404
    site.store.break_after = [1_000_000]
    assert await get(client, site.base + large.path) == 200
    site.store.break_after = [1_000_000, 1_000_000]
    with pytest.raises(aiohttp.ClientPayloadError):
        await get(client, site.base + large.path)
    await until(lambda: samples(site.media)["store_errors_total", "broken"] == 1, "the cut to be counted")
    found = samples(site.media)
    assert {key[1]: found[key] for key in found if key[0] == "store_errors_total"} == {
        "away": 1,
        "missing": 1,
        "broken": 1,
    }
    assert found["streams_resumed_total",] == 2
    assert found["streams_ended_total", "broken"] == 1
    assert found["refused_total", "store"] == 1


def test_before_there_is_anything_to_count_nothing_is_said() -> None:
    assert list(MediaMetrics(lambda: None).collect()) == []


async def test_every_reason_to_refuse_is_there_from_the_start(site: Serving) -> None:
    found = samples(site.media)
    assert {key[1]: found[key] for key in found if key[0] == "refused_total"} == dict.fromkeys(REFUSALS, 0)
