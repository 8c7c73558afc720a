"""Streams on real sockets, with stores that break off and readers that don't read."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from relay.settings import MediaSettings
from relay.streams import BROKEN, GONE, OFF, STALLED, STOPPED
from tests.fakes.waiting import until
from tests.relay.serving import RawClient, Serving, serving
from wall.catalogue import Catalogue
from wall.catalogue.database import Database
from wall.errors import CatalogueUnavailable, ObjectChanged
from wall.store.base import CHUNK

pytestmark = pytest.mark.anyio

SETTINGS = MediaSettings(standing=0.0, look=0.05, resume_after=0.01)
LENGTH = 4 * 1024 * 1024 + 4711
BODY = bytes(range(251)) * (LENGTH // 251) + bytes(LENGTH % 251)


@pytest.fixture
async def records(tmp_path: Path) -> AsyncGenerator[Catalogue]:
    opened = Catalogue(f"sqlite:{tmp_path / 'catalogue.db'}")
    await opened.migrate()
    yield opened
    await opened.close()


@pytest.fixture
async def site(records: Catalogue, tmp_path: Path) -> AsyncGenerator[Serving]:
    async with serving(records, tmp_path, SETTINGS) as running:
        yield running


@pytest.fixture
async def client() -> AsyncGenerator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        yield session


@pytest.fixture(autouse=True)
def no_complaints(caplog: pytest.LogCaptureFixture) -> Generator[None]:
    """However a stream ends, the server has nothing to complain about."""
    caplog.set_level(logging.WARNING, "uvicorn.error")
    yield
    assert [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"] == []


async def _film(site: Serving) -> str:
    return (await site.show(BODY, role="video", media_type="video/mp4")).path


def _idle(site: Serving) -> bool:
    return not len(site.media.streams) and not site.store.reading


# ── a store that breaks off ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("after", [0, 1, CHUNK, LENGTH // 2, LENGTH - 1])
async def test_a_store_that_breaks_off_is_asked_once_for_the_rest_of_the_same_object(
    site: Serving, client: aiohttp.ClientSession, after: int
) -> None:
    path = await _film(site)
    site.store.break_after = [after]
    async with client.get(site.base + path) as answer:
        assert await answer.read() == BODY
    first, second = site.store.opened
    assert (first.start, first.length, first.etag) == (0, LENGTH, None)
    assert (second.start, second.length) == (after, LENGTH - after)
    assert second.etag == (await site.store.head(first.key)).etag
    assert site.media.streams.resumed == 1


async def test_a_part_is_resumed_within_its_range(site: Serving, client: aiohttp.ClientSession) -> None:
    path = await _film(site)
    site.store.break_after = [5000]
    async with client.get(site.base + path, headers={"range": "bytes=1000-900000"}) as answer:
        assert await answer.read() == BODY[1000:900001]
    assert [(one.start, one.length) for one in site.store.opened] == [(1000, 899001), (6000, 894001)]


async def test_a_store_that_breaks_off_again_ends_in_a_connection_that_is_cut_off(site: Serving) -> None:
    path = await _film(site)
    site.store.break_after = [CHUNK * 2, CHUNK * 3]
    with RawClient(site.port) as viewer:
        status, headers = await viewer.ask(path)
        assert (status, headers["content-length"]) == (200, str(LENGTH))
        assert "transfer-encoding" not in headers
        got = await viewer.read(LENGTH)
        # short of what was promised, and then the end: no browser takes that for the whole
        assert len(got) < LENGTH
        assert BODY.startswith(got)
        assert await viewer.read(1) == b""
    await until(lambda: _idle(site), "the stream to end")
    assert site.media.streams.endings == {BROKEN: 1}
    assert len(site.store.opened) == 2


async def test_a_client_library_sees_that_the_end_is_missing(site: Serving, client: aiohttp.ClientSession) -> None:
    path = await _film(site)
    site.store.break_after = [CHUNK, CHUNK]
    async with client.get(site.base + path) as answer:
        assert answer.status == 200
        with pytest.raises((aiohttp.ClientPayloadError, aiohttp.ClientOSError)):
            await answer.read()


async def test_the_rest_of_another_object_is_never_sent(site: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await _film(site)
    site.store.break_after = [CHUNK]
    opening = site.store.open

    async def changed(key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> object:
        if etag is not None:
            raise ObjectChanged("Another object lies there now.")
        return await opening(key, start, length)

    monkeypatch.setattr(site.store, "open", changed)
    with RawClient(site.port) as viewer:
        await viewer.ask(path)
        assert BODY[:CHUNK].startswith(await viewer.read(LENGTH))
    await until(lambda: _idle(site), "the stream to end")


# ── readers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_viewer_that_leaves_costs_the_store_nothing_more(site: Serving) -> None:
    path = await _film(site)
    site.store.hold_after = CHUNK * 4
    viewer = RawClient(site.port)
    await viewer.ask(path)
    await viewer.read(CHUNK)
    assert site.store.reading == 1
    viewer.close()
    await until(lambda: _idle(site), "the store to be let go of")
    assert site.media.streams.endings == {GONE: 1}


async def test_a_reader_that_takes_nothing_slows_the_store_and_not_us(site: Serving) -> None:
    path = await _film(site)
    with RawClient(site.port) as viewer:
        await viewer.ask(path)
        given = -1
        while given != site.store.given:  # until nothing moves any more
            given = site.store.given
            await asyncio.sleep(0.3)
        # the piece in hand, and what the kernel holds for the two sockets
        assert given <= CHUNK + 2 * SETTINGS.unsent
        assert await viewer.read(LENGTH) == BODY


async def test_a_reader_that_stays_stuck_is_cut_off(records: Catalogue, tmp_path: Path) -> None:
    async with serving(records, tmp_path, replace(SETTINGS, stalled_after=0.3)) as site:
        path = await _film(site)
        with RawClient(site.port) as viewer:
            await viewer.ask(path)
            await until(lambda: _idle(site), "the stuck stream to end")
            assert site.media.streams.endings == {STALLED: 1}
            assert len(await viewer.read(LENGTH)) < LENGTH


async def test_a_slow_reader_that_goes_on_is_not_stuck(records: Catalogue, tmp_path: Path) -> None:
    async with serving(records, tmp_path, replace(SETTINGS, stalled_after=2.5)) as site:
        path = await _film(site)
        with RawClient(site.port) as viewer:
            await viewer.ask(path)
            got = b""
            for _ in range(14):
                got += await viewer.read(128 * 1024)
                await asyncio.sleep(0.25)
            assert site.media.streams.endings == {}
            assert got + await viewer.read(LENGTH - len(got)) == BODY


# ── the wall ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_running_stream_ends_when_its_post_is_removed(site: Serving) -> None:
    """At the latest after two looks and two questions to the catalogue: the default is well below a second."""
    assert MediaSettings().look * 2 < 1
    shown = await site.show(BODY, role="video", media_type="video/mp4")
    other = await _film(site)
    with RawClient(site.port) as viewer, RawClient(site.port) as another:
        await viewer.ask(shown.path)
        await another.ask(other)
        assert len(site.media.streams) == 2
        await site.remove(shown)
        await until(lambda: len(site.media.streams) == 1, "the removed one to end")
        assert site.media.streams.endings == {OFF: 1}
        assert len(await viewer.read(LENGTH)) < LENGTH
        assert await another.read(LENGTH) == BODY


async def test_a_running_download_ends_when_its_wall_allows_none_any_more(site: Serving) -> None:
    await site.catalogue.walls.change("main", downloads=True)
    shown = await site.show(BODY, role="original", media_type="video/mp4")
    signed = await site.catalogue.media.sign(shown.media_id, "original", timedelta(minutes=5))
    with RawClient(site.port) as viewer, RawClient(site.port) as operator:
        await viewer.ask(shown.path)
        await operator.ask(signed)
        await site.catalogue.walls.change("main", downloads=False)
        await until(lambda: len(site.media.streams) <= 1, "the viewer's to end")
        assert len(await viewer.read(LENGTH)) < LENGTH
        # whoever has a signed address has it whatever the wall says; that one was not public when it was asked for
        operator.close()
    await until(lambda: _idle(site), "the operator's to end")


async def test_a_stream_of_a_signed_address_ends_when_its_bytes_are_given_up(site: Serving) -> None:
    film = await site.show(BODY, role="video", media_type="video/mp4")
    shown, other = [await site.show(BODY, role="original", media_type="video/mp4") for _ in range(2)]
    sign = site.catalogue.media.sign
    first, second = [await sign(one.media_id, "original", timedelta(minutes=5)) for one in (shown, other)]
    with RawClient(site.port) as viewer, RawClient(site.port) as another, RawClient(site.port) as third:
        await viewer.ask(first)
        await another.ask(second)
        await third.ask(film.path)
        # what was only removed an operator may still look at, and bring back
        await site.remove(shown)
        await site.remove(film)
        await until(lambda: len(site.media.streams) < 3, "the public one to end")
        assert len(site.media.streams) == 2
        await site.catalogue.walls.change("main", retention=0)
        assert await site.catalogue.media.give_up(shown.media_id)
        await until(lambda: len(site.media.streams) == 1, "the one that was given up to end")
        assert site.media.streams.endings == {OFF: 2}
        assert len(await viewer.read(LENGTH)) < LENGTH
        assert await another.read(LENGTH) == BODY


async def test_what_can_not_be_known_any_more_is_not_shown_for_long(
    records: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(records, tmp_path, replace(SETTINGS, unknown=0.5)) as site:
        path = await _film(site)
        with RawClient(site.port) as viewer:
            await viewer.ask(path)

            def away(_: Database) -> AbstractAsyncContextManager[object]:
                raise CatalogueUnavailable("The database is away.")

            monkeypatch.setattr(Database, "reading", away)
            await until(lambda: _idle(site), "the stream to end")
            assert site.media.streams.endings == {OFF: 1}


# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_one_address_has_so_many_streams_and_its_places_come_back(records: Catalogue, tmp_path: Path) -> None:
    async with serving(records, tmp_path, replace(SETTINGS, streams_per_address=2)) as site:
        path = await _film(site)
        with RawClient(site.port) as first, RawClient(site.port) as second, RawClient(site.port) as third:
            assert [(await viewer.ask(path))[0] for viewer in (first, second)] == [200, 200]
            status, headers = await third.ask(path)
            assert (status, headers["retry-after"], headers["cache-control"]) == (503, "2", "no-store")
            first.close()
            await until(lambda: len(site.media.streams) == 1, "the first to be gone")
            await third.read(int(headers["content-length"]))
            assert (await third.ask(path))[0] == 200


async def test_viewers_behind_a_trusted_proxy_are_counted_by_their_own_address(
    records: Catalogue, tmp_path: Path
) -> None:
    one_each = replace(SETTINGS, streams_per_address=1)
    async with serving(records, tmp_path, one_each, proxies=("127.0.0.1",)) as site:
        path = await _film(site)
        viewers = [RawClient(site.port) for _ in range(4)]
        froms = ("203.0.113.1", "203.0.113.2", "198.51.100.9, 203.0.113.1", "2001:db8::1")
        answers = [await viewer.ask(path, f"x-forwarded-for: {at}") for viewer, at in zip(viewers, froms, strict=True)]
        # the third one says that it speaks for another one, but our proxy has seen the first one's address
        assert [status for status, _ in answers] == [200, 200, 503, 200]
        neighbour = RawClient(site.port)
        assert (await neighbour.ask(path, "x-forwarded-for: 2001:db8::2"))[0] == 503
        for viewer in (*viewers, neighbour):
            viewer.close()
        await until(lambda: _idle(site), "all to be gone")


async def test_what_anybody_says_of_an_address_is_not_believed(records: Catalogue, tmp_path: Path) -> None:
    async with serving(records, tmp_path, replace(SETTINGS, streams_per_address=1)) as site:
        path = await _film(site)
        with RawClient(site.port) as first, RawClient(site.port) as second:
            assert (await first.ask(path, "x-forwarded-for: 203.0.113.1"))[0] == 200
            assert (await second.ask(path, "x-forwarded-for: 203.0.113.2"))[0] == 503


async def test_a_process_has_so_many_streams_and_small_ones_need_no_place(
    records: Catalogue, tmp_path: Path, client: aiohttp.ClientSession
) -> None:
    async with serving(records, tmp_path, replace(SETTINGS, streams=1)) as site:
        path = await _film(site)
        small = await site.show(b"x" * 1000)
        with RawClient(site.port) as first:
            assert (await first.ask(path))[0] == 200
            async with client.get(site.base + path) as answer:
                assert answer.status == 503
            async with client.get(site.base + small.path) as answer:
                assert answer.status == 200


async def test_a_server_that_stops_cuts_its_streams_off_and_begins_no_more(
    site: Serving, client: aiohttp.ClientSession
) -> None:
    path = await _film(site)
    with RawClient(site.port) as viewer:
        await viewer.ask(path)
        site.media.stop(0.01)
        await until(lambda: _idle(site), "the stream to end")
        assert site.media.streams.endings == {STOPPED: 1}
        async with client.get(site.base + path) as answer:
            assert answer.status == 503
