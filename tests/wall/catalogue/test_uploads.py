"""Uploads move by compare-and-set, and a wall's rules are kept."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.clock import Clock
from tests.fakes.posts import rendered
from tests.fakes.uploads import GUEST, LEASE, SHA, asked, begun, lease, open_wall, stored
from wall.catalogue import Catalogue
from wall.catalogue.uploads import DIRECT_PER_GUEST, digest
from wall.errors import CatalogueError, ClaimLost, NotFound, UploadRefused
from wall.states import State
from wall.store.keys import new_key
from wall.uploads import UploadState

pytestmark = pytest.mark.anyio


async def _code(catalogue: Catalogue, **fields: Any) -> str | None:
    try:
        await lease(catalogue, **fields)
    except UploadRefused as error:
        return error.code
    return None


async def test_an_upload_becomes_a_post_of_its_wall(catalogue: Catalogue) -> None:
    await open_wall(catalogue, consent="I took it.")
    upload = await stored(catalogue)
    assert upload.state is UploadState.STORED
    assert upload.post_id is not None
    [work] = await catalogue.work.claim(["guest"], "test", LEASE, 10)
    assert (work.post_id, work.key) == (upload.post_id, f"sha256:{SHA}")
    assert [media.origins for media in work.media] == [(f"store:{upload.key}",)]
    assert await catalogue.work.finish(work, rendered(work)) is State.APPROVED
    [post] = (await catalogue.posts.snapshot("main")).posts
    assert (post.author.name, post.text, post.source) == ("Ada", "At last!", "guest")


@pytest.mark.parametrize(
    ("rules", "fields", "code"),
    [
        ({"enabled": False}, {}, "off"),
        ({"opens": "2030-01-01T00:00:00Z"}, {}, "early"),
        ({"closes": "2020-01-01T00:00:00Z"}, {}, "over"),
        ({}, {"consent": False}, "consent"),
        ({"name_required": True}, {"author": ""}, "name"),
        ({}, {"type": "application/pdf"}, "type"),
        ({"video": False}, {"type": "video/mp4"}, "type"),
        ({"image_bytes": 999}, {}, "size"),
        ({"image_bytes": 999}, {"type": "", "size": 2**33}, "size"),
        ({"image_bytes": 999}, {"type": "video/mp4"}, None),
        ({"wall_bytes": 999}, {}, "quota"),
        ({"guest_bytes": 999}, {}, "quota"),
        ({}, {}, None),
    ],
)
async def test_the_walls_rules_are_kept(
    catalogue: Catalogue, rules: dict[str, Any], fields: dict[str, Any], code: str | None
) -> None:
    await open_wall(catalogue, **rules)
    assert await _code(catalogue, **fields) == code


async def test_quotas_count_what_is_there_and_what_may_still_come(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue, guest_posts=2, wall_posts=3)
    await stored(catalogue)
    await lease(catalogue)
    assert await _code(catalogue) == "quota"
    other = digest("h" * 26)
    assert await _code(catalogue, guest=other) is None
    assert await _code(catalogue, guest=digest("i" * 26)) == "quota"
    clock.advance(LEASE * 2)
    assert await _code(catalogue) is None


async def test_what_can_still_be_written_counts_whatever_became_of_it(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue, wall_bytes=2500, guest_posts=DIRECT_PER_GUEST)
    for _ in range(DIRECT_PER_GUEST):
        upload = await lease(catalogue, quarantine=new_key(), size=1000)
        await catalogue.uploads.withdraw(upload.id)
    assert await _code(catalogue, quarantine=new_key(), size=1) == "busy"
    assert await _code(catalogue, guest=digest("h" * 26), size=501) == "quota"
    assert await _code(catalogue, guest=digest("h" * 26), size=500) is None
    clock.advance(LEASE)
    assert await _code(catalogue, quarantine=new_key(), size=2500) is None


async def test_the_last_place_goes_to_one_of_two_who_ask_at_once(catalogue: Catalogue) -> None:
    await open_wall(catalogue, wall_posts=1)
    codes = await asyncio.gather(*(_code(catalogue, guest=digest(name * 26)) for name in "ab"))
    assert sorted(codes, key=str) == [None, "quota"]


async def test_a_picture_that_is_there_is_refused_and_its_guest_is_told_where(catalogue: Catalogue) -> None:
    await open_wall(catalogue)
    upload = await stored(catalogue)
    for guest, own in ((GUEST, upload.id), ("h" * 26, None)):
        with pytest.raises(UploadRefused) as error:
            await lease(catalogue, sha256=SHA, guest=digest(guest))
        assert (error.value.code, error.value.upload) == ("already", own)


async def test_of_two_that_send_the_same_bytes_at_once_one_is_stored(catalogue: Catalogue) -> None:
    await open_wall(catalogue)
    first, second = await begun(catalogue), await begun(catalogue)
    await catalogue.uploads.finish(first, kind="image", media_type="image/jpeg", sha256=SHA)
    with pytest.raises(UploadRefused) as error:
        await catalogue.uploads.finish(second, kind="image", media_type="image/jpeg", sha256=SHA)
    # the guest who never heard that the first one arrived is told which it is
    assert (error.value.code, error.value.upload) == ("already", first.upload.id)
    assert (await catalogue.uploads.get(second.upload.id)).state is UploadState.RECEIVING
    assert (await catalogue.posts.counts("main"))[State.RECEIVED] == 1


async def test_an_address_is_good_once_and_not_for_ever(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue)
    upload = await lease(catalogue)

    async def begin() -> str | None:
        try:
            await catalogue.uploads.begin(upload, holder="test", lease=LEASE)
        except UploadRefused as error:
            return error.code
        return None

    assert sorted(await asyncio.gather(begin(), begin()), key=str) == [None, "used"]
    upload = await lease(catalogue)
    clock.advance(LEASE)
    assert await begin() == "lease"


@pytest.mark.parametrize(
    ("rules", "direct", "code"),
    [
        ({"enabled": False}, False, "off"),
        ({"enabled": False}, True, "off"),
        ({"closes": "2020-01-01T00:00:00Z"}, False, None),
        ({"closes": "2020-01-01T00:00:00Z"}, True, "over"),
    ],
)
async def test_closing_a_wall_stops_addresses_that_were_given(
    catalogue: Catalogue, rules: dict[str, Any], direct: bool, code: str | None
) -> None:
    await open_wall(catalogue)
    upload = await lease(catalogue, quarantine=new_key() if direct else None)
    await catalogue.walls.change("main", uploads=rules)
    refused = None
    try:
        await catalogue.uploads.begin(upload, holder="test", lease=LEASE)
    except UploadRefused as error:
        refused = error.code
        # as if nothing had been: opened again in time, it is still good
        assert (await catalogue.uploads.get(upload.id)).state is UploadState.LEASED
    assert refused == code


async def test_an_aborted_upload_has_its_reason_and_nothing_more_happens_to_it(catalogue: Catalogue) -> None:
    await open_wall(catalogue)
    held = await begun(catalogue)
    await catalogue.uploads.abort(held, "It broke.")
    upload = await catalogue.uploads.get(held.upload.id)
    assert (upload.state, upload.error) == (UploadState.ABORTED, "It broke.")
    with pytest.raises(ClaimLost):
        await catalogue.uploads.finish(held, kind="image", media_type="image/jpeg", sha256=SHA)
    with pytest.raises(ClaimLost):
        await catalogue.uploads.renew(held, LEASE)
    assert (await catalogue.posts.counts("main"))[State.RECEIVED] == 0


async def test_withdrawing_takes_the_post_off_for_good_as_often_as_one_likes(catalogue: Catalogue) -> None:
    await open_wall(catalogue)
    upload = await stored(catalogue)
    [work] = await catalogue.work.claim(["guest"], "test", LEASE, 10)
    await catalogue.work.finish(work, rendered(work))
    seq = (await catalogue.walls.get("main")).seq
    for _ in range(2):
        withdrawn = await catalogue.uploads.withdraw(upload.id)
        assert withdrawn.keys == (upload.key,)
        assert withdrawn.media == (work.media[0].id,)
    assert (await catalogue.posts.snapshot("main")).posts == ()
    assert (await catalogue.walls.get("main")).seq == seq + 1
    assert (await catalogue.uploads.get(upload.id)).state is UploadState.WITHDRAWN
    assert (await catalogue.posts.get(work.post_id)).state is State.REMOVED
    with pytest.raises(UploadRefused, match="withdrawn"):
        await lease(catalogue, sha256=SHA)
    with pytest.raises(NotFound):
        await catalogue.uploads.withdraw("0" * 26)


async def test_who_withdraws_while_bytes_come_in_takes_the_claim_away(catalogue: Catalogue) -> None:
    await open_wall(catalogue)
    held = await begun(catalogue)
    await catalogue.uploads.withdraw(held.upload.id)
    with pytest.raises(ClaimLost):
        await catalogue.uploads.renew(held, LEASE)
    await catalogue.uploads.abort(held, "Too late.")
    assert (await catalogue.uploads.get(held.upload.id)).state is UploadState.WITHDRAWN


async def test_what_can_not_be_checked_now_may_be_asked_for_again(catalogue: Catalogue) -> None:
    await open_wall(catalogue)
    upload = await lease(catalogue, quarantine=new_key())
    for _ in range(2):
        held = await catalogue.uploads.begin(upload, holder="test", lease=LEASE)
        await catalogue.uploads.give_back(held)
    assert (await catalogue.uploads.get(upload.id)).until == upload.signed_until


async def test_a_guest_may_have_few_addresses_of_the_store_at_once(catalogue: Catalogue) -> None:
    await open_wall(catalogue)
    for _ in range(DIRECT_PER_GUEST):
        await lease(catalogue, quarantine=new_key())
    with pytest.raises(UploadRefused) as error:
        await lease(catalogue, quarantine=new_key())
    assert error.value.code == "busy"
    await lease(catalogue)


async def test_addresses_in_use_are_told_from_those_that_are_not(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue)
    waiting, held = await lease(catalogue), await begun(catalogue)
    assert await catalogue.uploads.still_leased([waiting.id, held.upload.id]) == {waiting.id}
    await catalogue.uploads.cancel(waiting, "No.")
    assert await catalogue.uploads.still_leased([waiting.id]) == set()


async def test_only_a_secret_wall_can_be_closed_to_its_guests(catalogue: Catalogue) -> None:
    with pytest.raises(CatalogueError, match="Only a secret wall"):
        await open_wall(catalogue, only=True)
    wall = await catalogue.walls.add("party", "Party", secret=True)
    await open_wall(catalogue, "party", only=True)
    wall = await catalogue.walls.get("party")
    key = await catalogue.links.adding_key(wall)
    assert await catalogue.links.opens_adding("party", wall, key)
    assert not await catalogue.links.opens("party", wall, key)
    assert not await catalogue.links.opens_adding("party", wall, await catalogue.links.key(wall))
    assert not await catalogue.links.opens_adding("none", None, key)


async def test_a_missing_wall_is_not_found(catalogue: Catalogue) -> None:
    with pytest.raises(NotFound):
        await catalogue.uploads.lease(asked("none"), holder="test", lease=timedelta(seconds=1), key=new_key())
