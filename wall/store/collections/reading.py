"""Our store, and beside it the collections: one `Store` for everybody who only wants bytes by their key.

    store = WithCollections(ours, catalogue.collections.url, open_collection)
    await store.open("collection:…")    read in place, at its owner's
    await store.delete("collection:…")  nothing: it is not ours

So whoever rolls back, purges or tidies may do so with any key: what belongs to somebody else stays.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from contextlib import aclosing
from datetime import timedelta

from wall.blanking import Blank, blanked
from wall.errors import ObjectChanged, ObjectMissing, SettingsError, StoreError, StoreRefused
from wall.store.base import Method, ObjectInfo, OpenObject, SignedRequest, Store, StoredObject
from wall.store.collections.base import Collection
from wall.store.collections.reference import Reference


class WithCollections:
    """`url_of` says where the collection of an id is, and `opener` opens the one at a URL, or raises SettingsError.

    Closing it closes the collections, not `ours`.
    """

    def __init__(
        self, ours: Store, url_of: Callable[[str], Awaitable[str | None]], opener: Callable[[str], Collection]
    ) -> None:
        self._ours = ours
        self._url_of = url_of
        self._opener = opener
        self._opened: dict[str, Collection] = {}
        self._opening = asyncio.Lock()

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        reference = Reference.parse(key)
        if reference is None:
            return await self._ours.open(key, start, length, etag=etag)
        collection = await self._collection(reference.collection)
        try:
            opened = await collection.open(reference.name, start, length, etag=reference.etag or etag)
        except ObjectChanged as error:
            raise _replaced(reference, etag) from error
        if not reference.blanks:
            return opened
        chunks = _made_blank(opened, reference.blanks, start)
        await anext(chunks)  # from here on `aclose` lets go of the object, also when nobody reads
        return OpenObject(info=opened.info, chunks=chunks)

    async def head(self, key: str) -> ObjectInfo:
        reference = Reference.parse(key)
        if reference is None:
            return await self._ours.head(key)
        info = await (await self._collection(reference.collection)).head(reference.name)
        if reference.etag not in (None, info.etag):
            raise _replaced(reference, None)
        return info

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        return await self._ours.put(_own(key), length, media_type, chunks)

    async def delete(self, key: str) -> None:
        if Reference.parse(key) is None:
            await self._ours.delete(key)

    async def copy(self, source: str, target: str) -> ObjectInfo:
        return await self._ours.copy(_own(source), _own(target))

    async def sign(
        self, method: Method, key: str, lease: timedelta, *, length: int | None = None, media_type: str | None = None
    ) -> SignedRequest | None:
        if Reference.parse(key) is not None:
            return None
        return await self._ours.sign(method, key, lease, length=length, media_type=media_type)

    def objects(self) -> AsyncGenerator[StoredObject]:
        return self._ours.objects()

    async def tidy(self, older: timedelta) -> int:
        return await self._ours.tidy(older)

    async def check(self) -> None:
        await self._ours.check()

    async def close(self) -> None:
        for collection in self._opened.values():
            await collection.close()
        self._opened.clear()

    async def _collection(self, collection_id: str) -> Collection:
        found = self._opened.get(collection_id)
        if found is not None:
            return found
        url = await self._url_of(collection_id)
        if url is None:
            raise ObjectMissing("The collection that this object belongs to is not known here.")
        async with self._opening:
            if collection_id not in self._opened:
                try:
                    self._opened[collection_id] = self._opener(url)
                except SettingsError as error:
                    raise StoreRefused(str(error)) from error
            return self._opened[collection_id]


def _own(key: str) -> str:
    if Reference.parse(key) is not None:
        raise StoreError("Frieze never writes into a collection.")
    return key


def _replaced(reference: Reference, etag: str | None) -> StoreError:
    """What was shown is not there any more. Who holds an object of the name open is told that it changed."""
    if etag is not None:
        return ObjectChanged(f"{reference.name} is not the object that was asked for.")
    return ObjectMissing(f"The owner of {reference.name} has put something else in its place.")


async def _made_blank(opened: OpenObject, blanks: tuple[Blank, ...], start: int) -> AsyncGenerator[bytes]:
    async with aclosing(opened.chunks) as chunks:
        yield b""
        async for chunk in blanked(chunks, blanks, start):
            yield chunk
