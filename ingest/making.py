"""One picture or video of a post: fetched, looked at, stored in the sizes that a wall needs at once.

A video is never copied whole to this machine's disk when the store has it already: its poster comes of a few ranges,
and the copy for viewers, without what its camera noted, streams from store to store.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.sources.base import Source
from ingest.sources.command import CommandSource, stored_key
from ingest.stored_footage import StoredFootage
from wall.blanking import blanked
from wall.catalogue.work import MediaResult, MediaWork, StoredRendition
from wall.errors import FetchError, FetchRefused, ObjectMissing, PictureError, StoreError, StoreUnavailable
from wall.origins import is_reference, stored_origin
from wall.pictures.footage import FileFootage
from wall.pictures.records import Filmed, Rendered, RenderedImage
from wall.pictures.sniff import HEAD, is_video, recognise
from wall.pictures.studio import PictureStudio
from wall.posts import Role
from wall.store.base import CHUNK, Store
from wall.store.collections.reference import MOST_BLANKS, Reference
from wall.store.keys import new_key

MIB = 1024 * 1024
THUMBNAILS: tuple[Role, ...] = ("thumbnail-320", "thumbnail-640")
ANIMATED: tuple[Role, ...] = ("animated-640",)
AVATAR: tuple[Role, ...] = ("avatar",)
PICTURE_BYTES = 100 * MIB  # of a picture in a collection, which nobody has limited; docs/limits.md
STILLS: tuple[Role, ...] = (*THUMBNAILS, "poster")
# what may lie in the scratch folder of one picture: 100 megapixels of three colours in 16 bits, as they are
MAX_ORIGINAL = 600 * MIB


class Maker:
    """`folder` is for pictures on their way and is emptied as they leave."""

    def __init__(self, store: Store, studio: PictureStudio, folder: Path) -> None:
        self._store = store
        self._studio = studio
        self._folder = folder
        self._handed_over = CommandSource(store)

    async def make(self, source: Source, media: MediaWork) -> MediaResult:
        """Fetch one picture or video, look at it, store what came of it.

        Raises FriezeError, and then nothing is stored that was not before.
        """
        key = stored_key(media.origins[0])
        if key is not None and is_reference(key):
            key = await self._pin(key)
            media = replace(media, origins=(stored_origin(key),))
        if key is not None and not media.is_avatar and (footage := await self._stored_video(key)) is not None:
            return await self._make_stored_video(media, key, footage)
        try:
            # a thread that a stop left behind may still write into it; it goes with the scratch folder of this process
            with TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True) as folder:
                original = Path(folder) / "original"
                await self._fetch(source, media, original)
                # what was handed over lies there already, and goes with its media
                keeps = key is not None or (source.keeps_originals and not media.is_avatar)
                if not media.is_avatar and is_video(recognise(await asyncio.to_thread(_head, original))):
                    return await self._make_video(media, original, keeps=keeps)
                return await self._make_picture(media, original, keeps=keeps)
        except OSError as error:
            raise StoreUnavailable(
                f"The folder {self._folder} can't be used: {error.strerror or error}. "
                "Make sure that it is writable and that its disk is not full."
            ) from error

    async def delete(self, stored: Sequence[StoredRendition]) -> None:
        """Take renditions out of the store again, as far as it lets us."""
        for rendition in stored:
            with suppress(StoreError):
                await self._store.delete(rendition.key)

    async def _pin(self, key: str) -> str:
        """The reference to the very object that lies there now, so that nothing else is ever shown in its place."""
        reference = Reference.parse(key)
        assert reference is not None
        try:
            info = await self._store.head(key)
        except ObjectMissing as error:
            raise FetchRefused("Its owner has taken the picture out of the collection.") from error
        return str(replace(reference, etag=info.etag))

    async def _fetch(self, source: Source, media: MediaWork, target: Path) -> None:
        problems: list[FetchError] = []
        for origin in media.origins:
            try:
                await self._who_fetches(source, origin).fetch(origin, target)
            except FetchError as error:
                problems.append(error)
            else:
                return
        # one that may still come is worth more than one that never will
        raise next((problem for problem in problems if problem.temporary), problems[0])

    def _who_fetches(self, source: Source, origin: str) -> Source:
        """What lies in the store, anybody reads there: `frieze import` brings it for posts of every source."""
        if stored_key(origin) is None or isinstance(source, CommandSource):
            return source
        return self._handed_over

    async def _make_picture(self, media: MediaWork, original: Path, *, keeps: bool) -> MediaResult:
        rendered = await self._studio.render(original, AVATAR if media.is_avatar else THUMBNAILS)
        images = [*rendered.renditions]
        if rendered.animated and not media.is_avatar:
            images += await self._animate(original)
        made: list[StoredRendition] = []
        try:
            stored = await self._put_images(images, made)
            if keeps:
                stored.append(await self._keep_original(media, original, rendered, made))
        except BaseException:
            await asyncio.shield(self.delete(made))
            raise
        return MediaResult(
            media_id=media.id,
            kind=None if media.is_avatar else "animation" if rendered.animated else "image",
            width=rendered.width,
            height=rendered.height,
            thumbhash=rendered.thumbhash,
            sha256=rendered.sha256,
            phash=None if media.is_avatar else rendered.phash,
            renditions=tuple(stored),
        )

    async def _animate(self, original: Path) -> Sequence[RenderedImage]:
        """The light animation, where it can be had within a picture's time; the still does without it."""
        with suppress(PictureError):
            return (await self._studio.render(original, ANIMATED)).renditions
        return ()

    async def _keep_original(
        self, media: MediaWork, original: Path, rendered: Rendered, made: list[StoredRendition]
    ) -> StoredRendition:
        key = stored_key(media.origins[0])
        length = (await asyncio.to_thread(original.stat)).st_size
        form = (rendered.width, rendered.height, rendered.type)
        if key is not None:
            return _stored("original", form, length, key)
        return await self._put("original", form, length, _file(original), made)

    async def _make_video(self, media: MediaWork, original: Path, *, keeps: bool) -> MediaResult:
        """A video that was fetched into a file."""
        length = (await asyncio.to_thread(original.stat)).st_size
        filmed = await self._studio.film(FileFootage(original, length), STILLS)
        made: list[StoredRendition] = []
        try:
            stored = await self._put_images(filmed.renditions, made)
            if keeps:
                form = (filmed.width, filmed.height, filmed.type)
                stored.append(await self._put("original", form, length, _file(original), made))
            form = (filmed.width, filmed.height, filmed.served)
            if keeps and not filmed.blanks:
                stored.append(_stored("video", form, length, stored[-1].key))
            else:
                stored.append(await self._put("video", form, length, blanked(_file(original), filmed.blanks), made))
            digest = await asyncio.to_thread(_digest, original)
        except BaseException:
            await asyncio.shield(self.delete(made))
            raise
        return _video_result(media, filmed, stored, digest)

    async def _stored_video(self, key: str) -> StoredFootage | None:
        """The object under `key` when it is a video, of whatever length. Raises PictureError for what nobody shows, and
        for a picture too large to copy: both before anything but its head was read."""
        try:
            opened = await self._store.open(key, 0, HEAD)
            async with aclosing(opened.chunks) as chunks:
                head = b"".join([chunk async for chunk in chunks])
        except ObjectMissing as error:
            raise FetchRefused("The picture is no longer in the store.") from error
        if not is_video(recognise(head)):
            if opened.info.length > MAX_ORIGINAL:
                raise PictureError(f"The picture's file is larger than {MAX_ORIGINAL // MIB} MiB.", code="length")
            if is_reference(key) and opened.info.length > PICTURE_BYTES:
                raise FetchRefused(f"The picture is larger than {PICTURE_BYTES // MIB} MiB.")
            return None
        return StoredFootage(self._store, key, opened.info.length, opened.info.etag)

    async def _make_stored_video(self, media: MediaWork, key: str, footage: StoredFootage) -> MediaResult:
        filmed = await self._studio.film(footage, STILLS)
        made: list[StoredRendition] = []
        try:
            stored = await self._put_images(filmed.renditions, made)
            stored.append(_stored("original", (filmed.width, filmed.height, filmed.type), footage.length, key))
            form = (filmed.width, filmed.height, filmed.served)
            reference = Reference.parse(key)
            if reference is not None and len(filmed.blanks) <= MOST_BLANKS:
                # it is not ours to copy: what its camera noted is made blank each time it is read
                blank = str(replace(reference, blanks=filmed.blanks))
                stored.append(_stored("video", form, footage.length, blank))
            elif filmed.blanks:
                opened = await self._store.open(key)
                async with aclosing(opened.chunks) as chunks:
                    copy = blanked(chunks, filmed.blanks)
                    stored.append(await self._put("video", form, footage.length, copy, made))
            else:
                stored.append(_stored("video", form, footage.length, key))
        except BaseException:
            await asyncio.shield(self.delete(made))
            raise
        return _video_result(media, filmed, stored, None)

    async def _put_images(self, images: Sequence[RenderedImage], made: list[StoredRendition]) -> list[StoredRendition]:
        return [
            await self._put(one.role, (one.width, one.height, one.type), len(one.data), _once(one.data), made)
            for one in images
        ]

    async def _put(
        self,
        role: Role,
        form: tuple[int, int, str],
        length: int,
        chunks: AsyncIterator[bytes],
        made: list[StoredRendition],
    ) -> StoredRendition:
        key = new_key()
        await self._store.put(key, length, form[2], chunks)
        stored = _stored(role, form, length, key)
        made.append(stored)
        return stored


def _stored(role: Role, form: tuple[int, int, str], length: int, key: str) -> StoredRendition:
    width, height, media_type = form
    return StoredRendition(role=role, width=width, height=height, type=media_type, bytes=length, key=key)


def _video_result(
    media: MediaWork, filmed: Filmed, stored: Sequence[StoredRendition], digest: str | None
) -> MediaResult:
    return MediaResult(
        media_id=media.id,
        kind="video",
        width=filmed.width,
        height=filmed.height,
        thumbhash=filmed.thumbhash,
        sha256=digest,
        duration=filmed.duration,
        phash=filmed.phash,
        renditions=tuple(stored),
    )


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _file(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
