"""Sweeps against a real catalogue: failures are said and paced, pages are whole, nobody waits for another's network."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

import pytest

from ingest.sources.base import Page
from ingest.sweeper import BUDGET_PAUSE, LEASE, LONGEST_PAUSE, REFUSED_PAUSE, Sweeper
from tests.fakes.beside import beside
from tests.fakes.clock import Clock
from tests.fakes.posts import source_post
from tests.fakes.sources import ScriptedNetwork
from tests.fakes.waiting import until
from wall.catalogue import Catalogue
from wall.catalogue.posts import Stored
from wall.errors import (
    CatalogueUnavailable,
    SourceBudgetSpent,
    SourceError,
    SourceLimited,
    SourceRefused,
    SourceUnavailable,
)
from wall.posts import SourceRemoval
from wall.searches import Search
from wall.states import State

pytestmark = pytest.mark.anyio


@pytest.fixture
def network() -> ScriptedNetwork:
    return ScriptedNetwork()


def _sweeping(
    catalogue: Catalogue, network: ScriptedNetwork, holder: str = "test"
) -> AbstractAsyncContextManager[None]:
    return beside(Sweeper(catalogue, {network.network: network}, holder).run())


async def _search(catalogue: Catalogue, query: str) -> Search:
    return await catalogue.searches.find("main", "scripted", query)


async def _settled(catalogue: Catalogue, network: ScriptedNetwork, query: str, sweeps: int) -> Search:
    """The search after that many sweeps of it, the last one recorded."""
    end = asyncio.get_running_loop().time() + 20
    while True:
        found = await _search(catalogue, query)
        begun = sum(1 for swept, _ in network.swept if swept == query)
        if begun == sweeps and network.open == 0 and found.next_at > catalogue.now():
            return found
        assert asyncio.get_running_loop().time() < end, f"{begun} sweeps of {query}: {found}"
        await asyncio.sleep(0.01)


async def _checkpoint(catalogue: Catalogue, clock: Clock) -> Any:
    """What the only search remembers, as the next one who claims it would see it."""
    clock.advance(24 * 3600)
    [due] = await catalogue.searches.claim_due(["scripted"], "reader", LEASE, 10)
    return due.checkpoint


async def _keys(catalogue: Catalogue) -> set[str]:
    posts = await catalogue.posts.by_state("main", State.RECEIVED, limit=1000)
    return {(post.post.url or "").rpartition("/")[2] for post in posts}


async def _until_stored(catalogue: Catalogue, key: str) -> None:
    end = asyncio.get_running_loop().time() + 20
    while key not in await _keys(catalogue):
        assert asyncio.get_running_loop().time() < end, key
        await asyncio.sleep(0.01)


def _page(*keys: str, checkpoint: Any, next_in: float = 3600, note: str = "") -> Page:
    return Page(posts=tuple(source_post(key) for key in keys), checkpoint=checkpoint, next_in=next_in, note=note)


@pytest.mark.parametrize(
    ("error", "shortest", "longest"),
    [
        (SourceUnavailable("The network is away."), 1, 2),
        (SourceLimited("Asked too often."), 1, 2),
        (SourceBudgetSpent("The month's posts are used up."), BUDGET_PAUSE, BUDGET_PAUSE),
        (SourceRefused("The token is wrong."), REFUSED_PAUSE, REFUSED_PAUSE),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, SourceError) else "",
)
async def test_a_failure_is_said_at_its_search_in_the_sources_own_words(
    clocked: Catalogue, network: ScriptedNetwork, error: SourceError, shortest: float, longest: float
) -> None:
    network.script["fails"] = [(error,)]
    await clocked.searches.add("main", "scripted", "fails")
    await clocked.searches.add("main", "scripted", "goes well")
    async with _sweeping(clocked, network):
        after = await _settled(clocked, network, "fails", 1)
        other = await _settled(clocked, network, "goes well", 1)
    assert (after.error, after.failures, after.error_at) == (str(error), 1, clocked.now())
    assert shortest <= (after.next_at - clocked.now()).total_seconds() <= longest
    assert (other.error, other.note, other.swept_at) == (None, "Nothing new.", clocked.now())


async def test_a_mistake_of_a_source_is_its_searchs_trouble_only(clocked: Catalogue, network: ScriptedNetwork) -> None:
    network.script["broken"] = [(ZeroDivisionError("division by zero"),)]
    await clocked.searches.add("main", "scripted", "broken")
    await clocked.searches.add("main", "scripted", "goes well")
    async with _sweeping(clocked, network):
        after = await _settled(clocked, network, "broken", 1)
        other = await _settled(clocked, network, "goes well", 1)
    assert after.error == "Unexpected ZeroDivisionError in the source; the log has it."
    assert 1 <= (after.next_at - clocked.now()).total_seconds() <= 2
    assert other.error is None


async def test_pauses_grow_to_five_minutes_and_begin_anew_after_a_success(
    clocked: Catalogue, clock: Clock, network: ScriptedNetwork
) -> None:
    failures = 11
    away = SourceUnavailable("The network is away.")
    network.script["a"] = [*[(away,)] * failures, (_page(checkpoint={}, next_in=60),), (away,)]
    await clocked.searches.add("main", "scripted", "a")
    pauses: list[float] = []
    async with _sweeping(clocked, network):
        for sweeps in range(1, failures + 3):
            found = await _settled(clocked, network, "a", sweeps)
            pauses.append((found.next_at - clock()).total_seconds())
            if sweeps == failures + 1:
                assert (found.error, found.failures) == (None, 0)
            clock.advance(pauses[-1])
            clocked.changed.fire()
    for n, pause in enumerate(pauses[:failures]):
        longest = min(LONGEST_PAUSE, 2 * 2**n)
        assert longest / 2 <= pause <= longest
    assert pauses[failures] == 60
    assert 1 <= pauses[failures + 1] <= 2


async def test_a_network_that_says_until_when_is_left_alone_until_then(
    clocked: Catalogue, clock: Clock, network: ScriptedNetwork
) -> None:
    network.script["a"] = [(SourceLimited("Asked too often.", until=clock() + timedelta(seconds=120)),)]
    await clocked.searches.add("main", "scripted", "a")
    async with _sweeping(clocked, network):
        found = await _settled(clocked, network, "a", 1)
        assert 120 <= (found.next_at - clock()).total_seconds() <= 123
        clock.advance(119)
        # one more search, whose sweep shows that the sweeper has looked
        await clocked.searches.add("main", "scripted", "b")
        await _settled(clocked, network, "b", 1)
        assert [query for query, _ in network.swept] == ["a", "b"]


async def test_a_wait_that_is_over_already_does_not_shorten_the_pause(
    clocked: Catalogue, clock: Clock, network: ScriptedNetwork
) -> None:
    network.script["a"] = [(SourceLimited("Asked too often.", until=clock() - timedelta(hours=1)),)]
    await clocked.searches.add("main", "scripted", "a")
    async with _sweeping(clocked, network):
        found = await _settled(clocked, network, "a", 1)
    assert 1 <= (found.next_at - clock()).total_seconds() <= 2


async def test_a_query_the_network_would_not_take_is_never_swept(clocked: Catalogue, network: ScriptedNetwork) -> None:
    network.refusals["("] = SourceRefused("The query has an open bracket.")
    await clocked.searches.add("main", "scripted", "(")
    async with _sweeping(clocked, network):
        found = await _settled(clocked, network, "(", 0)
    assert found.error == "The query has an open bracket."
    assert not network.swept


async def test_a_sweep_that_takes_long_keeps_no_other_search_waiting(
    clocked: Catalogue, network: ScriptedNetwork
) -> None:
    go_on = asyncio.Event()
    network.script["slow"] = [(go_on, _page("late", checkpoint={}))]
    network.script["quick"] = [(_page("early", checkpoint={}),)]
    await clocked.searches.add("main", "scripted", "slow")
    await clocked.searches.add("main", "scripted", "quick")
    async with _sweeping(clocked, network):
        await until(lambda: len(network.swept) == 2 and network.open == 1, "the quick one to be through")
        end = asyncio.get_running_loop().time() + 20
        while not (await _search(clocked, "quick")).swept_at:
            assert asyncio.get_running_loop().time() < end
            await asyncio.sleep(0.01)
        assert await _keys(clocked) == {"early"}
        go_on.set()
        await _settled(clocked, network, "slow", 1)
    assert await _keys(clocked) == {"early", "late"}


async def test_what_a_search_found_after_it_was_paused_is_not_stored(
    clocked: Catalogue, clock: Clock, network: ScriptedNetwork
) -> None:
    go_on = asyncio.Event()
    network.script["a"] = [(_page("before", checkpoint={"at": 1}), go_on, _page("after", checkpoint={"at": 2}))]
    search = await clocked.searches.add("main", "scripted", "a")
    async with _sweeping(clocked, network):
        await until(lambda: network.open == 1, "the sweep to begin")
        await _until_stored(clocked, "before")
        await clocked.searches.enable(search.id, enabled=False)
        go_on.set()
        await until(lambda: network.open == 0, "the sweep to end")
    assert await _keys(clocked) == {"before"}
    paused = await _search(clocked, "a")
    assert (paused.enabled, paused.error, paused.swept_at) == (False, None, None)
    await clocked.searches.enable(search.id, enabled=True)
    assert await _checkpoint(clocked, clock) == {"at": 1}


async def test_pages_before_a_failure_stay_and_the_next_sweep_goes_on_from_them(
    clocked: Catalogue, clock: Clock, network: ScriptedNetwork
) -> None:
    network.script["a"] = [
        (_page("one", checkpoint={"at": 1}), SourceUnavailable("The network is away.")),
        (_page("two", checkpoint={"at": 2}),),
    ]
    await clocked.searches.add("main", "scripted", "a")
    async with _sweeping(clocked, network):
        assert (await _settled(clocked, network, "a", 1)).failures == 1
        clock.advance(2)
        clocked.changed.fire()
        assert (await _settled(clocked, network, "a", 2)).failures == 0
    assert network.swept == [("a", {}), ("a", {"at": 1})]
    assert await _keys(clocked) == {"one", "two"}


async def test_the_checkpoint_of_a_long_page_moves_with_its_last_post_and_not_before(
    clocked: Catalogue, clock: Clock, network: ScriptedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [f"p{n:03}" for n in range(150)]
    network.script["a"] = [(_page(*keys, checkpoint={"at": 1}),), (_page(*keys, checkpoint={"at": 1}),)]
    await clocked.searches.add("main", "scripted", "a")
    store, calls = clocked.posts.store, 0

    async def breaks_once(*args: Any, **options: Any) -> Stored:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise CatalogueUnavailable("The database does not answer.")
        return await store(*args, **options)

    monkeypatch.setattr(clocked.posts, "store", breaks_once)
    async with _sweeping(clocked, network):
        await until(lambda: calls == 2 and network.open == 0, "the second half to be refused")
        assert len(await _keys(clocked)) == 100
        clock.advance(LEASE.total_seconds() + 1)
        clocked.changed.fire()
        found = await _settled(clocked, network, "a", 2)
    assert network.swept[1] == ("a", {})
    assert await _keys(clocked) == set(keys)
    assert found.note == "50 new, 0 edited, 0 removed."
    assert await _checkpoint(clocked, clock) == {"at": 1}


async def test_a_sweep_says_what_it_found_unless_its_source_says_more(
    clocked: Catalogue, clock: Clock, network: ScriptedNetwork
) -> None:
    network.script["a"] = [
        (_page("one", "two", checkpoint={}), _page("three", checkpoint={}, next_in=10)),
        (Page(removals=(SourceRemoval(key="one"),), checkpoint={}, next_in=10),),
        (_page(checkpoint={}, note="Up to date."),),
    ]
    await clocked.searches.add("main", "scripted", "a")
    notes: list[str] = []
    async with _sweeping(clocked, network):
        for sweeps in (1, 2, 3):
            notes.append((await _settled(clocked, network, "a", sweeps)).note)
            clock.advance(10)
            clocked.changed.fire()
    assert notes == ["3 new, 0 edited, 0 removed.", "0 new, 0 edited, 1 removed.", "Up to date."]


async def test_a_stop_in_the_middle_leaves_whole_pages_and_another_process_goes_on_from_them(
    clocked: Catalogue, clock: Clock, network: ScriptedNetwork
) -> None:
    never = asyncio.Event()
    network.script["a"] = [
        (_page("one", checkpoint={"at": 1}), never, _page("two", checkpoint={"at": 2})),
        (_page("two", checkpoint={"at": 2}),),
    ]
    await clocked.searches.add("main", "scripted", "a")
    async with _sweeping(clocked, network):
        await _until_stored(clocked, "one")
    assert network.open == 0  # the source could let go of what it held
    assert await _keys(clocked) == {"one"}
    clock.advance(LEASE.total_seconds() + 1)
    async with _sweeping(clocked, network, "another"):
        await _settled(clocked, network, "a", 2)
    assert network.swept[1] == ("a", {"at": 1})
    assert await _keys(clocked) == {"one", "two"}


async def test_two_processes_never_sweep_one_search_at_once(clocked: Catalogue, network: ScriptedNetwork) -> None:
    go_on = asyncio.Event()
    network.script["a"] = [(go_on,)]
    await clocked.searches.add("main", "scripted", "a")
    async with _sweeping(clocked, network, "one"), _sweeping(clocked, network, "other"):
        await until(lambda: network.open, "one of them to begin")
        await clocked.searches.add("main", "scripted", "b")
        await until(lambda: len(network.swept) == 2, "the other search")
        assert [query for query, _ in network.swept] == ["a", "b"]
        go_on.set()
