"""Collections keep their id, and leave a wall when they are forgotten, on both databases."""

import asyncio
from dataclasses import replace
from itertools import count

import pytest
from sqlalchemy import text

from tests.fakes.posts import LEASE, rendered, source_post
from wall.catalogue import Catalogue
from wall.catalogue.collections import Showing
from wall.errors import MoveRefused, NotFound
from wall.origins import stored_origin
from wall.posts import SourceMedia, SourcePost
from wall.states import ActionKind, Policy, State
from wall.store.collections.reference import Reference

pytestmark = pytest.mark.anyio

URL = "disk:/srv/photos"
NETWORK = "collection"


def _post(showing: Showing, name: str) -> SourcePost:
    origin = stored_origin(str(Reference(collection=showing.collection.id, name=name)))
    media = (SourceMedia(key="1", kind="image", origin=origin),)
    return replace(source_post(f"{showing.id}/{name}"), media=media)


async def _finish(catalogue: Catalogue, network: str = NETWORK) -> None:
    for work in await catalogue.work.claim([network], "test", LEASE, 100):
        await catalogue.work.finish(work, rendered(work))


async def _shown(catalogue: Catalogue, wall: str, *names: str) -> Showing:
    """A collection whose pictures stand on the wall."""
    showing = await catalogue.collections.show(URL, wall)
    await catalogue.collections.offer(showing, NETWORK, [_post(showing, name) for name in names])
    await _finish(catalogue)
    return showing


async def _forget(catalogue: Catalogue, wall: str) -> bool:
    collection, post_ids = await catalogue.collections.end(URL, wall)
    await catalogue.collections.take_down(wall, post_ids)
    return await catalogue.collections.drop(collection)


async def _standing(catalogue: Catalogue, wall: str) -> int:
    return len((await catalogue.posts.snapshot(wall)).posts)


async def test_a_place_is_one_collection_however_often_and_by_whom_it_is_named(catalogue: Catalogue) -> None:
    await catalogue.walls.add("party", "Party", Policy.OPEN)
    named = await asyncio.gather(*(catalogue.collections.show(URL, "main") for _ in range(4)))
    there = await catalogue.collections.show(URL, "party")
    other = await catalogue.collections.show("s3://photos?endpoint=https://s3.example", "main")
    assert len({one.id for one in named}) == 1
    assert await catalogue.collections.all() == [named[0].collection, other.collection]
    assert await catalogue.collections.showings() == [named[0], other, there]
    assert (there.collection, there.id != named[0].id) == (named[0].collection, True)
    assert await catalogue.collections.url(other.collection.id) == other.collection.url
    assert await catalogue.collections.url("x" * 26) is None
    with pytest.raises(NotFound, match="no wall named nowhere"):
        await catalogue.collections.show(URL, "nowhere")


async def test_what_is_forgotten_leaves_its_wall_in_one_event_and_others_stay(catalogue: Catalogue) -> None:
    await catalogue.walls.add("party", "Party", Policy.OPEN)
    showing = await _shown(catalogue, "main", "a.jpg", "b.jpg")
    there = await _shown(catalogue, "party", "a.jpg")
    own = await catalogue.posts.add("main", "command", source_post("own"))
    await _finish(catalogue, "command")
    assert (await catalogue.collections.standing(showing), await _standing(catalogue, "main")) == (2, 3)
    cursor = (await catalogue.posts.snapshot("main")).cursor
    assert not await _forget(catalogue, "main"), "another wall shows it"
    after = await catalogue.posts.snapshot("main")
    assert [post.id for post in after.posts] == [own]
    assert after.cursor.seq == cursor.seq + 1
    assert (await catalogue.posts.counts("main"))[State.REMOVED] == 2
    assert await catalogue.collections.showings() == [there]
    assert (await catalogue.collections.standing(there), await _standing(catalogue, "party")) == (1, 1)
    assert await catalogue.collections.url(showing.collection.id) == URL
    assert await _forget(catalogue, "party")
    assert await catalogue.collections.all() == []
    with pytest.raises(NotFound, match="frieze store collections"):
        await _forget(catalogue, "party")


