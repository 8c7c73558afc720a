"""Rolling an upload back: the bytes leave the store first, and only then does the catalogue say so."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog

from wall.catalogue import Catalogue
from wall.catalogue.uploads import Held, Upload
from wall.errors import CatalogueError, ClaimLost, ObjectMissing, StoreError, StoreUnavailable
from wall.store.base import Store
from wall.uploads import UploadState

_log = structlog.get_logger("uploads")


async def roll_back(catalogue: Catalogue, store: Store, held: Held, reason: str, within: float) -> Upload | None:
    """Delete what is there and mark the upload aborted, in at most `within` seconds.

    The upload where it turns out to be stored after all: a commit that nobody heard of. Where it can't be done now,
    the claim is let go of, or expires by itself: somebody tries again (relay/uploads/care.py). Never raises what the
    store or the catalogue does.
    """
    try:
        async with asyncio.timeout(within):
            stored = await _must_go(catalogue, held, timedelta(seconds=within))
            if stored is not None:
                return stored
            for key in held.upload.keys:
                await delete_surely(store, key)
            await catalogue.uploads.abort(held, reason)
    except _Others:
        return None
    except (StoreError, CatalogueError, TimeoutError) as error:
        why = str(error) or f"it took longer than {within:g} s"
        _log.warning("an upload could not be rolled back yet", upload=held.upload.id, reason=why)
        with suppress(CatalogueError, TimeoutError):
            async with asyncio.timeout(within):
                await catalogue.uploads.let_go(held, reason)
    return None


class _Others(Exception):
    """Somebody else has taken the upload over, and clears it away."""


async def _must_go(catalogue: Catalogue, held: Held, lease: timedelta) -> Upload | None:
    """Make sure that nobody has a post of it; the upload, if one has."""
    try:
        await catalogue.uploads.renew(held, lease)
    except ClaimLost:
        upload = await catalogue.uploads.get(held.upload.id)
        if upload.state is UploadState.STORED:
            return upload
        if upload.state is not UploadState.WITHDRAWN:
            raise _Others from None
    return None


async def delete_surely(store: Store, key: str) -> None:
    """Delete an object and see that it is gone. Raises StoreError."""
    await store.delete(key)
    try:
        await store.head(key)
    except ObjectMissing:
        return
    raise StoreUnavailable(f"The store still shows the object {key} after it was deleted.")
