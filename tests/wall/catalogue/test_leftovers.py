"""Dead uploads are found once, and what nobody needs is told from what somebody does."""

import asyncio
from datetime import timedelta

import pytest

from tests.fakes.clock import Clock
from tests.fakes.posts import rendered
from tests.fakes.uploads import LEASE, begun, lease, open_wall, stored
from wall.catalogue import Catalogue
from wall.catalogue.leftovers import KEEP_FAILED, LATE, REMEMBER, REMEMBER_NOTHING, STRAGGLERS
from wall.errors import ClaimLost, NotFound, UploadRefused
from wall.states import ActionKind, State
from wall.store.keys import new_key
from wall.uploads import UploadState

pytestmark = pytest.mark.anyio


async def test_what_died_is_claimed_by_exactly_one_and_what_lives_is_not(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue)
    dead = await begun(catalogue)
    assert await catalogue.leftovers.dead("other", LEASE, 10) == []
    clock.advance(LEASE)
    alive = await begun(catalogue)
    found = await asyncio.gather(*(catalogue.leftovers.dead(name, LEASE, 10) for name in ("a", "b")))
    [held] = [held for group in found for held in group]
    assert held.upload.id == dead.upload.id
    with pytest.raises(ClaimLost):
        await catalogue.uploads.finish(dead, kind="image", media_type="image/jpeg", sha256="00")
    await catalogue.uploads.abort(held, "It died.")
    assert (await catalogue.uploads.get(dead.upload.id)).state is UploadState.ABORTED
    assert (await catalogue.uploads.get(alive.upload.id)).state is UploadState.RECEIVING


async def test_an_address_that_nobody_used_is_over_and_one_of_the_store_is_cleared(
    catalogue: Catalogue, clock: Clock
) -> None:
    await open_wall(catalogue)
    unused, direct = await lease(catalogue), await lease(catalogue, quarantine=new_key())
    clock.advance(LEASE)
    [held] = await catalogue.leftovers.dead("a", LEASE, 10)
    assert held.upload.id == direct.id
    assert (await catalogue.uploads.get(unused.id)).state is UploadState.ABORTED
    clock.advance(LATE * 2)
    assert await catalogue.leftovers.left(10) == []


async def test_what_was_let_go_of_is_dead_at_once(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue)
    held = await begun(catalogue)
    await catalogue.uploads.let_go(held, "The store was away.")
    clock.advance(1)
    [again] = await catalogue.leftovers.dead("a", LEASE, 10)
    assert again.upload.error == "The store was away."


async def test_aborted_and_withdrawn_bytes_are_looked_for_once_more(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue)
    held, withdrawn = await begun(catalogue), await stored(catalogue)
    await catalogue.uploads.abort(held, "It broke.")
    await catalogue.uploads.withdraw(withdrawn.id)
    assert await catalogue.leftovers.left(10) == []
    clock.advance(LATE + timedelta(seconds=1))
    left = await catalogue.leftovers.left(10)
    assert {upload.id for upload in left} == {held.upload.id, withdrawn.id}
    for upload in left:
        await catalogue.leftovers.clean(upload)
    assert await catalogue.leftovers.left(10) == []


async def test_what_can_still_be_written_to_is_not_clean_before_its_signature_is_over(
    catalogue: Catalogue, clock: Clock
) -> None:
    await open_wall(catalogue)
    direct = await lease(catalogue, quarantine=new_key())
    await catalogue.uploads.withdraw(direct.id)
    done = await lease(catalogue, quarantine=new_key())
    held = await catalogue.uploads.begin(done, holder="a", lease=LEASE)
    await catalogue.uploads.finish(held, kind="video", media_type="video/mp4", sha256=None)
    assert await catalogue.leftovers.quarantined(10) == []
    clock.advance(LEASE)
    assert await catalogue.leftovers.left(10) == []
    clock.advance(LATE + timedelta(seconds=1))
    assert [upload.id for upload in await catalogue.leftovers.left(10)] == [direct.id]
    [upload] = await catalogue.leftovers.quarantined(10)
    await catalogue.leftovers.released(upload)
    assert await catalogue.leftovers.quarantined(10) == []
    # what began in time may end later
    assert (await catalogue.uploads.get(done.id)).keys == (done.quarantine, done.key)


