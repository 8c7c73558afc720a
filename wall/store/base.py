"""What a store promises, whichever it is.

Keys are made by us (`new_key`), never from a stranger's file name. An adapter never leaves a visible partial
object: after `put` returns the whole object is there, after it raises nothing is.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass
from typing import Protocol

CHUNK = 128 * 1024  # bytes handed on at once; reference/media.md §5.2


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectInfo:
    """`length` in bytes of the whole object, `type` its media type, `etag` a strong validator in quotes."""

    length: int
    type: str
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenObject:
    """An object being read: `chunks` yields exactly the asked range, in pieces of at most `CHUNK` bytes.

    The reader must exhaust `chunks` or `aclose()` it.
    """

    info: ObjectInfo
    chunks: AsyncGenerator[bytes]


class Store(Protocol):
    """Each verb raises `StoreUnavailable` when the store is in trouble and `ObjectMissing` where a key is not there."""

    async def open(self, key: str, start: int = 0, length: int | None = None) -> OpenObject:
        """Read from byte `start`, `length` bytes or to the end."""
        ...

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        """Write a whole object. `length`, when given, must match what `chunks` yields."""
        ...

    async def head(self, key: str) -> ObjectInfo: ...

    async def delete(self, key: str) -> None:
        """Remove the object; one that is not there is no error."""
        ...

    async def check(self) -> None:
        """A real round trip: write, read and delete a small object. Raises what is wrong."""
        ...
