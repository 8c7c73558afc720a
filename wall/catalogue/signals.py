"""Waking up whoever waits for a change, within one process."""

import asyncio
from contextlib import suppress


class Signal:
    """`fire` wakes every waiter; firing twice before a waiter looks is the same as once.

    A waiter keeps its own `Listener`, so that what fires between two waits is not missed.
    """

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()

    def listen(self) -> "Listener":
        listener = Listener(self._listeners)
        self._listeners.add(listener)
        return listener

    def fire(self) -> None:
        """Call it in the event loop's own thread."""
        for listener in self._listeners:
            listener.event.set()


class Listener:
    """One waiter's memory of whether anything happened. Close it, or use it in a `with`."""

    def __init__(self, among: "set[Listener]") -> None:
        self.event = asyncio.Event()
        self._among = among

    async def wait(self, seconds: float) -> bool:
        """Wait until the signal fires, at most so many seconds; whether it did."""
        # not `wait_for`: Python 3.11's swallows a cancellation that comes together with the event (cpython#86296)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.event.wait()
        fired = self.event.is_set()
        self.event.clear()
        return fired

    def close(self) -> None:
        self._among.discard(self)

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
