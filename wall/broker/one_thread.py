"""A thread of its own for a library that blocks.

Not `ThreadPoolExecutor`: Python waits for an executor's threads when it exits, so a request under way would hold up
Ctrl-C for its whole timeout. This thread is a daemon; a call that nobody waits for any more ends by itself.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")


class OneThread:
    """Runs one blocking call at a time. The thread starts with the first call."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._turn = asyncio.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    async def run(self, call: Callable[[], T]) -> T:
        """The result of `call()`. Cancelling stops the waiting; the call itself goes on to its own timeout.

        Callers wait in line, so at most one call is queued behind an abandoned one. Raises RuntimeError when closed.
        """
        async with self._turn:
            if self._closed:
                raise RuntimeError(f"{self._name} is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._thread.start()
            loop = asyncio.get_running_loop()
            future: asyncio.Future[T] = loop.create_future()

            def work() -> None:
                if future.cancelled():
                    return
                try:
                    result = call()
                except BaseException as error:
                    _tell(loop, _fail, future, error)
                else:
                    _tell(loop, _finish, future, result)

            self._calls.put(work)
            return await future

    def close(self) -> None:
        """Take no more calls; the thread ends after the one under way."""
        if not self._closed:
            self._closed = True
            self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _tell(loop: asyncio.AbstractEventLoop, how: Callable[..., None], *facts: object) -> None:
    try:
        loop.call_soon_threadsafe(how, *facts)
    except RuntimeError:
        return  # the loop has been closed: nobody waits any more


def _finish(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[object], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
