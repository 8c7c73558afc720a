"""The store that the settings name."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from frieze.settings import Settings
from wall.catalogue import Catalogue
from wall.store import open_store
from wall.store.base import Store
from wall.store.collections import open_collection
from wall.store.collections.base import Collection
from wall.store.collections.reading import WithCollections


@asynccontextmanager
async def named_store(settings: Settings, url: str) -> AsyncGenerator[Store]:
    """The store of `url`, open for the block: the configured one with its user, any other one with the other user."""
    if url == settings.store:
        async with configured_store(settings) as configured:
            yield configured
        return
    password = settings.store_other_password
    other = await open_store(url, settings.store_other_user, password.get_secret_value() if password else None)
    try:
        yield other
    finally:
        await other.close()


@asynccontextmanager
async def configured_store(settings: Settings) -> AsyncGenerator[Store]:
    """The store of these settings, open for the block."""
    store = await open_store(settings.store, settings.store_user, settings.store_secret)
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def wide_store(settings: Settings, catalogue: Catalogue) -> AsyncGenerator[Store]:
    """The store of these settings and, read in place, the collections that the catalogue knows."""
    async with configured_store(settings) as store:
        wide = WithCollections(store, catalogue.collections.url, lambda url: collection_at(settings, url))
        try:
            yield wide
        finally:
            await wide.close()


def collection_at(settings: Settings, url: str) -> Collection:
    """The collection at `url`: through the store service where we have one, which alone then has its credentials.

    Raises SettingsError.
    """
    if not settings.store.startswith(("http://", "https://")):
        return open_collection(url, *credentials(settings, url))
    from wall.store.collections.remote import RemoteCollection
    from wall.store.remote import RemoteStore, check_address, check_token

    service = RemoteStore(check_address(settings.store), check_token(settings.store_secret))
    return RemoteCollection(service, url)


def credentials(settings: Settings, url: str) -> tuple[str | None, str | None]:
    """Who we are at the collection `url`: the other user, or without one our store's where it is of the same place."""
    password = settings.store_other_password
    if settings.store_other_user or password:
        return settings.store_other_user, password.get_secret_value() if password else None
    if _place(url) == _place(settings.store):
        return settings.store_user, settings.store_secret
    return None, None


def _place(url: str) -> tuple[str, str]:
    """Whom a password is told: never another host."""
    parts = urlsplit(url)
    # in a bucket's URL the host is the bucket
    return parts.scheme, parts.query if parts.scheme in ("s3", "gs", "az") else f"{parts.netloc}?{parts.query}"
