"""`frieze listen`: a wall's events, one JSON line each, over STOMP from whichever broker is configured."""

from collections.abc import Callable
from contextlib import aclosing

import structlog

from frieze.broker import broker_address
from frieze.settings import Settings
from wall.broker.link import connections
from wall.destinations import valid_slug, wall_topic
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
                await connection.subscribe(wall_topic(wall), lambda _headers, body: say(body))
                error = await connection.lost
            except BrokerError as problem:
                error = problem
            trouble(error)
