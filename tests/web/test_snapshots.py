"""Snapshots and log answers are made once for all who ask, and again only after a change."""

import asyncio
import gzip
import json
from typing import Any

import pytest

from tests.fakes.posts import due_search, finish_all, source_post, store
from wall.catalogue import Catalogue
from wall.catalogue.searches import DueSearch
from wall.errors import CatalogueUnavailable, NotFound
from wall.events import Cursor, Snapshot
from web.snapshots import Shared, Snapshots

pytestmark = pytest.mark.anyio


@pytest.fixture
async def due(catalogue: Catalogue) -> DueSearch:
    return await due_search(catalogue)


class Counted:
    """The catalogue's own snapshots, counted."""

    def __init__(self, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads = 0
        self.fails = False
        self._snapshot = catalogue.posts.snapshot
        monkeypatch.setattr(catalogue.posts, "snapshot", self)

    async def __call__(self, slug: str) -> Snapshot:
        self.reads += 1
        if self.fails:
            raise CatalogueUnavailable("The database does not answer.")
        return await self._snapshot(slug)


def _posts(shared: Shared) -> list[Any]:
    return json.loads(shared.plain)["posts"]


async def test_a_crowd_that_asks_at_once_gets_one_read_and_the_very_same_bytes(
    catalogue: Catalogue, due: DueSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    counted, snapshots = Counted(catalogue, monkeypatch), Snapshots(catalogue)
    crowd = await asyncio.gather(*(snapshots.snapshot("main") for _ in range(50)))
    assert len({id(one) for one in crowd}) == 1
    assert await snapshots.snapshot("main") is crowd[0]
    assert counted.reads == 1
    assert gzip.decompress(crowd[0].zipped) == crowd[0].plain
    assert len(_posts(crowd[0])) == 1


async def test_each_change_of_the_wall_makes_a_new_one_and_nothing_else_does(
    catalogue: Catalogue, due: DueSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, snapshots = Counted(catalogue, monkeypatch), Snapshots(catalogue)
    assert _posts(await snapshots.snapshot("main")) == []
    await store(catalogue, due, source_post("a"))  # found, and on no wall yet
    await snapshots.snapshot("main")
    assert counted.reads == 1
    await finish_all(catalogue)
    assert len(_posts(await snapshots.snapshot("main"))) == 1
    assert counted.reads == 2
    await catalogue.walls.change("main", title="The stage")
    assert json.loads((await snapshots.snapshot("main")).plain)["wall"]["title"] == "The stage"
    await catalogue.walls.new_epoch()
    [wall] = await catalogue.walls.all()
    assert json.loads((await snapshots.snapshot("main")).plain)["cursor"] == str(wall.cursor)
    assert counted.reads == 4


async def test_walls_do_not_share_theirs(catalogue: Catalogue, due: DueSearch) -> None:
    await catalogue.walls.add("stage", "The stage")
    await store(catalogue, due, source_post("a"))
    await finish_all(catalogue)
    snapshots = Snapshots(catalogue)
    assert len(_posts(await snapshots.snapshot("main"))) == 1
    assert _posts(await snapshots.snapshot("stage")) == []


async def test_a_failure_is_told_to_all_who_waited_and_kept_for_nobody(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted, snapshots = Counted(catalogue, monkeypatch), Snapshots(catalogue)
    counted.fails = True
    answers = await asyncio.gather(*(snapshots.snapshot("main") for _ in range(5)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {CatalogueUnavailable}
    assert counted.reads == 1
    counted.fails = False
    assert _posts(await snapshots.snapshot("main")) == []
    with pytest.raises(NotFound):
        await snapshots.snapshot("nowhere")


async def test_one_that_stops_waiting_does_not_take_it_from_the_others(catalogue: Catalogue) -> None:
    snapshots = Snapshots(catalogue)
    first, second = (asyncio.create_task(snapshots.snapshot("main")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert _posts(await second) == []
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_the_logs_answers_are_the_events_as_they_went_to_the_broker(catalogue: Catalogue, due: DueSearch) -> None:
    await store(catalogue, due, source_post("a"), source_post("b"))
    await finish_all(catalogue)
    snapshots = Snapshots(catalogue)
    epoch = (await catalogue.walls.get("main")).epoch
    logged = await catalogue.log.after("main", Cursor(epoch, 1))
    assert logged is not None
    crowd = await asyncio.gather(*(snapshots.events("main", Cursor(epoch, 1)) for _ in range(20)))
    assert len({id(one) for one in crowd}) == 1
    [answer, *_] = crowd
    assert answer is not None
    assert answer.plain.decode() == '{"events":[' + logged[0].body + "]}"
    assert gzip.decompress(answer.zipped) == answer.plain
    everything = await snapshots.events("main", Cursor(epoch, 0))
    assert everything is not None
    assert [event["seq"] for event in json.loads(everything.plain)["events"]] == [1, 2]
    nothing = await snapshots.events("main", Cursor(epoch, 2))
    assert nothing is not None
    assert json.loads(nothing.plain) == {"events": []}
    assert await snapshots.events("main", Cursor(epoch, 3)) is None
