"""One piece of work for all who ask at once."""

import asyncio

import pytest

from wall.catalogue.single import SingleFlight

pytestmark = pytest.mark.anyio


async def test_work_is_done_once_for_all_who_wait_and_again_for_those_who_come_later() -> None:
    flight: SingleFlight[str, int] = SingleFlight()
    count = 0
    go = asyncio.Event()

    async def make() -> int:
        nonlocal count
        count += 1
        await go.wait()
        return count

    waiting = [asyncio.create_task(flight.get("a", make)) for _ in range(5)]
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*waiting) == [1] * 5
    assert await flight.get("a", make) == 2


async def test_one_that_stops_waiting_does_not_disturb_the_others() -> None:
    flight: SingleFlight[str, str] = SingleFlight()
    go = asyncio.Event()

    async def make() -> str:
        await go.wait()
        return "done"

    one, other = (asyncio.create_task(flight.get("a", make)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    await asyncio.sleep(0)
    go.set()
    assert await other == "done"


async def test_an_error_goes_to_everyone_and_is_not_kept() -> None:
    flight: SingleFlight[str, str] = SingleFlight()

    async def fail() -> str:
        raise ValueError("once")

    async def make() -> str:
        return "well"

    results = await asyncio.gather(*(flight.get("a", fail) for _ in range(2)), return_exceptions=True)
    assert [str(result) for result in results] == ["once", "once"]
    assert await flight.get("a", make) == "well"
