"""A video in the store, for the studio: read by range, never copied."""

from contextlib import aclosing

from wall.errors import StoreUnavailable
from wall.store.base import Store


class StoredFootage:
    """An object of a store; `etag` makes sure that it stays the same one."""

    def __init__(self, store: Store, key: str, length: int, etag: str | None = None) -> None:
        self._store = store
        self._key = key
        self._etag = etag
        self.length = length

    async def read(self, start: int, length: int) -> bytes:
        opened = await self._store.open(self._key, start, length, etag=self._etag)
        async with aclosing(opened.chunks) as chunks:
            data = b"".join([chunk async for chunk in chunks])
        if len(data) != length:
            raise StoreUnavailable(f"The store gave {len(data)} bytes where {length} were asked for.")
        return data
