"""A relay that is cut off from the database while bytes come in, or that others took for dead: whatever ends first, our
write, their rolling back or the cut, nothing is left in the store and nothing in the catalogue."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from relay.uploads.care import Care
from tests.fakes.cut_off import How, cut_off
from tests.fakes.waiting import until
from tests.relay.uploads.place import MIB, PATIENT, Place, WatchedStore, jpeg, place
from wall.catalogue import Catalogue
from wall.catalogue.leftovers import LATE, REMEMBER_NOTHING
from wall.catalogue.uploads import Held
from wall.errors import CatalogueUnavailable, NotFound
from wall.store.base import ObjectInfo
from wall.uploads import UploadState

pytestmark = pytest.mark.anyio

CLAIM = timedelta(seconds=PATIENT.claim)
# soon over, so that no test waits for long; only where it is to be over
SOON = replace(PATIENT, claim=1.5, roll_back=1.0, linger=0.1)


class StubbornStore(WatchedStore):
    """Has everything, does not say so, and does not give up when it is told to: its object appears in the end."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.whole = asyncio.Event()
        self.written = asyncio.Event()

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        data = b"".join([chunk async for chunk in chunks])
        self.whole.set()
        while not self.confirming.is_set():
            with suppress(asyncio.CancelledError):
                await self.confirming.wait()

        async def once() -> AsyncGenerator[bytes]:
            yield data

        info = await super().put(key, length, media_type, once())
        self.written.set()
        return info


class Other:
    """Another relay: its database is there, and its clock is ahead as if time had passed."""

    def __init__(self, url: str, store: WatchedStore) -> None:
        self.ahead = timedelta()
        self.catalogue = Catalogue(url, now=lambda: datetime.now(UTC) + self.ahead)
        self._care = Care(self.catalogue, store, PATIENT, "other")

    async def clear(self, *, forget: bool = False) -> None:
        """Take for dead what is dead by now, look for it once more a while later, and perhaps forget it."""
        steps = [CLAIM, LATE, LATE, *([REMEMBER_NOTHING] if forget else [])]
        for step in steps:
            self.ahead += step + timedelta(seconds=1)
            await self._care.recover()

    async def state(self, upload_id: str) -> UploadState | None:
        try:
            return (await self.catalogue.uploads.get(upload_id)).state
        except NotFound:
            return None


@pytest.fixture
async def store(tmp_path: Path) -> StubbornStore:
    return StubbornStore(tmp_path / "store")


@pytest.fixture
async def other(catalogue: Catalogue, database_url: str, store: StubbornStore) -> AsyncGenerator[Other]:
    made = Other(database_url, store)
    yield made
    await made.catalogue.close()


async def _asked(here: Place, data: bytes) -> tuple[str, str]:
    answer = await here.ask(len(data))
    assert answer.status == 201, answer
    return answer.fields["id"], answer.fields["url"]


@pytest.mark.parametrize("how", get_args(How))
async def test_a_relay_that_is_cut_off_stops_before_its_claim_is_over(
    catalogue: Catalogue, tmp_path: Path, other: Other, how: How
) -> None:
    kept = WatchedStore(tmp_path / "store")
    data = jpeg(2 * MIB)
    async with place(catalogue, tmp_path, SOON, kept) as here:
        upload_id, url = await _asked(here, data)
        wire = await here.wire()
        await wire.begin(url, len(data))
        await wire.send(data[:MIB])
        await until(lambda: kept.puts == 1, "the store to see some of it")
        with cut_off(catalogue, how):
            answer = await wire.answer()
            assert (answer.status, answer.code) == (503, "store")
            # nobody ever asked the catalogue to take it: no need to ask it now
            assert kept.files() == []
            assert len(here.uploads.slots) == 0
        wire.close()
        await other.clear()
        assert await other.state(upload_id) is UploadState.ABORTED
        assert await here.left() is None


