import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ingest.sources import folder
from ingest.sources.base import Page
from ingest.sources.folder import FolderSource, title
from wall.errors import FetchRefused, SourceRefused, SourceUnavailable

pytestmark = pytest.mark.anyio


class Looks:
    """One search of one folder, with its checkpoint."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = FolderSource()
        self.checkpoint: Mapping[str, Any] = {}

    async def look(self) -> Page:
        """One sweep, its pages put together."""
        pages = [page async for page in self.source.sweep(str(self.root), self.checkpoint)]
        self.checkpoint = pages[-1].checkpoint
        return Page(
            posts=tuple(post for page in pages for post in page.posts),
            removals=tuple(one for page in pages for one in page.removals),
            checkpoint=self.checkpoint,
            next_in=pages[-1].next_in,
            note=pages[-1].note,
        )

    def restart(self) -> None:
        self.source = FolderSource()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "Summer"
    path.mkdir()
    return path


@pytest.fixture
def looks(root: Path) -> Looks:
    return Looks(root)


def _put(path: Path, data: bytes) -> str:
    """Write a file and give the key of its post."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _keys(page: Page) -> set[str]:
    return {post.key for post in page.posts}


def _gone(page: Page) -> set[str]:
    return {removal.key for removal in page.removals}


async def test_a_file_appears_once_it_stayed_the_same_over_two_looks(looks: Looks, root: Path) -> None:
    _put(root / "a.jpg", b"half")
    assert not (await looks.look()).posts
    key = _put(root / "a.jpg", b"half and the rest")
    assert not (await looks.look()).posts
    page = await looks.look()
    assert _keys(page) == {key}
    assert not (await looks.look()).posts


async def test_a_post_says_where_its_picture_lies_and_what_its_name_says(looks: Looks, root: Path) -> None:
    key = _put(root / "beach" / "sunset_over the-pier.jpg", b"picture")
    os.utime(root / "beach" / "sunset_over the-pier.jpg", (1_700_000_000, 1_700_000_000))
    await looks.look()
    (post,) = (await looks.look()).posts
    assert (post.text, post.author_name, post.url) == ("sunset over the pier", "beach", None)
    assert post.created.timestamp() == 1_700_000_000
    assert post.media[0].origin == f"folder:{key.removeprefix('sha256:')}:{root}/beach/sunset_over the-pier.jpg"


async def test_hidden_unfinished_and_other_files_are_left_alone(looks: Looks, root: Path) -> None:
    for name in (".hidden.jpg", "a.jpg.part", "b.tmp", "notes.txt", ".git/c.jpg", "no-suffix"):
        _put(root / name, name.encode())
    await looks.look()
    assert not (await looks.look()).posts


async def test_what_only_claims_to_be_a_picture_is_handed_on_to_fail_with_a_reason(looks: Looks, root: Path) -> None:
    keys = {_put(root / "fake.jpg", b"<html>"), _put(root / "phone.HEIC", b"heic")}
    await looks.look()
    assert _keys(await looks.look()) == keys


async def test_links_are_not_followed(looks: Looks, root: Path, tmp_path: Path) -> None:
    _put(tmp_path / "outside" / "secret.jpg", b"secret")
    (root / "file.jpg").symlink_to(tmp_path / "outside" / "secret.jpg")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to(root)
    await looks.look()
    assert not (await looks.look()).posts


async def test_copies_are_one_post_and_it_goes_with_the_last_of_them(looks: Looks, root: Path) -> None:
    key = _put(root / "a.jpg", b"same")
    _put(root / "b.jpg", b"same")
    await looks.look()
    page = await looks.look()
    assert len(page.posts) == 1
    (root / "a.jpg").unlink()
    for _ in range(3):
        assert not _gone(await looks.look())
    (root / "b.jpg").unlink()
    assert not _gone(await looks.look())
    assert _gone(await looks.look()) == {key}
    assert not _gone(await looks.look())


async def test_a_renamed_file_stays_the_same_post(looks: Looks, root: Path) -> None:
    _put(root / "a.jpg", b"picture")
    await looks.look()
    await looks.look()
    _rename(root / "a.jpg", root / "z.jpg")
    for _ in range(4):
        page = await looks.look()
        assert not page.posts
        assert not page.removals


async def test_a_restart_neither_repeats_nor_forgets(looks: Looks, root: Path) -> None:
    key = _put(root / "a.jpg", b"picture")
    await looks.look()
    await looks.look()
    looks.restart()
    for _ in range(3):
        assert not (await looks.look()).posts
    (root / "a.jpg").unlink()
    looks.restart()
    await looks.look()
    assert _gone(await looks.look()) == {key}


