"""What guests have added lies in the store already."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ingest.sources.guest import GuestSource
from wall.errors import FetchRefused, SourceRefused
from wall.origins import stored_origin
from wall.store import open_store
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio


async def test_a_picture_is_read_from_the_store(tmp_path: Path) -> None:
    store = await open_store(f"disk:{tmp_path / 'store'}")
    source, key = GuestSource(store), new_key()

    async def once() -> AsyncIterator[bytes]:
        yield b"a picture"

    await store.put(key, 9, "image/jpeg", once())
    await source.fetch(stored_origin(key), tmp_path / "original")
    assert (tmp_path / "original").read_bytes() == b"a picture"
    await store.delete(key)
    with pytest.raises(FetchRefused, match="no longer"):
        await source.fetch(stored_origin(key), tmp_path / "again")
    with pytest.raises(FetchRefused, match="nothing that lies in the store"):
        await source.fetch("https://example.org/a.jpg", tmp_path / "again")


async def test_nobody_searches_for_guests(tmp_path: Path) -> None:
    source = GuestSource(await open_store(f"disk:{tmp_path / 'store'}"))
    assert (source.network, source.keeps_originals) == ("guest", True)
    with pytest.raises(SourceRefused, match="by themselves"):
        source.check_query("anything")
