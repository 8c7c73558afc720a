"""Picture bytes: one interface, an adapter per kind of store. `base` says what every adapter promises."""

from pathlib import Path

from wall.errors import SettingsError
from wall.store.base import Store
from wall.store.disk import DiskStore


async def open_store(url: str, user: str | None = None, password: str | None = None) -> Store:
    """The store that `url` names, ready for use; `user` and `password` where it asks who we are.

    `disk:DIR` is a folder, `swift://HOST/CONTAINER?…` OpenStack Swift, `http(s)://HOST` another Frieze's `frieze store
    serve`, whose token is the password, `s3://BUCKET`, `gs://BUCKET` and `az://CONTAINER` those vendors (vendors.py).
    The caller closes it. Raises SettingsError, StoreUnavailable or StoreRefused.
    """
    kind, _, rest = url.partition(":")
    if kind == "disk" and rest:
        return await _disk(Path(rest))
    if kind == "swift":
        # a folder as a store needs none of HTTP
        from wall.store.swift import open_swift

        return await open_swift(url, user, password)
    if kind in ("http", "https"):
        from wall.store.remote import RemoteStore, check_address, check_token

        return RemoteStore(check_address(url), check_token(password))
    if kind in ("s3", "gs", "az"):
        from wall.store.vendors import open_objects

        return open_objects(url, user, password)
    raise SettingsError(
        f"FRIEZE_STORE_URL begins with {kind[:20]!r}; it must be disk:DIR, for example disk:/var/lib/frieze/media, "
        "swift://HOST/CONTAINER?auth=v1, s3://BUCKET, gs://BUCKET, az://CONTAINER or http://HOST."
    )


async def _disk(folder: Path) -> Store:
    store = DiskStore(folder)
    await store.start()
    return store
