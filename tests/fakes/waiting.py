"""Waiting for something to become true, with an end."""

import asyncio
import time
from collections.abc import Callable


async def until(condition: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Return as soon as `condition()` is truthy; fail with `what` after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        await asyncio.sleep(0.02)


def until_blocking(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    """`until` for tests without a loop."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s in vain for {what}")
        time.sleep(0.05)
