"""A catalogue whose clock the test moves."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.fakes.clock import Clock
from wall.catalogue import Catalogue


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def clocked(tmp_path: Path, clock: Clock) -> AsyncGenerator[Catalogue]:
    """A migrated catalogue with the wall `main`, in which it is as late as `clock` says.

    On SQLite only: tests/wall/catalogue and test_pipeline show that claims and moves are the same on both.
    """
    opened = Catalogue(f"sqlite:{tmp_path / 'clocked.db'}", now=clock)
    await opened.migrate()
    yield opened
    await opened.close()
