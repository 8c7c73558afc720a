from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import Path

import pytest

from wall.errors import StoreError
from wall.store.base import ObjectInfo
from wall.store.disk import DiskStore
from wall.store.round_trip import round_trip

pytestmark = pytest.mark.anyio


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


class _Garbling(DiskStore):
    """A real folder that writes other bytes than it is given."""

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        async def garbled() -> AsyncGenerator[bytes]:
            async for chunk in chunks:
                yield bytes(len(chunk))

        return await super().put(key, length, media_type, garbled())


async def test_a_store_that_gives_back_other_bytes_is_found_out_and_cleaned_up(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="The shelf gives back other bytes"):
        await round_trip(_Garbling(tmp_path), "The shelf")
    assert not _files(tmp_path)


async def test_a_store_that_works_passes_and_keeps_nothing(tmp_path: Path) -> None:
    await round_trip(DiskStore(tmp_path), "The shelf")
    assert not _files(tmp_path)
