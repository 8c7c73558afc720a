"""What `frieze post` hands over, refuses and says, against a real catalogue and store."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
from PIL import Image

from frieze.posting import FILE_BYTES, post_files
from frieze.settings import load
from frieze.store import configured_store
from ingest.sources.command import CommandSource
from ingest.worker import Worker
from tests.fakes.beside import beside
from wall.catalogue import Catalogue
from wall.errors import FriezeError, NotFound, PictureError, SettingsError
from wall.pictures.studio import PictureStudio
from wall.posts import MEDIA_PER_POST
from wall.states import ActionKind, Policy, State
from wall.store import open_store

pytestmark = pytest.mark.anyio


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """SQLite alone: nothing here depends on the database."""
    return f"sqlite:{tmp_path / 'catalogue.db'}"


@pytest.fixture
async def worker(catalogue: Catalogue, tmp_path: Path) -> AsyncGenerator[None]:
    """Somebody who makes thumbnails of what is handed over."""
    store = await open_store(_store(tmp_path))
    source = CommandSource(store)
    async with PictureStudio(workers=1) as studio:
        worker = Worker(catalogue, {source.network: source}, store, studio, holder="test", folder=tmp_path)
        async with beside(worker.run()):
            yield


def _store(folder: Path) -> str:
    return f"disk:{folder / 'store'}"


def _objects(folder: Path) -> int:
    return sum(path.is_file() for path in (folder / "store").rglob("*"))


async def _post(catalogue: Catalogue, folder: Path, files: Sequence[Path], wall: str = "main") -> list[str]:
    said: list[str] = []
    store = configured_store(load(data=folder))
    await post_files(catalogue, store, files, wall=wall, text="Hello", author="Ada", say=said.append)
    return said


def _picture(folder: Path, colour: str = "teal") -> Path:
    path = folder / f"{colour}.png"
    Image.new("RGB", (400, 300), colour).save(path)
    return path


@pytest.mark.usefixtures("worker")
async def test_pictures_become_one_post_in_their_order(catalogue: Catalogue, tmp_path: Path) -> None:
    assert await _post(catalogue, tmp_path, [_picture(tmp_path), _picture(tmp_path, "red")]) == ["On the wall: /w/main"]
    [post] = (await catalogue.posts.snapshot("main")).posts
    assert (post.text, post.author.name, post.source, post.url) == ("Hello", "Ada", "command", None)
    assert len(post.media) == 2


@pytest.mark.usefixtures("worker")
async def test_the_same_pictures_again_are_the_same_post_and_cost_no_space(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    picture = _picture(tmp_path)
    await _post(catalogue, tmp_path, [picture])
    stored = _objects(tmp_path)
    assert await _post(catalogue, tmp_path, [picture]) == ["On the wall: /w/main"]
    assert len((await catalogue.posts.snapshot("main")).posts) == 1
    assert _objects(tmp_path) == stored
    # on another wall it is another post
    await catalogue.walls.add("stage", "The stage")
    assert await _post(catalogue, tmp_path, [picture], wall="stage") == ["On the wall: /w/stage"]


@pytest.mark.usefixtures("worker")
async def test_pictures_that_an_operator_removed_stay_removed(catalogue: Catalogue, tmp_path: Path) -> None:
    picture = _picture(tmp_path)
    await _post(catalogue, tmp_path, [picture])
    [post] = (await catalogue.posts.snapshot("main")).posts
    await catalogue.moderation.act(
        post.id, ActionKind.REMOVE, operator="eve", state=State.APPROVED, revision=1, reason="Not here."
    )
    with pytest.raises(PictureError, match="Not here"):
        await _post(catalogue, tmp_path, [picture])
    assert not (await catalogue.posts.snapshot("main")).posts


@pytest.mark.usefixtures("worker")
async def test_a_wall_that_holds_says_who_is_waited_for(catalogue: Catalogue, tmp_path: Path) -> None:
    await catalogue.walls.change("main", policy=Policy.HOLD)
    [said] = await _post(catalogue, tmp_path, [_picture(tmp_path)])
    assert "Waiting for an operator" in said


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("content", [b"", b"only some text", b"\x89PNG\r\n\x1a\nbroken"])
async def test_what_is_no_picture_is_said_in_words(catalogue: Catalogue, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.jpg"
    await asyncio.to_thread(path.write_bytes, content)
    with pytest.raises(PictureError) as refused:
        await _post(catalogue, tmp_path, [path])
    assert str(refused.value).endswith(".")
    assert len(str(refused.value).split()) >= 4


async def test_what_cant_be_read_is_refused_before_anything_is_stored(catalogue: Catalogue, tmp_path: Path) -> None:
    picture, large, folder = _picture(tmp_path), tmp_path / "large.jpg", tmp_path / "folder"
    folder.mkdir()
    with large.open("wb") as file:
        file.truncate(FILE_BYTES + 1)
    for path, sentence in (
        (tmp_path / "missing.jpg", "missing.jpg can't be read"),
        (folder, "folder can't be read"),
        (large, "large.jpg is larger than 40 MB"),
    ):
        with pytest.raises(SettingsError, match=sentence):
            await _post(catalogue, tmp_path, [picture, path])
    with pytest.raises(NotFound, match="no wall named nowhere"):
        await _post(catalogue, tmp_path, [picture], wall="nowhere")
    with pytest.raises(SettingsError, match=f"at most {MEDIA_PER_POST} pictures"):
        await _post(catalogue, tmp_path, [picture] * (MEDIA_PER_POST + 1))
    assert _objects(tmp_path) == 0
    assert sum((await catalogue.posts.counts("main")).values()) == 0


async def test_when_nobody_makes_thumbnails_the_post_waits_and_that_is_said(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frieze.posting.WAIT_SECONDS", 0.2)
    with pytest.raises(FriezeError, match="is Frieze running"):
        await _post(catalogue, tmp_path, [_picture(tmp_path)])
    assert (await catalogue.posts.counts("main"))[State.RECEIVED] == 1
    assert _objects(tmp_path) == 1
