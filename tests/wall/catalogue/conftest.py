"""The catalogue of these tests tells the time by a clock that they move."""

from collections.abc import AsyncGenerator

import pytest

from tests.fakes.clock import TICK, Clock
from wall.catalogue import Catalogue


@pytest.fixture
def clock() -> Clock:
    return Clock(TICK)


@pytest.fixture
async def catalogue(database_url: str, clock: Clock) -> AsyncGenerator[Catalogue]:
    """A migrated catalogue with the wall `main`, on each database."""
    opened = Catalogue(database_url, now=clock)
    await opened.migrate()
    yield opened
    await opened.close()
