"""What a store promises, whichever it is.

Keys are made by us (`new_key`), never from a stranger's file name. An adapter never leaves a visible partial
object: after `put` returns the whole object is there, after it raises or is cancelled nothing is, and nothing that
costs money or room is left pending either.
"""

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

CHUNK = 128 * 1024  # bytes handed on at once; reference/media.md §5.2
# Bytes poured at once, each time for a turn of the loop and two system calls; what other sizes cost stands in
# docs/figures.md, and a MiB is what a stream may hold. A sink that had no room may have to keep what it is given next,
# so that is little.
PIECE, SMALL_PIECE = 512 * 1024, 64 * 1024
Method = Literal["GET", "PUT"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """`length` in bytes of the whole object, `type` its media type, `etag` a strong validator in quotes."""

    length: int
    type: str
    etag: str


class Sink(Protocol):
    """Takes an object's bytes, piece by piece and in order."""

    def take(self, piece: memoryview) -> bool:
        """Take a piece, whose memory is lent only until this returns; whether there is room for more."""
        ...

    async def room(self) -> None:
        """Wait until there is, where `take` has said that there is none."""
        ...


def next_size(size: int, *, room: bool) -> int:
    """How much to pour at once after `size` bytes, which the sink had room for or not."""
    return min(2 * size, PIECE) if room else max(size // 2, SMALL_PIECE)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenObject:
    """An object being read: `chunks` yields exactly the asked range, in pieces of at most `CHUNK` bytes.

    The reader must exhaust `chunks` or `aclose()` it. A store that breaks off meanwhile makes `chunks` raise
    StoreUnavailable; the adapter does not try again, since only the reader knows whether it still wants the rest.

    `pouring`: how the adapter hands on the same bytes with less work than by `chunks`, where it can.
    """

    info: ObjectInfo
    chunks: AsyncGenerator[bytes]
    pouring: Callable[[Sink], Awaitable[None]] | None = None

    async def pour(self, sink: Sink) -> None:
        """Give all of it to `sink`, instead of reading `chunks`, which must be closed all the same.

        Raises what `chunks` would, and what `sink` raises.
        """
        if self.pouring is not None:
            await self.pouring(sink)
            return
        async for chunk in self.chunks:
            if not sink.take(memoryview(chunk)):
                await sink.room()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object in a listing: its `length` in bytes and when it was written (UTC)."""

    key: str
    length: int
    written: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """A request that whoever has it may make at the store itself, once or often, until `expires` (UTC).

    `headers` must be sent as they are: they are signed, or the store refuses without them.
    """

    method: Method
    url: str
    expires: datetime
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Store(Protocol):
    """Each verb raises `StoreUnavailable` when the store is in trouble, `StoreRefused` where it lets us do nothing, and
    `ObjectMissing` where a key is not there."""

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        """Read from byte `start`, `length` bytes or to the end. Raises ObjectChanged when its etag is not `etag`."""
        ...

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        """Write a whole object that is not there yet. `length`, when given, must match what `chunks` yields.

        What `chunks` raises is raised. Returns once the store has confirmed the object.
        """
        ...

    async def head(self, key: str) -> ObjectInfo: ...

    async def delete(self, key: str) -> None:
        """Remove the object and all that belongs to it; one that is not there is no error."""
        ...

    async def copy(self, source: str, target: str) -> ObjectInfo:
        """Copy an object to a key that is not there yet, without moving its bytes through this process."""
        ...

    async def sign(
        self, method: Method, key: str, lease: timedelta, *, length: int | None = None, media_type: str | None = None
    ) -> SignedRequest | None:
        """A request by which a browser reads or writes `key` at the store itself; None where that can't be had.

        A signed PUT takes `length` bytes of `media_type` where the store can hold it to them.
        """
        ...

    def objects(self) -> AsyncGenerator[StoredObject]:
        """All objects with keys of ours, page by page."""
        ...

    async def tidy(self, older: timedelta) -> int:
        """Roll back writes that nobody has gone on with for `older`: parts, segments, pending uploads; how many."""
        ...

    async def check(self) -> None:
        """A real round trip: write, read and delete a small object. Raises what is wrong."""
        ...

    async def close(self) -> None:
        """Let go of connections; idempotent."""
        ...
