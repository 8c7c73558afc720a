"""`frieze listen`: a wall's events, one JSON line each, over STOMP from whichever broker is configured."""

from collections.abc import Callable
from contextlib import aclosing

import structlog

from frieze.broker import broker_address
from frieze.settings import Settings
from wall.broker.link import connections
from wall.destinations import private_topic, valid_slug, wall_topic
from wall.errors import BrokerError, BrokerRefused, SettingsError


async def listen_to(settings: Settings, wall: str, say: Callable[[str], None]) -> None:
    """Subscribe, and again after each loss, until interrupted. Raises SettingsError and BrokerRefused."""
    if not valid_slug(wall):
        raise SettingsError(f"{wall!r} can't be a wall's name.")
    log = structlog.get_logger("listen")

    def trouble(error: BrokerError) -> None:
        if isinstance(error, BrokerRefused):
            raise error
        log.warning("not connected", reason=str(error))

    async with aclosing(connections(broker_address(settings), on_trouble=trouble)) as links:
        async for connection in links:
            try:
                # a wall is public or secret; the other topic stays silent
                for topic in (wall_topic(wall), private_topic(wall)):
                    await connection.subscribe(topic, lambda _headers, body: say(body))
                error = await connection.lost
            except BrokerError as problem:
                error = problem
            trouble(error)
