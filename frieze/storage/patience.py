"""A store that is in trouble for a moment does not end a command that runs for hours."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wall.errors import StoreError

TRIES = 4
PAUSE_SECONDS = 1.0  # after the first try that failed; doubles

T = TypeVar("T")


async def patiently(work: Callable[[], Awaitable[T]]) -> T:
    """What `work` returns; tried again where its trouble may pass. Raises StoreError."""
    pause = PAUSE_SECONDS
    for left in reversed(range(TRIES)):
        try:
            return await work()
        except StoreError as error:
            if not error.temporary or not left:
                raise
            await asyncio.sleep(pause)
            pause *= 2
    raise AssertionError("the last try returns or raises")
