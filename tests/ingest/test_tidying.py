"""What a killed process left in the store: looked for once an hour, by one of however many."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from ingest.tidying import EVERY, OLDER, Tidying
from tests.fakes.beside import beside
from tests.fakes.clock import Clock
from tests.fakes.waiting import until
from wall.catalogue import Catalogue
from wall.errors import StoreUnavailable
from wall.store.disk import DiskStore

pytestmark = pytest.mark.anyio


class CountingStore(DiskStore):
    """A folder that counts how often it is tidied, can be away, and can take for ever."""

    rounds = 0
    away = False
    stuck = False

    async def tidy(self, older: timedelta) -> int:
        self.rounds += 1
        if self.away:
            raise StoreUnavailable("The store is away.")
        if self.stuck:
            await asyncio.Event().wait()
        return await super().tidy(older)


@pytest.fixture
async def store(tmp_path: Path) -> CountingStore:
    store = CountingStore(tmp_path / "store")
    await store.start()
    return store


def leave(store: CountingStore, name: str, age: timedelta) -> Path:
    """What a killed process leaves of a write, `age` after its last byte."""
    folder = store.root / "ab" / "cd"
    folder.mkdir(parents=True, exist_ok=True)
    left = folder / f".{name}.part"
    left.write_bytes(b"half")
    written = left.stat().st_mtime - age.total_seconds()
    os.utime(left, (written, written))
    return left


async def test_what_was_left_a_day_ago_goes_and_what_is_being_written_stays(
    clocked: Catalogue, store: CountingStore
) -> None:
    minute = timedelta(minutes=1)
    old, young = leave(store, "old", OLDER + minute), leave(store, "young", OLDER - minute)
    with structlog.testing.capture_logs() as said:
        assert await Tidying(clocked, store, "one").tidy() == 1
    assert (old.exists(), young.exists()) == (False, True)
    [line] = said
    assert (line["log_level"], line["writes"]) == ("info", 1)


async def test_a_store_without_leftovers_is_nothing_to_tell_of(clocked: Catalogue, store: CountingStore) -> None:
    with structlog.testing.capture_logs() as said:
        assert await Tidying(clocked, store, "one").tidy() == 0
    assert said == []


async def test_one_process_tidies_once_an_hour(clocked: Catalogue, clock: Clock, store: CountingStore) -> None:
    one, two = Tidying(clocked, store, "one"), Tidying(clocked, store, "two")
    for _ in range(2):
        await one.tidy()
        await two.tidy()
    assert store.rounds == 1
    clock.advance(EVERY + timedelta(seconds=1))
    await two.tidy()
    await one.tidy()
    assert store.rounds == 2


async def test_a_store_that_is_away_is_tidied_when_it_is_back(clocked: Catalogue, store: CountingStore) -> None:
    store.away = True
    with pytest.raises(StoreUnavailable):
        await Tidying(clocked, store, "one").tidy()
    store.away = False
    await Tidying(clocked, store, "two").tidy()
    assert store.rounds == 2


async def test_a_round_that_never_ends_is_ended(
    clocked: Catalogue, clock: Clock, store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.tidying.AT_MOST_SECONDS", 0.05)
    store.stuck = True
    with pytest.raises(StoreUnavailable, match="took longer"):
        await Tidying(clocked, store, "one").tidy()
    assert await Tidying(clocked, store, "two").tidy() == 0
    clock.advance(EVERY + timedelta(seconds=1))
    store.stuck = False
    await Tidying(clocked, store, "two").tidy()
    assert store.rounds == 2


async def test_who_is_stopped_leaves_it_to_the_others(clocked: Catalogue, store: CountingStore) -> None:
    store.stuck = True
    async with beside(Tidying(clocked, store, "one").run()):
        await until(lambda: store.rounds == 1, "it to begin")
    store.stuck = False
    await Tidying(clocked, store, "two").tidy()
    assert store.rounds == 2


async def test_it_begins_as_soon_as_it_starts_and_goes_on_after_trouble(
    clocked: Catalogue, store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.tidying.LOOK_SECONDS", 0.01)
    left = leave(store, "old", OLDER * 2)
    store.away = True
    with structlog.testing.capture_logs() as said:
        async with beside(Tidying(clocked, store, "one").run()):
            await until(lambda: store.rounds >= 2, "it to be tried again")
            store.away = False
            await until(lambda: not left.exists(), "what was left to go")
    assert said[0]["reason"] == "The store is away."
