"""The store that the settings name."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from frieze.settings import Settings
from wall.store import open_store
from wall.store.base import Store


@asynccontextmanager
async def configured_store(settings: Settings) -> AsyncGenerator[Store]:
    """The store of these settings, open for the block."""
    store = await open_store(settings.store, settings.store_user, settings.store_secret)
    try:
        yield store
    finally:
        await store.close()
