"""A way to the database that is cut, and mended again."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Literal

import pytest

from wall.catalogue import Catalogue
from wall.errors import CatalogueUnavailable

How = Literal["refuses", "hangs"]


@contextmanager
def cut_off(catalogue: Catalogue, how: How = "refuses") -> Generator[None]:
    """Within the block this catalogue's database refuses every transaction, or leaves it waiting for ever."""

    @asynccontextmanager
    async def away() -> AsyncGenerator[None]:
        if how == "hangs":
            await asyncio.Event().wait()
        raise CatalogueUnavailable("The database is away.")
        yield

    with pytest.MonkeyPatch.context() as patch:
        for name in ("reading", "writing"):
            patch.setattr(catalogue.database, name, away)
        yield
