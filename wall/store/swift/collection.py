"""Somebody's container in OpenStack Swift as a collection: read, and never made."""

from collections.abc import AsyncGenerator

from wall.errors import SettingsError, StoreRefused
from wall.store.base import ObjectInfo, OpenObject, StoredObject
from wall.store.collections.base import check_name
from wall.store.swift.address import parse_address
from wall.store.swift.store import SwiftStore


def open_swift_collection(url: str, user: str | None, password: str | None) -> "SwiftCollection":
    """Raises SettingsError."""
    address = parse_address(url)
    if not user or not password:
        raise SettingsError(
            "A collection in Swift needs FRIEZE_STORE_OTHER_USER and FRIEZE_STORE_OTHER_PASSWORD, or the same host as "
            "FRIEZE_STORE_URL."
        )
    return SwiftCollection(SwiftStore(address, user, password, check=check_name), address.container)


class SwiftCollection:
    def __init__(self, store: SwiftStore, container: str) -> None:
        self._store = store
        self._container = container

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        return await self._store.open(key, start, length, etag=etag)

    async def head(self, key: str) -> ObjectInfo:
        return await self._store.head(key)

    async def listing(self, prefix: str) -> AsyncGenerator[StoredObject]:
        if not await self._store.exists():
            raise StoreRefused(f"There is no container {self._container} that FRIEZE_STORE_OTHER_USER may read.")
        async for found in self._store.listing(prefix):
            yield found

    async def close(self) -> None:
        await self._store.close()
