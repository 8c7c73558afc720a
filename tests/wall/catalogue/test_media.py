"""Who may see which bytes, and which bytes may go."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.fakes.clock import Clock
from tests.fakes.posts import LEASE, due_search, finish_all, rendered, source_post, store
from wall.catalogue import Catalogue
from wall.catalogue.work import MediaResult, StoredRendition
from wall.posts import SourceRemoval
from wall.states import ActionKind, Policy, State

pytestmark = pytest.mark.anyio

ROLE = "thumbnail-320"
KEPT = timedelta(hours=24)


async def _shown(catalogue: Catalogue) -> tuple[str, str]:
    """A post on the wall: its id and its picture's."""
    await store(catalogue, await due_search(catalogue), source_post("a"))
    await finish_all(catalogue)
    [post] = (await catalogue.posts.snapshot("main")).posts
    return post.id, post.media[0].id


async def _remove(catalogue: Catalogue, post_id: str) -> None:
    await catalogue.moderation.act(post_id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)


async def test_a_picture_is_public_while_its_post_is_on_the_wall(catalogue: Catalogue) -> None:
    await catalogue.walls.change("main", policy=Policy.HOLD)
    await store(catalogue, await due_search(catalogue), source_post("a"))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 1)
    media_id = work.media[0].id
    assert await catalogue.media.find(media_id, ROLE) is None
    await catalogue.work.finish(work, rendered(work))
    seen: list[tuple[bool, bool]] = []
    for kind, state in (
        (ActionKind.APPROVE, State.PENDING),
        (ActionKind.REMOVE, State.APPROVED),
        (ActionKind.RESTORE, State.REMOVED),
    ):
        found = await catalogue.media.find(media_id, ROLE)
        assert found is not None
        seen.append((found.public, found.removed))
        await catalogue.moderation.act(work.post_id, kind, operator="eve", state=state, revision=1)
    assert seen == [(False, False), (True, False), (False, True)]
    assert await catalogue.media.find(media_id, "poster") is None
    assert await catalogue.media.find("0" * 26, ROLE) is None


