"""The real round trip behind `Store.check` and `frieze check`."""

import secrets
from collections.abc import AsyncIterator
from contextlib import aclosing

from wall.errors import StoreError
from wall.store.base import Store
from wall.store.keys import new_key


async def round_trip(store: Store, place: str) -> None:
    """Write, read and delete a small object. Raises what is wrong with `place`, the store in an operator's words."""
    key, data = new_key(), secrets.token_bytes(64)

    async def once() -> AsyncIterator[bytes]:
        yield data

    await store.put(key, len(data), "application/octet-stream", once())
    try:
        found = await store.open(key)
        async with aclosing(found.chunks) as chunks:
            if b"".join([chunk async for chunk in chunks]) != data:
                raise StoreError(f"{place} gives back other bytes than were written.")
    finally:
        await store.delete(key)
