"""What the broker gets is what the catalogue committed: all of it, in order, whatever breaks."""

import asyncio
import json
from contextlib import AbstractAsyncContextManager

import pytest

from tests.fakes.beside import beside
from tests.fakes.posts import due_search, finish_all, source_post, store
from tests.fakes.stomp_broker import StompBroker, stomp_broker
from tests.fakes.waiting import until
from wall.broker.address import BrokerAddress
from wall.broker.publisher import Publisher
from wall.catalogue import Catalogue

pytestmark = pytest.mark.anyio


def _publishing(catalogue: Catalogue, broker: StompBroker, holder: str = "test") -> AbstractAsyncContextManager[None]:
    address = BrokerAddress(hosts=(("127.0.0.1", broker.port),), user="frieze", password="x")
    return beside(Publisher(catalogue, address, holder).run())


def _seqs(broker: StompBroker, kind: str = "published") -> list[int]:
    return [json.loads(body)["seq"] for _, headers, body in broker.messages if headers["kind"] == kind]


async def _commit(catalogue: Catalogue, count: int, prefix: str = "p") -> None:
    due = await due_search(catalogue)
    await store(catalogue, due, *(source_post(f"{prefix}{n}") for n in range(count)))
    await catalogue.searches.enable(due.search.id, enabled=False)
    await finish_all(catalogue)


async def test_committed_events_reach_the_broker_in_order_and_are_confirmed(catalogue: Catalogue) -> None:
    await _commit(catalogue, 70)
    async with stomp_broker() as broker, _publishing(catalogue, broker):
        await until(lambda: len(_seqs(broker)) >= 70, "70 events")
        assert _seqs(broker) == list(range(1, 71))
        await _until_confirmed(catalogue, 70)


async def test_a_new_event_is_published_without_waiting_for_a_look(catalogue: Catalogue) -> None:
    async with stomp_broker() as broker, _publishing(catalogue, broker):
        await until(lambda: _seqs(broker, "head"), "the first head")
        await _commit(catalogue, 1)
        await until(lambda: _seqs(broker) == [1], "the event")


async def test_a_head_comes_first_and_says_what_is_confirmed(catalogue: Catalogue) -> None:
    async with stomp_broker() as broker, _publishing(catalogue, broker):
        await until(lambda: _seqs(broker, "head") == [0], "a head")
        assert broker.messages[0][1]["kind"] == "head"


async def test_a_broker_that_keeps_hanging_up_gets_every_event_in_the_end(catalogue: Catalogue) -> None:
    await _commit(catalogue, 10)
    async with stomp_broker("close-after-receipts") as broker:
        broker.receipts_before_close = 5
        async with _publishing(catalogue, broker):
            await _until_confirmed(catalogue, 10)
    assert broker.connections > 1
    assert sorted(set(_seqs(broker))) == list(range(1, 11))


async def test_of_two_publishers_one_sends_and_the_other_takes_over(catalogue: Catalogue) -> None:
    async with stomp_broker() as first, stomp_broker() as second:
        async with _publishing(catalogue, first, "first"):
            await until(lambda: _seqs(first, "head"), "the first publisher's head")
            async with _publishing(catalogue, second, "second"):
                await _commit(catalogue, 3)
                await until(lambda: _seqs(first) == [1, 2, 3], "the first publisher's events")
                # what the broker has and the catalogue does not know of is sent once more
                await _until_confirmed(catalogue, 3)
                assert second.messages == []
        async with _publishing(catalogue, second, "second"):
            await _commit(catalogue, 2, prefix="q")
            await until(lambda: _seqs(second) == [4, 5], "the second publisher's events")


async def test_what_stands_in_the_way_is_said_in_the_catalogue(catalogue: Catalogue) -> None:
    async with stomp_broker("refuse-login") as broker, _publishing(catalogue, broker):
        end = asyncio.get_running_loop().time() + 10
        while not any("password is invalid" in report.sentence for report in await catalogue.health.all()):
            assert asyncio.get_running_loop().time() < end
            await asyncio.sleep(0.05)


async def test_events_of_a_secret_wall_go_where_viewers_may_not_read(catalogue: Catalogue) -> None:
    await catalogue.walls.add("party", "Our party", secret=True)
    await catalogue.walls.change("party", title="A party")
    async with stomp_broker() as broker, _publishing(catalogue, broker):
        await until(lambda: {kind for _, kind in _sent(broker, "party")} == {"head", "wall"}, "its events")
        assert {topic for topic, _ in _sent(broker, "party")} == {"/topic/private.party"}
        await until(lambda: _sent(broker, "main"), "the public wall's head")
        assert {topic for topic, _ in _sent(broker, "main")} == {"/topic/wall.main"}


def _sent(broker: StompBroker, slug: str) -> list[tuple[str, str]]:
    """Where and what kind the messages of a wall were."""
    return [(topic, headers["kind"]) for topic, headers, body in broker.messages if json.loads(body)["wall"] == slug]


async def _until_confirmed(catalogue: Catalogue, seq: int) -> None:
    end = asyncio.get_running_loop().time() + 20
    while (await catalogue.walls.get("main")).confirmed < seq:
        assert asyncio.get_running_loop().time() < end, f"seq {seq} was never confirmed"
        await asyncio.sleep(0.02)
