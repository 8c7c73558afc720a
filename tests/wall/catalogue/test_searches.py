"""Searches that several processes share and several operators change."""

import asyncio
from datetime import timedelta

import pytest

from tests.fakes.clock import Clock
from tests.fakes.posts import LEASE, due_search, source_post, store
from wall.catalogue import Catalogue
from wall.catalogue.searches import SEARCHES_PER_WALL, DueSearch
from wall.errors import CatalogueError, ClaimLost, NotFound
from wall.searches import QUERY_CHARACTERS
from wall.states import State

pytestmark = pytest.mark.anyio

WHILE_SWEEPING = ["pause", "pause and go on", "remove"]


async def _do(catalogue: Catalogue, search_id: str, what: str) -> None:
    if what == "remove":
        await catalogue.searches.remove(search_id)
        return
    await catalogue.searches.enable(search_id, enabled=False)
    if what == "pause and go on":
        await catalogue.searches.enable(search_id, enabled=True)


async def test_of_many_sweepers_at_once_each_search_has_one(catalogue: Catalogue) -> None:
    for n in range(5):
        await catalogue.searches.add("main", "demo", f"query {n}")
    claims = await asyncio.gather(*(catalogue.searches.claim_due(["demo"], f"s{n}", LEASE, 2) for n in range(8)))
    got = [due.search.query for claim in claims for due in claim]
    assert len(got) == len(set(got))
    rest = await catalogue.searches.claim_due(["demo"], "last", LEASE, 10)
    assert sorted([*got, *(due.search.query for due in rest)]) == [f"query {n}" for n in range(5)]


async def test_what_a_dead_sweeper_held_goes_to_another_and_its_late_page_is_refused(
    catalogue: Catalogue, clock: Clock
) -> None:
    dead = await due_search(catalogue)
    assert await catalogue.searches.claim_due(["demo"], "other", LEASE, 1) == []
    clock.advance(LEASE * 2)
    [alive] = await catalogue.searches.claim_due(["demo"], "alive", LEASE, 1)
    with pytest.raises(ClaimLost):
        await store(catalogue, dead, source_post("a"))
    await catalogue.searches.renew(dead, LEASE * 10)
    await catalogue.searches.finish(dead, next_at=clock() + timedelta(hours=1), note="dead")
    await catalogue.searches.fail(dead, next_at=clock() + timedelta(hours=1), error="dead")
    [search] = await catalogue.searches.all()
    assert (search.note, search.error, search.failures) == ("", None, 0)
    await store(catalogue, alive, source_post("a"))
    clock.advance(LEASE * 2)
    assert len(await catalogue.searches.claim_due(["demo"], "third", LEASE, 1)) == 1


async def test_each_page_and_each_renewal_keep_the_search(catalogue: Catalogue, clock: Clock) -> None:
    due = await due_search(catalogue)
    clock.advance(LEASE * 0.9)
    await store(catalogue, due, source_post("a"))
    clock.advance(LEASE * 0.9)
    assert await catalogue.searches.claim_due(["demo"], "other", LEASE, 1) == []
    await catalogue.searches.renew(due, LEASE)
    clock.advance(LEASE * 0.9)
    assert await catalogue.searches.claim_due(["demo"], "other", LEASE, 1) == []


@pytest.mark.parametrize("what", WHILE_SWEEPING)
async def test_a_page_of_a_search_that_was_changed_meanwhile_is_not_stored(catalogue: Catalogue, what: str) -> None:
    due = await due_search(catalogue)
    await _do(catalogue, due.search.id, what)
    with pytest.raises(ClaimLost):
        await catalogue.posts.store(due, LEASE, posts=[source_post("a")], removals=(), checkpoint={"page": 2})
    assert (await catalogue.posts.counts("main"))[State.RECEIVED] == 0
    for again in await catalogue.searches.claim_due(["demo"], "other", LEASE, 1):
        assert again.checkpoint == {}


@pytest.mark.parametrize("what", WHILE_SWEEPING)
async def test_a_change_in_the_middle_of_a_page_lets_all_of_the_page_in_or_nothing(
    catalogue: Catalogue, what: str
) -> None:
    for n in range(6):
        due = await due_search(catalogue)
        posts = [source_post(f"{n}-{key}") for key in range(5)]
        page = catalogue.posts.store(due, LEASE, posts=posts, removals=(), checkpoint={"page": n})
        stored, changed = await asyncio.gather(page, _do(catalogue, due.search.id, what), return_exceptions=True)
        assert changed is None
        assert isinstance(stored, ClaimLost) or (not isinstance(stored, BaseException) and stored.new == 5)
        assert sum((await catalogue.posts.counts("main")).values()) % 5 == 0
        for search in await catalogue.searches.all():
            await catalogue.searches.remove(search.id)