async def test_a_folder_that_is_away_removes_nothing(looks: Looks, root: Path) -> None:
    _put(root / "a.jpg", b"picture")
    await looks.look()
    await looks.look()
    _rename(root, root.with_name("away"))
    for _ in range(3):
        with pytest.raises(SourceUnavailable, match="no folder"):
            await looks.look()
    _rename(root.with_name("away"), root)
    assert not (await looks.look()).removals


async def test_a_file_that_cannot_be_read_is_noted_and_the_next_goes_on(
    looks: Looks, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _put(root / "bad.jpg", b"bad")
    key = _put(root / "good.jpg", b"good")
    read = os.open

    def refuse(path: Any, *how: Any, **more: Any) -> int:
        if str(path).endswith("bad.jpg"):
            raise PermissionError(13, "Permission denied")
        return read(path, *how, **more)

    monkeypatch.setattr(os, "open", refuse)  # the tests may run as root, whom no permission stops
    await looks.look()
    page = await looks.look()
    assert _keys(page) == {key}
    assert "bad.jpg: Permission denied" in page.note


async def test_many_files_come_in_pages_each_with_its_checkpoint(looks: Looks, root: Path) -> None:
    for number in range(120):
        _put(root / f"{number}.jpg", str(number).encode())
    await looks.look()
    pages = [page async for page in looks.source.sweep(str(root), looks.checkpoint)]
    assert [len(page.posts) for page in pages] == [50, 50, 20]
    assert [len(page.checkpoint["files"]) for page in pages] == [50, 100, 120]
    # a crash after the first page repeats none of it
    looks.checkpoint = pages[0].checkpoint
    looks.restart()
    await looks.look()
    assert not _keys(await looks.look()) & _keys(pages[0])


async def test_the_checkpoint_has_a_limit(looks: Looks, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "MAX_FILES", 10)
    for number in range(15):
        _put(root / f"{number}.jpg", str(number).encode())
    await looks.look()
    page = await looks.look()
    assert len(page.posts) == 10
    assert "more than 10 files" in page.note
    assert len(page.checkpoint["files"]) == 10


async def test_fetch_copies_the_file_and_proves_its_content(looks: Looks, root: Path, tmp_path: Path) -> None:
    _put(root / "a.jpg", b"picture")
    await looks.look()
    origin = (await looks.look()).posts[0].media[0].origin
    target = tmp_path / "copy"
    await looks.source.fetch(origin, target)
    assert _bytes(target) == b"picture"
    _put(root / "a.jpg", b"another")
    with pytest.raises(FetchRefused, match="changed"):
        await looks.source.fetch(origin, target)
    assert _bytes(target) is None
    (root / "a.jpg").unlink()
    with pytest.raises(FetchRefused, match="no longer"):
        await looks.source.fetch(origin, target)


@pytest.mark.parametrize("origin", ["", "folder:", "folder:abc:/etc/passwd", "https://x/", f"folder:{'0' * 64}:a"])
async def test_a_foreign_origin_is_refused(origin: str, tmp_path: Path) -> None:
    with pytest.raises(FetchRefused):
        await FolderSource().fetch(origin, tmp_path / "copy")


async def test_a_file_of_other_content_is_never_given_out(tmp_path: Path) -> None:
    with pytest.raises(FetchRefused, match="changed"):
        await FolderSource().fetch(f"folder:{'0' * 64}:/etc/passwd", tmp_path / "copy")
    assert _bytes(tmp_path / "copy") is None


@pytest.mark.parametrize("query", ["", "  ", "Pictures", "~/Pictures", "/a\0b"])
async def test_a_query_that_is_no_whole_path_is_refused(query: str) -> None:
    with pytest.raises(SourceRefused):
        FolderSource().check_query(query)


async def test_a_file_in_a_folders_place_is_refused(tmp_path: Path) -> None:
    _put(tmp_path / "file", b"x")
    with pytest.raises(SourceRefused, match="is a file"):
        await Looks(tmp_path / "file").look()


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("IMG_1234", ""),
        ("DSC01234", ""),
        ("PXL_20240101_120000.MP", ""),
        ("IMG-20200101-WA0003", ""),
        ("0b5ee1a0-1f7c-4c0e-9d2a-1f7c4c0e9d2a", ""),
        ("our_first-day by the sea", "our first day by the sea"),
        ("Ada & Bo 2024", "Ada & Bo 2024"),
    ],
)
def test_a_title_is_what_people_wrote_and_not_what_cameras_write(stem: str, expected: str) -> None:
    assert title(stem) == expected


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _rename(path: Path, to: Path) -> None:
    path.rename(to)
