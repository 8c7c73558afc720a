"""Walls, and the counter that gives each event its seq: without holes, however many write at once."""

import asyncio
import json
from collections.abc import Sequence

import pytest

from tests.fakes.posts import LEASE, due_search, finish_all, source_post, store
from wall.catalogue import Catalogue
from wall.catalogue.searches import DueSearch
from wall.catalogue.walls import RETENTION_MOST, append_event, lock_wall
from wall.errors import CatalogueError, CatalogueUnavailable, NotFound
from wall.events import Cursor, Event
from wall.posts import SourceRemoval
from wall.states import ActionKind, Policy, State

pytestmark = pytest.mark.anyio


async def _pending(catalogue: Catalogue, wall: str, count: int) -> list[str]:
    due = await due_search(catalogue, wall)
    await store(catalogue, due, *(source_post(f"{wall}-{n}") for n in range(count)))
    await finish_all(catalogue)
    return [post.post.id for post in await catalogue.posts.by_state(wall, State.PENDING)]


async def _approve(catalogue: Catalogue, post_ids: Sequence[str]) -> None:
    for post_id in post_ids:
        await catalogue.moderation.act(post_id, ActionKind.APPROVE, operator="eve", state=State.PENDING, revision=1)


async def test_many_writers_on_several_walls_leave_no_hole_and_no_double(
    catalogue: Catalogue, database_url: str
) -> None:
    await catalogue.walls.add("stage", "Stage", Policy.HOLD)
    await catalogue.walls.change("main", policy=Policy.HOLD)
    ids = {slug: await _pending(catalogue, slug, 12) for slug in ("main", "stage")}
    other = Catalogue(database_url)
    doors = [catalogue, other]
    approvals = [_approve(doors[n % 2], ids[slug][n::4]) for slug in ids for n in range(4)]
    titles = [doors[n % 2].walls.change(slug, title=f"Title {n}") for slug in ids for n in range(4)]
    await asyncio.gather(*approvals, *titles)
    await other.close()
    for slug, post_ids in ids.items():
        wall = await catalogue.walls.get(slug)
        events = await catalogue.log.after(slug, Cursor(wall.epoch, 0))
        assert events is not None
        assert [event.seq for event in events] == list(range(1, 17))
        assert wall.seq == 16
        assert [json.loads(event.body)["seq"] for event in events] == list(range(1, 17))
        assert {event.post_id for event in events if event.kind == "published"} == set(post_ids)
        shown = [post.id for post in (await catalogue.posts.snapshot(slug)).posts]
        assert shown == [event.post_id for event in reversed(events) if event.kind == "published"]


async def test_an_event_that_is_not_the_next_one_is_refused_and_nothing_is_written(catalogue: Catalogue) -> None:
    wall = await catalogue.walls.get("main")
    for epoch, seq in ((wall.epoch, 2), (wall.epoch, 0), ("00000000", 1)):
        event = Event(wall="main", epoch=epoch, seq=seq, kind="removed", at=catalogue.now(), post_ids=("a",))
        with pytest.raises(CatalogueError, match="was not locked"):
            async with catalogue.database.writing() as connection:
                await lock_wall(connection, "main")
                await append_event(connection, event)
    assert await catalogue.walls.get("main") == wall
    assert await catalogue.log.count("main") == 0


