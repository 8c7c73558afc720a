"""Each test's own console, on each database."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.fakes.console import RunningConsole, running
from wall.catalogue import Catalogue


@pytest.fixture
async def console(catalogue: Catalogue, tmp_path: Path) -> AsyncGenerator[RunningConsole]:
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "console.html").write_text("<!doctype html><title>Console</title>")
    async with running(catalogue, pages) as started:
        yield started
