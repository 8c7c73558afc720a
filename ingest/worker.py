"""Received posts → pictures and videos made (`making`) → approved, pending or failed."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from ingest.making import Maker
from ingest.rest import Rest
from ingest.sources.base import Source
from ingest.sources.command import stored_key
from wall.catalogue import Catalogue
from wall.catalogue.work import MediaResult, MediaWork, PostWork
from wall.errors import CatalogueError, ClaimLost, FetchError, FriezeError, PictureError, StoreError, StoreRefused
from wall.origins import is_reference
from wall.pictures.studio import PictureStudio
from wall.store.base import Store
from wall.trouble import Trouble

POSTS_AT_ONCE = 4
# a worker that died gives its posts back after this; renewed at a third of it
LEASE = timedelta(seconds=15)
LOOK_SECONDS = 0.5
# a picture's host gets so many chances over about a quarter of an hour; then the post goes on without the picture
FETCH_ATTEMPTS = 6
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 600.0
# The end of our own trouble is the same for all that wait for it; the longer each waited on its own, the longer a wall
# would stay without them after it.
OWN_PAUSE = 15.0
UNEXPECTED = "Frieze stumbled over something in this post; its log says what."


class Worker:
    """Runs for ever in its own task; `folder` is for pictures on their way and is emptied as they leave."""

    def __init__(
        self,
        catalogue: Catalogue,
        sources: Mapping[str, Source],
        store: Store,
        studio: PictureStudio,
        *,
        holder: str,
        folder: Path,
    ) -> None:
        self._catalogue = catalogue
        self._sources = sources
        self._maker = Maker(store, studio, folder)
        self._holder = holder
        self._busy: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger("worker")
        # what keeps pictures waiting now, for the console; None while all goes well
        self._trouble = Trouble()
        self._claiming = Trouble()
        self._rest = Rest()

    @property
    def trouble(self) -> str | None:
        """The sentence for operators, None while all goes well."""
        return self._claiming.sentence or self._trouble.sentence

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            with self._catalogue.changed.listen() as listener:
                while True:
                    room = POSTS_AT_ONCE - len(self._busy)
                    if room == 0:
                        await asyncio.wait(self._busy, return_when=asyncio.FIRST_COMPLETED)
                        continue
                    await asyncio.sleep(self._rest.seconds())
                    claimed = await self._claim(room)
                    for work in claimed:
                        task = tasks.create_task(self._do_held(work))
                        self._busy.add(task)
                        task.add_done_callback(self._busy.discard)
                    if not claimed:
                        await listener.wait(LOOK_SECONDS)

    async def _claim(self, room: int) -> list[PostWork]:
        try:
            claimed = await self._catalogue.work.claim(list(self._sources), self._holder, LEASE, room)
        except CatalogueError as error:
            self._say_trouble(error, self._claiming)
            await asyncio.sleep(FIRST_PAUSE)
            return []
        self._claiming.over()
        return claimed

    async def _do_held(self, work: PostWork) -> None:
        try:
            await self._do(work)
        except ClaimLost:
            pass  # edited, removed or taken over: the newer work counts
        except FriezeError as error:
            self._say_trouble(error)
        except Exception:
            # only this post may suffer; it is tried again when its claim is over
            self._log.exception("a post was left behind", post=work.post_id)

    async def _do(self, work: PostWork) -> None:
        renewing = asyncio.create_task(self._keep(work))
        results: list[MediaResult] = []
        waiting: list[_Waiting] = []
        kept = False
        try:
            for media in work.media:
                try:
                    results.append(await self._maker.make(self._sources[work.source], media))
                except FriezeError as error:
                    found = _Waiting(error, ours=_is_ours(media, error))
                    if found.may_pass and not media.is_avatar and self._has_chances(work, error):
                        waiting.append(found)
                    else:
                        results.append(MediaResult(media_id=media.id, error=str(error)))
            if waiting:
                ours = all(one.ours for one in waiting)
                at = self._soon() if ours else self._next_chance(work)
                await self._catalogue.work.postpone(work, results, at, counts=not ours)
            else:
                await self._catalogue.work.finish(work, results)
                if any(result.renditions for result in results):  # a post that fails says nothing of the store
                    self._trouble.over()
                    self._rest.worked()
            kept = True
        except FriezeError:
            raise
        except Exception:
            # no source of ours makes such a post; left as it is it would stop every worker, one after the other
            self._log.exception("a post can't be worked on", post=work.post_id)
            await self._catalogue.work.fail(work, UNEXPECTED)
        finally:
            renewing.cancel()
            if not kept:
                await asyncio.shield(self._roll_back(work, results))
        for one in waiting:
            if isinstance(one.error, StoreError):
                self._say_trouble(one.error)
                if one.ours:
                    self._rest.failed()
                return

    async def _keep(self, work: PostWork) -> None:
        while True:
            await asyncio.sleep(LEASE.total_seconds() / 3)
            with suppress(CatalogueError):
                await self._catalogue.work.renew(work, LEASE)

    async def _roll_back(self, work: PostWork, results: Sequence[MediaResult]) -> None:
        # what the command line handed over was in the store before us, and the next worker needs it
        handed_over = {stored_key(origin) for media in work.media for origin in media.origins}
        made = [rendition for result in results for rendition in result.renditions if rendition.key not in handed_over]
        # Who can't be asked, may have been told: then they stay, for `frieze store reconcile`.
        with suppress(CatalogueError):
            named = await self._catalogue.stored.keys_of([result.media_id for result in results])
            await self._maker.delete([rendition for rendition in made if rendition.key not in named])
        with suppress(CatalogueError):
            await self._catalogue.work.release(work)

    def _has_chances(self, work: PostWork, error: FriezeError) -> bool:
        # our own trouble (store, pool) never costs a post its picture; a host that stays away does
        return work.attempts + 1 < FETCH_ATTEMPTS or not isinstance(error, FetchError | PictureError)

    def _next_chance(self, work: PostWork) -> datetime:
        return self._within(min(LONGEST_PAUSE, FIRST_PAUSE * 3 ** min(work.attempts, 8)))

    def _soon(self) -> datetime:
        return self._within(OWN_PAUSE)

    def _within(self, seconds: float) -> datetime:
        pause = random.uniform(seconds / 2, seconds)  # noqa: S311 - spreads load, hides nothing
        return self._catalogue.now() + timedelta(seconds=pause)

    def _say_trouble(self, error: FriezeError, trouble: Trouble | None = None) -> None:
        held_back = (trouble or self._trouble).worth_saying(str(error), asyncio.get_running_loop().time())
        if held_back is not None:
            self._log.warning("pictures wait", reason=str(error), repeats=held_back)


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Why a picture can't be had now. `ours`: of our own store or studio."""

    error: FriezeError
    ours: bool

    @property
    def may_pass(self) -> bool:
        # Our store refuses with a wrong password or a full quota: an operator mends that, and no picture is at fault.
        return self.error.temporary or (self.ours and isinstance(self.error, StoreRefused))


def _is_ours(media: MediaWork, error: FriezeError) -> bool:
    """Whether neither the picture, nor its host, nor a collection that belongs to somebody else is the cause."""
    keys = filter(None, map(stored_key, media.origins))
    return not isinstance(error, FetchError | PictureError) and not any(map(is_reference, keys))
