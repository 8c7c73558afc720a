"""Larger sizes of a picture, made of its original when somebody first wants them.

    on_demand = OnDemand(catalogue, store, studio, holder=holder)
    rendition = await on_demand.ensure(media_id, "display-1280")

However many ask at once, in this process or in another, one makes it and the others wait. What was made is stored and
recorded; what could not be made is recorded with the reason, and tried twice at most.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from wall.catalogue import Catalogue
from wall.catalogue.claims import Claim
from wall.catalogue.media import KeptOriginal, ServedRendition
from wall.catalogue.single import SingleFlight
from wall.catalogue.work import StoredRendition
from wall.errors import CatalogueError, ObjectMissing, PictureError, StoreError, StudioBusy
from wall.pictures.records import ROLE_SIZES, Rendered
from wall.pictures.studio import PictureStudio
from wall.posts import Role
from wall.store.base import Store
from wall.store.keys import new_key

# smallest first: a larger one that is made brings the smaller ones along, out of the same decoding
MADE: tuple[Role, ...] = ("display-1280", "display-2560")
_THERE: Role = "thumbnail-640"  # made when the post came in: enough for pictures that are no larger

TRIES = 2  # for a picture that is to blame; trouble of ours is not counted
AT_ONCE = 4  # originals on this machine's disk
WAITING = 200  # renditions wanted at the same time, as in the studio's waiting room
MAX_ORIGINAL = 100 * 1024 * 1024  # bytes; docs/limits.md, a picture's original
LEASE = timedelta(seconds=30)  # longer than a download and a decoding; whoever died gives it back
WAIT_SECONDS = 15.0  # for another process that makes it
_LOOK_SECONDS = 0.2


class OnDemand:
    """`holder` names this process; originals pass through `folder` (the system's own for None)."""

    def __init__(
        self,
        catalogue: Catalogue,
        store: Store,
        studio: PictureStudio,
        *,
        holder: str,
        folder: Path | None = None,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._catalogue = catalogue
        self._store = store
        self._studio = studio
        self._holder = holder
        self._folder = folder
        self._wait_seconds = wait_seconds
        self._flights: SingleFlight[tuple[str, Role], None] = SingleFlight()
        self._waiting = 0
        self._running = asyncio.Semaphore(AT_ONCE)

    async def ensure(self, media_id: str, role: str) -> ServedRendition | None:
        """The rendition, made now where it was not there; None where there is none and can't be.

        The caller still checks whether it may be shown (`public`). Raises StudioBusy and StoreError when trying again
        later can help.
        """
        found = await self._catalogue.media.find(media_id, role)
        if found is not None or role not in MADE:
            return found
        original = await self._catalogue.media.original(media_id)
        if original is None or original.kind == "video":
            return None
        fitting = _fitting(original, role)
        if fitting not in MADE:
            return await self._catalogue.media.find(media_id, fitting)
        if _tried_enough(original):
            return None
        if self._waiting >= WAITING:
            raise StudioBusy("Too many pictures are wanted in full at once; try again in a moment.")
        self._waiting += 1
        try:
            await self._flights.get((media_id, fitting), lambda: self._make(media_id, fitting))
        finally:
            self._waiting -= 1
        return await self._catalogue.media.find(media_id, fitting)

    async def _make(self, media_id: str, role: Role) -> None:
        """Make it, or wait until another process has."""
        claim = await self._claim(f"rendition:{media_id}")
        try:
            # whoever held it before may have made it, or found that it can't be made
            original = await self._catalogue.media.original(media_id)
            missing: list[Role] = [one for one in MADE[: MADE.index(role) + 1] if await self._is_missing(media_id, one)]
            if original is None or role not in missing or _tried_enough(original):
                return
            async with self._running:
                await self._render(media_id, original, missing)
        except PictureError as error:
            await self._catalogue.media.record_failure(media_id, role, str(error))
        finally:
            await self._catalogue.claims.release(claim)

    async def _claim(self, item: str) -> Claim:
        """Alone among all processes. Raises StudioBusy when another one holds it for long."""
        try:
            async with asyncio.timeout(self._wait_seconds):
                while True:
                    claim = await self._catalogue.claims.take(item, self._holder, LEASE)
                    if claim is not None:
                        return claim
                    await asyncio.sleep(_LOOK_SECONDS)
        except TimeoutError as error:
            raise StudioBusy("Somebody else makes this picture and is not done yet; try again in a moment.") from error

    async def _is_missing(self, media_id: str, role: Role) -> bool:
        return await self._catalogue.media.find(media_id, role) is None

    async def _render(self, media_id: str, original: KeptOriginal, roles: list[Role]) -> None:
        try:
            with TemporaryDirectory(dir=self._folder, ignore_cleanup_errors=True) as folder:
                path = Path(folder) / "original"
                await self._fetch(original, path)
                rendered = await self._studio.render(path, roles)
        except OSError as error:
            raise StudioBusy(f"The original can't be kept for a moment: {error.strerror or error}.") from error
        stored: list[StoredRendition] = []
        try:
            await self._put(rendered, stored)
            recorded = await self._catalogue.media.add_renditions(media_id, stored)
        except BaseException:
            await asyncio.shield(self._take_back(media_id, stored))
            raise
        if not recorded:
            await self._delete(stored)

    async def _fetch(self, original: KeptOriginal, target: Path) -> None:
        if original.bytes > MAX_ORIGINAL:
            raise PictureError(f"The original is larger than {MAX_ORIGINAL // 2**20} MiB.", code="length")
        try:
            opened = await self._store.open(original.key)
        except ObjectMissing as error:
            raise PictureError("The original is no longer in the store.", code="missing") from error
        async with aclosing(opened.chunks) as chunks:
            with target.open("wb") as file:
                async for chunk in chunks:
                    await asyncio.to_thread(file.write, chunk)

    async def _put(self, rendered: Rendered, stored: list[StoredRendition]) -> None:
        for image in rendered.renditions:
            key = new_key()
            await self._store.put(key, len(image.data), image.type, _once(image.data))
            stored.append(
                StoredRendition(
                    role=image.role,
                    width=image.width,
                    height=image.height,
                    type=image.type,
                    bytes=len(image.data),
                    key=key,
                )
            )

    async def _take_back(self, media_id: str, stored: list[StoredRendition]) -> None:
        """What was recorded all the same, for the answer was lost, stays; so does what the catalogue can't say now."""
        with suppress(CatalogueError):
            named = await self._catalogue.stored.keys_of([media_id])
            await self._delete([rendition for rendition in stored if rendition.key not in named])

    async def _delete(self, stored: list[StoredRendition]) -> None:
        for rendition in stored:
            with suppress(StoreError):
                await self._store.delete(rendition.key)


def _fitting(original: KeptOriginal, role: str) -> Role:
    """The smallest role that shows all the pixels there are: nothing is enlarged, so a larger one would be the same."""
    longest = max(original.width, original.height)
    for one in (_THERE, *MADE):
        if one == role or ROLE_SIZES[one] >= longest:
            return one
    return MADE[-1]


def _tried_enough(original: KeptOriginal) -> bool:
    """Whichever size it was for: it is the decoding that fails."""
    return sum(tries for tries, _ in original.failures.values()) >= TRIES


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
