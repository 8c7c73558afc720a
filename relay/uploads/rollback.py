"""Rolling an upload back: the bytes leave the store first, and only then does the catalogue say so."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import structlog

from wall.catalogue import Catalogue
from wall.catalogue.uploads import Held, Upload
from wall.errors import CatalogueError, ClaimLost, NotFound, ObjectMissing, StoreError, StoreUnavailable
from wall.store.base import Store
from wall.uploads import UploadState

_log = structlog.get_logger("uploads")


async def roll_back(
    catalogue: Catalogue, store: Store, held: Held, reason: str, within: float, *, offered: bool = True
) -> Upload | None:
    """Delete what is there and mark the upload aborted, in at most twice `within` seconds.

    `offered`: whether the catalogue was asked to take it, and so may have a post of it. Then it is asked first, and
    where it does not answer nothing is deleted. Otherwise nobody can ever have one, whoever holds the claim by now: who
    took it over only clears it away, and perhaps did so before our write had ended.

    The upload where it turns out to be stored after all: a commit that nobody heard of. Where it can't be done now,
    the claim is let go of, or expires by itself, or what was cleared away by others is looked for again: somebody tries
    again (relay/uploads/care.py). Never raises what the store or the catalogue does.
    """
    try:
        async with asyncio.timeout(within):
            if offered:
                stored = await _stored(catalogue, held, timedelta(seconds=within))
                if stored is not None:
                    return stored
            for key in held.upload.keys:
                await delete_surely(store, key)
            await catalogue.uploads.abort(held, reason)
    except (StoreError, CatalogueError, TimeoutError) as error:
        why = str(error) or f"it took longer than {within:g} s"
        _log.warning("an upload could not be rolled back yet", upload=held.upload.id, keys=held.upload.keys, reason=why)
        with suppress(CatalogueError, TimeoutError):
            async with asyncio.timeout(within):
                if not await catalogue.uploads.let_go(held, reason):
                    await catalogue.leftovers.look_again(held.upload)
    return None


async def _stored(catalogue: Catalogue, held: Held, lease: timedelta) -> Upload | None:
    """The upload, if the wall has a post of it. Where it has none, nobody can make one: the claim is ours, or it was
    lost to somebody who only clears it away."""
    try:
        await catalogue.uploads.renew(held, lease)
    except ClaimLost:
        with suppress(NotFound):
            upload = await catalogue.uploads.get(held.upload.id)
            if upload.state is UploadState.STORED:
                return upload
    return None


async def delete_surely(store: Store, key: str) -> None:
    """Delete an object and see that it is gone. Raises StoreError."""
    await store.delete(key)
    try:
        await store.head(key)
    except ObjectMissing:
        return
    raise StoreUnavailable(f"The store still shows the object {key} after it was deleted.")
