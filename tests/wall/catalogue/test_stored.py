"""Which objects the catalogue knows: what it forgets here would be deleted."""

import pytest

from tests.fakes.clock import Clock
from tests.fakes.posts import LEASE, due_search, source_post, store
from tests.fakes.uploads import begun, lease, open_wall
from wall.catalogue import Catalogue
from wall.catalogue.stored import PAGE, KnownObject
from wall.catalogue.work import MediaResult, StoredRendition
from wall.posts import SourceMedia, SourcePost
from wall.states import ActionKind, State
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio


async def _known(catalogue: Catalogue) -> dict[str, KnownObject]:
    return {one.key: one async for one in catalogue.stored.all()}


def _rendition(role: str, key: str) -> StoredRendition:
    return StoredRendition(role=role, width=4, height=3, type="image/webp", bytes=7, key=key)


async def _finish(catalogue: Catalogue) -> None:
    for work in await catalogue.work.claim(["demo", "command"], "test", LEASE, 1000):
        renditions = {
            media.id: (_rendition("thumbnail-320", f"t{media.id}"), _rendition("original", f"o{media.id}"))
            for media in work.media
        }
        results = [
            MediaResult(media_id=media.id, width=4, height=3, sha256="ab", renditions=renditions[media.id])
            for media in work.media
        ]
        await catalogue.work.finish(work, results)


async def test_renditions_and_originals_are_known_with_their_length_and_originals_with_their_hash(
    catalogue: Catalogue,
) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a", pictures=2))
    assert await _known(catalogue) == {}
    await _finish(catalogue)
    known = await _known(catalogue)
    assert len(known) == 4
    for key, one in known.items():
        assert (one.length, one.needed) == (7, True)
        assert one.sha256 == ("ab" if key.startswith("o") else None)
        assert one in await catalogue.stored.of(one.media_id)


async def test_what_a_guest_is_sending_is_known_until_it_is_a_media_or_nothing(catalogue: Catalogue) -> None:
    await open_wall(catalogue)
    through_us, direct = await begun(catalogue), await lease(catalogue, quarantine=new_key())
    assert set(await _known(catalogue)) == {through_us.upload.key, direct.key, direct.quarantine}
    assert not any(one.needed for one in (await _known(catalogue)).values())
    await catalogue.uploads.abort(through_us, "The guest went away.")
    assert set(await _known(catalogue)) == {direct.key, direct.quarantine}


async def test_what_the_command_line_handed_over_is_known_before_it_is_rendered(catalogue: Catalogue) -> None:
    found = source_post("a")
    handed = SourcePost(
        key=found.key,
        version=1,
        author_name="Ada",
        author_handle="",
        avatar=None,
        text="",
        url=None,
        created=found.created,
        media=(SourceMedia(key="m", kind="image", origin="store:" + "k" * 26),),
    )
    await catalogue.posts.add("main", "command", handed)
    assert {key: (one.length, one.needed) for key, one in (await _known(catalogue)).items()} == {"k" * 26: (None, True)}
    await _finish(catalogue)
    known = await _known(catalogue)
    assert not known["k" * 26].needed
    assert len(known) == 3


async def test_bytes_that_were_given_up_are_known_until_they_are_gone_and_not_needed(
    catalogue: Catalogue, clock: Clock
) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a"))
    await _finish(catalogue)
    [post] = (await catalogue.posts.snapshot("main")).posts
    await catalogue.moderation.act(post.id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)
    clock.advance(3 * 86400)
    media_id = post.media[0].id
    assert await catalogue.media.give_up(media_id)
    assert [one.needed for one in await catalogue.stored.of(media_id)] == [False, False]
    await catalogue.media.purged(media_id)
    assert await _known(catalogue) == {}


async def test_more_than_a_page_is_known_once_each(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    count = PAGE // 20 + 1
    for start in range(0, count, 10):
        posts = [source_post(f"p{n}", pictures=20) for n in range(start, min(count, start + 10))]
        await store(catalogue, due, *posts)
    await _finish(catalogue)
    keys = [one.key async for one in catalogue.stored.all()]
    assert len(keys) == len(set(keys)) == count * 20 * 2 > 2 * PAGE
