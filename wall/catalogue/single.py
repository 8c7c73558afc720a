"""Doing a piece of work once for all who ask for it at the same moment."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class SingleFlight(Generic[Key, Value]):
    """`get` runs `make` once per key however many wait for it; nothing is kept afterwards.

    One that stops waiting does not disturb the others. An error goes to everyone who waited.
    """

    def __init__(self) -> None:
        self._running: dict[Key, asyncio.Task[Value]] = {}

    def __contains__(self, key: Key) -> bool:
        """Whether it is being made now."""
        return key in self._running

    async def get(self, key: Key, make: Callable[[], Awaitable[Value]]) -> Value:
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(_run(make))
            self._running[key] = task
            task.add_done_callback(lambda done: self._over(key, done))
        return await asyncio.shield(task)

    def _over(self, key: Key, done: "asyncio.Task[Value]") -> None:
        self._running.pop(key, None)
        if not done.cancelled():
            done.exception()  # all who waited may have gone by now, and then nobody misses it


async def _run(make: Callable[[], Awaitable[Value]]) -> Value:
    return await make()