async def test_posts_that_wait_for_somebody_are_forgotten_as_well(catalogue: Catalogue) -> None:
    await catalogue.walls.change("main", policy=Policy.HOLD)
    showing = await _shown(catalogue, "main", "pending.jpg")
    await catalogue.collections.offer(showing, NETWORK, [_post(showing, "received.jpg")])
    [work] = await catalogue.work.claim([NETWORK], "test", LEASE, 1)
    await _forget(catalogue, "main")
    counts = await catalogue.posts.counts("main")
    assert {state: count for state, count in counts.items() if count} == {State.REMOVED: 2}
    assert await catalogue.work.claim([NETWORK], "test", LEASE, 1) == []
    assert work.post_id in {post.post.id for post in await catalogue.posts.by_state("main", State.REMOVED)}


async def test_nobody_restores_what_was_forgotten_and_its_renditions_may_go(catalogue: Catalogue) -> None:
    await _shown(catalogue, "main", "a.jpg")
    [post] = (await catalogue.posts.snapshot("main")).posts
    await _forget(catalogue, "main")
    with pytest.raises(MoveRefused, match="gone"):
        await catalogue.moderation.act(post.id, ActionKind.RESTORE, operator="eve", state=State.REMOVED, revision=1)
    assert (await catalogue.posts.get(post.id)).reason == "Its collection was forgotten."
    assert await catalogue.media.purgeable(10) == [post.media[0].id]


async def test_who_still_watches_puts_nothing_more_on_the_wall(catalogue: Catalogue) -> None:
    showing = await _shown(catalogue, "main", "a.jpg")
    await catalogue.collections.check_shown(showing)
    await _forget(catalogue, "main")
    for _ in range(2):
        with pytest.raises(NotFound, match="told to forget disk:/srv/photos"):
            await catalogue.collections.check_shown(showing)
        with pytest.raises(NotFound, match="told to forget"):
            await catalogue.collections.offer(showing, NETWORK, [_post(showing, "b.jpg")])
        # nor when it was imported anew meanwhile
        await catalogue.collections.show(URL, "main")
    assert await _standing(catalogue, "main") == 0


async def test_imported_again_it_is_on_the_wall_again_at_once(catalogue: Catalogue) -> None:
    first = await _shown(catalogue, "main", "a.jpg")
    await _forget(catalogue, "main")
    again = await _shown(catalogue, "main", "a.jpg")
    assert (await _standing(catalogue, "main"), await catalogue.collections.standing(again)) == (1, 1)
    assert first.id != again.id


async def test_a_forgetting_that_was_interrupted_goes_on(catalogue: Catalogue) -> None:
    await _shown(catalogue, "main", "a.jpg", "b.jpg")
    _, post_ids = await catalogue.collections.end(URL, "main")
    await catalogue.collections.take_down("main", post_ids[:1])
    assert await _standing(catalogue, "main") == 1
    collection, rest = await catalogue.collections.end(URL, "main")
    assert list(rest) == list(post_ids[1:])
    await catalogue.collections.take_down("main", rest)
    assert await _standing(catalogue, "main") == 0
    assert await catalogue.collections.drop(collection)


async def test_forgetting_and_adding_at_once_leave_nothing_behind(catalogue: Catalogue) -> None:
    showing = await _shown(catalogue, "main", "a.jpg")

    async def add() -> None:
        for number in count():
            await catalogue.collections.offer(showing, NETWORK, [_post(showing, f"{number}.jpg")])
            if number == 2:
                begun.set()
            await asyncio.sleep(0.005)  # whoever writes without a pause keeps others out of SQLite

    begun = asyncio.Event()
    adding = asyncio.create_task(add())
    await begun.wait()
    await _forget(catalogue, "main")
    with pytest.raises(NotFound):
        await adding
    counts = await catalogue.posts.counts("main")
    assert counts[State.REMOVED] >= 4
    assert {state for state, count in counts.items() if count} == {State.REMOVED}


async def test_collections_from_before_there_were_showings_are_shown_where_they_are(catalogue: Catalogue) -> None:
    showing = await _shown(catalogue, "main", "a.jpg")
    async with catalogue.database.writing() as connection:
        # back to where 0009 was
        await connection.execute(text("DROP TABLE showing"))
        await connection.execute(text("UPDATE alembic_version SET version_num = '0009'"))
    await catalogue.migrate()
    [found] = await catalogue.collections.showings()
    assert (found.collection, found.wall) == (showing.collection, "main")
    # the keys of posts were made of the collection's id then
    assert found.id == showing.collection.id
