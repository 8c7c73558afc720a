"""One blocking call at a time, and nobody waits for an abandoned one."""

import asyncio
import threading

import pytest

from tests.fakes.waiting import until
from wall.broker.one_thread import OneThread

pytestmark = pytest.mark.anyio


async def test_calls_run_one_after_the_other_in_one_thread() -> None:
    thread = OneThread("test")
    names = await asyncio.gather(*(thread.run(threading.get_ident) for _ in range(5)))
    assert len(set(names)) == 1
    assert names[0] != threading.get_ident()
    thread.close()


async def test_an_error_reaches_who_called() -> None:
    thread = OneThread("test")
    with pytest.raises(ZeroDivisionError):
        await thread.run(lambda: 1 / 0)
    assert await thread.run(lambda: 2) == 2
    thread.close()


async def test_a_cancelled_call_ends_by_itself_and_the_next_one_comes() -> None:
    thread, began, go_on = OneThread("test"), threading.Event(), threading.Event()

    def block() -> None:
        began.set()
        go_on.wait(20)

    waiting = asyncio.create_task(thread.run(block))
    await until(began.is_set, "the call to begin")
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    following = asyncio.create_task(thread.run(lambda: "next"))
    go_on.set()
    assert await following == "next"
    thread.close()


async def test_a_closed_one_takes_no_calls() -> None:
    thread = OneThread("test")
    thread.close()
    with pytest.raises(RuntimeError):
        await thread.run(lambda: None)