async def test_a_new_epoch_sorts_above_the_old_one_and_counts_from_one_again(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a"), source_post("b"))
    await finish_all(catalogue)
    before = await catalogue.posts.snapshot("main")
    [wall] = await catalogue.walls.new_epoch()
    assert wall.epoch > before.cursor.epoch
    assert (wall.seq, wall.confirmed) == (0, 0)
    assert await catalogue.log.after("main", before.cursor) is None
    assert await catalogue.log.unconfirmed(wall, 10) == []
    after = await catalogue.posts.snapshot("main")
    assert after.posts == before.posts
    assert after.cursor == wall.cursor
    [again] = await catalogue.walls.new_epoch()
    assert again.epoch > wall.epoch


async def test_after_a_new_epoch_what_comes_stands_above_what_was_there(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    for key in ("a", "b"):
        await store(catalogue, due, source_post(key))
        await finish_all(catalogue)
        await catalogue.walls.new_epoch()
    await store(catalogue, due, source_post("c"))
    await finish_all(catalogue)
    snapshot = await catalogue.posts.snapshot("main")
    assert [post.url for post in snapshot.posts] == [f"https://x.com/ada/status/{key}" for key in "cba"]
    assert snapshot.cursor.seq == 1


async def test_a_new_epoch_in_the_middle_of_moves_hinders_nobody(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), *(source_post(f"p{n}") for n in range(24)))
    await finish_all(catalogue)
    ids = [post.post.id for post in await catalogue.posts.by_state("main", State.APPROVED)]

    async def remove(post_ids: Sequence[str]) -> None:
        for post_id in post_ids:
            await catalogue.moderation.act(post_id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)

    async def renew() -> None:
        for _ in range(6):
            await catalogue.walls.new_epoch()

    await asyncio.gather(renew(), *(remove(ids[n::4]) for n in range(4)))
    assert (await catalogue.posts.snapshot("main")).posts == ()
    wall = await catalogue.walls.get("main")
    events = await catalogue.log.after("main", Cursor(wall.epoch, 0))
    assert [event.seq for event in events or ()] == list(range(1, wall.seq + 1))


async def test_viewers_hear_of_a_title_and_of_settings_but_not_of_the_policy(catalogue: Catalogue) -> None:
    await catalogue.walls.change("main", policy=Policy.HOLD)
    await catalogue.walls.change("main", title="Frieze")
    assert (await catalogue.walls.get("main")).seq == 0
    await catalogue.walls.change("main", title="Party")
    wall = await catalogue.walls.change("main", settings={"columns": 3})
    assert (wall.title, wall.policy, wall.settings, wall.seq) == ("Party", Policy.HOLD, {"columns": 3}, 2)
    events = await catalogue.log.after("main", Cursor(wall.epoch, 0))
    assert events is not None
    told = [json.loads(event.body)["settings"] for event in events]
    assert told == [
        {"slug": "main", "title": "Party", "settings": {}},
        {"slug": "main", "title": "Party", "settings": {"columns": 3}},
    ]


async def test_of_many_who_add_the_same_wall_one_does_and_the_others_are_told(catalogue: Catalogue) -> None:
    results = await asyncio.gather(*(catalogue.walls.add("stage", f"T{n}") for n in range(6)), return_exceptions=True)
    refused = [result for result in results if isinstance(result, CatalogueError)]
    assert len(refused) == 5
    assert {str(error) for error in refused} == {"There is a wall named stage already."}
    assert not any(isinstance(error, CatalogueUnavailable) for error in refused)


async def test_processes_that_start_at_once_all_find_the_wall_that_each_makes_sure_of(catalogue: Catalogue) -> None:
    await asyncio.gather(*(catalogue.walls.ensure("stage", "Stage") for _ in range(6)))
    await catalogue.walls.ensure("stage", "Another title")
    assert [(wall.slug, wall.title) for wall in await catalogue.walls.all()] == [("main", "Frieze"), ("stage", "Stage")]


@pytest.mark.parametrize("slug", ["", "Main", "a" * 41, "a.b", "a/b", "a b", "ä", "a\n", "*", ">"])
async def test_a_name_that_could_mean_more_than_one_topic_is_refused(catalogue: Catalogue, slug: str) -> None:
    with pytest.raises(CatalogueError, match="can't name a wall"):
        await catalogue.walls.add(slug, "Title")


async def test_a_wall_that_is_not_there_is_said_so(catalogue: Catalogue) -> None:
    with pytest.raises(NotFound, match="no wall named none"):
        await catalogue.walls.get("none")
    with pytest.raises(NotFound, match="no wall named none"):
        await catalogue.walls.change("none", title="x")


async def test_pages_of_two_sweeps_that_add_and_take_down_at_once_do_not_block_each_other(catalogue: Catalogue) -> None:
    one = await due_search(catalogue)
    await store(catalogue, one, *(source_post(f"old{n}") for n in range(24)))
    await finish_all(catalogue)
    await catalogue.searches.add("main", "demo", "something else")
    [two] = await catalogue.searches.claim_due(["demo"], "test", LEASE, 1)

    async def sweep(due: DueSearch, name: str, order: Sequence[int]) -> None:
        for n in order:
            posts = [source_post(f"{name}-{n}"), source_post(f"both-{n}")]
            removals = [SourceRemoval(key=f"old{n}")]
            await catalogue.posts.store(due, LEASE, posts=posts, removals=removals, checkpoint={})

    await asyncio.gather(sweep(one, "one", range(24)), sweep(two, "two", range(23, -1, -1)))
    counts = await catalogue.posts.counts("main")
    assert (counts[State.REMOVED], counts[State.RECEIVED]) == (24, 72)


async def test_viewers_hear_whether_they_may_have_originals_and_of_nothing_that_is_not_theirs(
    catalogue: Catalogue,
) -> None:
    before = await catalogue.walls.get("main")
    assert (before.retention, before.downloads, before.view.settings) == (24, False, {})
    kept = await catalogue.walls.change("main", retention=72)
    assert (kept.retention, kept.seq) == (72, before.seq)
    assert (await catalogue.walls.change("main", downloads=True)).seq == before.seq + 1
    events = await catalogue.log.after("main", before.cursor)
    assert events is not None
    assert [json.loads(event.body)["settings"]["settings"] for event in events] == [{"downloads": True}]
    assert (await catalogue.walls.change("main", downloads=False)).view.settings == {}


async def test_a_retention_that_is_none_is_refused(catalogue: Catalogue) -> None:
    for hours in (-1, RETENTION_MOST + 1):
        with pytest.raises(CatalogueError, match="kept for 0 to"):
            await catalogue.walls.change("main", retention=hours)
    assert (await catalogue.walls.get("main")).retention == 24
