"""Picture bytes: one interface, an adapter per kind of store. `base` says what every adapter promises."""

from pathlib import Path

from wall.errors import SettingsError
from wall.store.base import Store
from wall.store.disk import DiskStore


async def open_store(url: str) -> Store:
    """The store that `url` names, ready for use. `disk:DIR` is a folder. Raises SettingsError or StoreUnavailable."""
    kind, _, rest = url.partition(":")
    if kind != "disk" or not rest:
        raise SettingsError(
            f"FRIEZE_STORE_URL is {url!r}; it must be disk:DIR, for example disk:/var/lib/frieze/media."
        )
    store = DiskStore(Path(rest))
    await store.start()
    return store
