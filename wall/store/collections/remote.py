"""A collection behind a store service, which has its credentials and says which ones it lets others read.

It is asked for by the hash of its URL, so that the service need not be told more than it knows, and its objects by
their names, in the query: they may hold anything.
"""

import hashlib
from collections.abc import AsyncGenerator
from urllib.parse import urlencode

from wall.errors import ObjectMissing, StoreRefused
from wall.store.base import ObjectInfo, OpenObject, StoredObject
from wall.store.collections.base import check_name
from wall.store.remote import COLLECTIONS, RemoteStore


def hash_of(url: str) -> str:
    """What a collection is asked for by."""
    return hashlib.sha256(url.encode()).hexdigest()


class RemoteCollection:
    """The collection at `url` as `service` reads it, which is closed with this."""

    def __init__(self, service: RemoteStore, url: str) -> None:
        self._service = service
        self._path = f"{COLLECTIONS}/{hash_of(url)}"

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        return await self._service.open_at(self._object(key), key, start, length, etag)

    async def head(self, key: str) -> ObjectInfo:
        return await self._service.head_at(self._object(key))

    async def listing(self, prefix: str) -> AsyncGenerator[StoredObject]:
        try:
            async for found in self._service.listing_at(f"{self._path}?{urlencode({'prefix': prefix})}"):
                yield found
        except ObjectMissing as error:
            raise StoreRefused(
                "The store service that FRIEZE_STORE_URL names knows no collections; let it be of the same version."
            ) from error

    async def close(self) -> None:
        await self._service.close()

    def _object(self, name: str) -> str:
        return f"{self._path}/object?{urlencode({'name': check_name(name)})}"
