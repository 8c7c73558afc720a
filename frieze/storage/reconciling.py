"""`frieze store reconcile`: what the store has and no row knows, and what a row needs and the store has not."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from wall.catalogue import Catalogue
from wall.catalogue.stored import KnownObject
from wall.errors import ObjectMissing
from wall.store.base import Store, StoredObject

# Nothing that is still being written, or whose row is still on its way, is as old; reference: media.md §5.3
OLDER = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """`unknown`: objects that no row names, older than was asked; `missing`: what a row needs and the store has not."""

    objects: int
    unknown: list[StoredObject]
    missing: list[KnownObject]


async def reconcile(catalogue: Catalogue, store: Store, now: datetime, older: timedelta = OLDER) -> Reconciled:
    """Compare the two. Changes nothing, so it may run at any time. Raises StoreError or CatalogueError."""
    listed: dict[str, StoredObject] = {}
    async with aclosing(store.objects()) as objects:
        async for one in objects:
            listed[one.key] = one
    # The rows after the listing: an object that was old when it was listed has its row by now, if it ever gets one.
    names: set[str] = set()
    doubtful: list[KnownObject] = []
    async with aclosing(catalogue.stored.all()) as known:
        async for row in known:
            names.add(row.key)
            if row.needed and row.key not in listed:
                doubtful.append(row)
    unknown = [one for key, one in listed.items() if key not in names and now - one.written > older]
    missing = [row async for row in _missing(catalogue, store, doubtful)]
    return Reconciled(objects=len(listed), unknown=unknown, missing=missing)


async def _missing(catalogue: Catalogue, store: Store, doubtful: list[KnownObject]) -> AsyncGenerator[KnownObject]:
    """Of what was not in the listing, what is not there either: it may have been written, or purged, meanwhile."""
    for row in doubtful:
        try:
            await store.head(row.key)
        except ObjectMissing:
            if any(now.key == row.key and now.needed for now in await catalogue.stored.of(row.media_id)):
                yield row


async def delete_unknown(store: Store, found: Reconciled, older: timedelta = OLDER) -> int:
    """Delete the unknown objects, and roll back writes that nobody goes on with; how many of those."""
    for one in found.unknown:
        await store.delete(one.key)
    return await store.tidy(older)
