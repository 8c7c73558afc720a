"""`frieze store reconcile`: what nobody knows is found and, when told, deleted; nothing that somebody needs."""

import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from frieze.storage.reconciling import delete_unknown, reconcile
from tests.fakes.bytes_behind import show_posts
from tests.processes import run
from tests.wall.store.conformance import pieces
from wall.catalogue import Catalogue
from wall.store.base import StoredObject
from wall.store.disk import DiskStore
from wall.store.keys import new_key

pytestmark = pytest.mark.anyio


@pytest.fixture
async def store(tmp_path: Path) -> DiskStore:
    opened = DiskStore(tmp_path / "store")
    await opened.start()
    return opened


def _age(store: DiskStore, hours: float) -> None:
    then = time.time() - hours * 3600
    for path in store.root.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


async def _left_behind(store: DiskStore) -> str:
    key = new_key()
    await store.put(key, 5, "image/png", pieces(b"bytes"))
    return key


async def test_an_old_object_that_no_row_knows_is_found_and_only_deleted_when_told(
    catalogue: Catalogue, store: DiskStore
) -> None:
    keys = await show_posts(catalogue, store, 3)
    left = await _left_behind(store)
    _age(store, 25)
    found = await reconcile(catalogue, store, datetime.now(UTC))
    assert [one.key for one in found.unknown] == [left]
    assert (found.objects, found.missing) == (7, [])
    assert {one.key async for one in store.objects()} == {*keys, left}
    await delete_unknown(store, found)
    assert {one.key async for one in store.objects()} == set(keys)


async def test_a_young_object_is_left_alone_for_its_row_may_be_on_its_way(
    catalogue: Catalogue, store: DiskStore
) -> None:
    await _left_behind(store)
    assert (await reconcile(catalogue, store, datetime.now(UTC))).unknown == []
    _age(store, 2)
    assert len((await reconcile(catalogue, store, datetime.now(UTC), timedelta(hours=1))).unknown) == 1


async def test_a_row_whose_object_is_gone_is_named(catalogue: Catalogue, store: DiskStore) -> None:
    keys = await show_posts(catalogue, store, 2)
    await store.delete(keys[1])
    found = await reconcile(catalogue, store, datetime.now(UTC))
    assert [row.key for row in found.missing] == [keys[1]]


class _Late(DiskStore):
    """A real folder to which an object comes while it is being listed."""

    async def objects(self) -> AsyncGenerator[StoredObject]:
        async for one in super().objects():
            yield one
        await self.comes()

    comes: Callable[[], Awaitable[None]]


async def test_what_is_written_while_the_store_is_listed_is_not_missing(catalogue: Catalogue, tmp_path: Path) -> None:
    store = _Late(tmp_path / "late")
    await store.start()

    async def comes() -> None:
        await show_posts(catalogue, store, 2)

    store.comes = comes
    found = await reconcile(catalogue, store, datetime.now(UTC))
    assert (found.missing, found.unknown) == ([], [])


async def test_half_written_objects_go_with_the_unknown_ones(catalogue: Catalogue, store: DiskStore) -> None:
    part = store.root / "ab" / "cd" / ".0123.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    _age(store, 48)
    assert await delete_unknown(store, await reconcile(catalogue, store, datetime.now(UTC))) == 1
    assert not part.exists()


async def test_the_command_says_what_it_finds_and_ends_with_1_when_something_is_missing(
    tmp_path: Path, store: DiskStore
) -> None:
    settings = {"FRIEZE_DATA": str(tmp_path / "data"), "FRIEZE_STORE_URL": f"disk:{store.root}"}
    run("migrate", settings=settings)
    catalogue = Catalogue(f"sqlite:{tmp_path / 'data' / 'catalogue.db'}")
    keys = await show_posts(catalogue, store, 1)
    await catalogue.close()
    left = await _left_behind(store)
    _age(store, 30)
    done = run("store", "reconcile", settings=settings)
    assert f"unknown {left} 5 bytes" in done.stdout
    assert "Nothing was deleted" in done.stdout
    done = run("store", "reconcile", "--delete", settings=settings)
    assert "Deleted 1" in done.stdout
    assert {one.key async for one in store.objects()} == set(keys)
    await store.delete(keys[0])
    done = run("store", "reconcile", settings=settings, check=False)
    assert done.returncode == 1
    assert f"missing {keys[0]}" in done.stdout