@pytest.mark.parametrize("forgotten", [False, True])
@pytest.mark.parametrize("mended", [False, True])
async def test_a_write_that_ends_when_others_have_rolled_it_back_leaves_nothing(
    catalogue: Catalogue,
    tmp_path: Path,
    store: StubbornStore,
    other: Other,
    monkeypatch: pytest.MonkeyPatch,
    forgotten: bool,
    mended: bool,
) -> None:
    monkeypatch.setattr("relay.uploads.reception._GIVE_UP_SECONDS", 0.1)
    data = jpeg(MIB)
    async with place(catalogue, tmp_path, SOON, store) as here:
        upload_id, url = await _asked(here, data)
        store.confirming.clear()
        sending = asyncio.create_task(here.put(url, data))
        await store.whole.wait()
        with cut_off(catalogue):
            assert (await sending).code == "store"
            await other.clear(forget=forgotten)
            assert await other.state(upload_id) is (None if forgotten else UploadState.ABORTED)
            if not mended:
                store.confirming.set()
                await store.written.wait()
                await until(lambda: store.files() == [], "it to be deleted all the same")
        store.confirming.set()
        await store.written.wait()
        await until(lambda: store.files() == [], "it to be deleted all the same")
        assert await here.left() is None


async def test_a_write_that_ends_while_nobody_can_be_asked_is_cleared_by_others(
    catalogue: Catalogue, tmp_path: Path, store: StubbornStore, other: Other
) -> None:
    data = jpeg(MIB)
    async with place(catalogue, tmp_path, replace(PATIENT, roll_back=1.0), store) as here:
        upload_id, url = await _asked(here, data)
        store.confirming.clear()
        sending = asyncio.create_task(here.put(url, data))
        await store.whole.wait()
        with cut_off(catalogue):
            store.confirming.set()
            assert (await sending).code == "store"
            # the catalogue may have taken it without our hearing of it
            assert len(store.files()) == 1
        await other.clear()
        assert await other.state(upload_id) is UploadState.ABORTED
        assert await here.left() is None


@pytest.mark.parametrize("forgotten", [False, True])
async def test_whom_others_took_for_dead_deletes_what_came_afterwards(
    catalogue: Catalogue, tmp_path: Path, store: StubbornStore, other: Other, forgotten: bool
) -> None:
    data = jpeg(MIB)
    async with place(catalogue, tmp_path, PATIENT, store) as here:
        upload_id, url = await _asked(here, data)
        store.confirming.clear()
        sending = asyncio.create_task(here.put(url, data))
        await store.whole.wait()
        await other.clear(forget=forgotten)
        assert await other.state(upload_id) is (None if forgotten else UploadState.ABORTED)
        store.confirming.set()
        assert (await sending).code == "used"
        assert await here.left() is None


async def test_what_could_not_be_deleted_then_is_looked_for_again(
    catalogue: Catalogue, tmp_path: Path, store: StubbornStore, other: Other
) -> None:
    data = jpeg(MIB)
    async with place(catalogue, tmp_path, PATIENT, store) as here:
        _, url = await _asked(here, data)
        store.confirming.clear()
        sending = asyncio.create_task(here.put(url, data))
        await store.whole.wait()
        await other.clear()
        store.fail_deletes = True
        store.confirming.set()
        assert (await sending).code == "used"
        assert len(store.files()) == 1
        store.fail_deletes = False
        await other.clear()
        assert await here.left() is None


async def test_a_commit_of_which_nobody_heard_while_the_database_stays_away_is_kept(
    catalogue: Catalogue, tmp_path: Path, store: StubbornStore, other: Other, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish, cut = catalogue.uploads.finish, cut_off(catalogue)

    async def unheard(held: Held, **known: Any) -> None:
        await finish(held, **known)
        cut.__enter__()
        raise CatalogueUnavailable("The database hung up.")

    monkeypatch.setattr(catalogue.uploads, "finish", unheard)
    data = jpeg(MIB)
    async with place(catalogue, tmp_path, replace(PATIENT, roll_back=1.0), store) as here:
        upload_id, url = await _asked(here, data)
        assert (await here.put(url, data)).code == "store"
        cut.__exit__(None, None, None)
        await other.clear()
        assert await other.state(upload_id) is UploadState.STORED
        assert (len(store.files()), await here.posts()) == (1, 1)
