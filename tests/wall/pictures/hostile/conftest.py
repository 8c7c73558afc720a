"""One studio for all inputs, as in a running service: what one picture does to it, the next one would feel."""

from collections.abc import AsyncGenerator

import pytest

from wall.pictures.studio import PictureStudio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def studio(anyio_backend: str) -> AsyncGenerator[PictureStudio]:
    async with PictureStudio(workers=1) as studio:
        yield studio
