"""What happens though nobody asks."""

from collections.abc import AsyncGenerator, AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from relay.uploads.care import AT_ONCE, Care
from tests.fakes.clock import Clock
from tests.fakes.posts import rendered
from tests.fakes.uploads import LEASE, begun, lease, open_wall, stored
from tests.relay.uploads.place import PATIENT, WatchedStore
from wall.catalogue import Catalogue
from wall.catalogue.leftovers import LATE, STRAGGLERS
from wall.catalogue.uploads import Upload
from wall.errors import StoreUnavailable
from wall.store.keys import new_key
from wall.uploads import UploadState

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> Clock:
    return Clock(timedelta(milliseconds=1))


@pytest.fixture
async def catalogue(database_url: str, clock: Clock) -> AsyncGenerator[Catalogue]:
    opened = Catalogue(database_url, now=clock)
    await opened.migrate()
    await open_wall(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def kept(tmp_path: Path) -> WatchedStore:
    made = WatchedStore(tmp_path / "store")
    await made.start()
    return made


async def _put(kept: WatchedStore, key: str) -> None:
    async def once() -> AsyncIterator[bytes]:
        yield b"x" * 1000

    await kept.put(key, 1000, "image/jpeg", once())


async def test_what_died_half_way_is_rolled_back(catalogue: Catalogue, kept: WatchedStore, clock: Clock) -> None:
    care = Care(catalogue, kept, PATIENT, "care")
    held = await begun(catalogue)
    await _put(kept, held.upload.key)
    assert await care.recover() == 0
    clock.advance(LEASE)
    assert await care.recover() == 1
    assert kept.files() == []
    upload = await catalogue.uploads.get(held.upload.id)
    assert (upload.state, upload.error) == (UploadState.ABORTED, "The server restarts; try again in a moment.")
    assert (await care.recover(), care.recovered) == (0, 1)


async def test_a_store_that_is_away_is_tried_again(catalogue: Catalogue, kept: WatchedStore, clock: Clock) -> None:
    care = Care(catalogue, kept, PATIENT, "care")
    held = await begun(catalogue)
    await _put(kept, held.upload.key)
    clock.advance(LEASE)
    kept.fail_deletes = True
    await care.recover()
    assert (await catalogue.uploads.get(held.upload.id)).state is UploadState.RECEIVING
    kept.fail_deletes = False
    await care.recover()
    assert (kept.files(), (await catalogue.uploads.get(held.upload.id)).state) == ([], UploadState.ABORTED)


async def test_an_object_that_appears_after_all_is_deleted_later(
    catalogue: Catalogue, kept: WatchedStore, clock: Clock
) -> None:
    care = Care(catalogue, kept, PATIENT, "care")
    held = await begun(catalogue)
    await catalogue.uploads.abort(held, "It broke.")
    await _put(kept, held.upload.key)
    await care.recover()
    assert kept.files() == [held.upload.key]
    clock.advance(LATE + timedelta(seconds=1))
    await care.recover()
    assert kept.files() == []


async def _aborted(catalogue: Catalogue, count: int) -> list[Upload]:
    found: list[Upload] = []
    for _ in range(count):
        held = await begun(catalogue)
        await catalogue.uploads.abort(held, "It broke.")
        found.append(held.upload)
    return sorted(found, key=lambda upload: upload.id)


async def test_what_can_not_be_deleted_keeps_nothing_else_waiting(
    catalogue: Catalogue, kept: WatchedStore, clock: Clock
) -> None:
    care = Care(catalogue, kept, PATIENT, "care")
    first, *others = await _aborted(catalogue, 3)
    kept.undeletable = {first.key}
    direct = await stored(catalogue, quarantine=new_key())
    assert direct.quarantine is not None
    for key in (first.key, *(upload.key for upload in others), direct.quarantine):
        await _put(kept, key)
    clock.advance(timedelta(days=1))
    with pytest.raises(StoreUnavailable):
        await care.recover()
    assert kept.files() == [first.key]
    kept.undeletable = set()
    await care.recover()
    assert kept.files() == []


async def test_all_that_is_left_goes_at_once_and_what_resists_has_its_turn_later(
    catalogue: Catalogue, kept: WatchedStore, clock: Clock
) -> None:
    care = Care(catalogue, kept, PATIENT, "care")
    uploads = await _aborted(catalogue, AT_ONCE + 30)
    resisting = {upload.key for upload in uploads[:25]}
    kept.undeletable = set(resisting)
    await _put(kept, uploads[-1].key)
    clock.advance(LATE * 2)
    for _ in range(2):  # the first round has enough of it half-way
        with pytest.raises(StoreUnavailable):
            await care.recover()
    assert kept.files() == []
    assert {upload.key for upload in await catalogue.leftovers.left(AT_ONCE)} == resisting
    kept.undeletable = set()
    await care.recover()
    assert await catalogue.leftovers.left(1) == []


async def test_an_address_that_nobody_used_leaves_nothing_to_look_for(catalogue: Catalogue, clock: Clock) -> None:
    for quarantine in (None, new_key()):
        await catalogue.uploads.withdraw((await lease(catalogue, quarantine=quarantine)).id)
    clock.advance(timedelta(days=1))
    assert [upload.mode for upload in await catalogue.leftovers.left(10)] == ["direct"]


async def test_what_is_sent_to_the_store_and_never_completed_is_deleted(
    catalogue: Catalogue, kept: WatchedStore, clock: Clock
) -> None:
    care = Care(catalogue, kept, PATIENT, "care")
    upload = await lease(catalogue, quarantine=new_key())
    assert upload.quarantine is not None
    await _put(kept, upload.quarantine)
    clock.advance(LEASE)
    await care.recover()
    assert kept.files() == []
    # its signed address was good for a little longer than we thought
    await _put(kept, upload.quarantine)
    clock.advance(LATE * 2)
    await care.recover()
    assert kept.files() == []


async def test_a_write_to_the_store_that_began_in_time_and_ended_hours_later_is_deleted(
    catalogue: Catalogue, kept: WatchedStore, clock: Clock
) -> None:
    care = Care(catalogue, kept, PATIENT, "care")
    never, done = await lease(catalogue, quarantine=new_key()), await stored(catalogue, quarantine=new_key())
    assert (never.quarantine, done.quarantine) != (None, None)
    await _put(kept, done.key)
    for hours in (0, 2, 20):
        clock.advance(LATE * 2 if hours == 0 else timedelta(hours=hours))
        await care.recover()
        clock.advance(LATE * 2)
        await care.recover()
    for key in (never.quarantine, done.quarantine):
        await _put(kept, key or "")
    clock.advance(STRAGGLERS)
    await care.recover()
    assert kept.files() == [done.key]


async def test_what_is_stored_stays(catalogue: Catalogue, kept: WatchedStore, clock: Clock) -> None:
    care = Care(catalogue, kept, PATIENT, "care")
    upload = await stored(catalogue)
    await _put(kept, upload.key)
    clock.advance(timedelta(days=30))
    await care.recover()
    assert kept.files() == [upload.key]


async def test_a_wall_reveals_what_it_has_kept_back(catalogue: Catalogue, kept: WatchedStore, clock: Clock) -> None:
    care = Care(catalogue, kept, PATIENT, "care")
    await catalogue.walls.change("main", uploads={"reveal_at": (clock() + timedelta(hours=1)).isoformat()})
    await stored(catalogue)
    [work] = await catalogue.work.claim(["guest"], "test", LEASE, 1)
    await catalogue.work.finish(work, rendered(work))
    await care.reveal()
    assert (await catalogue.posts.snapshot("main")).posts == ()
    clock.advance(timedelta(hours=1))
    await care.reveal()
    assert len((await catalogue.posts.snapshot("main")).posts) == 1
