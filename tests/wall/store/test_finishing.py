import asyncio

import anyio
import pytest

from wall.store.finishing import to_the_end

pytestmark = pytest.mark.anyio


class Broken(Exception):
    """The work failed."""


async def test_what_the_work_returns_or_raises_is_handed_on() -> None:
    async def works() -> int:
        return 7

    async def fails() -> None:
        raise Broken

    assert await to_the_end(works()) == 7
    with pytest.raises(Broken):
        await to_the_end(fails())


async def test_a_cancellation_waits_for_the_work_and_is_not_lost() -> None:
    begun, go_on, done = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def works() -> None:
        begun.set()
        await go_on.wait()
        done.set()

    waiting = asyncio.create_task(to_the_end(works()))
    await begun.wait()
    for _ in range(3):
        waiting.cancel()
        await asyncio.sleep(0)
        assert not waiting.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert done.is_set()


async def test_it_works_inside_of_a_scope_that_cancels_again_and_again() -> None:
    done = asyncio.Event()

    async def works() -> None:
        await asyncio.sleep(0.05)
        done.set()

    with anyio.move_on_after(0.01) as scope:
        await to_the_end(works())
    assert scope.cancelled_caught
    assert done.is_set()


async def test_a_cancelled_waiter_is_told_of_the_cancellation_also_where_the_work_failed() -> None:
    go_on = asyncio.Event()

    async def fails() -> None:
        await go_on.wait()
        raise Broken

    waiting = asyncio.create_task(to_the_end(fails()))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
