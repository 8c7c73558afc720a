"""The body of a request as it comes in, with the limits of time that a guest has to keep."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from starlette.types import Receive

from relay.uploads.rate import RateFloor
from relay.uploads.refusals import Disconnected, Refusal
from relay.uploads.settings import UploadSettings


class Body:
    """`read` gives what comes next, b"" at the end."""

    def __init__(self, receive: Receive, settings: UploadSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._receive = receive
        self._settings = settings
        self._clock = clock
        self._floor = RateFloor(settings.rate, settings.window, settings.grace)
        self.over = False  # everything was read, or nobody sends any more
        self.count = 0

    async def read(self) -> bytes:
        """Raises Disconnected, and Refusal when the guest is idle or too slow."""
        while not self.over:
            began = self._clock()
            try:
                async with asyncio.timeout(self._settings.idle):
                    data = await self._next()
            except TimeoutError:
                sentence = "Nothing came for too long; is the connection gone?"
                raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "idle", sentence) from None
            if not self._floor.came(len(data), self._clock() - began) and not self.over:
                sentence = "The connection is too slow for this file; try again where it is better."
                raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "slow", sentence)
            if data:
                return data
        return b""

    async def whole(self, limit: int, seconds: float) -> bytes:
        """A small body at once. Raises Disconnected, TimeoutError, and ValueError where it is larger than `limit`."""
        data = bytearray()
        async with asyncio.timeout(seconds):
            while not self.over:
                data += await self._next()
                if len(data) > limit:
                    raise ValueError
        return bytes(data)

    async def linger(self) -> None:
        """Read on for a moment without looking, so that the answer is heard before the connection closes."""
        with suppress(TimeoutError, Disconnected):
            async with asyncio.timeout(self._settings.linger):
                while not self.over:
                    await self._next()

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.over = True
            raise Disconnected
        self.over = not message.get("more_body", False)
        data: bytes = message.get("body", b"")
        self.count += len(data)
        return data
