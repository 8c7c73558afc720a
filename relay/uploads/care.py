"""What has to happen though nobody asks: dead uploads are rolled back, what is left is deleted, walls reveal pictures.

Any number of relays do this; a claim decides which of them rolls a dead upload back.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from relay.uploads.refusals import STOPPING
from relay.uploads.rollback import delete_surely, roll_back
from relay.uploads.settings import UploadSettings
from wall.catalogue import Catalogue
from wall.catalogue.uploads import Upload
from wall.errors import CatalogueError, NotFound, StoreError
from wall.store.base import Store
from wall.trouble import Trouble
from wall.uploads import UploadState

AT_ONCE = 100
# of one look round: so many batches at most, and so many things that the store does not delete
_BATCHES = 50
_FAILURES = 20

_Look = Callable[[int, str], Awaitable[list[Upload]]]
_Clear = Callable[[Upload], Awaitable[None]]


class Care:
    """Runs for ever in its own task. `recovered` counts dead uploads that were rolled back."""

    def __init__(self, catalogue: Catalogue, store: Store, settings: UploadSettings, holder: str) -> None:
        self._catalogue = catalogue
        self._store = store
        self._settings = settings
        self._holder = holder
        self._log = structlog.get_logger("uploads")
        self._left = _Round(catalogue.leftovers.left, self._clean)
        self._quarantined = _Round(catalogue.leftovers.quarantined, self._release)
        self.recovered = 0

    async def run(self) -> None:
        # two, because nobody waits for a picture while a slow store deletes
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._every(self._settings.recover_every, self.recover))
            tasks.create_task(self._every(self._settings.reveal_every, self.reveal))

    async def recover(self) -> int:
        """Roll back what a process that died has left half-way, and delete what is left; how many were dead."""
        lease = timedelta(seconds=2 * self._settings.roll_back)
        dead = await self._catalogue.leftovers.dead(self._holder, lease, AT_ONCE)
        for held in dead:
            reason = held.upload.error or STOPPING
            await roll_back(self._catalogue, self._store, held, reason, self._settings.roll_back)
        self.recovered += len(dead)
        await self._tidy()
        return len(dead)

    async def reveal(self) -> None:
        """Show what walls have kept back until now."""
        for slug in await self._catalogue.reveals.due():
            while await self._catalogue.reveals.reveal(slug) == AT_ONCE:
                pass

    async def _tidy(self) -> None:
        """Raises StoreError when all is done but what the store did not delete."""
        troubles = [await self._left.go(), await self._quarantined.go()]
        await self._catalogue.leftovers.forget()
        for trouble in troubles:
            if trouble is not None:
                raise trouble

    async def _clean(self, upload: Upload) -> None:
        for key in upload.keys:
            await delete_surely(self._store, key)
        await self._catalogue.leftovers.clean(upload)

    async def _release(self, upload: Upload) -> None:
        # a copy within the store may end as late as what a guest sends; of what is stored, it is the file itself
        keys = (upload.quarantine,) if upload.state is UploadState.STORED else upload.keys
        for key in filter(None, keys):
            await delete_surely(self._store, key)
        await self._catalogue.leftovers.released(upload)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[object]]) -> None:
        trouble = Trouble()
        while True:
            try:
                await work()
                trouble.over()
            except NotFound:
                pass  # a wall that was just removed
            except (CatalogueError, StoreError) as error:
                if trouble.worth_saying(str(error), asyncio.get_running_loop().time()) is not None:
                    self._log.warning("uploads can't be looked after", reason=str(error))
            await asyncio.sleep(seconds)


class _Round:
    """Clears whatever `look` finds, a batch at a time. What can't be cleared keeps nothing behind it waiting: the next
    round goes on where this one had enough of it."""

    def __init__(self, look: _Look, clear: _Clear) -> None:
        self._look = look
        self._clear = clear
        self._after = ""

    async def go(self) -> StoreError | None:
        """The last error, when there was one. Raises CatalogueError."""
        trouble: StoreError | None = None
        failures = 0
        for _ in range(_BATCHES):
            found = await self._look(AT_ONCE, self._after)
            for upload in found:
                self._after = upload.id
                try:
                    await self._clear(upload)
                except StoreError as error:
                    trouble, failures = error, failures + 1
                    if failures == _FAILURES:
                        return trouble
            if len(found) < AT_ONCE:
                self._after = ""
                break
        return trouble
