"""Collections: pictures and videos that lie in somebody's container, bucket or folder, shown without being copied."""

from pathlib import Path

from wall.errors import SettingsError
from wall.store.collections.base import Collection, check_name
from wall.store.collections.folder import FolderCollection


def open_collection(url: str, user: str | None = None, password: str | None = None) -> Collection:
    """The collection that `url` names, as in FRIEZE_STORE_URL: `disk:DIR` (a folder of files), `swift://…`, `s3://…`,
    `gs://…`, `az://…`. Nothing is asked of it yet. The caller closes it, in the loop it was opened in.

    Raises SettingsError.
    """
    kind, _, rest = url.partition(":")
    if kind == "disk" and rest:
        return FolderCollection(Path(rest).absolute())
    if kind == "swift":
        # a folder needs none of HTTP
        from wall.store.swift.collection import open_swift_collection

        return open_swift_collection(url, user, password)
    if kind in ("s3", "gs", "az"):
        from wall.store.vendors import THEIRS, open_objects

        return open_objects(url, user, password, check=check_name, named=THEIRS)
    if kind in ("http", "https"):
        raise SettingsError(
            "A store service holds the objects of another Frieze, whose names say nothing; give the container or "
            "bucket itself, or use `frieze export` there and `frieze import` here."
        )
    raise SettingsError(
        f"{url[:40]!r} names no collection; it must be like disk:/srv/photos, swift://HOST/CONTAINER?auth=v1, "
        "s3://BUCKET, gs://BUCKET or az://CONTAINER."
    )


def address_of(url: str) -> str:
    """The URL as the catalogue keeps it: a folder by its whole path."""
    return f"disk:{Path(url.removeprefix('disk:')).resolve()}" if url.startswith("disk:") else url


def check_apart(url: str, store: str) -> str:
    """`address_of(url)`. Raises SettingsError for our own store: what it holds is ours to delete."""
    address, own = address_of(url), address_of(store)
    if address.partition("?")[0].rstrip("/") == own.partition("?")[0].rstrip("/"):
        raise SettingsError(f"{url} is FRIEZE_STORE_URL, Frieze's own store; give the place where the pictures lie.")
    if len(address) > 1000:
        raise SettingsError("The address of the collection is longer than 1,000 characters.")
    return address
