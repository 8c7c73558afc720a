"""`frieze store copy` over two real stores: everything arrives, whatever happens on the way, or is named."""

from collections.abc import AsyncGenerator, AsyncIterable
from pathlib import Path

import pytest

from frieze.storage.copying import StoreCopy
from tests.fakes.bytes_behind import SIZE, show_posts
from tests.fakes.store_service import TOKEN, served
from tests.processes import frieze, run
from tests.wall.store.conformance import all_of
from wall.catalogue import Catalogue
from wall.errors import StoreUnavailable
from wall.store import open_store
from wall.store.base import ObjectInfo, Store
from wall.store.disk import DiskStore

pytestmark = pytest.mark.anyio


class _Flaky(DiskStore):
    """A real folder that breaks off in the middle of every `nth` write, or of the first of each object."""

    nth = 0
    puts = 0
    at_first = False

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.tried: set[str] = set()

    async def put(self, key: str, length: int | None, media_type: str, chunks: AsyncIterable[bytes]) -> ObjectInfo:
        self.puts += 1
        if (self.nth and self.puts % self.nth == 0) or (self.at_first and key not in self.tried):
            chunks = _half(chunks)
        self.tried.add(key)
        return await super().put(key, length, media_type, chunks)


async def _half(chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes]:
    async for chunk in chunks:
        yield chunk[: len(chunk) // 2]
        raise StoreUnavailable("The network is away.")


@pytest.fixture
async def source(tmp_path: Path) -> DiskStore:
    store = DiskStore(tmp_path / "from")
    await store.start()
    return store


@pytest.fixture
async def target(tmp_path: Path) -> _Flaky:
    store = _Flaky(tmp_path / "to")
    await store.start()
    return store


async def _keys(store: Store) -> set[str]:
    return {one.key async for one in store.objects()}


async def test_all_bytes_arrive_under_their_keys_and_each_is_heard_of(
    catalogue: Catalogue, source: DiskStore, target: _Flaky
) -> None:
    keys = await show_posts(catalogue, source, 6)
    heard: list[int] = []
    copy = StoreCopy(catalogue, source, target, step=heard.append)
    assert await copy.size() == (12, 12 * SIZE)
    copied = await copy.run()
    assert (copied.copied, copied.bytes, copied.complete) == (12, 12 * SIZE, True)
    assert heard == [SIZE] * 12
    assert await _keys(target) == set(keys)
    for key in keys:
        assert await target.head(key) == await source.head(key)


async def test_what_no_row_knows_stays_behind(catalogue: Catalogue, source: DiskStore, target: _Flaky) -> None:
    await source.check()
    await show_posts(catalogue, source, 1)
    left = (await show_posts_alone(source)).pop()
    await StoreCopy(catalogue, source, target).run()
    assert left not in await _keys(target)


async def show_posts_alone(store: Store) -> set[str]:
    from tests.wall.store.conformance import pieces
    from wall.store.keys import new_key

    key = new_key()
    await store.put(key, 5, "image/png", pieces(b"bytes"))
    return {key}


async def test_a_copy_that_broke_off_goes_on_where_it_stopped(
    catalogue: Catalogue, source: DiskStore, target: _Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frieze.storage.patience.TRIES", 1)
    await show_posts(catalogue, source, 6)
    target.nth = 3
    first = await StoreCopy(catalogue, source, target).run()
    assert not first.complete
    assert first.copied == 8
    assert len(first.failed) == 4
    assert len(await _keys(target)) == 8
    target.nth = 0
    second = await StoreCopy(catalogue, source, target).run()
    assert (second.copied, second.there, second.complete) == (4, 8, True)


async def test_trouble_that_passes_is_waited_for(
    catalogue: Catalogue, source: DiskStore, target: _Flaky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frieze.storage.patience.PAUSE_SECONDS", 0.01)
    await show_posts(catalogue, source, 3)
    target.at_first = True
    assert (await StoreCopy(catalogue, source, target).run()).complete


async def test_other_bytes_than_the_catalogues_hash_says_are_not_kept(
    catalogue: Catalogue, source: DiskStore, target: _Flaky
) -> None:
    original, _ = await show_posts(catalogue, source, 1)
    path = source.root / original[:2] / original[2:4] / original
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    copied = await StoreCopy(catalogue, source, target).run()
    assert len(copied.failed) == 1
    assert "SHA-256" in copied.failed[0]
    assert original not in await _keys(target)


async def test_what_is_missing_is_named_with_its_post(catalogue: Catalogue, source: DiskStore, target: _Flaky) -> None:
    _, thumbnail = await show_posts(catalogue, source, 1)
    await source.delete(thumbnail)
    copied = await StoreCopy(catalogue, source, target).run()
    [said] = copied.missing
    [post] = (await catalogue.posts.snapshot("main")).posts
    assert thumbnail in said
    assert post.id in said
    assert any("missing in the source" in sentence for sentence in copied.sentences())


async def test_verifying_finds_what_changed_in_the_target(
    catalogue: Catalogue, source: DiskStore, target: _Flaky
) -> None:
    original, _ = await show_posts(catalogue, source, 1)
    await StoreCopy(catalogue, source, target).run()
    path = target.root / original[:2] / original[2:4] / original
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert (await StoreCopy(catalogue, source, target).run()).complete
    verified = await StoreCopy(catalogue, source, target, verify=True).run()
    assert [original in sentence for sentence in verified.failed] == [True]


async def test_the_command_moves_a_catalogue_to_a_storage_service_and_everything_is_read_there(
    tmp_path: Path, source: DiskStore
) -> None:
    settings = {"FRIEZE_DATA": str(tmp_path / "data"), "FRIEZE_STORE_URL": f"disk:{source.root}"}
    run("migrate", settings=settings)
    catalogue = Catalogue(f"sqlite:{tmp_path / 'data' / 'catalogue.db'}")
    keys = await show_posts(catalogue, source, 2)
    await catalogue.close()
    behind = {
        "FRIEZE_DATA": str(tmp_path / "other"),
        "FRIEZE_STORE_URL": f"disk:{tmp_path / 'behind'}",
        "FRIEZE_STORE_TOKEN": TOKEN,
        "FRIEZE_PORT": "0",
    }
    with frieze("store", "serve", settings=behind, folder=tmp_path) as service:
        url = "http://" + service.until_log(r"the store is served.*?(127\.0\.0\.1:\d+)")[1]
        settings["FRIEZE_STORE_OTHER_PASSWORD"] = TOKEN
        done = run("store", "copy", settings["FRIEZE_STORE_URL"], url, settings=settings)
        assert "4 objects copied" in done.stdout
        done = run("store", "copy", settings["FRIEZE_STORE_URL"], url, "--verify", settings=settings)
        assert "0 objects copied (0 bytes), 4 were there already" in done.stdout
        store = await open_store(url, None, TOKEN)
        for key in keys:
            assert await all_of(await store.open(key)) == await all_of(await source.open(key))
        await store.close()


async def test_a_copy_runs_over_a_service_in_both_directions(
    catalogue: Catalogue, source: DiskStore, target: _Flaky
) -> None:
    await show_posts(catalogue, source, 2)
    async with served(source) as one, served(target) as other:
        from_, to = await open_store(one, None, TOKEN), await open_store(other, None, TOKEN)
        assert (await StoreCopy(catalogue, from_, to).run()).copied == 4
        await from_.close()
        await to.close()
