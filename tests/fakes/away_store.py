"""A real store on disk that can be out of reach."""

from collections.abc import AsyncIterable

from wall.errors import StoreError, StoreRefused, StoreUnavailable
from wall.origins import is_reference
from wall.store.base import ObjectInfo
from wall.store.disk import DiskStore


class AwayStore(DiskStore):
    """While it is `away` nothing can be written to it, for the reason in `why`. Others' collections refuse it."""

    away = False
    why: StoreError = StoreUnavailable("The disk is full.")

    async def head(self, key: str) -> ObjectInfo:
        if is_reference(key):
            raise StoreRefused("The owner lets nobody in.")
        return await super().head(key)

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        if self.away:
            raise self.why
        return await super().put(key, length, media_type, chunks)

    def names(self) -> set[str]:
        """The names of all files in it."""
        return {path.name for path in self.root.rglob("*") if path.is_file()}
