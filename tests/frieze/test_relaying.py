"""The relay's two ends: the log of a real catalogue, and a broker that comes and goes."""

from contextlib import aclosing

import pytest

from frieze.relaying import CatalogueLog, CatalogueWalls, Upstream, relay_settings
from frieze.settings import load
from relay.rights import check_read
from relay.server import Relay
from tests.fakes.beside import beside
from tests.fakes.posts import due_search, finish_all, source_post, store
from tests.fakes.stomp_broker import stomp_broker
from tests.fakes.waiting import until
from tests.integration.activemq import ActiveMQ
from wall.broker.address import BrokerAddress
from wall.broker.link import connections
from wall.catalogue import Catalogue
from wall.destinations import private_topic, screens_topic, wall_topic
from wall.events import Cursor

pytestmark = pytest.mark.anyio


async def test_the_log_is_read_as_it_was_committed_and_what_it_cant_say_is_none(catalogue: Catalogue) -> None:
    await store(catalogue, await due_search(catalogue), source_post("a"), source_post("b"))
    await finish_all(catalogue)
    log, epoch = CatalogueLog(catalogue), (await catalogue.walls.get("main")).epoch
    committed = await catalogue.log.after("main", Cursor(epoch, 0))
    assert committed is not None
    events = await log.events_after("/topic/wall.main", Cursor(epoch, 0), 500)
    assert events is not None
    assert [(e.wall, e.epoch, e.seq, e.kind, e.key, e.body) for e in events] == [
        ("main", epoch, e.seq, "published", e.post_id, e.body) for e in committed
    ]
    limited = await log.events_after("/topic/wall.main", Cursor(epoch, 0), 1)
    assert limited is not None
    assert [event.seq for event in limited] == [1]
    assert await log.events_after("/topic/wall.main", Cursor(epoch, 2), 500) == []
    assert await log.events_after("/topic/wall.main", Cursor(epoch, 3), 500) is None
    assert await log.events_after("/topic/wall.main", Cursor("00000000", 1), 500) is None
    assert await log.events_after("/topic/wall.nowhere", Cursor(epoch, 0), 500) is None
    assert await log.events_after("/topic/private.main", Cursor(epoch, 0), 500) is None


async def test_a_secret_walls_log_is_read_by_who_reads_its_private_topic_alone(catalogue: Catalogue) -> None:
    wall = await catalogue.walls.add("party", "Our party", secret=True)
    log, start = CatalogueLog(catalogue), Cursor(wall.epoch, 0)
    assert await log.events_after("/topic/private.party", start, 500) == []
    assert await log.events_after("/topic/wall.party", start, 500) is None


async def test_the_relay_learns_which_walls_are_secret(catalogue: Catalogue) -> None:
    wall = await catalogue.walls.add("party", "Our party", secret=True)
    walls = await CatalogueWalls(catalogue).walls()
    assert dict(walls.links) == {"main": None, "party": wall.link}
    check_read("/topic/private.party", await catalogue.links.token(wall), walls, catalogue.now().timestamp())


async def test_the_relay_hears_public_and_secret_walls_and_screens(activemq: ActiveMQ, catalogue: Catalogue) -> None:
    address = BrokerAddress(hosts=(activemq.stomp,), user=activemq.user, password=activemq.password)
    relay = Relay(log=CatalogueLog(catalogue), settings=relay_settings(load(), None))
    upstream = Upstream(address, relay)
    topics = {wall_topic("heard"), private_topic("heard"), screens_topic("heard")}
    async with beside(upstream.run()):
        await until(upstream.ready, "the subscriptions at the broker")
        async with aclosing(connections(address, on_trouble=lambda error: pytest.fail(str(error)))) as links:
            async for connection in links:
                for topic in topics:
                    fields = {"epoch": "aaaa", "seq": "1", "kind": "published"}
                    await connection.confirmed(await connection.send(topic, "{}", fields))
                break
        await until(lambda: topics <= set(relay.hub.topics), "a message of each")
    await relay.close()


def _address(port: int) -> BrokerAddress:
    return BrokerAddress(hosts=(("127.0.0.1", port),), user="frieze", password="x")


async def test_a_lost_broker_makes_the_relay_unready_until_it_is_heard_again(catalogue: Catalogue) -> None:
    relay = Relay(log=CatalogueLog(catalogue), settings=relay_settings(load(), None))
    async with stomp_broker() as broker:
        upstream = Upstream(_address(broker.port), relay)
        assert not upstream.ready()
        async with beside(upstream.run()):
            await until(upstream.ready, "both subscriptions")
            broker.cut_all()
            await until(lambda: not upstream.ready(), "the loss to be noticed")
            await until(upstream.ready, "a new connection")
            assert broker.connections == 2
        assert not upstream.ready()
    await relay.close()


async def test_without_a_broker_the_relay_is_not_ready_and_a_refusal_is_no_end(catalogue: Catalogue) -> None:
    relay = Relay(log=CatalogueLog(catalogue), settings=relay_settings(load(), None))
    async with stomp_broker("refuse-login") as broker:
        upstream = Upstream(_address(broker.port), relay)
        async with beside(upstream.run()):
            await until(lambda: broker.connections >= 2, "a second attempt")
            assert not upstream.ready()
            broker.mode = "well"
            await until(upstream.ready, "the broker to be heard")
    await relay.close()


def test_without_a_passcode_nobody_can_send() -> None:
    assert relay_settings(load(), None).passcode is None
    assert relay_settings(load(broker_user="ada"), "x").login == "ada"
