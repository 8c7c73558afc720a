"""Any number of workers, any of which may die: each post is worked on by one, and only its holder's result counts."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from tests.fakes.clock import Clock
from tests.fakes.posts import LEASE, due_search, finish_all, rendered, source_post, store
from wall.catalogue import Catalogue
from wall.catalogue.work import MediaResult, PostWork
from wall.errors import ClaimLost
from wall.posts import SourceRemoval
from wall.states import ActionKind, Policy, State

pytestmark = pytest.mark.anyio


async def _claim_one(catalogue: Catalogue, holder: str = "test") -> PostWork:
    [work] = await catalogue.work.claim(["demo"], holder, LEASE, 10)
    return work


async def test_two_workers_never_get_the_same_post(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, *(source_post(f"p{n}") for n in range(10)))
    first = await catalogue.work.claim(["demo"], "one", LEASE, 6)
    second = await catalogue.work.claim(["demo"], "two", LEASE, 6)
    assert len(first) == 6
    assert len(second) == 4
    assert not {work.post_id for work in first} & {work.post_id for work in second}


async def test_of_many_workers_at_once_each_post_has_one(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, *(source_post(f"p{n}") for n in range(20)))

    async def work_until_nothing_is_left(holder: str) -> list[str]:
        done: list[str] = []
        while works := await catalogue.work.claim(["demo"], holder, LEASE, 3):
            for work in works:
                await catalogue.work.finish(work, rendered(work))
                done.append(work.key)
        return done

    done = await asyncio.gather(*(work_until_nothing_is_left(f"worker {n}") for n in range(6)))
    # a claimer that met only locked rows may leave early, the others do the rest
    left = [work.key for work in await catalogue.work.claim(["demo"], "last", LEASE, 100)]
    assert Counter(key for keys in [*done, left] for key in keys) == Counter(f"p{n}" for n in range(20))
    assert (await catalogue.posts.counts("main"))[State.APPROVED] == 20 - len(left)


async def test_what_a_dead_worker_held_goes_to_another_and_its_late_result_is_refused(
    catalogue: Catalogue, clock: Clock
) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a"))
    dead = await _claim_one(catalogue, "dead")
    assert await catalogue.work.claim(["demo"], "other", LEASE, 10) == []
    clock.advance(LEASE * 2)
    alive = await _claim_one(catalogue, "alive")
    assert alive.token != dead.token
    with pytest.raises(ClaimLost):
        await catalogue.work.renew(dead, LEASE)
    with pytest.raises(ClaimLost):
        await catalogue.work.postpone(dead, rendered(dead), clock())
    with pytest.raises(ClaimLost):
        await catalogue.work.finish(dead, rendered(dead))
    await catalogue.work.release(dead)
    assert await catalogue.work.claim(["demo"], "other", LEASE, 10) == []
    assert (await catalogue.posts.get(dead.post_id)).state is State.RECEIVED
    assert await catalogue.media.find(dead.media[0].id, "thumbnail-320") is None
    assert await catalogue.work.finish(alive, rendered(alive)) is State.APPROVED


async def test_of_many_workers_of_an_expired_post_exactly_one_gets_it(catalogue: Catalogue, clock: Clock) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a"))
    await _claim_one(catalogue, "dead")
    clock.advance(LEASE * 2)
    claims = await asyncio.gather(*(catalogue.work.claim(["demo"], f"w{n}", LEASE, 1) for n in range(8)))
    assert [len(claim) for claim in claims if claim] == [1]


async def test_a_result_that_is_given_twice_at_once_counts_once(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a"))
    work = await _claim_one(catalogue)
    results = await asyncio.gather(
        *(catalogue.work.finish(work, rendered(work)) for _ in range(4)), return_exceptions=True
    )
    assert Counter(type(result) for result in results) == {State: 1, ClaimLost: 3}
    assert (await catalogue.walls.get("main")).seq == 1


async def test_a_worker_that_renews_keeps_its_post(catalogue: Catalogue, clock: Clock) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a"))
    work = await _claim_one(catalogue)
    for _ in range(3):
        clock.advance(LEASE * 0.9)
        await catalogue.work.renew(work, LEASE)
        assert await catalogue.work.claim(["demo"], "other", LEASE, 10) == []
    assert await catalogue.work.finish(work, rendered(work)) is State.APPROVED


async def test_a_postponed_post_keeps_what_is_done_and_comes_back_in_time_with_one_more_attempt(
    catalogue: Catalogue, clock: Clock
) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a", pictures=3))
    work = await _claim_one(catalogue)
    assert work.attempts == 0
    await catalogue.work.postpone(work, rendered(work)[:1], clock() + timedelta(minutes=5))
    assert await catalogue.work.claim(["demo"], "test", LEASE, 10) == []
    clock.advance(timedelta(minutes=4))
    assert await catalogue.work.claim(["demo"], "test", LEASE, 10) == []
    clock.advance(timedelta(minutes=1))
    again = await _claim_one(catalogue)
    assert again.attempts == 1
    assert again.media == work.media[1:]
    await catalogue.work.postpone(again, [], clock(), counts=False)
    again = await _claim_one(catalogue)
    assert again.attempts == 1
    await catalogue.work.finish(again, rendered(again))
    [post] = (await catalogue.posts.snapshot("main")).posts
    assert len(post.media) == 3


async def test_a_post_that_is_given_back_can_be_taken_at_once_and_costs_no_attempt(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a"))
    work = await _claim_one(catalogue)
    await catalogue.work.release(work)
    again = await _claim_one(catalogue, "other")
    assert again.attempts == 0
    with pytest.raises(ClaimLost):
        await catalogue.work.finish(work, rendered(work))


async def test_the_oldest_posts_of_the_asked_sources_come_first(catalogue: Catalogue) -> None:
    for network, key in (("demo", "first"), ("x", "other"), ("demo", "second")):
        await store(catalogue, await due_search(catalogue, network=network), source_post(key))
        for search in await catalogue.searches.all():
            await catalogue.searches.enable(search.id, enabled=False)
    assert [work.key for work in await catalogue.work.claim(["demo"], "test", LEASE, 1)] == ["first"]
    assert [work.key for work in await catalogue.work.claim(["demo"], "test", LEASE, 1)] == ["second"]
    assert [work.key for work in await catalogue.work.claim(["x", "folder"], "test", LEASE, 10)] == ["other"]


async def test_work_on_a_post_that_was_edited_meanwhile_is_thrown_away(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    work = await _claim_one(catalogue)
    await store(catalogue, due, source_post("a", version=2, text="Edited"))
    with pytest.raises(ClaimLost):
        await catalogue.work.finish(work, rendered(work))
    assert (await catalogue.posts.snapshot("main")).posts == ()


@pytest.mark.parametrize("by", ["source", "operator"])
async def test_work_on_a_post_that_was_removed_meanwhile_is_thrown_away(catalogue: Catalogue, by: str) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    work = await _claim_one(catalogue)
    if by == "source":
        await catalogue.posts.store(due, LEASE, posts=(), removals=[SourceRemoval(key="a")], checkpoint={})
    else:
        await catalogue.moderation.act(
            work.post_id, ActionKind.REMOVE, operator="eve", state=State.RECEIVED, revision=1
        )
    with pytest.raises(ClaimLost):
        await catalogue.work.finish(work, rendered(work))
    assert (await catalogue.posts.get(work.post_id)).state is State.REMOVED
    assert await finish_all(catalogue) == []


async def test_the_walls_policy_at_the_end_of_the_work_decides(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a"))
    work = await _claim_one(catalogue)
    await catalogue.walls.change("main", policy=Policy.HOLD)
    assert await catalogue.work.finish(work, rendered(work)) is State.PENDING
    assert (await catalogue.walls.get("main")).seq == 0


async def test_a_post_without_a_usable_picture_fails_with_the_reason_and_can_be_tried_again(
    catalogue: Catalogue,
) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a", pictures=2))
    work = await _claim_one(catalogue)
    assert await catalogue.work.finish(work, rendered(work, error="This is a PDF.")) is State.FAILED
    [failed] = await catalogue.posts.by_state("main", State.FAILED)
    assert failed.reason == "This is a PDF."
    await catalogue.moderation.act(failed.post.id, ActionKind.RETRY, operator="eve", state=State.FAILED, revision=1)
    assert await finish_all(catalogue) == [State.APPROVED]


async def test_a_picture_that_cant_be_used_is_left_out_and_the_others_are_shown(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a", pictures=2))
    work = await _claim_one(catalogue)
    bad = MediaResult(media_id=work.media[0].id, error="This is a PDF.")
    assert await catalogue.work.finish(work, [bad, *rendered(work)[1:]]) is State.APPROVED
    [post] = (await catalogue.posts.snapshot("main")).posts
    assert [media.alt for media in post.media] == ["Picture 1"]
    assert (await catalogue.posts.get(work.post_id)).media_errors == ("This is a PDF.",)


async def test_an_authors_picture_alone_makes_no_post(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a", pictures=0, avatar=True))
    work = await _claim_one(catalogue)
    assert [media.is_avatar for media in work.media] == [True]
    assert await catalogue.work.finish(work, rendered(work)) is State.FAILED
    assert (await catalogue.posts.get(work.post_id)).reason == "The post has no picture."


async def test_what_comes_of_the_work_wakes_those_who_wait(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a"))
    work = await _claim_one(catalogue)
    with catalogue.changed.listen() as listener:
        await catalogue.work.finish(work, rendered(work))
        assert await listener.wait(0)
