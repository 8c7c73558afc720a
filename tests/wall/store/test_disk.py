import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.wall.store.conformance import StoreConformance, all_of, pieces
from wall.errors import ObjectMissing, SettingsError, StoreError, StoreUnavailable
from wall.store import open_store
from wall.store.base import Store
from wall.store.disk import DiskStore
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


class TestDiskStore(StoreConformance):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> DiskStore:
        self.root = tmp_path / "store"
        store = DiskStore(self.root)
        await store.start()
        return store

    async def assert_nothing_left(self, store: Store, key: str) -> None:
        await super().assert_nothing_left(store, key)
        assert not _files(self.root)


async def test_a_store_url_names_a_folder_which_is_made(tmp_path: Path) -> None:
    store = await open_store(f"disk:{tmp_path}/a/b")
    await store.check()
    assert not _files(tmp_path)


@pytest.mark.parametrize("url", ["", "disk", "disk:", "ftp://x", "/var/lib"])
async def test_another_url_is_a_wrong_setting(url: str) -> None:
    with pytest.raises(SettingsError, match="FRIEZE_STORE_URL"):
        await open_store(url)


async def test_tidying_takes_away_what_nobody_goes_on_writing_and_says_how_many(tmp_path: Path) -> None:
    store = await open_store(f"disk:{tmp_path}")
    key = new_key()
    await store.put(key, 5, "image/png", pieces(b"bytes"))
    folder = tmp_path / key[:2] / key[2:4]
    (folder / ".0123.part").write_bytes(b"half")
    os.utime(folder / ".0123.part", (0, 0))
    (folder / ".4567.part").write_bytes(b"another process is writing this")
    assert await store.tidy(timedelta(hours=1)) == 1
    assert {path.name for path in _files(tmp_path)} == {key, ".4567.part"}


async def test_what_a_crash_left_half_written_is_cleared_at_the_start(tmp_path: Path) -> None:
    store = await open_store(f"disk:{tmp_path}")
    key = new_key()
    await store.put(key, 5, "image/png", pieces(b"bytes"))
    folder = tmp_path / key[:2] / key[2:4]
    (folder / ".0123.part").write_bytes(b"half")
    os.utime(folder / ".0123.part", (0, 0))
    (folder / ".4567.part").write_bytes(b"another process is writing this")
    store = await open_store(f"disk:{tmp_path}")
    assert {path.name for path in _files(tmp_path)} == {key, ".4567.part"}
    assert await all_of(await store.open(key)) == b"bytes"


async def test_objects_survive_a_new_start(tmp_path: Path) -> None:
    key = new_key()
    before = await (await open_store(f"disk:{tmp_path}")).put(key, 5, "image/webp", pieces(b"bytes"))
    assert await (await open_store(f"disk:{tmp_path}")).head(key) == before


async def test_a_damaged_file_is_an_error_and_not_a_picture(tmp_path: Path) -> None:
    store = await open_store(f"disk:{tmp_path}")
    key = new_key()
    await store.put(key, 50_000, "image/webp", pieces(b"x" * 50_000))
    path = tmp_path / key[:2] / key[2:4] / key
    os.truncate(path, 20_000)
    with pytest.raises(StoreError, match="damaged"):
        await store.open(key)
    path.write_bytes(b"something else")
    with pytest.raises(StoreError, match="damaged"):
        await store.head(key)


async def test_a_file_cut_while_it_is_read_never_ends_cleanly(tmp_path: Path) -> None:
    store = await open_store(f"disk:{tmp_path}")
    key = new_key()
    await store.put(key, 500_000, "image/webp", pieces(b"x" * 500_000))
    opened = await store.open(key)
    await anext(opened.chunks)
    os.truncate(tmp_path / key[:2] / key[2:4] / key, 200_000)
    with pytest.raises(StoreError, match="shorter"):
        await all_of(opened)


async def test_a_put_that_is_cancelled_at_any_moment_leaves_nothing(tmp_path: Path) -> None:
    store = await open_store(f"disk:{tmp_path}")
    cancelled = 0
    for moment in range(60):
        key = new_key()
        putting = asyncio.create_task(store.put(key, 60_000, "image/webp", pieces(b"x" * 60_000)))
        for _ in range(moment):
            await asyncio.sleep(0)
        putting.cancel()
        try:
            await putting
        except asyncio.CancelledError:
            cancelled += 1
            assert not _files(tmp_path)
        else:
            await store.delete(key)
    assert cancelled


async def test_a_folder_that_cannot_be_used_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreUnavailable, match="writable"):
        await open_store(f"disk:{tmp_path}/file/store")


async def test_reading_from_beyond_the_end_is_an_error(tmp_path: Path) -> None:
    store = await open_store(f"disk:{tmp_path}")
    key = new_key()
    await store.put(key, 5, "image/webp", pieces(b"bytes"))
    with pytest.raises(StoreError):
        await store.open(key, 6)


async def test_a_deleted_object_is_missing(tmp_path: Path) -> None:
    store = await open_store(f"disk:{tmp_path}")
    with pytest.raises(ObjectMissing):
        await store.open(new_key())