async def test_an_original_is_public_only_where_its_wall_allows_downloads(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a"))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 1)
    original = StoredRendition(role="original", width=1, height=1, type="image/jpeg", bytes=9, key="o")
    [result] = rendered(work)
    both = MediaResult(media_id=result.media_id, width=1, height=1, renditions=(*result.renditions, original))
    await catalogue.work.finish(work, [both])
    found = await catalogue.media.find(result.media_id, "original")
    assert found is not None
    assert not found.public
    await catalogue.walls.change("main", downloads=True)
    found = await catalogue.media.find(result.media_id, "original")
    assert found is not None
    assert found.public
    [post] = (await catalogue.posts.snapshot("main")).posts
    assert [rendition.role for rendition in post.media[0].renditions] == [ROLE]


async def test_many_are_looked_up_at_once_with_what_a_browser_is_told_of_them(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    named = source_post("a")
    await store(catalogue, due, replace(named, media=(replace(named.media[0], name="IMG_1.JPG"),)), source_post("b"))
    await finish_all(catalogue)
    newest, oldest = sorted((await catalogue.posts.snapshot("main")).posts, key=lambda post: post.url or "")[::-1]
    found = await catalogue.media.served([newest.media[0].id, oldest.media[0].id, "0" * 26])
    assert found.keys() == {newest.media[0].id, oldest.media[0].id}
    assert [found[post.media[0].id].renditions[ROLE].name for post in (oldest, newest)] == ["IMG_1.JPG", ""]
    assert found[oldest.media[0].id].renditions[ROLE].ready == oldest.ready
    assert not found[oldest.media[0].id].removed
    assert await catalogue.media.served([]) == {}


async def test_a_removed_posts_media_is_known_as_removed_also_when_its_bytes_are_gone(catalogue: Catalogue) -> None:
    post_id, media_id = await _shown(catalogue)
    await _remove(catalogue, post_id)
    await catalogue.media.purged(media_id)
    found = (await catalogue.media.served([media_id]))[media_id]
    assert found.removed
    assert not found.renditions
    assert await catalogue.media.find(media_id, ROLE) is None


async def test_a_signed_address_is_good_for_one_rendition_until_its_time_is_over(
    catalogue: Catalogue, clock: Clock, database_url: str
) -> None:
    address = urlsplit(await catalogue.media.sign("m" * 26, ROLE, LEASE))
    assert address.path == f"/media/{'m' * 26}/{ROLE}"
    fields = parse_qs(address.query)
    until, signature = int(fields["until"][0]), fields["signature"][0]
    # another process of the same installation agrees
    other = Catalogue(database_url, now=clock)
    assert await other.media.signed("m" * 26, ROLE, until, signature)
    await other.close()
    assert not await catalogue.media.signed("n" * 26, ROLE, until, signature)
    assert not await catalogue.media.signed("m" * 26, "original", until, signature)
    assert not await catalogue.media.signed("m" * 26, ROLE, until + 1, signature)
    clock.advance(LEASE * 2)
    assert not await catalogue.media.signed("m" * 26, ROLE, until, signature)


async def test_whatever_a_stranger_writes_into_an_address_is_no_signature(catalogue: Catalogue) -> None:
    for until in (999_999_999_999, 10**30, 0, -(10**30)):
        for signature in ("", "é", "\ud800", "0" * 64):
            assert not await catalogue.media.signed("m" * 26, ROLE, until, signature)


async def test_an_operators_removal_keeps_the_bytes_for_a_while(catalogue: Catalogue, clock: Clock) -> None:
    post_id, media_id = await _shown(catalogue)
    await _remove(catalogue, post_id)
    clock.advance(KEPT - timedelta(minutes=1))
    assert await catalogue.media.purgeable(10) == []
    clock.advance(timedelta(minutes=2))
    assert await catalogue.media.purgeable(10) == [media_id]
    assert await catalogue.media.give_up(media_id) == ("k",)


async def test_what_is_made_while_bytes_are_given_up_is_given_up_or_refused(catalogue: Catalogue, clock: Clock) -> None:
    posts = [source_post(str(number)) for number in range(10)]
    await store(catalogue, await due_search(catalogue), *posts)
    await finish_all(catalogue)
    shown = (await catalogue.posts.snapshot("main")).posts
    assert len(shown) == len(posts)
    for post in shown:
        await _remove(catalogue, post.id)
    clock.advance(KEPT + timedelta(minutes=1))
    made = StoredRendition(role="thumbnail-640", width=1, height=1, type="image/webp", bytes=9, key="late")
    for post in shown:
        media_id = post.media[0].id
        added, keys = await asyncio.gather(
            catalogue.media.add_renditions(media_id, [made]), catalogue.media.give_up(media_id)
        )
        assert keys == (("k", "late") if added else ("k",))
        assert not await catalogue.media.add_renditions(media_id, [replace(made, role="thumbnail-1280")])


async def test_bytes_of_what_the_source_withdrew_may_go_at_once_and_then_the_post_is_forgotten(
    catalogue: Catalogue, clock: Clock
) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"), source_post("b"))
    await finish_all(catalogue)
    await catalogue.posts.store(due, LEASE, posts=(), removals=[SourceRemoval(key="a")], checkpoint={})
    clock.advance(timedelta(hours=1))
    [media_id] = await catalogue.media.purgeable(10)
    assert await catalogue.posts.forget_withdrawn(timedelta(0)) == 0
    await catalogue.media.purged(media_id)
    assert await catalogue.media.purgeable(10) == []
    assert await catalogue.posts.forget_withdrawn(timedelta(hours=2)) == 0
    assert await catalogue.posts.forget_withdrawn(timedelta(0)) == 1
    assert (await catalogue.posts.counts("main"))[State.REMOVED] == 0


async def test_bytes_of_what_stands_on_the_wall_stay_also_when_a_later_edit_was_rejected(
    catalogue: Catalogue, clock: Clock
) -> None:
    post_id, _ = await _shown(catalogue)
    await catalogue.walls.change("main", policy=Policy.HOLD)
    [search] = await catalogue.searches.all()
    await catalogue.searches.remove(search.id)
    await store(catalogue, await due_search(catalogue), source_post("a", version=2, pictures=2))
    await finish_all(catalogue)
    await catalogue.moderation.act(post_id, ActionKind.REJECT, operator="eve", state=State.PENDING, revision=2)
    clock.advance(KEPT * 2)
    [shown] = (await catalogue.posts.snapshot("main")).posts
    purgeable = await catalogue.media.purgeable(10)
    assert len(purgeable) == 1
    assert not {media.id for media in shown.media} & set(purgeable)


async def test_bytes_of_a_picture_that_an_edit_replaced_may_go_once_the_edit_is_on_the_wall(
    catalogue: Catalogue,
) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a", pictures=2))
    await finish_all(catalogue)
    [before] = (await catalogue.posts.snapshot("main")).posts
    await store(catalogue, due, source_post("a", version=2, pictures=1))
    assert await catalogue.media.purgeable(10) == []
    await finish_all(catalogue)
    assert await catalogue.media.purgeable(10) == [before.media[1].id]
