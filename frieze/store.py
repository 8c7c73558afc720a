"""The store that the settings name."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from frieze.settings import Settings
from wall.store import open_store
from wall.store.base import Store


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
