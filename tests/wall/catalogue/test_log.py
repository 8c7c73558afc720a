"""The log gives all events after a cursor, in order, or says that it can't; it keeps a day and 10,000 events."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import insert, update

from tests.fakes.clock import Clock
from tests.fakes.posts import due_search, finish_all, source_post, store
from wall.catalogue import Catalogue, tables
from wall.catalogue.log import KEEP_EVENTS, KEEP_FOR
from wall.events import Cursor

pytestmark = pytest.mark.anyio

HOUR = timedelta(hours=1)


async def _events(catalogue: Catalogue, count: int, *, confirmed: int | None = None) -> Cursor:
    """So many events more on the wall `main`, as if they had happened now."""
    wall = await catalogue.walls.get("main")
    at = catalogue.now()
    rows = [
        {"wall": "main", "epoch": wall.epoch, "seq": seq, "kind": "removed", "at": at, "body": "{}"}
        for seq in range(wall.seq + 1, wall.seq + count + 1)
    ]
    seq = wall.seq + count
    async with catalogue.database.writing() as connection:
        await connection.execute(insert(tables.event), rows)
        await connection.execute(update(tables.wall).values(seq=seq, confirmed=seq if confirmed is None else confirmed))
    return Cursor(wall.epoch, seq)


async def test_events_have_seqs_from_one_without_holes_and_stand_in_the_log(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), *(source_post(f"p{n}") for n in range(5)))
    await finish_all(catalogue)
    head = await catalogue.log.head("main")
    assert head is not None
    events = await catalogue.log.after("main", Cursor(head.epoch, 0))
    assert events is not None
    assert [event.seq for event in events] == [1, 2, 3, 4, 5]
    assert json.loads(events[0].body)["post"]["author"]["handle"] == "@ada"
    some = await catalogue.log.after("main", Cursor(head.epoch, 1), 2)
    assert [event.seq for event in some or ()] == [2, 3]


async def test_a_cursor_of_another_epoch_or_above_the_head_gets_no_answer(catalogue: Catalogue) -> None:
    head = await catalogue.log.head("main")
    assert head is not None
    assert await catalogue.log.after("main", head) == []
    assert await catalogue.log.after("main", Cursor("00000000", 0)) is None
    assert await catalogue.log.after("main", Cursor(head.epoch, 7)) is None
    assert await catalogue.log.head("none") is None


async def test_what_is_confirmed_never_goes_back(catalogue: Catalogue) -> None:
    head = await _events(catalogue, 5, confirmed=0)
    for seq, left in ((3, [4, 5]), (1, [4, 5]), (5, [])):
        await catalogue.log.confirm("main", Cursor(head.epoch, seq))
        unconfirmed = await catalogue.log.unconfirmed(await catalogue.walls.get("main"), 10)
        assert [event.seq for event in unconfirmed] == left
    await catalogue.log.confirm("main", Cursor("zzzzzzzz", 9))
    assert (await catalogue.walls.get("main")).confirmed == 5


async def test_an_event_is_dropped_only_when_it_is_a_day_old_and_beyond_10000_and_confirmed(
    catalogue: Catalogue, clock: Clock
) -> None:
    head = await _events(catalogue, KEEP_EVENTS + 20, confirmed=10)
    clock.advance(KEEP_FOR - HOUR)
    assert await catalogue.log.prune() == 0
    clock.advance(HOUR * 2)
    assert await catalogue.log.prune() == 10
    await catalogue.log.confirm("main", head)
    assert await catalogue.log.prune() == 10
    assert await catalogue.log.prune() == 0
    assert await catalogue.log.count("main") == KEEP_EVENTS
    assert await catalogue.log.after("main", Cursor(head.epoch, 19)) is None
    assert len(await catalogue.log.after("main", Cursor(head.epoch, 20)) or ()) == 500


async def test_dropping_leaves_no_hole_where_the_clock_was_set_back(catalogue: Catalogue, clock: Clock) -> None:
    await _events(catalogue, 1)
    clock.advance(HOUR * 2)
    await _events(catalogue, 1)
    clock.advance(-HOUR * 2)
    head = await _events(catalogue, KEEP_EVENTS + 5)
    clock.advance(KEEP_FOR + HOUR)
    assert await catalogue.log.prune() == 1
    events = await catalogue.log.after("main", Cursor(head.epoch, 1))
    assert [event.seq for event in events or ()] == list(range(2, 502))


async def test_events_of_an_older_epoch_go_after_a_day_whatever_their_number(
    catalogue: Catalogue, clock: Clock
) -> None:
    await _events(catalogue, 3, confirmed=0)
    await catalogue.walls.new_epoch()
    assert await catalogue.log.prune() == 0
    clock.advance(KEEP_FOR + HOUR)
    assert await catalogue.log.prune() == 3
