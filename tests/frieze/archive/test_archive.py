"""`frieze export` and `frieze import`: a wall in a folder, and back, with real pictures and a real ingest worker."""

import asyncio
import hashlib
import io
import os
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from frieze.archive.exporting import Export, Exported
from frieze.archive.importing import Import, Imported
from frieze.archive.index import read_index
from frieze.made import sentences, until_made
from ingest.sources.command import CommandSource
from ingest.sources.guest import GuestSource
from ingest.worker import Worker
from tests.fakes.beside import beside
from tests.fakes.bytes_behind import SIZE, show_posts
from tests.fakes.posts import due_search, source_post
from tests.fakes.posts import store as store_posts
from tests.fakes.sources import ScriptedNetwork
from tests.fakes.waiting import until
from tests.processes import run
from tests.wall.pictures.films import film
from wall.catalogue import Catalogue
from wall.catalogue.posts import Stored
from wall.errors import CatalogueUnavailable, SettingsError
from wall.pictures.studio import PictureStudio
from wall.posts import Post, SourcePost
from wall.states import ActionKind, Policy, State
from wall.store.base import OpenObject
from wall.store.disk import DiskStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: what differs by database is in tests/wall/catalogue."""
    return f"sqlite:{tmp_path / 'catalogue.db'}"


class _Stalling(DiskStore):
    """A real folder that gives no more answers after so many objects."""

    left = 1_000_000

    async def open(self, key: str, start: int = 0, length: int | None = None, *, etag: str | None = None) -> OpenObject:
        self.left -= 1
        if self.left < 0:
            await asyncio.Event().wait()
        return await super().open(key, start, length, etag=etag)


@pytest.fixture
async def store(tmp_path: Path) -> _Stalling:
    opened = _Stalling(tmp_path / "store")
    await opened.start()
    return opened


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    return tmp_path / "export"


@pytest.fixture
async def network() -> ScriptedNetwork:
    return ScriptedNetwork(network="demo")


@pytest.fixture
async def worker(
    catalogue: Catalogue, store: _Stalling, network: ScriptedNetwork, tmp_path: Path
) -> AsyncGenerator[None]:
    sources = {"demo": network, "command": CommandSource(store), "guest": GuestSource(store)}
    async with PictureStudio(workers=1) as studio:
        worker = Worker(catalogue, sources, store, studio, holder="test", folder=tmp_path)
        async with beside(worker.run()):
            yield


def _picture(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (800, 600), colour).save(file, "png")
    return file.getvalue()


async def _show(catalogue: Catalogue, network: ScriptedNetwork, *names: str) -> None:
    """Posts with an avatar and two media each, the second of them a film."""
    clip = await asyncio.to_thread(film)
    for name in names:
        network.pictures |= {
            f"demo:{name}-0": _picture("teal"),
            f"demo:{name}-1": clip,
            f"demo-avatar:{name}": _picture("red"),
        }
    posts = [source_post(name, pictures=2, text=f"This is {name}", avatar=True) for name in names]
    await store_posts(catalogue, await due_search(catalogue), *posts)
    states = await until_made(catalogue, "main", [post.key for post in posts], lambda: None)
    assert states[State.APPROVED] == len(names)


async def _export(catalogue: Catalogue, store: DiskStore, folder: Path, wall: str = "main") -> Exported:
    return await Export(catalogue, store, wall, folder).run()


async def _import(catalogue: Catalogue, store: DiskStore, folder: Path, wall: str) -> Imported:
    reading = Import(catalogue, store, folder, wall)
    await reading.read()
    return await reading.run()


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _looks(post: Post) -> Any:
    media = [(one.kind, one.alt, one.width, one.height, one.sha256) for one in post.media]
    has_avatar = post.author.avatar is not None
    return post.source, post.author.name, post.author.handle, has_avatar, post.text, post.url, post.created, media


async def _shown(catalogue: Catalogue, wall: str) -> list[Any]:
    return sorted(_looks(post) for post in (await catalogue.posts.snapshot(wall)).posts)


async def _remove(catalogue: Catalogue, wall: str, text: str) -> None:
    [post] = [post for post in (await catalogue.posts.snapshot(wall)).posts if post.text == text]
    await catalogue.moderation.act(
        post.id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=post.revision
    )


@pytest.mark.usefixtures("worker")
async def test_a_wall_comes_back_as_it_was_and_importing_again_changes_nothing(
    catalogue: Catalogue, store: _Stalling, network: ScriptedNetwork, folder: Path
) -> None:
    await _show(catalogue, network, "a", "b")
    exported = await _export(catalogue, store, folder)
    assert (exported.posts, exported.written, exported.failed) == (2, 6, [])
    await catalogue.walls.add("copy", "A copy")
    imported = await _import(catalogue, store, folder, "copy")
    assert (imported.posts, imported.there, imported.failed) == (2, 0, [])
    states = await until_made(catalogue, "copy", imported.keys, lambda: None)
    assert states[State.APPROVED] == 2
    assert await _shown(catalogue, "copy") == await _shown(catalogue, "main")
    # nobody reads the source again, and nothing is left over
    known = {one.key async for one in catalogue.stored.all()}
    assert {one.key async for one in store.objects()} == known
    before = (await catalogue.walls.get("copy")).cursor
    again = await _import(catalogue, store, folder, "copy")
    assert (again.posts, again.there) == (0, 2)
    assert {one.key async for one in store.objects()} == known
    assert (await catalogue.walls.get("copy")).cursor == before


@pytest.mark.usefixtures("worker")
async def test_an_imported_walls_own_export_has_the_same_originals(
    catalogue: Catalogue, store: _Stalling, network: ScriptedNetwork, folder: Path, tmp_path: Path
) -> None:
    await _show(catalogue, network, "a")
    await _export(catalogue, store, folder)
    await catalogue.walls.add("copy", "A copy")
    imported = await _import(catalogue, store, folder, "copy")
    await until_made(catalogue, "copy", imported.keys, lambda: None)
    await _export(catalogue, store, tmp_path / "second", "copy")
    [first], [second] = read_index(folder).posts, read_index(tmp_path / "second").posts
    assert [one.file.sha256 for one in first.media] == [one.file.sha256 for one in second.media]
    assert {one.file.role for one in first.media} == {"original"}
    assert hashlib.sha256(_picture("teal")).hexdigest() == first.media[0].file.sha256


@pytest.mark.usefixtures("worker")
async def test_a_wall_that_holds_holds_what_is_imported_and_what_was_removed_stays_removed(
    catalogue: Catalogue, store: _Stalling, network: ScriptedNetwork, folder: Path
) -> None:
    await _show(catalogue, network, "a", "b")
    await _export(catalogue, store, folder)
    await _remove(catalogue, "main", "This is a")
    assert (await _import(catalogue, store, folder, "main")).there == 2
    assert [post.text for post in (await catalogue.posts.snapshot("main")).posts] == ["This is b"]
    await catalogue.walls.add("held", "Held", Policy.HOLD)
    imported = await _import(catalogue, store, folder, "held")
    states = await until_made(catalogue, "held", imported.keys, lambda: None)
    assert states == {State.PENDING: 2, State.RECEIVED: 0}
    assert sentences(states) == ["Of these posts, 2 waiting for an operator."]


async def test_every_file_is_the_stores_and_the_index_says_its_hash(
    catalogue: Catalogue, store: _Stalling, folder: Path
) -> None:
    await show_posts(catalogue, store, 5)
    exported = await _export(catalogue, store, folder)
    assert (exported.posts, exported.written, exported.bytes) == (5, 5, 5 * SIZE)
    index = read_index(folder)
    files = _files(folder)
    assert (index.wall, index.title, len(files)) == ("main", "Frieze", 6)
    for post in index.posts:
        [media] = post.media
        assert hashlib.sha256(files[media.file.file]).hexdigest() == media.file.sha256
        assert media.file.role == "original"


async def test_an_export_that_was_broken_off_goes_on_and_leaves_no_half_of_anything(
    catalogue: Catalogue, store: _Stalling, folder: Path
) -> None:
    await show_posts(catalogue, store, 10)
    store.left = 4
    running = asyncio.create_task(_export(catalogue, store, folder))
    await until(lambda: len(_whole(folder)) == 4, "four files to be written")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not (folder / "index.json").exists()
    with pytest.raises(SettingsError, match="no finished export"):
        read_index(folder)
    assert all(path.stat().st_size == SIZE for path in _whole(folder))
    store.left = 1_000
    again = await _export(catalogue, store, folder)
    assert (again.there, again.written, again.failed) == (4, 6, [])
    assert len(_files(folder)) == 11


def _whole(folder: Path) -> list[Path]:
    return [path for path in (folder / "media").glob("*") if path.suffix != ".part"]


async def test_repeating_an_export_repairs_it_and_drops_what_was_removed(
    catalogue: Catalogue, store: _Stalling, folder: Path
) -> None:
    await show_posts(catalogue, store, 4)
    await _export(catalogue, store, folder)
    damaged, gone = [folder / post.media[0].file.file for post in read_index(folder).posts[:2]]
    damaged.write_bytes(b"x" * SIZE)
    (folder / "media" / "mine.txt").write_text("not Frieze's")
    key = read_index(folder).posts[1].key
    [post] = [post for post in (await catalogue.posts.snapshot("main")).posts if post.url and post.url.endswith(key)]
    await catalogue.moderation.act(post.id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1)
    again = await _export(catalogue, store, folder)
    assert (again.posts, again.written, again.there) == (3, 1, 2)
    assert not gone.exists()
    assert damaged.read_bytes() != b"x" * SIZE
    assert (folder / "media" / "mine.txt").exists()


async def test_what_the_store_has_lost_or_changed_is_named_and_left_out(
    catalogue: Catalogue, store: _Stalling, folder: Path, tmp_path: Path
) -> None:
    keys = await show_posts(catalogue, store, 3)
    await store.delete(keys[0])
    path = next((tmp_path / "store").rglob(keys[2]))
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    exported = await _export(catalogue, store, folder)
    assert (exported.posts, len(exported.failed)) == (1, 2)
    assert "2 pictures are left out:" in exported.sentences()
    assert len(_files(folder)) == 2


async def test_a_folder_with_other_things_is_left_alone(catalogue: Catalogue, store: _Stalling, folder: Path) -> None:
    await asyncio.to_thread(folder.mkdir)
    (folder / "letter.txt").write_text("Dear Ada")
    with pytest.raises(SettingsError, match=r"holds other things \(letter.txt\)"):
        await _export(catalogue, store, folder)
    assert list(_files(folder)) == ["letter.txt"]
    (folder / "letter.txt").unlink()
    await _export(catalogue, store, folder)
    await catalogue.walls.add("other", "Other")
    with pytest.raises(SettingsError, match="an export of the wall main"):
        await _export(catalogue, store, folder, "other")


@contextmanager
def _pipe(path: Path) -> Generator[None]:
    os.mkfifo(path)
    try:
        yield
    finally:
        # whoever waits for its other end all the same finds it, and closed
        os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))


async def test_links_and_pipes_in_an_export_are_neither_followed_nor_waited_for(
    catalogue: Catalogue, store: _Stalling, folder: Path, tmp_path: Path
) -> None:
    await show_posts(catalogue, store, 3)
    await _export(catalogue, store, folder)
    link, pipe, _ = [folder / post.media[0].file.file for post in read_index(folder).posts]
    link.rename(tmp_path / "elsewhere")
    link.symlink_to(tmp_path / "elsewhere")
    pipe.unlink()
    await catalogue.walls.add("copy", "A copy")
    with _pipe(pipe):
        async with asyncio.timeout(60):
            imported = await _import(catalogue, store, folder, "copy")
    assert imported.posts == 1
    assert sorted(sentence.split(": ", 1)[1] for sentence in imported.failed) == sorted(
        [f"media/{link.name} can't be read: it is a link.", f"media/{pipe.name} can't be read: it is no file."]
    )
    # the next export puts files in their places
    assert (await _export(catalogue, store, folder)).written == 2
    assert not link.is_symlink()
    assert (pipe.is_file(), (tmp_path / "elsewhere").stat().st_size) == (True, SIZE)


async def test_an_index_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    with _pipe(tmp_path / "index.json"), pytest.raises(SettingsError, match="it is no file"):
        async with asyncio.timeout(60):
            await asyncio.to_thread(read_index, tmp_path)


async def test_a_file_of_another_length_is_not_even_hashed(
    catalogue: Catalogue, store: _Stalling, folder: Path
) -> None:
    await show_posts(catalogue, store, 1)
    await _export(catalogue, store, folder)
    path = folder / read_index(folder).posts[0].media[0].file.file
    os.truncate(path, 2**30)
    await catalogue.walls.add("copy", "A copy")
    imported = await _import(catalogue, store, folder, "copy")
    assert [sentence.rpartition("its ")[2] for sentence in imported.failed] == ["length is another."]


async def test_files_that_are_not_what_was_exported_are_not_imported(
    catalogue: Catalogue, store: _Stalling, folder: Path
) -> None:
    await show_posts(catalogue, store, 3)
    await _export(catalogue, store, folder)
    first, second, _ = [folder / post.media[0].file.file for post in read_index(folder).posts]
    first.write_bytes(b"x" * SIZE)
    second.unlink()
    await catalogue.walls.add("copy", "A copy")
    before = {one.key async for one in store.objects()}
    imported = await _import(catalogue, store, folder, "copy")
    assert (imported.posts, len(imported.failed)) == (1, 2)
    assert any("SHA-256" in sentence for sentence in imported.failed)
    assert any("is missing" in sentence for sentence in imported.failed)
    assert len({one.key async for one in store.objects()} - before) == 1


@pytest.mark.parametrize(
    ("older", "told", "files"),
    [(1, (1, 1, 0, SIZE), 1), (0, (0, 0, 1, 0), 0)],
    ids=["an older version is edited", "the same one stays"],
)
async def test_a_post_that_comes_to_the_wall_meanwhile_is_told_for_what_it_is(
    catalogue: Catalogue,
    store: _Stalling,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    older: int,
    told: tuple[int, int, int, int],
    files: int,
) -> None:
    await show_posts(catalogue, store, 1)
    await _export(catalogue, store, folder)
    await catalogue.walls.add("copy", "A copy")
    before = {one.key async for one in store.objects()}
    offer = catalogue.posts.offer

    async def somebody_else_first(wall: str, source: str, posts: Sequence[SourcePost]) -> Stored:
        await offer(wall, source, [replace(post, version=post.version - older, media=()) for post in posts])
        return await offer(wall, source, posts)

    monkeypatch.setattr(catalogue.posts, "offer", somebody_else_first)
    imported = await _import(catalogue, store, folder, "copy")
    assert (imported.posts, imported.edited, imported.there, imported.bytes) == told
    assert len(imported.keys) == 1
    assert any("were changed" in sentence for sentence in imported.sentences()) == bool(older)
    new = {one.key async for one in store.objects()} - before
    assert len(new) == files
    # what the post refers to is there, and nothing else is
    assert new <= {one.key async for one in catalogue.stored.all()}


@pytest.mark.parametrize("committed", [True, False])
async def test_an_import_whose_database_hangs_up_takes_back_only_what_no_post_names(
    catalogue: Catalogue, store: _Stalling, folder: Path, monkeypatch: pytest.MonkeyPatch, committed: bool
) -> None:
    await show_posts(catalogue, store, 1)
    await _export(catalogue, store, folder)
    await catalogue.walls.add("copy", "A copy")
    before = {one.key async for one in store.objects()}
    offer = catalogue.posts.offer

    async def unheard(wall: str, source: str, posts: Sequence[SourcePost]) -> Stored:
        if committed:
            await offer(wall, source, posts)
        raise CatalogueUnavailable("The database hung up.")

    monkeypatch.setattr(catalogue.posts, "offer", unheard)
    assert len((await _import(catalogue, store, folder, "copy")).failed) == 1
    assert len({one.key async for one in store.objects()} - before) == committed
    monkeypatch.undo()
    again = await _import(catalogue, store, folder, "copy")
    assert (again.posts, again.there) == (not committed, committed)
    assert {one.key async for one in catalogue.stored.all()} == {one.key async for one in store.objects()}


async def test_when_nobody_makes_thumbnails_that_is_said(catalogue: Catalogue, store: _Stalling, folder: Path) -> None:
    await show_posts(catalogue, store, 1)
    await _export(catalogue, store, folder)
    await catalogue.walls.add("copy", "A copy")
    imported = await _import(catalogue, store, folder, "copy")
    states = await until_made(catalogue, "copy", imported.keys, lambda: None, patience=0.1)
    assert states == {State.RECEIVED: 1}
    [sentence] = sentences(states)
    assert "is Frieze running" in sentence


def test_the_commands_say_what_they_did_and_what_is_wrong(tmp_path: Path) -> None:
    settings = {"FRIEZE_DATA": str(tmp_path / "data")}
    exported = run("export", "main", str(tmp_path / "export"), settings=settings)
    assert "0 posts; 0 files written (0 bytes), 0 were there already." in exported.stdout
    imported = run("import", str(tmp_path / "export"), "--wall", "main", settings=settings)
    assert "0 posts handed over (0 bytes), 0 were known already." in imported.stdout
    nowhere = run("export", "nowhere", str(tmp_path / "other"), settings=settings, check=False)
    assert (nowhere.returncode, "no wall named nowhere" in nowhere.stderr) == (1, True)
    assert not (tmp_path / "other").exists()
    nothing = run("import", str(tmp_path), "--wall", "main", settings=settings, check=False)
    assert (nothing.returncode, "no finished export" in nothing.stderr) == (1, True)