async def test_a_quarantine_has_one_more_look_when_every_write_that_began_in_time_has_ended(
    catalogue: Catalogue, clock: Clock
) -> None:
    await open_wall(catalogue)
    given_up = await lease(catalogue, quarantine=new_key())
    await catalogue.uploads.withdraw(given_up.id)
    done = await stored(catalogue, quarantine=new_key())
    clock.advance(LEASE + LATE)
    looked: list[str] = []
    for _ in range(30):  # hours
        for left in await catalogue.leftovers.left(10):
            looked.append(left.id)
            await catalogue.leftovers.clean(left)
        for quarantined in await catalogue.leftovers.quarantined(10):
            looked.append(quarantined.id)
            await catalogue.leftovers.released(quarantined)
        await catalogue.leftovers.forget()
        clock.advance(timedelta(hours=1))
    assert sorted(looked) == sorted([given_up.id, done.id] * 2)
    assert (await catalogue.uploads.get(done.id)).keys == (done.key,)
    with pytest.raises(NotFound):
        await catalogue.uploads.get(given_up.id)


async def test_what_waits_for_the_last_look_takes_no_room_of_the_wall(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue, guest_posts=1, wall_posts=1, guest_bytes=1000, wall_bytes=1000)
    await catalogue.uploads.withdraw((await lease(catalogue, quarantine=new_key())).id)
    with pytest.raises(UploadRefused):
        await lease(catalogue)
    clock.advance(LEASE + timedelta(seconds=1))
    await lease(catalogue)


async def test_a_look_that_came_too_late_is_the_last_one_at_once(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue)
    done = await stored(catalogue, quarantine=new_key())
    clock.advance(STRAGGLERS + LEASE + timedelta(seconds=1))
    [upload] = await catalogue.leftovers.quarantined(10)
    await catalogue.leftovers.released(upload)
    assert (await catalogue.uploads.get(done.id)).quarantine is None


async def test_the_bytes_of_a_post_that_can_not_be_shown_are_kept_for_a_day(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue)
    upload = await stored(catalogue)
    shown = await stored(catalogue, sha256="cd" * 32)
    works = await catalogue.work.claim(["guest"], "test", LEASE, 10)
    for work in works:
        error = "It is damaged." if work.post_id == upload.post_id else None
        await catalogue.work.finish(work, rendered(work, error))
    clock.advance(KEEP_FAILED - timedelta(minutes=1))
    assert await catalogue.leftovers.left(10) == []
    clock.advance(timedelta(minutes=2))
    assert [left.id for left in await catalogue.leftovers.left(10)] == [upload.id]
    # what was removed leaves with its renditions, of which the original is one
    assert shown.post_id is not None
    await catalogue.moderation.act(shown.post_id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)
    clock.advance(KEEP_FAILED * 2)
    assert [left.id for left in await catalogue.leftovers.left(10)] == [upload.id]


async def test_what_came_to_nothing_is_forgotten_in_the_end(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue)
    held = await begun(catalogue)
    await catalogue.uploads.abort(held, "It broke.")
    kept = await stored(catalogue)
    clock.advance(REMEMBER * 2)
    assert await catalogue.leftovers.forget() == 0
    await catalogue.leftovers.clean(await catalogue.uploads.get(held.upload.id))
    assert await catalogue.leftovers.forget() == 1
    assert (await catalogue.uploads.get(kept.id)).state is UploadState.STORED


async def test_what_never_became_a_post_is_forgotten_within_the_hour(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue)
    cancelled, withdrawn = await lease(catalogue), await lease(catalogue)
    await catalogue.uploads.cancel(cancelled, "Other bytes.")
    await catalogue.uploads.withdraw(withdrawn.id)
    posted = await stored(catalogue)
    await catalogue.uploads.withdraw(posted.id)
    clock.advance(REMEMBER_NOTHING - timedelta(minutes=1))
    for upload in await catalogue.leftovers.left(10):
        await catalogue.leftovers.clean(upload)
    assert await catalogue.leftovers.forget() == 0
    clock.advance(timedelta(minutes=2))
    assert await catalogue.leftovers.forget() == 2
    # its post is remembered, and so is that it was withdrawn
    assert (await catalogue.uploads.get(posted.id)).state is UploadState.WITHDRAWN
