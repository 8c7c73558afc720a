"""Walls that show later what guests add."""

from datetime import timedelta

import pytest

from tests.fakes.clock import Clock
from tests.fakes.posts import due_search, finish_all, rendered, source_post, store
from tests.fakes.uploads import LEASE, open_wall, stored
from wall.catalogue import Catalogue
from wall.states import ActionKind, Policy, State

pytestmark = pytest.mark.anyio


async def _add(catalogue: Catalogue, count: int) -> list[str]:
    posts: list[str] = []
    for number in range(count):
        await stored(catalogue, sha256=f"{number:064x}")
    for work in await catalogue.work.claim(["guest"], "test", LEASE, count):
        await catalogue.work.finish(work, rendered(work))
        posts.append(work.post_id)
    return posts


async def test_what_guests_add_comes_onto_the_wall_when_it_is_revealed(catalogue: Catalogue, clock: Clock) -> None:
    await open_wall(catalogue, reveal_at=(clock() + timedelta(hours=1)).isoformat())
    posts = await _add(catalogue, 3)
    await store(catalogue, await due_search(catalogue), source_post("a"))
    await finish_all(catalogue)
    assert [post.source for post in (await catalogue.posts.snapshot("main")).posts] == ["demo"]
    assert (await catalogue.posts.counts("main"))[State.APPROVED] == 4
    assert await catalogue.reveals.due() == []
    assert await catalogue.reveals.reveal("main") == 0
    [view] = [await catalogue.posts.get(posts[0])]
    assert (view.state, view.shown) == (State.APPROVED, False)
    clock.advance(timedelta(hours=1))
    assert await catalogue.reveals.due() == ["main"]
    assert await catalogue.reveals.reveal("main") == 3
    assert await catalogue.reveals.due() == []
    snapshot = await catalogue.posts.snapshot("main")
    assert [post.id for post in snapshot.posts][:3] == posts[::-1]
    events = await catalogue.log.unconfirmed(await catalogue.walls.get("main"), 10)
    assert [event.post_id for event in events if event.kind == "published"][1:] == posts
    assert [event.seq for event in events] == list(range(1, len(events) + 1))


async def test_an_approval_before_its_time_waits_and_a_removal_does_not(catalogue: Catalogue, clock: Clock) -> None:
    await catalogue.walls.change("main", policy=Policy.HOLD)
    await open_wall(catalogue, reveal_at=(clock() + timedelta(hours=1)).isoformat())
    first, second = await _add(catalogue, 2)
    before = (await catalogue.walls.get("main")).seq
    for post in (first, second):
        moved = await catalogue.moderation.act(
            post, ActionKind.APPROVE, operator="eve", state=State.PENDING, revision=1
        )
        assert moved is State.APPROVED
    await catalogue.moderation.act(second, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)
    assert (await catalogue.walls.get("main")).seq == before
    # shown earlier than planned
    await catalogue.walls.change("main", uploads={"reveal_at": None})
    assert await catalogue.reveals.due() == ["main"]
    assert await catalogue.reveals.reveal("main") == 1
    assert [post.id for post in (await catalogue.posts.snapshot("main")).posts] == [first]
