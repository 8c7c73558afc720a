"""`swift://…`: a container of OpenStack Swift (or of Ceph's gateway) as a store, over aiohttp."""

from wall.errors import SettingsError
from wall.store.swift.address import parse_address
from wall.store.swift.store import SwiftStore


async def open_swift(url: str, user: str | None, password: str | None) -> SwiftStore:
    """The store that `url` names, signed in. Raises SettingsError, StoreUnavailable or StoreRefused."""
    address = parse_address(url)
    if not user or not password:
        raise SettingsError("FRIEZE_STORE_URL names Swift, which needs FRIEZE_STORE_USER and FRIEZE_STORE_PASSWORD.")
    store = SwiftStore(address, user, password)
    try:
        await store.start()
    except BaseException:
        await store.close()
        raise
    return store
