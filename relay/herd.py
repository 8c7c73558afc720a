"""Small renditions in memory: each is read from the store once, however many ask for it at once.

Every viewer asks for every new picture at the same moment. The first one begins to read, the others wait for the same
bytes, and who comes later finds them here. An entry also holds the whole answer as the server sends it, and until when
it is known that it may be given; so a hit is a look into one dictionary. What nobody has asked for in a while goes.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from relay.settings import MediaSettings
from wall.catalogue.single import SingleFlight
from wall.errors import StoreUnavailable
from wall.store.base import Store

# What an entry costs beside its bytes: the entry, its headers and messages; measured with tracemalloc at 1.9 KB.
ENTRY_BYTES = 2048


class Kept:
    """`body`: the bytes as ASGI sends them, `length` of them. `start`: the head of the whole answer, and `lines` its
    header fields as HTTP/1.1 sends them, while `until` (in the clock's seconds) lies ahead. `asked`: when somebody last
    did."""

    __slots__ = ("asked", "body", "length", "lines", "start", "until")

    def __init__(self, data: bytes, now: float) -> None:
        self.body: dict[str, Any] = {"type": "http.response.body", "body": data}
        self.length = len(data)
        self.start: dict[str, Any] = {}
        self.lines = b""
        self.until = 0.0
        self.asked = now

    def answer_with(self, start: dict[str, Any], until: float) -> None:
        """Keep the head of its answer."""
        self.start, self.until = start, until
        self.lines = b"".join(b"%b: %b\r\n" % header for header in start["headers"]) + b"\r\n"

    @property
    def data(self) -> bytes:
        return self.body["body"]


class Herd:
    """`kept` by address. Of those who asked, `hits` counts whom memory answered, `coalesced` who waited for a read that
    was under way, and `reads` how often the store was asked; `given` the bytes that were answered with."""

    def __init__(self, store: Store, settings: MediaSettings, clock: Callable[[], float]) -> None:
        self.kept: OrderedDict[str, Kept] = OrderedDict()
        self.bytes = 0
        self.hits = 0
        self.coalesced = 0
        self.reads = 0
        self.given = 0
        self._store = store
        self._settings = settings
        self._clock = clock
        self._reading: SingleFlight[str, Kept] = SingleFlight()
        self._places = asyncio.Semaphore(settings.herd_reads)
        self._sweep: asyncio.TimerHandle | None = None

    async def get(self, address: str, key: str, length: int) -> Kept:
        """The object of `length` bytes that the store has under `key`, kept as `address`. Raises StoreError."""
        kept = self.kept.get(address)
        if kept is None:
            self.coalesced += address in self._reading
            try:
                async with asyncio.timeout(self._settings.read_within):
                    kept = await self._reading.get(address, lambda: self._read(address, key, length))
            except TimeoutError as error:
                raise StoreUnavailable(f"The store did not give {key} in time.") from error
        else:
            self.hits += 1
            self.kept.move_to_end(address)
        kept.asked = self._clock()
        return kept

    def drop(self, address: str) -> None:
        """It may not be shown any more."""
        kept = self.kept.pop(address, None)
        if kept is not None:
            self.bytes -= len(kept.data) + ENTRY_BYTES

    async def _read(self, address: str, key: str, length: int) -> Kept:
        async with self._places, asyncio.timeout(self._settings.read_within):
            self.reads += 1
            opened = await self._store.open(key)
            async with aclosing(opened.chunks) as chunks:
                if opened.info.length != length:
                    raise StoreUnavailable(f"The store has {opened.info.length} bytes of {key}, which has {length}.")
                data = b"".join([chunk async for chunk in chunks])
        kept = Kept(data, self._clock())
        self.drop(address)
        self.kept[address] = kept
        self.bytes += length + ENTRY_BYTES
        while self.bytes > self._settings.herd_bytes and len(self.kept) > 1:
            self.drop(next(iter(self.kept)))
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(self._settings.herd_idle / 2, self._drop_idle)
        return kept

    def _drop_idle(self) -> None:
        """What was removed meanwhile is asked for by nobody, so it is gone soon, too."""
        oldest = self._clock() - self._settings.herd_idle
        for address in [address for address, kept in self.kept.items() if kept.asked < oldest]:
            self.drop(address)
        self._sweep = None
        if self.kept:
            self._sweep = asyncio.get_running_loop().call_later(self._settings.herd_idle / 2, self._drop_idle)
