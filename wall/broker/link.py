"""Staying connected: the next host after each failure, with growing, jittered pauses."""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable

import structlog

from wall.broker.address import BrokerAddress
from wall.broker.connection import BrokerConnection
from wall.errors import BrokerError

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 15.0
_STEADY_AFTER = 10.0  # a connection that lived so long starts the pauses anew


async def connections(
    address: BrokerAddress, *, on_trouble: Callable[[BrokerError], None]
) -> AsyncGenerator[BrokerConnection]:
    """Yield one connection after another, for ever; the caller uses each until it is lost.

    `on_trouble` hears of every failed attempt. The caller closes the generator to stop.
    """
    loop = asyncio.get_running_loop()
    log = structlog.get_logger("broker")
    pause = FIRST_PAUSE
    attempt = 0
    while True:
        host = address.hosts[attempt % len(address.hosts)]
        attempt += 1
        try:
            connection = await BrokerConnection.open(host, address)
        except BrokerError as error:
            on_trouble(error)
        else:
            log.info("broker connected", broker=f"{host[0]}:{host[1]}")
            began = loop.time()
            try:
                yield connection
            finally:
                await connection.close()
            if loop.time() - began > _STEADY_AFTER:
                pause = FIRST_PAUSE
            attempt -= 1  # the same host first: it was there a moment ago
            if connection.lost.done():
                on_trouble(connection.lost.result())
        # half of it is left to chance, so that many processes do not come back in step
        await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads load, hides nothing
        pause = min(pause * 2, LONGEST_PAUSE)
