"""What guests see of what they have added."""

from datetime import timedelta

import pytest

from tests.fakes.clock import Clock
from tests.fakes.posts import rendered
from tests.fakes.uploads import GUEST, LEASE, lease, open_wall, stored
from wall.catalogue import Catalogue
from wall.catalogue.uploads import digest
from wall.errors import NotFound
from wall.states import ActionKind, Policy, State
from wall.uploads import UploadState

pytestmark = pytest.mark.anyio


async def test_a_guest_sees_what_becomes_of_each(catalogue: Catalogue) -> None:
    await catalogue.walls.change("main", policy=Policy.HOLD)
    await open_wall(catalogue)
    upload = await stored(catalogue)
    assert (await catalogue.guests.upload(upload.id)).post is State.RECEIVED
    [work] = await catalogue.work.claim(["guest"], "test", LEASE, 10)
    await catalogue.work.finish(work, rendered(work))
    view = await catalogue.guests.upload(upload.id)
    assert (view.post, view.shown, view.thumbnail) == (State.PENDING, False, (work.media[0].id, "thumbnail-320"))
    await catalogue.moderation.act(
        work.post_id, ActionKind.REJECT, operator="eve", state=State.PENDING, revision=1, reason="Blurred."
    )
    view = await catalogue.guests.upload(upload.id)
    assert (view.post, view.reason) == (State.REJECTED, "Blurred.")
    await catalogue.moderation.act(work.post_id, ActionKind.APPROVE, operator="eve", state=State.REJECTED, revision=1)
    assert (await catalogue.guests.upload(upload.id)).shown
    await catalogue.uploads.withdraw(upload.id)
    assert (await catalogue.guests.upload(upload.id)).upload.state is UploadState.WITHDRAWN


async def test_a_guest_sees_their_own_on_this_wall_the_newest_first(catalogue: Catalogue) -> None:
    await open_wall(catalogue)
    await catalogue.walls.add("other", "Other")
    await open_wall(catalogue, "other")
    first, second = await lease(catalogue), await lease(catalogue)
    await lease(catalogue, "other")
    await lease(catalogue, guest=digest("h" * 26))
    views = await catalogue.guests.uploads("main", digest(GUEST))
    assert [view.upload.id for view in views] == [second.id, first.id]


async def test_what_is_shown_later_says_when(catalogue: Catalogue, clock: Clock) -> None:
    at = clock.moment + timedelta(hours=1)
    await open_wall(catalogue, reveal_at=at.isoformat())
    upload = await stored(catalogue)
    [work] = await catalogue.work.claim(["guest"], "test", LEASE, 10)
    await catalogue.work.finish(work, rendered(work))
    view = await catalogue.guests.upload(upload.id)
    assert (view.post, view.shown, view.shown_from) == (State.APPROVED, False, at)
    clock.advance(timedelta(hours=1))
    assert (await catalogue.guests.upload(upload.id)).shown_from is None


async def test_what_is_not_there_is_not_found(catalogue: Catalogue) -> None:
    with pytest.raises(NotFound):
        await catalogue.guests.upload("0" * 26)
