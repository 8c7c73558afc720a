"""What a collection promises: somebody else's objects, read in place. There is no verb that changes anything."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from wall.errors import StoreError
from wall.store.base import ObjectInfo, OpenObject, StoredObject

NAME_BYTES = 1024  # as much as S3 and Swift allow


class Collection(Protocol):
    """The verbs of `Store` that read, for names that their owner chose. They raise what those of `Store` raise."""

    async def open(
        self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None
    ) -> OpenObject: ...

    async def head(self, key: str) -> ObjectInfo: ...

    def listing(self, prefix: str) -> AsyncGenerator[StoredObject]:
        """All objects whose name begins with `prefix`. Raises StoreRefused where there is no such collection."""
        ...

    async def close(self) -> None: ...


async def look_at(collection: Collection, prefix: str = "") -> None:
    """Raise what is wrong with a collection that can't be read, as far as its names begin with `prefix`."""
    async with aclosing(collection.listing(prefix)) as listing:
        await anext(listing, None)


def is_name(name: str) -> bool:
    """Whether an object of this name can be shown: plain steps between single slashes, all of it printable."""
    return (
        name.isprintable()
        and len(name.encode(errors="surrogatepass")) <= NAME_BYTES
        and all(step not in ("", ".", "..") for step in name.split("/"))
    )


def check_name(name: str) -> str:
    """The name itself. Raises StoreError."""
    if not is_name(name):
        raise StoreError(f"{name[:60]!r} is no name of an object that can be shown.")
    return name
