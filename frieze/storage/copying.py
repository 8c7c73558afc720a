"""`frieze store copy`: a catalogue's bytes from one store to another, under the same keys.

An object that is in the target already is whole, as every store promises, so a copy that was broken off goes on where
it stopped. Everything is read back from the target and compared by SHA-256 before it counts.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field

from frieze.storage.patience import patiently
from wall.catalogue import Catalogue
from wall.catalogue.stored import KnownObject
from wall.errors import ObjectMissing, StoreError
from wall.store.base import ObjectInfo, Store

AT_ONCE = 4
_SHOWN = 20  # objects named one by one in a summary


@dataclass(slots=True)
class Copied:
    """What a copy has done so far, in objects; `bytes` is what went over."""

    copied: int = 0
    there: int = 0
    bytes: int = 0
    missing: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])

    @property
    def complete(self) -> bool:
        return not self.missing and not self.failed

    def sentences(self) -> list[str]:
        """The result in an operator's words."""
        said = [f"{self.copied} objects copied ({self.bytes:,} bytes), {self.there} were there already."]
        for what, sentences in (("missing in the source", self.missing), ("not copied", self.failed)):
            if sentences:
                said.append(f"{len(sentences)} {what}:")
                said += [f"  {sentence}" for sentence in sentences[:_SHOWN]]
                said += ["  …"] if len(sentences) > _SHOWN else []
        return said


class StoreCopy:
    """Copies what `catalogue` knows from `source` to `target`; `step` hears of each object that is done, and its bytes.

    With `verify` objects that are there already are read and compared as well.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        source: Store,
        target: Store,
        *,
        verify: bool = False,
        step: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._catalogue = catalogue
        self._source = source
        self._target = target
        self._verify = verify
        self._step = step
        self.result = Copied()

    async def size(self) -> tuple[int, int]:
        """How many objects and bytes the catalogue knows now."""
        count = length = 0
        async with aclosing(self._catalogue.stored.all()) as known:
            async for one in known:
                count += 1
                length += one.length or 0
        return count, length

    async def run(self) -> Copied:
        """Raises CatalogueError; what is wrong with single objects stands in the result."""
        running: set[asyncio.Task[None]] = set()
        begun: set[str] = set()
        async with asyncio.TaskGroup() as tasks, aclosing(self._catalogue.stored.all()) as known:
            async for one in known:
                if one.key in begun:  # two rows may name one object
                    self._step(one.length or 0)
                    continue
                begun.add(one.key)
                running.add(tasks.create_task(self._one(one)))
                if len(running) >= AT_ONCE:
                    _, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        return self.result

    async def _one(self, known: KnownObject) -> None:
        try:
            await patiently(lambda: self._copy(known))
        except ObjectMissing:
            if known.needed:
                self.result.missing.append(f"{known.key} of the post {known.post_id}")
        except StoreError as error:
            self.result.failed.append(f"{known.key} of the post {known.post_id}: {error}")
        self._step(known.length or 0)

    async def _copy(self, known: KnownObject) -> None:
        try:
            there = await self._target.head(known.key)
        except ObjectMissing:
            await self._move(known)
            return
        if known.length is not None and there.length != known.length:
            raise StoreError(f"the target has {there.length} bytes under this key, and the catalogue {known.length}.")
        if self._verify:
            await self._compare(known, await self._digest(self._source, known.key))
        self.result.there += 1

    async def _move(self, known: KnownObject) -> None:
        opened = await self._source.open(known.key)
        digest = hashlib.sha256()
        async with aclosing(opened.chunks) as chunks:
            if known.length not in (None, opened.info.length):
                raise StoreError(f"the source has {opened.info.length} bytes, and the catalogue {known.length}.")
            put = self._target.put(known.key, opened.info.length, opened.info.type, _hashed(chunks, digest.update))
            info = await put
        try:
            self._check(known, info, opened.info, digest.hexdigest())
            await self._compare(known, digest.hexdigest())
        except StoreError:
            await self._target.delete(known.key)
            raise
        self.result.copied += 1
        self.result.bytes += info.length

    def _check(self, known: KnownObject, info: ObjectInfo, of: ObjectInfo, digest: str) -> None:
        if (info.length, info.type) != (of.length, of.type):
            raise StoreError("the target says another length or type than was written.")
        if known.sha256 not in (None, digest):
            raise StoreError("the source gives other bytes than the catalogue's SHA-256 says.")

    async def _compare(self, known: KnownObject, digest: str) -> None:
        if await self._digest(self._target, known.key) != digest:
            raise StoreError("the target gives back other bytes.")

    async def _digest(self, store: Store, key: str) -> str:
        opened = await store.open(key)
        digest = hashlib.sha256()
        async with aclosing(opened.chunks) as chunks:
            async for chunk in chunks:
                digest.update(chunk)
        return digest.hexdigest()


async def _hashed(chunks: AsyncIterable[bytes], update: Callable[[bytes], None]) -> AsyncGenerator[bytes]:
    async for chunk in chunks:
        update(chunk)
        yield chunk
