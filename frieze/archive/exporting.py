"""`frieze export`: what stands on a wall as files and an index of them.

Each file is written beside its place, and gets its name when it is whole; the index takes its name last. So an export
that was broken off goes on where it stopped, and one that is repeated writes only what is new. Files are named after
their media, whose id changes with the content: what is there already is read and compared by SHA-256 all the same.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from frieze.archive.files import digest_of
from frieze.archive.index import MEDIA, NAME, FileEntry, MediaEntry, PostEntry, new_index, read_index
from frieze.storage.patience import patiently
from relay.names import ENDINGS
from wall.catalogue import Catalogue
from wall.catalogue.archive import ArchivedMedia, ArchivedPost
from wall.errors import SettingsError, StoreError
from wall.store.base import Store

AT_ONCE = 4
_SHOWN = 20  # problems named one by one
_OURS = re.compile(r"[a-z2-7]{26}\.[a-z0-9]{1,5}(\.part)?")


@dataclass(slots=True)
class Exported:
    """What an export did: `written` and `there` count files, `bytes` those written."""

    posts: int = 0
    written: int = 0
    there: int = 0
    bytes: int = 0
    failed: list[str] = field(default_factory=list[str])

    def sentences(self) -> list[str]:
        """The result in an operator's words."""
        said = [
            f"{self.posts} posts; {self.written} files written ({self.bytes:,} bytes), {self.there} were there already."
        ]
        if self.failed:
            said.append(f"{len(self.failed)} pictures are left out:")
            said += [f"  {sentence}" for sentence in self.failed[:_SHOWN]]
            said += ["  …"] if len(self.failed) > _SHOWN else []
        return said


class Export:
    """Writes the wall `slug` into `folder`; `step` hears of each post that is done."""

    def __init__(
        self, catalogue: Catalogue, store: Store, slug: str, folder: Path, *, step: Callable[[], None] = lambda: None
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._slug = slug
        self._folder = folder
        self._step = step
        self._turns = asyncio.Semaphore(AT_ONCE)
        self.result = Exported()

    async def run(self) -> Exported:
        """Raises SettingsError where the folder can't be used, and CatalogueError; what is wrong with single pictures
        stands in the result."""
        wall = await self._catalogue.walls.get(self._slug)
        try:
            await asyncio.to_thread(_prepare, self._folder, self._slug)
            named: set[str] = set()
            with new_index(self._folder, wall.slug, wall.title, self._catalogue.now()) as index:
                async with aclosing(self._catalogue.archive.pages(self._slug)) as pages:
                    async for page in pages:
                        entries = await asyncio.gather(*(self._post(post) for post in page))
                        found = [entry for entry in entries if entry is not None]
                        await asyncio.to_thread(index.add, found)
                        named.update(name for entry in found for name in _files(entry))
            # what was taken off the wall since an earlier export must not stay in this one
            await asyncio.to_thread(_clear, self._folder / MEDIA, named)
        except OSError as error:
            raise SettingsError(
                f"The folder {self._folder} can't be used: {error.strerror or error}. "
                "Make sure that it is writable and that its disk is not full."
            ) from error
        return self.result

    async def _post(self, post: ArchivedPost) -> PostEntry | None:
        """None where none of its pictures can be had."""
        media = [(one, await self._file(post, one)) for one in post.media]
        avatar = await self._file(post, post.avatar) if post.avatar is not None else None
        self._step()
        entries = tuple(_media_entry(one, file) for one, file in media if file is not None)
        if not entries:
            return None
        self.result.posts += 1
        return PostEntry(
            key=post.key,
            version=post.version,
            source=post.source,
            author=post.author_name,
            handle=post.author_handle,
            avatar=avatar,
            text=post.text,
            url=post.url,
            created=post.created,
            received=post.received,
            media=entries,
        )

    async def _file(self, post: ArchivedPost, media: ArchivedMedia) -> FileEntry | None:
        name = f"{MEDIA}/{media.id}{ENDINGS.get(media.best.type, ('.bin',))[0]}"
        try:
            async with self._turns:
                digest = await self._there(self._folder / name, media)
                if digest is None:
                    digest = await patiently(lambda: self._write(self._folder / name, media))
        except StoreError as error:
            self.result.failed.append(f"{media.id} of the post {post.key}: {error}")
            return None
        return FileEntry(file=name, role=media.best.role, type=media.best.type, bytes=media.best.bytes, sha256=digest)

    async def _there(self, path: Path, media: ArchivedMedia) -> str | None:
        """The SHA-256 of a file that is there already and is what it should be."""
        try:
            found = await asyncio.to_thread(digest_of, path, media.best.bytes)
        except OSError:
            return None  # it takes its place, or that says what is wrong
        if found is None or media.sha256 not in (None, found):
            return None
        self.result.there += 1
        return found

    async def _write(self, path: Path, media: ArchivedMedia) -> str:
        part = path.with_name(f"{path.name}.part")
        digest, length = hashlib.sha256(), 0
        opened = await self._store.open(media.best.key)
        async with aclosing(opened.chunks) as chunks:
            with part.open("wb") as file:
                async for chunk in chunks:
                    digest.update(chunk)
                    length += len(chunk)
                    await asyncio.to_thread(file.write, chunk)
                await asyncio.to_thread(_sync, file.fileno())
        if length != media.best.bytes or media.sha256 not in (None, digest.hexdigest()):
            part.unlink()
            raise StoreError("the store gives other bytes than the catalogue's length and SHA-256 say.")
        await asyncio.to_thread(part.replace, path)
        self.result.written += 1
        self.result.bytes += length
        return digest.hexdigest()


def _prepare(folder: Path, slug: str) -> None:
    """A folder that is not there yet, is empty, or holds an export of the same wall."""
    if (folder / NAME).exists():
        other = read_index(folder).wall
        if other != slug:
            raise SettingsError(f"{folder} holds an export of the wall {other}; give another folder.")
    elif folder.exists():
        foreign = [one.name for one in folder.iterdir() if one.name not in (MEDIA, f".{NAME}.part")]
        if foreign:
            raise SettingsError(f"{folder} holds other things ({foreign[0][:60]}); give a folder that is empty.")
    (folder / MEDIA).mkdir(parents=True, exist_ok=True)


def _clear(folder: Path, named: set[str]) -> None:
    for path in folder.iterdir():
        if f"{MEDIA}/{path.name}" not in named and _OURS.fullmatch(path.name):
            path.unlink()


def _files(entry: PostEntry) -> list[str]:
    avatar = [entry.avatar.file] if entry.avatar is not None else []
    return [*avatar, *(media.file.file for media in entry.media)]


def _media_entry(media: ArchivedMedia, file: FileEntry) -> MediaEntry:
    return MediaEntry(
        key=media.key,
        kind=media.kind,
        alt=media.alt,
        name=media.name,
        focus=media.focus,
        width=media.best.width,
        height=media.best.height,
        file=file,
    )


def _sync(descriptor: int) -> None:
    os.fsync(descriptor)
