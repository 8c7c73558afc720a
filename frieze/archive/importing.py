"""`frieze import`: an exported wall back onto a wall, through the same door as everything else.

Each post goes to the ingest parts as it was found: its pictures are looked at and made anew, and the wall's policy
decides. A post whose key the wall knows is left as it is, whatever became of it, so an import may be repeated, and a
post that an operator has removed does not come back. One that comes to the wall in an older version while we hand it
over becomes what the export says, as an edit.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from frieze.archive.files import digest_of, opened
from frieze.archive.index import FileEntry, PostEntry, read_index
from frieze.networks import SOURCES
from frieze.storage.patience import patiently
from ingest.sources.command import NETWORK as COMMAND
from wall.catalogue import Catalogue
from wall.catalogue.posts import Stored
from wall.errors import CatalogueError, SettingsError, StoreError
from wall.origins import stored_origin
from wall.posts import SourceMedia, SourcePost
from wall.states import State
from wall.store.base import CHUNK, Store
from wall.store.keys import new_key

AT_ONCE = 4  # posts
PAGE = 100
_SHOWN = 20


@dataclass(slots=True)
class Imported:
    """`keys` are those of all posts of the export that the wall knows now; `there`: it knew before, and they are as
    they were. `edited` ones came to the wall meanwhile and were older; they are among `posts`, whose bytes are
    `bytes`."""

    posts: int = 0
    edited: int = 0
    there: int = 0
    bytes: int = 0
    keys: list[str] = field(default_factory=list[str])
    failed: list[str] = field(default_factory=list[str])

    def sentences(self) -> list[str]:
        """The result in an operator's words."""
        said = [f"{self.posts} posts handed over ({self.bytes:,} bytes), {self.there} were known already."]
        if self.edited:
            said.append(f"{self.edited} of these came to the wall meanwhile in an older version and were changed.")
        if self.failed:
            said.append(f"{len(self.failed)} can't be imported:")
            said += [f"  {sentence}" for sentence in self.failed[:_SHOWN]]
            said += ["  …"] if len(self.failed) > _SHOWN else []
        return said


class Import:
    """Reads the export in `folder` onto the wall `slug`; `step` hears of each post and its bytes."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        folder: Path,
        slug: str,
        *,
        step: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._folder = folder
        self._slug = slug
        self._step = step
        self.result = Imported()
        self._posts: Sequence[PostEntry] = ()

    async def read(self) -> tuple[int, int]:
        """Read the index; how many posts and bytes there are. Raises SettingsError and NotFound."""
        await self._catalogue.walls.get(self._slug)
        self._posts = (await asyncio.to_thread(read_index, self._folder)).posts
        return len(self._posts), sum(_size(post) for post in self._posts)

    async def run(self) -> Imported:
        """Raises CatalogueError; what is wrong with single posts stands in the result."""
        turns = asyncio.Semaphore(AT_ONCE)
        for start in range(0, len(self._posts), PAGE):
            page = self._posts[start : start + PAGE]
            known = await self._catalogue.posts.states(self._slug, [post.key for post in page])
            async with asyncio.TaskGroup() as tasks:
                for post in page:
                    tasks.create_task(self._one(post, known, turns))
        return self.result

    async def _one(self, post: PostEntry, known: Mapping[str, State], turns: asyncio.Semaphore) -> None:
        async with turns:
            try:
                if post.key in known:
                    self.result.there += 1
                else:
                    await self._hand_over(post)
                self.result.keys.append(post.key)
            except (StoreError, SettingsError, CatalogueError, OSError) as error:
                self.result.failed.append(f"{post.key}: {error}")
            self._step(_size(post))

    async def _hand_over(self, post: PostEntry) -> None:
        put: list[str] = []
        stored: Stored | None = None
        offered = False
        try:
            media = [await self._put(one.file, put) for one in post.media]
            avatar = await self._put(post.avatar, put) if post.avatar is not None else None
            offered = True
            stored = await self._catalogue.posts.offer(self._slug, _source(post), [_found(post, media, avatar)])
            self._count(post, stored)
        finally:
            await asyncio.shield(self._settle(post, put, offered, stored))

    def _count(self, post: PostEntry, stored: Stored) -> None:
        if stored.new + stored.edited == 0:
            self.result.there += 1
            return
        self.result.posts += 1
        self.result.edited += stored.edited
        self.result.bytes += _size(post)

    async def _settle(self, post: PostEntry, put: Sequence[str], offered: bool, stored: Stored | None) -> None:
        """Take back what was put and no post names: it failed, or the wall had the post, as new, a moment before."""
        if stored is not None and stored.new + stored.edited:
            return
        if offered and stored is None and await self._may_name(post):
            return
        for key in put:
            with suppress(StoreError):
                await self._store.delete(key)

    async def _may_name(self, post: PostEntry) -> bool:
        """Whether the wall may have taken the post though nobody heard so. What is left for nothing then, `frieze store
        reconcile` finds."""
        try:
            return bool(await self._catalogue.posts.states(self._slug, [post.key]))
        except CatalogueError:
            return True

    async def _put(self, entry: FileEntry, put: list[str]) -> str:
        """Hand a file over where an ingest part finds it; its key. Only when it is what the index says."""
        path = self._folder / entry.file
        try:
            found = await asyncio.to_thread(digest_of, path, entry.bytes)
        except FileNotFoundError as error:
            raise SettingsError(f"{entry.file} is missing.") from error
        except OSError as error:
            raise SettingsError(f"{entry.file} can't be read: {error.strerror or error}.") from error
        if found != entry.sha256:
            what = "length" if found is None else "SHA-256"
            raise SettingsError(f"{entry.file} is not what it was when it was exported: its {what} is another.")
        key = new_key()
        put.append(key)
        await patiently(lambda: self._store.put(key, entry.bytes, "application/octet-stream", _chunks(path)))
        return key


def _size(post: PostEntry) -> int:
    return sum(media.file.bytes for media in post.media) + (post.avatar.bytes if post.avatar is not None else 0)


def _source(post: PostEntry) -> str:
    """Its own, where an ingest part here works on posts of that source."""
    return post.source if post.source in SOURCES else COMMAND


def _found(post: PostEntry, media: Sequence[str], avatar: str | None) -> SourcePost:
    return SourcePost(
        key=post.key,
        version=post.version,
        author_name=post.author,
        author_handle=post.handle,
        avatar=stored_origin(avatar) if avatar is not None else None,
        text=post.text,
        url=post.url,
        created=post.created,
        media=tuple(
            SourceMedia(
                key=entry.key,
                kind=entry.kind,
                origin=stored_origin(key),
                alt=entry.alt,
                focus=entry.focus,
                name=entry.name,
            )
            for entry, key in zip(post.media, media, strict=True)
        ),
    )


async def _chunks(path: Path) -> AsyncGenerator[bytes]:
    with opened(path) as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