async def test_of_many_who_add_the_same_search_all_get_it_and_it_is_there_once(catalogue: Catalogue) -> None:
    added = await asyncio.gather(*(catalogue.searches.add("main", "demo", "cats") for _ in range(6)))
    assert len({search.id for search in added}) == 1
    assert len(await catalogue.searches.all("main")) == 1


async def test_adding_a_paused_search_again_switches_it_on_where_it_was(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await catalogue.posts.store(due, LEASE, posts=(), removals=(), checkpoint={"page": 7})
    await catalogue.searches.enable(due.search.id, enabled=False)
    assert await catalogue.searches.claim_due(["demo"], "test", LEASE, 1) == []
    again = await due_search(catalogue)
    assert again.search.id == due.search.id
    assert again.checkpoint == {"page": 7}


async def test_a_wall_has_so_many_searches_at_most_also_when_all_are_added_at_once(catalogue: Catalogue) -> None:
    for n in range(SEARCHES_PER_WALL - 2):
        await catalogue.searches.add("main", "demo", f"query {n}")
    results = await asyncio.gather(
        *(catalogue.searches.add("main", "demo", f"more {n}") for n in range(5)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, CatalogueError)]
    assert len(refused) == 3
    assert len(await catalogue.searches.all("main")) == SEARCHES_PER_WALL
    assert (await catalogue.searches.add("main", "demo", "query 0")).query == "query 0"


@pytest.mark.parametrize("query", ["", "  \n", "x" * (QUERY_CHARACTERS + 1)])
async def test_an_empty_or_endless_query_is_refused(catalogue: Catalogue, query: str) -> None:
    with pytest.raises(CatalogueError, match="1 to 1024 characters"):
        await catalogue.searches.add("main", "demo", query)


async def test_what_is_not_there_is_said_so(catalogue: Catalogue) -> None:
    with pytest.raises(NotFound, match="no wall"):
        await catalogue.searches.add("none", "demo", "cats")
    with pytest.raises(NotFound, match="does not look for 'cats' on demo"):
        await catalogue.searches.find("main", "demo", "cats")
    with pytest.raises(NotFound):
        await catalogue.searches.enable("none", enabled=True)
    with pytest.raises(NotFound):
        await catalogue.searches.remove("none")


async def test_a_sweep_that_is_complete_says_so_and_clears_the_trouble(catalogue: Catalogue, clock: Clock) -> None:
    due = await due_search(catalogue)
    for failures in (1, 2):
        await catalogue.searches.fail(due, next_at=clock(), error="X is away.")
        found = await catalogue.searches.find("main", "demo", "anything")
        assert (found.error, found.failures) == ("X is away.", failures)
        assert found.error_at is not None
        [due] = await catalogue.searches.claim_due(["demo"], "test", LEASE, 1)
    next_at = clock() + timedelta(minutes=1)
    await catalogue.searches.finish(due, next_at=next_at, note="3 new.")
    found = await catalogue.searches.find("main", "demo", "anything")
    assert (found.error, found.failures, found.note, found.next_at) == (None, 0, "3 new.", next_at)
    assert found.swept_at is not None
    assert await _due(catalogue) == []
    clock.advance(timedelta(minutes=1))
    assert len(await _due(catalogue)) == 1


async def test_the_soonest_search_of_the_asked_networks_that_is_not_paused_counts(
    catalogue: Catalogue, clock: Clock
) -> None:
    assert await catalogue.searches.soonest(["demo", "x"]) is None
    first = await catalogue.searches.add("main", "demo", "one")
    second = await catalogue.searches.add("main", "x", "two")
    assert await catalogue.searches.soonest(["demo", "x"]) == first.next_at
    assert await catalogue.searches.soonest(["x"]) == second.next_at
    await catalogue.searches.enable(first.id, enabled=False)
    assert await catalogue.searches.soonest(["demo", "x"]) == second.next_at


async def test_a_search_that_somebody_sweeps_is_not_due_before_its_claim_ends(
    catalogue: Catalogue, clock: Clock
) -> None:
    await catalogue.searches.add("main", "demo", "one")
    assert len(await _due(catalogue)) == 1
    soonest = await catalogue.searches.soonest(["demo"])
    assert soonest is not None
    assert soonest > clock()


async def test_posts_of_a_search_that_was_removed_stay(catalogue: Catalogue) -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, source_post("a"))
    await catalogue.searches.remove(due.search.id)
    assert await catalogue.searches.all() == []
    assert (await catalogue.posts.counts("main"))[State.RECEIVED] == 1


async def _due(catalogue: Catalogue) -> list[DueSearch]:
    return await catalogue.searches.claim_due(["demo"], "test", LEASE, 10)
