"""What the relay knows of walls, on a clock of the test's own."""

import asyncio
from collections.abc import Callable

import pytest

from relay.visibility import ANEW_AFTER, LOOK_EVERY, Visibility
from tests.relay.streaming import FakeWalls
from wall.errors import CatalogueError
from wall.stomp.errors import StompError
from wall.tokens import ViewerToken

pytestmark = pytest.mark.anyio


class Watch:
    def __init__(self, **links: int | None) -> None:
        self.walls = FakeWalls({"main": None, **links})
        self.now = 1_000.0
        self.renewed: list[str] = []
        clock: Callable[[], float] = self.tell
        self.visibility = Visibility(self.walls, self.renewed.append, clock, clock)

    def tell(self) -> float:
        return self.now

    def reads(self, link: int) -> bool:
        token = ViewerToken(wall="party", link=link, until=10_000).signed(b"k" * 32)
        try:
            self.visibility.check_read("/topic/private.party", token)
        except StompError:
            return False
        return True


async def test_it_is_due_at_once_and_then_from_time_to_time() -> None:
    watch = Watch()
    assert watch.visibility.due(watch.now)
    await watch.visibility.learn()
    assert not watch.visibility.due(watch.now + LOOK_EVERY - 1)
    assert watch.visibility.due(watch.now + LOOK_EVERY)


async def test_a_renewed_link_is_told_once_and_older_tokens_open_nothing() -> None:
    watch = Watch(party=7)
    await watch.visibility.learn()
    assert watch.reads(7)
    watch.walls.links["party"] = 8
    for _ in range(2):
        await watch.visibility.learn()
    assert watch.renewed == ["/topic/private.party"]
    assert (watch.reads(7), watch.reads(8)) == (False, True)


async def test_while_the_catalogue_is_away_what_is_known_stays_and_nobody_is_sent_away() -> None:
    watch = Watch(party=7)
    await watch.visibility.learn()
    watch.walls.away = True
    await watch.visibility.learn()
    assert watch.reads(7)
    assert await watch.visibility.is_public("main")
    assert watch.renewed == []


async def test_a_wall_nobody_has_heard_of_is_looked_for_but_not_more_than_once_a_second() -> None:
    watch = Watch(party=7)
    await watch.visibility.learn()
    for slug in ("nobody", "party"):  # the same way to no for both
        watch.now += ANEW_AFTER
        before = watch.walls.reads
        assert not await watch.visibility.is_public(slug)
        assert not await watch.visibility.is_public(slug)
        assert watch.walls.reads == before + 1


async def test_all_who_ask_at_the_same_moment_share_one_reading() -> None:
    watch = Watch()
    answers = await asyncio.gather(*(watch.visibility.is_public("main") for _ in range(50)))
    assert all(answers)
    assert watch.walls.reads == 1


async def test_before_the_first_reading_nothing_is_known() -> None:
    watch = Watch(party=7)
    watch.walls.away = True
    with pytest.raises(CatalogueError):
        await watch.visibility.is_public("main")
    assert not watch.reads(7)


async def test_a_relay_without_a_catalogue_takes_every_wall_as_public() -> None:
    visibility = Visibility(None, lambda topic: None, lambda: 0.0)
    assert await visibility.is_public("anything")
    assert not visibility.due(1e9)
