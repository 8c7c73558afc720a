"""Waking up, and being cancelled at the very moment of waking up."""

import asyncio

import pytest

from wall.catalogue.signals import Signal

pytestmark = pytest.mark.anyio


async def test_what_fires_between_two_waits_is_not_missed() -> None:
    signal = Signal()
    with signal.listen() as listener:
        signal.fire()
        signal.fire()
        assert await listener.wait(5)
        assert not await listener.wait(0)


async def test_a_cancellation_that_comes_with_the_signal_is_not_swallowed() -> None:
    signal = Signal()
    with signal.listen() as listener:
        task = asyncio.create_task(listener.wait(5))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        signal.fire()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
