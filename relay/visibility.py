"""What the relay knows of walls and their secret links, read from the catalogue again and again.

A renewed link ends the running subscriptions of its wall within `LOOK_EVERY`, where the catalogue can be read; while
it can't be, what is known stays good.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from relay.rights import Walls, check_read
from wall.catalogue.single import SingleFlight
from wall.errors import CatalogueError

LOOK_EVERY = 10.0  # seconds; one small query
ANEW_AFTER = 1.0  # a wall that is not known is looked for at most this often, whoever asks
LOOK_WITHIN = 2.0  # a slow catalogue must not hold up those who come in

_log = structlog.get_logger("relay")


class WallsReader(Protocol):
    """The catalogue's walls. Raises CatalogueError when they can't be read now."""

    async def walls(self) -> Walls: ...


class Visibility:
    """Without a reader there is no catalogue behind this relay: every wall is taken as public, tokens as unknown."""

    def __init__(
        self,
        reader: WallsReader | None,
        renewed: Callable[[str], None],
        clock: Callable[[], float],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._reader = reader
        self._renewed = renewed  # called with the topic of a wall whose link was renewed
        self._clock = clock  # as the relay's, for intervals
        self._now = now  # seconds since 1970, for tokens
        self._walls: Walls | None = None
        self._looked = float("-inf")
        self._flight: SingleFlight[None, None] = SingleFlight()
        self._blind = False

    def due(self, now: float) -> bool:
        """Whether it is time to `learn` again."""
        return self._reader is not None and now - self._looked >= LOOK_EVERY

    def check_read(self, destination: str, token: str | None) -> None:
        """Raises StompError where a viewer may not read it (relay/rights.py)."""
        check_read(destination, token, self._walls, self._now())

    async def is_public(self, slug: str) -> bool:
        """Whether there is a wall of this name that anybody may see. The way to *no* is the same for a wall that is
        not there and for a secret one. Raises CatalogueError before the catalogue has been read once."""
        if self._reader is None:
            return True
        if self._known_public(slug):
            return True
        if self._clock() - self._looked >= ANEW_AFTER:
            await self.learn()
        if self._walls is None:
            raise CatalogueError("The catalogue has not been read yet; is the database there?")
        return self._known_public(slug)

    def _known_public(self, slug: str) -> bool:
        return self._walls is not None and self._walls.links.get(slug, 0) is None

    async def learn(self) -> None:
        """Read the walls, once for all who ask at the same moment; never raises."""
        if self._reader is not None:
            await self._flight.get(None, self._learn)

    async def _learn(self) -> None:
        assert self._reader is not None
        try:
            async with asyncio.timeout(LOOK_WITHIN):
                walls = await self._reader.walls()
        except (CatalogueError, TimeoutError) as error:
            if not self._blind:
                self._blind = True
                _log.warning("walls can't be looked up; those known stay as they were", why=str(error))
            return
        finally:
            self._looked = self._clock()
        self._blind = False
        older, self._walls = self._walls, walls
        for topic in walls.renewed(older) if older is not None else ():
            self._renewed(topic)
