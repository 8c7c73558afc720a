"""What the relay hears of a real broker."""

import asyncio
from contextlib import aclosing, suppress

import pytest

from frieze.relaying import Upstream
from relay.server import Relay
from tests.fakes.waiting import until
from tests.integration.activemq import ActiveMQ
from tests.relay.running import QUICK, FakeLog
from wall.broker.address import BrokerAddress
from wall.broker.link import connections
from wall.destinations import private_topic, screens_topic, wall_topic

pytestmark = pytest.mark.anyio


async def test_the_relay_hears_public_and_secret_walls_and_screens(activemq: ActiveMQ) -> None:
    address = BrokerAddress(hosts=(activemq.stomp,), user=activemq.user, password=activemq.password)
    relay = Relay(log=FakeLog(), settings=QUICK)
    upstream = Upstream(address, relay)
    task = asyncio.create_task(upstream.run())
    topics = {wall_topic("heard"), private_topic("heard"), screens_topic("heard")}
    try:
        await until(upstream.ready, "the subscription at the broker")
        async with aclosing(connections(address, on_trouble=lambda error: pytest.fail(str(error)))) as links:
            async for connection in links:
                for topic in topics:
                    fields = {"epoch": "aaaa", "seq": "1", "kind": "published"}
                    await connection.confirmed(await connection.send(topic, "{}", fields))
                break
        await until(lambda: topics <= set(relay.hub.topics), "a message of each")
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await relay.close()
