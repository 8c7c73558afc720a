"""A catalogue whose clock the test moves, and a studio with its folder."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.fakes.clock import Clock
from wall.catalogue import Catalogue
from wall.pictures.studio import PictureStudio


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


@pytest.fixture
async def studio() -> AsyncGenerator[PictureStudio]:
    async with PictureStudio(workers=1) as studio:
        yield studio


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder
