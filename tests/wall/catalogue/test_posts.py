"""From a source's page to the snapshot, on both databases."""

import pytest

from tests.fakes.posts import LEASE, due_search, finish_all, source_post, store
from wall.catalogue import Catalogue
from wall.events import Cursor
from wall.posts import SourceRemoval
from wall.states import Policy, State

pytestmark = pytest.mark.anyio


async def test_a_post_on_an_open_wall_is_shown_when_its_pictures_are_ready(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a", pictures=2, avatar=True))
    assert (await catalogue.posts.snapshot("main")).posts == ()
    assert await finish_all(catalogue) == [State.APPROVED]
    snapshot = await catalogue.posts.snapshot("main")
    [post] = snapshot.posts
    assert [media.alt for media in post.media] == ["Picture 0", "Picture 1"]
    assert post.author.avatar is not None
    assert snapshot.cursor.seq == 1


async def test_seeing_a_post_twice_changes_nothing(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    for _ in range(2):
        await store(catalogue, due, source_post("a"), source_post("a"))
        await finish_all(catalogue)
    assert (await catalogue.posts.snapshot("main")).cursor.seq == 1


async def test_an_edit_on_an_open_wall_updates_in_place_and_keeps_pictures(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    before = (await catalogue.posts.snapshot("main")).posts[0]
    await store(catalogue, due, source_post("a", version=2, text="Edited"))
    [work] = await catalogue.work.claim(["demo"], "test", LEASE, 10)
    assert work.media == ()
    await catalogue.work.finish(work, [])
    [after] = (await catalogue.posts.snapshot("main")).posts
    assert (after.text, after.revision) == ("Edited", 2)
    assert after.media[0].id == before.media[0].id


async def test_on_a_wall_that_holds_an_edit_waits_while_the_approved_revision_stays(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    await catalogue.walls.change("main", policy=Policy.HOLD)
    await store(catalogue, due, source_post("a", version=2, text="Edited"))
    assert await finish_all(catalogue) == [State.PENDING]
    [shown] = (await catalogue.posts.snapshot("main")).posts
    assert shown.text == "Hello"
    old_picture = await catalogue.media.find(shown.media[0].id, "thumbnail-320")
    assert old_picture is not None
    assert old_picture.public


async def test_a_removal_by_the_source_takes_the_post_down_for_good(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    media_id = (await catalogue.posts.snapshot("main")).posts[0].media[0].id
    await catalogue.posts.store(due, LEASE, posts=(), removals=[SourceRemoval(key="a")], checkpoint={})
    await store(catalogue, due, source_post("a", version=9))
    assert await finish_all(catalogue) == []
    assert (await catalogue.posts.snapshot("main")).posts == ()
    served = await catalogue.media.find(media_id, "thumbnail-320")
    assert served is not None
    assert (served.public, served.removed) == (False, True)
    head = await catalogue.log.head("main")
    assert head is not None
    events = await catalogue.log.after("main", Cursor(head.epoch, 1))
    assert events is not None
    assert [event.kind for event in events] == ["removed"]
